# The things one does here. `make` alone lists them.

CARGO ?= cargo
# Kill switches at the write steps are compiled in for tests only.
TEST_FEATURES := --features failpoints
# Many tests wait for the disk: twice as many at once as there are processors.
TEST_THREADS ?= $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))

.DEFAULT_GOAL := help
.PHONY: help soak soak-audit soak-audit-ci soak-compare test e2e e2e-service load bench house error-rates critical-values peers verdicts fmt lint doc ci

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

soak: ## Build the release binary, run a simulated soak of 24 iterations and gate it
	$(CARGO) build --release --locked
	target/release/soak run --mock --auto-tune --iterations 24
	target/release/soak gate artifacts/soak/latest

soak-audit: ## Audit the latest run: ready for release?
	$(CARGO) run --release --locked --quiet -- audit artifacts/soak/latest

soak-audit-ci: ## The same; fails on HOLD
	$(CARGO) run --release --locked --quiet -- audit artifacts/soak/latest --fail-on-hold

soak-compare: ## Compare two runs: make soak-compare A=artifacts/soak/history/… B=artifacts/soak/latest
	$(CARGO) run --release --locked --quiet -- compare "$(A)" "$(or $(B),artifacts/soak/latest)"

test: ## Run all tests that need no other program
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
		set -x; $(CARGO) nextest run --locked $(TEST_FEATURES) --test-threads $(TEST_THREADS); \
	else \
		set -x; RUST_TEST_THREADS=$(TEST_THREADS) $(CARGO) test --locked $(TEST_FEATURES); \
	fi

e2e: ## Run the tests against the real programs (Prometheus, Alertmanager, Pushgateway, VictoriaMetrics, Redis and its exporter, Chromium); says which it skips
	SOAK_E2E=1 $(CARGO) test --locked $(TEST_FEATURES) --test servers -- --nocapture --test-threads=1

e2e-service: ## Soak a service with real Redis and Prometheus, healthy and with eight faults (two minutes, wants a quiet machine)
	SOAK_E2E=1 $(CARGO) test --locked $(TEST_FEATURES) --test servers a_service_passes -- --ignored --nocapture

load: ## Send 1000 alert hooks a second for 30 s to the rollback server, beside 200 slow clients
	SOAK_LOAD_SECONDS=30 $(CARGO) test --release --locked $(TEST_FEATURES) --test suite rollback::load -- --nocapture

bench: ## Run the benchmarks
	$(CARGO) bench --locked

house: ## Print what the source tree measures: code, files, folders, error types, import cycles
	$(CARGO) test --locked --test architecture measures -- --nocapture

error-rates: ## Simulate how often the statistics are wrong; writes deploy/statistics (minutes)
	$(CARGO) bench --locked --profile profiling --bench error_rates -- table

critical-values: ## Simulate the critical values of the search for changes of level (minutes)
	$(CARGO) bench --locked --profile profiling --bench error_rates -- critical

peers: ## Show simulated series to other programs, too, where their Python packages are installed (apache-otava, ruptures, pymannkendall)
	$(CARGO) bench --locked --profile profiling --bench error_rates -- series > target/series.csv
	$${PYTHON:-python3} tests/peers/peers.py target/series.csv > deploy/statistics/peers.md

verdicts: ## Print the table of one verdict: folders of all kinds through every output that names one
	$(CARGO) test --locked $(TEST_FEATURES) --test suite verdicts -- --nocapture

fmt: ## Format the source
	$(CARGO) fmt

lint: ## Check format and lints
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets $(TEST_FEATURES) -- -D warnings

doc: ## Build the documentation, without warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps

ci: lint test doc e2e ## Everything that CI checks, with the programs that are installed
