//! A GET, and whether its answer is a good one.

use std::future::poll_fn;
use std::pin::pin;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::{Request, header};
use hyper_util::rt::TokioIo;

use super::HttpProbe;
use super::failure::Failure;
use super::subject::Subject;
use crate::socket::Stream;

/// How much of a body is looked at, in bytes.
const BODY_MAX: usize = 64 << 10;
/// The longest head of an answer, in bytes; no more than this is ever read ahead.
const HEAD_MAX: usize = 64 << 10;

/// By which operators of what is checked know who asks.
const AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// A GET without a body.
pub(super) type Get = Request<Empty<Bytes>>;

/// The request that `wanted` asks `subject` with.
pub(super) fn request(wanted: &HttpProbe, subject: &Subject) -> Result<Get, Failure> {
    let request = Request::get(&wanted.path)
        .header(header::HOST, host(wanted, subject))
        .header(header::USER_AGENT, AGENT)
        .header(header::CONNECTION, "close");
    request.body(Empty::new()).map_err(Failure::Request)
}

fn host(wanted: &HttpProbe, subject: &Subject) -> String {
    match (&wanted.host, &subject.tls) {
        (Some(host), _) => host.clone(),
        (None, Some(tls)) => tls.options.server_name.clone(),
        (None, None) => format!("{}:{}", subject.target.host, subject.asked_port()),
    }
}

/// Sends `request`, and judges the answer; gives the line back, to be parted with.
pub(super) async fn get(
    line: Stream,
    request: Get,
    wanted: &HttpProbe,
) -> (Result<(), Failure>, Option<Stream>) {
    let handshake = Builder::new()
        .max_buf_size(HEAD_MAX)
        .handshake(TokioIo::new(line))
        .await;
    let (sender, mut connection) = match handshake {
        Ok(ready) => ready,
        Err(error) => return (Err(error.into()), None),
    };
    let mut exchange = pin!(exchange(sender, request, wanted));
    let mut is_open = true;
    let judged = poll_fn(|cx| {
        if is_open {
            // Its end is no answer yet; that, or the reason why there is none, is in the exchange.
            is_open = connection.poll_without_shutdown(cx).is_pending();
        }
        exchange.as_mut().poll(cx)
    });
    let judged = judged.await;
    (judged, Some(connection.into_parts().io.into_inner()))
}

async fn exchange(
    mut sender: SendRequest<Empty<Bytes>>,
    request: Get,
    wanted: &HttpProbe,
) -> Result<(), Failure> {
    let answer = sender.send_request(request).await?;
    let status = answer.status().as_u16();
    if !wanted.status.iter().any(|range| range.contains(&status)) {
        let wanted = wanted.status.clone();
        return Err(Failure::Status { status, wanted });
    }
    match &wanted.body {
        Some(text) => find(answer.into_body(), text).await,
        None => Ok(()),
    }
}

/// Looks for `text` within the first [`BODY_MAX`] bytes.
async fn find(mut body: Incoming, text: &str) -> Result<(), Failure> {
    let mut seen = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(bytes) = frame?.into_data() else {
            continue;
        };
        // What was looked at before, but for a beginning of the text at its end, is not again.
        let from = seen.len().saturating_sub(text.len());
        let left = BODY_MAX - seen.len();
        seen.extend_from_slice(&bytes[..bytes.len().min(left)]);
        if contains(&seen[from..], text.as_bytes()) {
            return Ok(());
        }
        if seen.len() == BODY_MAX {
            let (text, max) = (text.to_owned(), BODY_MAX);
            return Err(Failure::LongBody { text, max });
        }
    }
    match text.is_empty() {
        true => Ok(()),
        false => Err(Failure::Body(text.to_owned())),
    }
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    text.is_empty() || bytes.windows(text.len()).any(|window| window == text)
}
