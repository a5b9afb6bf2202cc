//! Clients of all kinds, with names and without, and what they offer.

use crate::clients::{browse, curl, node, openssl, openssl_asks, openssl_for};
use crate::hellos::{compared, named, objects};
use crate::world::{PICKY, SERVER, TLS, World};

#[test]
fn openssl_with_names_versions_and_protocols() {
    let Some(world) = World::new(&[]) else { return };
    let _servers = world.serve_web();
    let (to, picky) = (format!("{SERVER}:{TLS}"), format!("{SERVER}:{PICKY}"));
    let session = world.path("session");
    let session = session.to_str().unwrap();
    let request = world.path("request");
    std::fs::write(&request, "GET / HTTP/1.0\r\n\r\n").unwrap();
    let file = world.capture("eth0", || {
        openssl_for(&to, "currency.dc1", &[]);
        openssl_for(&to, "Currency.DC1.", &["-alpn", "h2,http/1.1"]);
        openssl_for(&to, "under_score.dc1", &["-tls1_2", "-alpn", "x"]);
        openssl(&to, &["-noservername"]);
        let old = ["-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"];
        openssl_for(&to, "old.dc1", &old);
        // The second time with what it was given to resume by.
        openssl_asks(&to, "kept.dc1", &["-sess_out", session], &request);
        openssl_asks(&to, "kept.dc1", &["-sess_in", session], &request);
        openssl_for(&picky, "retried.dc1", &[]);
        openssl_for(&to, &"long.".repeat(50), &[]);
        openssl_for(
            &to,
            "wide.dc1",
            &[
                "-curves",
                "X448:P-521:X25519",
                "-ciphersuites",
                "TLS_AES_128_GCM_SHA256",
            ],
        );
    });
    let hellos = compared("openssl", &file);
    assert_eq!(hellos.len(), 11);
    let resumed = hellos.iter().filter(|it| it.ja3_text.contains("-41,"));
    assert_eq!(resumed.count(), 1);
    assert_eq!(named(&hellos, "Currency.DC1."), 1);
    assert_eq!(hellos.iter().filter(|it| it.name.is_none()).count(), 1);
    // A second one, after HelloRetryRequest: and it alone is marked.
    assert_eq!(named(&hellos, "retried.dc1"), 2);
    let marks: Vec<_> = objects(&file)
        .into_iter()
        .filter(|it| it["hrr"] == true)
        .collect();
    assert!(
        marks.len() == 1 && marks[0]["sni"] == "retried.dc1",
        "{marks:?}"
    );
    for (version, count) in [("1.1", 1), ("1.2", 1), ("1.3", 9)] {
        let of_it = hellos.iter().filter(|it| it.version == version);
        assert_eq!(of_it.count(), count, "{version}");
    }
}

#[test]
fn curl_and_node() {
    let Some(world) = World::new(&["curl", "node"]) else {
        return;
    };
    let _servers = world.serve_web();
    let file = world.capture("eth0", || {
        curl("one.dc1", &["--http1.1"]);
        curl("two.dc1", &["--http2"]);
        curl("three.dc1", &["--tls-max", "1.2", "--no-alpn"]);
        node(&["a.dc1", "b.dc1", "c.dc1"], &["h2", "http/1.1"]);
        node(&["d.dc1"], &[]);
    });
    let hellos = compared("curl and node", &file);
    assert_eq!(hellos.len(), 7);
    for name in ["one", "two", "three", "a", "b", "c", "d"] {
        assert_eq!(named(&hellos, &format!("{name}.dc1")), 1, "{name}");
    }
    let with_alpn = hellos.iter().filter(|it| !it.alpn.is_empty());
    assert_eq!(with_alpn.count(), 5);
}

/// Its hello has a key share of X25519MLKEM768, values made up to no purpose (GREASE), its extensions in
/// an order of chance, and an encrypted hello.
#[test]
fn a_browser() {
    let Some(world) = World::new(&["chromium"]) else {
        return;
    };
    let _servers = world.serve_web();
    let file = world.capture("eth0", || {
        browse(&world, "https://browser.dc1/");
    });
    let hellos = compared("chromium", &file);
    assert!(named(&hellos, "browser.dc1") >= 1, "{hellos:#?}");
    for it in objects(&file) {
        let groups = it["groups"].as_array().unwrap();
        assert!(
            groups.contains(&"0x11ec".into()) && it["ech"] == true,
            "{it}"
        );
        assert!(it["packets"].as_u64() >= Some(2), "{it}");
    }
}
