//! One HTTP/1.1 connection, as applications keep it.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// An answer takes milliseconds, a handshake in another data centre included; on a machine whose
/// processors are all taken, a second. One that takes longer is a lost one.
const ANSWER_MAX: Duration = Duration::from_secs(4);
/// How long the end of a connection may take to be seen, once a request on it has failed.
const END_MAX: Duration = Duration::from_millis(100);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// The connection did not come about.
    #[error("no connection")]
    Connect(#[source] io::Error),
    /// The connection ended before the answer.
    #[error("the connection broke")]
    Broken(#[source] hyper::Error),
    /// Nothing came.
    #[error("no answer within {ANSWER_MAX:?}")]
    Late,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// By RST.
    Reset,
    /// In order, or in another way.
    Other,
}

/// A connection that is kept for one request after the other. Dropped, it ends.
#[derive(Debug)]
pub(crate) struct Connection {
    address: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<hyper::Result<()>>,
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self, AskError> {
        let stream = TcpStream::connect(address);
        let stream = timeout(ANSWER_MAX, stream).await;
        let stream = stream.map_err(|_| AskError::Late)?;
        let stream = stream.map_err(AskError::Connect)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(AskError::Broken)?;
        let driver = tokio::spawn(connection);
        Ok(Self {
            address,
            sender,
            driver,
        })
    }

    /// Asks, and waits for the whole answer.
    pub(crate) async fn ask(
        &mut self,
        method: Method,
        path: &str,
        json: &str,
    ) -> Result<(StatusCode, Bytes), AskError> {
        let asked = async {
            let answer = self.send(method, path, json).await?;
            let status = answer.status();
            Ok((status, answer.into_body().collect().await?.to_bytes()))
        };
        let asked = timeout(ANSWER_MAX, asked).await;
        asked.map_err(|_| AskError::Late)?.map_err(AskError::Broken)
    }

    /// Asks; the body of the answer may have no end.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        json: &str,
    ) -> hyper::Result<Response<Incoming>> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", self.address.to_string())
            .header("content-type", "application/json")
            .body(Full::from(json.to_owned()))
            .expect("a path and headers that are written here");
        self.sender.ready().await?;
        self.sender.send_request(request).await
    }

    /// How the connection ended on which a request failed for this reason.
    pub(crate) async fn ended(mut self, why: &AskError) -> End {
        // Where nothing was under way, it is the connection that knows; otherwise the request.
        let ended = timeout(END_MAX, &mut self.driver).await;
        let ended = ended.ok().and_then(Result::ok).and_then(Result::err);
        match is_reset(why) || ended.is_some_and(|error| is_reset(&error)) {
            true => End::Reset,
            false => End::Other,
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Whether a reset is among the causes.
fn is_reset(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|it| it.kind() == io::ErrorKind::ConnectionReset) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// One request on a connection of its own.
pub(crate) async fn once(
    address: SocketAddr,
    method: Method,
    path: &str,
    json: &str,
) -> Result<(StatusCode, Bytes), AskError> {
    let mut connection = Connection::open(address).await?;
    connection.ask(method, path, json).await
}
