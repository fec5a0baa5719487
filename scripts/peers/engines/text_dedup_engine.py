"""text-dedup: its MinHash, as its command runs it, with the settings that its documentation shows."""

import json
import os
import pickle
from importlib.metadata import version

from duplicates import run

SETTINGS = """
[input]
input_type = "local_files"
file_type = "json"

[input.read_arguments]
path = "json"
data_files = {articles}
split = "train"
cache_dir = {cache}

[algorithm]
algorithm_name = "minhash"
text_column = "words"
num_proc = {threads}
num_perm = {permutations}
threshold = {threshold}
ngram_size = 5
check_false_positive = true

[output]
output_dir = {output}
save_clusters = true

[debug]
"""


class Engine:
    version = version("text-dedup")
    reports = "clusters"

    def find(self, articles, given):
        from text_dedup import minhash
        from text_dedup.config.base import load_config_from_toml

        output, settings = given.scratch / "output", given.scratch / "config.toml"
        quoted = {
            "articles": json.dumps(str(given.articles)),
            "cache": json.dumps(str(given.scratch / "cache")),
            "output": json.dumps(str(output)),
        }
        facts = {name: getattr(given, name) for name in ("threads", "permutations", "threshold")}
        settings.write_text(SETTINGS.format(**quoted, **facts))
        minhash.main(load_config_from_toml(settings))
        clusters = {}
        for row, cluster in pickle.loads((output / "clusters.pickle").read_bytes()).items():
            clusters.setdefault(cluster, []).append(articles[row]["id"])
        return clusters.values()


if __name__ == "__main__":
    os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1")
    run("text-dedup", Engine)
