//! A question, the way that it should take, and what came of it.

use std::net::SocketAddr;
use std::sync::Arc;

use tests::client::{AskError, Asked, Client, Request};

use crate::world::{NOT_RUNNING, STOOD_IN_FOR, instance};
use tests::page::{size, time};

/// A fatal TLS alert (RFC 8446 §6, RFC 6066 §3), by its number and name.
pub(crate) type Alert = (u8, &'static str);
const INTERNAL_ERROR: Alert = (80, "internal_error");
const UNRECOGNIZED_NAME: Alert = (112, "unrecognized_name");

/// A question.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// The server name.
    pub(crate) name: String,
    /// The data centre whose gateway is asked.
    pub(crate) from: &'static str,
    /// The gateways on the way.
    pub(crate) hops: Vec<Hop>,
    expected: Expected,
    request: Arc<Request>,
}

/// What should come of it.
#[derive(Clone, Debug)]
enum Expected {
    /// An answer, by the service that calls itself this.
    Answer(String),
    /// A refusal.
    Alert(Alert),
}

/// A gateway on the way, and what it should count of the connection: the labels of a metric.
#[derive(Clone, Debug)]
pub(crate) struct Hop {
    pub(crate) gateway: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) route: String,
    pub(crate) phase: &'static str,
    pub(crate) cause: &'static str,
}

impl Ask {
    /// Asks for a service that runs.
    pub(crate) fn service(
        service: &'static str,
        datacenter: &'static str,
        from: &'static str,
        request: &Arc<Request>,
    ) -> Self {
        let last = Hop {
            gateway: datacenter,
            kind: "service",
            route: service.to_owned(),
            phase: "relay",
            cause: "done",
        };
        let answer = Expected::Answer(instance(service, datacenter));
        Self::new(format!("{service}.{datacenter}"), from, last, answer).with(request)
    }

    /// Asks for the service that does not run.
    pub(crate) fn not_running(datacenter: &'static str, from: &'static str) -> Self {
        let last = Hop {
            gateway: datacenter,
            kind: "service",
            route: NOT_RUNNING.to_owned(),
            phase: "connect",
            cause: "upstream",
        };
        let name = format!("{NOT_RUNNING}.{datacenter}");
        Self::new(name, from, last, Expected::Alert(INTERNAL_ERROR))
    }

    /// Asks for a name that the gateway of `refuser` does not know.
    pub(crate) fn unknown(name: &str, refuser: &'static str, from: &'static str) -> Self {
        let last = Hop {
            gateway: refuser,
            kind: "none",
            route: "none".to_owned(),
            phase: "route",
            cause: "policy",
        };
        let expected = Expected::Alert(UNRECOGNIZED_NAME);
        Self::new(name.to_owned(), from, last, expected)
    }

    fn new(name: String, from: &'static str, last: Hop, expected: Expected) -> Self {
        let (phase, cause) = match &expected {
            Expected::Answer(_) => ("relay", "done"),
            // The gateway behind it has refused, and there is no other.
            Expected::Alert(_) => ("connect", "upstream"),
        };
        let (kind, route) = match last.route == STOOD_IN_FOR {
            true => ("adoption", name.clone()),
            false => ("datacenter", last.gateway.to_owned()),
        };
        let remote = (from != last.gateway).then_some(Hop {
            gateway: from,
            kind,
            route,
            phase,
            cause,
        });
        Self {
            name,
            from,
            hops: remote.into_iter().chain([last]).collect(),
            expected,
            request: Arc::new(Request::new(0, 0, 0)),
        }
    }

    fn with(mut self, request: &Arc<Request>) -> Self {
        self.request = Arc::clone(request);
        self
    }

    /// Asks.
    pub(crate) async fn ask(self, client: &Client, gateway: SocketAddr) -> Row {
        let asked = client.ask(gateway, &self.name, &self.request).await;
        Row { ask: self, asked }
    }

    /// The way from the client on, in words.
    fn path(&self) -> String {
        let gateways = self.hops.iter().map(|hop| hop.gateway);
        let path = gateways.fold("client".to_owned(), |path, gateway| {
            format!("{path} → gateway {gateway}")
        });
        match (&self.expected, self.hops.last()) {
            (Expected::Answer(_), Some(last)) => format!("{path} → {}", last.route),
            _ => path,
        }
    }
}

/// A question with what came of it: a row of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) ask: Ask,
    pub(crate) asked: Asked,
}

impl Row {
    /// The columns of the table.
    pub(crate) const COLUMNS: [&str; 7] = [
        "asked",
        "from",
        "answered by",
        ">sent",
        ">received",
        ">time",
        "checks",
    ];

    /// What was found to be as it should, in words; or how it was not.
    pub(crate) fn verdict(&self) -> Result<String, String> {
        match (&self.ask.expected, &self.asked.result) {
            (Expected::Answer(by), Ok(answerer)) if by == answerer => {
                let digests = match self.digests() {
                    2 => "SHA-256 both ways",
                    _ => "SHA-256",
                };
                Ok(format!("certificate, service, {digests}"))
            }
            (Expected::Answer(by), Ok(other)) => Err(format!("{other} answered instead of {by}")),
            (Expected::Answer(_), Err(error)) => Err(error.to_string()),
            (Expected::Alert((number, name)), Err(AskError::Alert(alert))) if alert == number => {
                Ok(format!("refused: alert {number} {name}"))
            }
            (Expected::Alert((number, _)), Ok(by)) => {
                Err(format!("{by} answered, where alert {number} was due"))
            }
            (Expected::Alert((number, _)), Err(error)) => {
                Err(format!("{error}, where alert {number} was due"))
            }
        }
    }

    /// How many things a good verdict says.
    pub(crate) fn checks(&self) -> usize {
        match self.ask.expected {
            Expected::Answer(_) => 2 + self.digests(),
            Expected::Alert(_) => 1,
        }
    }

    /// How many payloads there were to compare; that of nothing proves nothing.
    fn digests(&self) -> usize {
        let payloads = [self.ask.request.upload(), self.ask.request.download()];
        payloads.iter().filter(|&&bytes| bytes > 0).count()
    }

    /// Which check failed, if one did.
    pub(crate) fn failure(&self) -> Option<String> {
        let (name, from) = (&self.ask.name, self.ask.from);
        let why = self.verdict().err()?;
        Some(format!("{name}, asked at gateway {from}: {why}"))
    }

    /// A line of the story.
    pub(crate) fn told(&self) -> String {
        let (name, path) = (&self.ask.name, self.ask.path());
        let took = time(self.asked.took);
        let (mark, end) = match (self.verdict(), &self.ask.expected) {
            (Ok(_), Expected::Answer(_)) => ("✓", String::new()),
            (Ok(refused), Expected::Alert(_)) => ("✓", refused),
            (Err(why), _) => ("✗", why),
        };
        format!("  {mark} {name:<15}  {path:<45} {took:>8}  {end}")
    }

    /// The cells of the table.
    pub(crate) fn cells(&self) -> Vec<String> {
        let verdict = match self.verdict() {
            Ok(good) => format!("✓ {good}"),
            Err(bad) => format!("✗ {bad}"),
        };
        let [mut sent, mut received] = [self.ask.request.upload(), self.ask.request.download()];
        if self.asked.result.is_err() {
            [sent, received] = [0, 0];
        }
        vec![
            self.ask.name.clone(),
            self.ask.from.to_owned(),
            self.asked.result.as_deref().unwrap_or("–").to_owned(),
            size(sent),
            size(received),
            time(self.asked.took),
            verdict,
        ]
    }
}
