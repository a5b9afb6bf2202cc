//! What operators want.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use tokio::time::Instant;

use super::Pool;
use super::event::PoolEvent;
use super::inner::{Inner, State};
use super::state_file::{self, Remembered, Senseless, StateFileError};
use crate::choice::{Cause, Command, EndpointChange, Refusal};

/// Why a command was refused, or what is left to worry about.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It cannot be done; nothing has changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is no such endpoint; nothing has changed.
    #[error("there is no endpoint \"{name}\"; there are: {known}")]
    UnknownEndpoint {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// It is done, but will not survive a restart.
    #[error("done, but a restart will forget it: {0}")]
    NotKept(StateFileError),
}

/// What an operator wants.
#[derive(Clone, Debug)]
pub(crate) enum Wish {
    /// To leave the active tier.
    Failover,
    /// To return to the primary.
    Failback { force: bool },
    /// To take an endpoint out, for a reason, or to put it back.
    Maintenance {
        endpoint: String,
        reason: Option<String>,
    },
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) moved: Option<PoolEvent>,
    /// The endpoint that went in or out of maintenance, or is there for another reason.
    pub(crate) endpoint: Option<EndpointChange>,
    /// Whether a forced failback holds.
    pub(crate) is_forced: bool,
    /// Whether a restart will remember it.
    pub(crate) kept: Result<(), StateFileError>,
}

impl Done {
    fn moved(self) -> Result<Option<PoolEvent>, CommandError> {
        self.kept.map_err(CommandError::NotKept)?;
        Ok(self.moved)
    }
}

impl Pool {
    /// Leaves the active tier for the next healthy one after it, and stays until
    /// [`failback`](Self::failback), under [`Failback::Auto`](crate::choice::Failback::Auto) too.
    /// The move.
    ///
    /// # Errors
    ///
    /// [`CommandError`]: no tier after the active one is healthy.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = l4_failover::Pool::builder().primary("127.0.0.1:9000").backup("127.0.0.1:9001").build()?;
    /// pool.failover().await?;
    /// assert!(pool.status().active == 1 && pool.status().is_held);
    /// # Ok(()) }
    /// ```
    pub async fn failover(&self) -> Result<Option<PoolEvent>, CommandError> {
        self.obey(Wish::Failover).await?.moved()
    }

    /// Returns to the primary tier without waiting for a hold-down, and ends an operator's failover;
    /// new sessions follow at once, or over `failback_ramp`. With `force` onto a primary that is not
    /// healthy, that stays active until it has been healthy once, and [`Happened::Forced`] says so.
    /// The move; none if the primary tier is active already.
    ///
    /// [`Happened::Forced`]: crate::Happened::Forced
    ///
    /// # Errors
    ///
    /// [`CommandError`]: the primary tier has no healthy endpoint, and not `force`.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = l4_failover::Pool::builder().primary("127.0.0.1:9000").backup("127.0.0.1:9001").build()?;
    /// pool.failover().await?;
    /// pool.failback(false).await?;
    /// assert_eq!(pool.status().active, 0);
    /// # Ok(()) }
    /// ```
    pub async fn failback(&self, force: bool) -> Result<Option<PoolEvent>, CommandError> {
        self.obey(Wish::Failback { force }).await?.moved()
    }

    /// Takes the endpoint of this name out, for a reason, or puts it back. No dial goes to one
    /// that is out, whatever else fails. Its sessions go on, unless a tier is left by it and
    /// `on_failover` says otherwise. Another reason takes the place of the one before. The move, if
    /// there was one.
    ///
    /// # Errors
    ///
    /// [`CommandError`]: there is no such endpoint.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = l4_failover::Pool::builder().primary("127.0.0.1:9000").backup("127.0.0.1:9001").build()?;
    /// pool.maintenance("127.0.0.1:9000", Some("a new kernel")).await?;
    /// assert_eq!(pool.status().active, 1);
    /// pool.maintenance("127.0.0.1:9000", None).await?;
    /// assert_eq!(pool.status().active, 1); // until the hold-down is over
    /// # Ok(()) }
    /// ```
    pub async fn maintenance(
        &self,
        endpoint: &str,
        reason: Option<&str>,
    ) -> Result<Option<PoolEvent>, CommandError> {
        let wish = Wish::Maintenance {
            endpoint: endpoint.to_owned(),
            reason: reason.map(str::to_owned),
        };
        self.obey(wish).await?.moved()
    }

    /// Does what an operator wants; all of what came of it.
    pub(crate) async fn obey(&self, wish: Wish) -> Result<Done, CommandError> {
        self.0.obey(wish).await
    }
}

impl Wish {
    fn command(self, state: &State) -> Result<Command, CommandError> {
        Ok(match self {
            Self::Failover => Command::Failover,
            Self::Failback { force } => Command::Failback { force },
            Self::Maintenance { endpoint, reason } => {
                let endpoint = place_of(state, &endpoint)?;
                match reason.map(Arc::from) {
                    Some(reason) => Command::Maintain { endpoint, reason },
                    None => Command::Resume { endpoint },
                }
            }
        })
    }
}

fn place_of(state: &State, name: &str) -> Result<usize, CommandError> {
    let mut endpoints = state.endpoints.iter();
    let place = endpoints.position(|it| **it.name() == *name);
    place.ok_or_else(|| {
        let known = state.endpoints.iter().map(|it| &**it.name());
        CommandError::UnknownEndpoint {
            name: name.to_owned(),
            known: known.collect::<Vec<_>>().join(", "),
        }
    })
}

impl Inner {
    async fn obey(&self, wish: Wish) -> Result<Done, CommandError> {
        let cause = match &wish {
            Wish::Failover | Wish::Failback { .. } => Some(Cause::Operator),
            Wish::Maintenance { reason, .. } => reason.as_ref().map(|_| Cause::Maintenance),
        };
        let done = {
            let mut state = self.state();
            let command = wish.command(&state)?;
            let now = Instant::now().into_std();
            let changes = state.choice.command(&command, now)?;
            self.apply(&mut state, &changes);
            if let Some(cause) = cause.filter(|_| changes.moved.is_none()) {
                self.recall(cause);
            }
            state.is_unkept = true;
            Done {
                moved: changes.moved.and(state.last_move.clone()),
                endpoint: changes.endpoints.first().copied(),
                is_forced: state.choice.is_forced(),
                kept: Ok(()),
            }
        };
        let kept = self.keep().await;
        Ok(Done { kept, ..done })
    }

    /// Writes what must survive a restart, if it is not what was written last.
    pub(super) async fn keep(&self) -> Result<(), StateFileError> {
        let Some(path) = self.state().options.state_file.clone() else {
            return Ok(());
        };
        let Some(me) = self.me.upgrade() else {
            return Ok(());
        };
        let writing = tokio::task::spawn_blocking(move || me.keep_in(&path));
        match writing.await {
            Ok(result) => result,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // The runtime ends; what was not written is not waited for.
            Err(_) => Ok(()),
        }
    }

    /// Writes to `path` what must survive a restart, unless it stands there. Blocks.
    pub(super) fn keep_in(&self, path: &Path) -> Result<(), StateFileError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let now = {
            let mut state = self.state();
            state.is_unkept = false;
            if state.is_retired {
                return Ok(());
            }
            Remembered {
                memory: state.choice.memory(),
                last_move: state.last_move.clone(),
            }
        };
        let is_there = |(place, known): &(PathBuf, Remembered)| place == path && *known == now;
        if kept.there.as_ref().is_some_and(is_there) {
            return Ok(());
        }
        kept.senseless
            .take()
            .into_iter()
            .for_each(Senseless::put_aside);
        let result = state_file::save(path, &now);
        let mut state = self.state();
        match &result {
            Ok(()) => kept.there = Some((path.to_owned(), now)),
            // To be tried again.
            Err(_) => state.is_unkept = true,
        }
        let error = result.as_ref().err();
        state.state_file_error = error.map(|error| error.to_string().into());
        result
    }
}
