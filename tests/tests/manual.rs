//! `man` and `completions` know every command.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use tests::process::run;
use tests::program;

fn said(words: &[&str]) -> String {
    let output = run(Command::new(program!()).args(words));
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_command_of_the_gateway_has_a_page_and_is_completed() {
    let whole = said(&["man"]);
    let shells: Vec<String> = ["bash", "zsh", "fish"]
        .map(|shell| said(&["completions", shell]))
        .into();
    for command in [
        "run", "check", "tap", "routes", "status", "failover", "drain",
    ] {
        assert!(
            whole.contains(&format!("mesh\\-gateway\\-{command}")),
            "{command} in {whole}"
        );
        assert!(said(&["man", command]).contains(".SH OPTIONS"), "{command}");
        for shell in &shells {
            assert!(shell.contains(command), "{command}");
        }
    }
    let tap = said(&["man", "tap"]);
    assert!(tap.contains("GLOB") && tap.contains("CIDR"), "{tap}");
}
