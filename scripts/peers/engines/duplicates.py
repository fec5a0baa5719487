"""What the engines that find duplicates share: their command line, the request, what they answer.

An engine is a class with `version`, `reports` (what it tells of duplicates) and `find(articles, given)`. That gives
groups of ids; any two ids of a group are said to be duplicates.
"""

import argparse
import json
import time
from pathlib import Path

from protocol import serve

WORDS = 5


def shingles(words):
    """The runs of five of the words of a text, each once; a shorter text is one run."""
    words = words.split(" ")
    return list({" ".join(words[at : at + WORDS]) for at in range(max(1, len(words) - WORDS + 1))})


def groups(kept):
    """Groups of what was found to be like each of the articles that are kept: pairs (article, kept)."""
    around = {}
    for article, like in kept:
        around.setdefault(like, []).append(article)
    return [[like, *articles] for like, articles in around.items()]


def write(path, found):
    with open(path, "w", encoding="utf-8") as file:
        for group in found:
            print(json.dumps(group), file=file)


def run(name, make):
    """Serves the request with the engine that make() gives."""
    parser = argparse.ArgumentParser(description=name)
    parser.add_argument("--articles", type=Path, required=True, help="as tools/articles.py writes them")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--threshold", type=float, required=True)
    parser.add_argument("--permutations", type=int, help="of MinHash")
    parser.add_argument("--vectors", type=Path, help="of the articles, for an engine that compares vectors")
    parser.add_argument("--scratch", type=Path, required=True, help="an empty folder")
    given = parser.parse_args()
    engine = articles = None

    def load():
        nonlocal engine, articles
        engine = make()
        with open(given.articles, encoding="utf-8") as lines:
            articles = list(map(json.loads, lines))
        return {"engine": name, "version": engine.version, "reports": engine.reports, "where": "no"}

    def answer(request):
        start = time.perf_counter()
        found = list(engine.find(articles, given))
        seconds = time.perf_counter() - start
        write(request["find"], found)
        return {"seconds": seconds}

    serve(load, answer)
