//! The configuration of Envoy.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{Front, NAME};

/// More than any work opens; by default it would be 1024.
const CONNECTIONS: u32 = 100_000;

const TYPES: &str = "type.googleapis.com/envoy.extensions";

pub(super) fn config(front: &Front<'_>) -> String {
    let config = json!({
        "static_resources": {
            "listeners": [listener(front)],
            "clusters": [cluster(front.backend)],
        },
    });
    config.to_string()
}

fn listener(front: &Front<'_>) -> Value {
    let inspector = format!("{TYPES}.filters.listener.tls_inspector.v3.TlsInspector");
    json!({
        "address": address(front.listen),
        "listener_filters": [{
            "name": "tls_inspector",
            "typed_config": { "@type": inspector },
        }],
        "listener_filters_timeout": "5s",
        "filter_chains": [{
            "filter_chain_match": { "server_names": [NAME] },
            "filters": [{ "name": "tcp_proxy", "typed_config": relay(front) }],
        }],
    })
}

fn relay(front: &Front<'_>) -> Value {
    let log = json!({
        "name": "file",
        "typed_config": {
            "@type": format!("{TYPES}.access_loggers.file.v3.FileAccessLog"),
            "path": front.directory.join("access.log"),
        },
    });
    let logs: Vec<Value> = front
        .setting
        .access_log
        .then_some(log)
        .into_iter()
        .collect();
    json!({
        "@type": format!("{TYPES}.filters.network.tcp_proxy.v3.TcpProxy"),
        "stat_prefix": "currency",
        "cluster": "currency",
        "idle_timeout": "3600s",
        "access_log": logs,
    })
}

fn cluster(backend: SocketAddr) -> Value {
    let endpoint = json!({ "endpoint": { "address": address(backend) } });
    let limits = json!({
        "max_connections": CONNECTIONS,
        "max_pending_requests": CONNECTIONS,
        "max_requests": CONNECTIONS,
    });
    json!({
        "name": "currency",
        "type": "STATIC",
        "connect_timeout": "5s",
        "circuit_breakers": { "thresholds": [limits] },
        "load_assignment": {
            "cluster_name": "currency",
            "endpoints": [{ "lb_endpoints": [endpoint] }],
        },
    })
}

fn address(address: SocketAddr) -> Value {
    let (ip, port) = (address.ip().to_string(), address.port());
    json!({ "socket_address": { "address": ip, "port_value": port } })
}
