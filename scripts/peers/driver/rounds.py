"""The order in which engines are asked: all of them in each round, each time another one first."""

import time

# Threads of the engine before may spin for a while after its answer.
PAUSE_S = 0.3


def interleaved(rounds, engines):
    """Yields (round, engine), after a pause."""
    for round in range(rounds):
        first = round % max(1, len(engines))
        for engine in engines[first:] + engines[:first]:
            time.sleep(PAUSE_S)
            yield round, engine
