"""Runs killed at random moments, or at work on one store at once: nothing lost, nothing doubled.

The killed process is the one that writes, or one of its workers; a third of the kills come early,
while the store and its manifest are made. Afterwards the run is continued, to be killed again, and
in the end the store must equal one that was never disturbed.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

from tests.paths import ROOT
from tests.soak.rows import Row, count

TINY = 0.03

SCENES = {
    "sweep on threads": 60,
    "sweep on processes": 50,
    "sweep on Dask": 14,
    "database on threads": 40,
    "database on processes": 30,
    "database on Dask": 6,
}
OPENINGS = 150  # times three processes


def run(seed: int, scale: float) -> Iterator[Row]:
    faults: Counter[str] = Counter()
    for scene, whole in SCENES.items():
        wanted = count(whole, scale, least=0)
        if wanted:
            found = _scene(scene, wanted, seed)
            faults.update(found["faults"])
            yield Row.at_least(f"kills, {scene}", found["trials"], wanted)
    for what in (
        "runs that could not go on",
        "points lost",
        "points computed twice",
        "stores that differ from an undisturbed one",
        "damaged files",
    ):
        yield Row.at_most(f"after these kills: {what}", faults[what], 0)
    rounds = count(OPENINGS, scale)
    found = _scene("openings", rounds, seed)
    yield Row.at_least(
        "openings of a new store by three processes at once", 3 * found["trials"], 3 * rounds
    )
    for what in ("openings that failed", "points lost", "files left behind"):
        yield Row.at_most(f"at these openings: {what}", found["faults"].get(what, 0), 0)


def _scene(name: str, wanted: int, seed: int) -> dict:
    command = [sys.executable, "-m", "tests.soak.killed", name, str(wanted), str(seed)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])
