# `make demo` and `make test` are all that a fresh machine needs; both make the environment first.
PYTHON ?= python3
BIN := .venv/bin
DEMO_REGISTRY ?= demo/runs.db
DEMO_PORT ?= 8501
DEMO_FLAGS ?=
GPU_FLAGS ?=
# Tests that run beside each other, each in one thread.
JOBS ?= $(shell $(PYTHON) -c "import os; print(min(4, os.cpu_count() or 1))")
TESTS = -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder --durations 10
export PYTHONHASHSEED = 0
# Where it is set, each process compiles the whole project anew, which takes a second.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo demo-run test test-all test-fast check bench bench-gpu showcase

setup: .venv/.done
	@if git ls-files -v runs.db 2>/dev/null | grep -q ^H; then git update-index --skip-worktree runs.db; fi

.venv/.done: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: demo-run
	$(BIN)/python -m trainers.open_dashboard --registry $(DEMO_REGISTRY) --port $(DEMO_PORT)

demo-run: setup
	@mkdir -p $(dir $(DEMO_REGISTRY))
	$(BIN)/python -m trainers.dcgan --registry $(DEMO_REGISTRY) --tags demo $(DEMO_FLAGS)

# All but what takes minutes and seldom fails; CI runs that too.
test: setup
	$(BIN)/python $(TESTS) -m "not thorough"

test-all: setup
	$(BIN)/python $(TESTS)

# What a person runs before a commit: all but trainings, the browser and what else takes more than a second.
test-fast: setup
	$(BIN)/python $(TESTS) -m "not slow and not browser"

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python -m benchmarks

# At most eight minutes of a GPU; what is to be brought back is then in bench-gpu/.
bench-gpu: setup
	$(BIN)/python -m benchmarks.gpu $(GPU_FLAGS)

showcase: setup
	$(BIN)/fergan showcase $(RUNS) --out runs.db
	@echo "commit it with its files, which git ignores otherwise: git update-index --no-skip-worktree runs.db && git add --force runs.db runs.files"
