"""Tests mirror the rooms: tests/<room>/test_<module>.py is where a module is tested."""

from tests.house.modules import PACKAGE, listed
from tests.paths import ROOT

TESTS = ROOT / "tests"

# Folders of tests that mirror no room: what they hold is asked of the package as a whole.
ACROSS = {
    "fingerprint": "the numbers of seeded calls over all of the package",
    "house": "rules about the sources, the build, the documents",
    "properties": "properties by hypothesis, which join modules; `kadanoff.testing` serves them",
    "reference": "data with provenance",
    "fuzz": "every argument of every public call with bad values; whole by `make fuzz`",
    "soak": "what is asked over hundreds of seeds, kills and interrupts; whole by `make soak`",
}

# Tests called after what they hold, since it belongs to no single module. Only to shrink.
SUBJECTS = {
    "cli/test_main.py": "the command line as a whole, through `kadanoff.cli.main`",
    "dmft/loops/test_lattices_loop.py": "loops on all lattices, in limits and symmetries",
    "dmft/test_solvers_agree.py": "all solvers against each other and against references",
    "impurities/effective/test_mapping.py": "Anderson to Kondo and the perturbative mapping",
    "impurities/nrg/test_exact_limits.py": "limits that are known in closed form",
    "impurities/nrg/test_reference_thermodynamics.py": "curves of an independent NRG code",
    "impurities/nrg/test_single_impurity.py": "Rust forms of two models, by a table they read",
    "impurities/nrg/test_two_channels.py": "two channels, from seed to thermodynamics",
    "lab/test_browser.py": "the explorers in a headless browser",
    "lab/test_jupyter_lab.py": "the notebooks in JupyterLab",
    "lattices/ising/test_exact.py": "exact solutions against each other",
    "lattices/ising/test_windows.py": "windows, of exact_solutions, with boundary fields",
    "rbm/test_estimators.py": "both estimators by the checks of scikit-learn",
}

# What may be asked of any room as a whole.
OF_A_ROOM = {
    "plots": "its pictures",
    "refusals": "bad input of its public calls, refused by name",
    "signatures": "its public calls: options in sight, misspelt ones answered, results that show",
}


def rooms():
    """Folders of the package with modules in them, relative to it."""
    return sorted(
        folder.relative_to(PACKAGE).as_posix()
        for folder in PACKAGE.rglob("*")
        if folder.is_dir() and any(path.stem != "__init__" for path in folder.glob("*.py"))
    )


def files():
    """Test files of the rooms, relative to tests/."""
    found = sorted(path.relative_to(TESTS) for path in TESTS.rglob("test_*.py"))
    return [path for path in found if path.parts[0] not in ACROSS]


def test_every_room_is_tested():
    """In a folder of its own, or in a file of the room above that is called after it."""
    named = {path.with_suffix("").as_posix().replace("test_", "") for path in files()}
    folders = {path.parent.as_posix() for path in files()}
    inside = {name for folder in folders for name in (folder, *map(str, (TESTS / folder).parents))}
    listed(room for room in rooms() if room not in inside | named and room not in COVERED)


# Rooms without tests under their own name, and where theirs are. Only to shrink.
COVERED = {
    "lattices/ising/exact_solutions": "tests/lattices/ising/test_exact.py",
    "testing": "tests/properties",
}


def test_every_file_of_tests_is_called_after_a_module():
    """`test_dynamics_runs.py` continues `test_dynamics.py`; a room's own name stands for it all."""

    def belongs(path):
        room, name = PACKAGE / path.parent, path.stem.removeprefix("test_")
        names = {p.stem for p in room.glob("*.py")} | {p.name for p in room.glob("*/")}
        return (
            name in OF_A_ROOM
            or path.parent.name == name
            or any(name == module or name.startswith(f"{module}_") for module in names)
        )

    listed(
        path.as_posix() for path in files() if not belongs(path) and path.as_posix() not in SUBJECTS
    )


def test_every_folder_of_tests_mirrors_a_room():
    listed(path.as_posix() for path in {p.parent for p in files()} if not (PACKAGE / path).is_dir())


def test_the_lists_are_not_stale():
    listed(name for name in SUBJECTS if not (TESTS / name).is_file())
    listed(name for name in ACROSS if not (TESTS / name).is_dir())
    listed(where for where in COVERED.values() if not (ROOT / where).exists())
