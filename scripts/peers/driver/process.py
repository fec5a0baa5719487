"""An engine as a process: started, asked, one line at a time."""

import contextlib
import json
import os
import select
import subprocess

from .setup import Unavailable

# An engine that says nothing for so long hangs.
LIMIT_S = 600


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
