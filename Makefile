# Every verb sets up its own .venv first, so that each works on a fresh machine with Python 3.10 or later.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Those of them that this machine has; pyenv's are found too.
PYTHONS ?= 3.10 3.11 3.12 3.13 3.14 3.15

.PHONY: demo test test-all storm docs check coverage bench simulation shim format clean help

help:  ## list the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(BIN)/python:
	@echo "Making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/ready: pyproject.toml | $(BIN)/python
	@echo "Installing what tests, checks and documentation need into $(VENV); this may take some minutes"
	@$(BIN)/python -m pip install --quiet --upgrade pip
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

# Less than the others need, so that whoever just wants to see it does not wait for long.
$(VENV)/demo: pyproject.toml | $(BIN)/python
	@echo "Installing the event loops and what the embedded server needs into $(VENV); this may take a minute"
	@$(BIN)/python -m pip install --quiet --editable '.[cli,embedded,tornado,twisted,trio,gevent]'
	@touch $@

demo: $(VENV)/demo  ## ReQL, and live changefeeds on each event loop, on a server that needs no installation
	@$(BIN)/python -m rethinkdb demo

test: $(VENV)/ready  ## the whole suite; RETHINKDB_TEST_SERVER=host:port runs it on a real server, RETHINKDB_TEST_CLUSTER=host:port,host:port,host:port on a real cluster
	$(BIN)/python -m pytest

test-all:  ## the suite on each Python this machine has, each in a .venv of its own
	@for version in $(PYTHONS); do \
	    python=$$(ls -d $${PYENV_ROOT:-$$HOME/.pyenv}/versions/$$version.*/bin/python 2>/dev/null | tail -1); \
	    python=$${python:-$$(command -v python$$version)}; \
	    test -n "$$python" || { echo "Python $$version is not on this machine: skipped"; continue; }; \
	    echo "Python $$version ($$python)"; \
	    test -e .venv-$$version/ready || { \
	        $$python -m venv .venv-$$version \
	        && .venv-$$version/bin/python -m pip install --quiet --upgrade pip \
	        && .venv-$$version/bin/python -m pip install --quiet --editable '.[dev]' \
	        && touch .venv-$$version/ready; } || exit 1; \
	    .venv-$$version/bin/python -m pytest || exit 1; \
	done

storm: $(VENV)/ready  ## threads and tasks of each loop on a pool whose server restarts; on a connection that signals, cuts and reconnects strike; some minutes
	$(BIN)/python -m tests.loops.pool_storm
	for loop in blocking asyncio tornado twisted trio gevent; do $(BIN)/python -m tests.loops.loop_storm $$loop || exit 1; done
	$(BIN)/python -m tests.loops.connection_storm
	STRIKES=all $(BIN)/python -m pytest -q tests/loops/test_strikes.py

check: $(VENV)/ready  ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

coverage: $(VENV)/ready  ## the wire core and the pool must reach all their branches, each from its own tests
	$(BIN)/python -m coverage run --source=rethinkdb.net -m pytest tests/net -n0 -q
	$(BIN)/python -m coverage report --fail-under=100
	$(BIN)/python -m coverage run --source=rethinkdb.pool -m pytest tests/pool -n0 -q
	$(BIN)/python -m coverage report --fail-under=100

docs: $(VENV)/ready  ## the documentation, to site/index.html; warnings are errors
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs site

bench: $(VENV)/ready  ## what the driver costs per item, beside the least client of its loop and the official package; BENCH=--write-docs keeps it
	$(BIN)/python -m benchmarks --growth $(BENCH)

simulation: $(VENV)/ready  ## 1,000 pools of a server that restarts, and of a cluster whose hosts go, for a day of virtual time; SIMULATION=--write-docs keeps it
	$(BIN)/python -m benchmarks.simulation $(SIMULATION)

# The Python of the environment that `make shim` installs into, and the driver's extras there.
INTO ?= $(PYTHON)
EXTRAS ?=
SHIM := dist/shim

shim:  ## the driver, and a distribution `rethinkdb` in place of the official package, INTO=path/to/python
	rm -rf $(SHIM)
	$(PYTHON) -m pip wheel --quiet --no-deps --wheel-dir $(SHIM) . ./packaging/rethinkdb
	$(INTO) -m pip uninstall --quiet --yes rethinkdb rethinkdb-loops
	$(INTO) -m pip install --quiet "rethinkdb-loops[$(EXTRAS)] @ file://$$(ls $(abspath $(SHIM))/rethinkdb_loops-*.whl)" \
	    $(SHIM)/rethinkdb-*.whl
	@$(INTO) -m pip show rethinkdb rethinkdb-loops | grep -E '^(Name|Version|Requires)'

format: $(VENV)/ready  ## rewrite the sources in the project's format, and the stubs from the names
	$(BIN)/python -m tools.stubs
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## remove what the other verbs made
	rm -rf .venv .venv-* build dist site .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
