//! One endpoint: its name, its addresses, and how the last attempts at it went.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

use crate::socket::connect::ConnectError;
use crate::target::{Host, Target};

/// A place that connections can go to: `host:port`, where the host is an address or a name.
#[derive(Debug)]
pub struct Endpoint {
    name: Arc<str>,
    is_literal: bool,
    addresses: RwLock<Addresses>,
    connects: AtomicU64,
    failures: AtomicU64,
    active: AtomicU64,
    last_failure: RwLock<Option<Arc<str>>>,
}

/// What a name stands for: its addresses, or why it has none.
type Addresses = Result<Arc<[SocketAddr]>, Arc<str>>;

impl Endpoint {
    /// An endpoint at `target`. A name has no address until it is looked up.
    #[must_use]
    pub fn new(target: &Target) -> Self {
        let addresses = match target.host {
            Host::Ip(ip) => Ok(Arc::from([SocketAddr::new(ip, target.port)])),
            Host::Name(_) => Err("it was not looked up yet".into()),
        };
        Self {
            name: target.to_string().into(),
            is_literal: addresses.is_ok(),
            addresses: RwLock::new(addresses),
            connects: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            active: AtomicU64::new(0),
            last_failure: RwLock::new(None),
        }
    }

    /// The endpoint as configured.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the host is an address, which never needs to be looked up.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.is_literal
    }

    /// The addresses that the name stands for.
    ///
    /// # Errors
    ///
    /// Why there are none: the name was never looked up successfully.
    pub fn addresses(&self) -> Result<Arc<[SocketAddr]>, Arc<str>> {
        self.addresses
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Looks the name up; a failure, or an empty answer, keeps the last good answer.
    ///
    /// # Errors
    ///
    /// What the resolver said.
    pub async fn resolve(&self) -> io::Result<()> {
        if self.is_literal {
            return Ok(());
        }
        let found = tokio::net::lookup_host(&*self.name).await;
        let found = found
            .map(Vec::from_iter)
            .and_then(|found| match found.as_slice() {
                [] => Err(io::ErrorKind::NotFound.into()),
                some => Ok(Arc::from(some)),
            });
        let mut known = self
            .addresses
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        match found {
            Ok(addresses) => *known = Ok(addresses),
            Err(error) => {
                if known.is_err() {
                    *known = Err(error.to_string().into());
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// Attempts that ended in a connection.
    #[must_use]
    pub fn connects(&self) -> u64 {
        self.connects.load(Relaxed)
    }

    /// Attempts that failed.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures.load(Relaxed)
    }

    /// Connections open now.
    #[must_use]
    pub fn active(&self) -> u64 {
        self.active.load(Relaxed)
    }

    /// Why the last attempt failed; none if it did not.
    #[must_use]
    pub fn last_failure(&self) -> Option<Arc<str>> {
        self.last_failure
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn answered(&self) {
        self.connects.fetch_add(1, Relaxed);
        if self.last_failure().is_some() {
            self.set_last_failure(None);
        }
    }

    pub(super) fn refused(&self, error: &ConnectError) {
        self.failures.fetch_add(1, Relaxed);
        self.set_last_failure(Some(error.to_string().into()));
    }

    fn set_last_failure(&self, failure: Option<Arc<str>>) {
        *self
            .last_failure
            .write()
            .unwrap_or_else(PoisonError::into_inner) = failure;
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// One open connection of an endpoint, counted until it is dropped.
#[derive(Debug)]
pub struct Lease(Arc<Endpoint>);

impl Lease {
    pub(super) fn new(endpoint: &Arc<Endpoint>) -> Self {
        endpoint.active.fetch_add(1, Relaxed);
        Self(Arc::clone(endpoint))
    }
}

impl Deref for Lease {
    type Target = Endpoint;

    fn deref(&self) -> &Endpoint {
        &self.0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(target: &str) -> Endpoint {
        Endpoint::new(&target.parse().unwrap())
    }

    #[test]
    fn an_address_needs_no_look_up() {
        let endpoint = endpoint("[::1]:7000");
        assert!(endpoint.is_literal());
        assert_eq!(
            *endpoint.addresses().unwrap(),
            ["[::1]:7000".parse().unwrap()]
        );
    }

    #[tokio::test]
    async fn a_failed_look_up_keeps_the_last_good_answer() {
        let endpoint = endpoint("name.invalid:1");
        assert!(endpoint.addresses().is_err());
        let known: Arc<[SocketAddr]> = Arc::from(["127.0.0.1:1".parse().unwrap()]);
        *endpoint.addresses.write().unwrap() = Ok(Arc::clone(&known));
        // RFC 6761: a resolver knows that "invalid" names do not exist.
        assert!(endpoint.resolve().await.is_err());
        assert_eq!(endpoint.addresses().unwrap(), known);
    }

    #[tokio::test]
    async fn a_name_is_looked_up() {
        let endpoint = endpoint("localhost:7000");
        endpoint.resolve().await.unwrap();
        assert!(
            endpoint
                .addresses()
                .unwrap()
                .iter()
                .all(|at| at.ip().is_loopback())
        );
    }
}
