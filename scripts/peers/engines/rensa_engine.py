"""rensa: R-MinHash and its deduplicator, which tells what to keep, and which kept articles another one is like."""

from importlib.metadata import version

from duplicates import groups, run, shingles
from rensa import RMinHash, RMinHashDeduplicator

SEED = 42


class Engine:
    version = version("rensa")
    reports = "kept articles"

    def find(self, articles, given):
        texts = (shingles(article["words"]) for article in articles)
        sketches = RMinHash.from_token_sets(texts, num_perm=given.permutations, seed=SEED)
        index = RMinHashDeduplicator(given.threshold, given.permutations, use_lsh=True)
        ids = [article["id"] for article in articles]
        kept = index.add_pairs(zip(ids, sketches))
        gone = [at for at, keep in enumerate(kept) if not keep]
        like = index.get_duplicate_sets([sketches[at] for at in gone])
        return groups((ids[at], other) for at, others in zip(gone, like) for other in others)


if __name__ == "__main__":
    run("rensa", Engine)
