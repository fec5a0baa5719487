"""faiss, its IndexHNSWFlat."""

import faiss
from searching import BUILD_WIDTH, LINKS, run


class Engine:
    version = faiss.__version__

    def build(self, vectors, threads, path):
        faiss.omp_set_num_threads(threads)
        index = faiss.IndexHNSWFlat(self.dims, LINKS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = BUILD_WIDTH
        index.add(vectors)
        faiss.write_index(index, path)

    def load(self, path):
        faiss.omp_set_num_threads(1)
        self.index = faiss.read_index(path)

    def search(self, queries, k, width):
        self.index.hnsw.efSearch = width
        return self.index.search(queries, k)[1]


if __name__ == "__main__":
    run("faiss HNSW", Engine)
