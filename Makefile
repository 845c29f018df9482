# Every target is safe to repeat and does nothing twice.

PYTHON ?= python3
BIN := .venv/bin
UI := $(shell find ui/src ui/public ui/index.html ui/package.json ui/tsconfig.json ui/vite.config.ts -type f)
# Tests wait for daemons half of the time: three at once keep a processor busy. Who has nothing left takes over tests
# from the end of another's, so that what a module's tests share is made once, seldom twice. Sixteen fill 4 GiB.
WORKERS := $(shell test $$(nproc) -gt 5 && echo 16 || expr 3 \* $$(nproc))
TESTS := $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

# Where this is set, every command the tests and the quick start run would compile conduit anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help quickstart dev go stop test check soak ui-build ui-check docs bench bench-peers venv lock clean-sandbox

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

quickstart: venv ## start the sandbox, plan and apply desired/, and prove it on screen
	@scripts/as_root.sh $(BIN)/python scripts/quickstart.py

dev: venv ## serve the sandbox with its API, in the foreground with its log
	@scripts/serve.sh dev

go: venv ## the same in the background
	@scripts/serve.sh go

stop: ## end the one in the background
	@scripts/serve.sh stop

test: ## install what is missing and run the whole suite
	@scripts/bootstrap.sh test
	@$(MAKE) -s --no-print-directory .venv/installed
	$(TESTS) -m "not soak"

check: venv ## lint, format, types, architecture and unit tests: the quick look before a commit
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py tests/unit

soak: ## the long runs: every kill, every fault, the dashboard in a browser
	@scripts/bootstrap.sh soak
	@$(MAKE) -s --no-print-directory .venv/browser ui-build
	$(TESTS) -m soak --timeout 3600

ui-build: ## build the dashboard, which `conduit serve` then serves
	@$(MAKE) -s --no-print-directory ui/dist/index.html

ui-check: ui/src/api/schema.d.ts ## check the types of the dashboard
	@scripts/ui.sh check

ui/dist/index.html: ui/src/api/schema.d.ts $(UI)
	@scripts/ui.sh check
	@scripts/ui.sh build

ui/src/api/schema.d.ts: ui/openapi.json ui/node_modules/installed ui/scripts/types.mjs docs/plan.schema.json
	@scripts/ui.sh types

ui/openapi.json: .venv/installed $(shell find conduit/api -name '*.py')
	@$(BIN)/python -m conduit api schema > $@.new
	@mv $@.new $@

ui/node_modules/installed: .venv-node/installed ui/package-lock.json
	@scripts/ui.sh packages
	@touch $@

.venv-node/installed: ui/requirements.txt
	@PYTHON="$(PYTHON)" scripts/ui.sh node
	@touch $@

docs: venv ## write the generated pages of docs/ again
	$(BIN)/python scripts/generate_docs.py

bench: venv bench-peers ## measure conduit and its peers, and write docs/performance.md
	@scripts/bootstrap.sh test
	$(BIN)/python benchmarks/run.py --site proxy-dns --write-docs
	$(BIN)/python benchmarks/run.py --site full --write-docs
	$(BIN)/python benchmarks/updates.py --write-docs
	$(BIN)/python benchmarks/saved.py --write-docs
	$(BIN)/python benchmarks/api.py --write-docs

bench-peers: .venv-peers/installed ## install pyinfra and Ansible to compare with

.venv-peers/installed: benchmarks/peers/requirements.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/pip install --quiet --disable-pip-version-check -r benchmarks/peers/requirements.txt
	@touch $@

venv: ## make .venv with conduit and everything it needs
	@scripts/bootstrap.sh
	@$(MAKE) -s --no-print-directory .venv/installed

.venv/installed: requirements.lock pyproject.toml
	@scripts/venv.sh "$(PYTHON)"
	@touch $@

.venv/browser: .venv/installed tests/ui/requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/ui/requirements.txt
	@touch $@

lock: ## resolve pyproject.toml into requirements.lock again (needs uv)
	uv pip compile --universal --all-extras --generate-hashes --no-emit-index-url --quiet \
		--custom-compile-command "make lock" pyproject.toml -o requirements.lock

clean-sandbox: ## stop the sandbox's daemons and take everything away
	@test ! -d .sandbox || { $(MAKE) -s --no-print-directory venv && \
		scripts/as_root.sh $(BIN)/python -c 'from pathlib import Path; from conduit.sandbox.site import of_checkout; of_checkout(Path.cwd()).remove()'; }
