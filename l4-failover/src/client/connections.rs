//! `connections`: those that are open, and the end of one.

use clap::{Args, Subcommand};

use super::connect::Peer;
use super::out::{Out, printable};
use super::request::{quoted, with_query};
use super::units::span;
use super::{ClientError, Connection, order};
use crate::admin::connections::{ConnectionJson, ConnectionsJson};

/// What to show, or to end.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ConnectionsArgs {
    #[command(subcommand)]
    end: Option<EndArgs>,
    /// How many to show, the oldest first.
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// What to do with one.
#[derive(Clone, Debug, Subcommand)]
pub enum EndArgs {
    /// Resets a connection, on both sides.
    End {
        /// Its id, as shown here and in the log.
        id: String,
        /// Where the process is.
        #[command(flatten)]
        connection: Connection,
    },
}

impl ConnectionsArgs {
    pub(super) fn connection(&self) -> &Connection {
        match &self.end {
            Some(EndArgs::End { connection, .. }) => connection,
            None => &self.connection,
        }
    }
}

pub(super) async fn connections(
    args: &ConnectionsArgs,
    peer: &Peer,
    out: &mut Out<'_>,
) -> Result<(), ClientError> {
    if let Some(EndArgs::End { id, .. }) = &args.end {
        let path = format!("/connections/{}/end", quoted(id));
        return order::tell(&path, peer, out).await;
    }
    let limit = args.limit.map(|limit| limit.to_string());
    let path = with_query("/connections", &[("limit", limit.as_deref())]);
    let answer = peer.get(&path).await?;
    let read: ConnectionsJson = peer.parsed(&answer)?;
    let said = match args.json {
        // As it came: a newer process may say more than is known here.
        true => String::from_utf8_lossy(&answer).trim_end().to_owned() + "\n",
        false => lines(&read),
    };
    out.say(&said)
}

/// A line for each, and one for those that are left out.
fn lines(read: &ConnectionsJson) -> String {
    let lines = read.connections.iter().map(line);
    let rest = match (read.connections.len(), read.left_out) {
        (0, 0) => "no connection is open\n".to_owned(),
        (_, 0) => String::new(),
        (_, rest) => format!("and {rest} more, which are younger\n"),
    };
    lines.chain([rest]).collect()
}

fn line(it: &ConnectionJson) -> String {
    let words = [&it.sni, &it.route, &it.endpoint].map(|word| word.as_deref().unwrap_or("-"));
    let said = format!(
        "{}  {}  {}  {}  {}  for {}  {} bytes in, {} out",
        it.id,
        it.listener,
        it.client,
        words.join("  "),
        it.phase,
        span(it.seconds),
        it.from_client_bytes,
        it.from_upstream_bytes
    );
    printable(&said) + "\n"
}
