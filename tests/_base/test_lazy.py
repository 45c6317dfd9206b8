"""Names that are loaded when they are first used."""

import subprocess
import sys

import pytest

import kadanoff as kd

LOADED = """
import sys
import kadanoff
print(sorted(name for name in sys.modules if name.startswith(("kadanoff.", "numpy", "scipy"))))
import kadanoff.ising as short
from kadanoff.nrg import solve
assert short is kadanoff.ising is kadanoff.lattices.ising
assert short.__spec__.name == short.__name__ == "kadanoff.lattices.ising"
assert solve is kadanoff.nrg.solve
import kadanoff.nrg.dynamics as inner
from kadanoff.rsmi.configurations import Configurations
assert inner is kadanoff.dynamics and inner.__spec__.name == "kadanoff.impurities.nrg.dynamics"
assert Configurations is kadanoff.rsmi.Configurations
"""

# Nine threads that touch the package first, and change places as often as they can.
AT_ONCE = """
import sys, threading
import kadanoff as kd
sys.setswitchinterval(1e-6)
ROOMS = ["nrg", "dmft", "rsmi", "ising", "dynamics", "lab", "transport", "effective", "rbm"]
start, failed = threading.Barrier(len(ROOMS)), []
def touch(k):
    start.wait()
    try:
        getattr(kd, ROOMS[k]) if k % 2 else __import__("kadanoff." + ROOMS[k])
        kd.AndersonModel, kd.RBM, kd.nrg.solve
    except BaseException as error:
        failed.append(repr(error))
threads = [threading.Thread(target=touch, args=(k,), daemon=True) for k in range(len(ROOMS))]
for thread in threads: thread.start()
for thread in threads: thread.join(60)
assert not failed, failed
assert not any(thread.is_alive() for thread in threads)
"""

# A lock that counts how deep it is taken.
NESTED = """
import kadanoff
from kadanoff._base import lazy
class Counted:
    depth = deepest = 0
    def __enter__(self):
        self.depth += 1
        self.deepest = max(self.deepest, self.depth)
    def __exit__(self, *_):
        self.depth -= 1
lazy._loading = lock = Counted()
for name in kadanoff.__all__:
    getattr(kadanoff, name)
assert lock.deepest == 1, lock.deepest
"""


def test_the_package_loads_no_room_before_it_is_used():
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['kadanoff._base', 'kadanoff._base.lazy']"


def test_every_public_name_can_be_loaded():
    for name in kd.__all__:
        assert getattr(kd, name) is getattr(kd, name)
    with pytest.raises(AttributeError, match="no attribute 'isng'"):
        _ = kd.isng
    with pytest.raises(ImportError):
        from kadanoff import isng  # noqa: F401


@pytest.mark.parametrize("program", [AT_ONCE, NESTED])
def test_threads_that_load_rooms_at_once_do_not_meet(program):
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
