//! Clients, as they are started on the clients' machine.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output};

use tests::peers;
use tests::process::{run, run_on};

use crate::world::{SERVER, World};

/// How often a browser is started for a page.
const BROWSERS: u32 = 5;

/// OpenSSL's client, which ends after the handshake.
pub(crate) fn openssl(to: &str, options: &[&str]) {
    let mut command = peers::command("openssl");
    command.args(["s_client", "-connect", to]).args(options);
    let output = run(&mut command);
    assert!(said(&output).contains("CONNECTED"), "{output:?}");
}

/// OpenSSL's client, which asks for a name.
pub(crate) fn openssl_for(to: &str, name: &str, options: &[&str]) {
    openssl(to, &[&["-servername", name], options].concat());
}

/// [`openssl_for`], which sends a request from a file, and stays until the server ends.
pub(crate) fn openssl_asks(to: &str, name: &str, options: &[&str], request: &Path) {
    let mut command = peers::command("openssl");
    command.args(["s_client", "-connect", to, "-servername", name, "-ign_eof"]);
    let output = run_on(File::open(request).unwrap(), command.args(options));
    assert!(said(&output).contains("s_server"), "{output:?}");
}

/// Gets the page of the server under this name.
pub(crate) fn curl(name: &str, options: &[&str]) {
    let mut command = peers::command("curl");
    command.args(["--silent", "--insecure", "--noproxy", "*"]);
    command.args(["--resolve", &format!("{name}:443:{SERVER}")]);
    command.args(options).arg(format!("https://{name}/"));
    let output = run(&mut command);
    assert!(said(&output).contains("s_server"), "{output:?}");
}

/// Connects with Node, once for each name.
pub(crate) fn node(names: &[&str], alpn: &[&str]) {
    let script = format!(
        "for (const servername of {names:?}) {{
            const options = {{ host: '{SERVER}', port: 443, servername, ALPNProtocols: {alpn:?},
                rejectUnauthorized: false }};
            const socket = require('tls').connect(options, () => socket.end());
            socket.resume();
        }}"
    );
    let output = run(peers::command("node").args(["-e", &script]));
    assert!(output.status.success(), "{output:?}");
}

/// A browser that goes to a page without a window. `options` are more of its flags.
pub(crate) fn chromium(world: &World, page: &str, options: &[&str]) -> Command {
    let home = world.path("home");
    let mut command = peers::command("chromium");
    command.env("HOME", &home).env_remove("XDG_CONFIG_HOME");
    command.args("--headless --no-sandbox --disable-gpu --no-first-run".split(' '));
    command.args("--disable-background-networking --disable-component-update".split(' '));
    command.args("--disable-sync --disable-dev-shm-usage --disable-breakpad".split(' '));
    command.arg("--ignore-certificate-errors");
    command.arg(format!(
        "--user-data-dir={}",
        home.join("profile").display()
    ));
    command.arg(format!("--host-resolver-rules=MAP *.dc1 {SERVER}"));
    command.args(options).args(["--dump-dom", page]);
    command
}

/// Goes to a page of the server's with a browser that speaks no QUIC.
pub(crate) fn browse(world: &World, page: &str) {
    // A browser gives up a page when the network changes, as it does for a moment after the start.
    let shown = (0..BROWSERS).any(|_| {
        let output = run(&mut chromium(world, page, &["--disable-quic"]));
        said(&output).contains("s_server")
    });
    assert!(shown, "the browser does not show {page}");
}

pub(crate) fn said(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said));
    format!("{out}\n{err}")
}
