//! Configurations of the programs that tests start.

use std::net::SocketAddr;

/// A section that makes the log one JSON object a line.
pub const JSON_LOG: &str = "[log]\nformat = \"json\"\nrefusals_per_second = 10000\n";

/// What [`dc1`] says of the way out: nobody has to be told before.
pub const DRAIN: &str = "announce = \"0s\"";

/// A gateway of dc1 that serves `currency` at `endpoints`, which it does not check: tests count who
/// connects. It drains as [`DRAIN`] says. `keys` are those of the top level, `sections` whatever else there is.
pub fn dc1(keys: &str, endpoints: &[SocketAddr], sections: &str) -> String {
    let endpoints: Vec<String> = endpoints.iter().map(ToString::to_string).collect();
    format!(
        r#"datacenter = "dc1"
{keys}
[listen]
address = "127.0.0.1:0"
[admin]
address = "127.0.0.1:0"
[drain]
{DRAIN}
[[service]]
name = "currency"
endpoints = {endpoints:?}
check = "none"
{sections}
"#
    )
}

/// Checks that notice a refusal within half a second; an endpoint that answers may take almost that
/// long on a busy machine.
pub const FAST_CHECK: &str = r#"check = { interval = "400ms", fast_interval = "50ms", timeout = "390ms", rise = 1, fall = 2 }"#;

/// An l4-failover with one port, `feed`, in front of these: the first is the primary. `keys` are
/// more of the port's, `sections` whatever else there is. It logs JSON and drains at once.
pub fn feed(endpoints: &[SocketAddr], keys: &str, sections: &str) -> String {
    let endpoints: Vec<String> = endpoints.iter().map(ToString::to_string).collect();
    let (primary, backup) = (&endpoints[..1], &endpoints[1..]);
    format!(
        r#"[log]
format = "json"
[drain]
announce = "0s"
[admin]
address = "127.0.0.1:0"
[[port]]
name = "feed"
listen = "127.0.0.1:0"
primary = {primary:?}
backup = {backup:?}
{keys}
{sections}
"#
    )
}
