//! What is told of a consumer while it is carried.

use std::net::SocketAddr;
use std::sync::Arc;

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
}
