"""Writes vectors, queries, and the exact neighbours of the queries.

    vectors.py --rows N --to FOLDER                      clustered vectors
    vectors.py --rows N --to FOLDER --from VECTORS.npy   N rows of a file, with others of its rows as queries

Writes vectors.npy, queries.npy, truth.npy. Clustered vectors are as in benches/index.rs: one centre for every 50 rows, and noise
of half its length. Rows of a file keep their order.
"""

import argparse
from pathlib import Path

import numpy

DIMS = 384
A_CENTRE = 50
QUERIES = 1000
K = 10
SEED = 20240607


def unit(rows):
    return rows / numpy.linalg.norm(rows, axis=1, keepdims=True)


def clustered(rows, draw):
    """Vectors and queries near them."""

    def uniform(rows):
        return draw.random((rows, DIMS), numpy.float32) * 2 - 1

    centres = uniform(-(-rows // A_CENTRE)).repeat(A_CENTRE, axis=0)[:rows]
    vectors = unit(centres + 0.5 * uniform(rows))
    near = vectors[numpy.linspace(0, rows - 1, QUERIES).astype(int)]
    return vectors, unit(near + 0.5 * unit(uniform(QUERIES)))


def drawn(file, rows, draw):
    """Rows of a file, and others of its rows."""
    every = numpy.load(file, mmap_mode="r")
    if len(every) < rows + QUERIES:
        raise SystemExit(f"{file} has {len(every)} rows: --rows can be {len(every) - QUERIES} at most")
    order = draw.permutation(len(every))
    queries, vectors = numpy.sort(order[:QUERIES]), numpy.sort(order[QUERIES : QUERIES + rows])
    return numpy.ascontiguousarray(every[vectors]), numpy.ascontiguousarray(every[queries])


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, required=True)
    arguments.add_argument("--to", type=Path, required=True)
    arguments.add_argument("--from", dest="file", type=Path, help="an array of unit vectors, as voisin embed writes it")
    given = arguments.parse_args()
    draw = numpy.random.default_rng(SEED)
    vectors, queries = drawn(given.file, given.rows, draw) if given.file else clustered(given.rows, draw)
    truth = numpy.stack([numpy.argsort(-(vectors @ query), kind="stable")[:K] for query in queries])
    given.to.mkdir(parents=True)
    numpy.save(given.to / "vectors.npy", vectors)
    numpy.save(given.to / "queries.npy", queries)
    numpy.save(given.to / "truth.npy", truth)


if __name__ == "__main__":
    main()
