"""Machines of NetKet, rbms and scikit-learn."""

import numpy as np
import pytest

import kadanoff as kd
from kadanoff.rbm import Machine, from_netket, from_rbms, from_sklearn, states, to_netket


def netket_log_psi(tree, s):
    """netket.models.RBM.__call__, as its source has it."""
    x = s @ tree["Dense"]["kernel"] + tree["Dense"]["bias"]
    return np.log(np.cosh(x)).sum(-1) + s @ tree["visible_bias"]


@pytest.mark.parametrize("visible", ["spin", "binary"])
@pytest.mark.parametrize("hidden", ["spin", "binary"])
def test_the_amplitude_of_netket_is_the_probability(visible, hidden):
    machine = Machine.random(5, 4, seed=3, visible=visible, hidden=hidden)
    spins = states(5, "spin")
    log_psi = netket_log_psi(to_netket(machine), spins)
    log_P = np.log(machine.probabilities())
    assert log_psi - log_psi[0] == pytest.approx(log_P - log_P[0], abs=1e-12)
    back = from_netket(to_netket(machine))
    assert back.probabilities() == pytest.approx(machine.probabilities(), rel=1e-12)


def test_parameters_of_netket_without_biases_and_with_the_outer_level():
    kernel = np.array([[0.3, -0.2], [0.1, 0.4]])
    bare = from_netket({"params": {"Dense": {"kernel": kernel}}})
    assert np.array_equal(bare.W, kernel)
    assert not np.any(bare.a)
    assert not np.any(bare.b)
    assert np.array_equal(from_netket({"Dense": {"kernel": kernel + 0j}}).W, kernel)


def test_what_is_no_machine_of_netket_is_refused():
    with pytest.raises(ValueError, match="must be real, its largest imaginary part"):
        from_netket({"Dense": {"kernel": np.ones((2, 2)) + 0.5j}})
    with pytest.raises(ValueError, match="'kernel' in 'Dense'; found: Dense_0"):
        from_netket({"Dense_0": {"kernel": np.ones((2, 2))}})
    with pytest.raises(TypeError, match="must be a mapping, got int"):
        from_netket(3)
    with pytest.raises(TypeError, match="must be a Machine, got int"):
        to_netket(3)


def written(path, updates, W, **others):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file["parallel_chains"] = np.zeros((2, len(W)))
        for number, scale in updates.items():
            group = file.create_group(f"update_{number}").create_group("params")
            group["weight_matrix"] = (scale * W).astype(np.float32)
            for name, values in others.items():
                group[name] = values
    return path


def test_files_of_rbms(tmp_path):
    W, a, b = np.array([[0.5, -1.0], [2.0, 0.25], [0.0, 1.0]]), np.array([0.5, 0, 1]), np.ones(2)
    path = written(tmp_path / "rbms.h5", {2: 1.0, 10: 2.0}, W, vbias=a, hbias=b)
    last, first = from_rbms(path), from_rbms(path, update=2)
    assert np.array_equal(last.W, 2 * W)
    assert np.array_equal(first.W, W)
    assert (last.visible, last.hidden) == ("binary", "binary")
    assert np.array_equal(first.a, a)
    assert np.array_equal(first.b, b)
    with pytest.raises(ValueError, match="one of the 2 in the file, from 2 to 10, got 3"):
        from_rbms(path, update=3)


def test_other_files_are_refused(tmp_path):
    h5py = pytest.importorskip("h5py")
    with pytest.raises(FileNotFoundError, match="none"):
        from_rbms(tmp_path / "none.h5")
    text = tmp_path / "text.h5"
    text.write_text("weights")
    with pytest.raises(ValueError, match="is no HDF5 file of rbms"):
        from_rbms(text)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(ValueError, match="no group 'update_N'"):
        from_rbms(tmp_path / "other.h5")
    colours = written(tmp_path / "p.h5", {1: 1.0}, np.ones((3, 2, 4)), vbias=[0.0], hbias=[0.0])
    with pytest.raises(ValueError, match="shape \\(3, 2, 4\\), as machines of Potts colours do"):
        from_rbms(colours)
    half = written(tmp_path / "half.h5", {1: 1.0}, np.ones((3, 2)), vbias=np.zeros(3))
    with pytest.raises(ValueError, match="'hbias' is absent from the group"):
        from_rbms(half)


def test_the_estimator_of_scikit_learn():
    network = pytest.importorskip("sklearn.neural_network")
    rows = kd.rbm.states(4, "binary")[::3]
    theirs = network.BernoulliRBM(3, n_iter=5, random_state=1).fit(rows)
    ours = from_sklearn(theirs)
    # its F(v) is ours, through the difference that score_samples takes
    free = -(rows @ ours.a) - np.logaddexp(0, rows @ ours.W + ours.b).sum(-1)
    assert ours.free_energy(rows) == pytest.approx(free, rel=1e-12)
    assert ours.hidden_mean(rows) == pytest.approx(theirs.transform(rows), abs=1e-6)
    with pytest.raises(ValueError, match="fitted BernoulliRBM: BernoulliRBM has no components_"):
        from_sklearn(network.BernoulliRBM())
