//! Names: those that clients send, and those that a configuration builds.
//!
//! A name from the wire is compared with names that were built here; it is never split into
//! parts that mean something.

mod glob;

use std::fmt;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::str::FromStr;

use thiserror::Error;

pub(crate) use self::glob::Glob;

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
        check_lower_label(text).map(|()| Self(text.into()))
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

fn check_lower_label(text: &str) -> Result<(), NameError> {
    match text.bytes().find(u8::is_ascii_uppercase) {
        Some(letter) => Err(NameError::UpperCase(letter)),
        None if text.is_empty() => Err(NameError::Empty),
        None => check_label(text.as_bytes()),
    }
}

fn check_not_address(bytes: &[u8]) -> Result<(), NameError> {
    // An address has a colon or a bracket, or is all digits and dots: most names are told at once.
    let is_of_addresses = |byte: &u8| matches!(byte, b':' | b'[' | b']');
    let is_of_numbers = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    if !bytes.iter().any(is_of_addresses) && !bytes.iter().all(is_of_numbers) {
        return Ok(());
    }
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
    let text = String::from_utf8_lossy(ascii);
    text.to_ascii_lowercase().into_boxed_str()
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
        check_lower_label(service)?;
        check_lower_label(datacenter)?;
        let parts = [
            &self.before,
            service,
            &self.between,
            datacenter,
            &self.after,
        ];
        // The suffix is looked at by itself only for what is wrong with it.
        let name = ServerName::parse(parts.concat().as_bytes());
        name.or_else(|error| self.suffix(datacenter).and(Err(error)))
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
mod tests;
