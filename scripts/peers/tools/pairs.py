"""Judges what was found to be duplicates, and prints it as JSON: an object for each file found.

    pairs.py --articles articles.jsonl --truth TRUTH.tsv FOUND.jsonl…

A line of a file found is a list of ids: any two of them are a pair. `recall` has, for each band of true similarity, how many
of its pairs were found, and how many there are. Precision is by runs of five words, counted exactly, of all the pairs or
of JUDGED of them drawn at random: `shared` is the share of them with a Jaccard index of 0.1 or a containment of 0.2 at least,
which is what the truth holds, `some` that with a containment of 0.1; `jaccard` has the share with a Jaccard index of no less than each of LEVELS.
"""

import argparse
import csv
import json
from pathlib import Path

import numpy

WORDS = 5
JUDGED = 50_000
LEVELS = (0.5, 0.7)
SEED = 20240607
# Names, and what is in them, by Jaccard index and containment.
BANDS = {
    "J 0.8–1": lambda jaccard, containment: jaccard >= 0.8,
    "J 0.5–0.8": lambda jaccard, containment: 0.5 <= jaccard < 0.8,
    "J 0.3–0.5": lambda jaccard, containment: 0.3 <= jaccard < 0.5,
    "J 0.2–0.3": lambda jaccard, containment: 0.2 <= jaccard < 0.3,
    "J 0.1–0.2": lambda jaccard, containment: 0.1 <= jaccard < 0.2,
    "C ≥ 0.5, J < 0.3": lambda jaccard, containment: containment >= 0.5 and jaccard < 0.3,
}


def shingles(words):
    """The runs of five words of a text, each once, as ascending numbers."""
    words = words.split(" ")
    runs = {hash(" ".join(words[at : at + WORDS])) for at in range(max(1, len(words) - WORDS + 1))}
    return numpy.array(sorted(runs), dtype="int64")


class Pairs:
    """Pairs of articles as numbers: the place of the earlier times all articles, plus that of the other."""

    def __init__(self, ids):
        self.places = {id: place for place, id in enumerate(ids)}

    def between(self, a, b):
        return numpy.minimum(a, b) * len(self.places) + numpy.maximum(a, b)

    def within(self, groups):
        """All pairs within groups, ascending, each once."""
        found = [numpy.empty(0, dtype="int64")]
        for group in groups:
            members = numpy.unique([self.places[id] for id in group])
            a, b = numpy.triu_indices(len(members), 1)
            found.append(self.between(members[a], members[b]))
        return numpy.unique(numpy.concatenate(found))

    def apart(self, pairs):
        return numpy.divmod(pairs, len(self.places))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--articles", type=Path, required=True)
    arguments.add_argument("--truth", type=Path, required=True)
    arguments.add_argument("found", type=Path, nargs="+")
    given = arguments.parse_args()
    with open(given.articles, encoding="utf-8") as lines:
        articles = list(map(json.loads, lines))
    every = Pairs([article["id"] for article in articles])
    bands = {name: [] for name in BANDS}
    with open(given.truth, encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            if not {row["id1"], row["id2"]} <= every.places.keys():
                raise SystemExit(f"{given.truth}: {row['id1']} or {row['id2']} is no id of the articles")
            pair = every.between(every.places[row["id1"]], every.places[row["id2"]])
            for name, holds in BANDS.items():
                if holds(float(row["jaccard5"]), float(row["containment5"])):
                    bands[name].append(pair)

    sets = {}

    def of(place):
        if place not in sets:
            sets[place] = shingles(articles[place]["words"])
        return sets[place]

    def similarity(a, b):
        a, b = of(a), of(b)
        both = len(numpy.intersect1d(a, b, assume_unique=True))
        return both / (len(a) + len(b) - both), both / min(len(a), len(b))

    judged = {}
    for file in given.found:
        with open(file, encoding="utf-8") as lines:
            pairs = every.within(map(json.loads, lines))
        drawn = pairs
        if len(pairs) > JUDGED:
            drawn = numpy.random.default_rng(SEED).choice(pairs, JUDGED, replace=False)
        exact = numpy.array([similarity(a, b) for a, b in zip(*every.apart(drawn))]).reshape(-1, 2)
        jaccard, containment = exact.T
        judged[str(file)] = {
            "pairs": len(pairs),
            "recall": {name: [int(numpy.isin(band, pairs).sum()), len(band)] for name, band in bands.items()},
            "shared": float(((jaccard >= 0.1) | (containment >= 0.2)).mean()) if len(drawn) else None,
            "some": float((containment >= 0.1).mean()) if len(drawn) else None,
            "jaccard": {level: float((jaccard >= level).mean()) if len(drawn) else None for level in LEVELS},
        }
    print(json.dumps(judged, ensure_ascii=False))


if __name__ == "__main__":
    main()
