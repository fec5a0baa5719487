"""Writes a model with random weights in the shape of multilingual-e5-small, as sentence-transformers lays it out.

    e5_shape.py --like MODEL --to FOLDER

It is for timing only: the time of a pass depends on the shape of the weights, not on their values. The tokenizer is
that of MODEL, whose ids must fit into the vocabulary; the vectors mean nothing.
"""

import argparse
import json
import shutil
from pathlib import Path

import numpy
from safetensors.numpy import save_file

SEED = 20240607
LAYERS, WIDTH, HEADS, INTERMEDIATE, VOCABULARY, POSITIONS = 12, 384, 12, 1536, 250_037, 512
MAX_TOKENS = 256

CONFIG = {
    "architectures": ["BertModel"],
    "model_type": "bert",
    "attention_probs_dropout_prob": 0.1,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": WIDTH,
    "initializer_range": 0.02,
    "intermediate_size": INTERMEDIATE,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": POSITIONS,
    "num_attention_heads": HEADS,
    "num_hidden_layers": LAYERS,
    "pad_token_id": 0,
    "position_embedding_type": "absolute",
    "type_vocab_size": 2,
    "vocab_size": VOCABULARY,
}
MODULES = [
    {"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.models.{kind}"}
    for at, (path, kind) in enumerate([("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")])
]
POOLING = {"word_embedding_dimension": WIDTH, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}


def shapes():
    """Names and shapes of the matrices, and of the vectors beside them."""
    for name, rows in [("word", VOCABULARY), ("position", POSITIONS), ("token_type", 2)]:
        yield f"embeddings.{name}_embeddings.weight", (rows, WIDTH)
    yield from norm("embeddings.LayerNorm")
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}"
        for part in ("query", "key", "value"):
            yield from linear(f"{at}.attention.self.{part}", WIDTH, WIDTH)
        yield from linear(f"{at}.attention.output.dense", WIDTH, WIDTH)
        yield from norm(f"{at}.attention.output.LayerNorm")
        yield from linear(f"{at}.intermediate.dense", INTERMEDIATE, WIDTH)
        yield from linear(f"{at}.output.dense", WIDTH, INTERMEDIATE)
        yield from norm(f"{at}.output.LayerNorm")
    yield from linear("pooler.dense", WIDTH, WIDTH)


def linear(name, rows, columns):
    yield f"{name}.weight", (rows, columns)
    yield f"{name}.bias", (rows,)


def norm(name):
    yield f"{name}.weight", (WIDTH,)
    yield f"{name}.bias", (WIDTH,)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--like", type=Path, required=True)
    arguments.add_argument("--to", type=Path, required=True)
    given = arguments.parse_args()

    draw = numpy.random.default_rng(SEED)
    tensors = {}
    for name, shape in shapes():
        if name.endswith("LayerNorm.weight"):
            tensors[name] = numpy.ones(shape, numpy.float32)
        else:
            tensors[name] = draw.standard_normal(shape, numpy.float32) * numpy.float32(0.02)
    given.to.mkdir(parents=True)
    (given.to / "1_Pooling").mkdir()
    (given.to / "2_Normalize").mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(given.like / name, given.to / name)
    for name, content in [
        ("config.json", CONFIG),
        ("modules.json", MODULES),
        ("sentence_bert_config.json", {"max_seq_length": MAX_TOKENS, "do_lower_case": False}),
        ("1_Pooling/config.json", POOLING),
    ]:
        (given.to / name).write_text(json.dumps(content, indent=2))
    save_file(tensors, given.to / "model.safetensors", metadata={"format": "pt"})


if __name__ == "__main__":
    main()
