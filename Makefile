# The one door: set up, look, test, check. CI uses the same words (.ci/run).

SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JUDGES := .venv-judges
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt
TESTS ?= tests
JOBS ?= 2

SQL := queries forensics/store/migrations forensics/load/sql forensics/concurrency/sql forensics/audit/sql
DOCS := $(wildcard docs/*.md) README.md

.DEFAULT_GOAL := help
.PHONY: help dev demo test judges check fix docs bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.runtime ## the whole way on a made-up history: findings, and where the report lies
	@$(BIN)/forensics demo -o demo

dev: $(VENV)/.dev ## environment with everything for development, in .venv
	@echo "Ready: $(BIN)/forensics --help"

test: $(VENV)/.dev ## all tests (one folder: make test TESTS=tests/cli)
	@$(BIN)/python -m pytest -n $(JOBS) $(TESTS)

judges: $(VENV)/.dev $(JUDGES)/.ready ## other people's clients of GitHub at work on the stand-in: gh, tinuous, octokit …
	@FORENSICS_REQUIRE_JUDGES=1 $(BIN)/python -m pytest -m judge tests/judges tests/workflow

check: $(VENV)/.dev ## ruff, mypy, sqlfluff, import-linter, and docs in step with what they are made from
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/sqlfluff lint $(SQL)
	@$(BIN)/lint-imports
	@$(BIN)/cog --check $(DOCS) || { echo "The docs are behind: make docs"; exit 1; }

fix: $(VENV)/.dev ## mend what ruff and sqlfluff can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/sqlfluff fix $(SQL)

docs: $(VENV)/.dev ## make the generated parts of the docs again
	@$(BIN)/cog -r $(DOCS)

bench: $(VENV)/.bench ## speed and memory against unzip, wc, ripgrep, lnav and bioframe on the same input
	@for tool in unzip rg lnav; do command -v $$tool >/dev/null \
		|| { echo "bench compares with unzip, ripgrep and lnav: apt-get install unzip ripgrep lnav"; exit 1; }; done
	@for file in bench/*.py; do $(BIN)/python $$file || exit 1; done

clean: ## remove the environment and what tools left behind
	@rm -rf $(VENV) $(JUDGES) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist

# A stamp is older than what it was made from exactly when the install has to be done again.
$(VENV)/.dev: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing what development needs (a minute or two) …"
	@$(PIP) --editable '.[dev]'
	@touch $(VENV)/.runtime $@

$(VENV)/.runtime: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing (less than a minute) …"
	@$(PIP) --editable .
	@touch $@

# The judges' dependencies are not ours: an environment of their own, and npm's packages in a folder of it.
$(JUDGES)/.ready: tests/judges/requirements.txt tests/judges/npm.txt $(BIN)/python
	@sh tests/judges/require
	@echo "Installing the judges (a minute or two) …"
	@$(PYTHON) -m venv $(JUDGES)
	@$(JUDGES)/bin/python -m pip install -qq --disable-pip-version-check --requirement tests/judges/requirements.txt
	@npm install --silent --no-audit --no-fund --no-package-lock --no-save --prefix $(JUDGES)/npm $$(cat tests/judges/npm.txt)
	@touch $@

$(VENV)/.bench: $(VENV)/.dev
	@$(PIP) --editable '.[dev,bench]'
	@touch $@

# Debian keeps the venv module in a package of its own; root gets it installed, others are told.
$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed: apt-get install python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; make PYTHON=python3.12 … names another."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; \
		then apt-get update -qq && apt-get install -y -qq python3-venv; \
		else echo "The venv module is missing: sudo apt-get install python3-venv"; exit 1; fi; }
	@$(PYTHON) -m venv $(VENV)
