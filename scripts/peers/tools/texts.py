"""Cuts articles into the two mixes that every engine is given, and a few passages more to calibrate int8 with.

    texts.py --articles PATH --tokenizer tokenizer.json --passages N --to texts.json

PATH is a folder of .txt, .md, .jsonl and .jsonl.zst files, or one such file. A passage is a run of whole sentences of
one article; a short text is one sentence. Lengths are counted by the model's own tokenizer, so that the mixes have
about the same number of tokens under every model.
"""

import argparse
import io
import json
import random
import re
from pathlib import Path

import zstandard
from tokenizers import Tokenizer

# Tokens of a passage at most, special tokens included; whole sentences fill about 160 of them on average. A sentence that
# is longer by itself stays whole, and is cut at the limit of the model.
PASSAGE_TOKENS = 190
# A passage of fewer tokens is what was left at the end of an article.
SHORTEST_PASSAGE = 90
# Sentences within these bounds have about 27 tokens on average.
SHORT_TOKENS = range(10, 46)
# Short texts for each passage: a sixth of the length, so half as many tokens in all.
SHORT_A_PASSAGE = 3
CALIBRATION = 100
SEED = 20240607

# Fields of a JSON article that hold its body, the first that is there.
BODIES = ("text", "article", "body")


def records(path):
    """The objects of a .jsonl or .jsonl.zst file."""
    with open(path, "rb") as raw:
        plain = raw if path.suffix == ".jsonl" else zstandard.ZstdDecompressor().stream_reader(raw)
        yield from map(json.loads, io.TextIOWrapper(plain, encoding="utf-8"))


def first(article, fields):
    """What the first of these fields that is there holds."""
    return next((article[field] for field in fields if article.get(field)), "")


def read(path):
    """The bodies of the articles in a file, or in the files of a folder, in a fixed order."""
    if path.is_dir():
        for file in sorted(path.iterdir()):
            if file.is_file():
                yield from read(file)
    elif path.name.endswith((".jsonl", ".jsonl.zst")):
        for article in records(path):
            yield first(article, BODIES)
    elif path.suffix in (".txt", ".md"):
        text = path.read_bytes().decode("utf-8", errors="replace")
        yield re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)


def sentences(body):
    """The sentences of a body, roughly: it is only their lengths that matter here."""
    return [part for part in (part.strip() for part in re.split(r"(?<=[.!?…»])\s+(?=[«A-ZÀ-Ý])|\n+", body)) if part]


def passages(parts, lengths):
    """Whole sentences side by side, up to PASSAGE_TOKENS."""
    run, room = [], 0
    for part, length in zip(parts, lengths):
        if run and length > room:
            yield " ".join(run), PASSAGE_TOKENS - room
            run, room = [], 0
        if not run:
            room = PASSAGE_TOKENS - 2
        run.append(part)
        room -= length
    if run:
        yield " ".join(run), PASSAGE_TOKENS - room


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--articles", type=Path, required=True)
    arguments.add_argument("--tokenizer", required=True)
    arguments.add_argument("--passages", type=int, required=True)
    arguments.add_argument("--to", type=Path, required=True)
    given = arguments.parse_args()

    tokenizer = Tokenizer.from_file(given.tokenizer)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    long, short = {}, {}
    for body in read(given.articles):
        parts = sentences(body)
        if not parts:
            continue
        lengths = [len(encoding.ids) for encoding in tokenizer.encode_batch(parts, add_special_tokens=False)]
        long.update((text, None) for text, length in passages(parts, lengths) if length >= SHORTEST_PASSAGE)
        short.update((text, None) for text, length in zip(parts, lengths) if length + 2 in SHORT_TOKENS)
        # Enough to draw from; the rest of a large archive need not be read.
        if len(long) > 10 * (given.passages + CALIBRATION):
            break
    if not long:
        raise SystemExit(f"{given.articles}: no article is long enough for a passage of {SHORTEST_PASSAGE} tokens")
    draw = random.Random(SEED)
    long, short = list(long), list(short)
    draw.shuffle(long)
    draw.shuffle(short)
    # Few articles: int8 is then calibrated on the very texts that are measured.
    calibration = long[given.passages :][:CALIBRATION] or long[:CALIBRATION]
    mixes = {"passages": long[: given.passages], "short": short[: SHORT_A_PASSAGE * given.passages]}
    given.to.write_text(json.dumps({**mixes, "calibration": calibration}, ensure_ascii=False))


if __name__ == "__main__":
    main()
