"""What the embedding engines share: their command line, the requests, batches of texts of like length."""

import argparse
import json
import threading
import time
from pathlib import Path

import numpy
from protocol import serve

MAX_TOKENS = 256
# A pass of about this many tokens, padding included, keeps the activations of a layer in the second-level cache.
TOKENS_PER_BATCH = 1280


def arguments(description):
    """The command line of an engine."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--model", type=Path, required=True, help="folder in the sentence-transformers layout")
    parser.add_argument("--precision", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--texts", type=Path, required=True, help="the mixes, as tools/texts.py writes them")
    parser.add_argument("--converted", type=Path, help="folder of the model as model.onnx, and of what is made from it")
    return parser.parse_args()


def run(given, load):
    """Serves the requests; `load` gives the facts of the ready line, and a function from texts to (vectors, tokens)."""
    mixes = json.loads(given.texts.read_text(encoding="utf-8"))
    embed = None

    def prepare():
        nonlocal embed
        facts, embed = load()
        return facts

    def answer(request):
        mix = mixes[request.get("run") or request["vectors"]]
        start = time.perf_counter()
        vectors, tokens = embed(mix)
        seconds = time.perf_counter() - start
        if "to" in request:
            numpy.save(request["to"], vectors)
        return {"seconds": seconds, "tokens": tokens}

    serve(prepare, answer)


def tokenizer(model):
    """The tokenizer of a model, cut at MAX_TOKENS and without padding."""
    from tokenizers import Tokenizer

    found = Tokenizer.from_file(str(model / "tokenizer.json"))
    found.enable_truncation(MAX_TOKENS)
    found.no_padding()
    return found


def call_once(forward, words):
    """A first pass on this thread alone: some Python bindings set themselves up in it, and hang where two threads do."""
    forward(*padded(words.encode_batch(["first"])))


def embed_batches(texts, words, passes):
    """Vectors of `texts` in their order, and how many tokens they have.

    `passes` holds one function a thread, from token ids and mask to vectors: each thread takes the next batch, which is
    faster for these engines than all threads inside of one pass.
    """
    encodings = words.encode_batch(texts)
    lengths = [len(encoding.ids) for encoding in encodings]
    groups = batches(lengths)
    rows = [None] * len(texts)
    lock = threading.Lock()
    failures = []

    def work(forward):
        try:
            while True:
                with lock:
                    group = next(groups, None)
                if group is None or failures:
                    return
                for at, vector in zip(group, forward(*padded([encodings[at] for at in group]))):
                    rows[at] = vector
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(forward,)) for forward in passes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return numpy.stack(rows), sum(lengths)


def batches(lengths):
    """Indices of texts in groups of like length, of TOKENS_PER_BATCH at most when padded to the longest."""
    group = []
    for at in sorted(range(len(lengths)), key=lambda at: -lengths[at]):
        if group and (len(group) + 1) * lengths[group[0]] > TOKENS_PER_BATCH:
            yield group
            group = []
        group.append(at)
    if group:
        yield group


def padded(encodings):
    """Token ids and mask of a batch, each (texts, longest)."""
    shape = (len(encodings), max(len(encoding.ids) for encoding in encodings))
    ids, mask = numpy.zeros(shape, numpy.int64), numpy.zeros(shape, numpy.int64)
    for row, encoding in enumerate(encodings):
        ids[row, : len(encoding.ids)] = encoding.ids
        mask[row, : len(encoding.ids)] = 1
    return ids, mask
