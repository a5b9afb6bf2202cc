//! Every kind of address, and everything that can be wrong with one.

use std::path::Path;
use std::time::Duration;

use super::{Server, file, pair, refused, run, soon};
use crate::admin::AdminOptions;
use crate::client::Address;
use crate::client::connect::Peer;
use crate::socket::tls::Identity;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test]
async fn a_name_is_looked_up() {
    let server = Server::over(&pair("feed"));
    let port = server.address.rsplit(':').next().unwrap();
    let admin = format!("localhost:{port}");
    assert!(
        run(&["status", "--admin", &admin])
            .await
            .unwrap()
            .contains("\nfeed  (port)")
    );
    server.stop().await;
}

#[tokio::test]
async fn a_unix_socket_is_an_address() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("admin.sock");
    let address = format!("unix:{}", path.display());
    let server = Server::at(AdminOptions::at(address.parse().unwrap()), &pair("feed"));
    assert_eq!(server.address, address);
    assert!(
        server
            .run(&["status"])
            .await
            .unwrap()
            .contains("\nfeed  (port)")
    );
    server.stop().await;
    assert_eq!(
        refused(&["status", "--admin", &address]).await,
        format!("nobody listens at {address}: is l4-failover running? --admin says where")
    );
}

#[tokio::test]
async fn tls_is_spoken_to_whoever_has_the_certificate() {
    let directory = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let cert = file(&directory, "cert", &made.cert.pem());
    let key = file(&directory, "key", &made.signing_key.serialize_pem());
    let token = file(&directory, "token", "s3cret\n");
    let options = AdminOptions {
        token_file: Some(token.clone()),
        tls: Some(Identity {
            cert: cert.clone(),
            key,
        }),
        ..AdminOptions::at("127.0.0.1:0".parse().unwrap())
    };
    let server = Server::at(options, &pair("feed"));
    let admin = format!("https://{}", server.address);
    let asked = [
        "status",
        "--admin",
        &admin,
        "--token-file",
        text(&token),
        "--ca",
    ];
    let shown = run(&[&asked[..], &[text(&cert)]].concat()).await;
    assert!(shown.unwrap().contains("\nfeed  (port)"));
    let plain = [
        "status",
        "--admin",
        &server.address,
        "--token-file",
        text(&token),
    ];
    for words in [&plain[..], &["events", "--admin", &server.address]] {
        let expected = format!(
            "{} does not speak HTTP; if it speaks TLS, write --admin {admin}",
            server.address
        );
        assert_eq!(refused(words).await, expected);
    }
    let other = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let other = file(&directory, "other", &other.cert.pem());
    let sentence = refused(&[&asked[..], &[text(&other)]].concat()).await;
    assert!(
        sentence.starts_with(&format!("no TLS with {admin}: the certificate")),
        "{sentence}"
    );
    let none = directory.path().join("none");
    let sentence = refused(&[&asked[..], &[text(&none)]].concat()).await;
    assert!(sentence.contains("none cannot be read"), "{sentence}");
    server.stop().await;
}

#[tokio::test]
async fn a_token_is_shown_and_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let right = file(&directory, "right", "s3cret");
    let wrong = file(&directory, "wrong", "secret");
    let options = AdminOptions {
        token_file: Some(right.clone()),
        ..AdminOptions::at("127.0.0.1:0".parse().unwrap())
    };
    let server = Server::at(options, &pair("feed"));
    let at = &server.address;
    let shown = server.run(&["status", "--token-file", text(&right)]).await;
    assert!(shown.unwrap().contains("\nfeed  (port)"));
    assert_eq!(
        server.refused(&["status"]).await,
        format!(
            "the process at {at} asks for its token: --token-file names the file that holds it"
        )
    );
    assert_eq!(
        server
            .refused(&["status", "--token-file", text(&wrong)])
            .await,
        format!(
            "the process at {at} does not accept the token in {}",
            wrong.display()
        )
    );
    let sentence = server
        .refused(&["status", "--token-file", "/nonexistent"])
        .await;
    assert!(sentence.starts_with("the token file /nonexistent cannot be read"));
    server.stop().await;
}

#[tokio::test]
async fn a_token_goes_to_another_machine_by_tls_only() {
    // Another machine, in the eyes of whoever looks at addresses: this one's own, not loopback.
    let own = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    if own.connect("192.0.2.1:9").is_err() || own.local_addr().unwrap().ip().is_loopback() {
        return;
    }
    let ip = own.local_addr().unwrap().ip();
    let listener = tokio::net::TcpListener::bind((ip, 0)).await.unwrap();
    let admin = listener.local_addr().unwrap().to_string();
    let directory = tempfile::tempdir().unwrap();
    let token = file(&directory, "token", "s3cret");
    assert_eq!(
        refused(&["status", "--admin", &admin, "--token-file", text(&token)]).await,
        format!(
            "{admin} is another machine, to which a token goes by TLS only: \
             --admin https://{admin}"
        )
    );
}

#[tokio::test]
async fn nobody_there_is_said_with_what_to_do() {
    assert_eq!(
        refused(&["drain"]).await,
        "nobody listens at 127.0.0.1:1: is l4-failover running? --admin says where"
    );
}

#[tokio::test]
async fn a_name_that_is_not_the_processs_is_refused_with_its_sentence() {
    // The look-up of a name is the system's: the request is sent as one for another name.
    let server = Server::over(&pair("feed"));
    let admin: Address = server.address.parse().unwrap();
    let mut peer = peer(&admin);
    peer.host = "feed.example".to_owned();
    let error = soon(peer.get("/clusters")).await.unwrap_err();
    let sentence = error.sentence();
    assert!(
        sentence.starts_with("the host of the request is not this server's"),
        "{sentence}"
    );
    server.stop().await;
}

#[tokio::test]
async fn what_does_not_answer_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let admin: Address = listener.local_addr().unwrap().to_string().parse().unwrap();
    let peer = peer(&admin);
    let limit = Duration::from_millis(50);
    let asked = async { peer.get("/clusters").await };
    let error = soon(peer.bounded(limit, asked)).await.unwrap_err();
    assert_eq!(
        error.sentence(),
        format!("nothing came from {admin} for 50ms")
    );
}

fn peer(admin: &Address) -> Peer {
    let connection = crate::client::Connection {
        admin: None,
        token_file: None,
        ca: None,
    };
    Peer::new(&connection, admin.clone(), "l4-failover").unwrap()
}

#[tokio::test]
async fn what_is_not_the_program_is_told_apart() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    for (answer, expected) in [
        (
            "SSH-2.0-OpenSSH_9.9\r\n",
            "ADMIN does not speak HTTP; if it speaks TLS, write --admin https://ADMIN",
        ),
        ("", "the answer of ADMIN broke off: connection closed"),
        (
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            "ADMIN knows no /status: is it the admin address of l4-failover?",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nup",
            "ADMIN answers what l4-failover would not: expected value",
        ),
        (
            "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
            "ADMIN answers what l4-failover would not: 502 Bad Gateway",
        ),
        (
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno\n",
            "no",
        ),
    ] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let admin = listener.local_addr().unwrap().to_string();
        let task = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        let sentence = refused(&["status", "--admin", &admin]).await;
        let expected = expected.replace("ADMIN", &admin);
        assert!(sentence.starts_with(&expected), "{sentence}");
        task.await.unwrap();
    }
}
