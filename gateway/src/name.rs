//! Names: those that clients send, and those that a configuration builds.
//!
//! A name from the wire is compared with names that were built here; it is never split into
//! parts that mean something.

use std::fmt;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::str::FromStr;

use thiserror::Error;

/// RFC 1035 §2.3.4 counts 255 bytes with the lengths of labels: 253 as text.
const NAME_MAX: usize = 253;
/// RFC 1035 §2.3.4.
const LABEL_MAX: usize = 63;

const SERVICE: &str = "{service}";
const DATACENTER: &str = "{datacenter}";

/// Why something is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NameError {
    /// No bytes, or only a dot.
    #[error("an empty name")]
    Empty,
    /// More than 253 bytes.
    #[error("a name of {0} bytes, where {NAME_MAX} are allowed")]
    TooLong(usize),
    /// RFC 6066 §3 keeps IP addresses out of server names.
    #[error("an IP address in place of a name")]
    IpAddress,
    /// `host:port`.
    #[error("a name with a port")]
    Port,
    /// Two dots in a row, or one at the start.
    #[error("an empty label")]
    EmptyLabel,
    /// More than 63 bytes between dots.
    #[error("a label of {0} bytes, where {LABEL_MAX} are allowed")]
    LabelTooLong(usize),
    /// Other than a letter, a digit, `-` or `_`.
    #[error("a name with the character {}", Escaped(&[*.0]))]
    Character(u8),
    /// In a name of the configuration.
    #[error("a name with the upper-case letter {}", char::from(*.0))]
    UpperCase(u8),
}

/// A host name: ASCII, lower-case, without a trailing dot, 1 to 253 bytes.
///
/// ```
/// use gateway::name::{NameError, ServerName};
///
/// let name = ServerName::parse(b"Currency.DC1.")?;
/// assert_eq!(name.as_str(), "currency.dc1");
/// assert_eq!(ServerName::parse(b"10.0.0.1"), Err(NameError::IpAddress));
/// # Ok::<(), NameError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerName(Box<str>);

impl ServerName {
    /// Parses a name as a client sent it, or as a configuration writes it. Case is folded and
    /// one trailing dot dropped. Underscores are allowed, as services have them.
    ///
    /// # Errors
    /// [`NameError`]: what the bytes are instead of a name.
    pub fn parse(bytes: &[u8]) -> Result<Self, NameError> {
        let bytes = bytes.strip_suffix(b".").unwrap_or(bytes);
        if bytes.is_empty() {
            return Err(NameError::Empty);
        }
        if bytes.len() > NAME_MAX {
            return Err(NameError::TooLong(bytes.len()));
        }
        check_not_address(bytes)?;
        bytes
            .split(|byte| *byte == b'.')
            .try_for_each(check_label)?;
        Ok(Self(lower_case(bytes)))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ServerName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text.as_bytes())
    }
}

/// The name of a service or of a data centre in a configuration: one label of 1 to 63 bytes of
/// `a-z`, `0-9`, `-` and `_`. Upper case is refused, not folded: the name is also a label of
/// metrics and an argument of commands, and those should read as it is written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(Box<str>);

impl Label {
    /// Parses one label.
    ///
    /// # Errors
    /// [`NameError`]: a dot is a [`NameError::Character`].
    pub fn parse(text: &str) -> Result<Self, NameError> {
        match text.bytes().find(u8::is_ascii_uppercase) {
            Some(letter) => Err(NameError::UpperCase(letter)),
            None if text.is_empty() => Err(NameError::Empty),
            None => check_label(text.as_bytes()).map(|()| Self(text.into())),
        }
    }

    /// The label as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn check_not_address(bytes: &[u8]) -> Result<(), NameError> {
    let Ok(text) = str::from_utf8(bytes) else {
        return Ok(()); // The check of its characters says what it is.
    };
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<IpAddr>().is_ok() {
        return Err(NameError::IpAddress);
    }
    let port = text.rsplit_once(':').map(|(_, port)| port);
    if text.parse::<SocketAddr>().is_ok() || port.is_some_and(|port| port.parse::<u16>().is_ok()) {
        return Err(NameError::Port);
    }
    Ok(())
}

fn check_label(label: &[u8]) -> Result<(), NameError> {
    let odd = |byte: &&u8| !byte.is_ascii_alphanumeric() && !matches!(byte, b'-' | b'_');
    match label.iter().find(odd) {
        Some(byte) => Err(NameError::Character(*byte)),
        None if label.is_empty() => Err(NameError::EmptyLabel),
        None if label.len() > LABEL_MAX => Err(NameError::LabelTooLong(label.len())),
        None => Ok(()),
    }
}

fn lower_case(ascii: &[u8]) -> Box<str> {
    let lower = ascii
        .iter()
        .map(|byte| char::from(byte.to_ascii_lowercase()));
    lower.collect::<String>().into_boxed_str()
}

/// Why a text is no pattern of names.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PatternError {
    /// A placeholder is not there.
    #[error("a pattern without {0}")]
    Missing(&'static str),
    /// A placeholder is there more than once.
    #[error("a pattern with {0} more than once")]
    Repeated(&'static str),
    /// A suffix stands for all services of a data centre, so the service comes first.
    #[error("a pattern with {DATACENTER} before {SERVICE}")]
    Order,
    /// A brace that is not that of a placeholder between dots.
    #[error("a pattern where {0:?} is not a whole label: {SERVICE} or {DATACENTER}")]
    Placeholder(String),
    /// What is between two dots is no label.
    #[error("a pattern with the label {label:?}")]
    Label {
        /// The text between the dots.
        label: String,
        /// What is wrong with it.
        source: NameError,
    },
}

/// How the name of a service in a data centre is written: `{service}.{datacenter}`, or longer.
///
/// ```
/// use gateway::name::NamePattern;
///
/// let consul = NamePattern::parse("{service}.default.{datacenter}.internal.td.consul")?;
/// let name = consul.name("currency", "dc2")?;
/// assert_eq!(name.as_str(), "currency.default.dc2.internal.td.consul");
/// assert!(consul.suffix("dc2")?.matches(&name));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePattern {
    /// Empty, or labels each with its dot: `a.`.
    before: Box<str>,
    /// A dot, or labels between dots: `.default.`.
    between: Box<str>,
    /// Empty, or labels each after its dot: `.internal.td.consul`.
    after: Box<str>,
}

impl NamePattern {
    /// Parses a pattern: labels with dots between them, `{service}` and, further right,
    /// `{datacenter}` among them once each. Case is folded.
    ///
    /// # Errors
    /// [`PatternError`].
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        text.split('.').try_for_each(check_part)?;
        let (before, rest) = split_once_only(text, SERVICE)?;
        let (_, after) = split_once_only(text, DATACENTER)?;
        let (between, _) = rest.split_once(DATACENTER).ok_or(PatternError::Order)?;
        Ok(Self {
            before: lower_case(before.as_bytes()),
            between: lower_case(between.as_bytes()),
            after: lower_case(after.as_bytes()),
        })
    }

    /// The name of `service` in `datacenter`.
    ///
    /// # Errors
    /// [`NameError`] where one of them is no [`Label`], or the whole is no name.
    pub fn name(&self, service: &str, datacenter: &str) -> Result<ServerName, NameError> {
        let service = Label::parse(service)?;
        let suffix = self.suffix(datacenter)?;
        let between = self.between.trim_end_matches('.');
        ServerName::parse(format!("{}{service}{between}{suffix}", self.before).as_bytes())
    }

    /// What the names in `datacenter` end with: all from the dot before `{datacenter}` on.
    ///
    /// # Errors
    /// [`NameError`] where `datacenter` is no [`Label`], or no name could end so.
    pub fn suffix(&self, datacenter: &str) -> Result<Suffix, NameError> {
        let datacenter = Label::parse(datacenter)?;
        let suffix = format!(".{datacenter}{}", self.after);
        ServerName::parse(format!("a{suffix}").as_bytes())?;
        Ok(Suffix(suffix.into()))
    }
}

/// `{service}.{datacenter}`.
impl Default for NamePattern {
    fn default() -> Self {
        Self {
            before: "".into(),
            between: ".".into(),
            after: "".into(),
        }
    }
}

impl FromStr for NamePattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        Self::parse(text)
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            before,
            between,
            after,
        } = self;
        write!(f, "{before}{SERVICE}{between}{DATACENTER}{after}")
    }
}

fn check_part(label: &str) -> Result<(), PatternError> {
    if label == SERVICE || label == DATACENTER {
        return Ok(());
    }
    if label.contains(['{', '}']) {
        return Err(PatternError::Placeholder(label.to_owned()));
    }
    check_label(label.as_bytes()).map_err(|source| PatternError::Label {
        label: label.to_owned(),
        source,
    })
}

fn split_once_only<'a>(
    text: &'a str,
    placeholder: &'static str,
) -> Result<(&'a str, &'a str), PatternError> {
    let (left, right) = text
        .split_once(placeholder)
        .ok_or(PatternError::Missing(placeholder))?;
    if right.contains(placeholder) {
        return Err(PatternError::Repeated(placeholder));
    }
    Ok((left, right))
}

/// What all names of a data centre end with: begins with a dot, and any number of labels, at
/// least one, may stand before it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Suffix(Box<str>);

impl Suffix {
    /// Whether `name` ends so.
    pub fn matches(&self, name: &ServerName) -> bool {
        name.as_str().ends_with(self.as_str())
    }

    /// The suffix as text, with its leading dot.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Suffix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Bytes from the wire, fit for a terminal and a log: what is outside 0x21 to 0x7e, a backslash
/// and a double quote are shown as `\x00`.
///
/// ```
/// use gateway::name::Escaped;
///
/// assert_eq!(Escaped(b"a\x1b[2J b").to_string(), r"a\x1b[2J\x20b");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Escaped<'a>(pub &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            match byte {
                b'\\' | b'"' => write!(f, "\\x{byte:02x}")?,
                0x21..=0x7e => write!(f, "{}", char::from(*byte))?,
                _ => write!(f, "\\x{byte:02x}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8]) -> Result<String, NameError> {
        ServerName::parse(bytes).map(|name| name.to_string())
    }

    #[test]
    fn names_are_folded_and_lose_one_dot() {
        for (sent, name) in [
            ("currency.dc1", "currency.dc1"),
            ("CURRENCY.Dc1", "currency.dc1"),
            ("currency.dc1.", "currency.dc1"),
            ("my_service.dc-1", "my_service.dc-1"),
            ("localhost", "localhost"),
            ("1.2.3", "1.2.3"),
            ("xn--caf-dma.dc1", "xn--caf-dma.dc1"),
        ] {
            assert_eq!(parse(sent.as_bytes()).as_deref(), Ok(name));
        }
    }

    #[test]
    fn what_is_no_name_is_called_by_its_fault() {
        use NameError::*;
        for (sent, error) in [
            (&b""[..], Empty),
            (b".", Empty),
            (b"..", EmptyLabel),
            (b"a..dc1", EmptyLabel),
            (b".dc1", EmptyLabel),
            (b"currency.dc1..", EmptyLabel),
            (b"10.0.0.1", IpAddress),
            (b"10.0.0.1.", IpAddress),
            (b"::1", IpAddress),
            (b"[2001:db8::1]", IpAddress),
            (b"currency.dc1:443", Port),
            (b"10.0.0.1:443", Port),
            (b"[::1]:443", Port),
            (b"currency\0.dc1", Character(0)),
            (b"currency .dc1", Character(b' ')),
            (b"*.dc1", Character(b'*')),
            (b"currency/dc1", Character(b'/')),
            ("caf\u{e9}.dc1".as_bytes(), Character(0xc3)),
            (b"\xff\xfe", Character(0xff)),
        ] {
            assert_eq!(parse(sent), Err(error), "{}", Escaped(sent));
        }
    }

    #[test]
    fn lengths_are_bounded() {
        let label = "a".repeat(63);
        let name = [&label[..], &label, &label, &label[..61]].join(".");
        assert_eq!(name.len(), 253);
        assert_eq!(parse(name.as_bytes()).as_deref(), Ok(&name[..]));
        assert_eq!(
            parse(format!("{name}.").as_bytes()).as_deref(),
            Ok(&name[..])
        );
        assert_eq!(
            parse(format!("a{name}").as_bytes()),
            Err(NameError::TooLong(254))
        );
        assert_eq!(
            parse(format!("a{label}.dc1").as_bytes()),
            Err(NameError::LabelTooLong(64))
        );
    }

    #[test]
    fn errors_are_fit_for_a_terminal() {
        assert_eq!(
            NameError::Character(0x1b).to_string(),
            r"a name with the character \x1b"
        );
        assert_eq!(
            Escaped(b"\"\\\x7f\x80~!").to_string(),
            r"\x22\x5c\x7f\x80~!"
        );
    }

    #[test]
    fn a_label_is_lower_case_and_has_no_dot() {
        assert_eq!(
            Label::parse("itch-feed_2")
                .map(|label| label.to_string())
                .as_deref(),
            Ok("itch-feed_2")
        );
        assert_eq!(Label::parse("Currency"), Err(NameError::UpperCase(b'C')));
        assert_eq!(Label::parse("a.b"), Err(NameError::Character(b'.')));
        assert_eq!(Label::parse(""), Err(NameError::Empty));
        assert_eq!(
            Label::parse(&"a".repeat(64)),
            Err(NameError::LabelTooLong(64))
        );
    }

    fn names(pattern: &str) -> (String, String) {
        let pattern = NamePattern::parse(pattern).expect("a pattern");
        let name = pattern.name("currency", "dc2").expect("a name");
        let suffix = pattern.suffix("dc2").expect("a suffix");
        assert!(suffix.matches(&name));
        (name.to_string(), suffix.to_string())
    }

    #[test]
    fn patterns_build_names_and_suffixes() {
        for (pattern, name, suffix) in [
            ("{service}.{datacenter}", "currency.dc2", ".dc2"),
            (
                "{service}.default.{datacenter}.internal.TD.consul",
                "currency.default.dc2.internal.td.consul",
                ".dc2.internal.td.consul",
            ),
            (
                "v1.{service}.a.b.{datacenter}.c",
                "v1.currency.a.b.dc2.c",
                ".dc2.c",
            ),
        ] {
            assert_eq!(
                names(pattern),
                (name.to_owned(), suffix.to_owned()),
                "{pattern}"
            );
        }
    }

    #[test]
    fn a_suffix_spans_any_number_of_labels_and_starts_at_a_dot() {
        let pattern = NamePattern::parse("{service}.{datacenter}").unwrap();
        let suffix = pattern.suffix("dc2").unwrap();
        for (name, matches) in [
            ("currency.dc2", true),
            ("v1.currency.dc2", true),
            ("dc2", false),
            ("currency.notdc2", false),
            ("currency.dc2.example", false),
        ] {
            assert_eq!(suffix.matches(&name.parse().unwrap()), matches, "{name}");
        }
    }

    #[test]
    fn patterns_that_could_not_be_meant_are_refused() {
        use PatternError::*;
        let label = |label: &str, source| Label {
            label: label.to_owned(),
            source,
        };
        for (pattern, error) in [
            ("", label("", NameError::EmptyLabel)),
            ("{service}", Missing("{datacenter}")),
            ("{datacenter}.consul", Missing("{service}")),
            ("{service}.{service}.{datacenter}", Repeated("{service}")),
            (
                "{service}.{datacenter}.{datacenter}",
                Repeated("{datacenter}"),
            ),
            ("{datacenter}.{service}", Order),
            (
                "x-{service}.{datacenter}",
                Placeholder("x-{service}".to_owned()),
            ),
            (
                "{service}{datacenter}",
                Placeholder("{service}{datacenter}".to_owned()),
            ),
            ("{service}.{dc}", Placeholder("{dc}".to_owned())),
            ("{service}..{datacenter}", label("", NameError::EmptyLabel)),
            ("{service}.{datacenter}.", label("", NameError::EmptyLabel)),
            (
                "{service}.{datacenter}.a b",
                label("a b", NameError::Character(b' ')),
            ),
        ] {
            assert_eq!(NamePattern::parse(pattern), Err(error), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_takes_labels_only_and_gives_names_only() {
        let pattern = NamePattern::parse("{service}.{datacenter}").unwrap();
        assert_eq!(pattern.name("a.b", "dc1"), Err(NameError::Character(b'.')));
        assert_eq!(pattern.name("a", ""), Err(NameError::Empty));
        let numbers = NamePattern::parse("{service}.{datacenter}.0.1").unwrap();
        assert_eq!(numbers.name("10", "0"), Err(NameError::IpAddress));
        let long = format!("{{service}}.{{datacenter}}{}", ".abcdefghi".repeat(25));
        let long = NamePattern::parse(&long).unwrap();
        assert_eq!(long.suffix("dc1"), Err(NameError::TooLong(255)));
    }
}
