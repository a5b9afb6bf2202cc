//! Server-sent events, as this library sends them: lines of `data`, and comments.

use std::ops::ControlFlow;
use std::time::Duration;

use http_body_util::BodyExt;

use super::ClientError;
use super::connect::Peer;

/// Three times the pause between two signs of life.
const SILENCE_MAX: Duration = Duration::from_secs(45);

/// The longest line: an event names the endpoints of two tiers.
const LINE_MAX: usize = 1024 * 1024;

/// A line is longer than any that is meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Puts together what comes in any pieces.
#[derive(Debug, Default)]
pub(super) struct Parser {
    line: Vec<u8>,
}

impl Parser {
    /// The events that `bytes` complete.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<Vec<String>, TooLong> {
        let mut events = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if self.line.len() > LINE_MAX {
                return Err(TooLong);
            }
            if self.line.ends_with(b"\n") {
                events.extend(event(&std::mem::take(&mut self.line)));
            }
        }
        Ok(events)
    }
}

/// What a line says; comments, and the empty lines between events, say nothing.
fn event(line: &[u8]) -> Option<String> {
    let said = line.strip_prefix(b"data:")?;
    Some(String::from_utf8_lossy(said).trim().to_owned())
}

impl Peer {
    /// Tells `heard` each event of the stream at `path`, until it has heard enough.
    ///
    /// # Errors
    ///
    /// [`ClientError`]; also where the stream ends because the process stops, as nobody said that
    /// it was enough.
    pub async fn follow(
        &self,
        path: &str,
        mut heard: impl FnMut(&str) -> Result<ControlFlow<()>, ClientError>,
    ) -> Result<(), ClientError> {
        let mut body = self.open(path).await?;
        let mut parser = Parser::default();
        loop {
            let frame = async { Ok(body.frame().await) };
            let Some(frame) = self.bounded(SILENCE_MAX, frame).await? else {
                return Err(ClientError::Ended {
                    address: self.address.clone(),
                    program: self.program,
                });
            };
            let frame = frame.map_err(|error| self.broken(error))?;
            let piece = frame.into_data().unwrap_or_default();
            let events = parser.feed(&piece);
            for event in events.map_err(|TooLong| self.garbled("an event without end"))? {
                if heard(&event)?.is_break() {
                    return Ok(());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_in_any_pieces() {
        let stream = b":\n\ndata: {\"a\":1}\n\n: alive\n\ndata: {\"b\":2}\n\n";
        for size in 1..stream.len() {
            let mut parser = Parser::default();
            let pieces = stream.chunks(size);
            let events: Vec<_> = pieces.flat_map(|it| parser.feed(it).unwrap()).collect();
            assert_eq!(events, ["{\"a\":1}", "{\"b\":2}"], "{size}");
        }
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut parser = Parser::default();
        let piece = vec![b'x'; LINE_MAX];
        assert_eq!(parser.feed(&piece), Ok(Vec::new()));
        assert_eq!(parser.feed(b"x"), Err(TooLong));
    }
}
