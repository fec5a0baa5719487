"""hnswlib."""

from importlib.metadata import version

import hnswlib
from searching import BUILD_WIDTH, LINKS, run


class Engine:
    version = version("hnswlib")

    def build(self, vectors, threads, path):
        index = hnswlib.Index("ip", self.dims)
        index.init_index(len(vectors), M=LINKS, ef_construction=BUILD_WIDTH)
        index.add_items(vectors, num_threads=threads)
        index.save_index(path)

    def load(self, path):
        self.index = hnswlib.Index("ip", self.dims)
        self.index.load_index(path)

    def search(self, queries, k, width):
        self.index.set_ef(width)
        return self.index.knn_query(queries, k, num_threads=1)[0]


if __name__ == "__main__":
    run("hnswlib", Engine)
