"""What ARCHITECTURE.md states: each sentence, and the test that holds it.

Sentences are compared word by word, whatever the line breaks: who changes one finds its test here,
and who removes the test finds the sentence.
"""

import ast
import inspect
import re
from unittest import mock

import pytest

import kadanoff as kd
from kadanoff import _core
from kadanoff._base.errors import Cancelled, NotConverged, NumericalError
from kadanoff.impurities.symmetry.detection import SYMMETRIES
from tests.house import test_imports
from tests.house.modules import PACKAGE, listed, tree
from tests.paths import ROOT
from tools import architecture

PAGE = architecture.PAGE.read_text(encoding="utf-8")


def plain(text):
    return " ".join(text.replace("* ", " ").split())


TEXT = plain(PAGE)

HOUSE = "tests/house"
NRG = "tests/impurities/nrg"

# Sentences that a test elsewhere holds; those of this file are marked with `states`.
HELD = {
    "A model is data, not a solver: hashable, printable, comparable.": (
        "tests/impurities/models/test_models.py::test_models_are_data",
        "tests/impurities/models/test_dots.py::test_models_are_data",
        "tests/impurities/models/test_custom.py::test_models_are_data",
    ),
    "It checks itself when it is made.": (
        "tests/impurities/models/test_models.py::test_anderson_wants_finite_numbers",
        "tests/impurities/models/test_custom.py::test_bad_terms_are_named",
    ),
    "draws itself: `.plot()`": (
        f"{HOUSE}/test_every_plot.py::test_cheap_ones_draw_into_what_they_are_given",
    ),
    # Who may import whom
    "A module imports its own pillar and those to the left of it, wherever the import stands: at "
    "module level, inside a function, or for types.": (
        f"{HOUSE}/test_imports.py::test_imports_point_down",
    ),
    "no pillar imports these three.": (f"{HOUSE}/test_imports.py::test_imports_point_down",),
    "It is the only place where the pillars meet, and nothing below it imports it.": (
        f"{HOUSE}/test_imports.py::test_imports_point_down",
    ),
    "No import cycle crosses pillars": (
        f"{HOUSE}/test_imports.py::test_no_circle_leaves_its_pillar",
    ),
    "and none exists at import time.": (
        f"{HOUSE}/test_imports.py::test_modules_form_no_circle_when_they_are_imported",
    ),
    "Every pillar has its own `plots.py`.": (
        f"{HOUSE}/test_imports.py::test_whoever_draws_has_plots_of_its_own",
    ),
    "It is imported inside `plot` methods, when they are called": (
        f"{HOUSE}/test_imports.py::test_plots_are_imported_when_a_picture_is_drawn",
    ),
    "it knows the results that it draws by their type only.": (
        f"{HOUSE}/test_imports.py::test_plots_know_what_they_draw_by_its_type",
    ),
    "matplotlib is imported by `plots.py`, by `_base/style.py` and by `lab`": (
        f"{HOUSE}/test_imports.py::test_only_plots_and_the_lab_draw",
    ),
    "widgets belong to `lab` alone.": (
        f"{HOUSE}/test_imports.py::test_only_the_lab_knows_widgets",
    ),
    "`import kadanoff` loads neither scipy nor scikit-learn nor matplotlib.": (
        f"{HOUSE}/test_light_import.py::test_nothing_heavy_is_loaded",
    ),
    "A name with a leading underscore stays in its file": (
        f"{HOUSE}/test_names.py::test_private_names_stay_in_their_file",
    ),
    "Nothing is called like the module that defines it, except a solver after its method.": (
        f"{HOUSE}/test_names.py::test_nothing_is_called_like_the_module_that_defines_it",
    ),
    "A physics crate needs no other physics crate": (
        f"{HOUSE}/test_crates.py::test_crates_point_downwards",
    ),
    "only `bindings` depends on `pyo3` and `numpy`.": (
        f"{HOUSE}/test_crates.py::test_only_the_bindings_know_python",
    ),
    "both forms agree to 1e-12": (
        "rust/nrg/src/single_impurity.rs::python_gives_the_same_numbers",
        f"{NRG}/test_single_impurity.py::test_the_table_of_the_rust_crate_is_current",
    ),
    "are asked for in `rust/runtime/src/platform.rs` alone.": (
        f"{HOUSE}/test_crates.py::test_clocks_and_threads_are_asked_for_in_one_place",
    ),
    # The contracts
    "The chain remembers `Lambda`, the twist `z`, the scheme and the band.": (
        "tests/bands/test_bands.py::test_chains_are_cached_immutable_values",
    ),
    "the energy down to which a chain of n + 1 sites resolves the spectrum": (
        "tests/bands/test_bands.py::test_scale_is_the_limit_of_the_hopping",
    ),
    "a hybridisation V acts on f_0 as `V sqrt(norm)`": (
        "tests/impurities/models/test_custom.py::test_a_band_that_is_not_normalised_multiplies_the_coupling",
    ),
    "Every SU(2) factor follows Edmonds": (
        "tests/impurities/symmetry/test_multiplets.py::test_every_component_obeys_wigner_and_eckart",
    ),
    "each projected onto its scalar part, block by block.": (
        "tests/impurities/symmetry/test_multiplets.py::test_scalar_projections_keep_thermal_averages",
    ),
    "given only where they commute with H.": (
        "tests/impurities/symmetry/test_multiplets.py::test_reflections_exist_only_as_symmetries",
    ),
    "leaves Z2 (2S_z mod 4) or nothing.": (f"{NRG}/test_leads.py::test_broken_charge_and_spin",),
    "or SU(2) of their rotations.": (
        f"{NRG}/test_leads.py::test_every_symmetry_gives_the_levels_of_two_channels",
    ),
    "bands that differ for the spins, broken charge.": (
        f"{NRG}/test_leads.py::test_random_hamiltonians",
    ),
    "and on-site energies of alternating sign on its chain.": (
        "tests/bands/test_leads.py::test_the_rotated_chain_has_the_quasiparticle_levels",
    ),
    "never cutting through a degenerate cluster": (
        f"{NRG}/test_iteration.py::test_three_symmetries_give_one_spectrum_after_truncation",
    ),
    "solved exactly from its single-particle levels.": (
        "tests/properties/test_nrg_properties.py::test_clean_chain_is_free_electrons",
    ),
    "so that truncation hardly shows in ln Z": (
        f"{NRG}/test_iteration.py::test_complete_basis_is_closer_at_equal_effort",
    ),
    "in a temporary file beyond a bound": (
        f"{NRG}/test_dynamics_runs.py::test_vectors_on_disk_change_nothing",
    ),
    "sum rules hold to rounding": (
        f"{NRG}/test_dynamics_exact.py::test_sum_rules_in_every_symmetry",
    ),
    # What makes it fast
    "Blocks that spin inversion or charge conjugation make equal are solved once.": (
        f"{NRG}/test_iteration.py::test_reuse_changes_nothing",
    ),
    "samplers give the same bits on all.": (
        "rust/lattice/src/ising/multispin/tests.rs::all_registers_give_the_same_bits",
        "rust/rbm/src/layer/tests.rs::every_level_draws_the_same_bits",
        "rust/runtime/src/simd.rs::every_level_gives_the_same_bits_without_fusing",
    ),
    "all symmetries give the same spectrum to 1e-10": (
        "tests/properties/test_nrg_properties.py::test_all_symmetries_that_hold_give_one_spectrum",
    ),
    "joins the chi^2 tests against all states.": (
        "tests/lattices/ising/test_sampling.py::test_states_have_boltzmann_frequencies",
    ),
    "the table of the site follow.": (f"{HOUSE}/test_site.py::test_every_solver_is_in_the_table",),
    # Arguments and long calls
    "A check that belongs to one pillar stays there and begins with one of these.": (
        f"{HOUSE}/test_checks.py::test_checks_of_a_domain_stand_on_the_general_ones",
        f"{HOUSE}/test_checks.py::test_no_number_is_checked_by_hand",
    ),
    "`threads` is 1 to 1024 everywhere": (
        f"{HOUSE}/test_checks.py::test_bad_threads_are_refused",
        f"{HOUSE}/test_checks.py::test_seeds_and_threads_have_one_policy",
    ),
    "`seed=None` is fresh entropy everywhere": (
        f"{HOUSE}/test_checks.py::test_no_seed_is_fresh_entropy",
        f"{HOUSE}/test_checks.py::test_no_seed_has_a_default",
    ),
    "The calling thread wakes every 50 ms": (
        f"{HOUSE}/test_crates.py::test_a_long_call_wakes_every_50_ms",
    ),
    "the stop button ends any computation within a second of processor time and the kernel "
    "survives.": (f"{HOUSE}/test_interrupts.py::test_the_stop_button",),
    "Widgets cancel through the same object from another thread.": (
        f"{HOUSE}/test_interrupts.py::test_cancel_from_another_thread",
    ),
    "A result does not depend on the number of threads": (
        f"{HOUSE}/test_core.py::test_results_do_not_depend_on_the_number_of_threads",
        "tests/lattices/ising/test_sampling.py::test_same_seed_same_bits_on_any_number_of_threads",
        "tests/lattices/dimers/test_sampling.py::test_results_do_not_depend_on_the_number_of_threads",
        "tests/rbm/test_sampling.py::test_the_number_of_threads_does_not_matter",
    ),
    # Errors
    "with the amount it would need.": (
        f"{NRG}/test_iteration.py::test_more_memory_than_there_is_is_refused_with_numbers",
    ),
    "`rust/bindings/src/errors.rs` alone makes the exceptions of the package out of them": (
        f"{HOUSE}/test_crates.py::test_exceptions_of_the_package_are_made_in_one_file",
    ),
    "a failure says which block of which shell.": (
        f"{HOUSE}/test_core.py::test_numbers_that_overflow_on_the_way_are_numerical_errors",
    ),
    # Random numbers
    "Samplers name their streams by (seed, index of the chain or of the block of samples), never "
    "by thread": ("rust/runtime/src/random.rs::a_stream_is_its_seed_and_index",),
    "that is length-biased, and a test shows by how much.": (
        "tests/lattices/ising/test_sampling.py::test_measuring_after_a_budget_of_sites_would_be_noticed",
        "tests/lattices/dimers/test_sampling.py::test_loops_are_counted_and_not_steps",
    ),
    # Tests
    "the tests of the rooms that changed since the branch left `main` (`tools/changed.py`)": (
        f"{HOUSE}/test_changed.py::test_a_module_is_tested_by_its_room",
    ),
    "every notebook at the quick budget": (
        f"{HOUSE}/test_notebooks.py::test_runs_at_the_quick_budget",
    ),
    "the example in the README": (f"{HOUSE}/test_readme.py::test_example_runs",),
    "Tests mirror the rooms: `tests/<room>/test_<module>.py`": (
        f"{HOUSE}/test_rooms.py::test_every_file_of_tests_is_called_after_a_module",
    ),
    "Times are measured in `benchmarks/` and never asserted": (
        f"{HOUSE}/test_clocks.py::test_no_test_asserts_a_time",
    ),
    "the numbers that they gave": (
        "tests/fingerprint/test_fingerprint.py::test_values_are_those_recorded",
    ),
}


@pytest.mark.parametrize("sentence", HELD)
def test_a_sentence_stands_there_and_its_test_exists(sentence):
    assert plain(sentence) in TEXT
    for node in HELD[sentence]:
        file, _, name = node.partition("::")
        source = (ROOT / file).read_text(encoding="utf-8")
        assert re.search(rf"^ *(?:pub )?(?:def|fn) {name}\(", source, flags=re.MULTILINE), node


def states(*sentences):
    """Mark a test of this file with the sentences that it holds."""

    def mark(test):
        for sentence in sentences:
            assert plain(sentence) in TEXT, sentence
        return test

    return mark


@states("Every room of the package and every crate, with its modules.")
def test_the_map_is_that_of_the_tree():
    assert architecture.filled(PAGE) == PAGE, "stale: run `python -m tools.architecture`"
    for path in PACKAGE.rglob("*.py"):
        if path.parent != PACKAGE and path.stem != "__init__":
            assert re.search(rf"\b{path.stem}\b", architecture.tree()), path
    for path in (ROOT / "rust").glob("*/Cargo.toml"):
        assert f"rust/{path.parent.name}" in architecture.tree()


@states("The other exceptions are")
def test_the_table_of_exceptions_is_complete():
    table = architecture.exceptions()
    for error in (NotConverged, Cancelled, NumericalError):
        assert f"| `{error.__name__}` | `{error.__base__.__name__}` |" in table
    assert table.count("\n") == 1 + len([NotConverged, Cancelled, NumericalError])


@states("Who may import whom")
def test_the_diagram_of_imports_is_the_table_of_the_rule():
    section = PAGE.split("## Who may import whom")[1].split("```")[1]
    assert tuple(section.strip().splitlines()) == test_imports.CHAINS


@states("`bindings, web → nrg, ed, ctqmc, diagrams, lattice, rbm → linalg, runtime`")
def test_the_diagram_of_crates_names_all_of_them():
    top, physics, foundation = re.search(r"Rust: `(.*?)`", PAGE)[1].split(" → ")
    named = {*top.split(", "), *physics.split(", "), *foundation.split(", ")}
    assert named == {path.parent.name for path in (ROOT / "rust").glob("*/Cargo.toml")}
    assert set(foundation.split(", ")) == {"linalg", "runtime"}


@states(
    "A solve is one call into the compiled core, whatever the number of shells, blocks and twists."
)
def test_a_solve_is_one_call_into_the_core():
    with mock.patch.object(_core, "nrg_solve", wraps=_core.nrg_solve) as call:
        kd.nrg.solve(
            kd.KondoModel(J=0.4), keep=60, T_min=1e-2, z=(0.5, 1.0), progress=False, errors=False
        )
    assert call.call_count == 1


@states("A result carries its arrays, its parameters and its diagnostics")
def test_a_result_knows_what_it_was_computed_from():
    model = kd.KondoModel(J=0.4)
    run = kd.nrg.solve(model, keep=60, T_min=1e-2, progress=False)
    assert run.model == model
    assert run.options.keep == 60
    assert len(run.T) == len(run.entropy)


@states("Learning takes a model of the wanted form and returns a fitted model of the same type.")
def test_learning_returns_the_type_that_it_was_given():
    form = kd.KondoModel(J=0.2)
    fit = kd.effective.learn(
        form, target=kd.AndersonModel(U=0.5, J_sw=0.2), T=1e-2, keep=60, progress=False
    )
    assert type(fit.model) is type(form)
    assert fit.model != form


@states("A symmetry is a pair (charge, spin): U(1) x U(1), U(1) x SU(2) or SU(2) x SU(2)")
def test_the_symmetries_are_those_named():
    named = {
        tuple(factor.replace("(", "").replace(")", "") for factor in pair.split(" x "))
        for pair in ("U(1) x U(1)", "U(1) x SU(2)", "SU(2) x SU(2)")
    }
    assert set(SYMMETRIES) == named


@states(
    "`threads`, `progress`, `control` and `seed` travel together as one "
    "`kadanoff._base.running.Run`."
)
def test_a_run_carries_the_four_arguments():
    from kadanoff._base.running import Run

    assert set(inspect.signature(Run.of).parameters) == {"threads", "progress", "control", "seed"}


@states("It holds no physics: arrays in, arrays out.")
def test_the_bindings_compute_nothing():
    """No function of the bindings calls mathematics beyond what converts an argument."""
    mathematics = re.compile(r"\.(?:exp|ln|sqrt|sin|cos|tanh|powf|powi)\(")
    listed(
        path.name
        for path in (ROOT / "rust/bindings/src").glob("*.rs")
        if mathematics.search(path.read_text(encoding="utf-8"))
    )


@states("Where to add")
def test_every_path_exists():
    """Files and folders in backticks, from the root, the package, the sources or the crates."""
    roots = (ROOT, PACKAGE, ROOT / "python", ROOT / "rust")
    paths = {
        word.rstrip("/")
        for word in re.findall(r"`([\w./]+)`", PAGE)
        if "/" in word or re.search(r"\.(?:py|pyi|rs|toml|txt|lock)$", word)
    }
    assert len(paths) > 20
    patterns = {"plots.py", "NN_name.py"}  # one per room, one per notebook
    listed(path for path in paths - patterns if not any((root / path).exists() for root in roots))


@states("Arguments are checked by `kadanoff._base.checks`")
def test_every_module_that_is_named_exists():
    listed(
        name
        for name in re.findall(r"`(kadanoff(?:\.\w+)+)`", PAGE)
        if name != "kadanoff._core"
        if not (ROOT / "python" / (name.replace(".", "/") + ".py")).exists()
        and not (ROOT / "python" / (name.rpartition(".")[0].replace(".", "/") + ".py")).exists()
    )


def test_each_test_of_this_file_says_what_it_holds():
    for node in tree(ROOT / "tests/house/test_architecture.py").body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_the_"):
            assert any("states" in ast.unparse(d) for d in node.decorator_list), node.name
