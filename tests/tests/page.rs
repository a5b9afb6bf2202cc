//! The page at the admin address, in a browser that nobody here wrote.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;
use tests::browser::Browser;
use tests::config::{dc1, feed};
use tests::process::Program;
use tests::wire::{Backend, read_exactly, read_to_end, send};
use tests::{failover, gateway, hello, http, peers};

fn is_here() -> bool {
    peers::are_here(&["chromium"])
}

const ELSEWHERE: &str =
    "[[datacenter]]\nname = \"dc2\"\ngateways = [\"127.0.0.1:1\"]\ncheck = \"none\"";

/// What somebody might send or say for a page to run.
const HOSTILE: &str = "<img/src=x/onerror=document.title='hacked'>";

fn origin(program: &Program) -> String {
    format!("http://{}", program.address("admin"))
}

/// A connection that stays, and its endpoint's side.
fn session(gateway: SocketAddr, backend: &Backend) -> (TcpStream, TcpStream) {
    let hello = hello::named(b"currency.dc1");
    let client = send(gateway, &hello);
    let mut upstream = backend.accept();
    assert_eq!(read_exactly(&mut upstream, hello.len()), hello);
    upstream.write_all(&[0; 4096]).unwrap();
    (client, upstream)
}

fn refused(gateway: SocketAddr, name: &[u8]) {
    let mut client = send(gateway, &hello::named(name));
    assert!(!read_to_end(&mut client).0.is_empty());
}

/// It runs no more than it should, asks nobody else, and has nothing to complain about.
fn assert_clean(browser: &mut Browser, origin: &str) {
    for url in browser.requests() {
        let is_own = url.starts_with(&format!("{origin}/")) || url == "data:,";
        assert!(is_own || url == "about:blank", "{url}");
    }
    let console = browser.console();
    assert!(console.is_empty(), "{console:#?}");
    assert_ne!(browser.value("document.title"), "hacked");
}

fn text(selector: &str) -> String {
    format!("document.querySelector('{selector}').textContent")
}

#[test]
fn the_page_shows_the_whole_and_nothing_of_it_runs() {
    if !is_here() {
        return;
    }
    let backend = Backend::default();
    let gateway = gateway!(dc1("", &[backend.address()], ELSEWHERE));
    let out = json!({"endpoint": "127.0.0.1:1", "reason": HOSTILE}).to_string();
    let admin = gateway.address("admin");
    assert_eq!(
        http::post(admin, "/pools/dc2/maintenance", &out).status,
        200
    );
    let _session = session(gateway.listen(), &backend);
    let (mut browser, origin) = (Browser::new(), origin(&gateway));
    browser.open(&format!("{origin}/"));
    browser.until("document.querySelectorAll('#services article').length === 2");
    for (selector, wanted) in [
        ("#title", "dc1"),
        ("#map svg", "currency"),
        ("#map svg", "dc2"),
        ("#services", &backend.address().to_string()),
        ("#services", HOSTILE),
        ("#transitions", HOSTILE),
        ("#figures dd", "1"),
    ] {
        browser.until(&format!("{}.includes({})", text(selector), json!(wanted)));
    }
    // What the tap shows, it shows from now on.
    browser.until("!document.querySelector('#tap').hidden");
    refused(gateway.listen(), HOSTILE.as_bytes());
    refused(gateway.listen(), b"nobody.dc1");
    let _other = session(gateway.listen(), &backend);
    browser.until(&format!("{}.includes({})", text("#seen"), json!(HOSTILE)));
    browser.until(&format!("{}.includes('exact → currency')", text("#seen")));
    assert_eq!(
        browser.value("document.querySelectorAll('img, body script').length"),
        0
    );
    assert_clean(&mut browser, &origin);
}

#[test]
fn the_tap_is_filtered_by_what_is_typed() {
    if !is_here() {
        return;
    }
    let backend = Backend::default();
    let gateway = gateway!(dc1("", &[backend.address()], ""));
    let (mut browser, origin) = (Browser::new(), origin(&gateway));
    browser.open(&format!("{origin}/"));
    browser.until("!document.querySelector('#tap').hidden");
    for name in [&b"one.dc1"[..], b"other.dc1", b"third.dc1"] {
        refused(gateway.listen(), name);
    }
    let _session = session(gateway.listen(), &backend);
    let rows = "document.querySelectorAll('#seen tr').length";
    browser.until(&format!("{rows} === 4"));
    for (typed, count) in [
        ("OTHER", 1),
        ("unknown_name", 3),
        ("unknown_name -third", 2),
        ("unknown_name currency", 0),
        ("open", 1),
        ("", 4),
        ("-unknown_name", 1),
    ] {
        browser.fill("#filter", typed);
        browser.until(&format!("{rows} === {count}"));
    }
    // What comes later is judged as well.
    refused(gateway.listen(), b"fourth.dc1");
    let _session = session(gateway.listen(), &backend);
    browser.until(&format!("{rows} === 2"));
    browser.fill("#filter", "");
    browser.until(&format!("{rows} === 6"));
    assert_clean(&mut browser, &origin);
}

#[test]
fn the_shell_asks_for_the_token_and_keeps_it_for_the_tab() {
    if !is_here() {
        return;
    }
    const TOKEN: &str = "a-very-secret-token-0123456789";
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), TOKEN).unwrap();
    let config = dc1("", &["127.0.0.1:7000".parse().unwrap()], "");
    let with_token = format!("[admin]\ntoken_file = {:?}", token.path());
    let gateway = gateway!(config.replace("[admin]", &with_token));
    let (mut browser, origin) = (Browser::new(), origin(&gateway));
    let submit = "document.querySelector('#ask button').click()";
    let is_shown =
        "!document.querySelector('#main').hidden && document.querySelector('#ask').hidden";
    browser.open(&format!("{origin}/"));
    browser.until("!document.querySelector('#ask').hidden");
    browser.fill("#token", "another-token");
    browser.value(submit);
    browser.until(&format!("{} === 'It is another one.'", text("#wrong")));
    browser.fill("#token", TOKEN);
    browser.value(submit);
    browser.until(is_shown);
    browser.until(&format!("{}.includes('currency')", text("#services")));
    browser.until("!document.querySelector('#tap').hidden");
    browser.open(&format!("{origin}/"));
    browser.until(is_shown);
    assert_eq!(
        browser.value("localStorage.length + document.cookie.length"),
        0
    );
    for url in browser.requests() {
        assert!(!url.contains(TOKEN), "{url}");
    }
    // The refusals are all that there is to complain about.
    for entry in browser.console() {
        assert!(
            entry["entry"]["text"].as_str().unwrap().contains("401"),
            "{entry}"
        );
    }
}

#[test]
fn no_width_makes_it_scroll_sideways() {
    if !is_here() {
        return;
    }
    let long = "a".repeat(60);
    let more = format!(
        "{ELSEWHERE}\n[[service]]\nname = \"{long}\"\nendpoints = [\"{long}.example:7000\"]\n\
         check = \"none\""
    );
    let backend = Backend::default();
    let gateway = gateway!(dc1("", &[backend.address()], &more));
    let (mut browser, origin) = (Browser::new(), origin(&gateway));
    browser.open(&format!("{origin}/"));
    browser.until("!document.querySelector('#tap').hidden");
    refused(gateway.listen(), format!("{long}.{long}.{long}").as_bytes());
    browser.until("document.querySelectorAll('#seen tr').length === 1");
    for width in [360, 700, 1024, 1920] {
        browser.resize(width, 800);
        browser.until(&format!(
            "document.documentElement.clientWidth <= {width} && \
             document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        ));
        let drawn = "document.querySelector('#map svg').viewBox.baseVal.width";
        browser.until(&format!("{drawn} <= {width} && {drawn} > {width} * 0.75"));
    }
    assert_clean(&mut browser, &origin);
}

/// Whatever is long in a row, the outcome is what one reads it for.
/// A pixel is what widths are rounded by.
#[test]
fn no_column_of_the_tap_is_cut() {
    if !is_here() {
        return;
    }
    let backend = Backend::default();
    let gateway = gateway!(dc1("", &[backend.address()], ""));
    let (mut browser, origin) = (Browser::new(), origin(&gateway));
    browser.open(&format!("{origin}/"));
    browser.until("!document.querySelector('#tap').hidden");
    let long = "a".repeat(60);
    refused(gateway.listen(), format!("{long}.{long}.{long}").as_bytes());
    refused(gateway.listen(), b"nobody.dc1");
    let _session = session(gateway.listen(), &backend);
    browser.until("document.querySelectorAll('#seen tr').length === 3");
    for width in [360, 600, 881, 1000, 1201, 1300, 1680] {
        browser.resize(width, 800);
        browser.until(&format!(
            "document.documentElement.clientWidth <= {width} && \
             [...document.querySelectorAll('.scroll, #seen td')]\
             .every((it) => it.scrollWidth <= it.clientWidth + 1)"
        ));
    }
    assert_clean(&mut browser, &origin);
}

#[test]
fn a_process_that_is_gone_is_told() {
    if !is_here() {
        return;
    }
    let mut gateway = gateway!(dc1("", &["127.0.0.1:7000".parse().unwrap()], ""));
    let mut browser = Browser::new();
    browser.open(&format!("{}/", origin(&gateway)));
    browser.until("!document.querySelector('#tap').hidden");
    assert!(gateway.stop().success());
    browser.until(&format!(
        "{}.startsWith('The process does not answer.')",
        text("#notice")
    ));
    assert_eq!(browser.value(&text("#title")), "dc1");
}

/// From the first answer on: a pause of the page and what a busy machine adds, but less than
/// five times the wait for the answer that did not come.
const RECOVERY_MAX: Duration = Duration::from_secs(20);

/// It accepts connections, as its socket still does, but no answer comes.
#[test]
fn a_process_that_is_stopped_is_told_until_it_answers_again() {
    if !is_here() {
        return;
    }
    let backend = Backend::default();
    let gateway = gateway!(dc1("", &[backend.address()], ""));
    let mut browser = Browser::new();
    browser.open(&format!("{}/", origin(&gateway)));
    browser.until(&format!("{}.includes('live for')", text("#state")));
    gateway.signal(Signal::STOP);
    browser.until(&format!(
        "{}.startsWith('The process does not answer. What is shown is from ')",
        text("#notice")
    ));
    let state = browser.value(&text("#state"));
    assert!(
        state.as_str().unwrap().ends_with(" · does not answer"),
        "{state}"
    );
    gateway.signal(Signal::CONT);
    let continued = Instant::now();
    let _session = session(gateway.listen(), &backend);
    browser.until(&format!("{} === '1'", text("#figures dd")));
    assert!(continued.elapsed() < RECOVERY_MAX);
    browser.until(&format!(
        "document.querySelector('#notice').hidden && {}.includes('live for')",
        text("#state")
    ));
}

#[test]
fn ports_have_the_same_page() {
    if !is_here() {
        return;
    }
    let backend = Backend::default();
    let port = failover!(feed(&[backend.address()], "check = \"none\"", ""));
    let _client = TcpStream::connect(port.address("feed")).unwrap();
    let _upstream = backend.accept();
    let (mut browser, origin) = (Browser::new(), origin(&port));
    browser.open(&format!("{origin}/"));
    for (selector, wanted) in [
        ("#title", "l4-failover"),
        ("#services", "feed"),
        ("#map svg", &backend.address().to_string()),
        ("#figures dd", "1"),
    ] {
        browser.until(&format!("{}.includes({})", text(selector), json!(wanted)));
    }
    assert_eq!(browser.value("document.querySelector('#tap').hidden"), true);
    assert_clean(&mut browser, &origin);
}

/// Nothing may frame it, and nothing of elsewhere, nor anything inline, may run in it.
#[test]
fn its_policy_is_strict() {
    let gateway = gateway!(dc1("", &["127.0.0.1:7000".parse().unwrap()], ""));
    let admin = gateway.address("admin");
    for path in ["/", "/page.js", "/page.css"] {
        let mut stream = TcpStream::connect(admin).unwrap();
        let ask = format!("GET {path} HTTP/1.0\r\nHost: {admin}\r\n\r\n");
        stream.write_all(ask.as_bytes()).unwrap();
        let answer = String::from_utf8(read_to_end(&mut stream).0).unwrap();
        let policy = answer
            .lines()
            .find_map(|line| line.strip_prefix("content-security-policy: "));
        let policy = policy.unwrap_or_else(|| panic!("no policy in {answer}"));
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(
            !policy.contains("unsafe") && !policy.contains('*'),
            "{policy}"
        );
    }
    let shell = gateway.get("/").body;
    for word in [
        "onclick", "style=", "<style", "http://", "https://", "//cdn",
    ] {
        assert!(!shell.contains(word), "{word}");
    }
    assert_eq!(
        shell.matches("<script").count(),
        shell.matches("<script src=\"/").count()
    );
    let script = gateway.get("/page.js").body;
    for word in [
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval(",
    ] {
        assert!(!script.contains(word), "{word}");
    }
}
