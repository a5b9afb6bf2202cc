//! A sighting in JSON: an event of `/tap`.

use std::time::SystemTime;

use l4_failover::admin::pools::rfc3339;
use serde::{Deserialize, Serialize};

use super::{Seen, Sighting};
use crate::log::{Version, millis, shown_name};

/// What `/tap` says of a connection. What does not apply is absent; the words are those of the
/// connection log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SightingJson {
    /// When: RFC 3339, UTC, to the millisecond.
    pub time: String,
    /// `open`: its endpoint has taken the hello; `close`: it has ended; `dropped`.
    pub event: String,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Where it was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listener: Option<String>,
    /// Where its client is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The socket's peer, where that is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// The id that travels with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// The server name as sent, escaped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sni: Option<String>,
    /// The greatest version of TLS that was offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<String>,
    /// The protocols that were offered, with commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpn: Option<String>,
    /// Whether the name is an outer one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ech: bool,
    /// Why it was led there: by an `exact` name, a `suffix`, or the `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Where it was led: the configured name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// What that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The endpoint as configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Its address and port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<String>,
    /// Whether that endpoint is outside of the active tier.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub spilled: bool,
    /// Attempts that failed before it answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_attempts: Option<usize>,
    /// How far it had come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// What ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// More, in one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// More, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Bytes read from the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_client: Option<u64>,
    /// Bytes read from the endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_upstream: Option<u64>,
    /// From the accepted connection to the complete hello.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hello_ms: Option<f64>,
    /// From there to the connected endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dial_ms: Option<f64>,
    /// How long it has been open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<f64>,
    /// How many events this reader was too slow for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped: Option<u64>,
}

impl SightingJson {
    /// What a watcher got.
    #[must_use]
    pub fn of(seen: &Seen) -> Self {
        match seen {
            Seen::Sighting(sighting) => Self::of_connection(sighting),
            Seen::Dropped(dropped) => Self {
                time: rfc3339(SystemTime::now()),
                event: "dropped".to_owned(),
                dropped: Some(*dropped),
                ..Self::default()
            },
        }
    }

    fn of_connection(it: &Sighting) -> Self {
        let mut json = Self {
            time: rfc3339(it.at),
            event: "open".to_owned(),
            id: it.id.map(|id| id.to_string()),
            listener: Some(it.listener.to_string()),
            client: Some(it.client.to_string()),
            peer: it.peer.map(|peer| peer.to_string()),
            trace: it.trace.as_deref().map(str::to_owned),
            sni: it.server_name.as_deref().map(shown_name),
            duration_ms: it.id.map(|_| millis(it.lasted)),
            ..Self::default()
        };
        json.tell_hello(it);
        json.tell_route(it);
        json.tell_end(it);
        json
    }

    fn tell_hello(&mut self, it: &Sighting) {
        if let Some(hello) = &it.hello {
            self.tls = Some(Version(hello.version).to_string());
            self.alpn = Some(hello.alpn.to_string()).filter(|alpn| !alpn.is_empty());
            self.ech = hello.ech;
            self.hello_ms = Some(millis(hello.after));
        }
    }

    fn tell_route(&mut self, it: &Sighting) {
        if let Some((rule, kind, route)) = &it.route {
            self.rule = Some(rule.as_str().to_owned());
            self.kind = Some(kind.as_str().to_owned());
            self.route = Some(route.to_string());
        }
        if let Some(endpoint) = &it.endpoint {
            self.endpoint = Some(endpoint.name.to_string());
            self.upstream = Some(endpoint.address.to_string());
            self.spilled = endpoint.is_spilled;
            self.failed_attempts = Some(endpoint.failed).filter(|failed| *failed > 0);
            self.dial_ms = Some(millis(endpoint.took));
        }
    }

    fn tell_end(&mut self, it: &Sighting) {
        if let Some(end) = &it.end {
            self.event = "close".to_owned();
            self.phase = Some(end.outcome.phase.as_str().to_owned());
            self.cause = Some(end.outcome.cause.as_str().to_owned());
            self.reason = Some(end.outcome.reason.to_owned());
            self.error = end.error.as_deref().map(str::to_owned);
            let [from_client, from_upstream] = end.bytes;
            (self.from_client, self.from_upstream) = (Some(from_client), Some(from_upstream));
        }
    }
}
