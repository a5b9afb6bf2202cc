//! Names of callers: what their certificates carry, and what the configuration allows.

use std::fmt;
use std::str::FromStr;

use rustls::pki_types::DnsName;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// A name in a certificate's `subjectAltName`: a DNS name or a URI.
///
/// Two are equal only as a whole: a DNS name in either case of letters, a URI byte by byte. A `*`
/// is a letter like others.
///
/// ```
/// use l4_failover::socket::tls::San;
/// let allowed: San = "WebService.dc1".parse()?;
/// assert_eq!(allowed, "webservice.dc1".parse()?);
/// assert_ne!(allowed, "spiffe://dc1/webservice".parse()?);
/// # Ok::<(), l4_failover::socket::tls::SanError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct San(Kind);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// In lower case.
    Dns(String),
    Uri(String),
}

/// Why a text is no name that can be allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SanError {
    /// It stands for many.
    #[error("{0:?} is no caller's name: callers are allowed by their whole names, each by its own")]
    Wildcard(String),
    /// It is neither of the two.
    #[error(
        "{0:?} is neither a DNS name such as \"webservice.dc1\" nor a URI such as \
         \"spiffe://dc1/webservice\""
    )]
    Neither(String),
}

impl San {
    fn dns(name: &str) -> Self {
        Self(Kind::Dns(name.to_ascii_lowercase()))
    }

    fn uri(uri: &str) -> Self {
        Self(Kind::Uri(uri.to_owned()))
    }

    fn from_certificate(name: &GeneralName<'_>) -> Option<Self> {
        match name {
            GeneralName::DNSName(name) => Some(Self::dns(name)),
            GeneralName::URI(uri) => Some(Self::uri(uri)),
            _ => None,
        }
    }
}

impl FromStr for San {
    type Err = SanError;

    fn from_str(text: &str) -> Result<Self, SanError> {
        let neither = || SanError::Neither(text.to_owned());
        if let Some((scheme, rest)) = text.split_once("://") {
            let is_uri = is_scheme(scheme) && !rest.is_empty();
            let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
            return (is_uri && is_plain)
                .then(|| Self::uri(text))
                .ok_or_else(neither);
        }
        if text.contains('*') {
            return Err(SanError::Wildcard(text.to_owned()));
        }
        match DnsName::try_from(text) {
            // A certificate's names have no final dot.
            Ok(_) if !text.ends_with('.') => Ok(Self::dns(text)),
            _ => Err(neither()),
        }
    }
}

/// RFC 3986 §3.1.
fn is_scheme(text: &str) -> bool {
    let more = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(more)
}

/// Written as in the configuration, but for what a certificate must not make a terminal do.
impl fmt::Display for San {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Kind::Dns(name) | Kind::Uri(name)) = &self.0;
        name.escape_debug().fmt(f)
    }
}

/// Who called: the names that the certificate carries. Its subject (CN) says nothing here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    names: Vec<San>,
}

impl Caller {
    /// The DNS names and URIs of a certificate; nothing if it is none.
    pub(super) fn of(certificate: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        let names = certificate.subject_alternative_name().ok()?;
        let names = names.iter().flat_map(|names| &names.value.general_names);
        Some(Self {
            names: names.filter_map(San::from_certificate).collect(),
        })
    }

    /// The DNS names and URIs, in the certificate's order.
    #[must_use]
    pub fn names(&self) -> &[San] {
        &self.names
    }

    /// Whether one of the names is among those.
    #[must_use]
    pub fn is_any_of(&self, allowed: &[San]) -> bool {
        self.names.iter().any(|name| allowed.contains(name))
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// A line of the log has an end.
        const SHOWN_MAX: usize = 8;
        if self.names.is_empty() {
            return f.write_str("no DNS name or URI");
        }
        for (at, name) in self.names.iter().take(SHOWN_MAX).enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{name}")?;
        }
        match self.names.len().saturating_sub(SHOWN_MAX) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_configuration() {
        let dns = [
            "webservice.dc1",
            "a",
            "web_service.dc1",
            "xn--bcher-kva.example",
        ];
        let uris = ["spiffe://dc1/webservice", "https://x", "a+b.c-d://Y"];
        for text in dns.into_iter().chain(uris) {
            assert_eq!(text.parse::<San>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "a b",
            "webservice.dc1.",
            "bücher.example",
            "10.0.0.1",
            "a..b",
        ]
        .into_iter()
        .chain(["://x", "1a://x", "spiffe://", "spiffe://a b", "spiffe://ü"])
        {
            let neither = SanError::Neither(text.to_owned());
            assert_eq!(text.parse::<San>(), Err(neither), "{text}");
        }
        let wildcard = SanError::Wildcard("*.dc1".to_owned());
        assert_eq!("*.dc1".parse::<San>(), Err(wildcard));
    }

    #[test]
    fn only_the_case_of_dns_names_is_ignored() {
        let san = |text: &str| text.parse::<San>().unwrap();
        assert_eq!(san("WEB.dc1"), san("web.DC1"));
        assert_ne!(san("spiffe://dc1/Web"), san("spiffe://dc1/web"));
        let caller = |names: &[San]| Caller {
            names: names.to_vec(),
        };
        // What a certificate may say, and no configuration.
        let any = San::dns("*.dc1");
        assert!(!caller(&[any]).is_any_of(&[san("web.dc1")]));
        assert!(!caller(&[]).is_any_of(&[san("web.dc1")]));
        assert!(!caller(&[san("web.dc1")]).is_any_of(&[]));
        assert!(!caller(&[San::dns("spiffe://dc1/web")]).is_any_of(&[san("spiffe://dc1/web")]));
    }

    #[test]
    fn what_a_caller_shows_fits_on_one_line() {
        let names = (0..10).map(|n| San::dns(&format!("a{n}\n"))).collect();
        let shown = Caller { names }.to_string();
        assert_eq!(
            shown,
            r"a0\n, a1\n, a2\n, a3\n, a4\n, a5\n, a6\n, a7\n and 2 more"
        );
    }
}
