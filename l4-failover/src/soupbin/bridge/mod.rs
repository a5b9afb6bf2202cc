//! A SoupBinTCP consumer on one side, and on the other whichever line can carry its session on.
//!
//! Whoever accepted the consumer's connection gives it to [`carry`]; all decisions are those of
//! [`join`](super::join). Here are the sockets: bytes of the joined line go to the consumer straight
//! from the buffer that they were read into. A consumer that takes nothing stops its own lines, and
//! nobody else's.

mod actions;
mod consumer;
mod feed;
pub(super) mod inbox;
mod line;
mod options;
mod outbox;
mod reading;
mod recall;
pub(super) mod refusals;
mod run;
mod unfit;
mod watch;

pub(crate) use consumer::Standing;
pub use consumer::{ConsumerState, LineState, Watched};
pub use feed::SharedFeed;
pub(crate) use feed::Shown;
pub use options::FeedOptions;
pub use run::{Carried, Consumer, Lines, Progress, carry};
pub use unfit::Unfit;
pub use watch::{Names, Told};
