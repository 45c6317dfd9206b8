"""Sweeps that meet a full disk or a vanished folder: what was computed is kept."""

import errno
import os

import pytest

from kadanoff.runs.parameter_sweep import sweep
from kadanoff.runs.store import Store


def test_a_full_disk_keeps_what_was_computed(tmp_path, monkeypatch):
    store = Store(tmp_path / "s", kind="k")
    sync, left = os.fsync, 3

    def full(handle):
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match=r"No space left on device: '.*\.npz'") as caught:
            sweep(lambda x: {"y": 2 * x}, {"x": range(50)}, store=store, progress=False)
    partial = caught.value.partial
    assert any("in .partial" in note for note in caught.value.__notes__)
    kept = {p["x"]: int(r["y"]) for p, r in zip(partial.points, partial.results, strict=True) if r}
    assert len(kept) == partial.computed > 3
    assert kept == {x: 2 * x for x in kept}
    assert len(store) == 3
    assert list(store.path.glob(".*")) == []
    assert (
        sweep(lambda x: {"y": 2 * x}, {"x": range(50)}, store=store, progress=False).computed == 47
    )


def test_a_vanished_folder_keeps_what_was_computed(tmp_path):
    store = Store(tmp_path / "s", kind="k")

    def function(x):
        if x == 10:
            store.path.rename(tmp_path / "elsewhere")
        return {"y": x}

    with pytest.raises(FileNotFoundError, match=r"'.*/s/.*\.npz'") as caught:
        sweep(function, {"x": range(20)}, store=store, progress=False)
    results = caught.value.partial.results
    assert caught.value.partial.computed == sum(result is not None for result in results) > 0
