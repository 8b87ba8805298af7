# Conveniences; the README's commands need only cargo.

# Lists the recipes.
default:
    @just --list

# What CI checks, in its order.
check: fmt lint test test-postgres demo docs

# Formatting.
fmt:
    cargo fmt --all --check

# Lints, warnings denied.
lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings

# Every test; those on a real FreeSWITCH say `skipped` when there is none.
test:
    cargo test --workspace --locked

# The store and the stories on a PostgreSQL started for them (needs PostgreSQL's server programs).
test-postgres:
    .ci/with-postgres cargo test --workspace --locked --lib --test stories --test cli -- --ignored postgres

# The manual's story on the terminal.
demo *ARGS:
    cargo run --release --locked -- demo {{ARGS}}

# The stories alone, on the simulated FreeSWITCH.
stories *ARGS:
    cargo test --locked -p ustredna --test stories -- {{ARGS}}

# The end-to-end tests alone, on a real FreeSWITCH.
e2e *ARGS:
    cargo test --locked -p ustredna --test e2e -- {{ARGS}}

# Latencies and memory, on a real FreeSWITCH.
measure:
    USTREDNA_E2E_MEASURE=1 cargo test --locked -p ustredna --test e2e -- measure --nocapture

# Messages a second to a provider that takes 50 ms; and what outlives a hundred kills.
measure-sms:
    USTREDNA_SMS_MEASURE=1 cargo test --release --locked -p ustredna --test sms -- throughput --nocapture
    cargo test --locked -p ustredna --test sms -- killed --nocapture

# The documentation of every crate.
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --document-private-items

# Licences, advisories and duplicates in the dependencies (needs cargo-deny).
deny:
    cargo deny check

# Makes the prompts that are missing (needs festival, its voices and sox).
prompts:
    freeswitch-conf/sounds/make-prompts.py
