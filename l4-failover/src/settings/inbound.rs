//! The other half of a port: TLS is ended here, and only callers on a list get through.

use super::listener::Listeners;
use crate::config::{
    Listen, Located, Shown, Table, checked, duration, list, located, parsed, path, report_unusable,
    text,
};
use crate::socket::tls::Identity;
use crate::target::{Host, Target};
use std::path::PathBuf;
use std::time::Duration;

const TARGET: &str = "\"host:port\"";
const CALLERS: &str = "names of callers";

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
    /// How callers are met.
    pub tls: InboundTls,
}

/// How callers are met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundTls {
    /// What is shown to callers.
    pub identity: Identity,
    /// A PEM file with the authorities whose certificates callers may show.
    pub ca: PathBuf,
    /// A PEM file with certificates that were revoked, if there is one.
    pub crl_file: Option<PathBuf>,
    /// Who may call, at least one: URIs and DNS names as certificates carry them, letter by letter.
    pub allow: Vec<String>,
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
        let tls = InboundTls::read(table);
        Some(Self {
            name: name?,
            listen: listen?,
            target: target?.value,
            tls: tls?,
        })
    }
}

impl InboundTls {
    fn read(table: &mut Table<'_>) -> Option<Self> {
        let cert = table.required("cert", path());
        let key = table.required("key", path());
        let ca = table.required("ca", path());
        let crl_file = table.optional("crl_file", path(), "no list of the revoked is looked at");
        let allow = table.required("allow", list(CALLERS, caller()).not_empty().distinct());
        let wait = duration(WAIT_MIN..=WAIT_MAX);
        let handshake_timeout = table.with_default("handshake_timeout", wait, HANDSHAKE_TIMEOUT);
        let tls = Self {
            identity: Identity {
                cert: cert?,
                key: key?,
            },
            ca: ca?,
            crl_file,
            allow: allow?,
            handshake_timeout,
        };
        report_unusable(table, tls.identity.load());
        Some(tls)
    }
}

/// A name that a certificate may carry for its holder.
fn caller() -> impl Shown<Value = String> {
    checked(text(), |name: &String| {
        (!is_uri(name) && !is_dns_name(name)).then(|| {
            format!(
                "{name:?} is neither a URI such as \"spiffe://example/orders\" nor a DNS name such \
                 as \"orders.dc1\""
            )
        })
    })
}

fn is_uri(name: &str) -> bool {
    let of_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    name.bytes().all(|byte| byte.is_ascii_graphic())
        && name.split_once(':').is_some_and(|(scheme, rest)| {
            scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && scheme.bytes().all(of_scheme)
                && !rest.is_empty()
        })
}

/// No wildcard: a caller is somebody.
fn is_dns_name(name: &str) -> bool {
    matches!(name.parse(), Ok(Host::Name(_)))
}
