"""Measures a model with `voisin eval`, which users can run, too; and the table of the model card from what it says."""

import json
import shutil
import subprocess
from pathlib import Path

import sources

SETS = (
    "stsb/*-dev.tsv",
    "pawsx/dev-*.tsv",
    "flores200/*.txt",
    "retrieval/news/dev.*",
    "retrieval/afriqa-fr/*",
)


def development(data: Path, out: Path) -> Path:
    """The evaluation sets of the data folder, with PIAF's questions on passages that training never saw as a set of its own."""
    shutil.rmtree(out, ignore_errors=True)
    for pattern in SETS:
        for path in sorted((data / "eval").glob(pattern)):
            name = path.relative_to(data / "eval")
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (out / name).symlink_to(path.resolve())
    piaf = data / "eval" / "retrieval" / "piaf" / "piaf-v1.1.passages.jsonl"
    seen = set(sources.trained([json.loads(line)["pid"] for line in piaf.read_text().splitlines()]))
    held = out / "retrieval" / "piaf-held-out"
    held.mkdir(parents=True)
    (held / "passages.jsonl").symlink_to(piaf.resolve())
    questions = piaf.with_name("piaf-v1.1.queries.jsonl").read_text().splitlines()
    (held / "queries.jsonl").write_text(
        "".join(line + "\n" for line in questions if json.loads(line)["pid"] not in seen)
    )
    return out


def measure(voisin: Path, model: Path, data: Path, dims: int | None = None) -> list[dict]:
    """The rows of `voisin eval all` for a model folder."""
    command = [str(voisin), "eval", "all", "--data", str(data), "--model", str(model)]
    command += ["--json", "--offline", "--precision", "auto"]
    command += ["--dims", str(dims)] if dims else []
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"voisin eval failed with status {done.returncode}")
    return [json.loads(line) for line in done.stdout.splitlines()]


# (row of the card, task, data, metric, mode)
ROWS = [
    ("STS-B fr dev, Spearman", "sts", "stsb/fr-dev", "spearman", None),
    ("STS-B en dev, Spearman", "sts", "stsb/en-dev", "spearman", None),
    ("FLORES-200 fr>en, accuracy", "bitext", "flores200/fra_Latn-eng_Latn", "accuracy", None),
    ("news title > article, nDCG@10", "retrieval", "retrieval/news/dev title", "ndcg@10", "semantic"),
    ("news abstract > article, nDCG@10", "retrieval", "retrieval/news/dev abstract", "ndcg@10", "semantic"),
    ("PIAF, held-out passages, nDCG@10", "retrieval", "retrieval/piaf-held-out", "ndcg@10", "semantic"),
    ("AfriQA fr, nDCG@10", "retrieval", "retrieval/afriqa-fr", "ndcg@10", "semantic"),
    ("PAWS-X fr dev, AP", "pairs", "pawsx/dev-fr", "ap", None),
    ("PAWS-X en dev, AP", "pairs", "pawsx/dev-en", "ap", None),
] + [
    (f"FLORES-200 {lang}>fr, accuracy", "bitext", f"flores200/fra_Latn-{code}", "accuracy_back", None)
    for lang, code in {
        "de": "deu_Latn",
        "es": "spa_Latn",
        "it": "ita_Latn",
        "pt": "por_Latn",
        "nl": "nld_Latn",
        "ru": "rus_Cyrl",
        "ar": "arb_Arab",
    }.items()
]


def table(columns: dict[str, list[dict]]) -> str:
    """Markdown: a row for each of ROWS, a column for each list of rows; percents with 95 % intervals."""
    lines = ["| set | " + " | ".join(columns) + " |", "| --- |" + " --- |" * len(columns)]
    for title, task, data, metric, mode in ROWS:
        cells = []
        for rows in columns.values():
            found = [
                row
                for row in rows
                if row["task"] == task and row["data"] == data and mode in (None, row.get("mode"))
            ]
            cells.append(_cell(found[0], metric) if found else "")
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(row, metric):
    value = f"{100 * row['metrics'][metric]:.1f}"
    interval = row.get("ci95", {}).get(metric)
    return value + (f" ({100 * interval[0]:.1f}-{100 * interval[1]:.1f})" if interval else "")
