//! A consumer and lines that do what a test says, at the time that it says.

use super::super::*;
use crate::soupbin::packet::{Credentials, LoginAccepted, Reject, split};

pub(super) const MS: Duration = Duration::from_millis(1);
pub(super) const SECOND: Duration = Duration::from_secs(1);

pub(super) struct Rig {
    pub(super) join: Join,
    pub(super) now: Instant,
    start: Instant,
    told: Vec<u8>,
    sent: Vec<(LineId, Vec<u8>)>,
    dials: Vec<(LineId, Vec<TargetId>)>,
    pub(super) closed: Vec<LineId>,
    pub(super) events: Vec<JoinEvent>,
    pub(super) end: Option<End>,
}

pub(super) fn a_login(sequence: u64) -> LoginRequest {
    LoginRequest {
        credentials: Credentials::new("user", "pass").unwrap(),
        session: "S".parse().unwrap(),
        sequence,
        heartbeat_timeout: None,
    }
}

impl Rig {
    pub(super) fn new(options: JoinOptions) -> Self {
        let start = Instant::now();
        Self {
            join: Join::new(options, 1, start),
            now: start,
            start,
            told: Vec::new(),
            sent: Vec::new(),
            dials: Vec::new(),
            closed: Vec::new(),
            events: Vec::new(),
            end: None,
        }
    }

    /// A consumer that is logged in at this number, by target 1, and has these messages.
    pub(super) fn joined(options: JoinOptions, first: u64, messages: &[&str]) -> (Self, LineId) {
        let mut rig = Self::new(options);
        rig.log_in(a_login(first));
        let line = rig.open(1);
        rig.accept(line, "S", first);
        rig.messages(line, messages);
        (rig, line)
    }

    pub(super) fn log_in(&mut self, login: LoginRequest) {
        self.consumer_sends(&Packet::LoginRequest(login));
    }

    pub(super) fn consumer_sends(&mut self, packet: &Packet<'_>) {
        self.join.from_consumer(&encoded(packet), self.now);
        self.act();
    }

    /// The line that is to be dialled leads there, and is connected.
    pub(super) fn open(&mut self, target: u32) -> LineId {
        let line = self.dial(target);
        self.join.connected(line, self.now);
        self.act();
        line
    }

    pub(super) fn dial(&mut self, target: u32) -> LineId {
        let (line, but) = self.dials.pop().expect("a line is wanted");
        assert!(!but.contains(&TargetId(target)), "not {target}, of {but:?}");
        let options = LineOptions::default();
        self.join
            .dialling(line, TargetId(target), options, self.now);
        self.act();
        line
    }

    pub(super) fn refuse(&mut self, target: u32) {
        let line = self.dial(target);
        self.fail(line, LineFault::Unreachable("refused".to_owned()));
    }

    pub(super) fn nobody(&mut self) {
        let (line, _) = self.dials.pop().expect("a line is wanted");
        self.join.nobody(line, self.now);
        self.act();
    }

    pub(super) fn fail(&mut self, line: LineId, fault: LineFault) {
        self.join.failed(line, fault, self.now);
        self.act();
    }

    /// What is not to be dialled, of the line that is wanted now.
    pub(super) fn wanted(&self) -> Option<Vec<u32>> {
        let (_, but) = self.dials.last()?;
        Some(but.iter().map(|target| target.0).collect())
    }

    pub(super) fn accept(&mut self, line: LineId, session: &str, sequence: u64) {
        let session = session.parse().unwrap();
        self.says(
            line,
            &Packet::LoginAccepted(LoginAccepted { session, sequence }),
        );
    }

    pub(super) fn reject(&mut self, line: LineId, reject: Reject) {
        self.says(line, &Packet::LoginRejected(reject));
    }

    pub(super) fn messages(&mut self, line: LineId, messages: &[&str]) {
        for message in messages {
            self.says(line, &Packet::Sequenced(message.as_bytes()));
        }
    }

    pub(super) fn says(&mut self, line: LineId, packet: &Packet<'_>) {
        self.bytes(line, &encoded(packet));
    }

    pub(super) fn bytes(&mut self, line: LineId, bytes: &[u8]) {
        let mut from = 0;
        loop {
            let step = self.join.from_line(line, &bytes[from..], self.now);
            self.act();
            self.told.extend_from_slice(&bytes[from..][step.forward]);
            from += step.taken;
            if step.taken == 0 {
                break;
            }
        }
    }

    /// Lets time go by, with all that is due in it, until so long after the start.
    pub(super) fn until(&mut self, after: Duration) {
        let end = self.start + after;
        while let Some(due) = self.join.due().filter(|due| *due <= end) {
            self.now = due.max(self.now);
            self.join.tick(self.now);
            self.act();
        }
        self.now = end;
    }

    pub(super) fn act(&mut self) {
        while let Some(action) = self.join.next_action() {
            match action {
                Action::Dial { line, but, .. } => self.dials.push((line, but)),
                Action::Send { line, bytes } => self.sent.push((line, bytes)),
                Action::Close { line } => {
                    self.dials.retain(|(it, _)| *it != line);
                    self.closed.push(line);
                }
                Action::Tell(bytes) => self.told.extend(bytes),
                Action::End(end) => self.end = Some(end),
                Action::Event(event) => self.events.push(event),
            }
        }
    }

    /// What the consumer got since this was asked last, each frame in short; of heartbeats none.
    pub(super) fn told(&mut self) -> Vec<String> {
        let told = frames(&std::mem::take(&mut self.told));
        told.into_iter().filter(|it| it != "H").collect()
    }

    /// The same, with heartbeats.
    pub(super) fn all_told(&mut self) -> Vec<String> {
        frames(&std::mem::take(&mut self.told))
    }

    /// What a line was sent.
    pub(super) fn sent(&self, line: LineId) -> Vec<String> {
        let sent = self.sent.iter().filter(|(it, _)| *it == line);
        let bytes: Vec<u8> = sent.flat_map(|(_, bytes)| bytes.clone()).collect();
        frames(&bytes)
    }

    /// The login that a line was sent.
    pub(super) fn login_of(&self, line: LineId) -> LoginRequest {
        let (_, bytes) = self
            .sent
            .iter()
            .find(|(it, _)| *it == line)
            .expect("a login");
        match split(bytes).unwrap().unwrap().packet().unwrap() {
            Packet::LoginRequest(login) => login,
            other => panic!("{other:?}"),
        }
    }

    /// The faults that were news.
    pub(super) fn faults(&self) -> Vec<&'static str> {
        let faults = self.events.iter().filter_map(|event| match event {
            JoinEvent::LineDown {
                fault,
                is_known: false,
                ..
            } => Some(fault.as_str()),
            _ => None,
        });
        faults.collect()
    }

    pub(super) fn last_joined(&self) -> &Joined {
        let mut events = self.events.iter().rev();
        let joined = events.find_map(|event| match event {
            JoinEvent::Joined(joined) => Some(joined),
            _ => None,
        });
        joined.expect("a line was joined")
    }

    pub(super) fn target(&self) -> Option<u32> {
        self.join.joined().map(|target| target.0)
    }
}

fn frames(mut bytes: &[u8]) -> Vec<String> {
    let mut frames = Vec::new();
    while let Some(frame) = split(bytes).unwrap() {
        let payload = String::from_utf8_lossy(frame.payload);
        let words: Vec<_> = payload.split_whitespace().collect();
        let text = format!("{} {}", frame.kind as u8 as char, words.join(" "));
        frames.push(text.trim_end().to_owned());
        bytes = &bytes[frame.len()..];
    }
    assert!(bytes.is_empty(), "a part of a frame");
    frames
}

impl Rig {
    /// As [`open`](Self::open), after something was told to the join itself.
    pub(super) fn take_dial_of(&mut self, target: u32) -> LineId {
        self.act();
        self.open(target)
    }
}

impl Rig {
    pub(super) fn since_start(&self) -> Duration {
        self.now - self.start
    }

    /// Lets time go by, with all that is due in it.
    pub(super) fn pass(&mut self, time: Duration) {
        self.until(self.since_start() + time);
    }

    pub(super) fn consumer_bytes(&mut self, bytes: &[u8]) {
        self.join.from_consumer(bytes, self.now);
        self.act();
    }

    /// A dial fails before it was said where it leads: whether there was one.
    pub(super) fn fail_unknown(&mut self) -> bool {
        let Some((line, _)) = self.dials.pop() else {
            return false;
        };
        self.fail(line, LineFault::Unreachable("nowhere".to_owned()));
        true
    }
}

impl Rig {
    pub(super) fn open_with(&mut self, target: u32, options: LineOptions) -> LineId {
        let (line, _) = self.dials.pop().expect("a line is wanted");
        self.join
            .dialling(line, TargetId(target), options, self.now);
        self.join.connected(line, self.now);
        self.act();
        line
    }
}
