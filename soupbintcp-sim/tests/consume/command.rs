//! The command: what it prints, and its exit codes.

use std::process::Output;
use std::time::Duration;

use l4_failover::soupbin::packet::{Credentials, Reject};
use tokio::process::Command;

use crate::server::{Act, SESSION, serve};

async fn consume(words: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_soupbintcp-sim"));
    command
        .arg("consume")
        .args(words.split(' '))
        .kill_on_drop(true);
    let running = tokio::time::timeout(Duration::from_secs(30), command.output());
    running.await.unwrap().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn a_clean_run_ends_with_one_line_of_json_and_0() {
    let script = vec![Act::Accept(None), Act::Send((1..=2000).collect()), Act::End];
    let (address, _server) = serve(vec![script]).await;
    let output = consume(&format!("{address} --verify-seed 7 --json")).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(
        text(&output.stdout),
        "{\"messages\":2000,\"first\":1,\"last\":2000,\"gaps\":0,\"duplicates\":0,\
         \"reorders\":0,\"corrupt\":0,\"disconnects\":0}\n"
    );
}

#[tokio::test]
async fn a_violated_run_says_what_was_wrong_and_ends_with_1() {
    let script = vec![
        Act::Accept(None),
        Act::Send((1..10).chain(12..20).collect()),
    ];
    let (address, _server) = serve(vec![script]).await;
    let output = consume(&format!("{address} --verify-seed 7")).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(
        text(&output.stdout),
        "17 messages (1 to 17): 2 gaps, 0 duplicates, 0 reorders, 0 corrupt, 1 disconnects\n"
    );
    assert_eq!(
        text(&output.stderr),
        "message 10: 2 are missing before it\n\
         the server closed the connection, and the session had not ended\n"
    );
}

#[tokio::test]
async fn without_a_login_it_ends_with_2() {
    let (address, _server) = serve(vec![vec![Act::Reject(Reject::SessionUnavailable)]]).await;
    let output = consume(&format!("{address} --json")).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(text(&output.stdout), "");
    assert!(
        text(&output.stderr).contains("J S (session unavailable)"),
        "{output:?}"
    );
}

#[tokio::test]
async fn a_login_that_is_not_answered_in_time_ends_with_2() {
    let (address, _server) = serve(vec![vec![Act::Silence]]).await;
    let output = consume(&format!("{address} --for 100ms --json")).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(text(&output.stdout), "");
    assert!(
        text(&output.stderr).contains("the login was not answered"),
        "{output:?}"
    );
}

#[tokio::test]
async fn a_login_that_is_accepted_elsewhere_is_not_0() {
    for (words, accepted, code) in [
        ("--from 1", 50, 1),
        ("--from 1 --verify-seed 7", 50, 1),
        ("--from 1000", 50, 2),
        ("--session OTHER --from 50", 50, 2),
        ("--from 0", 50, 0),
    ] {
        let numbers = (50..60).collect();
        let script = vec![Act::Accept(Some(accepted)), Act::Send(numbers), Act::End];
        let (address, _server) = serve(vec![script]).await;
        let output = consume(&format!("{address} {words}")).await;
        assert_eq!(output.status.code(), Some(code), "{words}: {output:?}");
        if code == 1 {
            let said = "message 50: 49 are missing before it\n";
            assert_eq!(text(&output.stderr), said, "{words}");
        }
    }
}

#[tokio::test]
async fn mistakes_on_the_command_line_end_with_2() {
    for words in [
        "",
        "127.0.0.1:1 --rate 5",
        "127.0.0.1:1 --rate max --start @1",
        "127.0.0.1:1 --rate 5 --start yesterday",
        "127.0.0.1:1 --username toolong",
        "127.0.0.1:1 --password a --password-file b",
        "127.0.0.1:1 --password-file /nowhere/at/all",
        "127.0.0.1:1 --session TOOLONGANAME",
        "127.0.0.1:1 --version 5",
        "127.0.0.1:1 --count 0",
        "127.0.0.1:1 --out /nowhere/at/all",
    ] {
        let output = consume(words).await;
        assert_eq!(output.status.code(), Some(2), "{words}: {output:?}");
        assert!(!output.stderr.is_empty(), "{words}");
    }
}

#[tokio::test]
async fn the_login_is_as_it_was_typed() {
    let (address, server) = serve(vec![vec![Act::Accept(None), Act::End]]).await;
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "secret\n").unwrap();
    let path = secret.path().display();
    let output = consume(&format!(
        "{address} --username user --password-file {path} --session {SESSION} --from 17 \
         --version 4.1 --heartbeat-timeout 5s --for 10s"
    ))
    .await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let login = server.await.unwrap()[0];
    assert!(
        login
            .credentials
            .matches(&Credentials::new("user", "secret").unwrap())
    );
    assert_eq!((login.session.as_str(), login.sequence), (SESSION, 17));
    assert_eq!(login.heartbeat_timeout, Some(Duration::from_secs(5)));
}

#[tokio::test]
async fn what_was_recorded_before_is_kept_until_a_server_answers() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "recorded before").unwrap();
    let path = file.path().display();
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = gone.local_addr().unwrap();
    drop(gone);
    let output = consume(&format!("{address} --out {path}")).await;
    assert!(!output.status.success(), "{output:?}");
    assert_eq!(std::fs::read(file.path()).unwrap(), b"recorded before");
    let (address, _server) = serve(vec![vec![Act::Accept(None), Act::End]]).await;
    let output = consume(&format!("{address} --out {path} --for 10s")).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(std::fs::read(file.path()).unwrap(), b"");
}
