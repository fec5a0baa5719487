"""datasketch: MinHash and MinHashLSH. Every article is asked for, so a pair is what shares a band."""

from importlib.metadata import version

from datasketch import MinHash, MinHashLSH
from duplicates import run, shingles


class Engine:
    version = version("datasketch")
    reports = "pairs"

    def find(self, articles, given):
        texts = ([shingle.encode() for shingle in shingles(article["words"])] for article in articles)
        sketches = MinHash.bulk(texts, num_perm=given.permutations)
        index = MinHashLSH(threshold=given.threshold, num_perm=given.permutations)
        with index.insertion_session() as session:
            for article, sketch in zip(articles, sketches):
                session.insert(article["id"], sketch, check_duplication=False)
        for article, sketch in zip(articles, sketches):
            for other in index.query(sketch):
                if article["id"] < other:
                    yield article["id"], other


if __name__ == "__main__":
    run("datasketch", Engine)
