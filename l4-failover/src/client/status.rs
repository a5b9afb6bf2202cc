//! `status`: the pools at a glance.

use std::time::Duration;

use clap::Args;
use tokio::time::sleep;

use super::connect::Peer;
use super::out::{Out, Paint, printable};
use super::request::with_query;
use super::table::table;
use super::{ClientError, Connection};
use crate::admin::pools::ClustersJson;

/// Between two looks of `--watch`.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// What to show.
#[derive(Clone, Debug, Args)]
pub struct StatusArgs {
    /// The one to show. [default: all]
    name: Option<String>,
    /// Only what serves this: port, inbound, service, datacenter.
    #[arg(long)]
    kind: Option<String>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    /// Looks again each second, until interrupted.
    #[arg(long, conflicts_with = "json")]
    watch: bool,
    #[command(flatten)]
    pub(super) connection: Connection,
}

pub(super) async fn status(
    args: &StatusArgs,
    peer: &Peer,
    out: &mut Out<'_>,
) -> Result<(), ClientError> {
    let first = look(args, peer, out.paint).await?;
    if !args.watch {
        return out.say(&first);
    }
    out.redraw(&first)?;
    loop {
        sleep(WATCH_INTERVAL).await;
        // Whoever watches wants to see the process come back as well.
        let screen = look(args, peer, out.paint).await;
        let screen = screen.unwrap_or_else(|error| format!("{}\n", printable(&error.sentence())));
        out.redraw(&screen)?;
    }
}

async fn look(args: &StatusArgs, peer: &Peer, paint: Paint) -> Result<String, ClientError> {
    let query = [
        ("pool", args.name.as_deref()),
        ("kind", args.kind.as_deref()),
    ];
    let answer = peer.get(&with_query("/clusters", &query)).await?;
    let read: ClustersJson = peer.parsed(&answer)?;
    Ok(match args.json {
        // As it came: a newer process may say more than is known here.
        true => format!("{}\n", String::from_utf8_lossy(&answer).trim_end()),
        false => table(&read.pools, paint),
    })
}
