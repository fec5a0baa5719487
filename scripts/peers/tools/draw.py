"""Draws pairs of articles, as many of each degree of likeness as there are, and writes their texts as JSON Lines.

    draw.py --articles articles.jsonl.zst --truth pairs.tsv --pairs N --to pairs.jsonl

The truth is tab-separated, with the columns id1, id2 and jaccard5 (the Jaccard index of their runs of five words). An article is
an object with an id; its text is its abstract, a blank line and the article itself, as `voisin ingest` reads it.
"""

import argparse
import csv
import io
import json
import random
from pathlib import Path

import zstandard

# Lower bounds of the bands of the Jaccard index.
BANDS = (0, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95, 1)
SEED = 20201121


def drawn(truth, count):
    """Pairs from all bands in turn, as long as each has some left."""
    bands = {band: [] for band in BANDS}
    for row in truth:
        bands[max(band for band in BANDS if band <= float(row["jaccard5"]))].append(row)
    draw = random.Random(SEED)
    for rows in bands.values():
        draw.shuffle(rows)
    found = []
    while len(found) < count and any(bands.values()):
        found += [(band, rows.pop()) for band, rows in bands.items() if rows][: count - len(found)]
    return found


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--articles", type=Path, required=True)
    arguments.add_argument("--truth", type=Path, required=True)
    arguments.add_argument("--pairs", type=int, required=True)
    arguments.add_argument("--to", type=Path, required=True)
    given = arguments.parse_args()

    with open(given.truth, newline="") as truth:
        pairs = drawn(csv.DictReader(truth, delimiter="\t"), given.pairs)
    wanted = {row[name] for _, row in pairs for name in ("id1", "id2")}
    texts = {}
    with open(given.articles, "rb") as raw:
        plain = raw if given.articles.suffix == ".jsonl" else zstandard.ZstdDecompressor().stream_reader(raw)
        for article in map(json.loads, io.TextIOWrapper(plain, encoding="utf-8")):
            if str(article["id"]) in wanted:
                parts = [(article.get(field) or "").rstrip() for field in ("abstract", "article")]
                texts[str(article["id"])] = "\n\n".join(filter(None, parts))
    with open(given.to, "w", encoding="utf-8") as to:
        for band, row in sorted(pairs, key=lambda pair: pair[0]):
            pair = {"band": band, "a": texts[row["id1"]], "b": texts[row["id2"]]}
            to.write(json.dumps(pair, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
