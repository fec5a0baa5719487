"""sentence-transformers, by its own encode(), in f32 or bf16."""

import os

from embedding import MAX_TOKENS, TOKENS_PER_BATCH, arguments, run


def load(given):
    import sentence_transformers
    import torch

    torch.set_num_threads(given.threads)
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[given.precision]
    model = sentence_transformers.SentenceTransformer(str(given.model), device="cpu", model_kwargs={"dtype": dtype})
    model.max_seq_length = MAX_TOKENS
    counts = {}

    def count(texts):
        return [len(ids) for ids in model.tokenizer(texts, truncation=True, max_length=MAX_TOKENS)["input_ids"]]

    def embed(texts):
        # encode() does not say how many tokens there were; they are counted once, in the warm-up.
        key = id(texts)
        if key not in counts:
            counts[key] = sum(count(texts))
        tokens = counts[key]
        size = max(1, round(TOKENS_PER_BATCH * len(texts) / tokens))
        vectors = model.encode(texts, batch_size=size, normalize_embeddings=True, show_progress_bar=False)
        return vectors.astype("float32"), tokens

    version = f"{sentence_transformers.__version__}, torch {torch.__version__.split('+')[0]}"
    return {"engine": "sentence-transformers", "version": version, "precision": given.precision}, embed


if __name__ == "__main__":
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", CUDA_VISIBLE_DEVICES="")
    given = arguments(__doc__)
    run(given, lambda: load(given))
