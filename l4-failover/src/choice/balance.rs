//! Which endpoint of a tier a session goes to.

use std::net::IpAddr;

use super::policy::Balance;

/// An endpoint that may be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Its place among the endpoints of the pool.
    pub(super) endpoint: usize,
    /// Its share beside the others', in thousandths of a weight; at least 1.
    pub(super) share: u64,
    /// Its open sessions.
    pub(super) load: u64,
    /// What tells it from the others, over restarts and machines.
    pub(super) key: u64,
}

impl Candidate {
    /// Whether it has fewer sessions for its share than `other`.
    fn is_lighter(&self, other: &Self) -> bool {
        let own = u128::from(self.load + 1) * u128::from(other.share);
        own < u128::from(other.load + 1) * u128::from(self.share)
    }
}

/// What a choice may depend on, besides the endpoints.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request {
    /// Where the client is, for [`Balance::SourceHash`]. `None`: drawn at random.
    pub source: Option<IpAddr>,
    /// Sixty-four random bits.
    pub random: u64,
    /// Only the first so many tiers may be chosen from; at least one. `None`: all.
    pub tiers: Option<usize>,
    /// Whether it is for a line that stands by beside another: of the first tier that has an endpoint,
    /// whatever [`Dial`](super::Dial) says, since nobody is served by it yet.
    pub is_standby: bool,
}

/// The memory of a tier's turns.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns {
    /// By endpoint of the pool: what it is owed, in thousandths of a weight.
    owed: Vec<i64>,
    last: usize,
}

impl Turns {
    pub(super) fn new(endpoints: usize) -> Self {
        Self {
            owed: vec![0; endpoints],
            last: 0,
        }
    }

    /// One of `candidates`; none if there is none.
    pub(super) fn choose(
        &mut self,
        balance: Balance,
        request: Request,
        candidates: &[Candidate],
    ) -> Option<usize> {
        let chosen = match (balance, candidates) {
            (_, []) => return None,
            (_, [only]) => only,
            (Balance::RoundRobin, _) => self.next_turn(candidates)?,
            (Balance::LeastConnections, _) => self.lightest(candidates)?,
            (Balance::TwoRandomChoices, _) => two_random(candidates, request.random),
            (Balance::SourceHash, _) => by_source(candidates, request)?,
        };
        self.last = chosen.endpoint;
        Some(chosen.endpoint)
    }

    /// Smooth weighted round robin: each is owed its share, and the one that is owed most pays for
    /// all. Weights 3 and 1 give a a b a, not a a a b.
    fn next_turn<'a>(&mut self, candidates: &'a [Candidate]) -> Option<&'a Candidate> {
        let mut all = 0;
        for candidate in candidates {
            let share = candidate.share as i64;
            self.owed[candidate.endpoint] += share;
            all += share;
        }
        // Of equals the first.
        let chosen = candidates
            .iter()
            .rev()
            .max_by_key(|it| self.owed[it.endpoint])?;
        self.owed[chosen.endpoint] -= all;
        Some(chosen)
    }

    /// The lightest; of equals the next after the last one chosen.
    fn lightest<'a>(&self, candidates: &'a [Candidate]) -> Option<&'a Candidate> {
        let after = candidates.partition_point(|it| it.endpoint <= self.last);
        let (before, after) = candidates.split_at(after);
        let in_turn = after.iter().chain(before);
        in_turn.reduce(|best, it| if it.is_lighter(best) { it } else { best })
    }
}

/// The lighter of two that were drawn by share.
fn two_random(candidates: &[Candidate], random: u64) -> &Candidate {
    let first = draw(candidates, candidates.len(), mix(random));
    let second = draw(candidates, first, mix(random ^ 0x5851_f42d_4c95_7f2d));
    let (first, second) = (&candidates[first], &candidates[second]);
    if second.is_lighter(first) {
        second
    } else {
        first
    }
}

/// The place of a candidate drawn by share; never `without`.
fn draw(candidates: &[Candidate], without: usize, random: u64) -> usize {
    let shares = || {
        let places = candidates.iter().enumerate();
        places.filter(|(place, _)| *place != without)
    };
    let all: u64 = shares().map(|(_, it)| it.share).sum();
    let mut left = random % all.max(1);
    for (place, candidate) in shares() {
        match left.checked_sub(candidate.share) {
            Some(rest) => left = rest,
            None => return place,
        }
    }
    unreachable!("the rest is less than the sum of the shares")
}

/// Rendezvous hashing, weighted: each candidate scores for the client, and the highest score wins.
/// One that goes away moves nobody but its own clients. (Thaler and Ravishankar 1998; with weights
/// as −w ÷ ln u, Schindelhauer and Schomaker 2005.)
fn by_source(candidates: &[Candidate], request: Request) -> Option<&Candidate> {
    let client = request.source.map_or(request.random, source_key);
    let score = |it: &Candidate| {
        // In (0, 1): 53 bits are all that the mantissa holds.
        let uniform = ((mix(client ^ it.key) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        -(it.share as f64) / uniform.ln()
    };
    candidates
        .iter()
        .max_by(|one, other| score(one).total_cmp(&score(other)))
}

/// What a client's address hashes to; an IPv4 address mapped into IPv6 is the same client.
fn source_key(source: IpAddr) -> u64 {
    match source.to_canonical() {
        IpAddr::V4(ip) => hash(&ip.octets()),
        IpAddr::V6(ip) => hash(&ip.octets()),
    }
}

/// FNV-1a, mixed: the same on every machine and in every version, as the standard library's
/// hashers need not be; two gateways must send a client to the same endpoint.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let fnv = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    mix(fnv)
}

/// The finaliser of SplitMix64: every bit of the result depends on every bit of `x`.
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn candidates(weights: &[u64]) -> Vec<Candidate> {
        let candidate = |(endpoint, weight): (usize, &u64)| Candidate {
            endpoint,
            share: weight * 1000,
            load: 0,
            key: hash(format!("10.0.0.{endpoint}:7000").as_bytes()),
        };
        weights.iter().enumerate().map(candidate).collect()
    }

    fn client(nth: u32) -> Request {
        Request {
            source: Some(Ipv4Addr::from(0x0a00_0000 + nth).into()),
            random: u64::from(nth),
            ..Request::default()
        }
    }

    /// How often each is chosen in 10 000 choices.
    fn chosen(balance: Balance, weights: &[u64]) -> Vec<u32> {
        let (candidates, mut turns) = (candidates(weights), Turns::new(weights.len()));
        let mut counts = vec![0; weights.len()];
        for nth in 0..10_000 {
            counts[turns.choose(balance, client(nth), &candidates).unwrap()] += 1;
        }
        counts
    }

    #[test]
    fn turns_are_taken_smoothly_and_by_weight() {
        let (candidates, mut turns) = (candidates(&[3, 1]), Turns::new(2));
        let mut next = || turns.choose(Balance::RoundRobin, Request::default(), &candidates);
        let order: Vec<_> = (0..8).filter_map(|_| next()).collect();
        assert_eq!(order, [0, 0, 1, 0, 0, 0, 1, 0]);
        assert_eq!(chosen(Balance::RoundRobin, &[1, 1, 1, 1]), [2500; 4]);
    }

    #[test]
    fn hashing_and_drawing_keep_to_the_weights() {
        for balance in [Balance::SourceHash, Balance::TwoRandomChoices] {
            let counts = chosen(balance, &[1, 2, 1]);
            let is_near = |count: u32, wanted: u32| count.abs_diff(wanted) < 600;
            let total: u32 = counts.iter().sum();
            assert_eq!(total, 10_000);
            if balance == Balance::SourceHash {
                assert!(
                    is_near(counts[1], 5000) && is_near(counts[0], 2500),
                    "{counts:?}"
                );
            }
        }
    }

    #[test]
    fn the_lightest_for_its_weight_is_chosen_and_equals_take_turns() {
        let mut candidates = candidates(&[1, 1, 4]);
        let mut turns = Turns::new(3);
        let mut next = |candidates: &[Candidate]| {
            turns.choose(Balance::LeastConnections, Request::default(), candidates)
        };
        (candidates[0].load, candidates[1].load, candidates[2].load) = (2, 1, 6);
        assert_eq!(next(&candidates), Some(2)); // 7 ÷ 4 is less than 2 ÷ 1
        candidates[2].load = 8;
        assert_eq!(next(&candidates), Some(1));
        let equal = self::candidates(&[1, 1, 1]);
        let order: Vec<_> = (0..4).filter_map(|_| next(&equal)).collect();
        assert_eq!(order, [2, 0, 1, 2]);
    }

    #[test]
    fn two_random_choices_avoid_the_heavy_one() {
        let mut candidates = candidates(&[1, 1]);
        candidates[0].load = 50;
        let mut turns = Turns::new(2);
        for nth in 0..100 {
            let chosen = turns.choose(Balance::TwoRandomChoices, client(nth), &candidates);
            assert_eq!(chosen, Some(1));
        }
    }

    #[test]
    fn a_client_stays_with_its_endpoint_and_only_those_of_a_lost_one_move() {
        let (all, mut turns) = (candidates(&[1, 1, 1, 1]), Turns::new(4));
        let fewer: Vec<_> = all.iter().filter(|it| it.endpoint != 2).copied().collect();
        for nth in 0..2000 {
            let mut of =
                |among: &[Candidate]| turns.choose(Balance::SourceHash, client(nth), among);
            let before = of(&all);
            assert_eq!(before, of(&all));
            assert!(before == Some(2) || before == of(&fewer));
        }
    }

    #[test]
    fn a_mapped_address_is_the_same_client() {
        let plain: IpAddr = "192.0.2.7".parse().unwrap();
        let mapped: IpAddr = "::ffff:192.0.2.7".parse().unwrap();
        assert_eq!(source_key(plain), source_key(mapped));
    }
}
