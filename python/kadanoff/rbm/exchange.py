"""Machines of other packages: wave functions of NetKet, files of rbms, estimators of scikit-learn.

NetKet's ``nk.models.RBM`` is the wave function

    ln psi(s) = a.s + sum_j ln cosh(b_j + (s W)_j),       s_i = -1, +1,

whose exponential is, up to the factor 2^n, the marginal weight ``sum_h e^{-E(s, h)}`` of a machine
of spins with the same parameters: psi is the *amplitude*, so that the machine samples |psi| where
the parameters are real, and NetKet |psi|^2. Its parameters are a tree: ``visible_bias`` and, in
``Dense``, ``kernel`` and ``bias``.

The package rbms [1]_ writes machines of 0/1 units while it trains into one HDF5 file, a group
``update_N`` per state, with ``weight_matrix``, ``vbias`` and ``hbias``; so do most torch codes.
scikit-learn's ``BernoulliRBM`` has ``components_`` of shape (n_hidden, n_visible).

References
----------
.. [1] N. Bereux et al., rbms, https://github.com/DsysDML/rbms; arXiv:2405.15376 (2024).
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kadanoff._base import files
from kadanoff._base.signatures import public
from kadanoff._base.types import AnyArray
from kadanoff.rbm.machine import Machine

__all__ = ["from_netket", "from_rbms", "from_sklearn", "to_netket"]

NAMES = ("weight_matrix", "vbias", "hbias")
UPDATE = re.compile(r"update_(\d+)")


@public
def to_netket(machine: Machine) -> dict[str, Any]:
    """Parameters of ``netket.models.RBM`` with psi(s) proportional to P(s) of a machine.

    P(s) is the probability of the visible units, summed over the hidden ones.

    Parameters
    ----------
    machine : Machine or RBM
        A machine of spins or of 0/1 units; the latter are converted first: 0 becomes the spin -1.

    Returns
    -------
    dict
        ``{"Dense": {"kernel": W, "bias": b}, "visible_bias": a}``, arrays of double precision: what
        ``variational_state.parameters`` takes. NetKet counts hidden units by
        ``alpha = n_hidden / n_visible``.

    Raises
    ------
    TypeError
        `machine` is neither a machine nor a fitted estimator.

    See Also
    --------
    from_netket : the way back.

    Notes
    -----
    ``ln psi(s) = a.s + sum_j ln cosh(b_j + (s W)_j)``. NetKet samples ``|psi|^2``, which is
    proportional to P(s)^2.

    Examples
    --------
    >>> import kadanoff as kd
    >>> machine = kd.rbm.Machine([[0.5], [-0.3]], visible="spin", hidden="spin")
    >>> tree = to_netket(machine)
    >>> tree["Dense"]["kernel"].shape
    (2, 1)
    """
    spins = _machine(machine).to_spin()[0]
    return {
        "Dense": {"kernel": np.array(spins.W), "bias": np.array(spins.b)},
        "visible_bias": np.array(spins.a),
    }


@public
def from_netket(parameters: Mapping[str, Any]) -> Machine:
    """The machine whose P(s) is proportional to the amplitude psi(s) of ``netket.models.RBM``.

    Parameters
    ----------
    parameters : mapping
        ``variational_state.parameters``: ``Dense`` with ``kernel`` of shape (n_visible, n_hidden)
        and ``bias``, and ``visible_bias``; biases that the model does not have may be absent.

    Returns
    -------
    Machine
        A machine of spins.

    Raises
    ------
    ValueError
        A kernel is absent, or a parameter is complex: such a psi has signs or phases, and no
        machine of probabilities equals it.

    Examples
    --------
    >>> import numpy as np
    >>> from_netket({"Dense": {"kernel": np.ones((3, 2))}})
    Machine(3 spin + 2 spin units, |W| <= 1)
    """
    if not isinstance(parameters, Mapping):
        raise TypeError(f"parameters must be a mapping, got {type(parameters).__name__}")
    tree = parameters.get("params", parameters)
    dense = tree.get("Dense") if isinstance(tree, Mapping) else None
    if not isinstance(dense, Mapping) or "kernel" not in dense:
        names = ", ".join(map(str, tree)) if isinstance(tree, Mapping) else type(tree).__name__
        raise ValueError(
            "parameters must be those of netket.models.RBM, with the array 'kernel' in 'Dense'; "
            f"found: {names or 'nothing'}"
        )
    W = _without_phase("kernel", dense["kernel"])
    a, b = tree.get("visible_bias"), dense.get("bias")
    a = None if a is None else _without_phase("visible_bias", a)
    b = None if b is None else _without_phase("bias", b)
    return Machine(W, a, b, "spin", "spin")


@public
def from_rbms(path: str | os.PathLike[str], *, update: int | None = None) -> Machine:
    """Read a machine that the package rbms wrote while it trained.

    Parameters
    ----------
    path : path
        HDF5 file with groups ``update_N``.
    update : int, optional
        Number of the gradient update, one of those in the file; by default the last one.

    Returns
    -------
    Machine
        A machine of 0/1 units.

    Raises
    ------
    ImportError
        h5py is not installed.
    OSError
        There is no such file, or it cannot be read.
    ValueError
        The file is no HDF5 file, has no group of that update, or holds a machine of other units,
        such as Potts colours.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import h5py
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "RBM.h5"
    ...     with h5py.File(file, "w") as of_rbms:
    ...         of_rbms["update_100/params/weight_matrix"] = [[0.5, -0.25]] * 3
    ...         of_rbms["update_100/params/vbias"] = [0.0] * 3
    ...         of_rbms["update_100/params/hbias"] = [0.0] * 2
    ...     from_rbms(file)
    Machine(3 binary + 2 binary units, |W| <= 0.5)
    """
    try:
        import h5py
    except ImportError as error:
        raise ImportError("files of rbms need h5py: pip install 'kadanoff[files]'") from error
    content = files.read(Path(path))
    try:
        with h5py.File(io.BytesIO(content)) as file:
            arrays = _state(file, update)
    except OSError as error:  # as h5py has it for a file that is not HDF5, or damaged
        raise ValueError(f"path {os.fspath(path)!r} is no HDF5 file of rbms: {error}") from error
    W, a, b = (_without_phase(name, arrays[name]) for name in NAMES)
    if W.ndim != 2:
        raise ValueError(
            "path: only machines of 0/1 units can be read, whose weight_matrix has two axes; this "
            f"one has shape {W.shape}, as machines of Potts colours do"
        )
    return Machine(W, a, b)


def _state(file: Any, update: int | None) -> dict[str, AnyArray]:
    known = sorted(int(found[1]) for name in file if (found := UPDATE.fullmatch(name)))
    if not known:
        raise ValueError("path: the file has no group 'update_N', and is not one of rbms")
    if update is None:
        update = known[-1]
    elif update not in known:
        raise ValueError(
            f"update must be one of the {len(known)} in the file, from {known[0]} to "
            f"{known[-1]}, got {update!r}"
        )
    group = file[f"update_{update}"]
    group = group.get("params", group)
    for name in NAMES:
        if name not in group:
            raise ValueError(f"path: {name!r} is absent from the group 'update_{update}'")
    return {name: np.asarray(group[name]) for name in NAMES}


@public
def from_sklearn(estimator: Any) -> Machine:
    """The machine of a fitted ``sklearn.neural_network.BernoulliRBM``.

    Parameters
    ----------
    estimator : BernoulliRBM
        Fitted.

    Returns
    -------
    Machine
        A machine of 0/1 units.

    Raises
    ------
    ValueError
        `estimator` has no parameters: it is not fitted, or another kind of object.

    Examples
    --------
    >>> from sklearn.neural_network import BernoulliRBM
    >>> from_sklearn(BernoulliRBM(2, n_iter=1, random_state=0).fit([[0, 1, 1], [1, 0, 0]]))
    Machine(3 binary + 2 binary units, |W| <= 0.0...)
    """
    names = ("components_", "intercept_visible_", "intercept_hidden_")
    absent = [name for name in names if not hasattr(estimator, name)]
    if absent:
        raise ValueError(
            "estimator must be a fitted BernoulliRBM: "
            f"{type(estimator).__name__} has no {', '.join(absent)}"
        )
    W, a, b = (_without_phase(name, getattr(estimator, name)) for name in names)
    return Machine(W.T, a, b)


def _machine(machine: object) -> Machine:
    found = getattr(machine, "machine_", machine)  # of a fitted estimator
    if not isinstance(found, Machine):
        raise TypeError(f"machine must be a Machine, got {type(machine).__name__}")
    return found


def _without_phase(name: str, values: Any) -> AnyArray:
    array = np.asarray(values)
    if np.iscomplexobj(array) and np.any(array.imag):
        raise ValueError(
            f"{name} must be real, its largest imaginary part is {np.abs(array.imag).max():.3g}: "
            "a wave function with phases is no machine of probabilities"
        )
    return np.asarray(array.real, float)
