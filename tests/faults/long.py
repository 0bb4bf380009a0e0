"""Random runs of a kitchen for hours: `python -m tests.faults.long --hours 8 --seed 1`.

Each run has a seed of its own, counted from the first. One that fails is printed with its steps, and
`--seed N --runs 1` repeats it.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from itertools import count

from tests.faults.crashes import Crash
from tests.faults.kitchen import DAY, Fault, Kitchen

STEPS = 200


def one_run(seed: int, steps: int = STEPS, log: list[str] | None = None) -> Kitchen:
    """One run; `log` takes its steps.

    Raises:
        Broken: an invariant does not hold.
    """
    chance = random.Random(seed)  # noqa: S311 - a seed repeats a run
    kitchen = Kitchen()
    for _ in range(steps):
        name, arguments = _step(chance)
        if log is not None:
            log.append(f"{kitchen.cloud.now}: {name}{arguments}")
        getattr(kitchen, name)(*arguments)
    kitchen.close()
    return kitchen


def _step(chance: random.Random) -> tuple[str, tuple[object, ...]]:
    number, which = chance.randrange(10), chance.randrange(1_000)
    units = (chance.randrange(20), chance.randrange(10))
    steps: dict[str, tuple[object, ...]] = {
        "drop": (chance.randrange(6), _rows(chance)),
        "record": (which, _fault(chance)),
        "use": (number, units, _fault(chance)),
        "use_batch": ([chance.randrange(10) for _ in range(3)], units, _fault(chance)),
        "wait": (chance.choice((1, 1, 1, 2, 5, DAY)),),
        "wait_until_next_expiry": (chance.randrange(-1, 2),),
        "remove_by_time_to_live": (which,),
        "work_stream": ([chance.randrange(1_000) for _ in range(chance.randrange(6))], _fault(chance)),
        "reconcile": (chance.randrange(2), _fault(chance)),
        "discard": (number, 1 + units[1], which, _fault(chance)),
        "give_back": (number, units[1], which, _fault(chance)),
        "count": (number, _fault(chance)),
    }
    weights = (2, 5, 8, 3, 1, 1, 3, 4, 2, 2, 3, 1)
    (name,) = chance.choices(list(steps), weights)
    return name, steps[name]


def _rows(chance: random.Random) -> list[tuple[int, int, int]]:
    return [
        (chance.randrange(2), chance.randrange(1, 30), chance.choice((1, 2, 3, 9, DAY)))
        for _ in range(chance.randrange(1, 5))
    ]


def _fault(chance: random.Random) -> Fault | None:
    return Fault(chance.randrange(12), chance.choice(list(Crash))) if chance.random() < 0.4 else None


def main() -> int:
    """Runs until the time is over; 1 if a run failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=int, default=sys.maxsize)
    options = parser.parse_args()
    deadline = time.monotonic() + options.hours * 3600
    calls = 0
    for seed in count(options.seed):
        if time.monotonic() > deadline or seed >= options.seed + options.runs:
            print(f"{seed - options.seed} runs of {STEPS} steps, {calls} AWS calls, none failed", flush=True)  # noqa: T201
            return 0
        log: list[str] = []
        try:
            calls += one_run(seed, log=log).calls
        except Exception as broken:
            steps = "\n  ".join(log)
            print(f"seed {seed} failed: {broken!r}\n  {steps}", flush=True)  # noqa: T201
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
