//! What a supervisor such as systemd is told: `sd_notify(3)`. Where none asks, nobody is told.
//!
//! `NOTIFY_SOCKET` stays in the environment: taking it out is not sound once threads run, and
//! these programs start no others that could speak in their name.

use std::time::Duration;

use sd_notify::NotifyState;
use tracing::warn;

/// After the time that stopping may take by the configuration, for what comes after it: threads
/// that end, lines of the log that are written out.
const STOP_SLACK: Duration = Duration::from_secs(10);

/// Connections are accepted. `status` is a sentence for `systemctl status`.
pub fn ready(status: &str) {
    send(&[NotifyState::Ready, NotifyState::Status(&one_line(status))]);
}

/// The configuration is being read again; [`ready`] must follow, also where it was refused.
pub fn reloading() {
    // Without the time, which systemd compares with that of its request, a reload would fail.
    match NotifyState::monotonic_usec_now() {
        Ok(now) => send(&[NotifyState::Reloading, now]),
        Err(error) => warn!(%error, "cannot tell the service manager of a reload"),
    }
}

/// The process is on its way out, which takes no longer than `within`: the service manager's own
/// bound (90 s, if nothing else was said) must not end it before.
pub fn stopping(status: &str, within: Duration) {
    let micros = (within + STOP_SLACK).as_micros();
    let micros = u32::try_from(micros).unwrap_or(u32::MAX);
    send(&[
        NotifyState::Stopping,
        NotifyState::Status(&one_line(status)),
        NotifyState::ExtendTimeoutUsec(micros),
    ]);
}

/// Says what the process does, for `systemctl status`.
pub fn status(status: &str) {
    send(&[NotifyState::Status(&one_line(status))]);
}

/// A second line would be another assignment.
fn one_line(status: &str) -> String {
    status.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!(%error, "cannot tell the service manager");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_one_line() {
        assert_eq!(one_line("two\nlines\r\n of  it"), "two lines of it");
    }
}
