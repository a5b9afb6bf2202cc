//! What a port says that has one login for many consumers.

use crate::config::{Line, Table, Unique, consumer_credentials, integer, size};
use crate::soupbin::fanout::{FanoutOptions, HistoryLimits};

/// Less holds no two of the longest messages.
const HISTORY_MIN: usize = 256 * 1024;
const HISTORY_MAX: usize = 64 << 30;
const MESSAGES_MAX: usize = 1_000_000_000;

const NOBODY: &str = "this is kept for the consumers of one login, and there are none; add a \
     [[port.consumer]], or remove it";

/// Reads who may log in, and what is kept for them; none where consumers have logins of their own.
pub(super) fn read(table: &mut Table<'_>) -> Option<FanoutOptions> {
    let default = HistoryLimits::default();
    let messages = integer(1..=MESSAGES_MAX);
    let history = HistoryLimits {
        bytes: table.with_default("history", size(HISTORY_MIN..=HISTORY_MAX), default.bytes),
        messages: table.with_default("history_messages", messages, default.messages),
    };
    let mut names = Unique::new("the username of a consumer");
    let consumers = table.tables("consumer", |table| {
        let credentials = consumer_credentials(table)?;
        // As logins are compared.
        let username = credentials.username().to_ascii_lowercase();
        names.claim(table, "username", username);
        Some(credentials)
    });
    if table.has("consumer") {
        return Some(FanoutOptions { consumers, history });
    }
    // What merely says the default says nothing of consumers.
    let bounds = [
        ("history", history.bytes != default.bytes),
        ("history_messages", history.messages != default.messages),
    ];
    for (key, _) in bounds.into_iter().filter(|(_, is_own)| *is_own) {
        table.report(key, NOBODY);
    }
    None
}

/// Notes a target that nobody is named to log in to: consumers do not, where one login serves all.
pub(super) fn report_nobody(table: &Table<'_>, lines: &[(String, Line)]) {
    let mut lines = lines.iter().filter(|(_, line)| !line.is_user_named);
    if let Some((target, _)) = lines.next() {
        let message = format!(
            "with consumers here, one login serves all of them, and \"{target}\" has no \
             \"username\" and \"password_file\" to log in with; give each target both"
        );
        table.report("consumer", message);
    }
}
