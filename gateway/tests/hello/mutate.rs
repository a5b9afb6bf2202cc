//! Hellos taken apart, changed, and put together again: by the grammar, so that most stay sound.

use crate::recorded::Recorded;

/// Wraps a handshake message in records of these sizes, which are used again and again.
pub(crate) fn in_records(message: &[u8], sizes: &[usize]) -> Vec<u8> {
    let mut flight = Vec::new();
    let mut rest = message;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (content, after) = rest.split_at((*size).min(rest.len()));
        flight.extend([22, 3, 1]);
        flight.extend(vec16(content));
        rest = after;
    }
    flight
}

fn vec16(content: &[u8]) -> Vec<u8> {
    let len = u16::try_from(content.len())
        .expect("under 64 KiB")
        .to_be_bytes();
    [&len, content].concat()
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 where there is none.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 32).expect("64 bits") % end.max(1)
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    fn bytes(&mut self, len_max: usize) -> Vec<u8> {
        let len = self.below(len_max + 1);
        (0..len).map(|_| self.below(256).to_le_bytes()[0]).collect()
    }
}

/// A hello in parts.
#[derive(Clone)]
pub(crate) struct Parts {
    /// All of the body before the extensions.
    start: Vec<u8>,
    extensions: Vec<(u16, Vec<u8>)>,
}

impl Parts {
    pub(crate) fn of(recorded: &Recorded) -> Self {
        let message = recorded.message();
        let body = &message[4..];
        let mut at = 2 + 32;
        at += 1 + usize::from(body[at]);
        at += 2 + usize::from(u16::from_be_bytes([body[at], body[at + 1]]));
        at += 1 + usize::from(body[at]);
        let (start, block) = body.split_at(at);
        let mut extensions = Vec::new();
        let mut rest = &block[2..];
        while let &[kind_high, kind_low, high, low, ref after @ ..] = rest {
            let (content, after) = after.split_at(usize::from(u16::from_be_bytes([high, low])));
            let kind = u16::from_be_bytes([kind_high, kind_low]);
            extensions.push((kind, content.to_vec()));
            rest = after;
        }
        Self {
            start: start.to_vec(),
            extensions,
        }
    }

    /// The handshake message with its header.
    pub(crate) fn message(&self) -> Vec<u8> {
        let extensions: Vec<Vec<u8>> = self
            .extensions
            .iter()
            .map(|(kind, content)| [&kind.to_be_bytes()[..], &vec16(content)].concat())
            .collect();
        let body = [&self.start[..], &vec16(&extensions.concat())].concat();
        let len = u32::try_from(body.len()).expect("short").to_be_bytes();
        [&[1], &len[1..], &body].concat()
    }

    fn set(&mut self, kind: u16, content: Vec<u8>) {
        self.extensions.retain(|(other, _)| *other != kind);
        self.extensions.insert(0, (kind, content));
    }
}

const NAMES: [&[u8]; 18] = [
    b"currency.dc2",
    b"Currency.DC1",
    b"currency.dc1.",
    b"a",
    b"a.",
    b"my_service.dc-1",
    b"-a.dc1",
    b"a-.dc1",
    b"1.2.3",
    b"10.0.0.1",
    b"::1",
    b"[::1]",
    b"a:443",
    b"a..b",
    b"a\0b",
    b"a b",
    b"*.dc1",
    b"",
];

/// One change by the grammar.
pub(crate) fn change(parts: &mut Parts, random: &mut Random) {
    let count = parts.extensions.len();
    match random.below(11) {
        0 => parts.set(0, vec16(&host_name(random.pick(&NAMES)))),
        1 => parts.set(0, vec16(&host_name(&long_name(random)))),
        2 => parts.set(0, vec16(&server_names(random))),
        3 => parts.set(16, vec16(&protocols(random))),
        4 => parts.extensions.rotate_left(random.below(count)),
        5 if count > 1 => parts
            .extensions
            .swap(random.below(count), random.below(count)),
        6 if count > 0 => drop(parts.extensions.remove(random.below(count))),
        7 if count > 0 => parts
            .extensions
            .push(parts.extensions[random.below(count)].clone()),
        8 => parts
            .extensions
            .push((0x8000 | random.bytes(1).len() as u16, random.bytes(300))),
        9 => add_many(parts, random),
        _ => add_long(parts, random),
    }
}

/// One change by bytes: of some bits, or of where it ends.
pub(crate) fn damage(flight: &mut Vec<u8>, random: &mut Random) {
    match random.below(4) {
        0 => flight.truncate(random.below(flight.len())),
        1 => flight.extend(random.bytes(20)),
        _ => {
            let at = random.below(flight.len());
            flight[at] ^= 1 << random.below(8);
        }
    }
}

fn add_many(parts: &mut Parts, random: &mut Random) {
    let kinds = (0x4000..).take(random.below(160));
    parts
        .extensions
        .extend(kinds.map(|kind| (kind, Vec::new())));
}

/// Seldom, as it makes all that follows slow.
fn add_long(parts: &mut Parts, random: &mut Random) {
    if random.below(10) == 0 {
        let len = 12_000 + random.below(5000);
        parts.set(0x9000, vec![0; len]);
    }
}

fn host_name(name: &[u8]) -> Vec<u8> {
    [&[0], &vec16(name)[..]].concat()
}

fn long_name(random: &mut Random) -> Vec<u8> {
    let label = vec![b'x'; 1 + random.below(70)];
    vec![label; 1 + random.below(10)].join(&b'.')
}

/// Up to three entries of any type, perhaps cut short.
fn server_names(random: &mut Random) -> Vec<u8> {
    let mut list = Vec::new();
    for _ in 0..random.below(4) {
        list.push(random.below(2).to_le_bytes()[0]);
        list.extend(vec16(random.pick(&NAMES)));
    }
    list.truncate(list.len() - random.below(3).min(list.len()));
    list
}

fn protocols(random: &mut Random) -> Vec<u8> {
    let mut list = Vec::new();
    for _ in 0..random.below(4) {
        let name = random.bytes(10);
        list.push(name.len().to_le_bytes()[0]);
        list.extend(name);
    }
    list
}
