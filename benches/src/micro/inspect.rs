//! Finding the hellos in a capture.

use std::io::Cursor;
use std::path::Path;

use gateway::inspect::file::Reader;
use gateway::inspect::filter::Filter;
use gateway::inspect::flow::FlowBounds;
use gateway::inspect::inspector::{Form, Inspector, Orders};

use super::{Amount, Micro};
use crate::sni::traffic;

/// Mostly hellos and their answers: what comes behind them costs little.
const CAPTURE: u64 = 1 << 20;

pub(super) fn all() -> Vec<Micro> {
    let amount = Amount::Bytes(CAPTURE);
    vec![Micro::new("inspect/1 MiB", "mixed traffic", amount, || {
        let mut capture = Vec::new();
        traffic::write(&mut capture, CAPTURE, 7).expect("memory takes it");
        move || hellos(&capture)
    })]
}

/// How many hellos are told of a capture.
pub(crate) fn hellos(capture: &[u8]) -> usize {
    let source = Box::new(Cursor::new(capture.to_vec()));
    let mut reader = Reader::from_source(Path::new("capture"), source).expect("a capture");
    let mut inspector = Inspector::new(Orders {
        filter: Filter::default(),
        form: Form::Json { is_verbose: false },
        limit: None,
        picks: false,
        bounds: FlowBounds::default(),
    });
    let mut text = String::new();
    let mut lines = 0;
    loop {
        while let Some(frame) = reader.next().expect("a capture") {
            inspector.frame(&frame, &mut text);
        }
        lines += text.lines().count();
        text.clear();
        if !reader.fill().expect("memory gives it") {
            break;
        }
    }
    inspector.finish(&mut text);
    lines + text.lines().count()
}
