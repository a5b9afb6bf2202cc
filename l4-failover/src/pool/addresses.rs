//! What an endpoint's host stands for, shared by all who connect to it.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::time::{Instant, timeout_at};

use crate::target::{Host, Target};

/// The addresses of one target: looked up by one, read by all.
#[derive(Debug)]
pub struct Addresses {
    target: Arc<str>,
    is_literal: bool,
    known: RwLock<Known>,
}

/// Why a name has no address before its first look-up has ended.
const PENDING: &str = "it was not looked up yet";

/// What a name stands for: its addresses, or why it has none.
type Known = Result<Arc<[SocketAddr]>, Arc<str>>;

impl Addresses {
    /// The addresses of `target`. A name has none until it is looked up.
    #[must_use]
    pub fn new(target: &Target) -> Self {
        let known = match target.host {
            Host::Ip(ip) => Ok(Arc::from([SocketAddr::new(ip, target.port)])),
            Host::Name(_) => Err(PENDING.into()),
        };
        Self {
            target: target.to_string().into(),
            is_literal: known.is_ok(),
            known: RwLock::new(known),
        }
    }

    /// The target as configured.
    #[must_use]
    pub fn target(&self) -> &Arc<str> {
        &self.target
    }

    /// Whether the host is an address, which never needs to be looked up.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.is_literal
    }

    /// Whether no look-up has ended yet.
    pub(super) fn is_pending(&self) -> bool {
        self.get().is_err_and(|why| &*why == PENDING)
    }

    /// The addresses, each with the target's port; never an empty list.
    ///
    /// # Errors
    ///
    /// Why there are none: the name was never looked up successfully.
    pub fn get(&self) -> Result<Arc<[SocketAddr]>, Arc<str>> {
        self.known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The addresses, looked up here if nobody has yet, until `until` at most.
    pub(super) async fn known(&self, until: Instant) -> Known {
        if self.is_pending() {
            // Late or failed: what is known by then is the answer.
            let _ = timeout_at(until, self.resolve()).await;
        }
        self.get()
    }

    /// Looks the name up; a failure, or an empty answer, keeps the last good answer.
    ///
    /// # Errors
    ///
    /// What the resolver said.
    pub async fn resolve(&self) -> Result<(), Arc<str>> {
        if self.is_literal {
            return Ok(());
        }
        let found = Self::look_up(&self.target).await;
        let found = found.map_err(|error| Arc::from(error.to_string()));
        self.learn(found.clone());
        found.map(|_| ())
    }

    /// The addresses of `target`, asked of the system's resolver.
    pub(super) async fn look_up(target: &str) -> io::Result<Arc<[SocketAddr]>> {
        let found = tokio::net::lookup_host(target).await?;
        match Vec::from_iter(found).as_slice() {
            [] => Err(io::ErrorKind::NotFound.into()),
            some => Ok(Arc::from(some)),
        }
    }

    /// Takes notice of the answer of a look-up; a failure keeps the last good one.
    pub(super) fn learn(&self, found: Known) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if found.is_ok() || known.is_err() {
            *known = found;
        }
    }

    /// Takes `found` for the answer of a look-up.
    #[cfg(test)]
    pub(crate) fn set(&self, found: &[SocketAddr]) {
        self.learn(Ok(Arc::from(found)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(target: &str) -> Addresses {
        Addresses::new(&target.parse().unwrap())
    }

    #[test]
    fn an_address_needs_no_look_up() {
        let addresses = addresses("[::1]:7000");
        assert!(addresses.is_literal());
        assert_eq!(*addresses.get().unwrap(), ["[::1]:7000".parse().unwrap()]);
    }

    #[tokio::test]
    async fn a_failed_look_up_keeps_the_last_good_answer() {
        let addresses = addresses("name.invalid:1");
        assert!(addresses.get().is_err());
        let known = ["127.0.0.1:1".parse().unwrap()];
        addresses.set(&known);
        // RFC 6761: a resolver knows that "invalid" names do not exist.
        assert!(addresses.resolve().await.is_err());
        assert_eq!(*addresses.get().unwrap(), known);
    }

    #[tokio::test]
    async fn a_name_is_looked_up() {
        let addresses = addresses("localhost:7000");
        addresses.resolve().await.unwrap();
        let found = addresses.get().unwrap();
        assert!(found.iter().all(|at| at.ip().is_loopback()));
    }
}
