//! `events`: what happens, as it happens.

use std::ops::ControlFlow;

use clap::Args;

use super::connect::Peer;
use super::line::line;
use super::out::Out;
use super::request::with_query;
use super::{ClientError, Connection};

/// What to follow.
#[derive(Clone, Debug, Args)]
pub struct EventsArgs {
    /// The one to follow. [default: all, also those that a reload brings]
    name: Option<String>,
    /// Only what serves this: port, inbound, service, datacenter.
    #[arg(long)]
    kind: Option<String>,
    /// Prints an object of JSON in each line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) connection: Connection,
}

/// Goes on until the process stops, which is an error: nobody said that it was enough.
pub(super) async fn events(
    args: &EventsArgs,
    peer: &Peer,
    out: &mut Out<'_>,
) -> Result<(), ClientError> {
    let query = [
        ("pool", args.name.as_deref()),
        ("kind", args.kind.as_deref()),
    ];
    let path = with_query("/events", &query);
    peer.follow(&path, |event| {
        let said = match args.json {
            true => format!("{event}\n"),
            false => line(&peer.parsed(event.as_bytes())?, out.paint()),
        };
        out.say(&said)?;
        Ok(ControlFlow::Continue(()))
    })
    .await
}
