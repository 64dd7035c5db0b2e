//! Many measurements of one thing.

use std::time::Duration;

/// Values in one unit.
#[derive(Debug, Default, Clone)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    /// A single value.
    pub(crate) fn one(value: f64) -> Self {
        Self(vec![value])
    }

    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Adds a time, in milliseconds.
    pub(crate) fn push_ms(&mut self, time: Duration) {
        self.push(time.as_secs_f64() * 1000.0);
    }

    /// All, in the order in which they were taken.
    pub(crate) fn all(&self) -> &[f64] {
        &self.0
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The value that `percent` of all samples do not exceed: the nearest rank. 0 if there are none.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).copied().unwrap_or(0.0)
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "samples are returned as they were put in")]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples_of_the_nearest_rank() {
        let samples = Samples((1..=20).rev().map(f64::from).collect());
        assert_eq!([5, 50, 95, 100].map(|percent| samples.percentile(percent)), [1.0, 10.0, 19.0, 20.0]);
        assert_eq!(Samples::one(7.0).percentile(95), 7.0);
    }
}
