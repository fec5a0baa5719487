"""The model's card: `card.md` with the tables of a run."""

from pathlib import Path

TEMPLATE = Path(__file__).with_name("card.md")


def manifest(files: dict) -> str:
    """Markdown: every file that training read, with its licence where it is a package, and its hash."""
    lines = ["| file | SHA-256 |", "| --- | --- |"]
    for name, about in sorted(files.items()):
        licence = f" ({about['what']}; {about['licence']})" if "licence" in about else ""
        lines.append(f"| `{name}`{licence} | `{about['sha256']}` |")
    return "\n".join(lines) + "\n"


def write(path: Path, files: dict, scores: str) -> None:
    text = TEMPLATE.read_text()
    for name, value in {"manifest": manifest(files), "scores": scores}.items():
        text = text.replace("{" + name + "}\n", value)
    path.write_text(text)
