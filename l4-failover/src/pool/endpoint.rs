//! One endpoint: where it is, how to speak to it, and how the last attempts at it went.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use super::options::EndpointOptions;
use super::past::Departed;
use super::session::Sessions;
use super::{Addresses, Upkeep};
use crate::probe::Verdict;
use crate::socket::tls::TlsClient;

/// The place of an endpoint that is no longer in its pool.
const NO_PLACE: usize = usize::MAX;

/// A place that connections can go to.
#[derive(Debug)]
pub struct Endpoint {
    name: Arc<str>,
    options: EndpointOptions,
    tls: Option<TlsClient>,
    life: Arc<Life>,
}

/// What stays while an endpoint's options change.
#[derive(Debug)]
struct Life {
    addresses: Arc<Addresses>,
    /// Its place in the pool, which a change of the configuration changes.
    place: AtomicUsize,
    /// Shared with whoever it was before it went away and came back.
    sessions: Arc<Sessions>,
    connects: AtomicU64,
    failures: AtomicU64,
    /// Which return of an endpoint of its pool its last one was, counted from 1; 0 if it never went.
    returned: AtomicU64,
    last_failure: RwLock<Option<Arc<str>>>,
    last_check: RwLock<Option<LastCheck>>,
}

/// What the last check of an endpoint said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastCheck {
    /// When it ended.
    pub at: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// Why it failed, if it did.
    pub result: Result<(), Arc<str>>,
}

impl Endpoint {
    pub(super) fn new(options: &EndpointOptions, tls: Option<TlsClient>) -> Self {
        Self::with(options, tls, Arc::default())
    }

    /// One that was there before: sessions of that time are its own.
    pub(super) fn returned(
        options: &EndpointOptions,
        tls: Option<TlsClient>,
        departed: &Departed,
    ) -> Self {
        Self::with(options, tls, departed.sessions())
    }

    fn with(options: &EndpointOptions, tls: Option<TlsClient>, sessions: Arc<Sessions>) -> Self {
        Self {
            name: options.name().into(),
            options: options.clone(),
            tls,
            life: Arc::new(Life {
                addresses: Arc::new(Addresses::new(&options.target)),
                place: AtomicUsize::new(NO_PLACE),
                sessions,
                connects: AtomicU64::new(0),
                failures: AtomicU64::new(0),
                returned: AtomicU64::new(0),
                last_failure: RwLock::new(None),
                last_check: RwLock::new(None),
            }),
        }
    }

    /// The same endpoint, of the same name, with other options.
    pub(super) fn changed(&self, options: &EndpointOptions, tls: Option<TlsClient>) -> Self {
        Self {
            name: Arc::clone(&self.name),
            options: options.clone(),
            tls,
            life: Arc::clone(&self.life),
        }
    }

    /// Whether both are one endpoint, be their options others.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.life, &other.life)
    }

    /// What tells it from the others: `host:port`, and `host:port/server_name` where it is spoken
    /// to by TLS.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The endpoint as configured.
    #[must_use]
    pub fn options(&self) -> &EndpointOptions {
        &self.options
    }

    /// How to speak TLS to it; none where it gets the bytes as they come.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsClient> {
        self.tls.as_ref()
    }

    /// The addresses that its host stands for.
    ///
    /// # Errors
    ///
    /// Why there are none: the name was never looked up successfully.
    pub fn addresses(&self) -> Result<Arc<[SocketAddr]>, Arc<str>> {
        self.life.addresses.get()
    }

    /// Has its name looked up and its certificates read again when their files change.
    pub(super) fn keep(&self, upkeep: &Upkeep) {
        upkeep.resolve(&self.life.addresses);
        self.watch_files(upkeep);
    }

    /// Has its certificates read again when their files change.
    pub(super) fn watch_files(&self, upkeep: &Upkeep) {
        self.tls.iter().for_each(|tls| upkeep.watch(tls.files()));
    }

    pub(super) fn shared_addresses(&self) -> &Arc<Addresses> {
        &self.life.addresses
    }

    pub(super) fn sessions(&self) -> &Arc<Sessions> {
        &self.life.sessions
    }

    /// Its place among the endpoints of its pool; none if it is no longer there.
    pub(super) fn place(&self) -> Option<usize> {
        Some(self.life.place.load(Relaxed)).filter(|place| *place != NO_PLACE)
    }

    pub(super) fn set_place(&self, place: Option<usize>) {
        self.life.place.store(place.unwrap_or(NO_PLACE), Relaxed);
    }

    /// Attempts that ended in a connection.
    #[must_use]
    pub fn connects(&self) -> u64 {
        self.life.connects.load(Relaxed)
    }

    /// Attempts that failed.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.life.failures.load(Relaxed)
    }

    /// Sessions open now, those that are just being connected included.
    #[must_use]
    pub fn active(&self) -> u64 {
        self.life.sessions.count()
    }

    /// Why the last attempt failed; none if it did not.
    #[must_use]
    pub fn last_failure(&self) -> Option<Arc<str>> {
        read(&self.life.last_failure)
    }

    /// What the last check said; none if there was none yet.
    #[must_use]
    pub fn last_check(&self) -> Option<LastCheck> {
        read(&self.life.last_check)
    }

    /// It came up, or was put back: the `nth` that did in its pool.
    pub(super) fn returned_as(&self, nth: u64) {
        self.life.returned.store(nth, Relaxed);
    }

    /// Whether it came up, or was put back, after the `nth` in its pool that did.
    pub(super) fn has_returned_after(&self, nth: u64) -> bool {
        self.life.returned.load(Relaxed) > nth
    }

    pub(super) fn answered(&self) {
        self.life.connects.fetch_add(1, Relaxed);
        if self.last_failure().is_some() {
            write(&self.life.last_failure, None);
        }
    }

    pub(super) fn refused(&self, why: &impl fmt::Display) {
        self.life.failures.fetch_add(1, Relaxed);
        write(&self.life.last_failure, Some(why.to_string().into()));
    }

    pub(super) fn checked(&self, verdict: &Verdict) {
        let last = LastCheck {
            at: SystemTime::now(),
            took: verdict.took,
            result: verdict.result.clone(),
        };
        write(&self.life.last_check, Some(last));
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

fn read<T: Clone>(cell: &RwLock<Option<T>>) -> Option<T> {
    cell.read().unwrap_or_else(PoisonError::into_inner).clone()
}

fn write<T>(cell: &RwLock<Option<T>>, value: Option<T>) {
    *cell.write().unwrap_or_else(PoisonError::into_inner) = value;
}
