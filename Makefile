# Everything happens in .venv; both goals set up what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
NATIVE := $(wildcard ops/native/*) ops/CMakeLists.txt

.PHONY: demo test test-fast lint types clean

demo: $(VENV)/demo.stamp  ## Train, export, run, build the RTL, simulate and compare: demo-output/
	$(BIN)/lgnx demo -o demo-output

test: $(VENV)/test.stamp  ## The whole test suite
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-fast: $(VENV)/test.stamp  ## The tests that take less than ten seconds each
	$(BIN)/python -m pytest -n 2 -m "not slow"

lint: $(VENV)/dev.stamp  ## Style of the Python and C++ sources, generated docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	find ops/native tests verify \( -name '*.cpp' -o -name '*.h' \) -print0 \
	  | xargs -0 $(BIN)/clang-format --dry-run --Werror
	$(BIN)/python docs/generate_operators.py --check

types: $(VENV)/dev.stamp  ## Static types
	$(BIN)/mypy

clean:
	rm -rf $(VENV) build dist demo-output

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "lgnx needs Python >= 3.11")'
	$(PYTHON) -m venv $(VENV)

# The build tools come first, so that the package builds without isolation and incrementally;
# setuptools and setuptools-scm are for those requirements that come as sources.
$(VENV)/build.stamp: constraints.txt | $(BIN)/python
	@echo "Setting up $(VENV): build tools"
	$(PIP) --upgrade pip
	$(PIP) scikit-build-core cmake ninja setuptools setuptools-scm
	touch $@

$(VENV)/%.stamp: pyproject.toml constraints.txt $(NATIVE) $(VENV)/build.stamp
	@echo "Setting up $(VENV): lgnx[$*] (PyTorch is a large download)"
	PATH="$(CURDIR)/$(BIN):$$PATH" $(PIP) --no-build-isolation -e '.[$*]'
	touch $@
