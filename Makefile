# Vizit. `make demo` needs python3 (3.11 or newer) and make, and nothing else; every other target sets up what it needs.

PYTHON ?= python3
VENV := .venv
PEERS := .venv-bench
SBOM := .venv-sbom
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check install --quiet --no-deps
LOCK := $(VENV)/lock
UV := uv>=0.13,<0.14

.PHONY: help demo test check bench bench-quick bench-faults sbom lock catalogs clean

help:
	@echo "make demo          the playground on http://127.0.0.1:8080, with no credentials"
	@echo "make test          the whole test suite; ARGS=... goes to pytest"
	@echo "make check         lint, types, catalogs, architecture, locks"
	@echo "make bench         the benchmarks; also bench-quick, bench-faults"
	@echo "make sbom          the parts list of what runs (CycloneDX), in sbom.json"
	@echo "make lock          remake the locks from pyproject.toml; UPGRADE=1 takes newer versions"
	@echo "make clean         remove everything that make made"

demo: $(VENV)/runtime.stamp catalogs
	@$(PY) -m bot demo

test: $(VENV)/test.stamp catalogs
	@$(PY) -m pytest -n auto --dist loadfile $(ARGS)

check: $(VENV)/test.stamp catalogs
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(if $(wildcard tools/check_catalogs.py),$(PY) -m tools.check_catalogs)
	$(PY) -m tools.check_lock
	$(PY) -m tools.check_tracked
	$(PY) -m tools.audit
	$(PY) -m pytest -q tests/test_architecture.py

bench: $(VENV)/test.stamp $(PEERS)/bench.stamp catalogs
	@$(PY) -m bench

bench-quick: $(VENV)/test.stamp $(PEERS)/bench.stamp catalogs
	@$(PY) -m bench quick

bench-faults: $(VENV)/test.stamp catalogs
	@$(PY) -m bench faults

# What the benchmarks compare with: an environment of its own, so that the tests' one stays as it is.
$(PEERS)/bench.stamp: requirements-bench.lock
	@sh tools/make_venv.sh "$(PYTHON)" $(PEERS)
	@echo "Installing what the benchmarks compare with into $(PEERS)"
	@$(PEERS)/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes -r requirements-bench.lock
	@touch $@

# The parts list of what runs, in CycloneDX, from the lock alone; its tool has an environment of its own.
sbom: requirements.lock $(SBOM)/sbom.stamp
	@$(SBOM)/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-format JSON --output-file sbom.json requirements.lock
	@echo "sbom.json: what runs, with versions and hashes"

$(SBOM)/sbom.stamp: requirements-sbom.lock
	@sh tools/make_venv.sh "$(PYTHON)" $(SBOM)
	@$(SBOM)/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes -r requirements-sbom.lock
	@touch $@

# Compiles only what is older than its source.
catalogs: $(VENV)/runtime.stamp
	@$(PY) -m tools.compile_catalogs

$(PY):
	@sh tools/make_venv.sh "$(PYTHON)" $(VENV)

# The second install puts this folder itself, and the command `vizit`, into the environment.
$(VENV)/runtime.stamp: requirements.lock pyproject.toml | $(PY)
	@echo "Installing what Vizit needs into $(VENV)"
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-build-isolation --editable .
	@touch $@

$(VENV)/test.stamp: requirements-test.lock $(VENV)/runtime.stamp
	@echo "Installing what the tests need into $(VENV)"
	@$(PIP) --require-hashes -r requirements-test.lock
	@touch $@

# Hashes for all platforms, no addresses. The runtime lock constrains the test lock, so that both name the same versions.
COMPILE = $(LOCK)/bin/uv pip compile pyproject.toml --quiet --no-config --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-annotate --no-header $(if $(UPGRADE),--upgrade) --group build

lock: | $(PY)
	@$(PY) -m venv $(LOCK)
	@$(LOCK)/bin/python -m pip --disable-pip-version-check install --quiet "$(UV)"
	$(COMPILE) --output-file requirements.lock
	$(COMPILE) --group test --constraint requirements.lock --output-file requirements-test.lock
	$(COMPILE) --group bench --constraint requirements.lock --output-file requirements-bench.lock
	$(subst pyproject.toml,--group sbom,$(subst --group build,,$(COMPILE))) --constraint requirements-test.lock \
		--output-file requirements-sbom.lock

clean:
	rm -rf $(VENV) $(PEERS) $(SBOM) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis locales/*/LC_MESSAGES/*.mo
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
