//! How one series of values stands to another, and how sure that is.

use fastrand::Rng;

use crate::quantiles::Sorted;

/// Enough that the ends of the interval no longer move in the digits that are told.
const RESAMPLES: usize = 4000;

/// Orders are drawn from a fixed seed: the same values give the same interval.
const SEED: u64 = 7;

/// The ratio of two medians.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ratio {
    pub(super) value: f64,
    /// The interval that holds it with 95 %: by bootstrap, rounds drawn as wholes, since both sides
    /// of a round are of the same minute.
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Ratio {
    /// Of the medians of `ours` and `theirs`, where the same place is the same round.
    pub(super) fn of(ours: &[f64], theirs: &[f64]) -> Self {
        let rounds = ours.len().min(theirs.len());
        let mut rng = Rng::with_seed(SEED);
        let drawn = Sorted::of((0..RESAMPLES).map(|_| {
            let drawn: Vec<usize> = (0..rounds).map(|_| rng.usize(..rounds)).collect();
            let median = |values: &[f64]| Sorted::of(drawn.iter().map(|at| values[*at])).median();
            median(ours) / median(theirs)
        }));
        let median = |values: &[f64]| Sorted::of(values.iter().copied()).median();
        Self {
            value: median(ours) / median(theirs),
            low: drawn.quantile(0.025),
            high: drawn.quantile(0.975),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Ratio;

    #[test]
    fn what_moves_both_sides_of_a_round_does_not_widen_the_interval() {
        let theirs = [10.0, 20.0, 30.0, 15.0, 12.0, 40.0, 11.0, 13.0, 17.0];
        let ours = theirs.map(|it| it / 2.0);
        let ratio = Ratio::of(&ours, &theirs);
        assert_eq!((ratio.value, ratio.low, ratio.high), (0.5, 0.5, 0.5));
    }

    #[test]
    fn the_interval_is_about_the_ratio() {
        let theirs = [10.0, 11.0, 9.0, 10.0, 12.0, 8.0, 10.0, 11.0, 9.0];
        let ours = [5.0, 5.0, 6.0, 4.0, 5.0, 5.0, 4.0, 6.0, 5.0];
        let ratio = Ratio::of(&ours, &theirs);
        assert_eq!(ratio.value, 0.5);
        assert!(0.3 < ratio.low && ratio.low < 0.5, "{ratio:?}");
        assert!(0.5 < ratio.high && ratio.high < 0.7, "{ratio:?}");
    }
}
