//! How long a better tier must have been healthy before it takes over: longer with each flap.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::event::{Cause, Move};
use super::policy::Policy;

/// Flaps that are remembered; a hold-down that doubled so often has long reached its bound.
const FLAPS_MAX: usize = 32;

/// Remembers flaps: failovers soon after a return.
#[derive(Clone, Debug, Default)]
pub(super) struct HoldDown {
    returned: Option<Instant>,
    flaps: VecDeque<Instant>,
}

impl HoldDown {
    pub(super) fn moved(&mut self, moved: &Move, policy: &Policy) {
        if moved.to < moved.from {
            self.returned = Some(moved.at);
            return;
        }
        let is_soon = |returned| moved.at.saturating_duration_since(returned) < policy.flap_window;
        if moved.cause == Cause::Unhealthy && self.returned.take().is_some_and(is_soon) {
            if self.flaps.len() == FLAPS_MAX {
                self.flaps.pop_front();
            }
            self.flaps.push_back(moved.at);
        }
    }

    /// Flaps within the window.
    pub(super) fn flaps(&self, now: Instant, policy: &Policy) -> usize {
        let is_recent = |at: &&Instant| now.saturating_duration_since(**at) < policy.flap_window;
        self.flaps.iter().filter(is_recent).count()
    }

    /// How long a better tier must have been healthy as things stand.
    pub(super) fn required(&self, now: Instant, policy: &Policy) -> Duration {
        let factor = 1_u32.checked_shl(self.flaps(now, policy) as u32);
        let doubled = policy.hold_down.saturating_mul(factor.unwrap_or(u32::MAX));
        doubled.min(policy.hold_down_max.max(policy.hold_down))
    }

    /// When the oldest flap within the window is forgotten.
    pub(super) fn forgets_at(&self, now: Instant, policy: &Policy) -> Option<Instant> {
        let forgotten = self
            .flaps
            .iter()
            .filter_map(|at| at.checked_add(policy.flap_window));
        forgotten.filter(|at| *at > now).min()
    }
}
