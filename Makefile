# Each target does its own set-up on a fresh machine: Python 3.11 or newer and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: install demo test check format lint types layers docs bench lock clean

install: $(READY)

# compiled once here: where Python may not write bytecode, every start would compile torch anew
$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv==0.13.9
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	touch $(READY)

demo: install
	$(BIN)/mep3m demo --out demo

# training has test workers of its own: one that had run other tests before was lost there, cause not found
# one thread a test process: two with two threads each wait for each other most of the time
test: export OMP_NUM_THREADS := 1
test: export TOKENIZERS_PARALLELISM := false
test: install
	./scripts/system-packages
	$(BIN)/python -m pytest -n 2 --durations 25 --ignore tests/training
	$(BIN)/python -m pytest -n 2 --durations 10 tests/training

check: install format lint types layers docs test

format: install
	$(BIN)/ruff format --check .

lint: install
	$(BIN)/ruff check .

types: install
	$(BIN)/mypy

layers: install
	$(BIN)/lint-imports

docs: install
	$(BIN)/python docs/generate.py --check

bench: install
	$(BIN)/python -m bench

lock:
	uv pip compile --all-extras --group dev --universal --python-version 3.11 pyproject.toml \
		-o requirements.lock --no-emit-index-url --no-header --quiet

clean:
	rm -rf $(VENV) demo build dist
