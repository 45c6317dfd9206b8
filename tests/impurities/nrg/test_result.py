"""The result of an NRG run in the hands of other programs."""

import sys

import numpy as np
import pytest

from kadanoff import KondoModel, nrg


def test_a_run_as_a_dataset_of_xarray():
    pytest.importorskip("xarray")
    run = nrg.solve(KondoModel(J=0.4), keep=300, T_min=1e-2, observables=["S_d.S_0"])
    dataset = run.to_xarray()
    assert np.array_equal(dataset.coords["T"], run.T)
    for name, values in run.curves.items():
        assert np.array_equal(dataset[name], values)
        assert np.array_equal(dataset[f"{name}_error"], run.error(name))
    assert "S_d.S_0" in dataset
    assert repr(run.model) == dataset.attrs["model"]

    without = nrg.solve(KondoModel(J=0.4), keep=300, T_min=1e-2, errors=False).to_xarray()
    assert not [name for name in without if str(name).endswith("_error")]


def test_xarray_is_asked_for_by_name(monkeypatch):
    run = nrg.solve(KondoModel(J=0.4), keep=100, T_min=1e-2, errors=False)
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ImportError, match=r"pip install 'kadanoff\[data\]'"):
        run.to_xarray()
