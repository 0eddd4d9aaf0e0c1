# make demo    enhance a sample in a real MRML scene; volume, report and picture land in demo/
# make test    run all tests
# make lint    check style and types
# make clean   remove everything that these commands made
#
# Variables, each settable on the command line:
#   PYTHON       the Python 3.10+ that the virtual environment is made from
#   VENV         where the virtual environment goes
#   TORCH        which build of torch: any pip requirement or the path of a wheel. The default is the
#                registry's build: on Linux it may bring CUDA along (several GB); `TORCH=torch==2.13.0+cpu`
#                (with pip told where PyTorch keeps its CPU builds) or a CPU wheel's path is smaller.
#   INPUT        a volume of your own for `make demo`
#   PYTEST_ARGS  passed to pytest
PYTHON ?= python3
VENV ?= .venv
TORCH ?= torch==2.13.0
INPUT ?=
PYTEST_ARGS ?=

.DELETE_ON_ERROR:
.PHONY: demo test lint clean FORCE
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
# The work of the tests and of the demo is small: more threads would only get into each other's way.
THREADS := OMP_NUM_THREADS=1 ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS=1

demo: $(VENV)/demo.stamp
	$(BIN)/python Testing/demo.py --output demo $(if $(INPUT),--input "$(INPUT)")

test: $(VENV)/test.stamp
	$(THREADS) QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m mypy

clean:
	rm -rf $(VENV) demo build dist *.egg-info .pytest_cache .ruff_cache Testing/output
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo 'CHARMSSR needs Python 3.10 or newer here: name one, as in "make test PYTHON=python3.12".' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
	  { echo 'This Python cannot make virtual environments: install its venv package (Debian, Ubuntu: python3-venv).' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# Remembers which torch was asked for, so that another TORCH installs anew.
$(VENV)/torch.txt: FORCE | $(VENV)/bin/python
	@echo '$(TORCH)' | cmp -s - $@ || echo '$(TORCH)' > $@

# torch goes first: afterwards the package finds its requirement fulfilled and fetches no other build.
$(VENV)/demo.stamp: pyproject.toml $(VENV)/torch.txt
	@echo 'Installing $(TORCH) and the package into $(VENV) ...'
	@$(PIP) '$(TORCH)'
	@$(PIP) --editable '.[demo]'
	@touch $@

$(VENV)/test.stamp: $(VENV)/demo.stamp Testing/system_libraries.sh
	@echo 'Installing what the tests need into $(VENV) ...'
	@sh Testing/system_libraries.sh
	@$(PIP) --editable '.[test]'
	@touch $@
