//! The commands, against a server in this process.

mod addresses;
mod events;
mod orders;
mod pages;
mod status;

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::response::Json;
use axum::routing::{get, post};
use clap::{CommandFactory, Parser};
use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::out::Out;
use super::{ClientError, Operate, Program};
use crate::Pool;
use crate::admin::pools::{NamedPool, PoolJson, Pools, Refused, ServedJson, Wanted, router};
use crate::admin::{AdminOptions, Bound, Site};

/// Nothing that a test waits for takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

async fn soon<T>(happening: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(PATIENCE, happening).await;
    waited.expect("it takes too long")
}

/// Keeps a primary and backups.
#[derive(Debug, Parser)]
#[command(name = "l4-failover")]
enum Cli {
    #[command(flatten)]
    Operate(Operate),
}

const PROGRAM: Program = Program {
    name: "l4-failover",
    admin: "127.0.0.1:1",
    command: Cli::command,
};

/// What `words` come to, and what they print.
async fn run(words: &[&str]) -> Result<String, ClientError> {
    let mut written = Vec::new();
    let Cli::Operate(operate) =
        Cli::try_parse_from([&["l4-failover"], words].concat()).expect("a command");
    soon(operate.run_on(&PROGRAM, &mut Out::piped(&mut written))).await?;
    Ok(String::from_utf8(written).unwrap())
}

/// The sentence in which `words` fail.
async fn refused(words: &[&str]) -> String {
    run(words).await.unwrap_err().sentence()
}

/// A pool of a primary and a backup that nobody checks.
fn pair(name: &str) -> Pool {
    Pool::builder()
        .name(name)
        .primary("127.0.0.1:9000")
        .backup("127.0.0.1:9001")
        .build()
        .unwrap()
}

/// A process, as far as operators see it.
struct Server {
    pools: Pools,
    address: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    fn over(pool: &Pool) -> Self {
        Self::at(AdminOptions::at("127.0.0.1:0".parse().unwrap()), pool)
    }

    fn at(options: AdminOptions, pool: &Pool) -> Self {
        let pools = Pools::default();
        pools.replace(vec![NamedPool::new(pool.clone(), "port")]);
        let bound = Bound::bind(&options).unwrap();
        let address = bound.address().to_string();
        let site = Site {
            operators: router(pools.clone())
                .merge(of_the_program())
                .merge(status(pools.clone())),
            ..Site::default()
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(bound.serve(site, async {
            let _ = stopped.await;
        }));
        Self {
            pools,
            address,
            stop,
            task,
        }
    }

    /// What `words` come to when they are said to this server.
    async fn run(&self, words: &[&str]) -> Result<String, ClientError> {
        run(&[words, &["--admin", &self.address]].concat()).await
    }

    async fn refused(&self, words: &[&str]) -> String {
        self.run(words).await.unwrap_err().sentence()
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }
}

/// `/status` as the programs have it.
fn status(pools: Pools) -> Router {
    let started = Instant::now();
    let status = async move |wanted: Result<Query<Wanted>, QueryRejection>| {
        let wanted = Wanted::of(&pools, wanted)?;
        let named = pools.list();
        let named = named.iter().filter(|it| wanted.is(it.pool.name(), it.kind));
        let served = named.map(|it| ServedJson::of(PoolJson::of(it), (7, 2048)));
        Ok::<_, Refused>(Json(json!({
            "state": "live",
            "uptime_seconds": started.elapsed().as_secs_f64(),
            "connections": 1,
            "connections_max": 100,
            "pools": served.collect::<Vec<_>>(),
            "recent": pools.recent(&wanted),
        })))
    };
    Router::new().route("/status", get(status))
}

/// A reload that finds mistakes, and a drain that goes well.
fn of_the_program() -> Router {
    let mistakes = "l4-failover.toml:3: port: missing\nl4-failover.toml:5: rise: too small\n";
    Router::new()
        .route(
            "/reload",
            post(async move || (StatusCode::CONFLICT, mistakes)),
        )
        .route(
            "/drain",
            post(async || {
                (
                    StatusCode::ACCEPTED,
                    r#"{"message": "draining; 3 sessions"}"#,
                )
            }),
        )
}

/// A file in `directory` with this content.
fn file(directory: &tempfile::TempDir, name: &str, content: &str) -> PathBuf {
    let path = directory.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}
