//! Configurations of the gateways that tests start.

use std::net::SocketAddr;

/// A section that makes the log one JSON object a line.
pub const JSON_LOG: &str = "[log]\nformat = \"json\"\nrefusals_per_second = 10000\n";

/// A gateway of dc1 that serves `currency` at `endpoints`; `keys` are those of the top level,
/// `sections` whatever else there is.
pub fn dc1(keys: &str, endpoints: &[SocketAddr], sections: &str) -> String {
    let endpoints: Vec<String> = endpoints.iter().map(ToString::to_string).collect();
    format!(
        r#"datacenter = "dc1"
{keys}
[listen]
address = "127.0.0.1:0"
[admin]
address = "127.0.0.1:0"
[[service]]
name = "currency"
endpoints = {endpoints:?}
{sections}
"#
    )
}
