//! A series cut where its level changed, and how much its neighbours resemble each other beside that.
//!
//! Around one mean an old change of level looks like memory: all values before it lie on one side, all after it
//! on the other. Around the levels it does not. Must not look for changes; [`super::steps`] does.

use super::ar1::LARGEST_PHI;
use super::sum::Sum;
use super::summary::mean;

/// Levels of fewer values say nothing about neighbours: the bias of their autocorrelation cannot be taken out.
const FEWEST: usize = 5;

/// A series in pieces, each on a level of its own, in the order of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Levels<'v> {
    pieces: Vec<&'v [f64]>,
}

impl<'v> Levels<'v> {
    /// Cuts before these positions; those that are no inner ones are left out.
    pub fn cut(values: &'v [f64], at: impl IntoIterator<Item = usize>) -> Self {
        let mut inner: Vec<usize> = at.into_iter().filter(|at| *at > 0 && *at < values.len()).collect();
        inner.sort_unstable();
        inner.dedup();
        let starts = std::iter::once(0).chain(inner.iter().copied());
        let ends = inner.iter().copied().chain(std::iter::once(values.len()));
        Self { pieces: starts.zip(ends).map(|(start, end)| &values[start..end]).collect() }
    }

    /// The pieces, in the order of time; one at least.
    pub fn pieces(&self) -> &[&'v [f64]] {
        &self.pieces
    }

    /// The values since the last change; all of them where there is none.
    pub fn present(&self) -> &'v [f64] {
        self.pieces.last().copied().unwrap_or_default()
    }
}

/// What is left of a piece when its mean is taken out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Residuals {
    /// Values.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Σ e².
    pub squares: f64,
    /// Σ eᵢeᵢ₊₁.
    pub shared: f64,
}

impl Residuals {
    /// `None` without values, or where a sum is no finite number.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mean = mean(values)?;
        if values.iter().all(|value| *value == values[0]) {
            // The rounding of the mean must not look like spread.
            return Some(Self { n: values.len(), mean: values[0], squares: 0.0, shared: 0.0 });
        }
        let squares = Sum::of(values.iter().map(|value| (value - mean) * (value - mean))).total();
        let shared = Sum::of(values.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean))).total();
        (squares.is_finite() && shared.is_finite()).then_some(Self { n: values.len(), mean, squares, shared })
    }
}

/// What pieces say about the autocorrelation of neighbours, all of them taken to have the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Likeness {
    /// φ, between −0.99 and 0.99; not raised to 0 where neighbours alternate.
    pub phi: f64,
    /// From how many values it was estimated.
    pub n: usize,
}

impl Likeness {
    /// φ around levels: (n·r₁ + m)/(n − 4m), for n values on m levels, r₁ being the mean of the lag-1
    /// autocorrelations around each, weighted by length. The mean of k values that is taken out biases their r₁ by
    /// −(1 + 4φ)/k (Marriott & Pope 1954, Biometrika 41:390–402; Kendall 1954, Biometrika 41:403–404), so that
    /// n·r₁ is on average n·φ − m·(1 + 4φ); with one level it is [`super::ar1::phi_around_mean`].
    ///
    /// Where a level ends is taken as known. Of a change that is told from chance it nearly is; of any other it is
    /// not to be asked. Levels without spread, and of fewer than 5 values, say nothing. `None` when none says
    /// anything.
    pub fn around<'v>(series: impl IntoIterator<Item = &'v Levels<'v>>) -> Option<Self> {
        let pieces = series.into_iter().flat_map(|levels| &levels.pieces);
        let told = pieces.filter(|piece| piece.len() >= FEWEST).filter_map(|piece| Residuals::of(piece));
        let (mut weighted, mut n, mut levels) = (0.0, 0, 0.0);
        for residuals in told.filter(|residuals| residuals.squares > 0.0) {
            weighted += residuals.n as f64 * residuals.shared / residuals.squares;
            n += residuals.n;
            levels += 1.0;
        }
        let phi = (weighted + levels) / (n as f64 - 4.0 * levels);
        (n > 0 && phi.is_finite()).then(|| Self { phi: phi.clamp(-LARGEST_PHI, LARGEST_PHI), n })
    }
}

#[cfg(test)]
mod tests {
    use super::super::ar1::phi_around_mean;
    use super::super::interval::lag1_autocorrelation;
    use super::super::reference::NILE;
    use super::*;

    #[track_caller]
    fn close(actual: f64, expected: f64, tolerance: f64) {
        assert!((actual - expected).abs() <= tolerance, "{actual} is not {expected}");
    }

    #[test]
    fn a_series_is_cut_at_inner_places_alone() {
        let values = [1.0, 2.0, 3.0, 4.0];
        let lengths = |at: &[usize]| {
            let levels = Levels::cut(&values, at.iter().copied());
            levels.pieces.iter().map(|piece| piece.len()).collect::<Vec<_>>()
        };
        assert_eq!(lengths(&[]), [4]);
        assert_eq!(lengths(&[3, 1, 3]), [1, 2, 1]);
        assert_eq!(lengths(&[0, 4, 9]), [4]);
        assert_eq!(Levels::cut(&values, [3]).present(), [4.0]);
        assert_eq!(Levels::cut(&values, []).present(), values);
        assert!(Levels::cut(&[], [3]).present().is_empty());
    }

    #[test]
    fn one_level_is_the_mean_and_the_nile_remembers_little_beside_its_dam() {
        let whole = Likeness::around([&Levels::cut(&NILE, [])]).expect("values differ");
        // statsmodels 0.15.0, `acf(x, adjusted=False, nlags=1)[1]` = 0.498408.
        close(whole.phi, (100.0 * 0.498_408_184_133_028_9 + 1.0) / 96.0, 1e-12);
        close(
            whole.phi,
            phi_around_mean(lag1_autocorrelation(&NILE).expect("a spread"), 100).expect("n"),
            1e-12,
        );
        assert_eq!(whole.n, 100);
        // statsmodels 0.15.0, the same of the 28 years before the dam of Aswan and of the 72 after it.
        let cut = Likeness::around([&Levels::cut(&NILE, [28])]).expect("values differ");
        let (before, after) = (0.119_836_433_391_305_4, 0.177_824_626_354_612_4);
        close(cut.phi, (28.0 * before + 72.0 * after + 2.0) / 92.0, 1e-12);
        assert!(cut.phi < 0.2, "{cut:?}");
    }

    #[test]
    fn two_levels_are_computed_as_by_hand_and_short_or_still_ones_say_nothing() {
        // 1 1 3 3 1: mean 9/5; 5 values. Deviations −4/5 −4/5 6/5 6/5 −4/5: Σe² = 24/5, Σee' = (16 − 24 + 36 − 24)/25.
        let values = [1.0, 1.0, 3.0, 3.0, 1.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0, 2.0, 9.0];
        let r1 = (4.0 / 25.0) / (24.0 / 5.0);
        let found = Likeness::around([&Levels::cut(&values, [5, 11])]).expect("one level says something");
        close(found.phi, 0.99_f64.min(5.0 * r1 + 1.0), 1e-12);
        assert_eq!(found.n, 5);
        assert_eq!(Likeness::around([&Levels::cut(&values[5..], [6])]), None);
        assert_eq!(Likeness::around([]), None);
        assert_eq!(Likeness::around([&Levels::cut(&[], [])]), None);
        // Twice the same says the same, with twice as many values to it.
        let one = Levels::cut(&NILE[..28], []);
        let two = Likeness::around([&one, &one]).expect("values differ");
        let single = Likeness::around([&one]).expect("values differ");
        close(two.phi, single.phi, 1e-12);
        assert_eq!(two.n, 2 * single.n);
    }
}
