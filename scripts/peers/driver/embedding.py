"""Embeds the same texts by every engine in turn, and compares."""

import json
import statistics

from .process import Engine
from .rounds import interleaved
from .setup import HERE, Unavailable, say
from .table import machine, notes, number, rates, table

# Engine, its virtual environment, precision. The first is what the vectors of the others are compared with.
PYTHON = [
    ("sentence_transformers", "sentence-transformers", "f32"),
    ("sentence_transformers", "sentence-transformers", "bf16"),
    ("onnxruntime", "onnxruntime", "f32"),
    ("onnxruntime", "onnxruntime", "int8"),
    ("openvino", "openvino", "f32"),
    ("openvino", "openvino", "bf16"),
    ("openvino", "openvino", "int8"),
]
# Engine, precision, instruction set. Levels that the CPU lacks are left out.
RUST = [
    ("candle", "f32", "auto"),
    ("voisin", "f32", "auto"),
    ("voisin", "bf16", "auto"),
    ("voisin", "int8", "auto"),
    ("voisin", "int8", "avx512vnni"),
    ("voisin", "int8", "avx2"),
]
# What the others are divided by.
OURS = "voisin-f32-auto"
MIXES = {"passages": "passages", "short": "short texts"}


def commands(workshop, model, threads, texts):
    """Labels, and functions that give the command of an engine or raise Unavailable."""
    shared = ["--model", workshop.model(model), "--threads", threads, "--texts", texts]

    def python(name, venv, precision):
        command = [workshop.python(venv), HERE / "engines" / f"{name}_engine.py", *shared, "--precision", precision]
        # sentence-transformers reads the model itself.
        return command if venv == "sentence-transformers" else [*command, "--converted", workshop.onnx(model)]

    for name, venv, precision in PYTHON:
        yield f"{venv}-{precision}", lambda of=(name, venv, precision): python(*of)
    for name, precision, isa in RUST:
        numbers = ["--precision", precision, "--isa", isa]
        # Both run a pass a thread; threads of rayon inside of a pass would come on top.
        command = ["env", "RAYON_NUM_THREADS=1", "--engine", name, *shared, *numbers]
        yield f"{name}-{precision}-{isa}", lambda command=command: [*command[:2], workshop.bench(), *command[2:]]


def start(workshop, given, texts, problems):
    """The engines that could be started."""
    engines = []
    for label, command in commands(workshop, given.model, given.threads, texts):
        try:
            command = command()
            say(f"starting {label} …")
            engines.append(Engine(label, command, given.threads, workshop.folder("logs") / f"{label}.txt"))
        except Unavailable as error:
            problems.append(f"{label} is left out: {error}")
    return engines


def warm_up(engines, vectors, problems):
    """Has every engine embed every mix once, and keeps the vectors; the engines that could, and their token counts."""
    counts, able = {}, []
    for engine in engines:
        try:
            for mix in MIXES:
                say(f"warming up {engine.label} with {mix} …")
                file = vectors / f"{engine.label}-{mix}.npy"
                counts[engine.label, mix] = engine.ask(vectors=mix, to=str(file))["tokens"]
            able.append(engine)
        except Unavailable as error:
            problems.append(f"{engine.label} is left out: {error}")
    for mix in MIXES:
        if len({counts[engine.label, mix] for engine in able}) > 1:
            found = ", ".join(f"{engine.label} {counts[engine.label, mix]}" for engine in able)
            problems.append(f"the engines do not agree how many tokens {mix} have: {found}")
    return able, counts


def measure(engines, rounds, problems):
    """Seconds of each engine and mix, a list of one a round."""
    seconds, gone = {}, set()
    for mix in MIXES:
        for round, engine in interleaved(rounds, engines):
            if engine.label in gone:
                continue
            try:
                seconds.setdefault((engine.label, mix), []).append(engine.ask(run=mix)["seconds"])
                say(f"{mix}, round {round + 1}: {engine.label} {seconds[engine.label, mix][-1]:.2f} s")
            except Unavailable as error:
                gone.add(engine.label)
                problems.append(f"{engine.label} is left out: {error}")
    return [engine for engine in engines if engine.label not in gone], seconds


def cosines(workshop, engines, vectors):
    """The mean cosine of each engine and mix to the first engine of PYTHON; nothing where that one is missing."""
    reference = f"{PYTHON[0][1]}-{PYTHON[0][2]}"
    if reference not in [engine.label for engine in engines]:
        return {}
    found = {}
    for mix in MIXES:
        files = {engine.label: str(vectors / f"{engine.label}-{mix}.npy") for engine in engines}
        values = json.loads(workshop.tool("cosine.py", files[reference], *files.values()))
        found.update({(label, mix): values[file] for label, file in files.items()})
    return found


def run(workshop, given):
    """The whole comparison; prints the table."""
    problems = []
    texts = workshop.folder("texts") / f"{given.model}.json"
    tokenizer = workshop.model(given.model) / "tokenizer.json"
    workshop.tool(
        "texts.py", "--articles", given.articles, "--tokenizer", tokenizer, "--passages", given.texts, "--to", texts
    )
    mixes = json.loads(texts.read_text(encoding="utf-8"))
    vectors = workshop.folder("vectors", given.model)

    engines = start(workshop, given, texts, problems)
    able, counts = warm_up(engines, vectors, problems)
    able, seconds = measure(able, given.rounds, problems)
    for engine in engines:
        engine.close()
    close = cosines(workshop, able, vectors)
    if not able:
        raise Unavailable("no engine could be started:" + notes(problems))

    header, rows = ["engine", "precision"], []
    for name in MIXES.values():
        header += [f"{name}/s (min–max)", "tokens/s", "× voisin f32", "cosine"]
    header.append("load s")
    for engine in able:
        row = [f"{engine.facts['engine']} {engine.facts['version']}", engine.facts["precision"]]
        for mix in MIXES:
            took = statistics.median(seconds[engine.label, mix])
            ours = seconds.get((OURS, mix))
            row.append(rates(len(mixes[mix]), seconds[engine.label, mix]))
            row.append(number(counts[engine.label, mix] / took))
            row.append(f"{statistics.median(ours) / took:.2f}" if ours else "–")
            row.append(f"{close[engine.label, mix]:.5f}" if close else "–")
        rows.append([*row, f"{engine.facts['load_s']:.2f}"])

    lengths = "; ".join(
        f"{len(mixes[mix])} {name} of {counts[able[0].label, mix] / len(mixes[mix]):.0f} tokens on average"
        for mix, name in MIXES.items()
    )
    print(f"**{given.model}, {given.threads} threads.** {machine()}.")
    print(f"{lengths}; at most 256 tokens each, tokenising included.")
    print(f"Medians of {given.rounds} rounds, engines in turn. × voisin f32: above 1 is faster than it.")
    print(f"cosine: the mean over the texts, to {PYTHON[0][1]} {PYTHON[0][2]}.\n")
    print(table(header, rows))
    print(notes(problems))
