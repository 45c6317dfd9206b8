"""What a user of the installed package relies on: a quiet import, one version, types."""

import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
from importlib.resources import files

import pytest

import kadanoff
from tests.paths import ROOT


def _read_toml(name: str) -> dict:
    return tomllib.loads((ROOT / name).read_text(encoding="utf-8"))


def test_import_writes_nothing():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "import kadanoff"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == ""
    assert done.stderr == ""


def test_public_names_exist_and_are_documented():
    for name in kadanoff.__all__:
        assert hasattr(kadanoff, name), name
        if name != "__version__":
            assert getattr(kadanoff, name).__doc__, name


def test_one_version_everywhere():
    version = kadanoff.__version__
    assert _read_toml("pyproject.toml")["project"]["version"] == version
    assert _read_toml("Cargo.toml")["workspace"]["package"]["version"] == version
    assert importlib.metadata.version("kadanoff") == version
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.+)$", citation, flags=re.MULTILINE)[1] == version
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_recipe_of_conda_forge_says_what_pyproject_says():
    project = _read_toml("pyproject.toml")["project"]
    recipe = (ROOT / "packaging/conda-forge/recipe.yaml").read_text(encoding="utf-8")
    assert f'version: "{project["version"]}"' in recipe
    assert f'python_min: "{project["requires-python"].removeprefix(">=")}"' in recipe
    assert f"license: {project['license']}" in recipe
    assert f'summary: "{project["description"]}"' in recipe
    run = recipe.split("  run:\n")[1].split("  run_constraints:\n")[0]
    listed = {line.strip(" -") for line in run.splitlines()} - {"python"}
    split = re.compile(r"([\w.-]+)(.*)")
    assert listed == {" ".join(split.fullmatch(item).groups()) for item in project["dependencies"]}
    (build,) = _read_toml("pyproject.toml")["build-system"]["requires"]
    assert " ".join(split.fullmatch(build).groups()) in recipe
    optional = recipe.split("  run_constraints:\n")[1].split("\ntests:\n")[0]
    bounds = {
        item.replace("matplotlib>", "matplotlib-base>")
        for extra in ("plot", "learn", "files", "lab")
        for item in project["optional-dependencies"][extra]
    }
    assert {line.strip(" -").replace(" ", "") for line in optional.split("\n") if line} <= bounds


def test_zenodo_and_citation_say_what_pyproject_says():
    project = _read_toml("pyproject.toml")["project"]
    deposit = json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8"))
    assert deposit["license"] == project["license"]
    assert deposit["keywords"] == project["keywords"]
    assert [person["name"] for person in deposit["creators"]] == [
        person["name"] for person in project["authors"]
    ]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"license: {project['license']}" in citation
    assert deposit["title"] in citation


def test_every_crate_takes_the_version_of_the_workspace():
    for manifest in sorted((ROOT / "rust").glob("*/Cargo.toml")):
        package = tomllib.loads(manifest.read_text(encoding="utf-8"))["package"]
        assert package["version"] == {"workspace": True}, manifest


def test_package_is_typed():
    package = files("kadanoff")
    assert package.joinpath("py.typed").is_file()
    assert package.joinpath("_core.pyi").is_file()


def test_python_floor_is_the_same_for_package_and_extension():
    # abi3-py311 in the bindings and requires-python >= 3.11 must move together.
    assert _read_toml("pyproject.toml")["project"]["requires-python"] == ">=3.11"
    manifests = (ROOT / "Cargo.toml", ROOT / "rust/bindings/Cargo.toml")
    assert any("abi3-py311" in path.read_text(encoding="utf-8") for path in manifests)


def test_readme_names_the_rust_that_cargo_asks_for():
    rust = _read_toml("Cargo.toml")["workspace"]["package"]["rust-version"]
    assert f"Rust {rust} or newer" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["scipy", "numpy", "scikit-learn", "jupyterlab", "maturin"])
def test_constraints_cover_what_make_installs(name):
    pinned = (ROOT / "requirements/constraints.txt").read_text(encoding="utf-8")
    assert re.search(rf"^{name}==\d", pinned, flags=re.MULTILINE)


def test_no_result_file_lies_at_the_top():
    """An example that writes into the current folder must not leave its file in a commit."""
    done = subprocess.run(
        ["git", "ls-files", "*.npz", "*.nc", "*.h5"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("not a clone")
    strays = [name for name in done.stdout.split() if not name.startswith("tests/")]
    assert not strays


def test_a_wheel_links_every_notebook_and_its_data():
    links = ROOT / "packaging/wheel/data/share/kadanoff/notebooks"
    notebooks = ROOT / "notebooks"
    for folder, pattern in (("", "*.py"), ("data", "*"), ("solutions", "*.py")):
        expected = {path.name for path in (notebooks / folder).glob(pattern) if path.is_file()}
        found = {path.name: path.resolve() for path in (links / folder).glob(pattern)}
        found = {name: path for name, path in found.items() if path.is_file()}
        assert set(found) == expected
        for name, path in found.items():
            assert path == notebooks / folder / name
