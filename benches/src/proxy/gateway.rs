//! The configuration of mesh-gateway.

use std::fmt::Write;

use super::{Front, Others};

/// Its log is stderr, which goes to a file.
pub(super) fn config(front: &Front<'_>) -> String {
    let Front {
        listen, backend, ..
    } = front;
    let workers = front.setting.workers;
    let others = others(&front.setting.others);
    let relay = front.setting.relay.join("\n");
    let (level, connections) = match front.setting.access_log {
        true => ("info", "all"),
        false => ("error", "off"),
    };
    // Of two gateways the first is another data centre's, and leads to the one that has the service.
    let (here, service) = match front.leads_on {
        true => (
            "dc2",
            format!("[[datacenter]]\nname = \"dc1\"\ngateways = [\"{backend}\"]"),
        ),
        false => (
            "dc1",
            format!("[[service]]\nname = \"currency\"\nendpoints = [\"{backend}\"]"),
        ),
    };
    format!(
        r#"datacenter = "{here}"
workers = {workers}

[listen]
address = "{listen}"

[relay]
{relay}

[log]
level = "{level}"
connections = "{connections}"

{service}
check = "none"
{others}"#
    )
}

fn others(others: &Others) -> String {
    let mut text = String::new();
    for (nth, endpoint) in (0..others.count).zip(others.endpoints.iter().cycle()) {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "[[service]]\nname = \"other-{nth}\"\nendpoints = [\"{endpoint}\"]"
        );
    }
    text
}
