# The ways to run and check this project. Every target prepares .venv first and says what it does.
# Options of the command behind run, test and demo: make test ARGS="-k redeem".

PYTHON ?= python3
UV_VERSION := 0.13.9

BIN := .venv/bin
UV := .venv/uv/bin/uv
STAMP := .venv/.stamp
IS_NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))'

# What the caller's shell may bring along and an installation must not stumble over.
unexport PYTHONHOME PYTHONPATH VIRTUAL_ENV
export PIP_USER := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
ifneq ($(shell test -d "$${TMPDIR:-/tmp}" -a -w "$${TMPDIR:-/tmp}" && echo writable),writable)
export TMPDIR := /tmp
endif
ifneq ($(shell test -w "$${UV_CACHE_DIR:-$${XDG_CACHE_HOME:-$$HOME}}" && echo writable),writable)
export XDG_CACHE_HOME := $(CURDIR)/var/cache
export UV_CACHE_DIR := $(CURDIR)/var/cache/uv
endif

.DEFAULT_GOAL := help
.PHONY: setup run test check demo bench faults lock clean help

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## prepare .venv: done by the other targets, skipped when up to date
	@echo "setup: .venv is up to date"

run: $(STAMP) ## serve with demonstration data; Ctrl-C stops everything it started
	@echo "run: servers, tables, demonstration data, then the service; Ctrl-C stops them all"
	@exec $(BIN)/loyalty serve --demo $(ARGS)

test: $(STAMP) ## the whole test suite against real servers, in two processes
	@echo "test: the whole suite in two processes, on servers it starts and stops itself"
	@$(BIN)/pytest -n 2 --dist loadgroup $(ARGS)

check: $(STAMP) ## style, types, imports between packages, the guard tests
	@echo "check 1/5: style (ruff check)" && $(BIN)/ruff check
	@echo "check 2/5: layout (ruff format)" && $(BIN)/ruff format --check
	@echo "check 3/5: types (mypy)" && $(BIN)/mypy
	@echo "check 4/5: imports point down (lint-imports)" && $(BIN)/lint-imports
	@echo "check 5/5: rules that are tests (tests/guards)" && $(BIN)/pytest tests/guards

demo: $(STAMP) ## play the honest and the fake referral over HTTP, on servers of its own
	@echo "demo: servers of its own on a free port, both stories, then all is removed"
	@exec $(BIN)/loyalty demo $(ARGS)

bench: $(STAMP) ## measure, print a table, write var/bench.json; ARGS=--quick for small sizes
	@echo "bench: servers of its own; every figure is a ratio within this run"
	@exec $(BIN)/python -m bench $(ARGS)

faults: $(STAMP) ## the promises in their long form: races, storms, crashes, shuffled documents
	@echo "faults: the long form of tests/faults and of the machines of ledger, benefits and referrals"
	@LOYALTY_LONG=1 $(BIN)/pytest -s tests/faults tests/loyalty/test_ledger_machine.py \
		tests/loyalty/test_benefit_machine.py tests/referral/test_referral_machine.py $(ARGS)

COMPILE = $(UV) pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --quiet

lock: $(STAMP) ## resolve pyproject.toml anew into requirements.txt and requirements-dev.txt
	@echo "lock 1/2: requirements.txt"
	@$(COMPILE) --extra embedded -o requirements.txt
	@echo "lock 2/2: requirements-dev.txt"
	@$(COMPILE) --extra dev -c requirements.txt -o requirements-dev.txt

clean: ## remove .venv and what tools left behind; the data in var/ stays
	@echo "clean: .venv, caches, build leftovers (var/ stays)"
	@rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

GET_UV := install --quiet --target .venv/uv uv==$(UV_VERSION)

# A system Python without ensurepip still works: with a uv on the path, or with its own pip.
$(STAMP): requirements-dev.txt pyproject.toml
	@echo "[1/3] virtual environment .venv"
	@$(BIN)/python $(IS_NEW_ENOUGH) 2>/dev/null || { \
	    $(PYTHON) $(IS_NEW_ENOUGH) 2>/dev/null || { \
	        echo "$(PYTHON) is missing or older than 3.11; name another: make PYTHON=python3.12" >&2; \
	        exit 1; }; \
	    rm -rf .venv; \
	    $(PYTHON) -m venv .venv >/dev/null 2>&1 || $(PYTHON) -m venv --without-pip --clear .venv; }
	@echo "[2/3] libraries exactly as in requirements-dev.txt (800 MB, some minutes the first time)"
	@$(UV) --version 2>/dev/null | grep -qF "uv $(UV_VERSION)" || { \
	    rm -rf .venv/uv; \
	    if $(BIN)/python -m pip --version >/dev/null 2>&1; then $(BIN)/python -m pip $(GET_UV); \
	    elif command -v uv >/dev/null; then mkdir -p .venv/uv/bin && ln -s "$$(command -v uv)" $(UV); \
	    elif $(PYTHON) -m pip --version >/dev/null 2>&1; then \
	        $(PYTHON) -m pip --python $(BIN)/python $(GET_UV); \
	    else echo "no pip and no uv: install python3-venv or uv, then run make again" >&2; exit 1; fi; }
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements-dev.txt
	@echo "[3/3] this project, editable, with the command loyalty"
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@
