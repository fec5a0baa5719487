"""Writes a model as ONNX, pooling and scaling to unit length included, for the engines that do not read its own files.

    export_onnx.py --model FOLDER --to model.onnx
"""

import argparse

import torch
from transformers import AutoModel


class Pooled(torch.nn.Module):
    """Token ids and mask to unit vectors: the mean over the tokens of each text."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids, attention_mask):
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        weights = attention_mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * weights).sum(1) / weights.sum(1)
        return torch.nn.functional.normalize(mean, dim=1)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--model", required=True)
    arguments.add_argument("--to", required=True)
    given = arguments.parse_args()
    encoder = AutoModel.from_pretrained(given.model, dtype=torch.float32, attn_implementation="eager").eval()
    ids = torch.ones((2, 16), dtype=torch.int64)
    # Some padding, so that nothing takes the mask for a constant.
    mask = torch.tensor([[1] * 16, [1] * 9 + [0] * 7])
    names = {"input_ids": {0: "texts", 1: "tokens"}, "attention_mask": {0: "texts", 1: "tokens"}}
    with torch.inference_mode():
        torch.onnx.export(
            Pooled(encoder),
            (ids, mask),
            given.to,
            input_names=list(names),
            output_names=["vectors"],
            dynamic_axes={**names, "vectors": {0: "texts"}},
            opset_version=17,
            dynamo=False,
        )


if __name__ == "__main__":
    main()
