# make demo | make test | make check: each makes the virtual environment by itself; nothing else need be prepared.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DM_VENV := .venv-dm
DM_STAMP := $(DM_VENV)/.installed

.PHONY: demo test test-dm check bench faults clean
.DEFAULT_GOAL := demo

$(STAMP): pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "正在安装依赖（只在第一次，或 pyproject.toml 改动之后）……"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

$(DM_STAMP): pyproject.toml
	@test -x $(DM_VENV)/bin/python || $(PYTHON) -m venv $(DM_VENV)
	@echo "正在安装达梦一组的依赖（只在第一次，或 pyproject.toml 改动之后）……"
	@$(DM_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@$(DM_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,dm]'
	@touch $@

demo: $(STAMP)
	@$(BIN)/python -m demo

# a process for each core; a file stays in one, since its tests may share what they set up
test: $(STAMP)
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist loadfile

# DM's dialect beside SQLAlchemy 2.0, in an environment of its own (docs/adr/0029); the store too, which such a site runs on 2.0
test-dm: $(DM_STAMP)
	@$(DM_VENV)/bin/python -m pytest --numprocesses auto --maxprocesses 8 --dist loadfile tests/adapters tests/gateway/test_delivery.py tests/gateway/test_migrations.py

check: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m schemas.lint
	@$(BIN)/python -m schemas.docs --check
	@$(BIN)/python -m schemas.rulepage docs/rules.md --check

# the short form; BENCH_ROWS=1000000 for figures to quote (bench/RESULTS.md). The second needs MariaDB, and says so where there is none
bench: $(STAMP)
	@$(BIN)/python -m bench.validation
	@$(BIN)/python -m bench.delivery

# the long form of tests/faults: 200 power cuts while 20 000 rows flow on SQLite, as many on PostgreSQL, 40 on MariaDB; LIANGDING_SEED=… for another run
faults: $(STAMP)
	@LIANGDING_FAULTS=full $(BIN)/python -m pytest tests/faults

clean:
	rm -rf $(VENV) $(DM_VENV) demo-output build *.egg-info
