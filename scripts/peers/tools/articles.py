"""Writes articles as every engine that finds duplicates is given them, one JSON object a line.

    articles.py --articles FILE.jsonl.zst --to articles.jsonl

`id`; `text`, the lead and the body as published; `words`, the same in lower case without all that is neither letter nor digit.
"""

import argparse
import json
import re
from pathlib import Path

from texts import BODIES, first, records

# Fields of a JSON article that hold its lead, the first that is there.
LEADS = ("abstract", "lead", "summary")
WORD = re.compile(r"[^\W_]+")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--articles", type=Path, required=True)
    arguments.add_argument("--to", type=Path, required=True)
    given = arguments.parse_args()
    with open(given.to, "w", encoding="utf-8") as out:
        for article in records(given.articles):
            text = "\n\n".join(filter(None, (first(article, LEADS), first(article, BODIES))))
            line = {"id": str(article["id"]), "text": text, "words": " ".join(WORD.findall(text.lower()))}
            print(json.dumps(line, ensure_ascii=False), file=out)


if __name__ == "__main__":
    main()
