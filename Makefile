# Each target does its own set-up into .venv. Arguments by ARGS=, e.g. make demo ARGS=--once
.DEFAULT_GOAL := help
.PHONY: help setup demo test check chaos bench docs clean

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet install --constraint constraints.txt

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

$(VENV)/.worker: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Segue needs Python 3.11 or newer; set PYTHON=…")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.worker
	$(PIP) --editable '.[dev]'
	touch $@

setup: $(VENV)/.dev ## install everything into .venv

demo: $(VENV)/.worker ## the main job on the embedded workspace
	$(BIN)/segue demo $(ARGS)

test: $(VENV)/.dev ## the whole test suite (three processes on two cores: many tests wait)
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(VENV)/.dev ## ruff, mypy strict, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

chaos: $(VENV)/.dev ## long soak runs with kills and faults
	RACE_IDS=1000 $(BIN)/python -m pytest tests/chaos tests/agent/test_engine_processes.py tests/story/test_killed.py --run-chaos -s $(ARGS)

bench: $(VENV)/.dev ## the figures in docs/performance.md
	$(BIN)/python -m benchmarks $(ARGS)

docs: $(VENV)/.dev ## regenerate the parts of docs/ that come from code
	$(BIN)/python docs/generate.py $(ARGS)

clean: ## remove .venv and caches
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .import_linter_cache .hypothesis
