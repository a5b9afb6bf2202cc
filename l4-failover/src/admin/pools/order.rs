//! An operator's order, as it comes in a request.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::refusal::{Refusal, query};
use super::table::Wanted;
use super::{NamedPool, Shared};

/// The longest reason, in bytes: it stands in every line about the endpoint.
const REASON_LEN_MAX: usize = 500;

/// What `maintenance` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaintenanceJson {
    /// The endpoint's name.
    pub endpoint: String,
    /// Why it is taken out: one line of at most 500 bytes. Needed for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether it is put back instead.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub off: bool,
}

/// An order about one pool, and what its body says, where it has one.
pub(super) struct Order<T> {
    pub(super) named: NamedPool,
    pub(super) force: bool,
    pub(super) body: Option<T>,
}

#[derive(Deserialize)]
struct Options {
    kind: Option<String>,
    #[serde(default)]
    force: bool,
}

impl<T: DeserializeOwned> FromRequest<Shared> for Order<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, Refusal> {
        let (mut parts, body) = request.into_parts();
        let name = Path::<String>::from_request_parts(&mut parts, shared).await;
        let Path(name) = name.map_err(|error| Refusal::Malformed(error.body_text()))?;
        let options: Options = query(Query::try_from_uri(&parts.uri))?;
        let headers = parts.headers.clone();
        let body = Bytes::from_request(Request::from_parts(parts, body), shared).await;
        let body = read(&headers, &body.map_err(Refusal::Body)?)?;
        let wanted = Wanted {
            name: Some(name),
            kind: options.kind,
        };
        Ok(Self {
            named: shared.pools.find(&wanted)?,
            force: options.force,
            body,
        })
    }
}

/// The JSON of a body; nothing, where there is no body.
fn read<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<Option<T>, Refusal> {
    match body {
        [] => Ok(None),
        _ if !is_json(headers) => Err(Refusal::NotJson),
        body => serde_json::from_slice(body)
            .map(Some)
            .map_err(|error| Refusal::Malformed(format!("the body is not what is meant: {error}"))),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let said = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let kind = said.and_then(|it| it.split(';').next()).map(str::trim);
    kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"))
}

impl MaintenanceJson {
    /// The reason, which fits into a line.
    pub(super) fn given_reason(&self) -> Result<String, Refusal> {
        let given = self.reason.as_deref().unwrap_or_default().trim();
        let says = |what: &str| Err(Refusal::Malformed(what.to_owned()));
        match given {
            "" => says("maintenance needs a reason, which is shown for as long as it lasts"),
            long if long.len() > REASON_LEN_MAX => says("the reason is longer than 500 bytes"),
            lines if lines.contains(char::is_control) => says("the reason is not one line of text"),
            reason => Ok(reason.to_owned()),
        }
    }
}
