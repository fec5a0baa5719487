"""Writes clustered unit vectors, queries near them, and the exact neighbours of the queries.

    vectors.py --rows N --to FOLDER        writes vectors.npy, queries.npy, truth.npy

As benches/index.rs does: one centre for every 50 rows, and noise of half its length.
"""

import argparse
from pathlib import Path

import numpy

DIMS = 384
A_CENTRE = 50
QUERIES = 500
K = 10
SEED = 20240607


def unit(rows):
    return rows / numpy.linalg.norm(rows, axis=1, keepdims=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, required=True)
    arguments.add_argument("--to", type=Path, required=True)
    given = arguments.parse_args()
    draw = numpy.random.default_rng(SEED)

    def uniform(rows):
        return draw.random((rows, DIMS), numpy.float32) * 2 - 1

    centres = uniform(-(-given.rows // A_CENTRE)).repeat(A_CENTRE, axis=0)[: given.rows]
    vectors = unit(centres + 0.5 * uniform(given.rows))
    near = vectors[numpy.linspace(0, given.rows - 1, QUERIES).astype(int)]
    queries = unit(near + 0.5 * unit(uniform(QUERIES)))
    truth = numpy.stack([numpy.argsort(-(vectors @ query), kind="stable")[:K] for query in queries])
    given.to.mkdir(parents=True)
    numpy.save(given.to / "vectors.npy", vectors)
    numpy.save(given.to / "queries.npy", queries)
    numpy.save(given.to / "truth.npy", truth)


if __name__ == "__main__":
    main()
