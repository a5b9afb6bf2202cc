//! Another reader of hellos, rustls, and in what it may differ. The fuzz target uses this too.

use gateway::hello::{
    ClientHello, HelloBounds, HelloError, Malformed, Progress, Reassembly, SniField,
};
use gateway::name::{NameError, ServerName};
use rustls::server::Acceptor;

/// What both readers said of the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Verdict {
    /// Both read a hello, and found the same in it.
    Accepted,
    /// Neither reads a hello: refused, or wants more.
    Refused,
    /// Only we read a hello: rustls judges what it would have to negotiate with, too, and wants
    /// the whole last record, whose end is nothing to us.
    OnlyOurs,
    /// Only rustls reads a hello, and we refuse it on purpose.
    OnlyTheirs(Stricter),
}

/// What we refuse, and rustls does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Stricter {
    /// rustls takes 64 KiB of handshake.
    Length,
    /// RFC 8446 §5.1 allows 2^14; rustls leaves room for what encryption adds.
    RecordLength,
    /// See `EXTENSIONS_MAX`.
    Extensions,
    /// rustls skips all of the list behind the first entry of an unknown type. RFC 6066 §3
    /// gives every entry a length, so we go on, and see what is wrong behind it.
    ServerNames,
}

/// Reads `flight` with both.
///
/// # Panics
/// When they contradict each other.
pub(crate) fn compare(flight: &[u8]) -> Verdict {
    let mut reassembly = Reassembly::default();
    let ours = reassembly.push(flight, &HelloBounds::default());
    let theirs = accept(flight);
    let hello = match (&ours, &theirs) {
        (Ok(Progress::Complete), _) => {
            ClientHello::parse(reassembly.message()).map_err(HelloError::from)
        }
        (Ok(Progress::Incomplete), Some(_)) => panic!("rustls needs no more bytes"),
        (Ok(Progress::Incomplete), None) => return Verdict::Refused,
        (Err(_), _) => ours.map(|_| unreachable!("an error")),
    };
    match (hello, theirs) {
        (Ok(hello), Some(theirs)) => agree(&hello, &theirs),
        (Ok(_), None) => Verdict::OnlyOurs,
        (Err(_), None) => Verdict::Refused,
        (Err(error), Some(_)) => Verdict::OnlyTheirs(stricter(&error)),
    }
}

struct Theirs {
    name: Option<String>,
    alpn: Vec<Vec<u8>>,
    cipher_suites: Vec<u16>,
}

fn accept(mut flight: &[u8]) -> Option<Theirs> {
    let mut acceptor = Acceptor::default();
    loop {
        if acceptor.read_tls(&mut flight).ok()? == 0 {
            return None;
        }
        if let Some(accepted) = acceptor.accept().ok()? {
            let hello = accepted.client_hello();
            let alpn = hello
                .alpn()
                .map(|names| names.map(<[u8]>::to_vec).collect());
            let suites = hello.cipher_suites().iter().map(|suite| u16::from(*suite));
            return Some(Theirs {
                name: hello.server_name().map(str::to_owned),
                alpn: alpn.unwrap_or_default(),
                cipher_suites: suites.collect(),
            });
        }
    }
}

fn agree(hello: &ClientHello<'_>, theirs: &Theirs) -> Verdict {
    let ours = match hello.server_name {
        SniField::Absent => None,
        SniField::Name(sent) => match ServerName::parse(sent) {
            Ok(name) => Some(name.to_string()),
            // rustls takes an IP address for no name at all; so a server answers, but no route
            // follows from it.
            Err(NameError::IpAddress) => None,
            Err(error) => panic!("rustls accepts what is no name here: {error}"),
        },
    };
    // rustls folds case as we do, and keeps a trailing dot.
    let name = theirs
        .name
        .as_ref()
        .map(|name| name.strip_suffix('.').unwrap_or(name));
    assert_eq!(ours.as_deref(), name);
    assert!(
        hello.alpn().eq(theirs.alpn.iter().map(Vec::as_slice)),
        "ALPN"
    );
    assert!(
        hello
            .cipher_suites()
            .eq(theirs.cipher_suites.iter().copied()),
        "cipher suites"
    );
    Verdict::Accepted
}

fn stricter(error: &HelloError) -> Stricter {
    match error {
        HelloError::TooLong { .. } => Stricter::Length,
        HelloError::Malformed(Malformed::RecordTooLong(_)) => Stricter::RecordLength,
        HelloError::Malformed(Malformed::TooManyExtensions) => Stricter::Extensions,
        HelloError::Malformed(
            Malformed::SeveralServerNames | Malformed::Length("server names"),
        ) => Stricter::ServerNames,
        error => panic!("rustls accepts what is refused here: {error}"),
    }
}
