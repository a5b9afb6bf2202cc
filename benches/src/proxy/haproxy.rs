//! The configuration of HAProxy.

use super::{Front, NAME};

/// Connections at once. Under 20 000 open files it refuses to start with more: a connection has two
/// sockets, and every fourth may have a pipe.
const CONNECTIONS: usize = 7000;

/// Its log is stdout, which goes to a file.
pub(super) fn config(front: &Front<'_>) -> String {
    let Front {
        listen, backend, ..
    } = front;
    let workers = front.setting.workers;
    let (sink, log) = match front.setting.access_log {
        true => (
            "log stdout format raw local0 info",
            "log global\n    option tcplog",
        ),
        false => ("", "no log"),
    };
    format!(
        r"global
    nbthread {workers}
    maxconn {CONNECTIONS}
    {sink}

defaults
    mode tcp
    {log}
    option splice-auto
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    timeout tunnel 1h

frontend front
    bind {listen}
    maxconn {CONNECTIONS}
    tcp-request inspect-delay 5s
    tcp-request content accept if {{ req.ssl_hello_type 1 }}
    use_backend currency if {{ req.ssl_sni -i {NAME} }}

backend currency
    server endpoint {backend}
"
    )
}
