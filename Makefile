# Shortcuts for what bin/ and .ci/ do; `make` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV ?= $(or $(TSWIZARD_VENV),$(CURDIR)/.venv)
export TSWIZARD_VENV := $(VENV)

.PHONY: help setup test quick lint format docs pages bench ci

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Create .venv with everything a contributor needs, and install the pre-commit hooks
	@source bin/venv.sh && ensure_venv dev && ensure_venv test
	@$(VENV)/bin/pre-commit install

test: ## Run all tests whose servers are there (see CONTRIBUTING.md)
	@bin/test

quick: ## Run the tests that need no server
	@bin/test -m "not e2e and not native and not terminal and not timing" --numprocesses=auto

lint: ## ruff, mypy, import-linter, codespell, mkdocs
	@bin/lint

format: ## Let ruff fix and format what it can
	@$(VENV)/bin/ruff check --fix . && $(VENV)/bin/ruff format .

docs: ## Build the documentation site into site/
	@source bin/venv.sh && ensure_venv docs && $(VENV)/bin/mkdocs build --strict

pages: ## Generate again: the pages of findings, rules and inspect, the man page, the screenshots
	@for page in findings_page classifier_page inspect_page man_page screenshots; do $(VENV)/bin/python -m scripts.$$page; done

bench: ## Measure whole migrations on two native servers (tests/bench/README.md)
	@source bin/venv.sh && ensure_venv test && $(VENV)/bin/python -m tests.bench

ci: ## Everything that must pass, in a fresh environment
	@.ci/run
