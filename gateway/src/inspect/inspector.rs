//! Frames in, text out: what happens to a frame between its source and the one who reads.

use std::collections::HashMap;

use super::flow::{Ended, FlowBounds, FlowEvent, FlowId, Flows, Sighting};
use super::frame::Frame;
use super::packet::Decoder;
use super::print::{Fields, Known, Lines, Summary, Told};
use super::print::{end_line, end_record, hello_record};

/// In which form hellos are told.
#[derive(Debug)]
pub enum Form {
    /// Lines for people.
    Lines(Box<Lines>),
    /// Objects of JSON; whether those of answers and ends too.
    Json {
        /// Whether answers and ends are told.
        is_verbose: bool,
    },
    /// Chosen fields.
    Fields(Fields),
    /// A table at the end.
    Summary(Summary),
    /// A count at the end.
    Count,
    /// Not at all.
    Nothing,
}

/// Looks at frames one after the other, and says what was seen.
///
/// It reads nothing and writes nothing, and its memory is bounded by that of [`Flows`] and
/// [`Decoder`].
#[derive(Debug)]
pub struct Inspector {
    decoder: Decoder,
    flows: Flows,
    form: Form,
    /// Ends after so many hellos.
    limit: Option<u64>,
    hellos: u64,
    /// Empty between two frames; its memory stays.
    events: Vec<FlowEvent>,
    /// Flows whose hello was told, where more is told of them.
    known: HashMap<FlowId, Known>,
}

impl Inspector {
    /// One that has seen nothing.
    #[must_use]
    pub fn new(form: Form, limit: Option<u64>, bounds: FlowBounds) -> Self {
        Self {
            decoder: Decoder::default(),
            flows: Flows::new(bounds),
            form,
            limit,
            hellos: 0,
            events: Vec::new(),
            known: HashMap::new(),
        }
    }

    /// Looks at a frame, and puts what is to be said after `text`.
    pub fn frame(&mut self, frame: &Frame<'_>, text: &mut String) {
        let Some(packet) = self.decoder.decode(frame) else {
            return;
        };
        self.flows
            .packet(frame.time, &packet.inner, &mut self.events);
        if !self.events.is_empty() {
            self.tell(Some(frame), text);
        }
    }

    /// Says what is left to be said when there are no more frames.
    pub fn finish(&mut self, text: &mut String) {
        self.flows.finish(&mut self.events);
        self.tell(None, text);
        match &self.form {
            Form::Summary(summary) => text.push_str(&summary.table()),
            Form::Count => text.push_str(&format!("{}\n", counted(self.hellos, "hello"))),
            Form::Lines(_) | Form::Json { .. } | Form::Fields(_) | Form::Nothing => {}
        }
    }

    /// Whether as many hellos were told as were asked for.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.limit.is_some_and(|limit| self.hellos >= limit)
    }

    /// How many hellos were told.
    #[must_use]
    pub fn hellos(&self) -> u64 {
        self.hellos
    }

    /// The flows, for what was not remembered of them.
    #[must_use]
    pub fn flows(&self) -> &Flows {
        &self.flows
    }

    fn tell(&mut self, frame: Option<&Frame<'_>>, text: &mut String) {
        let mut events = std::mem::take(&mut self.events);
        for event in events.drain(..) {
            match event {
                FlowEvent::Sighting(sighting) => self.sighting(&sighting, frame, text),
                FlowEvent::Answer(_) => {}
                FlowEvent::Ended(ended) => self.ended(&ended, text),
            }
        }
        self.events = events;
    }

    fn sighting(&mut self, sighting: &Sighting, frame: Option<&Frame<'_>>, text: &mut String) {
        if self.is_done() {
            return;
        }
        let body = Told::readable(sighting);
        let told = Told::new(sighting, &body);
        self.hellos += 1;
        if self.form.follows() {
            self.known.insert(sighting.flow, Known::of(sighting));
        }
        match &mut self.form {
            Form::Lines(lines) => lines.put(&told, frame, text),
            Form::Json { .. } => hello_record(&told, text),
            Form::Fields(fields) => fields.put(&told, text),
            Form::Summary(summary) => summary.hello(&told),
            Form::Count | Form::Nothing => {}
        }
    }

    fn ended(&mut self, ended: &Ended, text: &mut String) {
        let known = self.known.remove(&ended.flow);
        match (&mut self.form, known) {
            (Form::Summary(summary), _) => summary.end(ended),
            (Form::Lines(lines), Some(known)) => end_line(&known, ended, &mut lines.times, text),
            (Form::Json { .. }, Some(_)) => end_record(ended, text),
            _ => {}
        }
    }
}

impl Form {
    /// Whether flows are followed behind their hellos.
    fn follows(&self) -> bool {
        match self {
            Self::Lines(lines) => lines.verbosity > 0,
            Self::Json { is_verbose } => *is_verbose,
            Self::Fields(_) | Self::Summary(_) | Self::Count | Self::Nothing => false,
        }
    }
}

/// `1 hello`, `2 hellos`.
pub(super) fn counted(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}
