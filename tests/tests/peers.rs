//! Programs that nobody here wrote, through two gateways: from dc1 to a web server in dc2.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;
use tests::config::JSON_LOG;
use tests::gateway;
use tests::peers::{self, Peer};
use tests::pki::Authority;
use tests::process::{Gateway, run, run_on};
use tests::wire::Refusing;

const NAME: &str = "currency.dc2";
const PAGE: &str = "<html><body><p>exchange rates</p></body></html>";
/// Many times what a pipe or a socket buffer holds.
const FILE_LEN: usize = 8 << 20;

/// A web server in dc2, the gateways of both data centres, and who answers for the certificate.
struct World {
    directory: TempDir,
    authority: PathBuf,
    dc1: Gateway,
    dc2: Gateway,
    /// Before the one of dc2 in the list of dc1.
    _dead: Refusing,
    _server: Peer,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let authority = Authority::default();
        let identity = authority.issue(&[NAME]);
        identity.write(directory.path(), "server");
        fs::write(directory.path().join("index.html"), PAGE).unwrap();
        fs::write(directory.path().join("file"), file()).unwrap();
        let (server, address) = web_server(directory.path());
        let dc2 = gateway!(config(
            "dc2",
            &format!("[[service]]\nname = \"currency\"\nendpoints = [\"{address}\"]\n")
        ));
        let dead = Refusing::default();
        let gateways = format!("[\"{}\", \"{}\"]", dead.address(), dc2.listen());
        let dc1 = gateway!(config(
            "dc1",
            &format!("[[datacenter]]\nname = \"dc2\"\ngateways = {gateways}\n")
        ));
        Self {
            authority: authority.write(directory.path()),
            directory,
            dc1,
            dc2,
            _dead: dead,
            _server: server,
        }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    fn port(&self) -> u16 {
        self.dc1.listen().port()
    }

    /// Both gateways passed `count` connections on, and each was relayed.
    fn assert_passed(&self, count: usize) {
        for (gateway, kind, route) in [
            (&self.dc1, "datacenter", "dc2"),
            (&self.dc2, "service", "currency"),
        ] {
            for line in gateway.ended_as(count, is_no_probe) {
                assert_eq!(line["sni"], NAME, "{line}");
                assert_eq!(
                    (&line["kind"], &line["route"]),
                    (&kind.into(), &route.into())
                );
                // Not the cause: a browser leaves, and a server closes, with RST at times, when
                // all was said.
                assert_eq!(line["phase"], "relay", "{line}");
            }
        }
    }
}

/// One gateway checks the other all the while.
fn is_no_probe(line: &Value) -> bool {
    line["reason"] != "probe"
}

fn config(datacenter: &str, routes: &str) -> String {
    format!(
        "datacenter = \"{datacenter}\"\n[listen]\naddress = \"127.0.0.1:0\"\n\
         [admin]\naddress = \"127.0.0.1:0\"\n{JSON_LOG}{routes}"
    )
}

/// What the server serves as `/file`.
fn file() -> Vec<u8> {
    (0..FILE_LEN).map(|at| (at * at / 251) as u8).collect()
}

/// nginx on a port that was free a moment ago; another one where that was taken meanwhile.
fn web_server(directory: &Path) -> (Peer, SocketAddr) {
    for _ in 0..5 {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let config = directory.join("nginx.conf");
        fs::write(&config, nginx_config(address)).unwrap();
        let mut command = peers::command("nginx");
        command.arg("-p").arg(directory).arg("-c").arg(&config);
        let server = Peer::start(command.args(["-e", "stderr"]));
        // Said once it listens.
        if server.line(|line| line.contains("epoll")).is_some() {
            return (server, address);
        }
    }
    panic!("nginx does not start");
}

fn nginx_config(address: SocketAddr) -> String {
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary.map(|of| format!("{of}_temp_path temporary_{of};"));
    format!(
        "daemon off; master_process off; pid nginx.pid; error_log stderr notice;
        events {{}}
        http {{
            access_log off; {}
            types {{ text/html html; }}
            server {{
                listen {address} ssl http2;
                server_name {NAME};
                ssl_certificate server.pem; ssl_certificate_key server.key;
                ssl_protocols TLSv1.2 TLSv1.3;
                root .;
            }}
        }}",
        temporary.join(" ")
    )
}

fn said(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said));
    format!("{out}\n{err}")
}

fn s_client(world: &World, name: &str, options: &[&str]) -> Output {
    let request = world.path("request");
    fs::write(&request, format!("GET / HTTP/1.0\r\nHost: {NAME}\r\n\r\n")).unwrap();
    let mut command = peers::command("openssl");
    command.args(["s_client", "-connect", &world.dc1.listen().to_string()]);
    command.args(["-servername", name, "-verify_return_error", "-ign_eof"]);
    command.arg("-CAfile").arg(&world.authority).args(options);
    run_on(File::open(request).unwrap(), &mut command)
}

#[test]
fn openssl_reaches_a_service_of_another_data_centre() {
    if !peers::are_here(&["nginx", "openssl"]) {
        return;
    }
    let world = World::new();
    for version in ["-tls1_2", "-tls1_3"] {
        let said = said(&s_client(&world, NAME, &[version]));
        assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
        assert!(said.contains(PAGE), "{said}");
    }
    world.assert_passed(2);
}

#[test]
fn openssl_understands_why_it_is_refused() {
    if !peers::are_here(&["nginx", "openssl"]) {
        return;
    }
    let world = World::new();
    for name in ["nobody.dc1", "nobody.dc2"] {
        let output = s_client(&world, name, &[]);
        let said = said(&output);
        assert!(
            !output.status.success() && said.contains("SSL alert number 112"),
            "{said}"
        );
    }
    // The first was refused by the first gateway, the second by the second, through the first.
    let refused = world.dc2.ended_as(1, is_no_probe);
    assert_eq!(refused[0]["sni"], "nobody.dc2");
    assert_eq!(world.dc1.ended(2)[1]["phase"], "connect");
}

fn curl(world: &World) -> Command {
    let port = world.port();
    let mut command = peers::command("curl");
    command.args(["--silent", "--show-error", "--fail", "--noproxy", "*"]);
    command.arg("--cacert").arg(&world.authority);
    command.args(["--resolve", &format!("{NAME}:{port}:127.0.0.1")]);
    command
}

#[test]
fn curl_gets_a_large_file_whole() {
    if !peers::are_here(&["nginx", "curl"]) {
        return;
    }
    let world = World::new();
    let url = format!("https://{NAME}:{}/file", world.port());
    for version in ["--http1.1", "--http2"] {
        let mut curl = curl(&world);
        let output = run(curl.args([version, &url]).arg("-o").arg(world.path("got")));
        assert!(output.status.success(), "{}", said(&output));
        assert!(
            fs::read(world.path("got")).unwrap() == file(),
            "the bytes changed"
        );
    }
    world.assert_passed(2);
}

#[test]
fn curl_opens_many_connections_at_once() {
    if !peers::are_here(&["nginx", "curl"]) {
        return;
    }
    let world = World::new();
    let url = format!("https://{NAME}:{}/?[1-40]", world.port());
    let mut curl = curl(&world);
    let output = run(curl.args(["--http1.1", "--parallel", "--parallel-immediate", &url]));
    assert!(output.status.success(), "{}", said(&output));
    let got = String::from_utf8_lossy(&output.stdout);
    assert_eq!(got.matches("exchange rates").count(), 40, "{got}");
    world.assert_passed(10);
}

/// A home directory whose browser trusts the authority.
fn home_that_trusts(world: &World) -> PathBuf {
    let home = world.path("home");
    let database = home.join(".pki/nssdb");
    fs::create_dir_all(&database).unwrap();
    let database = format!("sql:{}", database.display());
    for words in [
        &["-N", "--empty-password"][..],
        &["-A", "-n", "tests", "-t", "C,,"],
    ] {
        let mut command = peers::command("certutil");
        command.args(["-d", &database]).args(words);
        if words[0] == "-A" {
            command.arg("-i").arg(&world.authority);
        }
        let output = run(&mut command);
        assert!(output.status.success(), "{}", said(&output));
    }
    home
}

#[test]
fn a_browser_shows_the_page() {
    if !peers::are_here(&["nginx", "chromium", "certutil"]) {
        return;
    }
    let world = World::new();
    let home = home_that_trusts(&world);
    let port = world.port();
    let mut command = peers::command("chromium");
    command.env("HOME", &home).env_remove("XDG_CONFIG_HOME");
    command.args("--headless --no-sandbox --disable-gpu --disable-quic --no-first-run".split(' '));
    command.args("--disable-background-networking --disable-component-update".split(' '));
    command.args("--disable-sync --disable-dev-shm-usage --disable-breakpad".split(' '));
    command.arg(format!(
        "--user-data-dir={}",
        home.join("profile").display()
    ));
    command.arg(format!("--host-resolver-rules=MAP {NAME} 127.0.0.1:{port}"));
    command.args(["--dump-dom", &format!("https://{NAME}:{port}/")]);
    let output = run(&mut command);
    assert!(
        said(&output).contains("exchange rates"),
        "{}",
        said(&output)
    );
    world.assert_passed(1);
    // The browser's hello is larger than a segment, for its post-quantum key share.
    assert_eq!(world.dc1.first_ended()["ech"], true);
}

#[test]
fn promtool_finds_no_fault_with_the_metrics() {
    if !peers::are_here(&["nginx", "curl", "openssl", "promtool"]) {
        return;
    }
    let world = World::new();
    // Every family has a series once there was a session, a failed attempt and a refusal.
    let url = format!("https://{NAME}:{}/file", world.port());
    let output = run(curl(&world).arg(&url).arg("-o").arg(world.path("got")));
    assert!(output.status.success(), "{}", said(&output));
    s_client(&world, "nobody.dc1", &[]);
    world.dc1.ended(2);
    let metrics = world.path("metrics");
    fs::write(&metrics, world.dc1.get("/metrics").body).unwrap();
    let mut command = peers::command("promtool");
    let command = command.args(["check", "metrics"]);
    let output = run_on(File::open(metrics).unwrap(), command);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(said(&output).trim(), "");
}
