"""Long calls interrupted at random moments: back within a second, with the same results afterwards.

The calls are all that take a control (`tests/house/test_interrupts.py`). They run in a process that
interrupts itself by SIGINT, as the stop button of a notebook does, when a call has used a random
number of seconds of the processor; other work on the machine stretches none of these times. The
same process then computes something of the same kind again, which must have the bits of before.
"""

import json
import math
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator

from tests.paths import ROOT
from tests.soak.rows import Row, count

TINY = 0.015

INTERRUPTS = 300
LATEST = 1.0
"""Seconds of the processor after which an interrupt comes at the latest."""
PROMPT = 1.0

# What is computed before and after, by the room of the call: calls of the fingerprint table.
AFTERWARDS = {
    "IMPURITIES": "nrg_kondo_field",
    "LATTICES": "ising_heat_bath",
    "MACHINES": "rbm_sampling",
    "DMFT": "dmft_ed",
}


def run(seed: int, scale: float) -> Iterator[Row]:
    from tests.house.test_interrupts import CALLS

    number = count(INTERRUPTS, scale)
    draw = random.Random(seed)
    rounds = -(-number // len(CALLS))
    order = [name for _ in range(rounds) for name in draw.sample(list(CALLS), len(CALLS))][:number]
    command = [sys.executable, "-m", "tests.soak.interrupts", str(seed)]
    done = subprocess.run(
        command, cwd=ROOT, input=json.dumps(order), stdout=subprocess.PIPE, text=True, check=False
    )
    # A line for each interrupt, so that it is seen which one broke the process.
    found = [json.loads(line) for line in done.stdout.splitlines()]
    for name, (seconds, same) in zip(order, found, strict=False):
        if seconds > PROMPT or not same:
            print(f"  {name}: {seconds:.2f} s, {'the same' if same else 'other'} bits after")
    if len(found) < number:
        print(f"  {order[len(found)]}: exit code {done.returncode}")
    what = f"interrupts of {len(set(order))} calls that ended in KeyboardInterrupt"
    yield Row.at_least(what, len(found), number)
    latest = max((seconds for seconds, _ in found), default=math.nan)
    yield Row.at_most("seconds of the processor until the call was back, at most", latest, PROMPT)
    other = sum(not same for _, same in found)
    yield Row.at_most("computations afterwards with another bit", other, 0)


def main() -> None:
    import kadanoff as kd
    from tests.fingerprint.calls import CALLS as NUMBERS
    from tests.fingerprint.record import digest
    from tests.house import test_interrupts as calls

    def bits(room: str) -> list[str]:
        found = NUMBERS[AFTERWARDS[room]].function()
        return [digest(values) for values in found.values()]

    # A shell starts what runs in the background with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    draw = random.Random(int(sys.argv[1]))
    before = {room: bits(room) for room in AFTERWARDS}
    for name in json.load(sys.stdin):
        took, _ = calls.stopped(
            calls.CALLS[name],
            lambda: os.kill(os.getpid(), signal.SIGINT),
            kd.Control(),
            delay=draw.uniform(0.0, LATEST),
        )
        room = next(room for room in AFTERWARDS if name in getattr(calls, room))
        print(json.dumps((took, bits(room) == before[room])), flush=True)


if __name__ == "__main__":
    main()
