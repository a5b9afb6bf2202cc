//! `events`: follows until the process stops.

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{Cli, PROGRAM, Server, pair, soon};
use crate::admin::pools::NamedPool;
use crate::client::ClientError;
use crate::client::out::Out;
use clap::Parser;

/// Hands on what is written, piece by piece.
struct Handing(mpsc::UnboundedSender<String>);

impl std::io::Write for Handing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let closed = |_| std::io::ErrorKind::BrokenPipe.into();
        self.0.send(text).map(|()| bytes.len()).map_err(closed)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A command that follows, and what it has printed.
struct Following {
    task: JoinHandle<Result<(), ClientError>>,
    lines: mpsc::UnboundedReceiver<String>,
}

impl Following {
    fn start(server: &Server, words: &[&str]) -> Self {
        let (written, lines) = mpsc::unbounded_channel();
        let whole = [
            &["l4-failover", "events", "--admin", &server.address],
            words,
        ]
        .concat();
        let Cli::Operate(operate) = Cli::try_parse_from(whole).unwrap();
        let task = tokio::spawn(async move {
            let mut handing = Handing(written);
            operate
                .run_on(&PROGRAM, &mut Out::piped(&mut handing))
                .await
        });
        Self { task, lines }
    }

    async fn line(&mut self) -> String {
        soon(self.lines.recv()).await.expect("it goes on")
    }
}

/// Moves `server`'s pool until somebody hears it: that one follows, nobody says.
async fn heard(pool: &crate::Pool, following: &mut Following) -> String {
    soon(async {
        loop {
            pool.failover().await.unwrap();
            pool.failback(false).await.unwrap();
            tokio::task::yield_now().await;
            if let Ok(line) = following.lines.try_recv() {
                return line;
            }
        }
    })
    .await
}

#[tokio::test]
async fn each_event_is_a_line_until_the_process_stops() {
    let pool = pair("feed");
    let server = Server::over(&pool);
    let mut following = Following::start(&server, &["feed"]);
    heard(&pool, &mut following).await;
    let out = pool.maintenance("127.0.0.1:9001", Some("a new disk"));
    out.await.unwrap();
    let mut line = following.line().await;
    while !line.contains("maintenance") {
        assert!(
            line.contains(" feed fail") && line.ends_with(" after the last move)\n"),
            "{line}"
        );
        line = following.line().await;
    }
    assert!(
        line.ends_with("Z feed endpoint 127.0.0.1:9001 up → maintenance: a new disk\n"),
        "{line}"
    );
    let address = server.address.clone();
    server.stop().await;
    let ended = soon(following.task).await.unwrap().unwrap_err();
    assert_eq!(
        ended.sentence(),
        format!("no more events: l4-failover at {address} has stopped")
    );
}

#[tokio::test]
async fn json_comes_as_it_is_one_object_a_line() {
    let pool = pair("feed");
    let server = Server::over(&pool);
    let mut following = Following::start(&server, &["--json"]);
    let line = heard(&pool, &mut following).await;
    let event: Value = serde_json::from_str(line.strip_suffix('\n').unwrap()).unwrap();
    assert_eq!(
        (&event["pool"], &event["cause"]),
        (&"feed".into(), &"operator".into())
    );
    let new = pair("new");
    server
        .pools
        .replace(vec![NamedPool::new(new.clone(), "port")]);
    new.failover().await.unwrap();
    while !following.line().await.contains("\"pool\":\"new\"") {}
    server.stop().await;
}

#[tokio::test]
async fn a_closed_pipe_ends_it_quietly() {
    let pool = pair("feed");
    let server = Server::over(&pool);
    let mut following = Following::start(&server, &[]);
    heard(&pool, &mut following).await;
    following.lines.close();
    pool.failover().await.unwrap();
    let ended = soon(following.task).await.unwrap().unwrap_err();
    assert!(ended.is_closed_pipe(), "{ended:?}");
    server.stop().await;
}
