//! The PROXY protocol with programs that nobody here wrote: HAProxy in front, nginx and HAProxy
//! behind.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tests::config::{FAST_CHECK, JSON_LOG};
use tests::gateway;
use tests::peers::{self, Peer};
use tests::pki::Authority;
use tests::process::{Gateway, run, until};

const NAME: &str = "currency.dc2";
/// What an edge calls the connections that it passes on.
const EDGE_ID: &str = "edge-%[rand(1000000)]-%pid";

/// A port that was free a moment ago.
fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// HAProxy, passing on what comes to the address that it gets, by the rest of its `frontend` and a
/// `backend` in its configuration.
fn haproxy(directory: &Path, bind: &str, frontend: &str, backend: &str) -> (Peer, SocketAddr) {
    for _ in 0..5 {
        let address = free();
        let config = directory.join(format!("haproxy-{}.cfg", address.port()));
        let socket = config.with_extension("sock");
        let text = format!(
            "global\n  log stderr format raw local0\n  stats socket {}\n\
             defaults\n  mode tcp\n  log global\n  timeout connect 10s\n  timeout client 30s\n  \
             timeout server 30s\n\
             frontend front\n  bind {address} {bind}\n{frontend}\n  default_backend back\n\
             backend back\n{backend}\n",
            socket.display()
        );
        fs::write(&config, text).unwrap();
        let server = Peer::start(peers::command("haproxy").arg("-db").arg("-f").arg(&config));
        if works(&server, &socket) {
            return (server, address);
        }
    }
    panic!("haproxy does not start");
}

/// Whether it works, as it says at its own socket; it ends at once where the port was taken.
fn works(server: &Peer, socket: &Path) -> bool {
    let answers = || -> std::io::Result<usize> {
        let mut asked = UnixStream::connect(socket)?;
        asked.write_all(b"show info\n")?;
        asked.read(&mut [0; 64])
    };
    until("haproxy works", || {
        server.has_ended() || answers().is_ok_and(|length| length > 0)
    });
    !server.has_ended()
}

/// nginx, which answers with TLS whoever is introduced, and logs as whom.
fn nginx(directory: &Path) -> (Peer, SocketAddr) {
    for _ in 0..5 {
        let address = free();
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
    let id = if nginx_knows_ids() {
        "$proxy_protocol_tlv_unique_id"
    } else {
        "unread"
    };
    format!(
        "daemon off; master_process off; pid nginx.pid; error_log stderr notice;
        events {{}}
        http {{
            {}
            log_format told 'told $proxy_protocol_addr:$proxy_protocol_port {id}';
            access_log /dev/stderr told;
            server {{
                listen {address} ssl proxy_protocol;
                ssl_certificate server.pem; ssl_certificate_key server.key;
                return 200 rates;
            }}
        }}",
        temporary.join(" ")
    )
}

/// The variable is there since version 1.23.2; before, only the address can be looked at.
fn nginx_knows_ids() -> bool {
    let output = run(peers::command("nginx").arg("-v"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let version = said.rsplit('/').next().unwrap().trim().split(['.', ' ']);
    let version: Vec<u32> = version.map_while(|number| number.parse().ok()).collect();
    assert_eq!(version.len(), 3, "{said}");
    version >= vec![1, 23, 2]
}

/// Asks nginx by its name at `address`, from the port that is returned.
fn ask(directory: &Path, address: SocketAddr) -> u16 {
    let port = address.port();
    let mut curl: Command = peers::command("curl");
    curl.args(["--silent", "--show-error", "--fail", "--noproxy", "*"]);
    curl.arg("--cacert").arg(directory.join("ca.pem"));
    curl.args(["--resolve", &format!("{NAME}:{port}:127.0.0.1")]);
    curl.args(["--write-out", " %{local_port}"]);
    let output = run(curl.arg(format!("https://{NAME}:{port}/")));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    let from = said.strip_prefix("rates ").expect("the page");
    from.parse().unwrap()
}

/// A gateway with one route, which is introduced by whoever is here, and introduces.
fn gateway_of(datacenter: &str, route: &str) -> Gateway {
    gateway!(format!(
        "datacenter = \"{datacenter}\"\n\
         [listen]\naddress = \"127.0.0.1:0\"\nproxy_from = [\"127.0.0.1\"]\n\
         [admin]\naddress = \"127.0.0.1:0\"\n{JSON_LOG}{route}proxy = \"v2\"\n{FAST_CHECK}\n"
    ))
}

/// The line about the first connection that was no check.
fn passed(gateway: &Gateway) -> Value {
    gateway
        .ended_as(1, |line| line["reason"] != "probe")
        .remove(0)
}

/// Waits until three checks of a pool's endpoint were answered well.
fn checked(gateway: &Gateway, pool: &str) {
    let times = RefCell::new(BTreeSet::new());
    until("there were three checks", || {
        let answer = gateway.get(&format!("/clusters?pool={pool}")).body;
        let clusters: Value = serde_json::from_str(&answer).unwrap();
        let check = &clusters["pools"][0]["tiers"][0]["endpoints"][0]["last_check"];
        assert_eq!(check["error"], Value::Null, "{check}");
        let mut times = times.borrow_mut();
        times.extend(check["at"].as_str().map(ToOwned::to_owned));
        times.len() >= 3
    });
}

#[test]
fn from_haproxy_over_two_gateways_to_nginx() {
    if !peers::are_here(&["haproxy", "nginx", "curl"]) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let authority = Authority::default();
    authority.issue(&[NAME]).write(directory, "server");
    let ca = authority.write(directory);
    assert_eq!(ca, directory.join("ca.pem"));
    let (nginx, server) = nginx(directory);
    let service = format!("[[service]]\nname = \"currency\"\nendpoints = [\"{server}\"]\n");
    let dc2 = gateway_of("dc2", &service);
    let gateways = format!("[\"{}\"]", dc2.listen());
    let elsewhere = format!("[[datacenter]]\nname = \"dc2\"\ngateways = {gateways}\n");
    let dc1 = gateway_of("dc1", &elsewhere);
    let frontend = format!("  unique-id-format {EDGE_ID}");
    // Its own checks of the gateway send LOCAL headers.
    let options =
        "send-proxy-v2 proxy-v2-options unique-id,crc32c check check-send-proxy inter 100";
    let backend = format!("  server dc1 {} {options}", dc1.listen());
    let (_edge, edge) = haproxy(directory, "", &frontend, &backend);
    let from = ask(directory, edge);
    let client = format!("127.0.0.1:{from}");
    let lines = [passed(&dc1), passed(&dc2)];
    let id = lines[0]["trace"].as_str().unwrap();
    assert!(id.starts_with("edge-"), "{id}");
    for line in &lines {
        assert_eq!(line["trace"], id, "{line}");
        assert_eq!(line["client"], client, "{line}");
        assert!(
            line["peer"] != line["client"] && line["phase"] == "relay",
            "{line}"
        );
    }
    let told = nginx.line(|line| line.starts_with("told ")).unwrap();
    let id = if nginx_knows_ids() { id } else { "unread" };
    assert_eq!(told, format!("told {client} {id}"));
    checked(&dc2, "currency");
    checked(&dc1, "dc2");
    let is_wrong = |line: &String| line.contains("broken header") || line.contains("[error]");
    assert!(!nginx.lines().iter().any(is_wrong), "{:#?}", nginx.lines());
    for gateway in [&dc1, &dc2] {
        assert_eq!(
            gateway.metric("mesh_gateway_refusals_total{reason=\"proxy_header\"}"),
            0.0
        );
    }
}

#[test]
fn haproxy_behind_is_told_the_client_and_the_id() {
    if !peers::are_here(&["haproxy", "nginx", "curl"]) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let authority = Authority::default();
    authority.issue(&[NAME]).write(directory, "server");
    authority.write(directory);
    let (_nginx, server) = nginx(directory);
    let frontend = "  log-format \"told %ci:%cp %[fc_pp_unique_id]\"";
    let backend = format!("  server nginx {server} send-proxy-v2");
    let (behind, address) = haproxy(directory, "accept-proxy", frontend, &backend);
    let service = format!("[[service]]\nname = \"currency\"\nendpoints = [\"{address}\"]\n");
    let config = format!(
        "datacenter = \"dc2\"\n[listen]\naddress = \"127.0.0.1:0\"\n\
         [admin]\naddress = \"127.0.0.1:0\"\n{JSON_LOG}{service}proxy = \"v2\"\n{FAST_CHECK}\n"
    );
    let gateway = gateway!(config);
    let from = ask(directory, gateway.listen());
    let line = passed(&gateway);
    let id = line["id"].as_str().unwrap();
    assert_eq!(line["trace"], id);
    let told = format!("told 127.0.0.1:{from} {id}");
    let is_told = |line: &str| line.trim_end() == told;
    assert!(
        behind.line(is_told).is_some(),
        "{told}: {:#?}",
        behind.lines()
    );
    checked(&gateway, "currency");
    let is_wrong = |line: &String| line.contains("PROXY protocol header");
    assert!(
        !behind.lines().iter().any(is_wrong),
        "{:#?}",
        behind.lines()
    );
}
