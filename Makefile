# Two commands do all the set-up: `make demo` and `make test`. Needs Python >= 3.11, Rust, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
OURS := -e . -e plugins/sgrna -e plugins/deepdife -e plugins/transcriptome
RUST := $(shell find rust -name '*.rs' -o -name Cargo.toml 2>/dev/null) Cargo.toml Cargo.lock
PLUGINS := $(wildcard plugins/*/pyproject.toml)

.PHONY: build demo test test-rust test-python test-keras test-data lint types bench lock demo-data clean

build: $(VENV)/.built

$(VENV)/.locked: requirements.lock
	$(PYTHON) -c 'import sys; sys.exit("genotool needs Python >= 3.11") if sys.version_info < (3, 11) else 0'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	test -x $(UV) || $(BIN)/python -m pip install --quiet uv
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	touch $@

$(VENV)/.built: $(VENV)/.locked $(RUST) $(PLUGINS) pyproject.toml
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(OURS)
	touch $@

demo: build
	$(BIN)/genotool run sgrna --cell HCT116 --data demo -o runs/demo --overwrite
	@echo "The report: runs/demo/report.html"

# Two at a time, the longest first; the output of each comes when it has ended.
test: build
	$(MAKE) -j2 --output-sync=target test-keras test-python test-rust lint types

test-rust:
	+cargo test --quiet --workspace

test-python: build
	$(BIN)/python -m pytest -m "not keras and not data"

test-keras: build
	$(BIN)/python -m pytest -m "keras and not data"

test-data: build
	GENOTOOL_DATA=$${GENOTOOL_DATA:-../shared/data} $(BIN)/python -m pytest -m "data and not keras"
	GENOTOOL_DATA=$${GENOTOOL_DATA:-../shared/data} $(BIN)/python -m pytest -m "data and keras"

lint: build
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	cargo fmt --all --check
	+cargo clippy --quiet --workspace --all-targets -- -D warnings

types: build
	$(BIN)/mypy

bench: build
	GENOTOOL_THREADS=1 $(BIN)/python -m pytest benches -s

lock: $(VENV)/.locked
	$(UV) pip compile --quiet --generate-hashes --universal --no-emit-index-url --no-annotate --no-header \
	  --no-emit-package genotool --no-emit-package genotool-sgrna --no-emit-package genotool-deepdife \
	  --no-emit-package genotool-transcriptome \
	  --group dev pyproject.toml plugins/sgrna/pyproject.toml plugins/deepdife/pyproject.toml \
	  plugins/transcriptome/pyproject.toml -o requirements.lock

demo-data: build
	$(BIN)/python plugins/sgrna/simulate_demo.py
	$(BIN)/python plugins/deepdife/simulate_demo.py
	$(BIN)/python plugins/transcriptome/simulate_demo.py

clean:
	rm -rf $(VENV) target
