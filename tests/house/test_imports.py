"""Who may import whom.

Imports point down, wherever they stand: at module level, inside a function, or for types. What
needs something from above takes a protocol instead.
"""

from tests.house.modules import MODULES, imports, listed, pillar

# Each pillar may import those to the left of it, and itself. ARCHITECTURE.md shows these lines.
CHAINS = (
    "_base <- runs, bands, units <- greens <- impurities <- dmft",
    "_base <- runs <- rbm <- lattices",
)
# These see all of the above. Nobody imports them, except that the command line opens the lab.
ABOVE = {"lab": set(), "cli": {"lab"}, "testing": set()}

# The face, `kadanoff/__init__.py`, gathers the pillars under short names.
FACE = {"kadanoff", "kadanoff.__main__"}

DRAWING = {"matplotlib"}
WIDGETS = {"ipywidgets", "anywidget", "IPython", "jupytext"}
TEST_TOOLS = {"hypothesis", "pytest"}


def allowed(chains=CHAINS, above=ABOVE):
    """The pillars that each pillar may import."""
    below = {}
    for chain in chains:
        lower = set()
        for level in chain.split("<-"):
            names = {name.strip() for name in level.split(",")}
            for name in names:
                below[name] = below.get(name, set()) | lower
            lower |= names
    physics = set(below)
    return below | {name: physics | others for name, others in above.items()}


ALLOWED = allowed()


def found(rule, *, face=False):
    """One line per import for which ``rule(module, item)`` is true: those that break it."""
    return [
        f"{module}: {item.name} in {item.function or 'the module'}"
        for module, path in MODULES.items()
        if face or module not in FACE
        for item in imports(path)
        if rule(module, item)
    ]


def test_the_table_is_read_as_it_is_meant():
    assert ALLOWED["_base"] == set()
    assert ALLOWED["greens"] == {"_base", "runs", "bands", "units"}
    assert ALLOWED["lattices"] == {"_base", "runs", "rbm"}
    assert "rbm" not in ALLOWED["dmft"]


def test_every_pillar_has_its_place():
    pillars = {pillar(module) for module in MODULES} - {"", "__main__"}
    assert pillars == ALLOWED.keys()


def test_imports_point_down():
    def upward(module, item):
        here, there = pillar(module), item.module and pillar(item.module)
        if there is None or there in (here, "_core"):
            return False
        if there == "":  # the face
            return here not in ABOVE
        return there not in ALLOWED[here]

    listed(found(upward))


def test_only_pillars_with_physics_call_the_compiled_core():
    def calls_core(module, item):
        return pillar(module) in ("lab", "cli") and item.of("kadanoff._core")

    listed(found(calls_core))


def test_the_face_takes_nothing_from_above_but_the_lab():
    def above(module, item):
        return module == "kadanoff" and item.module and pillar(item.module) in ABOVE

    assert {line.rpartition(" in ")[0] for line in found(above, face=True)} <= {
        "kadanoff: kadanoff.lab"  # for types; `kd.lab` is imported when somebody asks for it
    }


def test_test_tools_stay_in_testing():
    def tool(module, item):
        return pillar(module) != "testing" and item.name.split(".")[0] in TEST_TOOLS

    listed(found(tool, face=True))


# ---------------------------------------------------------------------------------------- pictures


def is_plots(module):
    return module is not None and module.endswith(".plots")


def test_only_plots_and_the_lab_draw():
    def draws(module, item):
        may = is_plots(module) or module == "kadanoff._base.style" or pillar(module) == "lab"
        return not may and not item.typing_only and item.name.split(".")[0] in DRAWING

    listed(found(draws, face=True))


def test_only_the_lab_knows_widgets():
    def shows(module, item):
        foreign = item.name.split(".")[0] in WIDGETS
        return pillar(module) != "lab" and not item.typing_only and foreign

    listed(found(shows, face=True))


def test_plots_are_imported_when_a_picture_is_drawn():
    """Inside `plot...`, so that a computing node without a display never loads them.

    One plots module builds on another; the lab draws anyway; the command line draws in `draw` and
    `save_...`.
    """

    def early(module, item):
        if not is_plots(item.module) or is_plots(module) or pillar(module) == "lab":
            return False
        starts = ("plot", "draw", "save_") if pillar(module) == "cli" else ("plot",)
        return not (item.function or "").startswith(starts)

    listed(found(early, face=True))


def test_plots_know_what_they_draw_by_its_type():
    """A plots module imports those that call it for their types only, or when it draws."""
    callers = {
        (module, item.module)
        for module, path in MODULES.items()
        for item in imports(path)
        if is_plots(item.module) and not is_plots(module)
    }

    def back(module, item):
        early = item.function is None and not item.typing_only
        return is_plots(module) and early and (item.module, module) in callers

    listed(found(back))


def test_whoever_draws_has_plots_of_its_own():
    """A `plot` method turns to the plots of its own pillar."""

    def elsewhere(module, item):
        return (
            is_plots(item.module)
            and not is_plots(module)
            and pillar(module) not in ABOVE
            and pillar(module) != pillar(item.module)
        )

    listed(found(elsewhere))


# ----------------------------------------------------------------------------------------- circles


def circles(graph):
    """The sets of modules that reach each other, those of one module left out."""

    def reach(start):
        reached, pending = set(), [start]
        while pending:
            for there in graph.get(pending.pop(), ()):
                if there not in reached:
                    reached.add(there)
                    pending.append(there)
        return reached

    reached = {module: reach(module) for module in graph}
    return {
        frozenset(other for other in reached[module] if module in reached.get(other, ()))
        for module in graph
        if module in reached[module]
    }


def test_circles_are_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}) == {frozenset("bc")}


def graph(keep):
    """Which module imports which, of the imports that `keep` takes."""
    return {
        module: {item.module for item in imports(path) if keep(item)} - {None, module}
        for module, path in MODULES.items()
    }


def test_modules_form_no_circle_when_they_are_imported():
    # Importing `kadanoff` itself counts too: a module of the package must not need the finished
    # package.
    assert circles(graph(lambda item: item.function is None and not item.typing_only)) == set()


def test_no_circle_leaves_its_pillar():
    """With imports inside functions and for types; through the face everything hangs together."""
    arrows = {
        module: there - FACE for module, there in graph(lambda item: True).items()
        if module not in FACE
    }  # fmt: skip
    crossing = [circle for circle in circles(arrows) if len({pillar(m) for m in circle}) > 1]
    listed(sorted(circle) for circle in crossing)
