use std::sync::Arc;
use std::time::Duration;

use l4_failover::Addresses;
use l4_failover::probe::{Checker, Probe, Subject, Watch};
use tokio::io::AsyncWriteExt;

use crate::peer::{Endpoint, nobody, rest, silent};
use crate::{check, failure, subject};

#[tokio::test]
async fn a_connection_is_enough_and_ends_with_fin() {
    let mut endpoint =
        Endpoint::new(|mut connection| async move { rest(&mut connection).await }).await;
    let verdict = check(subject(endpoint.address, Probe::Tcp)).await;
    assert_eq!(verdict.result, Ok(()));
    assert!(endpoint.result().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_endpoint_that_speaks_first_is_not_reset() {
    let mut endpoint = Endpoint::new(|mut connection| async move {
        connection.write_all(b"220 ready\r\n").await?;
        rest(&mut connection).await?;
        // After FIN was read, a RST shows nowhere else.
        connection.take_error()
    })
    .await;
    let verdict = check(subject(endpoint.address, Probe::Tcp)).await;
    assert_eq!(verdict.result, Ok(()));
    assert!(endpoint.result().await.unwrap().is_none());
}

#[tokio::test]
async fn nobody_there() {
    let refused = failure(subject(nobody(), Probe::Tcp)).await;
    assert_eq!(refused, "connection refused");
}

#[tokio::test]
async fn no_answer() {
    let (address, _listener) = silent().await;
    let impatient = Subject {
        timeout: Duration::from_millis(150),
        ..subject(address, Probe::Tcp)
    };
    assert_eq!(failure(impatient).await, "no answer within 150ms");
}

#[tokio::test]
async fn another_port_is_asked_for_the_endpoint() {
    let endpoint = Endpoint::new(|_| async {}).await;
    let elsewhere = Subject {
        port: Some(endpoint.address.port()),
        ..subject(nobody(), Probe::Tcp)
    };
    assert_eq!(check(elsewhere).await.result, Ok(()));
}

#[tokio::test]
async fn a_name_without_an_address() {
    let target = "feed.invalid:9000".parse().unwrap();
    let nowhere = Subject {
        addresses: Arc::new(Addresses::new(&target)),
        target,
        ..subject(nobody(), Probe::Tcp)
    };
    let why = failure(nowhere).await;
    assert_eq!(why, "its name has no address: it was not looked up yet");
}

/// All that a check of `subject` sends to `endpoint`.
async fn said(endpoint: &mut Endpoint<std::io::Result<Vec<u8>>>, subject: Subject) -> Vec<u8> {
    assert_eq!(check(subject).await.result, Ok(()));
    endpoint.result().await.unwrap()
}

#[tokio::test]
async fn an_endpoint_that_expects_a_proxy_header_gets_a_local_one() {
    let mut endpoint =
        Endpoint::new(|mut connection| async move { rest(&mut connection).await }).await;
    let announced = Subject {
        proxy: true,
        ..subject(endpoint.address, Probe::Tcp)
    };
    assert_eq!(said(&mut endpoint, announced.clone()).await, LOCAL);
    // Health that is told on another port is another listener's, which expects none.
    let elsewhere = Subject {
        port: Some(endpoint.address.port()),
        target: nobody().to_string().parse().unwrap(),
        ..announced
    };
    assert!(said(&mut endpoint, elsewhere).await.is_empty());
}

const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

/// One who gets a header and one who gets none are not the same to check.
#[tokio::test]
async fn with_and_without_a_header_are_two_series() {
    let mut endpoint =
        Endpoint::new(|mut connection| async move { rest(&mut connection).await }).await;
    let checker = Checker::new();
    let both = [true, false].map(|proxy| {
        let plain = subject(endpoint.address, Probe::Tcp);
        checker.watch(Subject { proxy, ..plain }, |_| ())
    });
    both.iter().for_each(Watch::now);
    let mut said = [(); 2].map(|()| Vec::new());
    for said in &mut said {
        *said = endpoint.result().await.unwrap();
    }
    said.sort();
    assert_eq!(said, [&b""[..], LOCAL]);
}
