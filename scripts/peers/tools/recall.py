"""Prints, for each file of rows found, the share of the exact neighbours that is among them, as JSON.

    recall.py truth.npy FOUND.npy…
"""

import json
import sys

import numpy

truth, *files = sys.argv[1:]
truth = numpy.load(truth)
recalls = {}
for file in files:
    found = numpy.load(file)
    recalls[file] = sum(len(set(a) & set(b)) for a, b in zip(found.tolist(), truth.tolist())) / truth.size
print(json.dumps(recalls))
