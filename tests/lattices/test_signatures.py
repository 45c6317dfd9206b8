"""Samplers of lattices: options that a notebook can complete, seeds, results in one line."""

import inspect
import math

import numpy as np
import pytest

import kadanoff as kd
from kadanoff import dimers, ising, self_learning

FACES = (ising, dimers, self_learning)
QUICK = {"progress": False}


def public_callables():
    for face in FACES:
        for name in face.__all__:
            target = getattr(face, name)
            if not callable(target) or (
                issubclass(type(target), type) and issubclass(target, Warning)
            ):
                continue
            label = f"{face.__name__.rpartition('.')[2]}.{name}"
            yield label, target
            if inspect.isclass(target):
                for method, function in inspect.getmembers(target, inspect.isfunction):
                    if not method.startswith("_"):
                        yield f"{label}.{method}", function


CALLABLES = dict(public_callables())


@pytest.mark.parametrize("name", CALLABLES)
def test_no_option_is_hidden(name):
    parameters = inspect.signature(CALLABLES[name]).parameters.values()
    hidden = [p.name for p in parameters if p.kind is p.VAR_KEYWORD]
    assert hidden in ([], ["style"])
    if hidden:
        assert ".plot" in name


@pytest.mark.parametrize("name", [name for name in CALLABLES if name.count(".") == 1])
def test_unknown_keywords_are_answered(name):
    with pytest.raises(TypeError, match=r"has no argument 'nonsense'; (it takes|did you mean)"):
        CALLABLES[name](nonsense=1)


def test_the_nearest_keyword_is_proposed():
    for call, given, proposed in (
        (ising.sample, "equilibrate", "equilibration"),
        (ising.scan, "spacings", "spacing"),
        (ising.parallel_tempering, "chain", "chains"),
        (ising.Simulation, "boundry", "boundary"),
        (ising.Ising, "latice", "lattice"),
        (dimers.sample, "windings", "winding"),
        (self_learning.sample, "equilibrations", "equilibration"),
    ):
        with pytest.raises(TypeError, match=f"'{given}'; did you mean '{proposed}'"):
            call(**{given: 1})


def test_the_samplers_share_their_words():
    for call in (ising.sample, ising.scan, ising.parallel_tempering, dimers.sample):
        parameters = inspect.signature(call).parameters
        assert {"n", "chains", "spacing", "equilibration", "seed", "boundary"} <= set(parameters)
        assert parameters["boundary"].default == "periodic"
        assert parameters["seed"].default is None
    parameters = inspect.signature(self_learning.sample).parameters
    assert {"n", "chains", "spacing", "equilibration", "seed"} <= set(parameters)


@pytest.mark.parametrize(
    "call",
    [
        lambda: ising.Ising(4, boundary="torus"),
        lambda: ising.sample(L=4, T=2.0, boundary="torus"),
        lambda: ising.scan(L=4, T=[2.0], boundary="torus"),
        lambda: ising.parallel_tempering(L=4, T=[2.0, 3.0], boundary="torus"),
        lambda: ising.Simulation(L=4, T=2.0, boundary="torus"),
        lambda: ising.exact(4, 2.0, boundary="torus"),
        lambda: ising.enumerate_states(4, boundary="torus"),
        lambda: ising.chain(4, 2.0, boundary="torus"),
        lambda: ising.transfer_matrix(4, 2.0, boundary="torus"),
        lambda: ising.transfer_matrix(4, 2.0).log_Z(4, "torus"),
        lambda: dimers.sample(4, boundary="torus"),
        lambda: dimers.Simulation(4, boundary="torus"),
        lambda: dimers.count(4, "torus"),
        lambda: dimers.log_count(4, "torus"),
        lambda: dimers.coverings(4, "torus"),
        lambda: dimers.probability([(0, 0, "x")], 4, boundary="torus"),
        lambda: dimers.is_covering([[0, 2], [0, 2]], "torus"),
        lambda: dimers.flippable([[0, 2], [0, 2]], "torus"),
    ],
)
def test_boundaries_are_periodic_or_open(call):
    with pytest.raises(ValueError, match="boundary must be 'periodic' or 'open', got 'torus'"):
        call()


RUNS = {
    "sample": lambda seed: ising.sample(L=4, T=2.0, n=20, seed=seed, **QUICK),
    "scan": lambda seed: ising.scan(L=4, T=[2.0, 3.0], n=20, seed=seed, **QUICK),
    "tempering": lambda seed: ising.parallel_tempering(
        L=4, T=[2.0, 3.0], n=20, seed=seed, equilibration=5, **QUICK
    ),
    "Simulation": lambda seed: ising.Simulation(L=4, T=2.0, seed=seed),
    "dimers": lambda seed: dimers.sample(4, n=8, seed=seed, **QUICK),
    "dimers.Simulation": lambda seed: dimers.Simulation(4, seed=seed),
    "self_learning": lambda seed: self_learning.sample(
        self_learning.PlaquetteIsing(L=4, T=2.5), n=60, seed=seed, **QUICK
    ),
    "learn": lambda seed: self_learning.learn(RUNS["self_learning"](seed)),
    "train": lambda seed: self_learning.train(
        self_learning.PlaquetteIsing(L=4, T=2.5, K=0.1), L=4, n=60, rounds=1, seed=seed, **QUICK
    )[0],
}


@pytest.mark.parametrize("name", RUNS)
def test_every_result_keeps_its_seed(name):
    run = RUNS[name]
    assert run(12).seed == 12
    first, second = run(None), run(None)
    assert isinstance(first.seed, int)
    assert first.seed != second.seed
    for bad, error in ((True, TypeError), ("1", TypeError), (-1, ValueError)):
        with pytest.raises(error, match="seed must be"):
            run(bad)


def test_a_seed_that_was_drawn_repeats_the_run():
    scan = RUNS["scan"](None)
    again = RUNS["scan"](scan.seed)
    np.testing.assert_array_equal(scan.mean("energy"), again.mean("energy"))
    found = RUNS["tempering"](None)
    again = RUNS["tempering"](found.seed)
    np.testing.assert_array_equal(found.acceptance, again.acceptance)
    np.testing.assert_array_equal(found.mean("m2"), again.mean("m2"))


RESULTS = {
    "Ising": lambda: ising.Ising(4, J=1 / 3, h=0.1 + 0.2),
    "IsingSamples": lambda: RUNS["sample"](1),
    "IsingScan": lambda: RUNS["scan"](1),
    "Simulation": lambda: RUNS["Simulation"](1),
    "Exact": lambda: ising.exact(4, 7 / 3),
    "Strip": lambda: ising.transfer_matrix(5, 7 / 3),
    "DensityOfStates": lambda: ising.enumerate_states(3, **QUICK),
    "Estimate": lambda: RUNS["sample"](1).estimates["energy"],
    "DimerSamples": lambda: dimers.sample(4, n=8, T=7 / 3, v=-1 / 3, seed=1, **QUICK),
    "dimers.Simulation": lambda: dimers.Simulation(4, T=7 / 3, seed=1),
    "Coverings": lambda: dimers.coverings(4),
    "FieldSpectrum": lambda: dimers.field_spectrum(dimers.sample(8, n=40, seed=1, **QUICK)),
    "PlaquetteIsing": lambda: self_learning.PlaquetteIsing(L=4, T=7 / 3),
    "Samples": lambda: RUNS["self_learning"](1),
    "PairModel": lambda: RUNS["train"](1),
}


@pytest.mark.parametrize("name", RESULTS)
def test_a_repr_is_one_short_line(name):
    text = repr(RESULTS[name]())
    assert text.startswith(name.rpartition(".")[2] + "(")
    assert "\n" not in text
    assert "array" not in text
    assert len(text) < 160
    digits = "".join(c if c.isdigit() else " " for c in text).split()
    assert max(map(len, digits)) < 8


def test_the_numbers_of_a_repr():
    assert repr(ising.Ising(4, J=(1 / 3, 1.0), boundary=("open", "periodic"))) == (
        "Ising((4, 4), J=(0.333333, 1), h=0, boundary=('open', 'periodic'), lattice='square')"
    )
    assert repr(ising.exact(None, 2.0)) == (
        "Exact(Onsager, infinite square lattice, T=2, f=-2.05159, e=-1.74556, c=0.724871, "
        "m=0.911319)"
    )


def test_tables_for_a_notebook():
    run = ising.sample(L=4, T=2.0, n=20, seed=1, **QUICK)._repr_html_()
    for part in ("square 4x4, T = 2", "specific_heat", "+-", "seed", "<svg"):
        assert part in run
    scan = ising.scan(L=4, T=[2.0, 3.0], n=20, seed=1, **QUICK)
    for part in ("T = 2", "T = 3", "specific_heat", str(scan[1].estimates["energy"]), "<svg"):
        assert part in scan._repr_html_()
    covered = dimers.sample(4, n=16, T=1.0, seed=1, **QUICK)._repr_html_()
    for part in ("4 x 4 periodic, T = 1", "winding_x", "+-", "<svg"):
        assert part in covered
    single = dimers.sample(4, n=1, seed=1, **QUICK)
    assert math.isinf(single.estimates["energy"].error)
    assert "T = inf" in single._repr_html_()


def test_a_model_and_its_parts_are_not_mixed():
    model = ising.Ising(4, J=0.5)
    for given in ({"L": 4}, {"J": 2.0}, {"h": 0.1}, {"boundary": "open"}, {"lattice": "square"}):
        for call in (ising.sample, ising.Simulation):
            with pytest.raises(TypeError, match=f"{next(iter(given))} belong to the model"):
                call(model, T=2.0, **given)
    with pytest.raises(TypeError, match="J, h belong to the model"):
        ising.scan(model, T=[2.0], J=(1.0, 2.0), h=0.1)


def test_control_is_checked():
    for call in (
        lambda: ising.sample(L=4, T=2.0, control=1),
        lambda: dimers.sample(4, control=1),
        lambda: dimers.coverings(4, control=1),
        lambda: ising.enumerate_states(3, control=1),
        lambda: self_learning.sample(self_learning.PlaquetteIsing(L=4, T=2.0), control=1),
    ):
        with pytest.raises(TypeError, match=r"control must be a kd\.Control or None"):
            call()
    assert kd.Control().cancelled is False


def test_masked_spins_are_refused():
    spins = np.ma.masked_array(np.ones((4, 4)), mask=np.eye(4, dtype=bool))
    for call in (
        lambda: ising.Ising(4).energy(spins),
        lambda: ising.Simulation(L=4, T=2.0, start=spins),
        lambda: ising.surrounding_fields(spins, (0, 0), (2, 2)),
        lambda: dimers.height(np.ma.masked_array([[0, 2], [0, 2]])),
    ):
        with pytest.raises(TypeError, match="plain array, got a masked one"):
            call()


def test_windows_are_pairs_of_integers():
    for corner, shape in (((0, 1.5), (2, 2)), ((0, 0), (2, True)), (0, (2, 2)), ((0, 0), (2,))):
        with pytest.raises(TypeError, match="integer"):
            ising.surrounding_fields(np.ones((4, 4)), corner, shape)
    # Corners count around the lattice.
    spins = np.random.default_rng(1).choice([-1, 1], size=(6, 6))
    np.testing.assert_array_equal(
        ising.surrounding_fields(spins, (-2, 1), (2, 2)),
        ising.surrounding_fields(spins, (4, 1), (2, 2)),
    )
