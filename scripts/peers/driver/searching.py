"""Builds the same index with every library, and asks all of them the same queries in turn."""

import json
import shutil
import statistics

from .process import Engine
from .rounds import interleaved
from .setup import HERE, Unavailable, say
from .table import machine, notes, number, rates, table

PYTHON = ["hnswlib", "usearch", "faiss"]
RUST = ["hnsw", "exact"]
# Where libraries are compared at one number.
RECALL = 0.98


def commands(workshop, data, indexes):
    """Labels, and functions that give the command of an engine or raise Unavailable."""

    def shared(name):
        files = ["--vectors", data / "vectors.npy", "--queries", data / "queries.npy"]
        return [*files, "--index", indexes / name / "index"]

    for name in PYTHON:
        yield name, lambda name=name: [workshop.python(name), HERE / "engines" / f"{name}_engine.py", *shared(name)]
    for name in RUST:
        yield f"voisin-{name}", lambda name=name: [workshop.bench(), "--engine", name, *shared(name)]


def build_and_load(label, command, threads, log):
    """An engine with its index loaded on one CPU, by a process that did not build it; what that took."""
    say(f"building {label} …")
    builder = Engine(label, command, threads, log)
    try:
        build_s = builder.ask(limit_s=None, build=threads)["seconds"]
    finally:
        builder.close()
    engine = Engine(label, command, 1, log, one_cpu=True)
    return engine, {"build_s": build_s, "load_s": engine.ask(load=True)["seconds"]}


def run(workshop, given):
    """The whole comparison; prints the table."""
    problems, engines, facts = [], [], {}
    data = workshop.folder("data") / f"{given.vectors.stem if given.vectors else 'clustered'}-{given.rows}"
    if not (data / "truth.npy").exists():
        shutil.rmtree(data, ignore_errors=True)
        source = ["--from", given.vectors] if given.vectors else []
        workshop.tool("vectors.py", "--rows", given.rows, "--to", data, *source)
    indexes, found = workshop.folder("indexes"), workshop.folder("found")
    shutil.rmtree(indexes)

    for label, command in commands(workshop, data, indexes):
        try:
            engine, took = build_and_load(label, command(), given.threads, workshop.folder("logs") / f"{label}.txt")
            for width in engine.facts["widths"]:
                engine.ask(search=width, to=str(found / f"{label}-{width}.npy"))
            facts[label] = {**took, **engine.ask(memory=True)}
            engines.append(engine)
        except Unavailable as error:
            problems.append(f"{label} is left out: {error}")
    if not engines:
        raise Unavailable("no engine could be started:" + notes(problems))

    seconds = {}
    for round, engine in interleaved(given.rounds, engines):
        say(f"round {round + 1}: {engine.label}")
        for width in engine.facts["widths"]:
            seconds.setdefault((engine.label, width), []).append(engine.ask(search=width)["seconds"])
    for engine in engines:
        engine.close()
    files = {(label, width): str(found / f"{label}-{width}.npy") for label, width in seconds}
    recalls = json.loads(workshop.tool("recall.py", data / "truth.npy", *files.values()))
    queries = queries_of(data / "queries.npy")

    rows = []
    for engine in engines:
        for width in engine.facts["widths"]:
            took, known = seconds[engine.label, width], facts[engine.label]
            rows.append(
                [
                    f"{engine.facts['engine']} {engine.facts['version']}",
                    width,
                    f"{recalls[files[engine.label, width]]:.4f}",
                    rates(queries, took),
                    f"{statistics.median(took) / queries * 1e3:.3f}",
                    f"{known['build_s']:.1f}",
                    number(known["megabytes"]),
                    f"{known['load_s']:.2f}",
                ]
            )
    kind = f"vectors of {given.vectors.name}" if given.vectors else "clustered unit vectors of 384 components"
    print(f"**{given.rows:,} {kind}, {queries} queries, k = 10.** {machine()}.")
    print(f"M 16, ef_construction 200 (voisin: 100), built with {given.threads} threads (saving included); queries on one CPU.")
    print(f"Medians of {given.rounds} rounds, engines in turn.\n")
    print(table(["library", "ef", "recall@10", "queries/s (min–max)", "ms", "build s", "MB", "load s"], rows))
    at_recall = []
    for engine in engines:
        points = [
            (recalls[files[engine.label, width]], queries / statistics.median(seconds[engine.label, width]))
            for width in engine.facts["widths"]
        ]
        known = facts[engine.label]
        name = f"{engine.facts['engine']} {engine.facts['version']}"
        at_recall.append([name, number(rate_at(RECALL, points)), f"{known['build_s']:.1f}", number(known["megabytes"])])
    print()
    print(table(["library", f"queries/s at recall@10 of {RECALL}", "build s", "MB"], at_recall))
    print(notes(problems))


def rate_at(recall, points):
    """Queries a second at a recall, between the two widths around it; 0 where no width reaches it."""
    before = None
    for found, rate in sorted(points):
        if found >= recall:
            if before is None:
                return rate
            share = (recall - before[0]) / (found - before[0])
            # Time grows by equal factors as what is missed becomes less.
            return before[1] ** (1 - share) * rate**share
        before = found, rate
    return 0


def queries_of(path):
    """How many rows an array file has."""
    with open(path, "rb") as file:
        return int(file.read(128).split(b"'shape': (")[1].split(b",")[0])
