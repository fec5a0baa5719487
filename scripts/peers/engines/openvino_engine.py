"""OpenVINO, in f32, in bf16, or in int8 calibrated by nncf, with a stream for each thread."""

import hashlib
import json

from embedding import arguments, call_once, embed_batches, padded, run, tokenizer


def calibrate(source, words, texts, target):
    """Writes the int8 model, calibrated on `texts`."""
    import nncf
    import openvino

    samples = []
    for encoding in words.encode_batch(texts):
        ids, mask = padded([encoding])
        samples.append({"input_ids": ids, "attention_mask": mask})
    model = nncf.quantize(
        openvino.Core().read_model(source),
        nncf.Dataset(samples),
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(samples),
    )
    unfinished = target.parent.with_suffix(".new")
    unfinished.mkdir(exist_ok=True)
    openvino.save_model(model, unfinished / target.name, compress_to_fp16=False)
    unfinished.rename(target.parent)


def load(given, path):
    import openvino

    core = openvino.Core()
    settings = {
        # What int8 leaves to floating point is computed in bf16 too.
        "INFERENCE_PRECISION_HINT": "f32" if given.precision == "f32" else "bf16",
        "INFERENCE_NUM_THREADS": given.threads,
        "PERFORMANCE_HINT": "THROUGHPUT",
        "NUM_STREAMS": given.threads,
    }
    model = core.compile_model(core.read_model(path), "CPU", settings)
    words = tokenizer(given.model)

    def stream():
        request = model.create_infer_request()
        return lambda ids, mask: request.infer({"input_ids": ids, "attention_mask": mask})[0]

    passes = [stream() for _ in range(given.threads)]
    call_once(passes[0], words)
    precision = given.precision
    if precision == "bf16" and "bfloat16" not in str(model.get_property("INFERENCE_PRECISION_HINT")):
        precision = "f32, since this CPU has no bf16"
    facts = {"engine": "OpenVINO", "version": openvino.__version__.split("-")[0], "precision": precision}
    return facts, lambda texts: embed_batches(texts, words, passes)


def main():
    given = arguments(__doc__)
    path = given.converted / "model.onnx"
    if given.precision == "int8":
        texts = json.loads(given.texts.read_text(encoding="utf-8"))["calibration"]
        key = hashlib.sha256("\n".join(texts).encode()).hexdigest()[:8]
        source, path = path, given.converted / f"openvino-int8-{key}" / "model.xml"
        if not path.exists():
            calibrate(source, tokenizer(given.model), texts, path)
    run(given, lambda: load(given, path))


if __name__ == "__main__":
    main()
