"""The encoder: BERT's layout, written so that it trains fast on a CPU.

Same numbers as any BERT with mean pooling: the golden vectors that are made with it hold for the engine and
candle-transformers. Query, key and value are one product, and attention is written as plain products: on two cores that is
twice as fast as the fused attention of torch 2.
"""

import torch
import torch.nn.functional as F
from torch import nn

EPSILON = 1e-12


class Layer(nn.Module):
    """One layer: attention, then a feed-forward net, each followed by its normalisation."""

    def __init__(self, hidden: int, inner: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(hidden, 3 * hidden)
        self.out = nn.Linear(hidden, hidden)
        self.norm1 = nn.LayerNorm(hidden, eps=EPSILON)
        self.up = nn.Linear(hidden, inner)
        self.down = nn.Linear(inner, hidden)
        self.norm2 = nn.LayerNorm(hidden, eps=EPSILON)

    def forward(self, x, mask):
        """`x`: [texts, tokens, hidden]; `mask`: [texts, 1, 1, tokens], added to the scores."""
        texts, tokens, hidden = x.shape
        width = hidden // self.heads
        query, key, value = self.qkv(x).view(texts, tokens, 3, self.heads, width).permute(2, 0, 3, 1, 4)
        scores = (query * width**-0.5) @ key.transpose(-1, -2) + mask
        seen = scores.softmax(-1).to(value.dtype) @ value
        x = self.norm1(x + self.out(seen.transpose(1, 2).reshape(texts, tokens, hidden)))
        return self.norm2(x + self.down(F.gelu(self.up(x))))


class Encoder(nn.Module):
    """Token ids to unit vectors."""

    def __init__(self, vocabulary: int, hidden=384, inner=1536, heads=12, layers=6, positions=512):
        super().__init__()
        self.words = nn.Embedding(vocabulary, hidden)
        self.positions = nn.Embedding(positions, hidden)
        self.norm = nn.LayerNorm(hidden, eps=EPSILON)
        self.layers = nn.ModuleList(Layer(hidden, inner, heads) for _ in range(layers))

    def forward(self, ids, lengths):
        """`ids`: [texts, tokens], padded; `lengths`: [texts]. Mean of the tokens' states, of length 1: [texts, hidden]."""
        seen = torch.arange(ids.shape[1])[None] < lengths[:, None]
        x = self.norm(self.words(ids) + self.positions.weight[: ids.shape[1]])
        half = torch.bfloat16 if torch.is_autocast_enabled("cpu") else x.dtype
        mask = torch.zeros(seen.shape, dtype=half).masked_fill(~seen, -1e4)[:, None, None]
        for layer in self.layers:
            x = layer(x, mask)
        seen = seen[..., None].float()
        return F.normalize((x.float() * seen).sum(1) / seen.sum(1), dim=-1)


def names(layers: int):
    """(ours, of a BERT checkpoint) of every tensor but query, key and value."""
    yield "words.weight", "embeddings.word_embeddings.weight"
    for part in ("weight", "bias"):
        yield f"norm.{part}", f"embeddings.LayerNorm.{part}"
        for i in range(layers):
            for ours, theirs in {
                "out": "attention.output.dense",
                "norm1": "attention.output.LayerNorm",
                "up": "intermediate.dense",
                "down": "output.dense",
                "norm2": "output.LayerNorm",
            }.items():
                yield f"layers.{i}.{ours}.{part}", f"encoder.layer.{i}.{theirs}.{part}"


def from_bert(tensors: dict) -> dict:
    """Our tensors, in f32, of a BERT checkpoint's; the vector of token type 0 goes into the positions."""
    tensors = {name.removeprefix("bert."): tensor.float() for name, tensor in tensors.items()}
    layers = 1 + max(int(name.split(".")[2]) for name in tensors if name.startswith("encoder.layer."))
    ours = {mine: tensors[theirs] for mine, theirs in names(layers)}
    ours["positions.weight"] = (
        tensors["embeddings.position_embeddings.weight"] + tensors["embeddings.token_type_embeddings.weight"][0]
    )
    for i in range(layers):
        for part in ("weight", "bias"):
            ours[f"layers.{i}.qkv.{part}"] = torch.cat(
                [tensors[f"encoder.layer.{i}.attention.self.{name}.{part}"] for name in ("query", "key", "value")]
            )
    return ours


def to_bert(ours: dict) -> dict:
    """The tensors of a BERT checkpoint, of ours."""
    layers = 1 + max(int(name.split(".")[1]) for name in ours if name.startswith("layers."))
    theirs = {name: ours[mine] for mine, name in names(layers)}
    theirs["embeddings.position_embeddings.weight"] = ours["positions.weight"]
    theirs["embeddings.token_type_embeddings.weight"] = torch.zeros(2, ours["positions.weight"].shape[1])
    for i in range(layers):
        for part in ("weight", "bias"):
            chunks = ours[f"layers.{i}.qkv.{part}"].chunk(3)
            for name, chunk in zip(("query", "key", "value"), chunks):
                theirs[f"encoder.layer.{i}.attention.self.{name}.{part}"] = chunk
    return theirs


def load(tensors: dict) -> Encoder:
    """An encoder of the shape that its tensors have."""
    vocabulary, hidden = tensors["words.weight"].shape
    encoder = Encoder(
        vocabulary,
        hidden,
        tensors["layers.0.up.weight"].shape[0],
        hidden // 32,
        1 + max(int(name.split(".")[1]) for name in tensors if name.startswith("layers.")),
        tensors["positions.weight"].shape[0],
    )
    encoder.load_state_dict(tensors)
    return encoder
