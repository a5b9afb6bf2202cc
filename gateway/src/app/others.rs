//! A reload that would make another listener of one that is open.

use std::fmt;
use std::net::SocketAddr;

use l4_failover::life::{Door, Place};
use thiserror::Error;

use super::ReloadError;
use crate::config::{Config, Listener as Wanted};
use crate::front::{Face, Listener};

/// What a listener that keeps its sockets keeps as well.
#[derive(Debug, Error)]
enum Other {
    /// Its connections are logged and counted by it.
    #[error(
        "{address} is the address of the listener {before:?}, whose name would be {now:?}{}: give \
         name = {:?} in its [[listen]], or restart, since connections are logged and counted by it",
        unnamed(.now), section(.before)
    )]
    Name {
        address: SocketAddr,
        before: String,
        now: String,
    },
    /// Who may go where is decided by it.
    #[error(
        "{address} is where {before} connect, and would be where {now} do: use another port, or restart"
    )]
    Face {
        address: SocketAddr,
        before: Who,
        now: Who,
    },
}

/// All of them.
#[derive(Debug, Error)]
struct Others(Vec<Other>);

/// Refuses other names and faces of listeners that are open.
pub(super) fn refuse(
    config: &Config,
    places: &[Place],
    open: &[Door<Listener>],
) -> Result<(), ReloadError> {
    let listeners = config.listeners.iter().zip(places);
    let others = listeners.filter_map(|(wanted, place)| match place {
        Place::Kept(at) => other(&open[*at], wanted),
        Place::New(_) => None,
    });
    let others: Vec<_> = others.collect();
    match others.is_empty() {
        true => Ok(()),
        false => Err(ReloadError::unmade(Others(others))),
    }
}

fn other(open: &Door<Listener>, wanted: &Wanted) -> Option<Other> {
    let (before, address) = (&open.listener, open.address);
    if before.face != wanted.face {
        let (before, now) = (Who(before.face), Who(wanted.face));
        return Some(Other::Face {
            address,
            before,
            now,
        });
    }
    (before.name != wanted.name).then(|| Other::Name {
        address,
        before: before.name.to_string(),
        now: wanted.name.clone(),
    })
}

#[derive(Debug)]
struct Who(Face);

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Face::Clients => "clients (address)",
            Face::Peers => "gateways of other data centres (peer_address)",
        })
    }
}

/// What a section is named in which the file gives no name.
fn unnamed(name: &str) -> &'static str {
    let nth = section(name).strip_prefix("listen-");
    match nth.is_some_and(|nth| nth.bytes().all(|it| it.is_ascii_digit())) {
        true => ", as that of one of several [[listen]] is that has no name",
        false => "",
    }
}

/// The name of the section that gives a listener of this name.
fn section(name: &str) -> &str {
    name.strip_suffix("-peer").unwrap_or(name)
}

impl fmt::Display for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&all.join("; "))
    }
}
