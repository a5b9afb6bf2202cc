//! What all clients share: the session, its messages, what is ordered.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use l4_failover::socket::live::{Entry, Live};
use l4_failover::socket::workers::{Accepted, Pause, Serve};
use l4_failover::soupbin::packet::{Reject, SessionId};
use thiserror::Error;
use tokio::net::TcpStream;
use tracing::{info, warn};

use super::Limits;
use super::client::Client;
use super::conduct::Conduct;
use super::conversation;
use super::counts::Counts;
use super::fault::{Fault, Order, Whom};
use super::login::{LoginRules, Moment};
use super::status::GoneStatus;
use super::tape::Tape;
use super::timeline::Timeline;

/// What all clients share.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) rules: LoginRules,
    pub(super) limits: Limits,
    pub(super) timeline: Timeline,
    pub(super) tape: Tape,
    pub(super) live: Live<Client>,
    pub(super) counts: Counts,
    /// The last message of a session, as it was asked for.
    messages: Option<u64>,
    common: Mutex<Common>,
    gone: Mutex<VecDeque<GoneStatus>>,
    script: Mutex<VecDeque<(u64, Order)>>,
    /// The lowest message number in the script; `u64::MAX`: there is none.
    barrier: AtomicU64,
    ids: AtomicU64,
}

/// What orders for all clients change.
#[derive(Clone, Debug)]
pub(super) struct Common {
    pub(super) session: SessionId,
    pub(super) rejecting: Option<Reject>,
    /// How those are treated that connect.
    pub(super) everyone: Conduct,
}

/// An order for a client that is not connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no client {0} is connected; /status shows who is")]
pub struct NoClient(pub u64);

/// A connection's share of the stage, until it ends.
pub(super) struct Record {
    pub(super) stage: Arc<Stage>,
    pub(super) entry: Arc<Entry<Client>>,
}

impl Drop for Record {
    fn drop(&mut self) {
        self.stage.live.close(&self.entry, |_| ());
    }
}

impl Stage {
    pub(super) fn new(
        rules: LoginRules,
        limits: Limits,
        session: SessionId,
        (timeline, tape): (Timeline, Tape),
        messages: Option<u64>,
        script: Vec<(u64, Order)>,
    ) -> Self {
        let barrier = script.first().map_or(u64::MAX, |(number, _)| *number);
        Self {
            rules,
            limits,
            timeline,
            tape,
            live: Live::new(1, limits.clients_max),
            counts: Counts::default(),
            messages,
            common: Mutex::new(Common {
                session,
                rejecting: None,
                everyone: Conduct::default(),
            }),
            gone: Mutex::default(),
            script: Mutex::new(script.into()),
            barrier: AtomicU64::new(barrier),
            ids: AtomicU64::new(1),
        }
    }

    pub(super) fn common(&self) -> MutexGuard<'_, Common> {
        self.common.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Clients that were connected, the newest last.
    pub(super) fn gone(&self) -> MutexGuard<'_, VecDeque<GoneStatus>> {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a login meets at `now`.
    pub(super) fn moment(&self, now: Instant) -> Moment {
        let common = self.common();
        Moment {
            session: common.session,
            is_over: self.timeline.is_over(now),
            rejecting: common.rejecting,
            newest: self.timeline.newest(now),
            end: self.timeline.end(now, None),
        }
    }

    /// Carries out an order; how many clients it reached.
    pub(super) fn order(&self, order: &Order) -> Result<usize, NoClient> {
        let reached = match order.whom {
            Whom::All => self.order_all(&order.fault),
            Whom::Client(id) => self.order_one(id, &order.fault)?,
        };
        info!(fault = ?order.fault, whom = %order.whom, clients = reached, "ordered");
        Ok(reached)
    }

    /// Carries out orders, one after another; how many clients each reached. If one is for a client
    /// that is not connected, none is carried out.
    pub(super) fn orders(&self, orders: &[Order]) -> Result<Vec<usize>, NoClient> {
        let connected = self.connected();
        for order in orders {
            if let Whom::Client(id) = order.whom
                && !connected.contains(&id)
            {
                return Err(NoClient(id));
            }
        }
        // Who goes meanwhile is not reached.
        let reached = orders.iter().map(|order| self.order(order).unwrap_or(0));
        Ok(reached.collect())
    }

    fn connected(&self) -> HashSet<u64> {
        let mut ids = HashSet::new();
        self.live.for_each(|entry| {
            ids.insert(entry.own.id);
        });
        ids
    }

    fn order_all(&self, fault: &Fault) -> usize {
        // Who connects meanwhile waits for it, and is treated like the others.
        let mut common = self.common();
        common.everyone.take(fault);
        match fault {
            Fault::Session(session) => {
                common.session = *session;
                self.timeline.renew(self.messages);
            }
            Fault::Reject(reject) => common.rejecting = *reject,
            Fault::EndOfSession => self.timeline.finish(Instant::now()),
            _ => {}
        }
        let mut clients = 0;
        self.live.for_each(|entry| {
            clients += 1;
            match fault {
                // Each has the rest of the messages first.
                Fault::EndOfSession => entry.own.wake(),
                fault => entry.own.order(fault),
            }
        });
        clients
    }

    fn order_one(&self, id: u64, fault: &Fault) -> Result<usize, NoClient> {
        let mut found = 0;
        self.live.for_each(|entry| {
            if entry.own.id == id {
                entry.own.order(fault);
                found += 1;
            }
        });
        match found {
            0 => Err(NoClient(id)),
            found => Ok(found),
        }
    }

    /// The first message that must not be sent before the script was asked.
    pub(super) fn barrier(&self) -> u64 {
        self.barrier.load(Acquire)
    }

    /// A client is about to be sent message `n`: what the script has before that is done now.
    pub(super) fn reach(&self, n: u64) {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((number, order)) = script.pop_front_if(|(number, _)| *number <= n) {
            self.follow(&order, format_args!("message {number}"));
        }
        let next = script.front().map_or(u64::MAX, |(number, _)| *number);
        // Only now: who sees it sees what was ordered.
        self.barrier.store(next, Release);
    }

    /// Carries out an order of the script.
    pub(super) fn follow(&self, order: &Order, at: impl std::fmt::Display) {
        if let Err(error) = self.order(order) {
            warn!(%at, %error, "the script orders something that cannot be");
        }
    }
}

impl Serve for Stage {
    type Listener = ();
    type Entry = Client;
    type Record = Record;

    fn live(&self) -> &Live<Client> {
        &self.live
    }

    fn open(self: &Arc<Self>, it: Accepted<'_, Self>) -> Record {
        let common = self.common();
        let id = self.ids.fetch_add(1, Relaxed);
        let client = Client::new(id, common.everyone.clone());
        let entry = self.live.open(it.slot, it.worker, it.client, client);
        Record {
            stage: Arc::clone(self),
            entry,
        }
    }

    async fn serve(stream: TcpStream, record: Record) {
        conversation::converse(stream.into(), record).await;
    }

    fn paused(&self, why: Pause) {
        warn!(?why, "accepting no more clients for now");
    }

    /// There is one worker.
    fn handed_over(&self) {}
}
