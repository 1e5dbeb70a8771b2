# votewise: everything a fresh clone needs is made here. `make` alone lists what there is.
# Needs git, make and Python 3.11 or newer; set PYTHON to choose one: make test PYTHON=python3.12

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-fast test-trl test-zero fuzz check format bench experiments spark docs wheel constraints clean

ifeq ($(origin PYTHON), undefined)
PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
endif

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
# The build tools are pinned too, hence no build isolation.
INSTALL := install --constraint constraints.txt --no-build-isolation --editable
# As many workers as cores; a worker that is done takes tests from the others. For one test alone: make test PARALLEL='-k name'
PARALLEL := -n logical --dist worksteal

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.core  ## audit simulated votes whose truth is known and write demo/report.html
	@$(BIN)/votewise demo --out demo

test: check  ## lint, types and all tests
	@$(BIN)/python -m pytest $(PARALLEL)

test-fast: check  ## lint, types and the tests that are not marked slow, in two minutes
	@$(BIN)/python -m pytest $(PARALLEL) -m "not slow"

test-trl: $(VENV)/.dev  ## the tests of training with the lowest and the newest TRL that votewise supports
	@$(BIN)/python tests/trl_versions.py $(PARALLEL)

DEEPSPEED := deepspeed==0.19.8 einops hjson msgpack ninja py-cpuinfo

test-zero: $(VENV)/.dev  ## the tests of ZeRO-3, with DeepSpeed in a temporary folder
	@folder=$$(mktemp -d) && trap "rm -rf $$folder" EXIT && \
	DS_BUILD_OPS=0 $(BIN)/python -m pip install -q --no-deps --no-build-isolation --target $$folder $(DEEPSPEED) && \
	PYTHONPATH=$$folder DS_ACCELERATOR=cpu $(BIN)/python -m pytest tests/train/test_zero3.py

# Another SEED tries other random tables, for so many minutes: make fuzz SEED=7 MINUTES=240
SEED ?= 0
MINUTES ?= 60

fuzz: $(VENV)/.dev  ## read more than 2,000 damaged files, and other random tables than `make test` for an hour (MINUTES=60)
	@VOTEWISE_FUZZ=$(SEED) $(BIN)/python -m pytest -s tests/sources/test_damage.py
	@$(BIN)/python tests/fuzz.py --minutes $(MINUTES) --seed $(SEED) $(PARALLEL)

check: $(VENV)/.dev  ## lint and types only
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

format: $(VENV)/.dev  ## format the code and fix what ruff can
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

bench: $(VENV)/.bench  ## measure speed and memory, against crowd-kit too
	@for script in $$(grep -l __main__ benchmarks/*.py | grep -v same_outputs); do echo "== $$script"; $(BIN)/python $$script || exit 1; done

spark: $(VENV)/.spark  ## install Spark, 400 MB, so that `make test` tests it too (needs Java 17 or newer)

experiments: $(VENV)/.dev  ## rerun the published tables and figures, into experiments/results
	@set -e; start=$$(date +%s); for script in $$(grep -l __main__ experiments/*.py); do \
	  echo "== $$script"; $(BIN)/python $$script; done; \
	echo "all experiments: $$(( $$(date +%s) - start )) seconds"

docs: $(VENV)/.core  ## generate docs/cli.md from the code
	@$(BIN)/python docs/generate_cli.py

wheel: $(VENV)/.build  ## build dist/votewise-*.whl
	@rm -f dist/votewise-*.whl
	@$(BIN)/hatchling build --target wheel

# What `make test` and `make demo` install, pinned; so are torch, pyspark and crowd-kit for the extras that need them.
constraints:  ## pin the newest versions that fit pyproject.toml in constraints.txt
	@set -e; fresh=$$(mktemp -d); trap 'rm -rf "$$fresh"' EXIT; \
	$(PYTHON) -m venv "$$fresh/venv"; \
	"$$fresh/venv/bin/pip" install --quiet --disable-pip-version-check hatchling editables --editable '.[dev]'; \
	{ echo "# Made by 'make constraints': the versions that 'make test' and 'make demo' install."; \
	  "$$fresh/venv/bin/pip" --disable-pip-version-check freeze --exclude-editable | grep -vE '^(torch|triton|nvidia)'; \
	  printf '%s\n' torch==2.13.0 pyspark==4.0.5 crowd-kit==1.4.2; } > "$$fresh/constraints.txt"; \
	mv "$$fresh/constraints.txt" constraints.txt; echo "constraints.txt: $$(grep -c == constraints.txt) versions"

clean:  ## remove the virtual environment, caches and the demo's output
	rm -rf $(VENV) demo dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

# Stamps: installed again only when the metadata, the pins or the environment change.
$(VENV)/.build: pyproject.toml constraints.txt | $(BIN)/pip
	@$(PIP) install --constraint constraints.txt hatchling editables vl-convert-python
	@touch $@

$(VENV)/.core: $(VENV)/.build
	@echo "Installing votewise into $(VENV) ..."
	@$(PIP) $(INSTALL) '.[train]'
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	@echo "Installing the development tools into $(VENV) ..."
	@$(PIP) $(INSTALL) '.[dev]'
	@touch $@

$(VENV)/.bench: $(VENV)/.dev
	@echo "Installing what the benchmarks compare with into $(VENV) ..."
	@$(PIP) $(INSTALL) '.[dev,bench]'
	@touch $@

$(VENV)/.spark: $(VENV)/.dev
	@echo "Installing Spark into $(VENV) ..."
	@$(PIP) install --constraint constraints.txt pyspark
	@touch $@

$(BIN)/pip:
	@test -n "$(PYTHON)" || { echo "votewise needs Python 3.11 or newer, and none was found." \
		"Install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "votewise needs Python 3.11 or newer;" \
		"$(PYTHON) is $$($(PYTHON) --version 2>&1)." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments." \
		"On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
