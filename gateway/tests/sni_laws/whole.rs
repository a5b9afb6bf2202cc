//! A file through the whole inspector, in the form that says the most.

use std::io::Cursor;
use std::path::Path;

use gateway::inspect::file::Reader;
use gateway::inspect::filter::Filter;
use gateway::inspect::flow::FlowBounds;
use gateway::inspect::inspector::{Form, Inspector, Orders};
use gateway::inspect::print::{Dump, Lines, TimeStyle, Times};

/// What is said of a file that holds `bytes`: nothing in it is obeyed by a terminal.
pub(crate) fn inspected(bytes: &[u8]) -> String {
    let mut text = String::new();
    let file = Box::new(Cursor::new(bytes.to_vec()));
    if let Ok(mut reader) = Reader::from_source(Path::new("file"), file) {
        let mut inspector = Inspector::new(orders());
        loop {
            while let Ok(Some(frame)) = reader.next() {
                inspector.frame(&frame, &mut text);
            }
            if !matches!(reader.fill(), Ok(true)) {
                break;
            }
        }
        inspector.finish(&mut text);
    }
    let is_odd = |char: char| char.is_control() && char != '\n' && char != '\t';
    assert!(!text.contains(is_odd), "{text:?}");
    text
}

fn orders() -> Orders {
    let zone = jiff::tz::TimeZone::UTC;
    Orders {
        filter: Filter::default(),
        form: Form::Lines(Box::new(Lines {
            times: Times::new(TimeStyle::Dated, zone),
            is_quiet: false,
            verbosity: 2,
            dump: Dump::Frame,
        })),
        limit: None,
        picks: true,
        bounds: FlowBounds {
            flows: 64,
            ..FlowBounds::default()
        },
    }
}
