# One command each; all of them begin with the set-up that they need.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
LOCK := $(BIN)/uv pip compile -q pyproject.toml --universal --generate-hashes --no-header --python-version 3.11

.PHONY: help install run demo test check stack-test bench lock screenshot clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: .venv/ready  ## .venv with everything, node packages too

# Names what was installed last, so that a second call is quick.
.venv/ready: requirements-dev.txt package-lock.json
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "klineboard needs Python 3.11 or newer, as $(PYTHON) or by PYTHON=..." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
	  || { echo "Python's venv is missing; on Debian and Ubuntu: sudo apt install python3-venv" >&2; exit 2; }
	@echo "Setting up .venv (once; about a minute) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --silent
	@touch $@

run: install  ## collect, follow and show the market on http://localhost:5555; Ctrl-C ends all
	@$(BIN)/honcho -e /dev/null -f Procfile start || [ $$? = 130 ]

demo: export DATA_DIR = demo
demo: export BINANCE_API_URL = http://127.0.0.1:8900
demo: export BINANCE_STREAM_URL = ws://127.0.0.1:8901
demo: export COINGECKO_API_URL = http://127.0.0.1:8900
demo: install  ## the same with a simulated market; needs no internet
	@$(BIN)/honcho -e /dev/null -f Procfile.demo start || [ $$? = 130 ]

test: install  ## all tests but the stack's
	$(BIN)/python -m pytest -m "not stack" -n 2 --dist loadfile

check: install  ## style, types, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent check
	$(BIN)/python -m pytest -m "not stack" -n 2 --dist loadfile -q

stack-test: install  ## the real compose stack, end to end (needs Docker)
	$(BIN)/python -m pytest -m stack -s tests/stack

bench: .venv/bench  ## speed and memory beside others, into docs/BENCHMARKS.md (20 minutes)
	@$(BIN)/python -m tests.bench --write docs/BENCHMARKS.md

# Others' clients, which nothing else needs.
.venv/bench: .venv/ready requirements-bench.txt
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-bench.txt
	@touch $@

screenshot: install  ## docs/dashboard.png, from a running page
	$(BIN)/python -m tests.browser.screenshot docs/dashboard.png --url http://127.0.0.1:5555

lock:  ## renew the lock files after a change of pyproject.toml
	$(LOCK) -o requirements.txt
	$(LOCK) --extra node -c requirements.txt -o requirements-node.txt
	$(LOCK) --extra node --extra local --extra dev -c requirements.txt -o requirements-dev.txt
	$(LOCK) --extra node --extra local --extra dev --extra bench -c requirements-dev.txt -o requirements-bench.txt

clean:  ## what install made; data, logs and the demo's data stay
	rm -rf .venv node_modules static/vendor
