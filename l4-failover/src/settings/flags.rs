//! One port without a file, from flags alone.

use super::Settings;
use crate::config::{Diagnostics, Flag, Given, did_you_mean, read_flags};

/// What the port is called in logs, metrics, commands and the `ready` line.
const NAME: &str = "port";

/// The checks that a word says all of.
const CHECKS: [&str; 2] = ["tcp", "none"];

/// The flags that stand for a file with one port, as they were typed.
///
/// ```
/// use l4_failover::settings::{Flags, Settings};
///
/// let flags = Flags {
///     listen: "127.0.0.1:19100".to_owned(),
///     primary: vec!["127.0.0.1:9000".to_owned()],
///     backup: vec!["127.0.0.1".to_owned()],
///     ..Flags::default()
/// };
/// let mistakes = Settings::from_flags(flags).unwrap_err();
/// assert_eq!(
///     mistakes.to_string(),
///     "--backup: expected \"host:port\", found \"127.0.0.1\": it names no port"
/// );
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--listen`: the key `listen` of `[[port]]`.
    pub listen: String,
    /// `--primary`, at least once.
    pub primary: Vec<String>,
    /// `--backup`, as often as there are backups.
    pub backup: Vec<String>,
    /// `--protocol`.
    pub protocol: Option<String>,
    /// `--check`: `tcp` or `none`. Other types need more than a word, and thus a file.
    pub check: Option<String>,
    /// `--admin`: the key `address` of `[admin]`. Without it operators are not served.
    pub admin: Option<String>,
}

impl Settings {
    /// The settings of a file that says what the flags do, by the same rules.
    ///
    /// # Errors
    /// Every mistake, each with the name of its flag.
    pub fn from_flags(mut flags: Flags) -> Result<Self, Diagnostics> {
        let Some(message) = flags.check.as_deref().and_then(wrong_check) else {
            return read_flags(flags.given(), Self::read);
        };
        flags.check = None;
        let others = read_flags(flags.given(), Self::read).err();
        Err(others.unwrap_or_default().with_flag("--check", message))
    }
}

/// Why the flags cannot have a check of this type.
fn wrong_check(word: &str) -> Option<String> {
    let needs = match word {
        "tcp" | "none" => return None,
        "http" => "what to ask for, as in check = { type = \"http\", path = \"/health\" }",
        "tls" => "a server name, as in primary = [{ address = …, tls = { server_name = … } }]",
        "soupbintcp" => {
            "a login of its own, as in check = { type = \"soupbintcp\", username = …, \
             password_file = … }"
        }
        other => {
            let hint = did_you_mean(other, CHECKS);
            let known = CHECKS.map(|check| format!("{check:?}")).join(" or ");
            return Some(format!("expected {known}, found {other:?}{hint}"));
        }
    };
    Some(format!(
        "a check of type {word:?} needs {needs}, which only a file can say: write one and \
         `run --config FILE`; flags have \"tcp\" and \"none\""
    ))
}

impl Flags {
    fn given(self) -> Vec<Flag> {
        let flag = |name, path, value| Flag { name, path, value };
        let lists = [
            flag("--primary", "port[0].primary", Given::Each(self.primary)),
            flag("--backup", "port[0].backup", Given::Each(self.backup)),
        ];
        let words = [
            ("the port", "port[0].name", Some(NAME.to_owned())),
            ("--listen", "port[0].listen", Some(self.listen)),
            ("--protocol", "port[0].protocol", self.protocol),
            ("--check", "port[0].check", self.check),
            ("--admin", "admin.address", self.admin),
        ];
        let words = words
            .into_iter()
            .filter_map(|(name, path, word)| Some(flag(name, path, Given::Once(word?))));
        lists.into_iter().chain(words).collect()
    }
}
