"""Markdown for an issue, and the facts of the machine above it."""

import datetime
import os
import platform
import statistics
import subprocess
from pathlib import Path

from .setup import ROOT

# Instruction sets that decide how fast these engines are.
TELLING = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_tile", "amx_bf16", "amx_int8")


def machine():
    """The CPU, its cores, the date and the commit, in one line."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    facts = dict(map(str.strip, line.split(":", 1)) for line in lines if ":" in line)
    flags = facts.get("flags", "").split()
    known = ", ".join(flag for flag in TELLING if flag in flags) or platform.machine()
    family = f", family {facts['cpu family']} model {facts['model']}" if "cpu family" in facts else ""
    command = ["git", "describe", "--always", "--dirty"]
    commit = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.strip()
    return (
        f"{facts.get('model name', platform.machine())}{family} ({known}), {os.cpu_count()} cores; "
        f"{datetime.date.today()}; voisin {commit or 'of an unknown commit'}; Python {platform.python_version()}"
    )


def table(header, rows):
    """A table; all columns but the first are numbers."""
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def number(value):
    """Three digits, or whole where that is more."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def rates(work, seconds):
    """The median rate, and the lowest and highest: "120 (110–125)"."""
    middle, low, high = (number(work / second) for second in (statistics.median(seconds), max(seconds), min(seconds)))
    return f"{middle} ({low}–{high})"


def notes(lines):
    """A list, or nothing."""
    return "".join(f"\n- {line}" for line in lines)
