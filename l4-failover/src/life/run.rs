//! A process that runs, and the signals that it answers.

use std::convert::Infallible;

use super::Process;
use crate::process::notify;
use crate::process::signals::{Hangups, Signals};

/// Runs `process`, which accepts connections already, to its end: SIGTERM and SIGINT drain it, a
/// second one ends it at once, SIGHUP has it read its configuration again. A supervisor is told
/// that it is ready.
pub async fn run(process: &impl Process, signals: Signals, hangups: Hangups) {
    tokio::select! {
        // Ready first, whatever has come meanwhile.
        biased;
        never = reload(process, hangups) => match never {},
        _ = process.run(signals.next(), signals.next()) => {}
    }
}

async fn reload(process: &impl Process, mut hangups: Hangups) -> Infallible {
    notify::ready("serving").await;
    loop {
        hangups.next().await;
        // It is in the log what came of it.
        let _ = process.reload().await;
    }
}
