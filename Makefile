PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check lock install clean

demo: install
	$(BIN)/discovervoice demo

test: install check
	$(BIN)/pytest

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

install: $(VENV)/.installed

$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-deps --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --disable-pip-version-check --no-build-isolation --editable .
	touch $@

lock:
	$(PYTHON) scripts/lock.py $(UPGRADE)

clean:
	rm -rf $(VENV) demo-output
