//! Chromium without a window, driven by its own protocol over a pair of FIFOs.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fifo;
use crate::peers::{self, Peer};
use crate::process::PATIENCE;

/// Between two looks at a page: each costs the browser something.
const PAUSE: Duration = Duration::from_millis(20);

/// A browser with one page. Dropping it ends it.
#[derive(Debug)]
pub struct Browser {
    commands: File,
    answers: Receiver<Value>,
    session: Option<String>,
    next: u64,
    told: Vec<Value>,
    /// Before the directory that it writes to.
    _browser: Peer,
    _home: TempDir,
}

impl Browser {
    /// Starts a browser, which [is here](peers::are_here) as `chromium`, on an empty page.
    #[expect(clippy::new_without_default, reason = "it starts a process")]
    pub fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let (commands, answers) = (home.path().join("commands"), home.path().join("answers"));
        fifo::make(&commands);
        fifo::make(&answers);
        let browser = Peer::start(&mut command(home.path(), &commands, &answers));
        let commands = File::options().write(true).open(commands).unwrap();
        let mut browser = Self {
            commands,
            answers: follow(answers),
            session: None,
            next: 0,
            told: Vec::new(),
            _browser: browser,
            _home: home,
        };
        browser.attach();
        browser
    }

    fn attach(&mut self) {
        let targets = self.command("Target.getTargets", json!({}));
        let targets = targets["targetInfos"].as_array().unwrap().clone();
        let page = targets.iter().find(|it| it["type"] == "page");
        let page = page.expect("a page")["targetId"].clone();
        let wanted = json!({"targetId": page, "flatten": true});
        let session = self.command("Target.attachToTarget", wanted)["sessionId"].clone();
        self.session = session.as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            self.command(&format!("{domain}.enable"), json!({}));
        }
    }

    /// What a command of the protocol comes to.
    pub fn command(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let mut command = json!({"id": self.next, "method": method, "params": params});
        if let Some(session) = &self.session {
            command["sessionId"] = session.as_str().into();
        }
        let command = serde_json::to_string(&command).unwrap() + "\0";
        self.commands.write_all(command.as_bytes()).unwrap();
        loop {
            let answer = self.answers.recv_timeout(PATIENCE);
            let answer = answer.unwrap_or_else(|_| panic!("no answer to {method}"));
            if answer["id"] == self.next {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
            self.told.push(answer);
        }
    }

    /// Goes to a page.
    pub fn open(&mut self, url: &str) {
        self.command("Page.navigate", json!({ "url": url }));
    }

    /// As wide and high as this, in pixels.
    pub fn resize(&mut self, width: u32, height: u32) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.command("Emulation.setDeviceMetricsOverride", size);
    }

    /// What an expression of JavaScript is, on the page.
    pub fn value(&mut self, expression: &str) -> Value {
        let asked = json!({
            "expression": expression, "returnByValue": true, "awaitPromise": true,
        });
        let answer = self.command("Runtime.evaluate", asked);
        assert!(
            answer["exceptionDetails"].is_null(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub fn until(&mut self, expression: &str) {
        let until = Instant::now() + PATIENCE;
        // A page that is being left has nothing to say.
        let asked =
            format!("(() => {{ try {{ return {expression} }} catch {{ return false }} }})()");
        while self.value(&asked) != true {
            if Instant::now() > until {
                let page = self.value("document.body.innerText");
                panic!("still waiting until {expression} in {page}");
            }
            // A page tells nobody when an expression becomes true.
            std::thread::sleep(PAUSE);
        }
    }

    /// Types into a field, as a person does.
    pub fn fill(&mut self, selector: &str, text: &str) {
        self.value(&format!(
            "(() => {{ const it = document.querySelector({}); it.focus(); it.select(); }})()",
            json!(selector)
        ));
        match text {
            "" => self.value("document.execCommand('delete')"),
            text => self.command("Input.insertText", json!({ "text": text })),
        };
    }

    /// What the browser said of itself so far, by the name of the event.
    pub fn told(&mut self, method: &str) -> Vec<Value> {
        // What it had to say before an answer has come before it.
        self.value("0");
        let told = self.told.iter().filter(|it| it["method"] == method);
        told.map(|it| it["params"].clone()).collect()
    }

    /// The addresses that pages have asked for something.
    pub fn requests(&mut self) -> Vec<String> {
        let sent = self.told("Network.requestWillBeSent");
        let urls = sent.iter().filter_map(|it| it["request"]["url"].as_str());
        urls.map(str::to_owned).collect()
    }

    /// What a developer would find on the console.
    pub fn console(&mut self) -> Vec<Value> {
        let methods = [
            "Runtime.consoleAPICalled",
            "Runtime.exceptionThrown",
            "Log.entryAdded",
        ];
        methods.iter().flat_map(|it| self.told(it)).collect()
    }
}

fn command(home: &Path, commands: &Path, answers: &Path) -> Command {
    let mut command = Command::new("sh");
    // It speaks on these two descriptors.
    command.args(["-c", "exec \"$0\" \"$@\" 3<\"$COMMANDS\" 4>\"$ANSWERS\""]);
    command.arg(peers::command("chromium").get_program());
    command.args("--headless --no-sandbox --disable-gpu --no-first-run --disable-quic".split(' '));
    command.args("--disable-background-networking --disable-component-update".split(' '));
    command.args("--disable-sync --disable-dev-shm-usage --disable-breakpad".split(' '));
    command.arg(format!(
        "--user-data-dir={}",
        home.join("profile").display()
    ));
    command.args(["--remote-debugging-pipe", "about:blank"]);
    command.env("COMMANDS", commands).env("ANSWERS", answers);
    command.env("HOME", home).env_remove("XDG_CONFIG_HOME");
    command
}

/// Every message from now on.
fn follow(answers: PathBuf) -> Receiver<Value> {
    let (send, received) = channel();
    std::thread::spawn(move || {
        let answers = BufReader::new(File::open(answers).unwrap());
        for message in answers.split(0).map_while(Result::ok) {
            let message = serde_json::from_slice(&message).unwrap();
            if send.send(message).is_err() {
                return;
            }
        }
    });
    received
}
