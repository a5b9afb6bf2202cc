//! A client as others see it: what it is ordered, how far it is.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use l4_failover::soupbin::packet::LoginRequest;
use tokio::sync::Notify;

use super::conduct::{Conduct, Deed, Orders};
use super::fault::Fault;

/// A connected client.
#[derive(Debug)]
pub(super) struct Client {
    /// From 1, in the order of connecting.
    pub(super) id: u64,
    pub(super) login: OnceLock<Login>,
    pub(super) progress: Progress,
    orders: Mutex<Orders>,
    /// How often it was ordered something.
    version: AtomicU64,
    changed: Notify,
}

/// What a login said that was let in.
#[derive(Clone, Debug)]
pub(super) struct Login {
    pub(super) username: String,
    pub(super) requested: u64,
    pub(super) heartbeat_timeout: Option<Duration>,
}

/// How far a client is.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The number of the message that comes next; 0 before the login.
    pub(super) next: AtomicU64,
    /// Messages whose frames were written whole.
    pub(super) sent: AtomicU64,
    pub(super) bytes: AtomicU64,
    /// Messages without a number that came from it.
    pub(super) unsequenced: AtomicU64,
}

impl Client {
    pub(super) fn new(id: u64, conduct: Conduct) -> Self {
        Self {
            id,
            login: OnceLock::new(),
            progress: Progress::default(),
            orders: Mutex::new(Orders {
                conduct,
                ..Orders::default()
            }),
            // Its conduct is to be looked at.
            version: AtomicU64::new(1),
            changed: Notify::new(),
        }
    }

    /// It was let in.
    pub(super) fn logged_in(&self, login: &LoginRequest, first: u64) {
        self.progress.next.store(first, Relaxed);
        let login = Login {
            username: login.credentials.username().to_owned(),
            requested: login.sequence,
            heartbeat_timeout: login.heartbeat_timeout,
        };
        // There is one login on a connection.
        let _ = self.login.set(login);
    }

    /// A fault is for it.
    pub(super) fn order(&self, fault: &Fault) {
        self.orders().take(fault);
        self.wake();
    }

    /// It is to look at everything again.
    pub(super) fn wake(&self) {
        self.version.fetch_add(1, Release);
        self.changed.notify_one();
    }

    /// Waits until it is ordered something.
    pub(super) async fn ordered(&self) {
        self.changed.notified().await;
    }

    pub(super) fn version(&self) -> u64 {
        self.version.load(Acquire)
    }

    /// How it is treated.
    pub(super) fn conduct(&self) -> Conduct {
        self.orders().conduct.clone()
    }

    /// How it is treated, and what is to be done now.
    pub(super) fn take_orders(&self) -> (Conduct, Vec<Deed>) {
        let mut orders = self.orders();
        let deeds = orders.deeds.drain(..).collect();
        (orders.conduct.clone(), deeds)
    }

    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress {
    /// Written by one task, so that loads and stores do.
    pub(super) fn wrote(&self, next: u64, messages: u64, bytes: usize) {
        self.next.store(next, Relaxed);
        self.sent.store(self.sent.load(Relaxed) + messages, Relaxed);
        let bytes = self.bytes.load(Relaxed) + bytes as u64;
        self.bytes.store(bytes, Relaxed);
    }
}
