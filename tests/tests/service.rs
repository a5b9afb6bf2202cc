//! The service and the client that the other tests rely on, without a gateway between them.

use std::time::Duration;

use tests::client::{AskError, Client, Request};
use tests::pki::Authority;
use tests::process::PATIENCE;
use tests::service::Service;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

#[tokio::test]
async fn a_service_names_itself_and_both_digests_hold() {
    let authority = Authority::default();
    let tls = authority.issue(&["currency.dc1"]).server();
    let service = Service::start("currency-1", tls).await.unwrap();
    let client = Client::new(authority.client(), PATIENCE);
    for (upload, download) in [(0, 0), (1, 0), (0, 1), (65_536, 65_537), (1 << 20, 3 << 19)] {
        let request = Request::new(7, upload, download);
        let asked = client.ask(service.address(), "currency.dc1", &request);
        let asked = asked.await;
        assert_eq!(asked.result.unwrap(), service.name());
        assert!(asked.wire.sent > upload && asked.wire.received > download);
    }
}

#[tokio::test]
async fn a_certificate_must_be_the_names_and_the_authoritys() {
    let authority = Authority::default();
    let tls = authority.issue(&["currency.dc1"]).server();
    let service = Service::start("currency-1", tls).await.unwrap();
    let (request, address) = (Request::new(7, 1, 1), service.address());
    let client = Client::new(authority.client(), PATIENCE);
    let other_name = client.ask(address, "orders.dc1", &request).await;
    assert!(matches!(other_name.result, Err(AskError::Tls(_))));
    let stranger = Client::new(Authority::default().client(), PATIENCE);
    let other_authority = stranger.ask(address, "currency.dc1", &request).await;
    assert!(matches!(other_authority.result, Err(AskError::Tls(_))));
}

#[tokio::test]
async fn an_alert_and_silence_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let client = Client::new(Authority::default().client(), Duration::from_millis(200));
    let request = Request::new(7, 1, 1);
    let refusing = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_u8().await.unwrap();
        stream.write_all(&[21, 3, 3, 0, 2, 2, 112]).await.unwrap();
        stream
    };
    let (asked, _open) = tokio::join!(client.ask(address, "nobody.dc1", &request), refusing);
    assert!(matches!(asked.result, Err(AskError::Alert(112))));
    assert_eq!(asked.wire.received, 7);
    let silent = client.ask(address, "nobody.dc1", &request).await;
    assert!(matches!(silent.result, Err(AskError::Late(_))));
}
