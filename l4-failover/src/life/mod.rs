//! The life of a process that passes connections on, the same for every program: its listening
//! addresses, a reload of its configuration, the way out; and what supervisors and operators see
//! of it.

mod doors;
mod drain;
mod reload;
mod reloads;
mod run;

use std::future::Future;

// The public interface is:
pub use doors::{Binding, Door, Doors, Opened, Place, PlaceError, Wanted};
pub use drain::{Stopped, told_to_drain, unless_forced};
pub use reload::{ReloadError, Reloaded};
pub use reloads::Reloads;
pub use run::run;

/// A program that runs, as signals and operators reach it. Clones are the same process.
pub trait Process: Clone + Send + Sync + 'static {
    /// Serves until `stop`, or [`drain`](Self::drain), says to drain; then drains, which `force`
    /// cuts short.
    fn run(
        &self,
        stop: impl Future<Output = ()>,
        force: impl Future<Output = ()>,
    ) -> impl Future<Output = Stopped>;

    /// Reads the configuration again and does what it says, all of it or nothing.
    fn reload(&self) -> impl Future<Output = Result<Reloaded, ReloadError>> + Send;

    /// Asks the process to drain, as a signal does.
    fn drain(&self);

    /// How many sessions are open.
    fn sessions(&self) -> usize;

    /// How often the configuration was read again; 0 since the start.
    fn generation(&self) -> u64;
}
