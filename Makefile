# Every task a person needs. What a task does is in Rust (tests/src/bin) where it is more than a command or two.
CARGO ?= cargo
# Built first, with cargo's own words about it, so that nobody waits minutes before an empty terminal.
RUN = echo "bearward: building the harness" && $(CARGO) build --locked --workspace --bin $(1) && exec $(TARGET)/debug/$(1)
TARGET = $(or $(CARGO_TARGET_DIR),target)

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do printf '  make %-16s %s\n' "$$name" "$$text"; done

.PHONY: up
up: ## run everything on this machine with demo data, until Ctrl-C
	@sh tests/prerequisites.sh cargo python3 cc
	@$(call RUN,up)

.PHONY: filter
filter: ## the filter, ready for an Envoy of your own: bearward.wasm
	@sh tests/prerequisites.sh cargo cc
	rustup target add wasm32-wasip1
	$(CARGO) run --locked --quiet --package bearward-trim -- bearward.wasm

.PHONY: filter-docs
filter-docs: ## write docs/filter-config.md and docs/filter.schema.json anew
	BEARWARD_WRITE_DOCS=1 $(CARGO) test --locked --quiet --package bearward-filter --lib files_in_docs

.PHONY: test
test: tools fmt clippy deny check-compose ## prove everything: formatting, lints, licences, unit, conformance, end to end
	$(CARGO) test --locked --workspace --no-fail-fast

.PHONY: tools
tools:
	@sh tests/prerequisites.sh cargo python3 cc chromedriver initdb node npm docker-compose wasm-opt

.PHONY: fmt
fmt:
	$(CARGO) fmt --all --check

.PHONY: clippy
clippy:
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) clippy --locked --package bearward-token --package bearward-filter --lib --target wasm32-wasip1 -- -D warnings

.PHONY: deny
deny:
	sh .ci/deny.sh

.PHONY: check-compose
check-compose: ## whether docker-compose.yml is well-formed, for both profiles
	sh .ci/compose.sh

.PHONY: e2e
e2e: ## the end-to-end tests alone; ARGS=<part of a name> picks some
	$(CARGO) test --locked --package bearward-tests --test e2e -- $(ARGS)

.PHONY: fuzz
fuzz: ## look for inputs that break a promise, each target for SECONDS=60; TARGETS="jwt feed" picks some
	@sh tests/prerequisites.sh cargo c++
	sh fuzz/run.sh $(or $(SECONDS),60) $(TARGETS)

.PHONY: bench
bench: ## measure, and write docs/benchmarks.md; ARGS=revocation measures one part, ARGS=--help tells what else
	@sh tests/prerequisites.sh cargo python3 cc wrk initdb wasm-opt
	@$(call RUN,bench) $(ARGS)

.PHONY: fuzz-api
fuzz-api: ## the admin API against what Schemathesis makes up, for some minutes instead of half a minute
	@sh tests/prerequisites.sh cargo python3 cc
	BEARWARD_API_EXAMPLES=150 $(CARGO) test --locked --workspace --test api

.PHONY: screenshots
screenshots: ## pictures of the pages, into .bearward/screenshots
	@sh tests/prerequisites.sh cargo python3 cc chromedriver
	@$(call RUN,screenshots)

.PHONY: compose-secrets
compose-secrets: ## the secrets that docker-compose.yml mounts, made once
	@sh authserver/compose-secrets.sh
