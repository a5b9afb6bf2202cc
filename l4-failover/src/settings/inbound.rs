//! The other half of a port: TLS is ended here, and only callers on a list get through.

use super::listener::Listeners;
use crate::config::{
    Listen, Located, Table, duration, list, located, parsed, path, report_unusable,
};
use crate::socket::tls::{Identity, TlsServer, TlsServerOptions};
use crate::target::Target;
use std::time::Duration;

const TARGET: &str = "\"host:port\"";
const CALLERS: &str = "names of callers";
const CALLER: &str = "a DNS name or a URI";

/// No handshake over a WAN is faster than this; less would refuse everybody.
const WAIT_MIN: Duration = Duration::from_millis(10);
const WAIT_MAX: Duration = Duration::from_secs(5 * 60);
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// An address where callers show certificates, in front of an application that knows none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbound {
    /// What logs, metrics and the `ready` line call it; no other port or inbound has it.
    pub name: String,
    /// Where callers connect.
    pub listen: Listen,
    /// The local application, which gets the plain bytes.
    pub target: Target,
    /// What callers are shown, and who of them is let in: at least one.
    pub tls: TlsServerOptions,
    /// From the accepted connection to the finished handshake.
    pub handshake_timeout: Duration,
}

impl Inbound {
    /// Its target is given to `targets`, to be looked at once all listeners are known.
    pub(super) fn read(
        table: &mut Table<'_>,
        listeners: &mut Listeners,
        targets: &mut Vec<Located<Target>>,
    ) -> Option<Self> {
        let name = listeners.name(table);
        let listen = listeners.listen(table);
        let target = table.required("target", located(parsed::<Target>(TARGET)));
        targets.extend(target.clone());
        let tls = tls(table);
        let wait = duration(WAIT_MIN..=WAIT_MAX);
        let handshake_timeout = table.with_default("handshake_timeout", wait, HANDSHAKE_TIMEOUT);
        Some(Self {
            name: name?,
            listen: listen?,
            target: target?.value,
            tls: tls?,
            handshake_timeout,
        })
    }
}

fn tls(table: &mut Table<'_>) -> Option<TlsServerOptions> {
    let cert = table.required("cert", path());
    let key = table.required("key", path());
    let ca = table.required("ca", path());
    let crl_file = table.optional("crl_file", path(), "none is revoked");
    let allow = table.required(
        "allow",
        list(CALLERS, parsed(CALLER)).not_empty().distinct(),
    );
    let options = TlsServerOptions {
        identity: Identity {
            cert: cert?,
            key: key?,
        },
        ca: ca?,
        crl_file,
        allow: allow?,
    };
    report_unusable(table, TlsServer::load(&options));
    Some(options)
}
