"""voisin: `voisin index`, then `voisin duplicates --json`, each a process of its own.

    voisin_engine.py --voisin PROGRAM --articles FILE --store FOLDER --scratch FOLDER

`{"build": 2}` indexes the articles into the store, without vectors of an earlier run. `{"find": FILE}` lists the duplicates in
a copy of the store, which stays from one such request to the next. It lacks the register of copies that indexing made, so
that the first compares everything.
"""

import argparse
import itertools
import json
import shutil
import subprocess
import time
from pathlib import Path

from duplicates import write
from protocol import serve

# Relations between articles that need not share any text.
NO_COPIES = {"same-story"}


def copies(lines):
    """Groups of ids, of the pairs that are copies. Each identical copy stands in pairs with the first only: it is in all the
    pairs that this one is in."""
    pairs, same = [], {}
    for line in map(json.loads, lines):
        if line["kind"] == "pair" and line["relation"] not in NO_COPIES:
            a, b = line["a"]["id"], line["b"]["id"]
            if line["relation"] == "identical":
                group = same.setdefault(a, [a]) + [one for one in same.get(b, [b]) if one not in same[a]]
                same.update((one, group) for one in group)
            else:
                pairs.append((a, b))
    for group in {id(group): group for group in same.values()}.values():
        yield group
    for a, b in pairs:
        yield from itertools.product(same.get(a, [a]), same.get(b, [b]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voisin", required=True)
    parser.add_argument("--articles", type=Path, required=True, help="as voisin reads them")
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--scratch", type=Path, required=True, help="an empty folder")
    given = parser.parse_args()
    copy = given.scratch / "store"

    def timed(command, store, *arguments):
        start = time.perf_counter()
        line = [given.voisin, command, "--quiet", "--store", store, *arguments]
        done = subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True)
        return time.perf_counter() - start, done.stdout

    def load():
        version = subprocess.run([given.voisin, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
        return {"engine": "voisin", "version": version.split()[-1], "reports": "pairs, groups", "where": "yes"}

    def answer(request):
        if "build" in request:
            shutil.rmtree(given.store, ignore_errors=True)
            threads = ["--threads", str(request["build"])]
            return {"seconds": timed("index", given.store, "--cache", "none", *threads, given.articles)[0]}
        if not copy.exists():
            shutil.copytree(given.store, copy, ignore=shutil.ignore_patterns("copies.*"))
        seconds, output = timed("duplicates", copy, "--json")
        write(request["find"], copies(output.splitlines()))
        return {"seconds": seconds}

    serve(load, answer)


if __name__ == "__main__":
    main()
