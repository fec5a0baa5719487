"""The line protocol between the driver and an engine: one JSON object a line, a request in, an answer out.

An engine prints {"ready": {...}} when it has loaded, then answers each request, in order, until its input ends. Which
requests there are is up to the engine; README.md lists them.
"""

import json
import os
import sys
import time

# The real standard output. What libraries print from now on goes to standard error.
OUT = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)


def say(message):
    """Sends one line to the driver."""
    print(json.dumps(message), file=OUT, flush=True)


def serve(load, answer):
    """Calls load() for the facts of the ready line, then answer(request) for every line of standard input."""
    start = time.perf_counter()
    facts = load()
    facts.setdefault("load_s", time.perf_counter() - start)
    say({"ready": facts})
    for line in sys.stdin:
        try:
            say(answer(json.loads(line)))
        except Exception as error:  # The driver is told, and goes on with the other engines.
            say({"error": f"{type(error).__name__}: {error}"})
