//! refdata in one data centre: it says the rates, and how it feels.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tests::ports::Reserved;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// Where refdata runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Datacenter {
    Dc1,
    Dc2,
}

impl Datacenter {
    /// Both, the primary first.
    pub(crate) const ALL: [Self; 2] = [Self::Dc1, Self::Dc2];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Dc1 => "dc1",
            Self::Dc2 => "dc2",
        }
    }
}

/// What `/rates` answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Rates {
    /// The one who answers.
    pub(crate) datacenter: Datacenter,
    /// The number of the question, so that an answer to another one is noticed.
    pub(crate) n: u64,
    /// What callers are here for.
    pub(crate) eur_usd: f64,
}

/// refdata. On threads of its own, which die with it, as a process would.
#[derive(Debug)]
pub(crate) struct Refdata {
    datacenter: Datacenter,
    /// Held also while it is dead, so that nobody else gets it.
    port: Reserved,
    healthy: Arc<AtomicBool>,
    process: Option<Runtime>,
}

impl Refdata {
    /// Starts it.
    pub(crate) async fn start(datacenter: Datacenter) -> io::Result<Self> {
        let mut refdata = Self {
            datacenter,
            port: Reserved::new()?,
            healthy: Arc::default(),
            process: None,
        };
        refdata.start_again().await?;
        Ok(refdata)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Starts it at the address that it had.
    pub(crate) async fn start_again(&mut self) -> io::Result<()> {
        self.healthy.store(true, Relaxed);
        let process = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let (app, address) = (self.app(), self.address());
        let (listening, listens) = tokio::sync::oneshot::channel();
        process.spawn(async move {
            // By SO_REUSEADDR, which tokio asks for, the port is had beside its reservation.
            let listener = TcpListener::bind(address).await;
            let listener = match listener {
                Ok(listener) => listener,
                Err(error) => return drop(listening.send(Err(error))),
            };
            // Whoever started it may have given up.
            let _ = listening.send(Ok(()));
            let _ = axum::serve(listener, app).await;
        });
        listens.await.map_err(io::Error::other)??;
        self.process = Some(process);
        Ok(())
    }

    /// Ends it at once: its listener and every connection are gone, and nobody was told.
    pub(crate) fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.shutdown_background();
        }
    }

    fn app(&self) -> Router {
        let datacenter = self.datacenter;
        let rates = async move |Query(Question { n })| {
            let eur_usd = 1.0843;
            Json(Rates {
                datacenter,
                n,
                eur_usd,
            })
        };
        Router::new()
            .route("/rates", get(rates))
            .route("/health", get(health))
            .route("/admin/health", post(set_health))
            .with_state(Arc::clone(&self.healthy))
    }
}

impl Drop for Refdata {
    fn drop(&mut self) {
        self.kill();
    }
}

#[derive(Deserialize)]
struct Question {
    n: u64,
}

#[derive(Deserialize)]
struct Health {
    ok: bool,
}

async fn health(State(healthy): State<Arc<AtomicBool>>) -> (StatusCode, &'static str) {
    match healthy.load(Relaxed) {
        true => (StatusCode::OK, "well\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not well\n"),
    }
}

/// The toggle: it goes on to answer `/rates`, and says that it should not be asked.
async fn set_health(
    State(healthy): State<Arc<AtomicBool>>,
    Query(Health { ok }): Query<Health>,
) -> &'static str {
    healthy.store(ok, Relaxed);
    "noted\n"
}
