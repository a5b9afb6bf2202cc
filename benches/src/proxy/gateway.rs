//! The configuration of mesh-gateway.

use super::Front;

/// Its log is stderr, which goes to a file.
pub(super) fn config(front: &Front<'_>) -> String {
    let Front {
        listen, backend, ..
    } = front;
    let workers = front.setting.workers;
    let relay = front.setting.relay.join("\n");
    let (level, connections) = match front.setting.access_log {
        true => ("info", "all"),
        false => ("error", "off"),
    };
    format!(
        r#"datacenter = "dc1"
workers = {workers}

[listen]
address = "{listen}"

[relay]
{relay}

[log]
level = "{level}"
connections = "{connections}"

[[service]]
name = "currency"
endpoints = ["{backend}"]
check = "none"
"#
    )
}
