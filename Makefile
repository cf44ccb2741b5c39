# Needs Python 3.11 or newer and make, nothing else. `make help` lists the targets.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: run test check fmt bench openapi setup lock help

PY := .venv/bin/python
VENV := .venv/pyvenv.cfg
TEST_PROCESSES ?= 2
# The stamps carry the path: a moved or copied checkout installs itself anew.
HERE := $(shell pwd -P | cksum | cut -d' ' -f1)
RUNTIME := .venv/.runtime-$(HERE)
DEV := .venv/.dev-$(HERE)
$(shell test -x $(PY) || rm -f $(VENV)) # the Python it was made with may have gone

# `$uv` is the uv on the PATH, or one of our own in .venv. Neither knows of a package index but what the environment says.
FIND_UV = uv=uv; uv --version >/dev/null 2>&1 || uv=.venv/bin/uv; \
	"$$uv" --version >/dev/null 2>&1 || { echo 'Fetching uv, which installs the rest'; $(PY) -m ensurepip >/dev/null; $(PY) -m pip install -q --disable-pip-version-check 'uv>=0.9'; } || exit 1

run: $(RUNTIME) ## Start everything: database, demo world, API and pages, worker
	@$(PY) -m appoint run

test: $(DEV) ## Run the tests; ARGS='tests/test_x.py -k word' chooses some
	@$(PY) -m pytest -n $(TEST_PROCESSES) $(ARGS)

check: $(DEV) ## Lint, format, types, import contracts, and that migrations give the checked-in schema
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m pyright src
	$(PY) -c 'from importlinter.cli import lint_imports_command as main; main()'
	$(PY) -m appoint schema --check

fmt: $(DEV) ## Format the code and mend what the linter can
	$(PY) -m ruff check --fix-only --quiet
	$(PY) -m ruff format

bench: $(DEV) ## Measure, and write docs/benchmarks.md
	@$(PY) -m benchmarks $(ARGS)

openapi: $(RUNTIME) ## Write docs/openapi.json
	@$(PY) -m appoint openapi >docs/.openapi.json && mv docs/.openapi.json docs/openapi.json

setup: $(DEV) ## Install everything into .venv, the developers' tools too

lock: $(VENV) ## Choose the newest versions anew and pin them, with their hashes, in the two requirements files
	@$(FIND_UV); set -- --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --upgrade --quiet; \
	"$$uv" pip compile "$$@" pyproject.toml --group build -o requirements.txt && \
	"$$uv" pip compile "$$@" pyproject.toml --group build --group dev -c requirements.txt -o requirements-dev.txt

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1 \t\2/p' Makefile | expand -t 16

$(VENV):
	@for python in "$(PYTHON)" python3 python3.13 python3.14 python3.12 python3.11; do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break || python=; \
	done; \
	test -n "$$python" || { echo 'Appoint needs Python 3.11 or newer; none was found. Name one with make PYTHON=/path/to/python.' >&2; exit 1; }; \
	echo "Creating .venv with $$("$$python" --version)"; \
	uv --version >/dev/null 2>&1 && pip=--without-pip || pip=; \
	"$$python" -m venv --clear $$pip .venv || { rm -rf .venv; exit 1; }

$(RUNTIME): $(VENV) requirements.txt pyproject.toml
	@$(FIND_UV); echo 'Installing what Appoint runs on'; \
	"$$uv" pip install --quiet --python $(PY) --require-hashes -r requirements.txt && \
	"$$uv" pip install --quiet --python $(PY) --no-deps --no-build-isolation -e . && touch $@

$(DEV): $(VENV) requirements-dev.txt pyproject.toml
	@$(FIND_UV); echo 'Installing what Appoint runs on and is developed with'; \
	"$$uv" pip sync --quiet --python $(PY) --require-hashes requirements-dev.txt && \
	"$$uv" pip install --quiet --python $(PY) --no-deps --no-build-isolation -e . && touch $(RUNTIME) $@
