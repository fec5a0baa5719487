"""Looks for near-duplicates among the same articles by every tool, and compares what each finds with the truth."""

import json
import shutil
import statistics
import subprocess
import time

from .process import Engine, Watched, limited
from .setup import HERE, Unavailable, say
from .table import machine, notes, number, table

# Engine, its virtual environment, the threshold that it is asked with.
PYTHON = [
    ("text_dedup", "text-dedup", 0.5),
    ("text_dedup", "text-dedup", 0.7),
    ("datasketch", "datasketch", 0.5),
    ("datasketch", "datasketch", 0.7),
    ("rensa", "rensa", 0.5),
    ("rensa", "rensa", 0.7),
    ("semhash", "semhash", 0.9),
]
# What takes longer is asked once.
LONG_S = 120


class Contest:
    """The articles, and what is asked of every engine."""

    def __init__(self, workshop, given):
        self.workshop, self.given = workshop, given
        data = workshop.folder("data", "duplicates")
        self.articles, self.vectors, self.store = data / "articles.jsonl", data / "vectors.npy", data / "store"
        self.problems, self.rows, self.files = [], [], []
        workshop.tool("articles.py", "--articles", given.articles, "--to", self.articles)

    def embed(self):
        """Seconds of embedding the articles, from their beginning, by the built-in model: for SemHash."""
        with open(self.articles, encoding="utf-8") as lines:
            texts = "".join(" ".join(json.loads(line)["text"].split()) + "\n" for line in lines)
        say("voisin embed …")
        command = [self.workshop.voisin(), "embed", "--quiet", "--format", "npy", "--output", self.vectors]
        command += ["--threads", str(self.given.threads)]
        start = time.perf_counter()
        if subprocess.run(command, input=texts, text=True, env=limited(self.given.threads)).returncode != 0:
            raise Unavailable("voisin does not embed the articles")
        return time.perf_counter() - start

    def ask(self, label, command, settings, before=lambda engine: None):
        """Asks an engine as often as there are rounds, each time a new process, and as often in it as there are `settings`;
        `before` is asked once, and is what had to be done before. Adds a row for each of `settings`."""
        scratch = self.workshop.folder("scratch") / label
        files = [self.workshop.folder("found") / f"{label}-{at}.jsonl" for at in range(len(settings))]
        seconds, watches = [[] for _ in settings], [[] for _ in settings]
        try:
            command, prepared = [*command(), "--scratch", scratch], None
            for round in range(self.given.rounds):
                shutil.rmtree(scratch, ignore_errors=True)
                scratch.mkdir()
                log = self.workshop.folder("logs") / f"{label}.txt"
                engine = Engine(label, command, self.given.threads, log)
                try:
                    if round == 0:
                        prepared = before(engine)
                    for at, file in enumerate(files):
                        with Watched(engine) as watched:
                            seconds[at].append(engine.ask(limit_s=None, find=str(file))["seconds"])
                        watches[at].append(watched)
                        say(f"round {round + 1}: {label}, {settings[at]}: {seconds[at][-1]:.1f} s")
                finally:
                    engine.close()
                    shutil.rmtree(scratch)
                if seconds[0][-1] > LONG_S:
                    break
        except Unavailable as error:
            self.problems.append(f"{label} is left out: {error}")
            return
        for at, setting in enumerate(settings):
            self.rows.append((engine.facts, setting, prepared, seconds[at], watches[at]))
            self.files.append(str(files[at]))

    def rival(self, name, venv, threshold):
        """Asks a library."""

        def command():
            shared = ["--articles", self.articles, "--threads", self.given.threads, "--threshold", threshold]
            own = ["--vectors", self.vectors] if name == "semhash" else ["--permutations", self.given.permutations]
            return [self.workshop.python(venv), HERE / "engines" / f"{name}_engine.py", *shared, *own]

        before = {"before": lambda _: self.embed()} if name == "semhash" else {}
        self.ask(f"{venv}-{threshold}", command, [f"{threshold}"], **before)

    def voisin(self):
        """Asks voisin: first without what indexing knows of copies, and then again, when nothing is new."""

        def command():
            own = ["--voisin", self.workshop.voisin(), "--articles", self.given.articles.resolve(), "--store", self.store]
            return [self.workshop.python("tools"), HERE / "engines" / "voisin_engine.py", *own]

        def before(engine):
            say("voisin index …")
            return engine.ask(limit_s=None, build=self.given.threads)["seconds"]

        self.ask("voisin", command, ["first", "again"], before)


def share(value):
    return "–" if value is None else f"{value:.3f}"


def run(workshop, given):
    """The whole comparison; prints the table."""
    if not given.truth:
        raise Unavailable("--truth names the file of the pairs that are to be found: README.md says what is in it")
    contest = Contest(workshop, given)
    for rival in PYTHON:
        if not given.only or rival[1] in given.only:
            contest.rival(*rival)
    if not given.only or "voisin" in given.only:
        contest.voisin()
    if not contest.rows:
        raise Unavailable("no engine could be started:" + notes(contest.problems))
    judged = json.loads(
        workshop.tool("pairs.py", "--articles", contest.articles, "--truth", given.truth.resolve(), *contest.files)
    )

    bands, rows = None, []
    for (facts, setting, before, seconds, watches), file in zip(contest.rows, contest.files):
        found = judged[file]
        bands = {name: total for name, (_, total) in found["recall"].items()}
        rows.append(
            [
                f"{facts['engine']} {facts['version']}",
                setting,
                facts["reports"],
                facts["where"],
                f"{found['pairs']:,}",
                *(share(hits / total if total else None) for hits, total in found["recall"].values()),
                share(found["shared"]),
                share(found["some"]),
                share(found["jaccard"].get(setting)),
                number(statistics.median(seconds)),
                number(statistics.median(watched.cpu_s for watched in watches)),
                number(before) if before else "–",
                number(max(watched.peak for watched in watches) / 1e6),
            ]
        )
    with open(contest.articles, "rb") as lines:
        count = sum(1 for _ in lines)
    print(f"**Near-duplicates among {count:,} articles, {given.threads} threads.** {machine()}.")
    print("True pairs: " + ", ".join(f"{name}: {total:,}" for name, total in bands.items()) + ".")
    print("J: Jaccard index, C: containment in the shorter, of runs of five words. MinHash has", end=" ")
    print(f"{given.permutations} permutations. SemHash compares vectors of the model built into voisin, one an article.")
    print(f"s: the median of {given.rounds} runs, each in a new process; one run, where that is more than {LONG_S} s.")
    print("CPU s: of all cores. before s: indexing or embedding, once. where: whether it shows what text two articles share.\n")
    header = ["tool", "setting", "reports", "where", "pairs", *(f"recall {name}" for name in bands)]
    print(table([*header, "J ≥ 0.1 or C ≥ 0.2", "C ≥ 0.1", "J ≥ setting", "s", "CPU s", "before s", "MB"], rows))
    print(notes(contest.problems))
