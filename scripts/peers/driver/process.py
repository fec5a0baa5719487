"""An engine as a process: started, asked, one line at a time."""

import contextlib
import json
import os
import select
import subprocess
import threading
from pathlib import Path

from .setup import Unavailable

# An engine that says nothing for so long hangs.
LIMIT_S = 600
# How often a process is asked for its memory while it is watched.
WATCH_S = 0.5


def limited(threads):
    """The environment that limits every thread pool known to these engines."""
    pools = ("OMP", "MKL", "OPENBLAS", "RAYON")
    return {
        **os.environ,
        **{f"{pool}_NUM_THREADS": str(threads) for pool in pools},
        "TOKENIZERS_PARALLELISM": "true",
        # Nothing is to be written beside the scripts.
        "PYTHONDONTWRITEBYTECODE": "1",
    }


class Engine:
    """A running engine. `facts` is what it said when it was ready."""

    def __init__(self, label, command, threads, log, one_cpu=False):
        self.label, self.log = label, log
        pin = None
        if one_cpu and hasattr(os, "sched_setaffinity"):
            cpu = max(os.sched_getaffinity(0))

            def pin():
                os.sched_setaffinity(0, {cpu})

        # Standard error goes to a file: only its last line is ever shown.
        with open(log, "w", encoding="utf-8") as errors:
            self.process = subprocess.Popen(
                list(map(str, command)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=limited(threads),
                preexec_fn=pin,
            )
        self.facts = self._read()["ready"]

    def ask(self, limit_s=LIMIT_S, **request):
        """The answer to a request, which must come within `limit_s` seconds if that is a number."""
        try:
            print(json.dumps(request), file=self.process.stdin, flush=True)
        except BrokenPipeError:
            pass  # It has ended: reading says why.
        answer = self._read(limit_s)
        if "error" in answer:
            raise Unavailable(answer["error"])
        return answer

    def _read(self, limit_s=LIMIT_S):
        # Nothing is left over in the buffer: an engine says one line, then waits.
        if not select.select([self.process.stdout], [], [], limit_s)[0]:
            self.process.kill()
            self.close()
            raise Unavailable(f"it did not answer within {limit_s} s")
        line = self.process.stdout.readline()
        if not line:
            self.close()
            lines = self.log.read_text(errors="replace").strip().splitlines() or ["no message"]
            raise Unavailable(f"it ended with status {self.process.returncode}: {lines[-1]}")
        return json.loads(line)

    def close(self):
        """Ends the process, which ends when its input does."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def family(process):
    """A process and all that descend from it, by their numbers."""
    yield process
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in children.read_text().split():
                yield from family(int(child))


def memory(process):
    """Bytes that a process and its descendants have in memory, what they share counted once; 0 where the system does not say."""
    held = 0
    for member in family(process):
        # It may have ended since.
        with contextlib.suppress(OSError, IndexError):
            held += int(Path(f"/proc/{member}/smaps_rollup").read_text().split("\nPss:")[1].split()[0]) * 1024
    return held


def worked(process):
    """Seconds of CPU that a process has had, with those of its children that have ended; 0 where the system does not say."""
    try:
        # Of what stands behind the name, which may hold spaces: user and system time, its own and its children's.
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


class Watched:
    """Watches an engine while the block runs: `peak` is the most memory that it had, in bytes, `cpu_s` what it worked."""

    def __init__(self, engine):
        self.process, self.peak, self.cpu_s = engine.process.pid, 0, 0
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        while True:
            self.peak = max(self.peak, memory(self.process))
            if self.done.wait(WATCH_S):
                return

    def __enter__(self):
        self.cpu_s = -worked(self.process)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.cpu_s += worked(self.process)
        self.done.set()
        self.thread.join()
