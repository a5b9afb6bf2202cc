# Daily work. `just` lists what there is.

_default:
    @just --list

# Formatting, lints, documentation.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps

# The tests, as CI runs them but for absent peers.
test:
    cargo test --workspace

# Everything that CI runs.
ci:
    bash .ci/run

# The same tests with larger numbers: 2 GiB per relay path, two million mutated hellos, 500 kills
# and 100 stops of a primary, 10 000 reloads before 1000 sessions, 100 restarts, 100 outages of each
# kind and 100 kills of a gateway; 500 kills and 100 stops of a feed, and 300 faults of two at once.
soak:
    RELAY_BYTES=2147483648 cargo test --release -p l4-failover --test relay -- bulk
    HELLO_MUTATIONS=2000000 cargo test --release -p gateway --test hello
    KILLS=500 STOPS=100 cargo test --release -p tests --test faults -- --nocapture --test-threads=1
    RELOADS=10000 HELD=1000 cargo test --release -p tests --test reloads -- --nocapture
    SLOW_HELLOS=9000 cargo test --release -p tests --test slow_hellos -- --nocapture
    RESTARTS=100 cargo test --release -p tests --test supervised -- --nocapture
    OUTAGES=100 GATEWAY_KILLS=100 cargo test --release -p tests --test outages -- --nocapture --test-threads=1
    FEED_KILLS=500 FEED_STOPS=100 FEED_CHAOS=300 FEED_CATCH_UPS=40 FEED_CONSUMERS=200 cargo test --release -p tests --test feed -- --nocapture --test-threads=1
    PROPTEST_CASES=20000 cargo test --release -p l4-failover --test choice -- laws picks

# Fuzzes a target for some seconds; needs cargo-fuzz and a nightly toolchain.
fuzz target='hello' seconds='300':
    mkdir -p fuzz/corpus/{{target}}
    cargo +nightly fuzz run {{target}} fuzz/corpus/{{target}} {{ if path_exists("gateway/testdata/" + target) == "true" { "gateway/testdata/" + target } else { "" } }} -- -max_len=20000 -max_total_time={{seconds}}

# What the gateway costs: memory, CPU, latency.
bench *options:
    cargo run --release -p benches -- gateway {{options}}

# The gateway beside HAProxy, nginx, Envoy and sniproxy; table, plots and values in target/compare.
bench-compare *options:
    cargo run --release -p benches -- compare {{options}}

# Installs the programs of that comparison, by apt and pip.
peers:
    benches/peers

# Instructions of single steps, beside those of the commit that benches/baseline.toml names.
gate *options:
    cargo run --release -p benches -- gate {{options}}

# How a feed survives its primary, and what its bridge costs; table, plot and values in target/feed.
bench-feed *options:
    cargo run --release -p benches -- feed {{options}}
