# make test: everything that CI checks. make demo: from a bare Linux machine to a running cluster and its first job.

BIN := .venv/bin
SCRIPTS = $(shell grep -rlIE '^\#!/.*\b(ba|da)?sh\b' .ci images examples findings)
.SILENT:
.NOTPARALLEL:
.PHONY: venv lint unit e2e reference test test-full test-section demo bench kind clean

venv: .venv/ready

.venv/ready: pyproject.toml .ci/venv
	.ci/venv

lint: .venv/ready
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --check --quiet
	$(BIN)/mypy --no-error-summary
	$(BIN)/lint-imports >.venv/lint-imports.log || { cat .venv/lint-imports.log; \
	  ! grep -q 'not listed as layers' .venv/lint-imports.log || echo 'hint: name the module in that contract of pyproject.toml'; false; }
	$(BIN)/shellcheck $(SCRIPTS)
	$(BIN)/hadolint images/*/Dockerfile

unit: .venv/ready
	.ci/packages
	$(BIN)/pytest -q -n auto --maxprocesses 4 --dist worksteal tests/unit tests/stacks

# As root: makes test hosts of namespaces, beside whatever cluster runs on this machine, and removes them.
e2e: .venv/ready
	.ci/packages
	$(BIN)/python -m tests.e2e.support.prepare
	# Two workers: tests of a node or a plugin wait for a single process half of their time.
	$(BIN)/pytest -q -x -n 2 --dist loadgroup --no-loadscope-reorder -m "not full" --durations=12 tests/e2e

reference: .venv/ready
	$(BIN)/python -m bdc.config.reference --check
	$(BIN)/python -m bdc.cli.reference --check

test: lint reference unit e2e

# Also what takes too long for each change: interruptions, faults, other substrates, the demonstration and the figures.
test-full: test
	.ci/section all
	$(MAKE) kind demo bench

# One section of it: make test-section NAME. Without a name: which there are.
test-section: .venv/ready
	.ci/section $(word 2,$(MAKECMDGOALS))
ifeq ($(firstword $(MAKECMDGOALS)),test-section)
$(wordlist 2,2,$(MAKECMDGOALS)): ; @:
endif

# Where a Docker engine answers; says so where none does.
kind: .venv/ready
	.ci/kind $(BIN)

demo: .venv/ready
	$(BIN)/bdc up
	PATH="$(CURDIR)/$(BIN):$$PATH" examples/flights/run.sh
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python examples/flights/check.py

bench: .venv/ready
	$(BIN)/pytest -q -s tests/bench

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist build
	find . -name __pycache__ -prune -exec rm -rf {} +
