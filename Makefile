# Holdfast. `make help` says what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help up build test test-servers bench crucible sim sim-mutants verify fix image e2e fuzz

HOLDFAST = $(or $(CARGO_TARGET_DIR),target)/release/holdfast
SEEDS ?= 5000
SECONDS ?= 60
ARGS ?=

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

up: ## run 1 primary + 3 replicas + 3 sentinels here and watch them (ARGS='--replicas 2 …')
	@scripts/install-redis
	@$(MAKE) --no-print-directory build
	@$(HOLDFAST) up $(ARGS)

build: ## build the release binary
	@command -v cargo >/dev/null || { echo "cargo is missing: install Rust from https://rustup.rs, then run this again" >&2; exit 1; }
	@cargo build --release --locked -p holdfast-cli

test: ## everything that must pass: tests, the simulator, real clients
	@SEEDS=$(SEEDS) scripts/test

test-servers: ## the tests that depend on the server, against other versions of Redis and Valkey (SERVERS="redis-8.6 …", MINUTES=N each)
	@scripts/test-servers

bench: build ## measure against stock redis-sentinel
	@$(HOLDFAST) bench $(ARGS)

crucible: build ## fault drills on real processes (ARGS='--drill crash --rounds 50'), or MINUTES=M of faults at random with a report
	@$(HOLDFAST) crucible $(if $(MINUTES),--minutes $(MINUTES) --report target/crucible/report.html) $(ARGS)

sim: ## simulate SEEDS=N runs
	@scripts/sim $(SEEDS) $(ARGS)

sim-mutants: ## plant each known bug and see the simulator find it
	@cargo build --release --locked -p holdfast-cli
	@$(HOLDFAST) sim --mutants $(ARGS)

fuzz: ## SECONDS=N of each fuzz target (ARGS='session gate'); crashes are kept in fuzz/artifacts
	@scripts/fuzz $(SECONDS) $(ARGS)

image: ## container images in target/images: Holdfast's own (ARGS='--profile release'), redis, valkey
	@scripts/install-redis
	@scripts/install-valkey || true
	@cargo run --quiet --release --locked -p holdfast-image -- holdfast --revision "$$(git rev-parse HEAD)" $(ARGS)
	@cargo run --quiet --release --locked -p holdfast-image -- server redis
	@if command -v valkey-server >/dev/null; then cargo run --quiet --release --locked -p holdfast-image -- server valkey; fi

e2e: ## every promise of the chart on a real cluster: $KUBECONFIG's, else ../shared/k8s (ARGS='install drain', --list)
	@scripts/install-redis
	@scripts/install-valkey
	@cargo run --quiet --release --locked -p holdfast-e2e -- $(ARGS)

verify: ## formatting, lints, documentation, dependencies, spelling; never writes to the tree
	@scripts/verify

fix: ## let the formatter and the linter mend what they can
	@cargo fmt --all
	@cargo clippy --quiet --workspace --all-targets --fix --allow-dirty --allow-staged
	@PATH="$$PATH:$$(scripts/tools)" typos --write-changes || true
