# `make demo` and `make test` set up by themselves. PYTHON=python3.12 chooses another Python.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
OUT    ?= out

.PHONY: demo test lint setup clean

demo: $(VENV)/.ready
	@$(BIN)/winnow run configs/demo.toml
	@$(BIN)/winnow train configs/train/demo.toml --sample "The captain" "She was"

test: $(VENV)/.ready
	$(BIN)/python -m pytest

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

setup: $(VENV)/.ready

# one stamp file: set up again only when what is to be installed has changed
$(VENV)/.ready: pyproject.toml constraints.txt
	@echo "setting up $(VENV) (some minutes the first time)"
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v < (3, 14) else \
	    f"winnow needs Python 3.11 to 3.13, and $(PYTHON) is {v.major}.{v.minor}: make PYTHON=python3.12 …")'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' -c constraints.txt
	@touch $@

clean:
	rm -rf $(VENV) $(OUT) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
