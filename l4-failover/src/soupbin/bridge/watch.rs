//! What is told of a consumer while it is carried.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::line::BridgeLine;
use crate::pool::Leased;
use crate::soupbin::join::{JoinEvent, JoinStatus, TargetId};

/// What happened to a consumer, and how it stands after it.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// What happened.
    pub event: &'a JoinEvent,
    /// How the consumer and its lines stand.
    pub status: &'a JoinStatus,
    /// The names of targets.
    pub names: Names<'a>,
    /// The joined line, and the address that it is connected to.
    pub joined: Option<(&'a Arc<Leased>, SocketAddr)>,
    /// The lines that there are.
    pub(super) open: &'a [BridgeLine],
}

impl<'a> Told<'a> {
    /// Where the line to a target stands, for who looks later.
    pub(super) fn place(&self, target: TargetId) -> Option<&'a Place> {
        let mut open = self.open.iter();
        open.find(|line| line.target == target)?.place()
    }
}

/// Where a line stands, for who looks while it moves on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place(Arc<AtomicU64>);

impl Place {
    /// The number of the message that comes next on the line; none before its login was accepted.
    pub(super) fn get(&self) -> Option<u64> {
        Some(self.0.load(Relaxed)).filter(|next| *next > 0)
    }

    pub(super) fn set(&self, next: Option<u64>) {
        self.0.store(next.unwrap_or(0), Relaxed);
    }
}

/// The names of targets: of each the endpoint's.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a>(pub(super) &'a [Arc<crate::Endpoint>]);

impl<'a> Names<'a> {
    /// The name of a target.
    #[must_use]
    pub fn of(&self, target: TargetId) -> &'a Arc<str> {
        self.0[target.0 as usize].name()
    }

    /// The endpoint that a target is.
    pub(in crate::soupbin) fn endpoint(&self, target: TargetId) -> &'a Arc<crate::Endpoint> {
        &self.0[target.0 as usize]
    }
}
