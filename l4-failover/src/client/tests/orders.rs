//! Orders, what they print, and how they are refused.

use clap::Parser;

use super::{Cli, Server, pair};

#[tokio::test]
async fn a_pool_moves_and_comes_back() {
    let pool = pair("a feed/1");
    let server = Server::over(&pool);
    assert_eq!(
        server.run(&["failover", "a feed/1"]).await.unwrap(),
        "a feed/1: moved from 127.0.0.1:9000 to 127.0.0.1:9001; it stays there until failback\n"
    );
    assert_eq!(pool.status().active, 1);
    assert_eq!(
        server.run(&["failback", "a feed/1"]).await.unwrap(),
        "a feed/1: moved from 127.0.0.1:9001 to 127.0.0.1:9000\n"
    );
    server.stop().await;
}

#[tokio::test]
async fn maintenance_takes_out_and_puts_back() {
    let pool = pair("feed");
    let server = Server::over(&pool);
    let words = ["maintenance", "feed", "127.0.0.1:9000"];
    let on = [&words[..], &["on", "--reason", "a new disk"]].concat();
    assert_eq!(
        server.run(&on).await.unwrap(),
        "feed: 127.0.0.1:9000 is in maintenance (a new disk); \
         moved from 127.0.0.1:9000 to 127.0.0.1:9001\n"
    );
    let sentence = server.refused(&["failback", "feed"]).await;
    assert!(
        sentence.contains("--force returns to it all the same"),
        "{sentence}"
    );
    assert_eq!(pool.status().active, 1);
    assert_eq!(
        server.run(&["failback", "feed", "--force"]).await.unwrap(),
        "feed: moved from 127.0.0.1:9001 to 127.0.0.1:9000; it is not healthy, and stays active \
         until it has been healthy once\n"
    );
    assert!(pool.status().active == 0 && pool.status().is_forced);
    let off = [&words[..], &["off"]].concat();
    let said = server.run(&off).await.unwrap();
    assert!(said.starts_with("feed: 127.0.0.1:9000 is not in maintenance any more"));
    assert_eq!(pool.status().tiers[0].endpoints[0].maintenance, None);
    server.stop().await;
}

#[tokio::test]
async fn unknown_names_list_those_that_are_known() {
    let server = Server::over(&pair("feed"));
    for words in [
        &["failover", "fed"][..],
        &["failback", "fed"],
        &["maintenance", "fed", "127.0.0.1:9000", "off"],
        &["status", "fed"],
        &["events", "fed"],
    ] {
        let sentence = server.refused(words).await;
        assert_eq!(sentence, "there is no pool \"fed\"; there are: feed");
    }
    assert_eq!(
        server
            .refused(&["maintenance", "feed", "127.0.0.1:1", "off"])
            .await,
        "feed has no endpoint \"127.0.0.1:1\"; it has: 127.0.0.1:9000, 127.0.0.1:9001"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_kind_that_there_is_not_is_mistyped() {
    let server = Server::over(&pair("feed"));
    for words in [
        &["events"][..],
        &["events", "feed"],
        &["status"],
        &["failover", "feed"],
    ] {
        let words = [words, &["--kind", "bogus"]].concat();
        let error = server.run(&words).await.unwrap_err();
        assert_eq!(
            error.sentence(),
            "there is no pool of the kind \"bogus\"; the kinds are: port"
        );
        assert!(error.is_mistyped(), "{words:?}");
    }
    let words = ["failover", "fed", "--kind", "port"];
    let error = server.run(&words).await.unwrap_err();
    assert_eq!(
        error.sentence(),
        "there is no port \"fed\"; there are: feed"
    );
    assert!(!error.is_mistyped());
    server.stop().await;
}

#[tokio::test]
async fn the_programs_own_answers_are_shown() {
    let server = Server::over(&pair("feed"));
    assert_eq!(
        server.refused(&["reload"]).await,
        "l4-failover.toml:3: port: missing\nl4-failover.toml:5: rise: too small"
    );
    assert_eq!(
        server.run(&["drain"]).await.unwrap(),
        "draining; 3 sessions\n"
    );
    server.stop().await;
}

#[test]
fn what_is_typed_wrongly_is_a_matter_of_usage() {
    for words in [
        &["maintenance", "feed", "127.0.0.1:9000", "on"][..],
        &["maintenance", "feed", "127.0.0.1:9000", "perhaps"],
        &["failover"],
        &["status", "--json", "--watch"],
        &["status", "--admin", "19001"],
        &["completions", "cmd.exe"],
    ] {
        let words = [&["l4-failover"], words].concat();
        let error = Cli::try_parse_from(&words).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{words:?}");
    }
}
