"""What `run` runs inside of the environment."""

import shutil
import sys
import time
from pathlib import Path

import torch

import command
import export
import settings
import smoke
import stages


def main():
    given = command.arguments()
    last, *operands = given.what
    if last == "widen":
        return export.widen(*map(Path, operands))
    chosen = settings.SMOKE if given.smoke else settings.FULL
    if given.smoke:
        given.work = given.work / "smoke"
        shutil.rmtree(given.work, ignore_errors=True)
        given.data = smoke.data(given.work / "data")
        given.packages = smoke.packages(given.work / "packages")
    start = given.start or stages.teacher_folder()
    if not (start / "model.safetensors").is_file():
        sys.exit(f"train: {start} holds no model.safetensors: --start takes a model folder")
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(chosen.seed)
    work = stages.Work(
        given.work,
        given.data,
        start,
        given.packages or given.work / "packages",
        given.voisin,
        chosen,
    )
    work.same_start()
    names = list(stages.STAGES)
    for index, name in enumerate(names):
        function, made = stages.STAGES[name]
        if work.path(made).exists():
            print(f"== {name}: done ({made})")
        else:
            stale = [made for _, made in list(stages.STAGES.values())[index + 1 :] if work.path(made).exists()]
            if stale:
                sys.exit(f"train: {made} is missing, but {', '.join(stale)} were made of a former one: remove them, too")
            begin = time.monotonic()
            print(f"== {name}", flush=True)
            function(work)
            print(f"== {name}: {made}, {time.monotonic() - begin:.0f} s", flush=True)
        if name == last:
            break
    if given.smoke and last == "all":
        smoke.examine(work)


if __name__ == "__main__":
    main()
