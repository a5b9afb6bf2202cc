//! One port without a file, from flags alone.

use super::Settings;
use crate::config::{Diagnostics, Flag, Given, read_flags};

/// What the port is called in logs, metrics, commands and the `ready` line.
const NAME: &str = "port";

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
    /// `--check`: a type, in one word.
    pub check: Option<String>,
    /// `--admin`: the key `address` of `[admin]`. Without it operators are not served.
    pub admin: Option<String>,
}

impl Settings {
    /// The settings of a file that says what the flags do, by the same rules.
    ///
    /// # Errors
    /// Every mistake, each with the name of its flag.
    pub fn from_flags(flags: Flags) -> Result<Self, Diagnostics> {
        read_flags(flags.given(), Self::read)
    }
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
