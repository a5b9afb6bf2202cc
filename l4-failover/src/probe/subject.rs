//! What is checked, and what makes two checks the same.

use std::sync::Arc;
use std::time::Duration;

use super::Probe;
use super::phase::Pace;
use crate::pool::Addresses;
use crate::socket::tls::{TlsClient, TlsOptions};
use crate::target::Target;

/// One thing to check, as one watcher wants it.
///
/// Two subjects are the same thing, and share one series of checks, if target, probe, TLS options,
/// port, timeout and what comes
/// first are equal. How often they are checked may differ, and so may the addresses and
/// the TLS client: those of the watcher who came last are used.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The endpoint.
    pub target: Target,
    /// What its name stands for; whoever owns the cell looks the name up.
    pub addresses: Arc<Addresses>,
    /// What is asked.
    pub probe: Probe,
    /// How to speak TLS to it. [`Probe::Tls`] needs it, [`Probe::Http`] and [`Probe::SoupBinTcp`]
    /// use it if it is there, [`Probe::Tcp`] does without.
    pub tls: Option<SubjectTls>,
    /// The port that is asked. `None`: the target's own.
    pub port: Option<u16>,
    /// Whether its own port expects a [PROXY header](crate::socket::proxy) first. A check there
    /// sends one that says `LOCAL`; another port is asked without.
    pub proxy: bool,
    /// From the start of one check to the start of the next; no less than 10 ms.
    pub interval: Duration,
    /// The same while in doubt; no more than `interval`.
    pub fast_interval: Duration,
    /// For one check in all: connecting, handshake and answer.
    pub timeout: Duration,
}

/// TLS of a check: the client that speaks it, and the options that it was made of.
#[derive(Clone, Debug)]
pub struct SubjectTls {
    /// Speaks it.
    pub client: TlsClient,
    /// Tells it from others.
    pub options: TlsOptions,
}

impl Subject {
    /// The port that is asked.
    pub(super) fn asked_port(&self) -> u16 {
        self.port.unwrap_or(self.target.port)
    }

    /// Whether the port that is asked expects a PROXY header first.
    pub(super) fn is_announced(&self) -> bool {
        self.proxy && self.asked_port() == self.target.port
    }

    pub(super) fn pace(&self) -> Pace {
        Pace {
            interval: self.interval,
            fast_interval: self.fast_interval,
            is_doubtful: false,
        }
    }
}

/// What makes two subjects the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    target: Target,
    port: u16,
    probe: Probe,
    tls: Option<TlsOptions>,
    timeout: Duration,
    is_announced: bool,
}

impl Key {
    pub(super) fn of(subject: &Subject) -> Self {
        let tls = subject.tls.as_ref().map(|tls| tls.options.clone());
        Self {
            target: subject.target.clone(),
            port: subject.asked_port(),
            probe: subject.probe.clone(),
            tls: tls.filter(|_| subject.probe != Probe::Tcp),
            timeout: subject.timeout,
            is_announced: subject.is_announced(),
        }
    }
    pub(super) fn target(&self) -> &Target {
        &self.target
    }
}
