//! What a server said to a hello.

use std::fmt::{self, Write};

use l4_failover::socket::tls::Alert;
use serde_json::json;

use super::known::Known;
use super::line::ends;
use super::names::{cipher_suite, group, number, protocol, version};
use super::record::object;
use super::times::{Times, rfc3339};
use crate::inspect::flow::{Answer, Said};
use crate::inspect::server_hello::ServerHello;
use crate::name::Escaped;

/// The level of an alert that ends a connection (RFC 8446 §6).
const FATAL: u8 = 2;

/// Puts the line of an answer: from the server to the client.
pub fn answer_line(known: &Known, answer: &Answer, times: &mut Times, text: &mut String) {
    times.put(answer.time, text);
    // A String takes everything.
    let _ = line(known, answer, text);
    text.push('\n');
}

fn line(known: &Known, answer: &Answer, text: &mut String) -> fmt::Result {
    ends(known.server, known.client, text)?;
    match &answer.said {
        Said::Alert(level, alert) => {
            let level = if *level == FATAL { "fatal" } else { "warning" };
            write!(text, " Alert {level} {}", alert_word(*alert))
        }
        Said::ServerHello(body) => match ServerHello::parse(body) {
            Ok(hello) => chosen(known, &hello, text),
            Err(why) => write!(text, " ServerHello malformed: {why}"),
        },
    }
}

fn chosen(known: &Known, hello: &ServerHello<'_>, text: &mut String) -> fmt::Result {
    let what = match hello.is_retry() {
        true => "HelloRetryRequest",
        false => "ServerHello",
    };
    let version = protocol(known.carrier, hello.version);
    let suite = cipher_suite(hello.cipher_suite);
    write!(text, " {what} {version} cipher={suite}")?;
    if let Some(number) = hello.group {
        write!(text, " group={}", group(number))?;
    }
    match hello.alpn {
        Some(alpn) => write!(text, " alpn={}", Escaped(alpn)),
        None => Ok(()),
    }
}

/// Puts an answer as one line of JSON. What does not apply is null.
pub fn answer_record(answer: &Answer, text: &mut String) {
    let (hello, alert) = match &answer.said {
        Said::ServerHello(body) => (Some(ServerHello::parse(body)), None),
        Said::Alert(_, alert) => (None, Some(alert_word(*alert))),
    };
    let malformed = hello.as_ref().and_then(|it| it.as_ref().err());
    let malformed = malformed.map(ToString::to_string);
    let hello = hello.and_then(Result::ok);
    let members = [
        ("event", json!("answer")),
        ("time", json!(rfc3339(answer.time))),
        ("flow", json!(answer.flow.0)),
        ("tls", json!(hello.map(|hello| version(hello.version)))),
        (
            "cipher_suite",
            json!(hello.map(|hello| number(hello.cipher_suite))),
        ),
        (
            "group",
            json!(hello.and_then(|hello| hello.group).map(number)),
        ),
        (
            "alpn",
            json!(
                hello
                    .and_then(|hello| hello.alpn)
                    .map(|it| Escaped(it).to_string())
            ),
        ),
        ("hrr", json!(hello.is_some_and(|hello| hello.is_retry()))),
        ("alert", json!(alert)),
        ("malformed", json!(malformed)),
    ];
    object(members.into_iter(), text);
}

fn alert_word(alert: u8) -> String {
    match Alert(alert).name() {
        Some(name) => name.to_owned(),
        None => alert.to_string(),
    }
}
