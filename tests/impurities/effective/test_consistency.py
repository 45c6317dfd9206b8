import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from kadanoff import AndersonModel, Cancelled, Control, DoubleQuantumDot, KondoModel, _core, nrg
from kadanoff.impurities.effective import loss
from kadanoff.impurities.effective.consistency import DoubtfulFit
from kadanoff.impurities.effective.fitting import learn
from kadanoff.impurities.effective.work import work_of

AIM = AndersonModel(U=0.5, J_sw=0.25)
QUICK = {"keep": 300, "threads": 1, "progress": False}


@pytest.fixture(scope="module")
def right():
    return learn(KondoModel(J=0.25), target=AIM, T=1e-3, **QUICK)


@pytest.fixture(scope="module")
def wrong():
    with pytest.warns(DoubtfulFit, match="KondoModel is the wrong model: T chi is"):
        return learn(KondoModel(J=0.2), DoubleQuantumDot(U=0.5, J_sw=0.25), T=1e-4, **QUICK)


def test_a_right_model_is_called_right(right):
    assert right.verdict == "right"
    # Measured 4e-4: the difference is of the order of T / U.
    assert max(right.consistency.differences.values()) < 2e-3
    assert right.consistency.undetermined == ()
    assert "agree to" in right.consistency.reason


def test_the_error_of_the_parameter_holds_its_limit(right):
    cold = learn(KondoModel(J=0.2), AIM, T=1e-5, drift=False, **(QUICK | {"keep": 1200}))
    assert abs(right.model.J - cold.model.J) < right.errors["J"] < 1e-3
    assert right.drift["J"] > 0  # J rises towards its limit as T falls
    T = [refit.T[0] for refit in right.consistency.refits]
    assert pytest.approx([1e-3, 1e-3 / 3, 1e-4]) == T


def test_a_wrong_model_is_called_wrong(wrong):
    assert wrong.loss < 1e-12  # one temperature and one parameter always match
    assert wrong.verdict == "wrong"
    assert "WRONG MODEL" in repr(wrong)
    assert "wrong: T chi is" in wrong._repr_html_()
    # A spin 1/2 in the place of a spin 1.
    assert wrong.consistency.differences["T chi"] > 0.4


def test_what_matches_by_energies_alone_is_wrong():
    # ln Z of U < 0 is that of U > 0: spin and charge change places.
    with pytest.warns(DoubtfulFit, match="T chi_charge is 0.8.* in the target"):
        fit = learn(KondoModel(J=0.2), AndersonModel(U=-0.5, V=0.1), T=1e-3, **QUICK)
    assert fit.verdict == "wrong"


def test_spin_1_of_two_dots_is_right():
    fit = learn(KondoModel(J=0.2, spin=1), DoubleQuantumDot(U=0.5, J_sw=0.25), T=1e-4, **QUICK)
    assert fit.verdict == "right"


def test_a_parameter_that_corrections_swamp_is_flagged():
    # W = 0.0226 by the limit of low T, and by the flow of the dot's own levels; W and J match
    # ln Z at two temperatures exactly.
    asymmetric = AndersonModel(U=0.5, V=0.1, eps=-0.15)
    with pytest.warns(DoubtfulFit, match=r"W = 0.0586 \+- 0.05.* is not determined at T = 0.001"):
        fit = learn(KondoModel(J=0.2, W=0.02), asymmetric, T=(1e-3, 1e-4), **QUICK)
    assert fit.loss < 1e-12
    assert fit.verdict == "right"
    assert fit.consistency.undetermined == ("W",)
    assert abs(fit.model.W - 0.0226) < fit.errors["W"]
    assert abs(fit.coldest.W - 0.0226) < 0.003
    assert "W=0.058" in repr(fit)
    assert "not determined" in repr(fit)


def test_too_high_a_temperature_is_not_a_wrong_model():
    with pytest.warns(DoubtfulFit, match="not determined at T = 0.1"):
        fit = learn(KondoModel(J=0.2), AIM, T=0.1, **QUICK)
    assert fit.verdict == "undecided"
    assert "T is not low enough" in fit.consistency.reason
    assert abs(fit.model.J - 0.199) < fit.errors["J"]


def test_a_symmetry_that_the_target_lacks_is_named():
    asymmetric = AndersonModel(U=0.5, V=0.1, eps=-0.15)
    fit = learn(KondoModel(J=0.2), asymmetric, T=1e-4, **QUICK)
    assert fit.verdict == "right"
    assert "SU(2) symmetry of the charge, which a potential scattering" in fit.consistency.reason


def test_without_the_check():
    fit = learn(KondoModel(J=0.25), AIM, T=1e-2, drift=False, **QUICK)
    assert fit.verdict == "not tested"
    assert fit.errors == fit.drift == {}
    assert fit.coldest == fit.model
    with pytest.raises(ValueError, match="with drift=True"):
        fit.plot(quantity="T chi")
    with pytest.raises(TypeError, match="drift must be True or False, got 1"):
        learn(KondoModel(J=0.25), AIM, T=1e-2, drift=1)


@pytest.mark.filterwarnings("ignore::kadanoff.effective.DoubtfulFit")
def test_what_the_check_costs(monkeypatch):
    # Half the states: no solution of the full size beyond those of the search itself.
    solved, solve = [], _core.nrg_solve

    def counted(*args, **kwargs):
        solved.append(kwargs["states"])
        return solve(*args, **kwargs)

    monkeypatch.setattr(_core, "nrg_solve", counted)
    fit = learn(KondoModel(J=0.25), AIM, T=1e-3, **QUICK)
    assert solved.count(300) == 1 + len(fit.history)
    # The target, the start of all three temperatures, and one step at T / 10.
    assert solved.count(150) <= 3
    assert solved.count(75) <= 4
    solved.clear()
    wrong = learn(KondoModel(J=0.2), DoubleQuantumDot(U=0.5, J_sw=0.25), T=1e-4, **QUICK)
    # J drifts by a fifth: steps at T / 3 and T / 10 as well, yet no more than twice the search.
    assert solved.count(150) <= 2 * (1 + len(wrong.history))
    assert solved.count(75) <= 4


@pytest.mark.filterwarnings("ignore::kadanoff.effective.DoubtfulFit")
@pytest.mark.parametrize(
    ("effective", "target", "T"),
    [
        (KondoModel(J=0.2), AIM, 1e-2),
        (KondoModel(J=0.2), DoubleQuantumDot(U=0.5, J_sw=0.25), 1e-4),
        (KondoModel(J=0.2), AndersonModel(U=0.5, Gamma=0.03, eps=0.0), 1e-2),
        (KondoModel(J=0.199), AIM, 1e-2),
        (KondoModel(J=0.2), nrg.solve(AIM, keep=150, T_min=1e-4, errors=False), 1e-2),
    ],
    ids=["right", "two dots", "mixed valence", "next to the solution", "a finished run"],
)
def test_the_check_takes_at_most_twice_the_work_of_the_search(monkeypatch, effective, target, T):
    # 150 states: no fewer are left to take, and every solution takes as long as one of the search.
    done, solve = [], loss.solve_levels

    def counted(models, options, observables, keywords):
        runs = solve(models, options, observables, keywords)
        done.append(sum(work_of(run, vectors=bool(observables)) for run in runs))
        return runs

    monkeypatch.setattr(loss, "solve_levels", counted)
    quick = QUICK | {"keep": 150} if not isinstance(target, nrg.NRGResult) else {"threads": 1}
    learn(effective, target, T=T, drift=False, **quick)
    search = sum(done)
    done.clear()
    learn(effective, target, T=T, **quick)
    assert sum(done) <= 3 * search


def test_a_finished_run_as_target():
    run = nrg.solve(AIM, keep=300, T_min=1e-6, threads=1, progress=False)
    fit = learn(KondoModel(J=0.25), run, T=1e-3, threads=1, progress=False)
    assert fit.verdict == "right"
    short = nrg.solve(AIM, keep=300, T_min=1e-3, threads=1, progress=False)
    again = learn(KondoModel(J=0.25), short, T=2e-3, threads=1, progress=False)
    assert again.verdict == "right"


def test_a_table_as_target():
    run = nrg.solve(AIM, keep=300, T_min=1e-8, threads=1, progress=False)
    at = [int(np.argmin(abs(np.log(run.T / T)))) for T in (1e-3, 1e-4)]
    log_Z = {
        float(run.T[i]): float((run.free_energy[-1] - run.free_energy[i]) / run.T[i]) for i in at
    }
    one = learn(KondoModel(J=0.25), log_Z, T=min(log_Z), **QUICK)
    assert one.verdict == "undecided"
    assert math.isnan(one.errors["J"])
    assert "no temperature that was not matched" in one.consistency.reason
    both = learn(KondoModel(J=0.25), log_Z, **QUICK)
    assert (min(log_Z),) == both.consistency.refits[0].T
    assert both.errors["J"] == abs(both.drift["J"]) < 0.01


def test_the_lowest_temperatures_have_none_below():
    fit = learn(KondoModel(J=0.05), KondoModel(J=0.06), T=2e-12, **(QUICK | {"keep": 60}))
    assert fit.verdict == "undecided"
    assert "out of reach" in fit.consistency.reason


def test_stopped_while_the_model_is_tested(monkeypatch):
    control, solve = Control(), _core.nrg_solve

    def cancel(*args, **kwargs):
        if kwargs["states"] == 150:
            control.cancel()
        return solve(*args, **kwargs)

    monkeypatch.setattr(_core, "nrg_solve", cancel)
    with pytest.raises(Cancelled) as caught:
        learn(KondoModel(J=0.25), AIM, T=1e-3, control=control, **QUICK)
    assert caught.value.partial.converged
    assert caught.value.partial.verdict == "not tested"


def test_pictures(right, wrong):
    def axes():
        return Figure().subplots()

    ax = right.plot(axes(), quantity="entropy")
    assert [line.get_label() for line in ax.lines] == ["target", "effective"]
    assert ax.get_title() == ""
    assert wrong.plot(axes(), quantity="T chi").get_title() == "KondoModel: wrong"
    assert wrong.plot(axes()).get_title() == "KondoModel: wrong"
    assert len(right.plot(axes()).patches) == 1  # the band of the error


def test_representations(right):
    assert repr(right.consistency).startswith("Consistency(right: J +- ")
    assert "error of J" in right._repr_html_()
