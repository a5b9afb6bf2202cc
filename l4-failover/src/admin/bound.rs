//! Addresses that are bound, before anything is served there.

use super::error::AdminError;
use super::guard::{Guard, guarded};
use super::listener::Listener;
use super::options::{Address, AdminOptions};
use super::serve::{ServeLimits, serve};
use super::stopping::Stopping;
use super::tls;
use super::token::Token;
use axum::Router;
use std::io;
use std::net::SocketAddr;
use tokio::sync::watch;

/// What is served.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// For operators, behind the guard and the token.
    pub operators: Router,
    /// For anyone, where `metrics_address` is given; it should read, never change.
    pub metrics: Router,
    /// Exact paths of `operators` that are served without the token: the page's shell.
    pub public_paths: Vec<String>,
}

/// Addresses for operators that are bound: clients may connect, and are answered by `serve`.
#[derive(Debug)]
pub struct Bound {
    address: Address,
    operators: Listener,
    metrics: Option<(SocketAddr, Listener)>,
    hosts: Vec<String>,
    token: Option<Token>,
    pub(super) limits: ServeLimits,
}

impl Bound {
    /// Reads the token and certificate, if any, and binds the addresses.
    ///
    /// # Errors
    /// What is missing or cannot be had; an address that other machines reach is refused unless
    /// both TLS and a token protect it.
    pub fn bind(options: &AdminOptions) -> Result<Self, AdminError> {
        options.check_exposure()?;
        let token = options.token_file.as_deref().map(Token::load).transpose()?;
        let tls = options.tls.as_ref().map(tls::load).transpose()?;
        let (address, operators) = Listener::bind(&options.address, tls)?;
        let metrics = options.metrics_address;
        let metrics = metrics
            .map(|open| Listener::bind_tcp(open, None))
            .transpose()?;
        Ok(Self {
            address,
            operators,
            metrics,
            hosts: options.hosts.clone(),
            token,
            limits: ServeLimits::default(),
        })
    }

    /// Where operators are served, as the `ready` line shows it.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Where metrics are served to anyone, if they are.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(|(address, _)| *address)
    }

    /// Serves until `shutdown` is done; then requests in progress have 5 seconds to finish.
    ///
    /// An answer without an end, such as a stream of events, ends when [`Stopping`] says so.
    /// Dropping the future ends everything at once. At most 64 connections are served at a time at
    /// either address; one more takes the place of that which has waited longest to ask for
    /// something, or waits while all are being answered.
    ///
    /// # Errors
    /// If the runtime cannot watch the sockets.
    pub async fn serve(self, site: Site, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let guard = Guard::new(&self.address, &self.hosts, self.token, site.public_paths);
        let (stop, stopped) = watch::channel(false);
        let stopped = Stopping::new(stopped);
        let operators = serve(
            self.operators,
            guarded(site.operators, guard),
            self.limits,
            stopped.clone(),
        );
        let metrics = async {
            match self.metrics {
                Some((_, listener)) => serve(listener, site.metrics, self.limits, stopped).await,
                None => Ok(()),
            }
        };
        let shutdown = async {
            shutdown.await;
            stop.send_replace(true);
            Ok(())
        };
        tokio::try_join!(operators, metrics, shutdown).map(|_| ())
    }
}
