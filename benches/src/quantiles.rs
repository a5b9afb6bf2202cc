//! What values come to.

/// Values in order. `NaN` where there is none.
#[derive(Clone, Debug, Default)]
pub struct Sorted(Vec<f64>);

impl Sorted {
    /// Puts values in order.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    /// The one that this share of them does not exceed; from 0 to 1.
    #[must_use]
    pub fn quantile(&self, share: f64) -> f64 {
        let rank = (self.0.len() as f64 * share).ceil() as usize;
        self.at(rank.clamp(1, self.0.len().max(1)) - 1)
    }

    /// The one in the middle; of an even number, half way between the two.
    #[must_use]
    pub fn median(&self) -> f64 {
        let (low, high) = (self.0.len().saturating_sub(1) / 2, self.0.len() / 2);
        f64::midpoint(self.at(low), self.at(high))
    }

    /// The greatest.
    #[must_use]
    pub fn max(&self) -> f64 {
        self.quantile(1.0)
    }

    /// The least.
    #[must_use]
    pub fn min(&self) -> f64 {
        self.quantile(0.0)
    }

    /// From the least to the greatest, as a share of the median.
    #[must_use]
    pub fn spread(&self) -> f64 {
        match self.median() {
            0.0 => 0.0,
            median => (self.max() - self.min()) / median,
        }
    }

    /// All, the least first.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.0
    }

    fn at(&self, index: usize) -> f64 {
        self.0.get(index).copied().unwrap_or(f64::NAN)
    }
}

#[cfg(test)]
mod tests {
    use super::Sorted;

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let values = Sorted::of((1..=200).rev().map(f64::from));
        assert_eq!(
            [0.0, 0.5, 0.99, 1.0].map(|share| values.quantile(share)),
            [1.0, 100.0, 198.0, 200.0]
        );
        assert!(Sorted::default().max().is_nan());
    }

    #[test]
    fn a_median_of_odd_and_even_counts() {
        let odd = Sorted::of([3.0, 1.0, 2.0]);
        assert_eq!((odd.median(), odd.spread()), (2.0, 1.0));
        assert_eq!(Sorted::of([4.0, 1.0]).median(), 2.5);
    }
}
