# Two commands do everything: `make demo` serves a company of our own making, `make test` passes the tests.
.PHONY: demo test fuzz field-data clients bi-clients bench bench-access hostile schema postgres

CARGO ?= cargo

demo: postgres
	$(CARGO) run --locked --bin quarterdeck -- demo

test: postgres
	$(CARGO) test --locked --workspace

# 20,000 operations made by chance, as one tenant with the ids of another: no byte of the other may come back.
fuzz: postgres
	QUARTERDECK_FUZZ_OPERATIONS=20000 $(CARGO) test --locked -p tests --test ship -- isolation --nocapture

# The tests over files that are not in the project: QUARTERDECK_FIELD_DATA, or ../shared/data.
field-data: postgres
	$(CARGO) test --locked -p tests --features field-data --test ship -- field_data

# Other people's programs against the server (npm: graphql-http's 61 audits; tokens of the OpenID provider oidc-provider).
clients: postgres
	$(CARGO) build --locked --bin quarterdeck
	sh tests/clients/run.sh
	sh tests/clients/oidc/run.sh
# psql and DuckDB (from PyPI, into a folder that goes again) read what a BI login may read.
bi-clients: postgres
	$(CARGO) build --locked --bin quarterdeck
	tests/clients/bi/run.sh "$${CARGO_TARGET_DIR:-target}/debug/quarterdeck"

# Imports and a plain COPY of the same rows, side by side, in a release build.
bench: postgres
	$(CARGO) run --locked --release -p tests --bin import-bench

# Hostile requests against a release build: how fast each is refused, what memory it leaves taken.
hostile: postgres
	$(CARGO) build --locked --release --bin quarterdeck --bin hostile-bench
	target/release/hostile-bench target/release/quarterdeck

# What the walls cost: the same figures with and without row-level security, and with and without scope.
bench-access: postgres
	$(CARGO) run --locked --release -p tests --bin access-bench

# Writes the contract, and who may do what, anew after a change.
schema:
	$(CARGO) run --locked --bin quarterdeck -- schema print > schema/quarterdeck.graphql
	$(CARGO) run --locked --bin quarterdeck -- access print > schema/access.txt

# Installs PostgreSQL when this machine has none: without a question as root, else it says what to run.
postgres:
	@sh docker/install-postgres.sh
