"""ONNX Runtime, in f32, or in int8 with dynamic quantisation per channel.

The graph is the plain export: the fusions of onnxruntime.transformers made it slower when tried.
"""

from embedding import arguments, call_once, embed_batches, run, tokenizer


def quantise(source, target):
    """Writes the int8 model. Word vectors stay in f32: they take no time, and int8 would cost accuracy."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    unfinished = target.with_suffix(".new")
    quantize_dynamic(source, unfinished, per_channel=True, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul"])
    unfinished.rename(target)


def load(given, path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    words = tokenizer(given.model)

    def forward(ids, mask):
        return session.run(None, {"input_ids": ids, "attention_mask": mask})[0]

    call_once(forward, words)
    facts = {"engine": "ONNX Runtime", "version": onnxruntime.__version__, "precision": given.precision}
    return facts, lambda texts: embed_batches(texts, words, [forward] * given.threads)


def main():
    given = arguments(__doc__)
    path = given.converted / "model.onnx"
    if given.precision == "int8":
        source, path = path, given.converted / "model-int8.onnx"
        if not path.exists():
            quantise(source, path)
    run(given, lambda: load(given, path))


if __name__ == "__main__":
    main()
