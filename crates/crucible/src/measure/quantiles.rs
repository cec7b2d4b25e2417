//! Median, 99th percentile, maximum.

use serde::{Deserialize, Serialize};

/// Order statistics of a sample, by the nearest-rank rule. All zero for an empty sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// How many values.
    pub count: usize,
    /// Least value.
    pub min: f64,
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile: the maximum for fewer than 100 values.
    pub p99: f64,
    /// Greatest value.
    pub max: f64,
}

impl Quantiles {
    /// Of `values`, in any order.
    pub fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let rank = |share: f64| {
            let rank = (share * sorted.len() as f64).ceil() as usize;
            sorted.get(rank.max(1) - 1).copied().unwrap_or(0.0)
        };
        Self {
            count: sorted.len(),
            min: rank(0.0),
            p50: rank(0.5),
            p90: rank(0.9),
            p99: rank(0.99),
            max: rank(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_nearest_ranks() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        let found = Quantiles::of(&values);
        assert_eq!(
            (found.min, found.p50, found.p99, found.max),
            (1.0, 50.0, 99.0, 100.0)
        );
        assert_eq!(Quantiles::of(&[]), Quantiles::default());
        assert_eq!(Quantiles::of(&[7.0]).count, 1);
    }
}
