"""Prints, for each file of vectors, the mean cosine to the vectors of the same texts in REFERENCE.npy, as JSON.

    cosine.py REFERENCE.npy VECTORS.npy…
"""

import json
import sys

import numpy


def unit(file):
    rows = numpy.load(file).astype("float64")
    return rows / numpy.linalg.norm(rows, axis=1, keepdims=True)


reference, *files = sys.argv[1:]
expected = unit(reference)
print(json.dumps({file: float((unit(file) * expected).sum(1).mean()) for file in files}))
