# make demo    the hub with simulated devices, the host's own figures and a recording; prints the page's address
# make test    all tests, with what they need installed; ROUNDS=20 tries what is left to chance twenty times as often
#              COVERAGE=1 fails where too few lines ran: half as long again, or more
# make quick   the tests that need no browser, no broker and no process
# make check   linters and types, Python and page
# make attack  a healthy device and viewer beside each attack at full size: how late they were, what was lost
# make screenshots  every view of the page, in light, dark and phone width, into docs/screenshots
# make bench   the figures of the README; bench-ingest, -history, -journal, -live, -newcomers, -page, -rest, -rules make a part of them

PYTHON ?= python3
export ROUNDS ?= 1
# Else each worker, and each process that a test starts, compiles everything anew: seconds each time.
unexport PYTHONDONTWRITEBYTECODE
BIN := .venv/bin
# Tests wait for as long as they work: two more at once than there are cores keep these busy.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 2)
PYTEST = pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
PAGE_TESTS = npm run --prefix web --silent test

TEST_NEEDS := setup web/node_modules .stamps/peers

.PHONY: setup page demo test quick check attack screenshots bench bench-ingest bench-history bench-journal bench-live bench-newcomers bench-page bench-rest bench-rules lock clean

setup: .stamps/setup page

.stamps/venv: requirements.lock
	@mkdir -p .stamps
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

.stamps/setup: .stamps/venv pyproject.toml build_page.py
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Keeps a stamp of its own: where nothing changed this takes a moment.
page: .stamps/venv
	@$(BIN)/python build_page.py

# Comes with the page where that was built here; a built page alone does not need it.
web/node_modules:
	npm ci --prefix web --silent --no-audit --no-fund

demo: setup
	$(BIN)/hub demo

.stamps/peers: tests/peers/package-lock.json
	@mkdir -p .stamps
	npm ci --prefix tests/peers --silent --no-audit --no-fund
	@touch $@

test: $(TEST_NEEDS)
	@tests/system_packages.sh
ifdef COVERAGE
	@$(BIN)/coverage erase
	$(BIN)/coverage run -m $(PYTEST) $(ARGS)
	@$(BIN)/coverage combine -q
	$(BIN)/coverage report
else
	$(BIN)/python -m $(PYTEST) $(ARGS)
endif
	$(PAGE_TESTS)

quick: WORKERS := 3
quick: setup web/node_modules
	ROUNDS=0.1 $(BIN)/python -m $(PYTEST) -q -m "not outside" $(ARGS)
	$(PAGE_TESTS)

check: setup web/node_modules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	npm run --prefix web --silent lint
	npm run --prefix web --silent typecheck

attack: setup
	$(BIN)/python -m tests.attacks $(ARGS)

screenshots: setup web/node_modules
	@tests/system_packages.sh
	$(BIN)/python -m tests.e2e.screenshots

BENCHMARKS := ingest history journal live newcomers page rest rules

bench: $(BENCHMARKS:%=bench-%)

$(BENCHMARKS:%=bench-%): bench-%: setup
	@tests/system_packages.sh
	$(BIN)/python -m benchmarks.$* $(ARGS)

bench-live: .stamps/nodered

# Node-RED is measured beside the hub where npm can bring it; without, it is left out and the figures say so.
.stamps/nodered: benchmarks/nodered/package-lock.json
	@mkdir -p .stamps
	-@npm ci --prefix benchmarks/nodered --silent --no-audit --no-fund --ignore-scripts && touch $@

# Pins every dependency, direct or not, by version and digest; needs uv (pip install uv).
lock:
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o requirements.lock

clean:
	rm -rf .venv .stamps hub/static web/node_modules tests/peers/node_modules benchmarks/nodered/node_modules dist .mypy_cache .ruff_cache .pytest_cache .coverage*
