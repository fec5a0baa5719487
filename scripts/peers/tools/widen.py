"""Writes a model whose weights are 8-bit integers in f16, for tools that know no integers.

    widen.py --model MODEL --to FOLDER
"""

import argparse
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "train"))

import export  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument("--model", type=Path, required=True)
parser.add_argument("--to", type=Path, required=True)
given = parser.parse_args()
export.widen(given.model, given.to)
