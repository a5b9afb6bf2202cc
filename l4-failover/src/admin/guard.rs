//! Who may ask: requests meant for this server, from its own pages, with its token.

use super::options::Address;
use super::token::Token;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri, Version};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{RequestExt, Router};
use std::net::IpAddr;
use std::sync::Arc;

/// The longest body that is read; commands take a few names and flags.
const BODY_MAX: usize = 64 * 1024;

/// This machine, from itself.
const LOCALHOST: &str = "localhost";

/// The address that a connection reached the server by; none on a unix socket.
#[derive(Clone, Copy)]
pub(super) struct LocalIp(pub(super) Option<IpAddr>);

/// Why a request goes no further.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the request must name its host, once")]
    NoHost,
    #[error(
        "the host of the request is not this server's: use its address, or add the name to \
         hosts under [admin]"
    )]
    ForeignHost,
    #[error("the page that sends this request is not this server's")]
    ForeignOrigin,
    #[error("this needs the server's token, as in \"Authorization: Bearer …\"")]
    NoToken,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let sentence = format!("{self}\n");
        match self {
            Self::NoToken => {
                let challenge = [(WWW_AUTHENTICATE, "Bearer")];
                (StatusCode::UNAUTHORIZED, challenge, sentence).into_response()
            }
            Self::NoHost | Self::ForeignHost | Self::ForeignOrigin => {
                (StatusCode::FORBIDDEN, sentence).into_response()
            }
        }
    }
}

/// `router`, behind `guard`, with bounded bodies.
pub(super) fn guarded(router: Router, guard: Guard) -> Router {
    router
        .layer(from_fn_with_state(Arc::new(guard), admit))
        .layer(DefaultBodyLimit::max(BODY_MAX))
}

async fn admit(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let (parts, body): (Parts, Body) = request.into_parts();
    match guard.check(&parts) {
        Ok(()) => {
            let request = Request::from_parts(parts, body);
            next.run(request.with_limited_body()).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// What a request must show.
pub(super) struct Guard {
    /// Whether clients reach the server from this machine only.
    private: bool,
    hosts: Vec<String>,
    token: Option<Token>,
    public_paths: Vec<String>,
}

impl Guard {
    /// `hosts` are names that the server is known by; a port in them does not matter.
    pub(super) fn new(
        address: &Address,
        hosts: &[String],
        token: Option<Token>,
        public_paths: Vec<String>,
    ) -> Self {
        let names = hosts.iter().filter_map(|host| host_of(host));
        Self {
            private: address.is_private(),
            hosts: names.chain([LOCALHOST.to_owned()]).collect(),
            token,
            public_paths,
        }
    }

    pub(super) fn check(&self, request: &Parts) -> Result<(), Refusal> {
        let local = request
            .extensions
            .get::<LocalIp>()
            .and_then(|local| local.0);
        self.check_host(request, local)?;
        self.check_origin(&request.headers)?;
        self.check_token(request)
    }

    /// The name in the request's target counts as much as the header: either may be believed.
    fn check_host(&self, request: &Parts, local: Option<IpAddr>) -> Result<(), Refusal> {
        let header = match one(&request.headers, &HOST) {
            Ok(Some(host)) => Some(host),
            Ok(None) if request.version == Version::HTTP_10 => None,
            Ok(None) | Err(Ambiguous) => return Err(Refusal::NoHost),
        };
        let target = request.uri.authority().map(Authority::as_str);
        let own = |host: &str| host_of(host).is_some_and(|host| self.is_own(&host, local));
        match header.into_iter().chain(target).all(own) {
            true => Ok(()),
            false => Err(Refusal::ForeignHost),
        }
    }

    /// Browsers say where a request comes from; other clients say nothing, and need not.
    ///
    /// A page of another port is of another program, be it on the same machine: the origin is the host
    /// that was asked, its port included. Where somebody in front of this server changes that, it is a
    /// name that operators have given it.
    fn check_origin(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let site = one(headers, &HeaderName::from_static("sec-fetch-site"));
        let origin = one(headers, &ORIGIN);
        let asked = one(headers, &HOST).ok().flatten();
        let own = |origin: &str| {
            let origin = authority_of_origin(origin);
            origin.is_some_and(|origin| {
                let is_asked = asked.is_some_and(|asked| asked.eq_ignore_ascii_case(&origin));
                is_asked || host_of(&origin).is_some_and(|host| self.is_given(&host))
            })
        };
        match (site, origin) {
            (Ok(Some("cross-site")) | Err(Ambiguous), _) => Err(Refusal::ForeignOrigin),
            (_, Err(Ambiguous)) => Err(Refusal::ForeignOrigin),
            (_, Ok(Some(origin))) if !own(origin) => Err(Refusal::ForeignOrigin),
            (Ok(_), Ok(_)) => Ok(()),
        }
    }

    fn check_token(&self, request: &Parts) -> Result<(), Refusal> {
        let Some(token) = &self.token else {
            return Ok(());
        };
        let shown = request.headers.get(AUTHORIZATION);
        let admitted = shown.is_some_and(|shown| token.admits(shown.as_bytes()));
        let public = self
            .public_paths
            .iter()
            .any(|path| path == request.uri.path());
        match admitted || public {
            true => Ok(()),
            false => Err(Refusal::NoToken),
        }
    }

    /// Whether operators have given this server that name.
    fn is_given(&self, host: &str) -> bool {
        host != LOCALHOST && self.hosts.iter().any(|own| own == host)
    }

    /// Whether `host` names this server: by the address reached, or by a name that is known.
    ///
    /// Names resolve to whatever their owner says, so an unknown one proves nothing; an address
    /// cannot be rebound.
    fn is_own(&self, host: &str, local: Option<IpAddr>) -> bool {
        match host.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
            Ok(ip) if ip.is_loopback() && self.private => true,
            Ok(ip) if Some(ip) == local => true,
            _ => self.hosts.iter().any(|own| own == host),
        }
    }
}

/// A header is there more than once, or is not text.
#[derive(Debug)]
struct Ambiguous;

fn one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Ambiguous> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Ambiguous),
        (Some(_), Some(_)) => Err(Ambiguous),
    }
}

/// The host in `host[:port]`, in lower case, without brackets and without the root's dot.
pub(crate) fn host_of(authority: &str) -> Option<String> {
    let authority: Authority = authority.parse().ok()?;
    if authority.as_str().contains('@') {
        return None;
    }
    // The parser takes anything for a port.
    let port = authority.as_str().strip_prefix(authority.host())?;
    let port = port.strip_prefix(':').unwrap_or(port);
    if !port.is_empty() && port.parse::<u16>().is_err() {
        return None;
    }
    let host = authority.host().to_ascii_lowercase();
    let host = host.strip_suffix('.').unwrap_or(&host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    (!host.is_empty()).then(|| host.to_owned())
}

/// What is behind `scheme://`: `host[:port]`; `null` has none.
fn authority_of_origin(origin: &str) -> Option<String> {
    let origin: Uri = origin.parse().ok()?;
    origin.scheme()?;
    Some(origin.authority()?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(address: &str) -> Guard {
        let hosts = ["Gateway.example:19000".to_owned()];
        Guard::new(&address.parse().unwrap(), &hosts, None, Vec::new())
    }

    /// Checks a request with these headers on a connection to 127.0.0.1, or to `address` itself.
    fn check(address: &str, target: &str, headers: &[(&str, &str)]) -> Result<(), Refusal> {
        let mut request = axum::http::Request::builder().uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let local = match address.parse().unwrap() {
            Address::Tcp(local) => Some(local.ip()),
            Address::Unix(_) => None,
        };
        parts.extensions.insert(LocalIp(local));
        guard(address).check(&parts)
    }

    const LOOPBACK: &str = "127.0.0.1:19000";
    const OPEN: &str = "192.0.2.7:19000";

    #[test]
    fn the_servers_own_names_are_hosts() {
        for host in [
            "localhost",
            "LOCALHOST:1",
            "localhost.",
            "127.0.0.1",
            "127.0.0.1:2222",
            "127.9.9.9",
            "[::1]:19000",
            "[::ffff:127.0.0.1]",
            "gateway.example",
            "gateway.EXAMPLE:8080",
        ] {
            assert_eq!(check(LOOPBACK, "/", &[("host", host)]), Ok(()), "{host}");
        }
        for host in [
            "192.0.2.7",
            "192.0.2.7:19000",
            "[::ffff:192.0.2.7]",
            "localhost",
        ] {
            assert_eq!(check(OPEN, "/", &[("host", host)]), Ok(()), "{host}");
        }
        assert_eq!(check("unix:/run/x", "/", &[("host", "127.0.0.1")]), Ok(()));
    }

    #[test]
    fn any_other_host_is_foreign() {
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "192.0.2.7",
            "",
            "user@localhost",
            "localhost@evil.example",
            "localhost:x:y",
            "127.0.0.1:19000.evil.example",
            "localhost:70000",
            "[::2]",
            "0.0.0.0",
        ] {
            let refused = check(LOOPBACK, "/", &[("host", host)]);
            assert_eq!(refused, Err(Refusal::ForeignHost), "{host}");
        }
        assert_eq!(
            check(OPEN, "/", &[("host", "127.0.0.1")]),
            Err(Refusal::ForeignHost)
        );
    }

    #[test]
    fn a_host_is_named_once_and_the_target_counts() {
        assert_eq!(check(LOOPBACK, "/", &[]), Err(Refusal::NoHost));
        let twice = [("host", "localhost"), ("host", "localhost")];
        assert_eq!(check(LOOPBACK, "/", &twice), Err(Refusal::NoHost));
        let own = [("host", "localhost")];
        assert_eq!(check(LOOPBACK, "http://localhost/", &own), Ok(()));
        let foreign = check(LOOPBACK, "http://evil.example/", &own);
        assert_eq!(foreign, Err(Refusal::ForeignHost));
    }

    #[test]
    fn only_the_servers_own_pages_send_requests() {
        for (host, origin) in [
            ("localhost", "http://localhost"),
            ("localhost:19000", "http://LOCALHOST:19000"),
            ("127.0.0.1:19000", "https://127.0.0.1:19000"),
            ("[::1]:1", "http://[::1]:1"),
            // Behind somebody who asks by another name.
            ("localhost", "https://gateway.example"),
            ("localhost", "https://gateway.example:8443"),
        ] {
            let headers = [("host", host), ("origin", origin)];
            assert_eq!(check(LOOPBACK, "/", &headers), Ok(()), "{origin}");
        }
        let check = |name, value| check(LOOPBACK, "/", &[("host", "localhost:1"), (name, value)]);
        for origin in [
            // Pages of other programs on this machine.
            "http://localhost",
            "http://localhost:2",
            "http://127.0.0.1:1",
            "null",
            "http://evil.example",
            "",
            "localhost",
            "file://",
            "http://",
        ] {
            assert_eq!(
                check("origin", origin),
                Err(Refusal::ForeignOrigin),
                "{origin}"
            );
        }
        for site in ["same-origin", "none"] {
            assert_eq!(check("sec-fetch-site", site), Ok(()), "{site}");
        }
        assert_eq!(
            check("sec-fetch-site", "cross-site"),
            Err(Refusal::ForeignOrigin)
        );
    }
}
