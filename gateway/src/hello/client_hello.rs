//! Reads a ClientHello's body (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2) as a view of its bytes.

use tls_parser::{SNIType, TlsExtension, parse_tls_extension_sni_content};

use super::Malformed;
use super::reader::Reader;

/// Most extensions that a hello may carry. All types that IANA has assigned (some 65) and the 16
/// of GREASE together stay below it. It bounds the search for duplicates, which compares each
/// with all before it: at most 8128 comparisons, and no memory.
pub const EXTENSIONS_MAX: usize = 128;

/// The length of the client's random.
pub const RANDOM_BYTES: usize = 32;

const SESSION_ID_MAX: usize = 32;

const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;
const SUPPORTED_VERSIONS: u16 = 43;
const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;

/// What the `server_name` extension (RFC 6066 §3) says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SniField<'a> {
    /// There is no such extension, or it holds only entries of types other than `host_name`.
    Absent,
    /// The one `host_name`, as sent: at least one byte, and any bytes at all.
    Name(&'a [u8]),
}

/// What a client offers, borrowed from the bytes of its hello.
///
/// Lengths are checked strictly, so every list is sound once parsed; values are not judged.
/// With encrypted client hello (ECH) this is the outer hello.
#[derive(Debug, Clone, Copy)]
pub struct ClientHello<'a> {
    /// The version field, frozen at 0x0303 since TLS 1.3; see [`ClientHello::version`].
    pub legacy_version: u16,
    /// The client's random.
    pub random: &'a [u8; RANDOM_BYTES],
    /// The session id, 0 to 32 bytes.
    pub session_id: &'a [u8],
    /// What only a hello of DTLS has (RFC 6347 §4.2.1): the server's cookie, which is empty in the
    /// first hello.
    pub cookie: Option<&'a [u8]>,
    /// The compression methods, at least one.
    pub compression_methods: &'a [u8],
    /// The server name.
    pub server_name: SniField<'a>,
    /// Whether encrypted client hello (0xfe0d) is there: real or, as browsers send it, GREASE,
    /// which nobody without the key can tell apart.
    pub ech: bool,
    cipher_suites: &'a [u8],
    extensions: &'a [u8],
    protocols: &'a [u8],
    supported_versions: &'a [u8],
}

impl<'a> ClientHello<'a> {
    /// Parses the body of a ClientHello, which begins with `legacy_version`. A hello without
    /// extensions, as in SSLv3, is sound.
    ///
    /// # Errors
    /// The first fault that was found.
    ///
    /// ```
    /// use gateway::hello::{ClientHello, Malformed};
    ///
    /// let error = ClientHello::parse(&[3, 3]).unwrap_err();
    /// assert_eq!(error, Malformed::Truncated("random"));
    /// ```
    pub fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        Self::parse_body(body, |_| Ok(None))
    }

    /// Parses the body of a ClientHello of DTLS (RFC 6347 §4.3.2, RFC 9147 §5.3), which has a
    /// cookie behind the session id.
    ///
    /// # Errors
    /// The first fault that was found.
    pub fn parse_dtls(body: &'a [u8]) -> Result<Self, Malformed> {
        Self::parse_body(body, |body| body.vec8("cookie").map(Some))
    }

    fn parse_body(
        body: &'a [u8],
        cookie: impl FnOnce(&mut Reader<'a>) -> Result<Option<&'a [u8]>, Malformed>,
    ) -> Result<Self, Malformed> {
        let mut body = Reader(body);
        let mut hello = Self {
            legacy_version: body.u16("version")?,
            random: body.array("random")?,
            session_id: body.vec8("session id")?,
            cookie: cookie(&mut body)?,
            cipher_suites: body.vec16("cipher suites")?,
            compression_methods: body.vec8("compression methods")?,
            server_name: SniField::Absent,
            ech: false,
            extensions: &[],
            protocols: &[],
            supported_versions: &[],
        };
        hello.check_lengths()?;
        if !body.is_empty() {
            hello.extensions = body.vec16("extensions")?;
        }
        if !body.is_empty() {
            return Err(Malformed::TrailingBytes);
        }
        hello.read_extensions()?;
        Ok(hello)
    }

    /// The cipher suites in the client's order, at least one, with GREASE.
    pub fn cipher_suites(&self) -> impl Iterator<Item = u16> + use<'a> {
        pairs(self.cipher_suites)
    }

    /// The extensions in the client's order, with GREASE: the type, and the bytes behind its
    /// length. At most [`EXTENSIONS_MAX`].
    pub fn extensions(&self) -> impl Iterator<Item = (u16, &'a [u8])> + use<'a> {
        let mut extensions = Reader(self.extensions);
        // `parse` saw every one of them, so none fails here.
        std::iter::from_fn(move || extensions.extension().ok())
    }

    /// The application protocols (ALPN, RFC 7301) in the client's order; none without the
    /// extension. Each has 1 to 255 bytes, any bytes at all.
    pub fn alpn(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut protocols = Reader(self.protocols);
        std::iter::from_fn(move || protocols.vec8("ALPN").ok())
    }

    /// What `supported_versions` (RFC 8446 §4.2.1) lists in the client's order, without GREASE;
    /// none without the extension.
    pub fn versions(&self) -> impl Iterator<Item = u16> + use<'a> {
        pairs(self.supported_versions).filter(|version| !is_grease(*version))
    }

    /// The greatest version that the client offers: of [`ClientHello::versions`], or where there
    /// are none `legacy_version`. 0x0304 is TLS 1.3, 0xfefc is DTLS 1.3.
    pub fn version(&self) -> u16 {
        let greatest = match self.cookie {
            None => self.versions().max(),
            Some(_) => self.versions().min(), // DTLS counts its versions down.
        };
        greatest.unwrap_or(self.legacy_version)
    }

    fn check_lengths(&self) -> Result<(), Malformed> {
        if self.session_id.len() > SESSION_ID_MAX {
            return Err(Malformed::Length("session id"));
        }
        if self.compression_methods.is_empty() {
            return Err(Malformed::Length("compression methods"));
        }
        check_pairs(self.cipher_suites, "cipher suites")
    }

    /// Walks all extensions by their headers: one that is odd inside hides none behind it.
    fn read_extensions(&mut self) -> Result<(), Malformed> {
        let mut rest = Reader(self.extensions);
        for before in 0.. {
            if rest.is_empty() {
                break;
            }
            if before == EXTENSIONS_MAX {
                return Err(Malformed::TooManyExtensions);
            }
            let (kind, content) = rest.extension()?;
            if self
                .extensions()
                .take(before)
                .any(|(other, _)| other == kind)
            {
                return Err(Malformed::DuplicateExtension(kind));
            }
            self.read_extension(kind, content)?;
        }
        Ok(())
    }

    fn read_extension(&mut self, kind: u16, content: &'a [u8]) -> Result<(), Malformed> {
        match kind {
            SERVER_NAME => self.server_name = server_name(content)?,
            ALPN => self.protocols = protocols(content)?,
            SUPPORTED_VERSIONS => self.supported_versions = supported_versions(content)?,
            ENCRYPTED_CLIENT_HELLO => self.ech = true,
            _ => {}
        }
        Ok(())
    }
}

/// Whether a version, cipher suite, extension type or group is one of those that mean nothing
/// and keep servers tolerant: 0x0a0a, 0x1a1a, to 0xfafa (RFC 8701 §2).
pub fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

fn server_name(content: &[u8]) -> Result<SniField<'_>, Malformed> {
    let Ok((_, TlsExtension::SNI(entries))) = parse_tls_extension_sni_content(content) else {
        return Err(Malformed::Truncated("server names"));
    };
    // The parser stops without a word at an entry that is cut short, and leaves what follows the
    // list; behind its length of two bytes, the entries must be all there is.
    let entries_len: usize = entries.iter().map(|(_, name)| 3 + name.len()).sum();
    if entries_len != content.len().saturating_sub(2) {
        return Err(Malformed::Length("server names"));
    }
    if entries.is_empty() {
        return Err(Malformed::NoServerNames);
    }
    host_name(&entries)
}

/// Other types are passed over: RFC 6066 §3 gives them all a length of 16 bits.
fn host_name<'a>(entries: &[(SNIType, &'a [u8])]) -> Result<SniField<'a>, Malformed> {
    let mut names = entries
        .iter()
        .filter(|(kind, _)| *kind == SNIType::HostName)
        .map(|(_, name)| *name);
    match (names.next(), names.next()) {
        (None, _) => Ok(SniField::Absent),
        (Some(_), Some(_)) => Err(Malformed::SeveralServerNames),
        (Some([]), None) => Err(Malformed::EmptyServerName),
        (Some(name), None) => Ok(SniField::Name(name)),
    }
}

/// RFC 7301 §3.1: a list of at least one name, each of at least one byte.
fn protocols(content: &[u8]) -> Result<&[u8], Malformed> {
    let mut content = Reader(content);
    let protocols = content.vec16("ALPN")?;
    if protocols.is_empty() || !content.is_empty() {
        return Err(Malformed::Length("ALPN"));
    }
    let mut rest = Reader(protocols);
    while !rest.is_empty() {
        if rest.vec8("ALPN")?.is_empty() {
            return Err(Malformed::Length("ALPN"));
        }
    }
    Ok(protocols)
}

fn supported_versions(content: &[u8]) -> Result<&[u8], Malformed> {
    let mut content = Reader(content);
    let versions = content.vec8("supported versions")?;
    if !content.is_empty() {
        return Err(Malformed::Length("supported versions"));
    }
    check_pairs(versions, "supported versions")?;
    Ok(versions)
}

fn check_pairs(list: &[u8], field: &'static str) -> Result<(), Malformed> {
    if list.is_empty() || !list.len().is_multiple_of(2) {
        return Err(Malformed::Length(field));
    }
    Ok(())
}

pub(super) fn pairs(list: &[u8]) -> impl Iterator<Item = u16> + use<'_> {
    list.as_chunks()
        .0
        .iter()
        .map(|pair| u16::from_be_bytes(*pair))
}

#[cfg(test)]
mod tests;
