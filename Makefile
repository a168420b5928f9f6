# Every task a person needs. What each does is in Rust (tests/src/bin), so that it works the same everywhere.
.PHONY: up test bench screenshots check fmt clippy deny unit e2e check-compose ci-tools

CARGO ?= cargo

up: ## gateway, authserver and an upstream on this machine, until Ctrl-C
	@sh tests/prerequisites.sh cargo python3 cc
	@exec $(CARGO) run --locked --quiet --package bearward-tests --bin up
