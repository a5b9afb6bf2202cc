//! What can be read of a hello whose end is missing.

/// In front of the session id: the version and the random.
const FIXED: usize = 2 + 32;

/// A sound body of the fields and extensions that are there in whole; none if the extensions were
/// not reached. That of DTLS has a cookie behind its session id.
pub(super) fn whole_part(part: &[u8], has_cookie: bool) -> Option<Vec<u8>> {
    let session_id_end = vec8_end(part, FIXED)?;
    let suites_start = match has_cookie {
        true => vec8_end(part, session_id_end)?,
        false => session_id_end,
    };
    let suites_end = vec16_end(part, suites_start)?;
    let fields_end = vec8_end(part, suites_end)?;
    let extensions_start = fields_end + 2;
    let mut end = extensions_start;
    while let Some(next) = vec16_end(part, end + 2) {
        end = next;
    }
    let mut body = part[..fields_end].to_vec();
    if let Some(extensions) = part.get(extensions_start..end) {
        let len = u16::try_from(extensions.len()).ok()?;
        body.extend_from_slice(&len.to_be_bytes());
        body.extend_from_slice(extensions);
    }
    Some(body)
}

/// Where a vector ends that begins at `start` with a length of one byte, if it ends within `part`.
fn vec8_end(part: &[u8], start: usize) -> Option<usize> {
    let len = usize::from(*part.get(start)?);
    Some(start + 1 + len).filter(|end| *end <= part.len())
}

/// As [`vec8_end`], with a length of two bytes.
fn vec16_end(part: &[u8], start: usize) -> Option<usize> {
    let &[high, low] = part.get(start..)?.first_chunk()?;
    let len = usize::from(u16::from_be_bytes([high, low]));
    Some(start + 2 + len).filter(|end| *end <= part.len())
}
