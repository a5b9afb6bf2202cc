//! Files that change while they are in use.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use l4_failover::probe::{CheckOptions, Probe};
use l4_failover::socket::tls::{
    Identity, Reload, TlsClient, TlsOptions, TlsServer, TlsServerOptions, Watcher,
};
use l4_failover::{EndpointOptions, Pool};
use rustls::version::TLS13;
use tokio_rustls::TlsAcceptor;
use tracing::Level;

use crate::authority::{Authority, write};
use crate::log::Log;
use crate::peer::{PATIENCE, caller, chain, connected, server};
use crate::server::options;

/// The number of the certificate that the server shows.
async fn shown(server: &TlsServer, authority: &Authority) -> Vec<u8> {
    let (outer, inner) = connected().await;
    let mine = authority.issue("caller", &["webservice.dc1"]);
    let name = "refdata.dc1".try_into().unwrap();
    let connector = caller(&authority.ca(), Some(&mine), &TLS13);
    let (accepted, called) = tokio::join!(
        server.accept(inner, PATIENCE),
        connector.connect(name, outer)
    );
    accepted.unwrap();
    let called = called.unwrap();
    called.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

fn leaf(identity: &Identity) -> Vec<u8> {
    chain(identity).0[0].to_vec()
}

fn loaded(authority: &Authority) -> (TlsServer, Identity) {
    let options = options(authority, &["webservice.dc1"]);
    (TlsServer::load(&options).unwrap(), options.identity)
}

/// Puts a new certificate and key in the place of the old ones, by renaming.
fn replace(authority: &Authority, old: &Identity) {
    let new = authority.issue("new", &["refdata.dc1"]);
    fs::rename(&new.cert, &old.cert).unwrap();
    fs::rename(&new.key, &old.key).unwrap();
}

#[tokio::test]
async fn new_handshakes_use_new_files() {
    let authority = Authority::new();
    let (server, identity) = loaded(&authority);
    assert_eq!(server.reload(), Reload::Unchanged);
    let before = leaf(&identity);
    assert_eq!(shown(&server, &authority).await, before);
    replace(&authority, &identity);
    // Whoever holds a clone sees it too.
    let clone = server.clone();
    let log = Log::default();
    assert_eq!(log.during(|| server.reload()), Reload::Replaced);
    assert_eq!(log.take()[0].0, Level::INFO);
    let after = leaf(&identity);
    assert_ne!(after, before);
    assert_eq!(shown(&clone, &authority).await, after);
    assert_eq!(server.reload(), Reload::Unchanged);
}

#[tokio::test]
async fn what_cannot_be_used_keeps_the_old_and_is_said_once() {
    let authority = Authority::new();
    let (server, identity) = loaded(&authority);
    let before = leaf(&identity);
    let other = authority.issue("other", &["refdata.dc1"]);
    let whole = fs::read_to_string(&other.cert).unwrap();
    let log = Log::default();
    let looks = |error: &str| {
        let reloads = log.during(|| [server.reload(), server.reload(), server.reload()]);
        assert_eq!(
            reloads,
            [Reload::Kept, Reload::Unchanged, Reload::Unchanged]
        );
        let said = log.take();
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(
            said[0].0 == Level::WARN && said[0].1.contains(error),
            "{said:?}"
        );
        let last = server.last_error().unwrap();
        assert!(last.to_string().contains(error), "{last}");
    };
    assert!(server.last_error().is_none());
    // Half-written, then whole without its key, then gone.
    write(&identity.cert, &whole[..whole.len() / 2]);
    looks("cannot be read as a PEM certificate");
    write(&identity.cert, &whole);
    looks("the key does not fit the certificate");
    fs::remove_file(&identity.cert).unwrap();
    looks("cannot be read");
    assert_eq!(shown(&server, &authority).await, before);
    // The key comes at last.
    write(&identity.cert, &whole);
    fs::copy(&other.key, &identity.key).unwrap();
    assert_eq!(server.reload(), Reload::Replaced);
    assert!(server.last_error().is_none());
    assert_eq!(shown(&server, &authority).await, leaf(&other));
}

/// The files of before come back, after a mistake: the mistake is over.
#[test]
fn a_mistake_that_is_undone_is_forgotten() {
    let authority = Authority::new();
    let (server, identity) = loaded(&authority);
    let whole = fs::read_to_string(&identity.cert).unwrap();
    for wrong in ["", &whole[..100]] {
        write(&identity.cert, wrong);
        assert_eq!(server.reload(), Reload::Kept);
        write(&identity.cert, &whole);
        assert_eq!(server.reload(), Reload::Replaced);
        assert!(server.last_error().is_none());
    }
}

/// As Kubernetes does it: the files are links through `..data`, a link to a directory that is
/// swapped by a rename.
#[tokio::test]
async fn a_swapped_link_on_the_way_to_the_files_is_a_change() {
    let authority = Authority::new();
    let mount = tempfile::tempdir().unwrap();
    let at = |name: &str| mount.path().join(name);
    let mut issued = Vec::new();
    for version in ["1", "2"] {
        let identity = authority.issue(version, &["refdata.dc1"]);
        fs::create_dir(at(version)).unwrap();
        fs::copy(&identity.cert, at(version).join("tls.crt")).unwrap();
        fs::copy(&identity.key, at(version).join("tls.key")).unwrap();
        issued.push(leaf(&identity));
    }
    symlink("1", at("..data")).unwrap();
    symlink("..data/tls.crt", at("tls.crt")).unwrap();
    symlink("..data/tls.key", at("tls.key")).unwrap();
    let server = TlsServer::load(&TlsServerOptions {
        identity: Identity {
            cert: at("tls.crt"),
            key: at("tls.key"),
        },
        ..options(&authority, &["webservice.dc1"])
    });
    let server = server.unwrap();
    assert_eq!(shown(&server, &authority).await, issued[0]);
    symlink("2", at("..data_tmp")).unwrap();
    fs::rename(at("..data_tmp"), at("..data")).unwrap();
    assert_eq!(server.reload(), Reload::Replaced);
    assert_eq!(shown(&server, &authority).await, issued[1]);
}

/// The times of a file tell nothing when they are set back; what the file is tells enough.
#[test]
fn a_change_that_hides_its_time_is_a_change() {
    let authority = Authority::new();
    let (server, identity) = loaded(&authority);
    let long_ago = fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
    let hide = |path: &Path| fs::File::open(path).unwrap().set_times(long_ago).unwrap();
    hide(&identity.cert);
    assert_eq!(server.reload(), Reload::Unchanged);
    replace(&authority, &identity);
    hide(&identity.cert);
    hide(&identity.key);
    assert_eq!(server.reload(), Reload::Replaced);
}

fn to(authority: &Authority, ca: &Path) -> TlsOptions {
    TlsOptions {
        server_name: "refdata.dc1".to_owned(),
        ca: Some(ca.to_owned()),
        identity: Some(authority.issue("mine", &["webservice.dc1"])),
    }
}

#[tokio::test]
async fn a_client_trusts_new_authorities() {
    let authority = Authority::new();
    let renewed = Authority::named("a new authority");
    let client = TlsClient::load(&to(&authority, &authority.ca())).unwrap();
    let acceptor = TlsAcceptor::from(server(&renewed.issue("s", &["refdata.dc1"]), &[&TLS13]));
    let shake = async || {
        let (outer, inner) = connected().await;
        let (shaken, _) = tokio::join!(client.connect(outer, PATIENCE), acceptor.accept(inner));
        shaken
    };
    assert!(shake().await.is_err());
    let both = [authority.ca(), renewed.ca()].map(|path| fs::read_to_string(path).unwrap());
    write(&authority.ca(), &both.concat());
    assert_eq!(client.reload(), Reload::Replaced);
    assert!(shake().await.is_ok());
    write(&authority.ca(), "");
    assert_eq!(client.reload(), Reload::Kept);
    assert_eq!(client.last_error().unwrap().key(), "ca");
    assert!(shake().await.is_ok());
}

#[test]
fn the_day_of_expiry_is_known_and_said_once_when_it_is_past() {
    let authority = Authority::new();
    let until = rcgen::date_time_ymd(2024, 2, 3);
    let old = authority.issue_with("old", &["webservice.dc1"], |params| {
        params.not_after = until;
    });
    let log = Log::default();
    let client = log.during(|| {
        let client = TlsClient::load(&TlsOptions {
            identity: Some(old.clone()),
            ..to(&authority, &authority.ca())
        });
        client.unwrap()
    });
    let said = log.take();
    assert!(
        said.len() == 1 && said[0].1.contains("expired at 2024-02-03T00:00:00Z"),
        "{said:?}"
    );
    assert_eq!(client.expires(), Some(until.into()));
    log.during(|| client.reload());
    assert_eq!(log.take(), []);
    let good = authority.issue("good", &["webservice.dc1"]);
    fs::rename(good.cert, &old.cert).unwrap();
    fs::rename(good.key, &old.key).unwrap();
    assert_eq!(client.reload(), Reload::Replaced);
    assert!(client.expires().unwrap() > std::time::SystemTime::now());
    let nobody = TlsOptions {
        identity: None,
        ..to(&authority, &authority.ca())
    };
    assert_eq!(TlsClient::load(&nobody).unwrap().expires(), None);
}

/// The endpoint stays, as does its name; what it is shown is in other files from then on.
#[tokio::test]
async fn what_a_reload_gives_to_an_endpoint_that_stays_is_watched() {
    let authority = Authority::new();
    let unchecked = CheckOptions {
        probe: Some(Probe::None),
        ..CheckOptions::default()
    };
    let endpoint = EndpointOptions {
        tls: Some(to(&authority, &authority.ca())),
        ..EndpointOptions::at("127.0.0.1:1".parse().unwrap())
    };
    let builder = Pool::builder().primary_endpoint(endpoint).check(unchecked);
    let pool = builder.build().unwrap();
    let next = authority.issue("next", &["webservice.dc1"]);
    let mut options = pool.options();
    options.tiers[0][0].tls.as_mut().unwrap().identity = Some(next.clone());
    pool.reload(options).unwrap();
    let until = rcgen::date_time_ymd(2040, 2, 3);
    let renewed = authority.issue_with("renewed", &["webservice.dc1"], |params| {
        params.not_after = until;
    });
    fs::rename(renewed.cert, next.cert).unwrap();
    fs::rename(renewed.key, next.key).unwrap();
    let seen = async {
        while pool.status().tiers[0].endpoints[0].certificate_expires != Some(until.into()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, seen).await.unwrap();
}

#[tokio::test]
async fn the_watcher_sees_changes_by_itself() {
    let authority = Authority::new();
    let (server, identity) = loaded(&authority);
    let gone = TlsClient::load(&to(&authority, &authority.ca())).unwrap();
    let watcher = Watcher::default();
    watcher.add(gone.files());
    watcher.add(server.files());
    drop(gone);
    let running = tokio::spawn(async move { watcher.run().await });
    write(&identity.cert, "");
    let seen = async {
        while server.last_error().is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, seen).await.unwrap();
    running.abort();
}
