//! What operators are shown of pools, and how they command them: routes that both programs serve.
//!
//! | request | answer |
//! |---|---|
//! | `GET /clusters` | every pool, as [`PoolJson`] |
//! | `GET /events` | what happens, as it happens: server-sent events, each an [`EventJson`] |
//! | `POST /pools/NAME/failover` | leaves the active tier |
//! | `POST /pools/NAME/failback` | returns to the primary; `?force=true` even to an unhealthy one |
//! | `POST /pools/NAME/maintenance` | takes an endpoint out, or puts it back |
//! | `DELETE /pools/NAME/maintenance` | puts an endpoint back |
//!
//! `?kind=service` chooses between pools of one name; `?pool=NAME` chooses one of `/clusters` and
//! `/events`. A refusal is a [`RefusalJson`] with the sentence and, where a name was not known,
//! the names that are.
//!
//! ```
//! use l4_failover::Pool;
//! use l4_failover::admin::pools::{NamedPool, Pools, router};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pool = Pool::builder().name("itch-feed").primary("127.0.0.1:9000").build()?;
//! let pools = Pools::default();
//! pools.replace(vec![NamedPool::new(pool, "port").labelled("listen", "127.0.0.1:19100")]);
//! let site = l4_failover::admin::Site {
//!     operators: router(pools.clone()),
//!     ..Default::default()
//! };
//! assert_eq!(pools.status()[0].name, "itch-feed");
//! # drop(site);
//! # Ok(()) }
//! ```

mod command;
mod event;
mod events;
mod fanout;
mod feed;
mod json;
mod order;
mod progress;
mod refusal;
mod served;
mod show;
mod table;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use tokio::sync::Semaphore;

// The public interface is:
pub use command::CommandJson;
pub use event::{EventJson, TookJson, rfc3339};
pub use fanout::{HistoryJson, SharedLoginJson};
pub use feed::{ConsumerJson, FeedJson, UnfitJson};
pub use json::{CheckJson, EndpointJson, PoolJson, TierJson};
pub use order::MaintenanceJson;
pub use progress::{LineJson, ProgressJson};
pub use refusal::{RefusalJson, Refused};
pub use served::ServedJson;
pub use show::ClustersJson;
pub use table::{NamedPool, Next, Pools, Wanted};

/// Streams of events at once: a quarter of the places at an address, so that whoever follows them
/// keeps nobody from asking or commanding.
const LISTENERS_MAX: usize = 16;
/// A stream on which nothing happens shows after this time that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The routes over `pools`, to be merged with those of the program.
///
/// They expect to stand behind the guard of [`Bound`](super::Bound), which bounds bodies and says
/// when a stream must end.
pub fn router(pools: Pools) -> Router {
    router_with(pools, LISTENERS_MAX, KEEP_ALIVE)
}

fn router_with(pools: Pools, listeners_max: usize, keep_alive: Duration) -> Router {
    Router::new()
        .route("/clusters", get(show::clusters))
        .route("/events", get(events::events))
        .route("/pools/{name}/failover", post(command::failover))
        .route("/pools/{name}/failback", post(command::failback))
        .route(
            "/pools/{name}/maintenance",
            post(command::maintenance).delete(command::resume),
        )
        .with_state(Shared {
            pools,
            listeners: Arc::new(Semaphore::new(listeners_max)),
            listeners_max,
            keep_alive,
        })
}

/// What handlers share.
#[derive(Clone)]
struct Shared {
    pools: Pools,
    /// Places for streams of events.
    listeners: Arc<Semaphore>,
    listeners_max: usize,
    keep_alive: Duration,
}
