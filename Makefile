# The two commands that matter: `make run` and `make test`. Both install what they need into .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
JOBS   ?= auto
PIP    := $(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes --no-deps
LOCK   := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
          --custom-compile-command "make lock" pyproject.toml requirements/build.in
HERE   := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --editable .

.DEFAULT_GOAL := help
AGENTS := @anthropic-ai/claude-code@2.1.332 @openai/codex@0.171.0 opencode-ai@1.18.33

.PHONY: help run test soak agents check bench screenshots format lock clean docs

help: ## Show what make can do
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Steward needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements/run.txt pyproject.toml | $(BIN)/python
	@echo "Installing Steward into $(VENV) (once; about a minute)"
	$(PIP) -r requirements/run.txt
	$(HERE)
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	@echo "Installing what the tests need into $(VENV) (once; about a minute)"
	$(PIP) -r requirements/dev.txt
	@touch $@

run: $(VENV)/run.stamp ## Start Steward; with no organisation configured, on a sample organisation of its own
	$(BIN)/steward up

test: $(VENV)/dev.stamp ## Run every test but the long ones
	$(BIN)/python -m pytest -n $(JOBS) -m "not soak" -q

soak: $(VENV)/dev.stamp ## Run the long ones: kill loops, storms, long generated runs
	$(BIN)/python -m pytest -m soak -q --timeout 3600

agents: ## Install the coding agents that the tests try, by npm, into .agents (1.2 GB)
	npm install --prefix .agents --no-audit --no-fund --no-save --no-package-lock $(AGENTS)
	node .agents/node_modules/@anthropic-ai/claude-code/install.cjs
	node .agents/node_modules/opencode-ai/postinstall.mjs

check: $(VENV)/dev.stamp ## Lint, types, layers, tidiness
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/dev.stamp ## Measure, as ratios in one run
	$(BIN)/python -m benchmarks

screenshots: $(VENV)/dev.stamp ## Take the pictures of README anew; with SCREENS=folder, one of every page in every way
	$(BIN)/python -m tests.browser.screenshots $(SCREENS)

format: $(VENV)/dev.stamp ## Rewrite the sources in the one format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/run.stamp ## Write the generated pages of docs/ anew
	$(BIN)/python docs/generate.py

lock: $(VENV)/dev.stamp ## Resolve pyproject.toml into the hash-locked requirements
	$(LOCK) -o requirements/run.txt
	$(LOCK) --group dev -o requirements/dev.txt

clean: ## Remove the virtual environment and caches (never your data)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
