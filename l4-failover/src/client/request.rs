//! One request to a running process, and its answer.

use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;

use super::connect::Peer;
use super::{Address, ClientError};
use crate::admin::Token;

/// For an answer: a reload reads every file that the configuration names.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest answer: a thousand pools of ten endpoints take less than half.
const ANSWER_MAX: usize = 16 * 1024 * 1024;

/// What may stand in a path or a query as it is.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// `text` as a part of a path or a query.
#[must_use]
pub fn quoted(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// `path?key=value&…`, with the values that are there.
///
/// ```
/// use l4_failover::client::with_query;
///
/// let path = with_query("/tap", &[("name", Some("*.dc1")), ("source", None)]);
/// assert_eq!(path, "/tap?name=%2A.dc1");
/// ```
#[must_use]
pub fn with_query(path: &str, query: &[(&str, Option<&str>)]) -> String {
    let there = query
        .iter()
        .filter_map(|(key, value)| Some((key, (*value)?)));
    let query: Vec<_> = there
        .map(|(key, value)| format!("{key}={}", quoted(value)))
        .collect();
    match query.as_slice() {
        [] => path.to_owned(),
        query => format!("{path}?{}", query.join("&")),
    }
}

impl Peer {
    /// What is at `path`.
    ///
    /// # Errors
    ///
    /// [`ClientError`]: there is no process, or no good answer.
    pub async fn get(&self, path: &str) -> Result<Bytes, ClientError> {
        self.ask(Method::GET, path, None::<&()>).await
    }

    /// What comes of an order.
    pub(super) async fn post(
        &self,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Bytes, ClientError> {
        self.ask(Method::POST, path, body).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Bytes, ClientError> {
        let asked = async {
            let answer = self.send(method, path, body).await?;
            self.whole(answer).await
        };
        self.bounded(ANSWER_TIMEOUT, asked).await
    }

    /// The answer at `path`, of which more and more may come.
    pub(super) async fn open(&self, path: &str) -> Result<Incoming, ClientError> {
        let sent = self.send(Method::GET, path, None::<&()>);
        let answer = self.bounded(ANSWER_TIMEOUT, sent).await?;
        Ok(answer.into_body())
    }

    /// What `answer` comes to, which must be within `limit`.
    pub(super) async fn bounded<T>(
        &self,
        limit: Duration,
        answer: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        match timeout(limit, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(ClientError::Silent {
                address: self.address.clone(),
                limit,
            }),
        }
    }

    /// The JSON in an answer.
    ///
    /// # Errors
    ///
    /// [`ClientError::Garbled`]: it is not what was expected.
    pub fn parsed<T: DeserializeOwned>(&self, answer: &[u8]) -> Result<T, ClientError> {
        serde_json::from_slice(answer).map_err(|error| self.garbled(&error.to_string()))
    }

    pub(super) fn garbled(&self, what: &str) -> ClientError {
        ClientError::Garbled {
            address: self.address.clone(),
            program: self.program,
            what: what.to_owned(),
        }
    }

    pub(super) fn broken(&self, source: hyper::Error) -> ClientError {
        let address = self.address.clone();
        match &address {
            Address::Tcp(_) if source.is_parse() => ClientError::NotHttp(address),
            _ => ClientError::Broken { address, source },
        }
    }

    /// Sends a request; the head of a good answer to it.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Response<Incoming>, ClientError> {
        let request = self.request(method, path, body);
        let stream = self.connect().await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.broken(error))?;
        // It ends with the answer, whose body tells what became of it.
        tokio::spawn(connection);
        let answer = sender.send_request(request).await;
        self.good(answer.map_err(|error| self.broken(error))?, path)
            .await
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Request<Full<Bytes>> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.host);
        if let Some(shown) = self.token.as_ref().and_then(Token::authorization) {
            request = request.header(AUTHORIZATION, shown);
        }
        let json = body.map(|body| {
            serde_json::to_vec(body).expect("names, reasons and flags have a form in JSON")
        });
        if json.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = Full::from(json.unwrap_or_default());
        request
            .body(body)
            .expect("a quoted path, and headers made of parsed parts")
    }

    async fn good(
        &self,
        answer: Response<Incoming>,
        path: &str,
    ) -> Result<Response<Incoming>, ClientError> {
        match answer.status() {
            status if status.is_success() => Ok(answer),
            StatusCode::UNAUTHORIZED => Err(self.unauthorized()),
            status => {
                let body = self.whole(answer).await?;
                Err(self.refused(status, sentence(&body), path))
            }
        }
    }

    fn unauthorized(&self) -> ClientError {
        let address = self.address.clone();
        match self.token_file.clone() {
            Some(file) => ClientError::TokenRefused { address, file },
            None => ClientError::TokenWanted(address),
        }
    }

    fn refused(&self, status: StatusCode, sentence: Option<String>, path: &str) -> ClientError {
        match (status, sentence) {
            (StatusCode::BAD_REQUEST, Some(sentence)) => ClientError::Mistyped(sentence),
            (_, Some(sentence)) => ClientError::Refused(sentence),
            (StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED, None) => {
                ClientError::NotKnown {
                    address: self.address.clone(),
                    path: path.split('?').next().unwrap_or(path).to_owned(),
                    program: self.program,
                }
            }
            (status, None) => self.garbled(&status.to_string()),
        }
    }

    async fn whole(&self, answer: Response<Incoming>) -> Result<Bytes, ClientError> {
        let whole = Limited::new(answer.into_body(), ANSWER_MAX).collect().await;
        let whole = whole.map_err(|error| match error.downcast::<hyper::Error>() {
            Ok(broken) => self.broken(*broken),
            Err(error) if error.is::<LengthLimitError>() => self.garbled("far too much"),
            Err(error) => self.garbled(&error.to_string()),
        })?;
        Ok(whole.to_bytes())
    }
}

/// The sentence in an answer: of JSON its `message` or `error`, else the text.
pub(super) fn sentence(answer: &[u8]) -> Option<String> {
    let text = match serde_json::from_slice::<Value>(answer) {
        Ok(json) => {
            let said = json.get("message").or_else(|| json.get("error"));
            said.and_then(Value::as_str).unwrap_or_default().to_owned()
        }
        Err(_) => String::from_utf8_lossy(answer).into_owned(),
    };
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}
