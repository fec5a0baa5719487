"""The command line, known before there is an environment: nothing is installed for a mistyped option."""

import argparse
from pathlib import Path

STAGES = ("read", "pieces", "align", "teach", "distill", "mine", "fine_tune", "sharpen", "blend", "pack", "golden", "measure", "describe")
ROOT = Path(__file__).resolve().parent.parent.parent


def arguments() -> argparse.Namespace:
    """What was asked for; exits with what is wrong."""
    parser = argparse.ArgumentParser(
        prog="scripts/train/run",
        description="Trains the built-in model. README.md beside this file tells what each stage does and how long it takes.",
        epilog="Runs in a virtual environment of its own, in target/train-venv or $VOISIN_TRAIN_VENV, made at the first call "
        "(some 5 GB: torch comes with CUDA). A stage whose file is there is done: remove it, and those of the stages after it, "
        "to run it again. A run that was broken off goes on where it was.",
    )
    parser.add_argument(
        "what",
        nargs="*",
        default=["all"],
        metavar="STAGE",
        help=f"the last stage to run, of {', '.join(STAGES)} [default: all]; or `ready`: status 0 if the environment is there; "
        "or `widen MODEL OUT`: a copy of a model folder in f16, which every tool reads",
    )
    parser.add_argument("--data", type=Path, help="the data folder: parallel/, eval/stsb/, eval/retrieval/piaf/")
    parser.add_argument("--work", type=Path, default=ROOT / "target" / "train", help="where stages leave their files")
    parser.add_argument("--packages", type=Path, help="where packages of public texts are kept [default: WORK/packages]")
    parser.add_argument("--start", type=Path, help="a model of ours to start from [default: the teacher]")
    parser.add_argument("--voisin", type=Path, default=ROOT / "target" / "release" / "voisin", help="evaluates the model")
    parser.add_argument("--smoke", action="store_true", help="a handful of sentences, made here, and a tiny model, anew in WORK/smoke")
    given = parser.parse_args()
    if given.what[0] not in ("ready", "widen", "all", *STAGES):
        parser.error(f"there is no stage {given.what[0]}: there are {', '.join(STAGES)}")
    operands = {"ready": 0, "widen": 2}.get(given.what[0], 0)
    if len(given.what) != 1 + operands:
        parser.error(f"{given.what[0]} takes {operands or 'no'} operands, not {len(given.what) - 1}")
    if given.what[0] not in ("ready", "widen") and not given.smoke and given.data is None:
        parser.error("--data is missing: the folder that holds parallel/ and eval/")
    return given
