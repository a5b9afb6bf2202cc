//! Configurations of the programs that tests start.

use std::net::SocketAddr;
use std::path::Path;

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

/// The same as a feed with one login, `DESK01` with the password [`DESK`], for these consumers; the
/// passwords are in files of the directory `secrets`.
pub fn fan(
    endpoints: &[SocketAddr],
    keys: &str,
    secrets: &Path,
    consumers: &[(&str, &str)],
) -> String {
    let desk = secret(secrets, "desk", DESK);
    let consumer = |(name, password): &(&str, &str)| {
        let file = secret(secrets, name, password);
        format!("[[port.consumer]]\nusername = {name:?}\npassword_file = {file:?}\n")
    };
    let consumers: String = consumers.iter().map(consumer).collect();
    let keys = format!("protocol = \"soupbintcp\"\n{FAST_CHECK}\n{keys}");
    let mut text = feed(endpoints, &keys, &consumers);
    for endpoint in endpoints {
        let target = format!(
            "{{ address = \"{endpoint}\", username = \"DESK01\", password_file = {desk:?} }}"
        );
        text = text.replace(&format!("\"{endpoint}\""), &target);
    }
    text
}

/// The password of the one login.
pub const DESK: &str = "EXCHANGE";

/// Writes a password into a file: its path.
pub fn secret(secrets: &Path, name: &str, password: &str) -> String {
    let path = secrets.join(name);
    std::fs::write(&path, password).expect("the directory is there");
    path.display().to_string()
}
