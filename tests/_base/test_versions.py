import kadanoff as kd
from kadanoff._base import versions


def test_names_what_a_result_depends_on(monkeypatch):
    monkeypatch.setenv("KADANOFF_BUDGET", "quick")
    found = kd.about()
    assert found["kadanoff"] == kd.__version__
    assert found["budget"] == "quick"
    assert int(found["threads"]) >= 1
    assert {"numpy", "scipy", "mpmath", "python"} <= found.keys()


def test_prints_one_line_each():
    found = kd.about()
    assert len(repr(found).splitlines()) == len(found)


def test_names_the_optional_parts_that_are_installed(monkeypatch):
    import importlib.metadata

    assert "matplotlib" in kd.about()
    true = importlib.metadata.version

    def version(name):
        if name == "xarray":
            raise importlib.metadata.PackageNotFoundError(name)
        return true(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    versions.installed.cache_clear()
    assert "xarray" not in kd.about()
    versions.installed.cache_clear()
