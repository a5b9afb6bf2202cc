//! The subcommands, and how each of them ends.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::connect::Peer;
use super::out::{Out, printable};
use super::{Address, ClientError, Connection};
use super::{
    CompletionsArgs, ConnectionsArgs, EventsArgs, FailbackArgs, FailoverArgs, MaintenanceArgs,
    ManArgs, StatusArgs,
};
use super::{connections, events, order, page, status};

/// The program whose process is spoken to.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Its name.
    pub name: &'static str,
    /// Where it serves operators if nothing else is said: `host:port`.
    pub admin: &'static str,
    /// Its whole command line.
    pub command: fn() -> clap::Command,
}

/// Subcommands that speak to a running process, and those that print pages about the others.
#[derive(Clone, Debug, Subcommand)]
pub enum Operate {
    /// Shows who is active, since when and why, and how each endpoint is.
    Status(StatusArgs),
    /// Leaves the active endpoints for the next healthy backup, and stays there until failback.
    Failover(FailoverArgs),
    /// Returns to the primary, and ends an operator's failover.
    Failback(FailbackArgs),
    /// Takes an endpoint out, for a reason, or puts it back; its sessions go on.
    Maintenance(MaintenanceArgs),
    /// Shows the open connections, the oldest first, or ends one.
    Connections(ConnectionsArgs),
    /// Follows what happens, one line for each event, until interrupted.
    Events(EventsArgs),
    /// Makes the process read its configuration again; one with mistakes changes nothing.
    Reload(TellArgs),
    /// Makes the process finish: no new sessions, and an end when those that are open have ended.
    Drain(TellArgs),
    /// Prints completions for a shell.
    Completions(CompletionsArgs),
    /// Prints a manual page.
    Man(ManArgs),
}

/// Whom to tell.
#[derive(Clone, Debug, Args)]
pub struct TellArgs {
    #[command(flatten)]
    connection: Connection,
}

impl Operate {
    /// Does what was typed, and says on stderr if it came to nothing: 0 done; 1 refused, unknown
    /// or not reachable; 2 mistyped. Blocks; not to be called where a runtime runs.
    pub fn run(self, program: &Program) -> ExitCode {
        run(async |out| self.run_on(program, out).await)
    }

    pub(super) async fn run_on(
        self,
        program: &Program,
        out: &mut Out<'_>,
    ) -> Result<(), ClientError> {
        let peer = |connection: &Connection| program.peer(connection);
        match &self {
            Self::Status(args) => status::status(args, &peer(&args.connection)?, out).await,
            Self::Failover(args) => order::failover(args, &peer(&args.connection)?, out).await,
            Self::Failback(args) => order::failback(args, &peer(&args.connection)?, out).await,
            Self::Maintenance(args) => {
                order::maintenance(args, &peer(&args.connection)?, out).await
            }
            Self::Connections(args) => {
                connections::connections(args, &peer(args.connection())?, out).await
            }
            Self::Events(args) => events::events(args, &peer(&args.connection)?, out).await,
            Self::Reload(args) => order::tell("/reload", &peer(&args.connection)?, out).await,
            Self::Drain(args) => order::tell("/drain", &peer(&args.connection)?, out).await,
            Self::Completions(args) => page::completions(args, program, out),
            Self::Man(args) => page::man(args, program, out),
        }
    }
}

impl Program {
    /// Does `ask` of the process that `connection` names, and ends as [`Operate::run`] does: for
    /// commands that only this program has.
    pub fn ask(
        &self,
        connection: &Connection,
        ask: impl AsyncFnOnce(&Peer, &mut Out<'_>) -> Result<(), ClientError>,
    ) -> ExitCode {
        run(async |out| ask(&self.peer(connection)?, out).await)
    }

    fn peer(&self, connection: &Connection) -> Result<Peer, ClientError> {
        let admin: Result<Address, _> = self.admin.parse();
        let admin = admin.expect("a program knows its own default");
        Peer::new(connection, admin, self.name)
    }
}

/// Runs a command that writes to stdout, and ends as [`Operate::run`] does. Blocks; not to be called
/// where a runtime runs.
pub fn run(command: impl AsyncFnOnce(&mut Out<'_>) -> Result<(), ClientError>) -> ExitCode {
    let mut stdout = io::stdout();
    match alone(command(&mut Out::standard(&mut stdout))) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever closed the pipe has read enough.
        Err(error) if error.is_closed_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            let lines = error.sentence();
            let lines = lines.lines().map(|line| format!("{}\n", printable(line)));
            // A closed stderr leaves nobody to tell.
            let _ = io::stderr().write_all(lines.collect::<String>().as_bytes());
            match error.is_mistyped() {
                true => ExitCode::from(2),
                false => ExitCode::FAILURE,
            }
        }
    }
}

fn alone(command: impl Future<Output = Result<(), ClientError>>) -> Result<(), ClientError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(command);
    // Not dropped: that would wait for a look-up of a name that is under way.
    runtime.shutdown_background();
    result
}
