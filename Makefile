# Every target makes what it needs, from a fresh clone: Rust, Python >= 3.11 and a C linker suffice.
# Nothing is installed outside .venv and target; an active environment is neither used nor changed.

SHELL        := /bin/bash
.SHELLFLAGS  := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS    += --no-builtin-rules

PYTHON ?= $(firstword $(foreach p,python3 python3.14 python3.13 python3.12 python3.11,$(shell \
            $(p) -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $(p))))
CARGO  ?= cargo

# The environment of the project, whatever is active outside.
BIN := .venv/bin
PY  := $(BIN)/python
unexport CONDA_PREFIX PYTHONHOME PYTHONPATH PIP_USER PIP_TARGET PIP_PREFIX PIP_REQUIRE_VIRTUALENV
export VIRTUAL_ENV := $(CURDIR)/.venv
export PYO3_PYTHON := $(CURDIR)/$(PY)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
# Threads of BLAS that compete with our own cost far more than they give.
export OPENBLAS_NUM_THREADS ?= 1

# A build server must not change Cargo.lock behind our back.
LOCKED := $(if $(CI),--locked,)

CONSTRAINTS  := requirements/constraints.txt
RUST_SOURCES := $(shell find rust -name '*.rs' -o -name Cargo.toml) \
                $(wildcard Cargo.toml Cargo.lock rust-toolchain.toml .cargo/config.toml)
NOTEBOOKS    := $(wildcard notebooks/[0-9][0-9]_*.py notebooks/solutions/*.py)

# The picture of `make run`, and the options that reach the tests: make test PYTEST_ARGS="-k kondo"
OUTPUT      ?= kondo_mapping.png
PYTEST_ARGS ?=
# Tests run in one process per core, at most four, each file of tests in one of them.
PARALLEL    ?= -n logical --maxprocesses 4 --dist loadfile
LAB_ARGS    ?=
# The commit that `make fingerprint` and `make bench-compare` compare with.
BASE        ?=
# What `make wheels` builds (x86_64, aarch64, sdist; without any, all), and options of `make test-wheel`.
MACHINE     ?=
WHEEL_ARGS  ?=
# The cases that `make bench-compare` runs; without any, a dozen short ones.
CASE        ?=
# Options of `make web`.
WEB_ARGS    ?=
# The topics that `make soak` runs, of tests/soak; without any, all that this commit has not run yet.
TOPIC       ?=

.PHONY: help build run lab check test fuzz soak fingerprint lint bench bench-peers bench-compare \
	notebooks docs web wheels \
	test-wheel audit coverage constraints clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20

build: .venv/.built  ## the extension, in release mode, importable from .venv

run: .venv/.built .venv/.deps-plot  ## the Kondo mapping at the paper's parameters: a table and a picture
	$(PY) -m kadanoff run kondo --output $(OUTPUT)

lab: .venv/.built .venv/.deps-lab  ## JupyterLab on the notebooks
	$(BIN)/jupyter lab --notebook-dir=notebooks $(if $(filter 0,$(shell id -u)),--allow-root) $(LAB_ARGS)

# mypy keeps a cache in .mypy_cache; it runs beside the tests, on the second core.
check: .venv/.built .venv/.deps-dev  ## two minutes: lint, the rules of the house, tests of what changed since main
	$(CARGO) fmt --all --check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(PY) -m mypy & types=$$!; code=0; \
	$(PY) -m tools.changed --run $(PYTEST_ARGS) || code=$$?; \
	wait $$types || code=$$?; exit $$code

test: .venv/.built .venv/.deps-dev  ## everything: Rust, stub of the extension, Python, notebooks, README
	$(CARGO) test $(LOCKED) --workspace
	$(PY) -m mypy.stubtest kadanoff._core --mypy-config-file pyproject.toml
	$(PY) -m pytest $(PARALLEL) $(PYTEST_ARGS)

fuzz: .venv/.built .venv/.deps-dev  ## every argument of every public call with bad values: a table
	$(PY) -m tests.fuzz

soak: .venv/.built .venv/.deps-dev  ## half an hour: kills, interrupts, damaged files, coverage of errors, many seeds
	$(PY) -m tests.soak $(TOPIC)

# BASE is built once, in a worktree under target/commits.
fingerprint: .venv/.built .venv/.deps-dev  ## compare what is computed with a commit, bit by bit: BASE=<commit>
	$(PY) -m tests.fingerprint --against "$(BASE)"

lint: .venv/.built .venv/.deps-dev  ## rustfmt, clippy, ruff, mypy, docstrings, spelling, prose, workflows
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(LOCKED) --workspace --all-targets -- -D warnings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(PY) -m mypy
	$(PY) -m tools.docstrings
	$(BIN)/codespell python rust docs notebooks tools benchmarks changes *.md
	$(PY) -m tools.prose
	$(BIN)/zizmor --offline --quiet .github

bench: .venv/.built .venv/.deps-dev  ## a table: case, time, peak memory, other programs, limits; a line of the history
	$(PY) -m benchmarks

bench-peers: .venv/.deps-bench-peers  ## the programs that `make bench` runs beside ours: numba, QuSpin, pyalps, mcising

# BASE is built once, in a worktree under target/commits; CASE="ed-4 import" chooses cases.
bench-compare: .venv/.built .venv/.deps-dev  ## what is faster or slower than a commit, beyond noise: BASE=<commit>
	$(PY) -m benchmarks.compare "$(BASE)" $(if $(CASE),--case $(CASE))

notebooks: .venv/.built .venv/.deps-dev  ## execute notebooks/NN_*.py into .ipynb with their outputs
	$(PY) -m tools.notebooks $(NOTEBOOKS)

docs: .venv/.built .venv/.deps-docs  ## the site: pages, reference, rendered notebooks, in target/site/html
	$(PY) -m tools.live --if-possible
	$(PY) -m tools.site

# Without the target of Rust it fails, with `make web WEB_ARGS=--if-possible` it only says so.
web: .venv/bin/python  ## the live pages for a browser, one file each, in target/live
	$(PY) -m tools.live $(WEB_ARGS)

wheels: .venv/.deps-release  ## wheels (x86-64, aarch64) and source distribution in dist/, audited
	@command -v rustup >/dev/null && rustup target add aarch64-unknown-linux-gnu || true
	$(PY) -m tools.wheels $(MACHINE)

test-wheel: .venv/bin/python  ## the wheels in new environments, without Rust: README, commands, some tests, emulated aarch64
	$(PY) -m tools.fresh_install $(WHEEL_ARGS)

audit: .venv/.deps-release  ## licences, sources and advisories of every dependency
	$(PY) -m tools.audit

coverage: .venv/.built .venv/.deps-dev  ## lines that the tests of Python never reach, in target/coverage
	$(PY) -m pytest --cov --cov-report=term-missing:skip-covered \
	    --cov-report=html:target/coverage $(PYTEST_ARGS)

constraints: .venv/bin/python  ## resolve the newest versions of all dependencies anew
	$(PY) -m tools.requirements --resolve dev,release,bench-peers > $(CONSTRAINTS).new
	mv $(CONSTRAINTS).new $(CONSTRAINTS)

clean:  ## remove everything that make made
	rm -rf .venv target dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -f python/kadanoff/_core*.so python/kadanoff/_core*.pyd
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	git worktree prune || true

# ------------------------------------------------------------------------------------ environment

# Debian splits ensurepip off; a pip outside can then put pip inside.
.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "kadanoff needs Python 3.11 or newer: make PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11" >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv || { \
	    $(PYTHON) -m venv --clear --without-pip .venv && \
	    env -u VIRTUAL_ENV $(PYTHON) -m pip --python $(PY) install pip; }

.venv/.deps-%: pyproject.toml $(CONSTRAINTS) tools/requirements.py | .venv/bin/python
	$(PY) -m tools.requirements $* > .venv/requirements-$*.txt
	$(PY) -m pip install --quiet -c $(CONSTRAINTS) -r .venv/requirements-$*.txt
	touch $@

.venv/.built: $(RUST_SOURCES) pyproject.toml .venv/.deps-build
	@command -v $(CARGO) >/dev/null || { echo "kadanoff needs Rust: https://rustup.rs" >&2; exit 1; }
	PIP_QUIET=1 $(BIN)/maturin develop --release $(LOCKED)
	touch $@
