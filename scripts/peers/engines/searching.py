"""What the search engines share: their command line and the requests.

An engine is a class with `version`, `build(vectors, threads, path)`, `load(path)` and `search(queries, k, width)`, which
gives the rows found, (queries, k). A search runs on one thread.
"""

import argparse
import time
from pathlib import Path

import numpy
from protocol import serve

K = 10
LINKS = 16
BUILD_WIDTH = 200
WIDTHS = [16, 32, 64, 96, 128, 192, 256]


def memory():
    """Resident memory of this process in bytes, mapped files included; 0 where the system does not say."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


def timed(action):
    """Seconds of an action, and its result."""
    start = time.perf_counter()
    result = action()
    return time.perf_counter() - start, result


def run(name, make):
    """Serves the requests with the engine that make() gives."""
    parser = argparse.ArgumentParser(description=name)
    parser.add_argument("--vectors", type=Path, required=True)
    parser.add_argument("--queries", type=Path, required=True)
    parser.add_argument("--index", type=Path, required=True, help="where the engine keeps its index")
    given = parser.parse_args()
    engine = queries = before = None

    def load():
        nonlocal engine, queries, before
        engine, queries = make(), numpy.load(given.queries)
        engine.dims = queries.shape[1]
        before = memory()
        return {"engine": name, "version": engine.version, "precision": "f32", "widths": WIDTHS}

    def answer(request):
        if "build" in request:
            vectors = numpy.load(given.vectors)
            given.index.parent.mkdir(parents=True, exist_ok=True)
            seconds, _ = timed(lambda: engine.build(vectors, request["build"], str(given.index)))
            return {"seconds": seconds}
        if "load" in request:
            return {"seconds": timed(lambda: engine.load(str(given.index)))[0]}
        if "memory" in request:
            return {"megabytes": (memory() - before) / 1e6}
        seconds, rows = timed(lambda: engine.search(queries, K, request["search"]))
        if "to" in request:
            numpy.save(request["to"], numpy.asarray(rows).astype("int64"))
        return {"seconds": seconds}

    serve(load, answer)
