# Everything a newcomer or CI needs, in one command each. Nothing is installed outside this folder.
PYTHON ?= python3
BIN := .venv/bin
TORCH_BIN := .venv-torch/bin
PIP_FLAGS := --quiet --disable-pip-version-check
WORKERS ?= 2

.PHONY: demo test check test-all lint clean

demo: .venv/local   ## Set up, and show a meeting turn into live captions, commands and mood
	$(BIN)/hubbub demo

test: .venv/test    ## Set up, and run the tests of hubbub[local]
	$(BIN)/pytest -n $(WORKERS) -m "not redis_server and not cluster and not torch and not chaos and not browser and not mutants"

lint: .venv/test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test    ## Lint, types, import contracts, tests

test-all: lint .venv/browser .venv-torch/test   ## Everything else: torch engines, redis-server, killed processes, the page
	$(BIN)/pytest -n $(WORKERS) -m "redis_server and not chaos"
	$(BIN)/pytest -n $(WORKERS) -m "cluster and not chaos"
	$(BIN)/pytest -n $(WORKERS) -m "mutants"
	$(BIN)/pytest -m "chaos"
	$(BIN)/pytest -n $(WORKERS) -m "browser"
	$(TORCH_BIN)/pytest -n $(WORKERS) -m "torch"

.venv/local: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install $(PIP_FLAGS) --constraint constraints.txt --editable '.[local]'
	touch $@

.venv/test: .venv/local
	$(BIN)/pip install $(PIP_FLAGS) --constraint constraints.txt --editable '.[local,test]'
	touch $@

.venv/browser: .venv/test
	$(BIN)/pip install $(PIP_FLAGS) --constraint constraints.txt --editable '.[local,test,browser]'
	touch $@

.venv-torch/test: .venv/test
	$(PYTHON) -m venv .venv-torch
	$(TORCH_BIN)/pip install $(PIP_FLAGS) --constraint constraints.txt --editable '.[local,torch,test]'
	touch $@

clean:
	rm -rf .venv .venv-torch build *.egg-info
