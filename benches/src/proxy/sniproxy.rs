//! The configuration of sniproxy, which has one worker, however many it is told.

use super::{Front, NAME};

pub(super) fn config(front: &Front<'_>) -> String {
    let Front {
        listen, backend, ..
    } = front;
    let directory = front.directory.display();
    // Its patterns are found anywhere in a name unless they are tied to both ends.
    let pattern = NAME.replace('.', r"\.");
    // As root it would become another user, and with that would outlive whoever started it.
    let user = match rustix::process::getuid().is_root() {
        true => "user root",
        false => "",
    };
    let log = match front.setting.access_log {
        true => format!("access_log {{\n    filename {directory}/access.log\n}}"),
        false => String::new(),
    };
    format!(
        r"{user}
pidfile {directory}/sniproxy.pid

error_log {{
    filename {directory}/error.log
    priority error
}}

{log}

listener {listen} {{
    proto tls
    table currency
}}

table currency {{
    ^{pattern}$ {backend}
}}
"
    )
}
