//! What values come to.

/// Values in order. `NaN` where there is none.
#[derive(Clone, Debug, Default)]
pub(super) struct Sorted(Vec<f64>);

impl Sorted {
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    /// The one that this share of them does not exceed.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        let rank = (self.0.len() as f64 * share).ceil() as usize;
        let at = rank.clamp(1, self.0.len().max(1)) - 1;
        self.0.get(at).copied().unwrap_or(f64::NAN)
    }

    pub(super) fn max(&self) -> f64 {
        self.quantile(1.0)
    }

    pub(super) fn min(&self) -> f64 {
        self.quantile(0.0)
    }

    /// All, the least first.
    pub(super) fn values(&self) -> &[f64] {
        &self.0
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
}
