//! Speaks to a running process, for its operators: the subcommands that both programs have.
//!
//! ```
//! use clap::{CommandFactory, Parser};
//! use l4_failover::client::{Operate, Program};
//!
//! /// Keeps a primary and backups.
//! #[derive(Parser)]
//! #[command(name = "l4-failover")]
//! enum Cli {
//!     #[command(flatten)]
//!     Operate(Operate),
//! }
//! let program = Program {
//!     name: "l4-failover",
//!     admin: "127.0.0.1:19001",
//!     command: Cli::command,
//! };
//! let Cli::Operate(operate) = Cli::parse_from(["l4-failover", "man"]);
//! let exit_code = operate.run(&program);
//! # assert_eq!(exit_code, std::process::ExitCode::SUCCESS);
//! ```

mod address;
mod connect;
mod connections;
mod document;
mod error;
mod events;
mod feed;
mod line;
mod operate;
mod order;
mod out;
mod page;
mod request;
mod sse;
mod status;
mod table;
#[cfg(test)]
mod tests;
mod units;

// The public interface is:
pub use address::{Address, AddressError};
pub use connect::{Connection, Peer};
pub use connections::{ConnectionsArgs, EndArgs};
pub use error::ClientError;
pub use events::EventsArgs;
pub use operate::{Operate, Program, TellArgs, run};
pub use order::{FailbackArgs, FailoverArgs, MaintenanceArgs};
pub use out::{Out, Paint, printable};
pub use page::{CompletionsArgs, ManArgs};
pub use request::{quoted, with_query};
pub use status::StatusArgs;
