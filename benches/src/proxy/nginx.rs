//! The configuration of nginx.

use super::{Front, NAME};

/// Sockets of a worker, for clients and endpoints: all of 6000 connections could come to one.
const SOCKETS: usize = 16_384;

pub(super) fn config(front: &Front<'_>) -> String {
    let Front {
        listen, backend, ..
    } = front;
    let directory = front.directory.display();
    let workers = front.setting.workers;
    let module = front.installed.module.as_ref();
    let module = module.map_or(String::new(), |it| format!("load_module {};", it.display()));
    // As root it would hand its workers to a user who may not write to the directory.
    let user = match rustix::process::getuid().is_root() {
        true => "user root;",
        false => "",
    };
    let (format, log) = match front.setting.access_log {
        true => (
            "log_format line '$time_iso8601 $remote_addr:$remote_port $ssl_preread_server_name \
             $upstream_addr $status $bytes_sent $bytes_received $session_time';",
            format!("access_log {directory}/access.log line;"),
        ),
        false => ("", "access_log off;".to_owned()),
    };
    format!(
        r"{module}
{user}
daemon off;
worker_processes {workers};
pid {directory}/nginx.pid;
error_log stderr error;

events {{
    worker_connections {SOCKETS};
}}

stream {{
    {format}
    {log}
    map $ssl_preread_server_name $service {{
        {NAME} currency;
        default none;
    }}
    upstream currency {{
        server {backend} max_fails=0;
    }}
    upstream none {{
        server 127.0.0.1:1 down;
    }}
    server {{
        listen {listen} reuseport backlog=4096;
        ssl_preread on;
        preread_timeout 5s;
        proxy_connect_timeout 5s;
        proxy_timeout 1h;
        proxy_pass $service;
    }}
}}
"
    )
}
