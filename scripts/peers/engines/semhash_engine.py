"""SemHash, over vectors that were made before: its own model is not in its package."""

from importlib.metadata import version

import numpy
from duplicates import groups, run
from semhash import SemHash


class Engine:
    version = version("semhash")
    reports = "kept articles"

    def find(self, articles, given):
        vectors = numpy.load(given.vectors)
        records = [{"id": article["id"], "text": article["text"]} for article in articles]
        # The model is for articles that are to be compared later; here there are none.
        index = SemHash.from_embeddings(vectors, records, model=None, columns=["text"])
        result = index.self_deduplicate(threshold=given.threshold)
        return groups((found.record["id"], found.duplicate_of["id"]) for found in result.filtered)


if __name__ == "__main__":
    run("SemHash", Engine)
