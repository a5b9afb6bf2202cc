//! One endpoint: its name, its addresses, and how the last attempts at it went.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

use super::addresses::Addresses;
use crate::socket::connect::ConnectError;
use crate::target::Target;

/// A place that connections can go to: `host:port`, where the host is an address or a name.
#[derive(Debug)]
pub struct Endpoint {
    addresses: Arc<Addresses>,
    connects: AtomicU64,
    failures: AtomicU64,
    active: AtomicU64,
    last_failure: RwLock<Option<Arc<str>>>,
}

impl Endpoint {
    /// An endpoint at `target`. A name has no address until it is looked up.
    #[must_use]
    pub fn new(target: &Target) -> Self {
        Self {
            addresses: Arc::new(Addresses::new(target)),
            connects: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            active: AtomicU64::new(0),
            last_failure: RwLock::new(None),
        }
    }

    /// The endpoint as configured.
    #[must_use]
    pub fn name(&self) -> &str {
        self.addresses.target()
    }

    /// Whether the host is an address, which never needs to be looked up.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.addresses.is_literal()
    }

    /// The addresses that the name stands for.
    ///
    /// # Errors
    ///
    /// Why there are none: the name was never looked up successfully.
    pub fn addresses(&self) -> Result<Arc<[SocketAddr]>, Arc<str>> {
        self.addresses.get()
    }

    /// Looks the name up; a failure, or an empty answer, keeps the last good answer.
    ///
    /// # Errors
    ///
    /// What the resolver said.
    pub async fn resolve(&self) -> io::Result<()> {
        self.addresses.resolve().await
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
        f.write_str(self.name())
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
