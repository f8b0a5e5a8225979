# The newest of these that is installed and works; `make PYTHON=python3.12 …` takes another.
WORKING = $(foreach python,python3.14 python3.13 python3.12 python3.11,\
	$(shell $(python) -c 'print("$(python)")' 2>/dev/null))
PYTHON ?= $(or $(firstword $(WORKING)),$(error Python 3.11, 3.12, 3.13 or 3.14 is needed: install one, or name it with PYTHON=))
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --no-deps --no-compile --disable-pip-version-check
# What pip would compile on one core, less what nothing here loads: half of it.
COMPILE := $(BIN)/python -m compileall -qq -j 0 \
	-x '/(tests|testing|transformers/models/[b-z]\w*|_inductor|sklearn|numba|networkx|physics|pip|setuptools|mypy)/' \
	$(VENV)/lib
# How many processes test; three keep two cores busy.
PROCESSES ?= 3
# `make install HASHES=1` takes only files whose hashes `make hashes` has written down.
LOCK = $(1)$(if $(HASHES),.hashed).lock
REQUIRE = $(PIP)$(if $(HASHES), --require-hashes) --requirement

.PHONY: demo test suite fuzz chaos databases check style types lock check-lock hashes install install-lab install-dev clean

demo: install
	$(BIN)/discovervoice demo

# mypy has one core's work, and the tests wait now and then: they share the cores.
test: style
	$(MAKE) --no-print-directory --jobs 2 types suite

# Each of its processes would compile every test anew if what they have compiled were not kept.
suite: install-dev
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest --numprocesses $(PROCESSES) --dist worksteal

# Ten thousand mutated sounds and two thousand mutated files of weights; `make test` takes a sample of them.
fuzz: install-dev
	FUZZ=10000 $(BIN)/pytest --capture no tests/fuzz/test_sounds.py
	FUZZ=2000 $(BIN)/pytest --capture no tests/fuzz/test_weights.py

# A thousand schedules of kills, stops, locks and second thoughts; what is interrupted goes on from the table in results/.
chaos: install-dev
	CHAOS=1000 $(BIN)/pytest --capture no tests/chaos/test_schedules.py

# Every test of the store on each of its databases; `make test` runs on PostgreSQL those that it could break.
databases: install-dev
	DATABASES=sqlite,postgresql $(BIN)/pytest tests/store

check: style types

style: install-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: install-dev
	$(BIN)/mypy

install: $(VENV)/.installed

install-dev: $(VENV)/.installed-dev

# Half of what is unpacked are CUDA's libraries: they have a pip of their own beside the other's.
define INSTALL
	@echo "Python: $(PYTHON)"
	$(PYTHON) -m venv $(VENV)
	awk '/^[a-z]/ {cuda = /^nvidia-/} cuda' $(call LOCK,$(1)) > $(VENV)/cuda.lock
	awk '/^[a-z]/ {cuda = /^nvidia-/} !cuda' $(call LOCK,$(1)) > $(VENV)/rest.lock
	$(REQUIRE) $(VENV)/cuda.lock & $(REQUIRE) $(VENV)/rest.lock; rest=$$?; wait $$! && exit $$rest
	$(PIP) --no-build-isolation --editable .
	-$(COMPILE)
	touch $(VENV)/.installed $@
endef

$(VENV)/.installed: requirements.lock pyproject.toml
	$(call INSTALL,requirements)

# requirements-dev.lock holds requirements.lock: one run of pip, and one of the compiler.
$(VENV)/.installed-dev: requirements-dev.lock requirements.lock pyproject.toml
	$(call INSTALL,requirements-dev)

install-lab: install
	$(REQUIRE) $(call LOCK,requirements-lab)

lock:
	$(PYTHON) scripts/lock.py $(UPGRADE)

hashes:
	$(PYTHON) scripts/lock.py --hashes

check-lock:
	$(PYTHON) scripts/lock.py --check

clean:
	rm -rf $(VENV) demo-output
