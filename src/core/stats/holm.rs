//! Several tests at once: Holm's step-down adjustment.
//!
//! Holm 1979, Scandinavian Journal of Statistics 6:65–70. Holds whatever the tests have to do with each other.

/// p-values adjusted so that rejecting those at or below α rejects any true hypothesis with at most
/// probability α. In the order given; a test without a p-value still counts as one of the family.
pub fn adjusted(p_values: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<(usize, f64)> =
        p_values.iter().enumerate().filter_map(|(at, p)| p.map(|p| (at, p))).collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut out = vec![None; p_values.len()];
    let mut least = 0.0_f64;
    for (rank, (at, p)) in order.into_iter().enumerate() {
        least = least.max((p * (p_values.len() - rank) as f64).min(1.0));
        out[at] = Some(least);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjusted_values_agree_with_statsmodels() {
        // statsmodels 0.15.0, `multipletests(p, method="holm")[1]`.
        for (given, expected) in [
            ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
            ([0.001, 0.02, 0.02, 0.8], [0.004, 0.06, 0.06, 0.8]),
            ([0.3, 0.0125, 0.9, 0.2], [0.6, 0.05, 0.9, 0.6]),
        ] {
            for (p, expected) in adjusted(&given.map(Some)).into_iter().zip(expected) {
                let p = p.expect("every test has a value");
                assert!((p - expected).abs() < 1e-12, "{p} is not {expected}");
            }
        }
    }

    #[test]
    fn a_test_that_could_not_be_made_still_belongs_to_the_family() {
        assert_eq!(adjusted(&[Some(0.01), None, None, Some(0.5)]), [Some(0.04), None, None, Some(1.0)]);
        assert_eq!(adjusted(&[]), Vec::<Option<f64>>::new());
    }
}
