#!/usr/bin/env python3.11
"""Makes the answers that src/eval/metrics is held to: random small cases, and what the references say of them.

tests/fixtures/metrics/golden.json holds a list of cases a metric, inputs and expected numbers together; null is a
number that the reference does not define. The Rust tests must agree within 1e-9.

    python3.11 -m venv metrics-venv
    metrics-venv/bin/pip install numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 pytrec_eval-terrier==0.5.11
    metrics-venv/bin/python scripts/make-metrics-golden.py            # writes tests/fixtures/metrics/golden.json
    metrics-venv/bin/python scripts/make-metrics-golden.py --check    # makes it elsewhere and compares

Other versions are refused: what ties and constants give has changed between versions before.

Choices a reader may wonder about:
 1. Inputs are short decimals or whole numbers, so that every reader of JSON gets the same floats.
 2. Bitext vectors are mostly small whole numbers divided by a power of two, not unit vectors: their inner products,
    sums of four and halves are exact in any order of summation, so that ties are ties in numpy and in Rust. Vectors of
    unit length, rounded, come too; they have no ties.
 3. Mining by margin is written here in numpy after the paper (Artetxe and Schwenk, 2019) and the behaviour of LASER,
    over whole matrices and with Python's sets, by another way than the Rust code. Thresholds are tried one by one.
 4. trec_eval has no reciprocal rank with a cut-off: it is zero here where the first relevant rank is beyond it.
"""

import argparse
import importlib.metadata
import json
import math
import pathlib
import re
import sys
import warnings

SEED = 20260212
GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "metrics" / "golden.json"
REQUIREMENTS = dict(re.findall(r"([\w-]+)==([\d.]+)", __doc__))
# Largest difference between two machines in --check: logarithms and sums may differ in their last digits.
TOLERANCE = 1e-12
CUTOFFS = [1, 3, 5, 10, 100]
NEIGHBOURS = 4

for package, wanted in REQUIREMENTS.items():
    try:
        found = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        found = "nothing"
    if found != wanted:
        sys.exit(f"make-metrics-golden: {package} {wanted} is needed, {found} is installed: see the head of this file")

import numpy
import pytrec_eval
import scipy.stats
import sklearn.metrics

warnings.filterwarnings("ignore")


def number(value):
    """A float for JSON; null for what is not defined."""
    value = float(value)
    return value if math.isfinite(value) else None


def correlation_cases(random):
    lists = [([], []), ([1.0], [2.0]), ([1.0, 2.0], [5.0, 3.0]), ([0.1] * 7, list(range(7))), ([3, 3], [1, 2])]
    # The mean of 0.1 ten times is not 0.1: a constant must not become a direction.
    lists += [([0.1] * 10, [0.2] * 9 + [0.3]), ([-0.0, 0.0, 1.0], [1, 2, 3])]
    # Squares of these are below the smallest float.
    lists += [([1e-200, 2e-200, 4e-200], [1.0, 2.0, 3.0])]
    for case in range(50):
        items = int(random.integers(2, 40))
        levels = int(random.choice([2, 3, 5, 1000]))
        a = random.integers(0, levels, items) / 4
        b = random.integers(0, levels, items) / 8
        if case % 3 == 0:
            b = numpy.round(0.7 * a + 0.1 * b, 6)
        if case % 7 == 0:
            a = numpy.round(random.normal(1000, 0.01, items), 6)
        lists.append((a.tolist(), b.tolist()))
    for a, b in lists:
        pearson, spearman = None, None
        if len(a) >= 2:
            pearson = number(scipy.stats.pearsonr(a, b).statistic)
            spearman = number(scipy.stats.spearmanr(a, b).statistic)
        yield {"a": a, "b": b, "pearson": pearson, "spearman": spearman}


def ranking_cases(random):
    for case in range(60):
        documents = int(random.choice([1, 2, 5, 12, 40]))
        # Ids whose order as strings is not that of their numbers.
        names = [f"d{number}" for number in random.permutation(documents * 3)[: documents * 2]]
        ranked, others = names[:documents], names[documents:]
        levels = int(random.choice([1, 2, 4, 1000]))
        scores = random.integers(-levels, levels, documents) / 8
        if case % 5 == 0:
            # Different as f64, the same as f32.
            scores = scores + numpy.round(random.integers(0, 3, documents) * 1e-10, 10)
        if case % 6 == 0:
            # Different as f32, by little.
            scores = 0.5 + random.integers(0, 3, documents) * 1e-6
        results = {name: float(round(score, 10)) for name, score in zip(ranked, scores)}
        grades = int(random.choice([1, 3, 7]))
        # Relevant documents among those ranked and those that are missing; in some cases among the missing alone.
        pool = others if case % 8 == 0 else names
        judged = random.choice(pool, size=int(random.integers(1, len(pool) + 1)), replace=False).tolist()
        gains = {name: int(random.integers(0, grades + 1)) for name in judged}
        gains[judged[0]] = grades
        measures = {f"ndcg_cut.{k}" for k in CUTOFFS} | {f"recall.{k}" for k in CUTOFFS} | {f"P.{k}" for k in CUTOFFS}
        evaluator = pytrec_eval.RelevanceEvaluator({"q": gains}, measures | {"recip_rank", "map"})
        said = evaluator.evaluate({"q": results})["q"]
        reciprocal = said["recip_rank"]
        yield {
            "results": list(results.items()),
            "gains": list(gains.items()),
            "average_precision": number(said["map"]),
            "at": [
                {
                    "k": k,
                    "ndcg": number(said[f"ndcg_cut_{k}"]),
                    "recall": number(said[f"recall_{k}"]),
                    "precision": number(said[f"P_{k}"]),
                    "mrr": number(reciprocal if reciprocal * (k + 0.5) > 1 else 0),
                }
                for k in CUTOFFS
            ],
        }


def classes_at(scores, labels, threshold):
    called = [score >= threshold for score in scores]
    return {
        "f1": number(sklearn.metrics.f1_score(labels, called, zero_division=numpy.nan)),
        "precision": number(sklearn.metrics.precision_score(labels, called, zero_division=numpy.nan)),
        "recall": number(sklearn.metrics.recall_score(labels, called, zero_division=numpy.nan)),
        "accuracy": number(sklearn.metrics.accuracy_score(labels, called)),
    }


def halfway(scores):
    """Thresholds, highest first: between distinct scores, and the lowest score."""
    distinct = sorted(set(scores), reverse=True)
    return [(above + below) / 2 for above, below in zip(distinct, distinct[1:])] + distinct[-1:]


def pair_cases(random):
    for case in range(50):
        pairs = int(random.choice([1, 2, 3, 8, 30]))
        levels = int(random.choice([1, 2, 4, 1000]))
        labels = random.integers(0, 2, pairs).astype(bool)
        scores = ((random.integers(-levels, levels, pairs) + labels * levels / 4) / 64).tolist()
        if case % 9 == 0:
            labels[:] = case % 2 == 0
        labels = labels.tolist()
        some_true = any(labels)
        thresholds = halfway(scores)
        at = {threshold: classes_at(scores, labels, threshold) for threshold in thresholds}
        # max() keeps the first of equals, and thresholds come highest first.
        f1 = max(thresholds, key=lambda threshold: at[threshold]["f1"]) if some_true else None
        nothing = sklearn.metrics.accuracy_score(labels, [False] * pairs)
        accuracy = max([nothing] + [at[threshold]["accuracy"] for threshold in thresholds])
        chosen = [threshold for threshold in thresholds if at[threshold]["accuracy"] == accuracy]
        some = float(random.integers(-levels, levels) / 64)
        yield {
            "scores": scores,
            "labels": labels,
            "average_precision": number(sklearn.metrics.average_precision_score(labels, scores)) if some_true else None,
            "best_f1": {"threshold": f1, **at[f1]} if some_true else None,
            # null: the best is to call no pair positive.
            "best_accuracy": {"threshold": None if accuracy == nothing else chosen[0], "accuracy": number(accuracy)},
            "at": {"threshold": some, **classes_at(scores, labels, some)},
        }


def mined_f1(similarities):
    rows = len(similarities)
    kept = min(NEIGHBOURS, rows)
    nearest = {  # Stable sorts: of equals the first.
        "forward": numpy.argsort(-similarities, axis=1, kind="stable")[:, :kept],
        "backward": numpy.argsort(-similarities.T, axis=1, kind="stable")[:, :kept],
    }
    mean_first = numpy.sort(similarities, axis=1)[:, -kept:].mean(axis=1)
    mean_second = numpy.sort(similarities, axis=0)[-kept:, :].mean(axis=0)
    under = numpy.add.outer(mean_first, mean_second) / 2
    margins = similarities / under
    margins[~((under > 0) & (margins > 0))] = -numpy.inf
    candidates = []
    for first in range(rows):
        second = max(nearest["forward"][first], key=lambda second: margins[first, second])
        candidates.append((margins[first, second], first, int(second)))
    for second in range(rows):
        first = max(nearest["backward"][second], key=lambda first: margins[first, second])
        candidates.append((margins[first, second], int(first), second))
    first_seen, second_seen, mined = set(), set(), []
    for margin, first, second in sorted(candidates, key=lambda candidate: -candidate[0]):
        if margin > 0 and first not in first_seen and second not in second_seen:
            first_seen.add(first)
            second_seen.add(second)
            mined.append((float(margin), first == second))
    best = None
    for threshold in halfway([margin for margin, _ in mined]):
        kept = [right for margin, right in mined if margin >= threshold]
        precision, recall = sum(kept) / len(kept), sum(kept) / rows
        f1 = 2 * sum(kept) / (len(kept) + rows)
        if best is None or f1 > best["f1"]:
            best = {"threshold": threshold, "f1": f1, "precision": precision, "recall": recall}
    return best


def nearest_f1(nearest):
    return number(sklearn.metrics.f1_score(range(len(nearest)), nearest, average="weighted", zero_division=0))


def bitext_cases(random):
    for case in range(40):
        rows = int(random.choice([1, 2, 3, 4, 5, 9, 18]))
        dims = int(random.choice([2, 3, 5]))
        if case % 4 == 3:
            first = random.normal(size=(rows, dims))
            second = first + random.normal(size=(rows, dims)) * 0.7
            first, second = (side / numpy.linalg.norm(side, axis=1, keepdims=True) for side in (first, second))
            first, second = numpy.round(first, 5), numpy.round(second, 5)
        else:
            # From all-positive to centred: then means of similarities fall below zero here and there.
            least = int(random.choice([0, -1, -4]))
            first = random.integers(least, 5, (rows, dims)) / 8
            second = first + random.integers(-1, 2, (rows, dims)) / 8
        exact_first, exact_second = (side.astype(numpy.float32).astype(numpy.float64) for side in (first, second))
        similarities = exact_first @ exact_second.T
        forward, backward = similarities.argmax(axis=1), similarities.argmax(axis=0)
        numbers = numpy.arange(rows)
        yield {
            "dims": dims,
            "first": first.ravel().tolist(),
            "second": second.ravel().tolist(),
            "accuracy": [number((forward == numbers).mean()), number((backward == numbers).mean())],
            "nearest_f1": [nearest_f1(forward), nearest_f1(backward)],
            "margin_f1": mined_f1(similarities),
        }


def clustering_cases(random):
    labels = [([], []), ([7], [9]), ([1, 1, 1], [4, 4, 4]), ([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [3, 1, 2])]
    labels += [([0, 0, 1, 1], [0, 1, 0, 1]), ([0, 0, 1, 1], [5, 5, 5, 5])]
    for case in range(40):
        items = int(random.choice([2, 5, 20, 60]))
        truth = random.integers(0, int(random.choice([1, 2, 5, 50])), items)
        found = random.integers(0, int(random.choice([1, 2, 5, 50])), items)
        if case % 2:
            found = numpy.where(random.random(items) < 0.7, truth + 100, found)
        labels.append((truth.tolist(), found.tolist()))
    for truth, found in labels:
        homogeneity, completeness, v_measure = sklearn.metrics.homogeneity_completeness_v_measure(truth, found)
        yield {
            "truth": truth,
            "found": found,
            "adjusted_rand_index": number(sklearn.metrics.adjusted_rand_score(truth, found)),
            "homogeneity": number(homogeneity),
            "completeness": number(completeness),
            "v_measure": number(v_measure),
        }


def split_mix(seed):
    """SplitMix64: the paper of Steele, Lea and Flood (2014)."""
    mask = 2**64 - 1
    while True:
        seed = (seed + 0x9E3779B97F4A7C15) & mask
        mixed = seed
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & mask
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & mask
        yield mixed ^ (mixed >> 31)


def bootstrap_cases(random):
    for items, resamples, seed in [(1, 5, 1), (2, 1, 2), (7, 40, 3), (25, 101, 4), (60, 200, 2**63)]:
        values = numpy.round(random.random(items), 4)
        drawn = split_mix(seed)
        places = numpy.array([[next(drawn) * items >> 64 for _ in range(items)] for _ in range(resamples)])
        mean = numpy.percentile(values[places].mean(axis=1), [2.5, 97.5])
        median = numpy.percentile(numpy.median(values[places], axis=1), [2.5, 97.5])
        yield {
            "values": values.tolist(),
            "resamples": resamples,
            "seed": seed,
            "mean": mean.tolist(),
            "median": median.tolist(),
        }


CASES = {
    "correlation": correlation_cases,
    "ranking": ranking_cases,
    "pairs": pair_cases,
    "bitext": bitext_cases,
    "clustering": clustering_cases,
    "bootstrap": bootstrap_cases,
}


def make():
    golden = {"made_by": "scripts/make-metrics-golden.py", "seed": SEED, "versions": REQUIREMENTS}
    for at, (name, cases) in enumerate(CASES.items()):
        # A stream of its own for each: a change of one leaves the others as they are.
        golden[name] = list(cases(numpy.random.default_rng([SEED, at])))
    return golden


def text_of(golden):
    """JSON with one case a line."""
    parts = []
    for name, value in golden.items():
        if name in CASES:
            value = "[\n  " + ",\n  ".join(json.dumps(case, separators=(",", ":")) for case in value) + "\n ]"
        else:
            value = json.dumps(value)
        parts.append(f" {json.dumps(name)}: {value}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def differences(kept, made, place="golden"):
    if isinstance(kept, float) and isinstance(made, float):
        if abs(kept - made) > TOLERANCE:
            yield f"{place}: {kept} was kept, {made} was made"
    elif type(kept) is not type(made) or not isinstance(kept, (dict, list)):
        if kept != made:
            yield f"{place}: {kept} was kept, {made} was made"
    elif len(kept) != len(made):
        yield f"{place}: {len(kept)} were kept, {len(made)} were made"
    else:
        for key in kept if isinstance(kept, dict) else range(len(kept)):
            if isinstance(kept, dict) and key not in made:
                yield f"{place}.{key}: is not made"
            else:
                yield from differences(kept[key], made[key], f"{place}.{key}")


def main():
    parser = argparse.ArgumentParser(description="Makes tests/fixtures/metrics/golden.json.")
    parser.add_argument("--check", action="store_true", help="make it and compare with what is kept")
    arguments = parser.parse_args()
    text = text_of(make())
    if arguments.check:
        found = list(differences(json.loads(GOLDEN.read_text(encoding="utf-8")), json.loads(text)))
        for difference in found:
            print(difference, file=sys.stderr)
        if found:
            sys.exit(f"make-metrics-golden: {len(found)} numbers are not what this script makes")
        print("as expected")
    else:
        GOLDEN.parent.mkdir(parents=True, exist_ok=True)
        GOLDEN.write_text(text, encoding="utf-8")
        print(f"{len(text)} bytes")


if __name__ == "__main__":
    main()
