//! Memory that is not that of a first-order process: what it does to the variance of a weighted sum of residuals.
//!
//! Three views of the same residuals. An autoregression whose order Akaike's criterion chooses, with the bias that
//! fitted columns cause taken out; a fractional process where it fits better than a first-order one; and cosines of
//! low frequency with equal weights, which know no model. Must not decide anything.

use crate::stats::summary::Sum;

/// Largest partial autocorrelation.
const LARGEST: f64 = 0.99;

/// Highest order of the autoregression …
const HIGHEST: usize = 8;

/// … and how many values it takes for each order.
const VALUES_AN_ORDER: usize = 6;

/// Each coefficient must lower −2·log likelihood by so much. Akaike's 2 takes a higher order than the first in a fifth
/// of first-order series and costs 4 points of power at n = 48, 3 costs 2.
const PENALTY: f64 = 3.0;

/// What Akaike's criterion takes for a parameter.
const AKAIKE: f64 = 2.0;

/// By so many standard errors the sum of the coefficients is raised.
const CAUTION: f64 = 0.2;

/// Σ aᵢbᵢ.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Orthonormal columns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Basis {
    pub(crate) columns: Vec<Vec<f64>>,
}

impl Basis {
    /// Adds what the columns so far leave of another one (Gram & Schmidt, twice for the rounding), and returns its
    /// length; `None` where they leave nothing.
    pub(crate) fn add(&mut self, mut column: Vec<f64>) -> Option<f64> {
        let whole = dot(&column, &column);
        for _ in 0..2 {
            self.take_out(&mut column);
        }
        let left = dot(&column, &column);
        if left.is_nan() || left <= 1e-10 * whole {
            return None;
        }
        let length = left.sqrt();
        for value in &mut column {
            *value /= length;
        }
        self.columns.push(column);
        Some(length)
    }

    fn take_out(&self, values: &mut [f64]) {
        for column in &self.columns {
            let share = dot(column, values);
            values.iter_mut().zip(column).for_each(|(value, column)| *value -= share * column);
        }
    }

    /// The products with each column.
    pub(crate) fn shares(&self, values: &[f64]) -> Vec<f64> {
        self.columns.iter().map(|column| dot(column, values)).collect()
    }

    /// What the columns leave of values.
    pub(crate) fn residuals(&self, values: &[f64]) -> Vec<f64> {
        let mut left = values.to_vec();
        self.take_out(&mut left);
        left
    }

    /// Σ qᵀΩq over the columns, from the variance of a weighted sum.
    pub(crate) fn traced(&self, variance_of_sum: impl Fn(&[f64]) -> f64) -> f64 {
        self.columns.iter().map(|column| variance_of_sum(column)).sum()
    }
}

/// An autoregression with a marginal variance of 1: the prediction filters of all orders up to its own.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    filters: Vec<Vec<f64>>,
    variances: Vec<f64>,
}

impl Process {
    /// Of autocorrelations from lag 0 on (Levinson 1946 and Durbin 1960; Brockwell & Davis 1991, Time Series, section 5.2).
    pub(crate) fn of(rho: &[f64]) -> Self {
        let mut process = Self { filters: vec![Vec::new()], variances: vec![1.0] };
        for lag in 1..rho.len() {
            let (last, before) = (&process.filters[lag - 1], process.variances[lag - 1]);
            let known: f64 = last.iter().zip(rho[1..lag].iter().rev()).map(|(a, rho)| a * rho).sum();
            let partial = ((rho[lag] - known) / before).clamp(-LARGEST, LARGEST);
            let mut filter: Vec<f64> =
                last.iter().zip(last.iter().rev()).map(|(a, b)| a - partial * b).collect();
            filter.push(partial);
            process.variances.push(before * (1.0 - partial * partial));
            process.filters.push(filter);
        }
        process
    }

    fn cut(&self, order: usize) -> Self {
        Self { filters: self.filters[..=order].to_vec(), variances: self.variances[..=order].to_vec() }
    }

    pub(crate) fn order(&self) -> usize {
        self.filters.len() - 1
    }

    /// Variance of Σ wᵢxᵢ. The filters turn the values into independent ones, x = A⁻¹u, so it is Σ vₜqₜ² with
    /// q = A⁻ᵀw.
    pub(crate) fn variance_of_sum(&self, weights: &[f64]) -> f64 {
        let (n, order) = (weights.len(), self.order());
        let mut passed = weights.to_vec();
        let mut total = 0.0;
        for at in (0..n).rev() {
            let later = (1..=order.min(n - 1 - at))
                .map(|lag| self.filters[(at + lag).min(order)][lag - 1] * passed[at + lag]);
            passed[at] += later.sum::<f64>();
            total += self.variances[at.min(order)] * passed[at] * passed[at];
        }
        total
    }

    /// 1 less the sum of the coefficients.
    fn gain(&self, order: usize) -> f64 {
        1.0 - self.filters[order].iter().sum::<f64>()
    }

    /// The variance of a mean of n over that of n independent values, for large n.
    pub(crate) fn long_run(&self) -> f64 {
        let gain = self.gain(self.order());
        self.variances[self.order()] / (gain * gain)
    }

    /// By how much the long-run variance grows when the sum of the coefficients is raised by a fifth of its standard
    /// error, √(σ²·1ᵀΓ⁻¹1/n).
    fn caution(&self, n: usize) -> f64 {
        let order = self.order();
        let spread: f64 = (0..order).map(|m| self.gain(m) * self.gain(m) / self.variances[m]).sum();
        let error = (self.variances[order] / n as f64 * spread).sqrt();
        let gain = self.gain(order);
        let raised = gain / (gain - CAUTION * error).max(1.0 - LARGEST);
        (raised * raised).max(1.0)
    }

    /// The order that Akaike's criterion in small samples asks for (Hurvich & Tsai 1989, Biometrika 76:297–307).
    fn chosen(&self, n: usize) -> usize {
        let n = n as f64;
        let criterion = |order: usize| {
            let count = order as f64 + 1.0;
            n * libm::log(self.variances[order]) + PENALTY * count * n / (n - count - 1.0)
        };
        (0..=self.order()).min_by(|a, b| criterion(*a).total_cmp(&criterion(*b))).unwrap_or(0)
    }
}

/// The autoregression of residuals.
#[derive(Clone, Debug)]
pub(crate) struct Autoregression {
    pub(crate) process: Process,
    /// Variance of one value.
    pub(crate) variance: f64,
    n: usize,
}

impl Autoregression {
    /// Of what the columns of a basis leave of values. Taking a column q out lowers the sum of products at lag k by
    /// about (qᵀΩq)·Σqₜqₜ₊ₖ on average; the process is the one whose residuals look like these, found by iteration, and a
    /// ratio of sums is low by a share of 2/n (Marriott & Pope 1954, Biometrika 41:390–402).
    pub(crate) fn of(residuals: &[f64], basis: &Basis) -> Option<Self> {
        let n = residuals.len();
        let highest = HIGHEST.min(n / VALUES_AN_ORDER);
        let products = |values: &[f64]| -> Vec<f64> {
            (0..=highest).map(|lag| dot(&values[..n - lag], &values[lag..])).collect()
        };
        let seen = products(residuals);
        if seen[0].is_nan() || seen[0] <= 0.0 {
            return None;
        }
        let taken: Vec<Vec<f64>> = basis.columns.iter().map(|column| products(column)).collect();
        let mut all = Process::of(&seen.iter().map(|product| product / seen[0]).collect::<Vec<_>>());
        let mut found = None;
        for _ in 0..4 {
            let process = all.cut(all.chosen(n));
            let costs: Vec<f64> =
                basis.columns.iter().map(|column| process.variance_of_sum(column)).collect();
            let traced = n as f64 - costs.iter().sum::<f64>();
            if traced.is_nan() || traced <= 1.0 {
                return None;
            }
            let variance = seen[0] / traced;
            let true_product = |lag: usize| {
                let added: f64 = costs.iter().zip(&taken).map(|(cost, taken)| cost * taken[lag]).sum();
                (seen[lag] / variance + added) / (n - lag) as f64
            };
            let rho = |lag: usize| {
                let rho = true_product(lag) / true_product(0) * (1.0 + 2.0 / n as f64);
                if lag == 0 { 1.0 } else { rho.clamp(-LARGEST, LARGEST) }
            };
            all = Process::of(&(0..=highest).map(rho).collect::<Vec<_>>());
            found = Some(Self { process, variance, n });
        }
        found
    }

    /// An upper bound of the variance of Σ wᵢxᵢ.
    pub(crate) fn variance_of_sum(&self, weights: &[f64]) -> f64 {
        self.variance * self.process.variance_of_sum(weights) * self.process.caution(self.n)
    }

    /// By how much it raises twice the log likelihood against a first-order process, less what Akaike takes for its
    /// coefficients.
    fn gain(&self) -> f64 {
        let order = self.process.order();
        let ratio = self.process.variances[1.min(order)] / self.process.variances[order];
        self.n as f64 * libm::log(ratio) - AKAIKE * (order as f64 - 1.0)
    }

    /// How many independent values these are worth.
    pub(crate) fn n_eff(&self) -> f64 {
        self.n as f64 / (self.process.long_run() * self.process.caution(self.n))
    }
}

/// A fractional process, (1 − φL)(1 − L)ᵈx = u (Granger & Joyeux 1980, J. Time Ser. Anal. 1:15–29; Hosking 1981,
/// Biometrika 68:165–176).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fractional {
    d: f64,
    phi: f64,
    /// Variance of u.
    innovation: f64,
}

/// Longer series are looked at in means of neighbours.
const LONGEST: usize = 512;

/// −2·log likelihood must fall by so much against a first-order process. Akaike asks for 2; this is an upper bound.
const GAIN: f64 = 1.0;

/// Values before the first one that a first-order filter still remembers.
const BEFORE: usize = 20;

/// The most memory that is tried.
const MOST: f64 = 0.49;

impl Fractional {
    /// Of residuals, where it fits better than a first-order process, and by how much it raises twice the log likelihood;
    /// `None` where it does not. By conditional sums of squares (Chung & Baillie 1993, Empirical Economics 18:791–806) on a
    /// grid of d, raised by its standard error, √(6/π²n).
    fn of(residuals: &[f64]) -> Option<(Self, f64)> {
        let size = residuals.len() as f64;
        let (usual, _) = first_order(residuals);
        let (left, phi, d) = Self::likeliest(residuals)?;
        let error = (6.0 / size).sqrt() / std::f64::consts::PI;
        let fit = Self { d: (d + error).min(MOST), phi, innovation: left / (size - 4.0) };
        let gain = size * libm::log(usual / left);
        (residuals.len() >= 16 && left > 0.0 && gain > GAIN).then_some((fit, gain))
    }

    /// The smallest sum of squares, its φ and its d.
    fn likeliest(residuals: &[f64]) -> Option<(f64, f64, f64)> {
        let tried = (1..=9).map(|step| 0.05 * f64::from(step)).map(|d| {
            let (left, phi) = first_order(&differenced(residuals, d));
            (left, phi, d)
        });
        tried.min_by(|one, other| one.0.total_cmp(&other.0))
    }

    /// Variance of Σ wᵢxᵢ: weights for the differenced part first, then its filters as of any stationary process; the
    /// partial autocorrelation at lag k is d/(k − d) (Hosking 1981).
    pub(crate) fn variance_of_sum(&self, weights: &[f64]) -> f64 {
        let n = weights.len() + BEFORE;
        let mut passed = vec![0.0; n];
        for at in (0..n).rev() {
            let own = at.checked_sub(BEFORE).map_or(0.0, |at| weights[at]);
            passed[at] = own + self.phi * passed.get(at + 1).copied().unwrap_or(0.0);
        }
        let mut variances =
            vec![libm::exp(libm::lgamma(1.0 - 2.0 * self.d) - 2.0 * libm::lgamma(1.0 - self.d))];
        let mut filters: Vec<Vec<f64>> = vec![Vec::new()];
        for lag in 1..n {
            let partial = self.d / (lag as f64 - self.d);
            let last = &filters[lag - 1];
            let mut filter: Vec<f64> =
                last.iter().zip(last.iter().rev()).map(|(a, b)| a - partial * b).collect();
            filter.push(partial);
            variances.push(variances[lag - 1] * (1.0 - partial * partial));
            filters.push(filter);
        }
        self.innovation * Process { filters, variances }.variance_of_sum(&passed)
    }
}

/// Sum of squares that a first-order process leaves, conditional on its start, and its φ.
fn first_order(values: &[f64]) -> (f64, f64) {
    let Some((_, before)) = values.split_last() else { return (0.0, 0.0) };
    let (shared, squares) = (dot(before, &values[1..]), dot(before, before));
    let phi = if squares > 0.0 { (shared / squares).clamp(-0.95, 0.95) } else { 0.0 };
    let left = dot(&values[1..], &values[1..]) - 2.0 * phi * shared + phi * phi * squares;
    (left + values[0] * values[0] * (1.0 - phi * phi), phi)
}

/// (1 − L)ᵈ of values, with nothing before the first.
fn differenced(values: &[f64], d: f64) -> Vec<f64> {
    let mut weights = vec![1.0; values.len()];
    for lag in 1..values.len() {
        weights[lag] = weights[lag - 1] * (lag as f64 - 1.0 - d) / lag as f64;
    }
    let at = |at: usize| weights.iter().zip(values[..=at].iter().rev()).map(|(w, value)| w * value).sum();
    (0..values.len()).map(at).collect()
}

/// Means of as many neighbours as a long series takes.
fn in_means(values: &[f64]) -> Vec<f64> {
    let block = values.len().div_ceil(LONGEST).max(1);
    values.chunks(block).map(|part| part.iter().sum::<f64>() / part.len() as f64).collect()
}

/// Variance of Σ wᵢxᵢ by a fractional process, where the residuals look like one, and by how much it raises twice the log
/// likelihood.
pub(crate) fn fractional_variance(residuals: &[f64], weights: &[f64]) -> Option<(f64, f64)> {
    let (fit, gain) = Fractional::of(&in_means(residuals))?;
    let block = residuals.len().div_ceil(LONGEST).max(1);
    let weights: Vec<f64> = weights.chunks(block).map(|part| part.iter().sum()).collect();
    Some((fit.variance_of_sum(&weights), gain))
}

/// −2·log likelihood of the likeliest of a first-order process, autoregressions and a fractional process, up to a constant,
/// with what Akaike takes for a parameter more than the first order has.
pub(crate) fn misfit(values: &[f64]) -> f64 {
    let n = values.len();
    let size = n as f64;
    let products: Vec<f64> =
        (0..=HIGHEST.min(n / VALUES_AN_ORDER)).map(|lag| dot(&values[..n - lag], &values[lag..])).collect();
    let process = Process::of(&products.iter().map(|product| product / products[0]).collect::<Vec<_>>());
    let (first, _) = first_order(values);
    let ratios = process.variances.iter().skip(1).map(|variance| variance / process.variances[1]);
    let higher =
        (0u32..).map(f64::from).zip(ratios).map(|(more, ratio)| size * libm::log(ratio) + AKAIKE * more);
    let fractional = Fractional::likeliest(values).map(|(left, ..)| size * libm::log(left / first) + AKAIKE);
    size * libm::log(first) + higher.chain(fractional).fold(0.0, f64::min)
}

/// By so much an autoregression must be likelier than a fractional process to be taken instead: of long memory it knows
/// a part alone, and an interval that trusts it misses twice as often.
const LEEWAY: f64 = 5.0;

/// The variance of a mean of residuals: the largest that the models and cosines give.
pub(crate) fn mean_variance(residuals: &[f64], weights: &[f64]) -> Option<f64> {
    let n = residuals.len() as f64;
    let mut basis = Basis::default();
    basis.add(vec![1.0; residuals.len()])?;
    let higher = Autoregression::of(residuals, &basis).filter(|found| found.process.order() > 1);
    let is_likelier = |gain: f64| higher.as_ref().is_none_or(|higher| higher.gain() < gain - AKAIKE + LEEWAY);
    let fractional = fractional_variance(residuals, weights).filter(|(_, gain)| is_likelier(*gain));
    let fractional = fractional.map(|(variance, _)| variance);
    let cosines = cosine_variance(residuals, basis).map(|(variance, _)| variance / n);
    [higher.map(|higher| higher.variance_of_sum(weights)), fractional, cosines]
        .into_iter()
        .flatten()
        .reduce(f64::max)
}

/// Most cosines: more of them reach frequencies at which a first-order process of φ = 0.8 has lost half of its
/// variance, and cost time.
const COSINES: usize = 8;

/// Fewest values for each of them.
const VALUES_A_COSINE: usize = 4;

/// The long-run variance of what the columns of a basis leave, from cosines of low frequency with equal weights: the
/// mean of squared projections, with as many degrees of freedom as there are cosines. These are made orthogonal to the
/// columns, so that with independent normal values t has exactly Student's distribution (Müller 2007, J. Econometrics
/// 141:1331–1352; Sun 2011, J. Econometrics 164:345–366; Lazarus, Lewis, Stock & Watson 2018, J. Bus. Econ. Stat.
/// 36:541–559).
pub(crate) fn cosine_variance(residuals: &[f64], mut basis: Basis) -> Option<(f64, f64)> {
    let n = residuals.len();
    let wanted = COSINES.min(n / VALUES_A_COSINE);
    let fitted = basis.columns.len();
    for which in 1..=2 * (wanted + fitted) {
        if basis.columns.len() - fitted == wanted {
            break;
        }
        let turn = std::f64::consts::PI * which as f64 / n as f64;
        let cosine = (0..n).map(|at| libm::cos(turn * (at as f64 + 0.5))).collect();
        basis.add(cosine);
    }
    let squares = Sum::of(basis.shares(residuals)[fitted..].iter().map(|share| share * share)).total();
    let count = (basis.columns.len() - fitted) as f64;
    (count >= 2.0).then(|| (squares / count, count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::autocorrelation;
    use crate::stats::reference::{LAKE_HURON, NILE};

    #[track_caller]
    fn close(actual: f64, expected: f64) {
        assert!((actual - expected).abs() <= 1e-9 * expected.abs(), "{actual} is not {expected}");
    }

    #[test]
    fn the_variance_of_a_sum_is_that_of_the_matrix() {
        let weights = [0.3, -1.0, 2.5, 0.0, 4.0, -0.7];
        let first = Process::of(&[1.0, 0.6]);
        close(first.variance_of_sum(&weights), autocorrelation::variance_of_sum(weights, 0.6));
        // x = 0.5x′ + 0.3x″ + u: ρ₁ = 0.5/0.7, ρ₂ = 0.5ρ₁ + 0.3 and so on, over all pairs.
        let mut rho = vec![1.0, 0.5 / 0.7];
        (2..6).for_each(|lag| rho.push(0.5 * rho[lag - 1] + 0.3 * rho[lag - 2]));
        let process = Process::of(&rho[..3]);
        close(process.filters[2][0], 0.5);
        close(process.filters[2][1], 0.3);
        let pairs = (0..6).flat_map(|i| (0..6).map(move |j: usize| (i, j)));
        let by_hand: f64 = pairs.map(|(i, j)| weights[i] * weights[j] * rho[i.abs_diff(j)]).sum();
        close(process.variance_of_sum(&weights), by_hand);
        // σ²/(1 − 0.8)², with σ² = 1 − 0.5ρ₁ − 0.3ρ₂.
        close(process.long_run(), (1.0 - 0.5 * rho[1] - 0.3 * rho[2]) / 0.04);
    }

    #[test]
    fn a_fractional_process_has_the_variance_of_its_autocovariances() {
        // ρₖ = ρₖ₋₁(k − 1 + d)/(k − d), γ₀ = Γ(1 − 2d)/Γ(1 − d)² (Hosking 1981).
        let d = 0.3;
        let weights = [0.25; 4];
        let mut rho = vec![1.0];
        (1..4).for_each(|lag| rho.push(rho[lag - 1] * (lag as f64 - 1.0 + d) / (lag as f64 - d)));
        let spread = libm::exp(libm::lgamma(1.0 - 2.0 * d) - 2.0 * libm::lgamma(1.0 - d));
        let pairs = (0..4usize).flat_map(|i| (0..4usize).map(move |j| (i, j)));
        let by_hand: f64 = pairs.map(|(i, j)| rho[i.abs_diff(j)] * spread / 16.0).sum();
        let found = Fractional { d, phi: 0.0, innovation: 1.0 }.variance_of_sum(&weights);
        close(found, by_hand);
    }

    #[test]
    fn the_level_of_a_lake_is_of_the_second_order() {
        // Brockwell & Davis 1991, examples 5.1.1 and 8.5.1: beside a line an autoregression of order 2, maximum likelihood 1.008
        // and −0.295.
        let mut basis = Basis::default();
        basis.add(vec![1.0; 98]);
        basis.add((0..98).map(f64::from).collect());
        let residuals = basis.residuals(&LAKE_HURON);
        let found = Autoregression::of(&residuals, &basis).expect("98 values");
        assert_eq!(found.process.order(), 2);
        let filter = &found.process.filters[2];
        assert!((filter[0] - 1.0).abs() < 0.1 && (filter[1] + 0.3).abs() < 0.1, "{filter:?}");
        assert!(found.n_eff() > 10.0 && found.n_eff() < 40.0, "{}", found.n_eff());
    }

    #[test]
    fn the_misfit_of_published_series_is_that_of_numpy() {
        // NumPy 2.4.6, once: Yule–Walker up to order 8, conditional sums of squares of (1 − φL)(1 − L)ᵈ.
        for (values, expected) in
            [(&LAKE_HURON[..], 378.043_585_865_678_27), (&NILE[..], 1_453.262_663_907_544_3)]
        {
            let mean = crate::stats::mean(values).expect("values");
            let left: Vec<f64> = values.iter().map(|value| value - mean).collect();
            close(misfit(&left), expected);
        }
    }
}
