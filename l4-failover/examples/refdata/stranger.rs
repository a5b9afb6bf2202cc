//! Somebody whom refdata does not let in.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use l4_failover::socket::tls::{TlsClient, TlsOptions};
use rustls::AlertDescription;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// For the handshake, and for the alert that follows it.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// The alert that answers a handshake at `gateway`.
pub(crate) async fn refusal(gateway: SocketAddr, options: &TlsOptions) -> Result<AlertDescription> {
    let tcp = TcpStream::connect(gateway).await?;
    let mut stream = TlsClient::load(options)?.connect(tcp, ANSWER_MAX).await?;
    // With TLS 1.3 the certificate is looked at when the handshake is over on this side.
    let answer = timeout(ANSWER_MAX, stream.read_u8()).await;
    match answer.context("no alert came")? {
        Ok(_) => bail!("refdata answers a stranger"),
        Err(error) => alert(&error).with_context(|| format!("no alert, but: {error}")),
    }
}

fn alert(error: &io::Error) -> Option<AlertDescription> {
    match error.get_ref()?.downcast_ref()? {
        rustls::Error::AlertReceived(alert) => Some(*alert),
        _ => None,
    }
}
