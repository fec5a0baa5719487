"""usearch, with vectors kept in f32."""

import numpy
import usearch
from searching import BUILD_WIDTH, LINKS, run
from usearch.index import Index


class Engine:
    version = usearch.__version__

    def build(self, vectors, threads, path):
        index = Index(ndim=self.dims, metric="ip", dtype="f32", connectivity=LINKS, expansion_add=BUILD_WIDTH)
        index.add(numpy.arange(len(vectors)), vectors, threads=threads)
        index.save(path)

    def load(self, path):
        self.index = Index.restore(path)

    def search(self, queries, k, width):
        self.index.expansion_search = width
        return self.index.search(queries, k, threads=1).keys


if __name__ == "__main__":
    run("usearch", Engine)
