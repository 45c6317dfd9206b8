# %% [markdown]
# # Contents
#
# A course in finding the simple model inside a complicated one. Each notebook asks a question,
# states what should come out (**prediction**), computes it, draws it, and asserts it: a cell that
# runs to its end has been checked. Exercises are at the end of sections and notebooks; where they
# have solutions, these are notebooks too, in the folder `solutions`, and a link leads there. The
# code of cells that only draw is folded: a click on its bar shows it.
#
# The environment variable `KADANOFF_BUDGET` chooses how long a notebook may compute: `quick` is
# what the tests run, `normal` is the default, `full` is the precision that a paper would want.
# Times below are seconds of processor time of one run; most of a notebook uses both of two idle
# cores, on which it ends sooner.
# Figures are stored here at twice the resolution of a screen; the cell magic
# `%config InlineBackend.figure_formats = ["retina"]` does the same for a run of your own.

# %%
import json
from pathlib import Path

import kadanoff as kd

COURSE = {
    "01": (
        "Which Kondo model does an Anderson impurity flow to? Rigo-Mitchell, Figs. 1-3, S1, S2.",
        "second quantisation; the Kondo effect by name",
    ),
    "02": ("What is left when one lead screens two dots? Fig. 4.", "01"),
    "03": (
        "How do I write my own impurity: anisotropy, two-stage screening, two channels?",
        "01",
    ),
    "04": (
        "When is tracing out a hidden unit a step of the RG? Kho, Figs. 4 and 5.",
        "the Ising chain",
    ),
    "05": (
        "What do block spins do in two dimensions? Does a trained stack find them? Kho, Fig. 3.",
        "04",
    ),
    "06": (
        "What do configurations tell of a transition? Can a learned model speed up sampling?",
        "critical exponents",
    ),
    "07": ("Which block variable knows most about far away?", "05"),
    "08": ("Does it find a field that was not put in?", "07"),
    "09": ("Why do good variables make simple Hamiltonians?", "04, 07"),
    "10": (
        "Which impurity solver is right where?",
        "Green functions on the imaginary axis",
    ),
    "11": ("Where does the metal end on the Bethe lattice?", "10"),
    "12": ("What does regression know, and when does it not know?", "none"),
    "13": ("Can a learned solver replace the expensive one?", "10, 11, 12"),
    "14": ("How does it look when a parameter moves? Sliders for all of it.", "none"),
    "15": (
        "A dot was measured: what are its $U$, $\\Gamma$, level and Kondo temperature?",
        "the Kondo effect by name",
    ),
    "16": (
        "What do superconductors, ferromagnets, two channels and vibrations make of an impurity?",
        "01, 03",
    ),
    "17": (
        "How do I solve my own lattice, and what is certain of its spectrum?",
        "10, 11",
    ),
    "18": (
        "What do blocks, information and tensors say of one critical point?",
        "05, 07",
    ),
    "19": (
        "What do several orbitals change: Hund's metal, orbital-selective Mott transition?",
        "10, 11",
    ),
    "20": (
        "I have a file of configurations: what to keep of a block, which $T_c$ and $\\nu$?",
        "07",
    ),
}
HERE = Path("times.json")
times = json.loads(HERE.read_text()) if HERE.exists() else {}
present = sorted(path.stem for path in Path().glob("[0-9][0-9]_*.py") if path.stem != "00_contents")

# %% [markdown]
# **Prediction.** Every notebook that is here has an entry in the table and a place in one of the
# paths below.


# %%
class Table:
    """Rows that a notebook shows as a table."""

    def __init__(self, head, rows):
        self.lines = [head, ["---"] * len(head), *rows]

    def _repr_markdown_(self):
        return "\n".join(f"| {' | '.join(line)} |" for line in self.lines)

    def __repr__(self):
        return self._repr_markdown_()


def seconds(name, budget):
    found = times.get(name, {}).get(budget)
    return "" if found is None else f"{found:.0f} s"


def title(name):
    first = Path(f"{name}.py").read_text(encoding="utf-8").splitlines()[1]
    return first.removeprefix("# # ")


def entry(name):
    return COURSE.get(name[:2], (title(name), ""))


Table(
    ["notebook", "what it answers", "before it", "quick", "normal"],
    [
        [
            f"[{name[:2]} {title(name)}]({name}.ipynb)",
            *entry(name),
            seconds(name, "quick"),
            seconds(name, "normal"),
        ]
        for name in present
    ],
)

# %% [markdown]
# ## Paths
#
# * **A quantum dot on my desk**: 15, 01, 02, 03.
# * **What has the renormalization group to do with machine learning?** 04, 05, 07, 09; then 08.
# * **Phase transitions from data**: 05, 06, 07, 20.
# * **One critical point, three ways**: 05, 07, 18.
# * **DMFT with cheaper solvers**: 10, 11, 12, 13.
# * **DMFT of my own lattice**: 10, 11, 17; of several orbitals: 19.
# * **Impurities beyond one metal**: 01, 03, 16.
# * **An afternoon**: the first two sections each of 01, 04 and 07; the sliders of 14.

# %%
assert {name[:2] for name in present} <= COURSE.keys()
assert all(title(name) for name in present)
print(f"{len(present)} notebooks")

# %% [markdown]
# **Exercises.** 1. Run `KADANOFF_BUDGET=quick make notebooks` and open this page again: how fast
# is your machine? 2. In a notebook of your choice change one parameter before an assertion so
# that it fails; was the prediction wrong, or its tolerance?

# %%
kd.about()
