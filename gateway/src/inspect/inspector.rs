//! Frames in, text out: what happens to a frame between its source and the one who reads.

use std::collections::HashMap;

use super::filter::{Filter, Verdict};
use super::flow::{Answer, Ended, FlowBounds, FlowEvent, FlowId, Flows, Stage, Touched};
use super::frame::Frame;
use super::keep::{Keeper, Pick};
use super::outline::Outline;
use super::packet::{Decoded, Decoder};
use super::print::{Fields, Known, Lines, Summary, Told};
use super::print::{answer_line, answer_record, end_line, end_record, hello_record};

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

/// What is looked for, and how it is told.
#[derive(Debug)]
pub struct Orders {
    /// Which packets are looked at, and which hellos are told.
    pub filter: Filter,
    /// In which form.
    pub form: Form,
    /// Ends after so many hellos.
    pub limit: Option<u64>,
    /// Whether the packets of flows whose hello is told are picked out.
    pub picks: bool,
    /// How much is remembered.
    pub bounds: FlowBounds,
}

/// Looks at frames one after the other, and says what was seen.
///
/// It reads nothing and writes nothing, and its memory is bounded by that of [`Flows`], [`Decoder`]
/// and [`Keeper`].
#[derive(Debug)]
pub struct Inspector {
    decoder: Decoder,
    filter: Filter,
    flows: Flows,
    /// Empty between two frames; its memory stays.
    events: Vec<FlowEvent>,
    /// What a hello is judged by that is told when no packet of its flow is there.
    outlines: HashMap<FlowId, Outline>,
    keeper: Option<Keeper>,
    teller: Teller,
}

/// A frame and what is in it.
type Seen<'a> = (&'a Frame<'a>, &'a Decoded<'a>);

impl Inspector {
    /// One that has seen nothing.
    #[must_use]
    pub fn new(orders: Orders) -> Self {
        Self {
            decoder: Decoder::default(),
            filter: orders.filter,
            flows: Flows::new(orders.bounds),
            events: Vec::new(),
            outlines: HashMap::new(),
            keeper: orders.picks.then(Keeper::default),
            teller: Teller::new(orders.form, orders.limit),
        }
    }

    /// Looks at a frame, puts what is to be said after `text`, and says whether the frame belongs to
    /// what is picked out.
    pub fn frame(&mut self, frame: &Frame<'_>, text: &mut String) -> Pick {
        let Some(packet) = self.decoder.decode(frame) else {
            return Pick::Leave;
        };
        let verdict = self.filter.judge(&packet, frame);
        if verdict == Verdict::No {
            return Pick::Leave;
        }
        let touched = self
            .flows
            .packet(frame.time, &packet.inner, &mut self.events);
        if let (Verdict::OnName, Some(touched)) = (verdict, touched) {
            outline(&mut self.outlines, touched, &packet, frame);
        }
        if self.events.is_empty() && self.keeper.is_none() {
            return Pick::Leave;
        }
        let mut wanted = Vec::new();
        let events = std::mem::take(&mut self.events);
        let judge = Judge {
            filter: &self.filter,
            verdict,
            seen: touched.map(|touched| (touched.flow, (frame, &packet))),
            outlines: &self.outlines,
        };
        self.teller.tell(&events, &judge, &mut wanted, text);
        let pick = self.keeper.as_mut().map_or(Pick::Leave, |keeper| {
            keeper.frame(frame, &packet, touched, &wanted)
        });
        self.forget(events);
        pick
    }

    /// Says what is left to be said when there are no more frames.
    pub fn finish(&mut self, text: &mut String) {
        self.flows.finish(&mut self.events);
        let events = std::mem::take(&mut self.events);
        let judge = Judge {
            filter: &self.filter,
            verdict: Verdict::Yes,
            seen: None,
            outlines: &self.outlines,
        };
        self.teller.tell(&events, &judge, &mut Vec::new(), text);
        self.teller.finish(text);
        self.forget(events);
    }

    /// Whether as many hellos were told as were asked for.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.teller.is_done()
    }

    /// The flows, for what was not remembered of them.
    #[must_use]
    pub fn flows(&self) -> &Flows {
        &self.flows
    }

    /// How many packets were not kept that may have belonged to what is picked out.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.keeper.as_ref().map_or(0, Keeper::left_out)
    }

    /// How many fragments are not picked out since their packet is not whole, though it may have been
    /// wanted.
    #[must_use]
    pub fn incomplete(&self) -> u64 {
        self.keeper.as_ref().map_or(0, Keeper::incomplete)
    }

    /// Forgets the flows that ended; the events' memory stays.
    fn forget(&mut self, mut events: Vec<FlowEvent>) {
        for event in events.drain(..) {
            if let FlowEvent::Ended(ended) = event {
                self.outlines.remove(&ended.flow);
                if let Some(keeper) = &mut self.keeper {
                    keeper.end(ended.flow);
                }
            }
        }
        self.events = events;
    }
}

/// Remembers what the hello of this packet's flow is to be judged by, as long as it may come late.
fn outline(
    outlines: &mut HashMap<FlowId, Outline>,
    touched: Touched,
    packet: &Decoded<'_>,
    frame: &Frame<'_>,
) {
    match touched.stage {
        Stage::Before => {
            outlines
                .entry(touched.flow)
                .or_insert_with(|| Outline::of(packet, frame));
        }
        Stage::Seen | Stage::Other => {
            outlines.remove(&touched.flow);
        }
    }
}

/// Decides which hellos are told.
struct Judge<'a> {
    filter: &'a Filter,
    /// What the filter says of the packet that is there.
    verdict: Verdict,
    /// The packet that is there, and its flow.
    seen: Option<(FlowId, Seen<'a>)>,
    outlines: &'a HashMap<FlowId, Outline>,
}

impl Judge<'_> {
    fn wants(&self, told: &Told<'_>) -> bool {
        let flow = told.sighting.flow;
        match (&self.seen, self.outlines.get(&flow)) {
            (Some((seen, (frame, packet))), _) if *seen == flow => match self.verdict {
                Verdict::Yes => true,
                Verdict::No => false,
                Verdict::OnName => self.wants_name(packet, frame, told),
            },
            (_, Some(outline)) => self.wants_name(&outline.decoded(), &outline.frame(), told),
            // Packets that are not wanted come to no flow.
            (_, None) => true,
        }
    }

    fn wants_name(&self, packet: &Decoded<'_>, frame: &Frame<'_>, told: &Told<'_>) -> bool {
        match told.is_name_cut() {
            true => self.filter.judge(packet, frame) == Verdict::Yes,
            false => self.filter.judge_name(packet, frame, told.sent_name()),
        }
    }
}

/// Says what is wanted.
#[derive(Debug)]
struct Teller {
    form: Form,
    limit: Option<u64>,
    hellos: u64,
    /// Flows whose hello was told, where more is told of them.
    known: HashMap<FlowId, Known>,
}

impl Teller {
    fn new(form: Form, limit: Option<u64>) -> Self {
        Self {
            form,
            limit,
            hellos: 0,
            known: HashMap::new(),
        }
    }

    fn is_done(&self) -> bool {
        self.limit.is_some_and(|limit| self.hellos >= limit)
    }

    fn tell(
        &mut self,
        events: &[FlowEvent],
        judge: &Judge<'_>,
        wanted: &mut Vec<FlowId>,
        text: &mut String,
    ) {
        for event in events {
            match event {
                FlowEvent::Sighting(_) if self.is_done() => {}
                FlowEvent::Sighting(sighting) => {
                    let body = Told::readable(sighting);
                    let told = Told::new(sighting, &body);
                    if judge.wants(&told) {
                        wanted.push(sighting.flow);
                        self.hello(&told, judge.seen.map(|(_, (frame, _))| frame), text);
                    }
                }
                FlowEvent::Answer(answer) => self.answer(answer, text),
                FlowEvent::Ended(ended) => self.ended(ended, text),
            }
        }
    }

    fn hello(&mut self, told: &Told<'_>, frame: Option<&Frame<'_>>, text: &mut String) {
        self.hellos += 1;
        if self.form.follows() {
            let known = Known::of(told.sighting);
            self.known.insert(told.sighting.flow, known);
        }
        match &mut self.form {
            Form::Lines(lines) => lines.put(told, frame, text),
            Form::Json { .. } => hello_record(told, text),
            Form::Fields(fields) => fields.put(told, text),
            Form::Summary(summary) => summary.hello(told),
            Form::Count | Form::Nothing => {}
        }
    }

    fn answer(&mut self, answer: &Answer, text: &mut String) {
        match (&mut self.form, self.known.get(&answer.flow)) {
            (Form::Lines(lines), Some(known)) => {
                answer_line(known, answer, &mut lines.times, text);
            }
            (Form::Json { .. }, Some(_)) => answer_record(answer, text),
            _ => {}
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

    fn finish(&self, text: &mut String) {
        match &self.form {
            Form::Summary(summary) => text.push_str(&summary.table()),
            Form::Count => text.push_str(&format!("{}\n", counted(self.hellos, "hello"))),
            Form::Lines(_) | Form::Json { .. } | Form::Fields(_) | Form::Nothing => {}
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
