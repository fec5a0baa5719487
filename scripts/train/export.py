"""Model folders in the sentence-transformers layout: f16 for every tool, int8 for the repository and the binary."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

import network

LONGEST = 256  # tokens of an input


def halved(ours: dict) -> dict:
    """The tensors of a BERT checkpoint in f16."""
    return {name: tensor.half().contiguous() for name, tensor in network.to_bert(ours).items()}


def quantised(ours: dict) -> dict:
    """Matrices as 8-bit integers with a scale a row, `greatest / 127`, in `NAME_scale`; everything else in f16.

    The engine's int8 weights have the same scales, so that it multiplies exactly these integers. Positions stay f16: they are
    small, and every text uses the first of them.
    """
    out = {}
    for name, tensor in network.to_bert(ours).items():
        if tensor.dim() != 2 or min(tensor.shape) < 8 or "position" in name:
            out[name] = tensor.half().contiguous()
            continue
        scale = (tensor.abs().amax(1) / 127).clamp(min=1e-12)
        out[name] = (tensor / scale[:, None]).round().clamp(-127, 127).to(torch.int8).contiguous()
        out[f"{name}_scale"] = scale.float().contiguous()
    return out


def read(model: Path) -> dict:
    """The tensors of a model folder in f32, 8-bit integers as what they stand for."""
    tensors, out = load_file(model / "model.safetensors"), {}
    for name, tensor in tensors.items():
        if name.endswith("_scale") and name.removesuffix("_scale") in tensors:
            continue
        scale = tensors.get(f"{name}_scale")
        out[name] = tensor.float() if scale is None else tensor.float() * scale[:, None]
    return out


def widen(model: Path, out: Path) -> None:
    """A copy of a model folder in f16, which every tool reads."""
    if not (model / "model.safetensors").is_file():
        raise SystemExit(f"train: {model} holds no model.safetensors: it is no model folder")
    if model.resolve() in (out.resolve(), *out.resolve().parents):
        raise SystemExit(f"train: {out} is inside of the model: name a folder elsewhere")
    # Its card and its golden vectors are of the integers.
    for path in [path for path in model.rglob("*.json") if path.name != "golden.json"]:
        copy = out / path.relative_to(model)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    _save({name: tensor.half().contiguous() for name, tensor in read(model).items()}, out)


def folder(out: Path, tensors: dict, tokenizer: Path) -> None:
    """Writes a model folder of these weights."""
    (out / "1_Pooling").mkdir(parents=True, exist_ok=True)
    words = tensors["embeddings.word_embeddings.weight"].shape
    layers = 1 + max(int(name.split(".")[2]) for name in tensors if name.startswith("encoder.layer."))
    files = {
        "config.json": {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_act": "gelu",
            "hidden_dropout_prob": 0.1,
            "attention_probs_dropout_prob": 0.1,
            "initializer_range": 0.02,
            "hidden_size": words[1],
            "intermediate_size": tensors["encoder.layer.0.intermediate.dense.bias"].shape[0],
            "layer_norm_eps": network.EPSILON,
            "max_position_embeddings": tensors["embeddings.position_embeddings.weight"].shape[0],
            "num_attention_heads": words[1] // 32,
            "num_hidden_layers": layers,
            "pad_token_id": 0,
            "position_embedding_type": "absolute",
            "type_vocab_size": 2,
            "vocab_size": words[0],
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": LONGEST,
            **{f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")},
        },
        "special_tokens_map.json": {
            f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")
        },
        "modules.json": [
            {"idx": index, "name": str(index), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for index, (path, kind) in enumerate((("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")))
        ],
        "1_Pooling/config.json": {"word_embedding_dimension": words[1], "pooling_mode_mean_tokens": True},
        "sentence_bert_config.json": {"max_seq_length": LONGEST, "do_lower_case": False},
        "config_sentence_transformers.json": {
            "prompts": {},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
    }
    for name, value in files.items():
        (out / name).write_text(json.dumps(value, indent=2) + "\n")
    (out / "tokenizer.json").write_bytes(tokenizer.read_bytes())
    _save(tensors, out)


def _save(tensors: dict, out: Path) -> None:
    """The weights, last of all files, so that a folder that has them is whole."""
    part = out / "model.part"
    save_file(tensors, part, {"format": "pt"})
    part.chmod(0o644)
    part.rename(out / "model.safetensors")
