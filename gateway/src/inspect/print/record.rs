//! A hello as an object of JSON, and the names and order of what it holds.
//!
//! docs/interfaces.md says what each of them means, and a test compares.

use serde_json::{Value, json};

use super::names::{number, version};
use super::times::rfc3339;
use super::told::Told;
use crate::inspect::flow::Carrier;
use crate::name::Escaped;

/// Something that is told of a hello.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name, in objects and for `--fields`.
    pub name: &'static str,
    pub(super) value: fn(&Told<'_>) -> Value,
}

/// All that is told of a hello, in this order. What does not apply is null.
pub const FIELDS: [Field; 23] = [
    field("event", |_| json!("hello")),
    field("time", |told| json!(rfc3339(told.sighting.time))),
    field("flow", |told| json!(told.sighting.flow.0)),
    field("source", |told| json!(told.sighting.source.ip())),
    field("source_port", |told| json!(told.sighting.source.port())),
    field("destination", |told| json!(told.sighting.destination.ip())),
    field("destination_port", |told| {
        json!(told.sighting.destination.port())
    }),
    field("carrier", |told| json!(carrier(told.sighting.carrier))),
    field("tls", |told| json!(told.version().map(version))),
    field("sni", |told| {
        json!(told.sent_name().map(|name| Escaped(name).to_string()))
    }),
    field("alpn", |told| {
        let hello = told.hello.as_ref();
        let alpn = |name| Escaped(name).to_string();
        json!(hello.map(|hello| hello.alpn().map(alpn).collect::<Vec<_>>()))
    }),
    field("ja4", |told| json!(told.ja4().map(|ja4| ja4.to_string()))),
    field("ja3", |told| json!(told.ja3().map(|ja3| ja3.to_string()))),
    field("packets", |told| json!(told.sighting.packets)),
    field("ech", |told| {
        json!(told.hello.as_ref().map(|hello| hello.ech))
    }),
    field("hrr", |told| json!(told.sighting.is_second)),
    field("overlap", |told| json!(told.sighting.has_overlap)),
    field("cut", |told| json!(told.is_cut())),
    field("malformed", |told| json!(told.malformed)),
    field("versions", |told| {
        let hello = told.hello.as_ref();
        json!(hello.map(|hello| hello.versions().map(version).collect::<Vec<_>>()))
    }),
    field("cipher_suites", |told| {
        let hello = told.hello.as_ref();
        json!(hello.map(|hello| hello.cipher_suites().map(number).collect::<Vec<_>>()))
    }),
    field("groups", |told| {
        let hello = told.hello.as_ref();
        json!(hello.map(|hello| hello.groups().map(number).collect::<Vec<_>>()))
    }),
    field("ja3_text", |told| {
        json!(told.ja3().map(|ja3| ja3.text().to_owned()))
    }),
];

const fn field(name: &'static str, value: fn(&Told<'_>) -> Value) -> Field {
    Field { name, value }
}

/// Puts a hello as one line of JSON.
pub fn hello_record(told: &Told<'_>, text: &mut String) {
    let members = FIELDS.iter().map(|field| (field.name, (field.value)(told)));
    object(members, text);
}

/// In the order that they have here: a map of serde_json has that of the alphabet.
pub(super) fn object<'a>(members: impl Iterator<Item = (&'a str, Value)>, text: &mut String) {
    let mut separator = '{';
    for (name, value) in members {
        text.push(separator);
        text.push_str(&format!("\"{name}\":{value}"));
        separator = ',';
    }
    text.push_str("}\n");
}

fn carrier(carrier: Carrier) -> &'static str {
    match carrier {
        Carrier::Tcp => "tcp",
        Carrier::QuicV1 => "quic_v1",
        Carrier::QuicV2 => "quic_v2",
        Carrier::QuicDraft29 => "quic_draft29",
        Carrier::Dtls => "dtls",
    }
}
