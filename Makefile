# Two commands on a fresh machine: `make run` (a ledger with demo data, served) and `make test`.
# Wanted: python3 >= 3.11 with its venv module (Debian: python3-venv) and make. Everything else comes from
# requirements/*.txt, whose hashes are checked; docs/decisions/0004-locks-and-two-commands.md says how.

PYTHON ?= python3
PORT := $(or $(PORT),8000)
BIN := .venv/bin
UV := $(BIN)/uv
UV_FLAGS := --quiet --python $(BIN)/python
# uv trusts what the machine trusts, as pip does: an authority of a company's own is not among those that it brings.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt),)
export UV_SYSTEM_CERTS := true
endif

# A stamp names what was installed: the locks' checksum and the folder (a venv cannot be moved).
LOCKS := requirements/bootstrap.txt requirements/run.txt requirements/dev.txt pyproject.toml package-lock.json
SUM := $(shell { cat $(LOCKS); pwd; } | cksum | tr -d ' ')
RUN_STAMP := .venv/.run-$(SUM)
DEV_STAMP := .venv/.dev-$(SUM)
# What the development set installed holds the run set too, so it is not installed a second time over it.
READY := $(firstword $(wildcard $(DEV_STAMP) $(RUN_STAMP)) $(RUN_STAMP))

.DEFAULT_GOAL := help
.PHONY: help run setup setup-dev test check lint types imports doctest coverage mutants audit-deps bench lock upgrade clean

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' Makefile | expand -t 18

run: setup ## a ledger with demo data in ./var, served on 127.0.0.1:$PORT (8000)
	$(BIN)/patina demo --dir var --if-absent --year
	$(BIN)/patina serve --dir var --host 127.0.0.1 --port $(PORT) --announce

setup: $(READY) ## .venv/bin/patina with what it needs to run
setup-dev: $(DEV_STAMP) ## the same, and what tests and checks need

$(RUN_STAMP):
	$(call install,run)
$(DEV_STAMP):
	$(call install,dev)

# 1. a venv, new if there is none here or it was made elsewhere; 2. uv by pip, by hash; 3. exactly the locked set
# by uv, by hash; 4. this checkout, with the locked build backend and nothing fetched for it; 5. the JavaScript packages
# of package-lock.json by npm, by hash, the machine's own npm or the development set's: without one, pages do without
# them, and say so; 6. the stamp.
define install
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo 'want $(PYTHON) >= 3.11 with its venv module (Debian: apt install python3-venv)' >&2; exit 1; }
	@[ "$$(cat .venv/.made-in 2>/dev/null)" = "$(CURDIR)" ] || \
	  { echo 'making .venv'; $(PYTHON) -m venv --clear .venv && echo "$(CURDIR)" > .venv/.made-in; }
	@rm -f .venv/.run-* .venv/.dev-*
	@echo 'installing the $(1) set into .venv'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	  --requirement requirements/bootstrap.txt
	@$(UV) pip sync $(UV_FLAGS) --require-hashes requirements/$(1).txt
	@$(UV) pip install $(UV_FLAGS) --no-deps --no-build-isolation --editable .
	@npm=$$(command -v npm || ls "$(CURDIR)/$(BIN)/npm" 2>/dev/null); \
	  { [ -n "$$npm" ] && PATH="$$PATH:$(CURDIR)/$(BIN)" "$$npm" ci --silent; } || \
	  echo 'no npm, or no packages by it: pages check themselves only in browsers that have Ed25519 (see docs/verify.md)'
	@touch .venv/.$(1)-$(SUM)
endef

# Tests start some four hundred processes; where a shell has Python keep no bytecode, each would compile all it imports.
test coverage: export PYTHONDONTWRITEBYTECODE :=
# A process that has nothing left takes over half of what another still has to do: a file's fixtures are made once or twice.
PYTEST := $(BIN)/python -m pytest -q -n 3 --dist worksteal

test: setup-dev ## every test and every example in a text, on SQLite and PostgreSQL
	$(PYTEST) $(ARGS)

check: lint types imports coverage ## lint, types, who imports whom, the locks, branch coverage (and so every test)

lint: setup-dev
	$(BIN)/ruff check .
types: setup-dev
	$(BIN)/mypy
imports: setup-dev
	$(BIN)/lint-imports
doctest: setup-dev
	$(BIN)/python -m pytest -q ledger verifier api docs
coverage: setup-dev ## 100 % of the branches of core and verifier
	$(PYTEST) --cov --cov-report=term-missing

mutants: setup-dev ## change the core and the verifier in thousands of places: does a test notice? (docs/testing.md)
	$(BIN)/python -m tests.mutants.run $(ARGS)

audit-deps: setup-dev ## known vulnerabilities of what is locked: asks a service, and says so if it cannot
	@.ci/audit-deps

bench: setup-dev ## the figures of docs/performance.md, on this machine
	$(BIN)/patina bench $(ARGS)

# `make lock` keeps the versions that still fit pyproject.toml; `make upgrade` takes the newest.
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --custom-compile-command 'make lock' $(UPGRADE)
lock: setup-dev
	$(COMPILE) --group pyproject.toml:audit -o requirements/audit.txt
	$(COMPILE) --group pyproject.toml:bootstrap -o requirements/bootstrap.txt
	$(COMPILE) pyproject.toml --extra server --group build -o requirements/run.txt
	$(COMPILE) pyproject.toml --extra server --group dev -c requirements/run.txt -o requirements/dev.txt
upgrade:
	$(MAKE) lock UPGRADE=--upgrade

clean: ## remove what make and the tools made; ./var, the ledger, stays
	rm -rf .venv node_modules build dist .coverage .coverage.* htmlcov .hypothesis .import_linter_cache .mypy_cache \
	  .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
