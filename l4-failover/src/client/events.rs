//! `events`: what happens, as it happens.

use std::time::Duration;

use clap::Args;
use http_body_util::BodyExt;

use super::connect::Peer;
use super::line::line;
use super::out::Out;
use super::request::with_query;
use super::sse::{Parser, TooLong};
use super::{ClientError, Connection};

/// Three times the pause between two signs of life.
const SILENCE_MAX: Duration = Duration::from_secs(45);

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
    let mut body = peer.open(&with_query("/events", &query)).await?;
    let mut parser = Parser::default();
    loop {
        let frame = async { Ok(body.frame().await) };
        let Some(frame) = peer.bounded(SILENCE_MAX, frame).await? else {
            return Err(ClientError::Ended {
                address: peer.address.clone(),
                program: peer.program,
            });
        };
        let frame = frame.map_err(|error| peer.broken(error))?;
        let piece = frame.into_data().unwrap_or_default();
        let events = parser.feed(&piece);
        for event in events.map_err(|TooLong| peer.garbled("an event without end"))? {
            let said = match args.json {
                true => format!("{event}\n"),
                false => line(&peer.parsed(event.as_bytes())?, out.paint),
            };
            out.say(&said)?;
        }
    }
}
