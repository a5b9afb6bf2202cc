//! Orders: `failover`, `failback`, `maintenance`, `reload`, `drain`.

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::connect::Peer;
use super::out::{Out, printable};
use super::request::{quoted, sentence, with_query};
use super::{ClientError, Connection};
use crate::admin::pools::{CommandJson, MaintenanceJson};

/// What to fail over.
#[derive(Clone, Debug, Args)]
pub struct FailoverArgs {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    pub(super) connection: Connection,
}

/// What to return to its primary.
#[derive(Clone, Debug, Args)]
pub struct FailbackArgs {
    #[command(flatten)]
    which: Which,
    /// Returns even if the primary is not healthy.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    pub(super) connection: Connection,
}

/// What to take out, or to put back.
#[derive(Clone, Debug, Args)]
pub struct MaintenanceArgs {
    #[command(flatten)]
    which: Which,
    /// The endpoint, as `status` shows it.
    endpoint: String,
    /// Whether it is in maintenance.
    #[arg(value_name = "on|off", hide_possible_values = true)]
    state: OnOff,
    /// Why; shown for as long as it lasts.
    #[arg(long, value_name = "TEXT", required_if_eq("state", "on"))]
    reason: Option<String>,
    #[command(flatten)]
    pub(super) connection: Connection,
}

#[derive(Clone, Debug, Args)]
struct Which {
    /// The name in the configuration.
    name: String,
    /// What it serves, where two have one name: port, inbound, service, datacenter.
    #[arg(long)]
    kind: Option<String>,
}

impl Which {
    fn path(&self, what: &str) -> String {
        let path = format!("/pools/{}/{what}", quoted(&self.name));
        with_query(&path, &[("kind", self.kind.as_deref())])
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OnOff {
    On,
    Off,
}

/// What `failback` sends.
#[derive(Serialize)]
struct Force {
    force: bool,
}

pub(super) async fn failover(
    args: &FailoverArgs,
    peer: &Peer,
    out: &mut Out<'_>,
) -> Result<(), ClientError> {
    order(&args.which.path("failover"), None::<&()>, peer, out).await
}

pub(super) async fn failback(
    args: &FailbackArgs,
    peer: &Peer,
    out: &mut Out<'_>,
) -> Result<(), ClientError> {
    let force = Force { force: args.force };
    order(&args.which.path("failback"), Some(&force), peer, out).await
}

pub(super) async fn maintenance(
    args: &MaintenanceArgs,
    peer: &Peer,
    out: &mut Out<'_>,
) -> Result<(), ClientError> {
    let is_on = args.state == OnOff::On;
    let wanted = MaintenanceJson {
        endpoint: args.endpoint.clone(),
        reason: args.reason.clone().filter(|_| is_on),
        off: !is_on,
    };
    order(&args.which.path("maintenance"), Some(&wanted), peer, out).await
}

async fn order(
    path: &str,
    body: Option<&impl Serialize>,
    peer: &Peer,
    out: &mut Out<'_>,
) -> Result<(), ClientError> {
    let answer = peer.post(path, body).await?;
    let done: CommandJson = peer.parsed(&answer)?;
    out.say(&format!("{}\n", printable(&done.message)))?;
    match done.warning {
        Some(warning) => out.warn(&warning),
        None => Ok(()),
    }
}

/// `reload` and `drain`, which the program itself answers in a sentence of its own.
pub(super) async fn tell(path: &str, peer: &Peer, out: &mut Out<'_>) -> Result<(), ClientError> {
    let answer = peer.post(path, None::<&()>).await?;
    let said = sentence(&answer).unwrap_or_else(|| "done".to_owned());
    let lines = said.lines().map(|line| format!("{}\n", printable(line)));
    out.say(&lines.collect::<String>())
}
