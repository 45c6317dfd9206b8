import math

import numpy as np
import pytest

from kadanoff import AndersonModel, KondoModel, NotConverged
from kadanoff.impurities.effective.divergence import kl_divergence, minimise, spectrum
from kadanoff.impurities.effective.divergence.learning import Comparison

AIM = AndersonModel(U=10, J_sw=0.3)
KONDO = KondoModel(J=0.28)


@pytest.fixture(scope="module")
def spectra():
    return spectrum(KONDO), spectrum(AIM)


def test_every_state_is_there(spectra):
    kondo, aim = spectra
    assert kondo.states == 2 * 4**5
    assert aim.states == 4 * 4**5
    assert kondo.energy[0] == aim.energy[0] == 0
    assert (np.diff(aim.energy) >= 0).all()
    # Infinite temperature counts states; probabilities are normalised.
    assert aim.log_Z(1e9) == pytest.approx(math.log(aim.states), abs=1e-7)
    P = aim.degeneracy * np.exp(aim.log_probability(0.1))
    assert P.sum() == pytest.approx(1, abs=1e-13)


def test_levels_are_those_of_every_symmetry(spectra):
    for symmetry in (("U1", "SU2"), ("U1", "U1")):
        other = spectrum(KONDO, symmetry=symmetry)
        expanded = np.repeat(other.energy, other.degeneracy)
        np.testing.assert_allclose(
            expanded, np.repeat(spectra[0].energy, spectra[0].degeneracy), atol=1e-12
        )
    labelled = [
        kl_divergence(KONDO, AIM, T=0.1, symmetry=s) for s in (("SU2", "SU2"), ("U1", "SU2"))
    ]
    assert labelled[0] == pytest.approx(labelled[1], rel=1e-6)


def test_divergence_of_a_model_from_itself_is_zero(spectra):
    assert kl_divergence(spectra[1], spectra[1], T=0.1) == 0
    assert kl_divergence(spectra[1], spectra[1], T=0.1, width=0.05) == 0


def test_divergence_is_never_negative_and_smallest_near_the_learned_J(spectra):
    aim = spectra[1]
    J = [0.2, 0.25, 0.28688, 0.32, 0.4]
    for width in (None, 0.03, 0.1):
        D = [kl_divergence(KondoModel(J=j), aim, T=0.05, width=width) for j in J]
        assert min(D) == D[2] > 0
        assert D[0] > D[1]
        assert D[4] > D[3]
    # Broadening forgets: a wider kernel tells less.
    one = [kl_divergence(KondoModel(J=0.4), aim, T=0.05, width=w) for w in (0.03, 0.1, 0.3)]
    assert one[0] > one[1] > one[2]


def test_bare_levels_without_a_partner_cost_what_they_weigh():
    # A free spin and a dot without hybridisation: the same levels, and those of the empty and the
    # doubly occupied dot, U/2 higher and above all others: D = ln(1 + exp(-U/2T)) exactly.
    U, T = 40.0, 10.0
    found = kl_divergence(KondoModel(J=0.0), AndersonModel(U=U, V=0.0), T=T, sites=4)
    assert found == pytest.approx(math.log1p(math.exp(-U / 2 / T)), rel=1e-10)


def test_the_other_way_round_is_infinite(spectra):
    # The dot has charge states that the spin has not.
    assert kl_divergence(spectra[1], spectra[0], T=0.1) == math.inf


@pytest.mark.parametrize("options", [{}, {"scheme": "wilson", "A_Lambda": True}])
def test_gradient_is_that_of_a_finite_difference(options):
    problem = Comparison(
        KondoModel(J=0.25, W=0.1), AIM, 0.1, "divergence", None, {"sites": 5, **options}
    )
    assert problem.names == ("J", "W")
    theta, h = problem.start, 1e-4
    exact = problem.evaluate(theta)
    for i in range(2):
        step = h * np.eye(2)[i]
        up, down = problem.evaluate(theta + step), problem.evaluate(theta - step)
        # error of the central difference: h^2 of a third derivative ~ T^-3, and rounding 1e-16 / h
        assert exact.gradient[i] == pytest.approx((up.loss - down.loss) / (2 * h), rel=1e-4)


def test_divergence_and_partition_function_agree_well_below_U():
    # The paper replaces D by Z: the two J differ by less and less as T / U falls.
    apart = []
    for U in (10.0, 100.0):
        for T in (0.1, 0.02):
            aim, start = AndersonModel(U=U, J_sw=0.3), KondoModel(J=0.3)
            by_D = minimise(start, aim, T=T)
            by_Z = minimise(start, aim, T=T, by="partition")
            assert by_D.divergence <= by_Z.divergence
            # squared residual and step 1e-8: sqrt(1e-16)
            assert abs(by_Z.log_Z_difference) < 1e-7
            apart.append(abs(by_D.model.J / by_Z.model.J - 1))
    assert apart[0] < 5e-3
    assert apart[1] < 1e-3
    assert apart[2] < apart[0] / 5
    assert apart[3] < apart[1]


def test_recovers_a_model_of_its_own_kind():
    found = minimise(KondoModel(J=0.4, W=0.05), KondoModel(J=0.31, W=0.1), T=0.1)
    assert found.model.parameters == pytest.approx({"J": 0.31, "W": 0.1, "field": 0.0}, rel=1e-5)
    assert found.divergence < 1e-12


def test_too_few_steps_keep_what_was_found():
    with pytest.raises(NotConverged) as caught:
        minimise(KondoModel(J=0.5), AIM, T=0.05, max_iterations=2)
    assert caught.value.partial.steps == 2
    assert caught.value.partial.divergence > 0


def test_bad_input_is_refused(spectra):
    with pytest.raises(TypeError, match="has no argument 'keep'"):
        spectrum(KONDO, keep=100)
    with pytest.raises(ValueError, match="fewer sites"):
        spectrum(KONDO, sites=12)
    with pytest.raises(ValueError, match="T must be above 0"):
        kl_divergence(*spectra, T=0.0)
    with pytest.raises(ValueError, match="width must be above 0"):
        kl_divergence(*spectra, T=0.1, width=-1.0)
    with pytest.raises(ValueError, match="same number of sites"):
        kl_divergence(spectra[0], spectrum(AIM, sites=4), T=0.1)
    with pytest.raises(ValueError, match="same band"):
        kl_divergence(KondoModel(J=0.2, D=0.5), AIM, T=0.1)
    with pytest.raises(ValueError, match="by must be 'divergence' or 'partition'"):
        minimise(KONDO, AIM, T=0.1, by="nothing")
    with pytest.raises(ValueError, match="one parameter from one Z"):
        minimise(KONDO, AIM, T=0.1, by="partition", parameters=["J", "W"])
    with pytest.raises(ValueError, match="no parameter"):
        minimise(KONDO, AIM, T=0.1, parameters="K")
