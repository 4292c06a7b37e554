//! When does what grows reach a limit? Curves of several shapes are fitted to a series and weighted by how well they
//! explain it; those that grow say when.
//!
//! Weights are those of the Bayesian information criterion (Schwarz 1978, Ann. Stat. 6:461–464) with every shape equally
//! likely beforehand, and every place of a bend as likely as another (Bayesian model averaging: Hoeting and others 1999,
//! Stat. Sci. 14:382–417). For each curve the probability that it is above the limit after a time is that of Student's t
//! (the argument of Fieller 1954, J. R. Stat. Soc. B 16:175–185); the time to the limit has the quantiles of their
//! weighted sum. So an interval is as wide as slope, bend and shape are unsure. Must not know what a value means.

use super::autocorrelation;
use super::distributions::student_t_tail;
use super::season::DAY;
use super::summary::Sum;

/// Fewest points: as many as a line needs.
pub const FEWEST: usize = super::regression::FEWEST;

/// Longer series are fitted in means of blocks.
const LONGEST: usize = 300;

/// The likelihood counts by this power, and errors by so much more: the curves are not all there are, and the
/// autocorrelation is estimated. Without both 80 % intervals hold the truth in 65 % to 90 % of
/// simulated leaks.
const CREDIT: f64 = 0.8;
const WIDER: f64 = 1.3;

/// Places that are tried for a bend or a step, and for two of them together.
const PLACES: usize = 100;
const PAIRED_PLACES: usize = 12;

/// Fewest points on either side of a bend or a step.
const SHORTEST: usize = 6;

/// Growth rates of exponential curves, and rates at which a fill approaches its level, per length of the series: the
/// first, how much larger the next is, and how many there are.
const RATES: (f64, f64, usize) = (0.8, 1.06, 52);
const APPROACHES: (f64, f64, usize) = (4.0, 1.15, 12);

/// A ramp that levels off does so in this part of the series.
const LEVELS_OFF_UNTIL: f64 = 0.8;

/// Largest autocorrelation of a series that returns to its curve.
const LARGEST_PHI: f64 = 0.95;

/// By so many standard errors the autocorrelation is raised: it is estimated from the residuals of the best of many
/// curves.
const CAUTION: f64 = 0.5;

/// Values whose neighbours around the best curve share more than all but this over the number of values are a walk: so
/// much a curve with a bend takes from the autocorrelation of one.
const WANDERS: f64 = 60.0;
const LEAST_TO_WANDER: f64 = 0.6;

/// Ends of the interval of the time to a limit: 80 %.
pub const CONFIDENCE: f64 = 0.8;

/// No further than so many lengths of the series.
const FARTHEST: f64 = 100.0;

/// What explains a series best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "GrowthShape")]
pub enum Shape {
    /// It grows steadily from the first value on.
    Line,
    /// It grows steadily from a place on.
    Bend,
    /// It grows faster and faster.
    Convex,
    /// One step; it does not go on.
    Step,
    /// It grew and levelled off.
    Saturation,
}

impl Shape {
    /// Whether it continues.
    pub fn grows(self) -> bool {
        matches!(self, Self::Line | Self::Bend | Self::Convex)
    }
}

/// When a limit is reached, in places after the last one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reach {
    /// As likely before as after it.
    pub after: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of it; `None` where that is never, or beyond a hundred lengths of the series.
    pub high: Option<f64>,
}

/// How a series that grows continues.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// What explains it best.
    pub shape: Shape,
    /// The place at which the likeliest curve bends, steps or levels off; of a line the first place.
    pub from: f64,
    /// The share of the weights that growth has against steps and saturation.
    pub growth: f64,
    /// When it reaches the limit; `None` where it does not go on, or does not get there.
    pub reach: Option<Reach>,
    /// The likeliest curve: place and value, up to the farther end of the interval and no further than twice the series.
    pub curve: Vec<(f64, f64)>,
}

/// A curve over the series, which has the length 1.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Curve {
    Line,
    /// Flat up to a place.
    Hinge(f64),
    /// Another slope from a place on.
    Bend(f64),
    /// The square of the distance from a place.
    Square(f64),
    Parabola,
    Exponential(f64),
    Step(f64),
    /// From a place up to another one, and flat from there on.
    Ramp(f64, f64),
    /// Comes near to a level.
    Approach(f64),
    /// A step, and growth from another place on.
    StepAndHinge(f64, f64),
    /// A step, and another one.
    Steps(f64, f64),
}

/// Most coefficients of a curve, the level with them.
const MOST: usize = 3;

/// Sines and cosines of a daily cycle, of 24 and 12 hours.
const HARMONICS: usize = 4;

/// Most coefficients of a curve beside a daily cycle.
const TERMS: usize = MOST + HARMONICS;

/// A value at a place of a series of length 1, and the harmonics of its time of day.
#[derive(Clone, Copy, Debug)]
struct Point {
    u: f64,
    y: f64,
    day: [f64; HARMONICS],
}

/// The harmonics of so many hours.
fn harmonics(hours: f64) -> [f64; HARMONICS] {
    let angle = 2.0 * std::f64::consts::PI * hours / DAY;
    [libm::sin(angle), libm::cos(angle), libm::sin(2.0 * angle), libm::cos(2.0 * angle)]
}

impl Curve {
    /// What the coefficients are multiplied with at a place.
    fn at(self, u: f64) -> [f64; MOST] {
        let after = |place: f64| f64::from(u8::from(u >= place));
        match self {
            Self::Line => [1.0, u, 0.0],
            Self::Hinge(place) => [1.0, (u - place).max(0.0), 0.0],
            Self::Bend(place) => [1.0, u, (u - place).max(0.0)],
            Self::Square(place) => {
                let distance = (u - place).max(0.0);
                [1.0, distance * distance, 0.0]
            }
            Self::Parabola => [1.0, u, u * u],
            Self::Exponential(rate) => [1.0, libm::exp((rate * (u - 1.0)).min(300.0)), 0.0],
            Self::Step(place) => [1.0, after(place), 0.0],
            Self::Ramp(from, to) => [1.0, u.clamp(from, to), 0.0],
            Self::Approach(rate) => [1.0, -libm::exp(-rate * u), 0.0],
            Self::StepAndHinge(step, place) => [1.0, after(step), (u - place).max(0.0)],
            Self::Steps(step, other) => [1.0, after(step), after(other)],
        }
    }

    fn coefficients(self) -> usize {
        match self {
            Self::Bend(_) | Self::Parabola | Self::StepAndHinge(..) | Self::Steps(..) => 3,
            _ => 2,
        }
    }

    fn shape(self) -> Shape {
        match self {
            Self::Line => Shape::Line,
            Self::Hinge(_) | Self::Bend(_) | Self::StepAndHinge(..) => Shape::Bend,
            Self::Square(_) | Self::Parabola | Self::Exponential(_) => Shape::Convex,
            Self::Step(_) | Self::Steps(..) => Shape::Step,
            Self::Ramp(..) | Self::Approach(_) => Shape::Saturation,
        }
    }

    /// Where it bends, steps or has levelled off.
    fn place(self) -> f64 {
        match self {
            Self::Line | Self::Parabola | Self::Exponential(_) => 0.0,
            Self::Hinge(place)
            | Self::Bend(place)
            | Self::Square(place)
            | Self::Step(place)
            | Self::Ramp(_, place)
            | Self::StepAndHinge(_, place) => place,
            Self::Steps(step, other) => step.max(other),
            // 95 % of the way.
            Self::Approach(rate) => 3.0 / rate,
        }
    }

    /// Where it bends or steps.
    fn corners(self) -> Vec<f64> {
        match self {
            Self::Line | Self::Parabola | Self::Exponential(_) | Self::Approach(_) => Vec::new(),
            Self::Hinge(place) | Self::Bend(place) | Self::Square(place) | Self::Step(place) => vec![place],
            Self::Ramp(one, other) | Self::StepAndHinge(one, other) | Self::Steps(one, other) => {
                vec![one, other]
            }
        }
    }

    /// Every curve with its share of the weight beforehand.
    fn all(n: usize) -> Vec<(Self, f64)> {
        let places = |most, first, last| Self::places(n, most, first, last);
        let bends = places(PLACES, SHORTEST, 1.0);
        let paired = places(PAIRED_PLACES, SHORTEST, 1.0);
        let mut all: Vec<(Self, f64)> = Vec::new();
        let mut group = |curves: Vec<Self>, weight: f64| {
            let each = weight / curves.len().max(1) as f64;
            all.extend(curves.into_iter().map(|curve| (curve, each)));
        };
        let of = |make: fn(f64) -> Self, places: &[f64]| places.iter().map(|at| make(*at)).collect();
        group(vec![Self::Line], 1.0);
        group(of(Self::Hinge, &bends), 1.0);
        group(of(Self::Bend, &bends), 0.5);
        group(of(Self::Square, &bends), 0.5);
        group(vec![Self::Parabola], 0.5);
        group(of(Self::Exponential, &rates(RATES)), 1.0);
        // One value on the wrong side of a step counts for much.
        group(of(Self::Step, &places(LONGEST, SHORTEST, 1.0)), 1.0);
        let fills = places(PLACES, 2, LEVELS_OFF_UNTIL);
        group(fills.iter().map(|place| Self::Ramp(0.0, *place)).collect(), 0.5);
        group(of(Self::Approach, &rates(APPROACHES)), 0.5);
        let pairs = || paired.iter().flat_map(|one| paired.iter().map(|other| (*one, *other)));
        // A step is at one place of all, whichever are tried.
        let tried = paired.len() as f64 / n as f64;
        group(pairs().map(|(step, bend)| Self::StepAndHinge(step, bend)).collect(), 0.5 * tried);
        let within = pairs().filter(|(from, to)| from < to && *to <= LEVELS_OFF_UNTIL);
        group(within.map(|(from, to)| Self::Ramp(from, to)).collect(), 0.5);
        all
    }

    /// Growth and further steps beside a step at exactly this place.
    fn after_step(step: f64, n: usize) -> Vec<(Self, f64)> {
        let bends: Vec<f64> = Self::places(n, PLACES / 2, SHORTEST, 1.0);
        let each = 0.5 / (bends.len().max(1) * n) as f64;
        let of_steps = 0.5 / (n * n) as f64;
        let others = Self::places(n, LONGEST, SHORTEST, 1.0).into_iter().filter(|other| *other != step);
        let steps = others.map(|other| (Self::Steps(step, other), of_steps));
        bends.into_iter().map(|bend| (Self::StepAndHinge(step, bend), each)).chain(steps).collect()
    }

    /// Places between two points, so that both belong to one side; with room on either side.
    fn places(n: usize, most: usize, first: usize, last: f64) -> Vec<f64> {
        let step = (n / most).max(1);
        let last = last.min((n - SHORTEST) as f64 / (n - 1) as f64);
        let all = (first..=n - SHORTEST).step_by(step).map(|at| (at as f64 - 0.5) / (n - 1) as f64);
        all.filter(|place| *place <= last).collect()
    }
}

/// Rates from a first one on, each so many times as large as the one before.
fn rates((first, ratio, count): (f64, f64, usize)) -> Vec<f64> {
    std::iter::successors(Some(first), |rate| Some(rate * ratio)).take(count).collect()
}

/// A fitted curve.
#[derive(Clone, Copy, Debug)]
struct Fitted {
    curve: Curve,
    coefficients: [f64; TERMS],
    /// Their covariances, in variances of an innovation.
    covariance: [[f64; TERMS]; TERMS],
    /// How many of the coefficients, after those of the curve, are of a daily cycle.
    cycle: usize,
    squares: f64,
    /// Logarithm of the weight.
    weight: f64,
}

impl Fitted {
    /// Generalised least squares for a first-order process, with so many harmonics of a daily cycle beside the curve.
    /// `None` where the curve has no room.
    fn of(
        curve: Curve,
        beforehand: f64,
        points: &[Point],
        cycle: usize,
        phi: f64,
        exact: f64,
    ) -> Option<Self> {
        let k = curve.coefficients() + cycle;
        let mut sums = [[0.0; TERMS]; TERMS];
        let mut with = [0.0; TERMS];
        let mut total = 0.0;
        let mut last: Option<([f64; TERMS], f64)> = None;
        let first = (1.0 - phi * phi).sqrt();
        for point in points {
            let (row, y) = (terms(curve, cycle, point), point.y);
            let (white, value) = match last {
                Some((before, value)) => {
                    (std::array::from_fn(|at| row[at] - phi * before[at]), y - phi * value)
                }
                None => (row.map(|term| first * term), first * y),
            };
            for i in 0..k {
                for j in 0..=i {
                    sums[i][j] += white[i] * white[j];
                }
                with[i] += white[i] * value;
            }
            total += value * value;
            last = Some((row, y));
        }
        let covariance = inverse(&sums, k)?;
        let coefficients = times(&covariance, &with);
        let explained: f64 = coefficients.iter().zip(&with).map(|(one, other)| one * other).sum();
        let n = points.len() as f64;
        // What rounding leaves of a perfect fit is no noise.
        let squares = (total - explained).max(exact);
        let fit = CREDIT * n * libm::log(squares) + k as f64 * libm::log(n);
        let weight = libm::log(beforehand) - 0.5 * fit;
        weight.is_finite().then_some(Self { curve, coefficients, covariance, cycle, squares, weight })
    }

    fn value(&self, u: f64) -> f64 {
        self.curve.at(u).iter().zip(&self.coefficients).map(|(term, size)| term * size).sum()
    }

    /// The probability that the curve is at `limit` or above it at a place.
    fn is_above(&self, u: f64, limit: f64, n: usize, exact: f64) -> f64 {
        let df = (n - self.curve.coefficients() - self.cycle) as f64;
        let row = terms(self.curve, 0, &Point { u, y: 0.0, day: [0.0; HARMONICS] });
        let spread: f64 =
            times(&self.covariance, &row).iter().zip(&row).map(|(one, other)| one * other).sum();
        let error =
            if self.squares <= exact { 0.0 } else { WIDER * (spread.max(0.0) * self.squares / df).sqrt() };
        let room = limit - self.value(u);
        if error == 0.0 || !error.is_finite() {
            return f64::from(u8::from(room <= 0.0));
        }
        student_t_tail(room / error, df).unwrap_or(0.5)
    }

    /// Residuals of the values themselves.
    fn residuals(&self, points: &[Point]) -> Vec<f64> {
        let one = |point: &Point| {
            let row = terms(self.curve, self.cycle, point);
            point.y - row.iter().zip(&self.coefficients).map(|(term, size)| term * size).sum::<f64>()
        };
        points.iter().map(one).collect()
    }
}

impl Weighed for Fitted {
    fn weight(&self) -> f64 {
        self.weight
    }

    /// What has stopped growing is no growth.
    fn shape(&self) -> Shape {
        let shape = self.curve.shape();
        let stopped = self.value(1.0) <= self.value(1.0 - STEP);
        if shape.grows() && stopped { Shape::Saturation } else { shape }
    }
}

/// What the coefficients of a curve and of a cycle beside it are multiplied with.
fn terms(curve: Curve, cycle: usize, point: &Point) -> [f64; TERMS] {
    let k = curve.coefficients();
    let mut row = [0.0; TERMS];
    row[..k].copy_from_slice(&curve.at(point.u)[..k]);
    row[k..k + cycle].copy_from_slice(&point.day[..cycle]);
    row
}

fn times(matrix: &[[f64; TERMS]; TERMS], vector: &[f64; TERMS]) -> [f64; TERMS] {
    std::array::from_fn(|row| matrix[row].iter().zip(vector).map(|(one, other)| one * other).sum())
}

/// The inverse of the first k rows and columns of a symmetric positive matrix, given by its lower half, by Gauss and
/// Jordan. `None` where it has none.
fn inverse(lower: &[[f64; TERMS]; TERMS], k: usize) -> Option<[[f64; TERMS]; TERMS]> {
    let mut left: [[f64; TERMS]; TERMS] =
        std::array::from_fn(|i| std::array::from_fn(|j| if j <= i { lower[i][j] } else { lower[j][i] }));
    let scale: [f64; TERMS] = std::array::from_fn(|i| left[i][i]);
    let mut right = [[0.0; TERMS]; TERMS];
    for (i, row) in right.iter_mut().enumerate().take(k) {
        row[i] = 1.0;
    }
    for pivot in 0..k {
        let size = left[pivot][pivot];
        if size <= SINGULAR * scale[pivot] || !size.is_finite() {
            return None;
        }
        for column in 0..k {
            left[pivot][column] /= size;
            right[pivot][column] /= size;
        }
        for row in (0..k).filter(|row| *row != pivot) {
            let by = left[row][pivot];
            for column in 0..k {
                left[row][column] -= by * left[pivot][column];
                right[row][column] -= by * right[pivot][column];
            }
        }
    }
    Some(right)
}

/// So far before the end of a series of length 1 growth is looked at.
const STEP: f64 = 1e-3;

/// A pivot that is a smaller share of its diagonal is rounding.
const SINGULAR: f64 = 1e-10;

/// Squares that are a smaller share of the total are rounding.
const ROUNDING: f64 = 1e-14;

impl Forecast {
    /// The forecast of points (place, value), ordered by place, that rise, and of the time until they reach a limit. With `wanders` they
    /// may be a walk with a drift: where they do not return to any curve, their increments are forecast.
    ///
    /// `hours` are the times of values that may have a daily cycle, whose harmonics are fitted beside each curve; empty
    /// where they have none.
    ///
    /// `None` with fewer than 16 points, where all values are the same, or where a number would not be finite.
    pub fn of(points: &[(f64, f64)], hours: &[f64], limit: Option<f64>, wanders: bool) -> Option<Self> {
        if points.len() < FEWEST {
            return None;
        }
        let cycle = if hours.len() == points.len() { HARMONICS } else { 0 };
        let blocks = in_blocks(points, hours);
        let n = blocks.len();
        let (start, end) = (points.first()?.0, points.last()?.0);
        let length = end - start;
        let mean = Sum::of(blocks.iter().map(|point| point.y)).divided_by(n);
        let scaled = blocks.into_iter().map(|point| Point {
            u: (point.u - start) / length,
            y: point.y - mean,
            ..point
        });
        let scaled: Vec<Point> = scaled.collect();
        let total = Sum::of(scaled.iter().map(|point| point.y * point.y)).total();
        if !(length > 0.0 && total > 0.0 && total.is_finite()) {
            return None;
        }
        let exact = ROUNDING * total;
        let fit = |curves: &[(Curve, f64)], phi: f64| -> Vec<Fitted> {
            let one = |(curve, beforehand): &(Curve, f64)| {
                Fitted::of(*curve, *beforehand, &scaled, cycle, phi, exact)
            };
            curves.iter().filter_map(one).collect()
        };
        let mut curves = Curve::all(n);
        let plain = fit(&curves, 0.0);
        let of_steps = plain.iter().filter(|fit| matches!(fit.curve, Curve::Step(_)));
        if let Some(Fitted { curve: Curve::Step(step), .. }) = best(of_steps) {
            curves.extend(Curve::after_step(*step, n));
        }
        let r1 = autocorrelation::lag1_of_residuals(&best(&plain)?.residuals(&scaled)).unwrap_or(0.0);
        if wanders && r1 > (1.0 - WANDERS / n as f64).max(LEAST_TO_WANDER) {
            return walk(points, limit);
        }
        let phi = autocorrelation::phi_around_line(r1, n)?;
        let phi = (phi + CAUTION * autocorrelation::standard_error(phi, n)).min(LARGEST_PHI);
        let fits = fit(&curves, if best(&plain)?.squares <= exact { 0.0 } else { phi });
        let (growth, kept) = decided(&fits);
        let likeliest = best(&kept)?;
        let reach = limit.filter(|_| growth >= 0.5).and_then(|limit| {
            let above = |fit: &Fitted, after: f64| fit.is_above(1.0 + after, limit - mean, n, exact);
            Reach::of(length, |after| weighted(&kept, |fit| above(fit, after)))
        });
        let until = reach.map_or(0.0, |reach| reach.high.unwrap_or(reach.after) / length).min(1.0);
        let mut places: Vec<f64> =
            (0..=CURVE).map(|at| (1.0 + until) * f64::from(at) / f64::from(CURVE)).collect();
        // A step is upright, and a bend is where it is.
        places.extend(
            likeliest.curve.corners().into_iter().flat_map(|place| [place * (1.0 - STEP * STEP), place]),
        );
        places.sort_by(f64::total_cmp);
        let curve = places.iter().map(|u| (start + u * length, mean + likeliest.value(*u)));
        Some(Self {
            shape: likeliest.shape(),
            from: start + likeliest.curve.place() * length,
            growth,
            reach,
            curve: curve.collect(),
        })
    }
}

/// What has a weight and a shape.
trait Weighed {
    fn weight(&self) -> f64;
    fn shape(&self) -> Shape;
}

fn best<'f, T: Weighed + 'f>(fits: impl IntoIterator<Item = &'f T>) -> Option<&'f T> {
    fits.into_iter().max_by(|one, other| one.weight().total_cmp(&other.weight()))
}

/// The share of growth in all weights, and the fits of what has most: of growth, else of steps or of what levels off.
fn decided<T: Weighed + Copy>(fits: &[T]) -> (f64, Vec<T>) {
    let top = best(fits).map_or(0.0, Weighed::weight);
    let sum = |holds: &dyn Fn(Shape) -> bool| -> f64 {
        fits.iter().filter(|fit| holds(fit.shape())).map(|fit| libm::exp(fit.weight() - top)).sum()
    };
    let growth = sum(&Shape::grows) / sum(&|_| true);
    let steps = sum(&|shape| shape == Shape::Step) >= sum(&|shape| shape == Shape::Saturation);
    let is_wanted = |shape: Shape| {
        if growth >= 0.5 {
            shape.grows()
        } else {
            shape == if steps { Shape::Step } else { Shape::Saturation }
        }
    };
    let mut kept: Vec<T> = fits.iter().filter(|fit| is_wanted(fit.shape())).copied().collect();
    let top = best(&kept).map_or(0.0, Weighed::weight);
    kept.retain(|fit| fit.weight() > top - NEGLIGIBLE);
    (growth, kept)
}

/// A mean over fits by their weights.
fn weighted<T: Weighed>(fits: &[T], of: impl Fn(&T) -> f64) -> f64 {
    let top = best(fits).map_or(0.0, Weighed::weight);
    let share = |fit: &T| libm::exp(fit.weight() - top);
    fits.iter().map(|fit| share(fit) * of(fit)).sum::<f64>() / fits.iter().map(share).sum::<f64>()
}

/// Curves that are so much less likely than the likeliest one, in logarithms, say nothing.
const NEGLIGIBLE: f64 = 9.0;

/// Pieces of the curve that is shown.
const CURVE: u32 = 64;

impl Reach {
    /// The quantiles of the time after which the limit is `reached` with a probability; times in lengths of the series.
    /// `None` where that is never as likely as not.
    fn of(length: f64, reached: impl Fn(f64) -> f64) -> Option<Self> {
        let quantile = |share: f64| -> Option<f64> {
            if reached(0.0) >= share {
                return Some(0.0);
            }
            let mut high = NEAREST;
            while reached(high) < share {
                high *= 2.0;
                if high > FARTHEST {
                    return None;
                }
            }
            let mut low = if high > NEAREST { high / 2.0 } else { 0.0 };
            for _ in 0..BISECTIONS {
                let middle = f64::midpoint(low, high);
                if reached(middle) < share { low = middle } else { high = middle }
            }
            Some(high * length)
        };
        let below = 0.5 - 0.5 * CONFIDENCE;
        Some(Self { after: quantile(0.5)?, low: quantile(below)?, high: quantile(1.0 - below) })
    }
}

/// Quantiles are bracketed from here on, and so often halved.
const NEAREST: f64 = 0.125;
const BISECTIONS: usize = 40;

/// How a walk grows.
#[derive(Clone, Copy, Debug)]
enum Rate {
    /// By the same on average.
    Steady,
    /// By another mean from an increment on.
    From(usize),
    /// By more and more.
    Rising,
    /// Steadily but for one increment.
    Jump(usize),
    /// By less and less.
    Fading,
}

/// A fitted walk. Rates are per place.
#[derive(Clone, Copy, Debug)]
struct Walk {
    rate: Rate,
    weight: f64,
    /// Mean rate of the increments that go on, and how many there are.
    mean: f64,
    n: f64,
    /// How much the rate rises with each place, and the variance of that in variances of a rate.
    rise: (f64, f64),
    /// Variance of a rate.
    variance: f64,
}

impl Weighed for Walk {
    fn weight(&self) -> f64 {
        self.weight
    }

    fn shape(&self) -> Shape {
        match self.rate {
            Rate::Fading => Shape::Saturation,
            _ if self.mean <= 0.0 => Shape::Saturation,
            Rate::Steady => Shape::Line,
            Rate::Rising => Shape::Convex,
            Rate::From(_) | Rate::Jump(_) => Shape::Bend,
        }
    }
}

/// Every way in which a walk with these increments may grow; they are rates per place, of `each` places.
fn walks(increments: &[f64], each: f64) -> Option<Vec<Walk>> {
    let n = increments.len();
    let size = n as f64;
    let mean = Sum::of(increments.iter().copied()).divided_by(n);
    let total = Sum::of(increments.iter().map(|rate| (rate - mean) * (rate - mean))).total();
    if !total.is_finite() {
        return None;
    }
    let exact = ROUNDING * (total + size * mean * mean);
    let weight = |squares: f64, k: f64, beforehand: f64| {
        libm::log(beforehand) - 0.5 * (size * libm::log(squares.max(exact)) + k * libm::log(size))
    };
    let steady = Walk {
        rate: Rate::Steady,
        weight: weight(total, 1.0, 1.0),
        mean,
        n: size,
        rise: (0.0, 0.0),
        variance: total / (size - 1.0),
    };
    let (mut sum, mut squares) = (0.0, 0.0);
    let mut walks = vec![steady];
    let places = n - 2 * SHORTEST + 1;
    for (at, rate) in increments.iter().enumerate() {
        let (before, rest) = (at as f64, size - at as f64);
        let off = rate - mean;
        if (SHORTEST..=n - SHORTEST).contains(&at) {
            let (left, right) = (sum / before, -sum / rest);
            let around = total - before * left * left - rest * right * right;
            let after = (total - squares) - rest * right * right;
            walks.push(Walk {
                rate: Rate::From(at),
                weight: weight(around, 2.0, 1.0 / places as f64),
                mean: mean + right,
                n: rest,
                variance: after.max(0.0) / (rest - 1.0),
                ..steady
            });
        }
        let without = total - off * off * size / (size - 1.0);
        walks.push(Walk {
            rate: Rate::Jump(at),
            weight: weight(without, 2.0, 1.0 / size),
            mean: mean - off / (size - 1.0),
            n: size - 1.0,
            variance: without.max(0.0) / (size - 2.0),
            ..steady
        });
        sum += off;
        squares += off * off;
    }
    let centre = (size - 1.0) / 2.0;
    let width = size * (size * size - 1.0) / 12.0;
    let off_centre = increments.iter().enumerate().map(|(at, rate)| (at as f64 - centre) * (rate - mean));
    let shared = Sum::of(off_centre).total();
    if shared > 0.0 {
        let around = total - shared * shared / width;
        walks.push(Walk {
            rate: Rate::Rising,
            weight: weight(around, 2.0, 1.0),
            rise: (shared / width / each, 1.0 / (width * each * each)),
            variance: around / (size - 2.0),
            ..steady
        });
    }
    let fades = rates(APPROACHES);
    for rate in &fades {
        let shape = |at: usize| libm::exp(-rate * at as f64 / size);
        let shared = Sum::of(increments.iter().enumerate().map(|(at, by)| by * shape(at))).total();
        let width = Sum::of((0..n).map(|at| shape(at) * shape(at))).total();
        let around = total + size * mean * mean - shared * shared / width;
        walks.push(Walk {
            rate: Rate::Fading,
            weight: weight(around, 1.0, 1.0 / fades.len() as f64),
            ..steady
        });
    }
    Some(walks)
}

/// The forecast of a walk with a drift: its last value, and the mean of its increments since they changed. The limit is
/// reached where both together are above it, with what the increments vary by until then.
fn walk(points: &[(f64, f64)], limit: Option<f64>) -> Option<Forecast> {
    let block = points.len().div_ceil(LONGEST);
    let offset = (points.len() - 1) % block;
    let ends: Vec<(f64, f64)> = points.iter().skip(offset).step_by(block).copied().collect();
    let ((start, _), (last_place, last)) = (*ends.first()?, *ends.last()?);
    let n = ends.len() - 1;
    let length = last_place - start;
    let each = length / n as f64;
    let increments = ends.windows(2).map(|pair| (pair[1].1 - pair[0].1) / (pair[1].0 - pair[0].0));
    let increments: Vec<f64> = increments.collect();
    let walks = walks(&increments, each)?;
    // What neighbouring increments share adds to the variance of their sums.
    let off: Vec<f64> = increments.iter().map(|rate| rate - walks[0].mean).collect();
    let phi = autocorrelation::phi_around_mean(autocorrelation::lag1_of_residuals(&off).unwrap_or(0.0), n)?;
    let likeness = (1.0 + phi) / (1.0 - phi);
    let (growth, kept) = decided(&walks);
    let likeliest = best(&kept)?;
    let half = length / 2.0;
    let grown = |walk: &Walk, after: f64| walk.mean * after + walk.rise.0 * after * (half + after / 2.0);
    let reached = |limit: f64, lengths: f64| {
        let after = lengths * length;
        weighted(&kept, |walk| {
            let lever = after * (half + after / 2.0);
            let of_rate = after * after / walk.n + lever * lever * walk.rise.1;
            let error = (walk.variance * likeness * (of_rate + after * each)).sqrt();
            let room = limit - last - grown(walk, after);
            if error == 0.0 {
                return f64::from(u8::from(room <= 0.0));
            }
            student_t_tail(room / error, (walk.n - 1.0).max(1.0)).unwrap_or(0.5)
        })
    };
    let reach = limit.filter(|_| growth >= 0.5);
    let reach = reach.and_then(|limit| Reach::of(length, |lengths| reached(limit, lengths)));
    // One increment and next to no growth beside it is a step.
    let is_idle = likeliest.mean <= 2.0 * (likeliest.variance * likeness / likeliest.n).sqrt();
    let is_step = matches!(likeliest.rate, Rate::Jump(_)) && is_idle;
    let (shape, reach) = if is_step { (Shape::Step, None) } else { (likeliest.shape(), reach) };
    let bend = match likeliest.rate {
        Rate::From(at) | Rate::Jump(at) => at,
        Rate::Steady | Rate::Rising | Rate::Fading => 0,
    };
    let until = reach.map_or(0.0, |reach| reach.high.unwrap_or(reach.after)).min(length);
    let ahead = (0..=CURVE).map(|at| until * f64::from(at) / f64::from(CURVE));
    let mut curve = vec![ends[0]];
    curve.extend((bend > 0).then(|| ends[bend]));
    if matches!(likeliest.rate, Rate::Jump(_)) {
        curve.extend(ends.get(bend + 1));
    }
    curve.extend(ahead.map(|after| (last_place + after, last + grown(likeliest, after))));
    Some(Forecast { shape, from: ends[bend].0, growth, reach, curve })
}

/// Means of neighbours, so that at most [`LONGEST`] points are left; with the harmonics of their hours where these are
/// known. Places are those of the series.
fn in_blocks(points: &[(f64, f64)], hours: &[f64]) -> Vec<Point> {
    let block = points.len().div_ceil(LONGEST);
    let mean = |values: &mut dyn Iterator<Item = f64>, n: usize| Sum::of(values).divided_by(n);
    let of = |(at, part): (usize, &[(f64, f64)])| {
        let n = part.len();
        let known = hours.get(at * block..at * block + n).unwrap_or_default();
        let each: Vec<[f64; HARMONICS]> = known.iter().map(|hour| harmonics(*hour)).collect();
        Point {
            u: mean(&mut part.iter().map(|(x, _)| *x), n),
            y: mean(&mut part.iter().map(|(_, y)| *y), n),
            day: std::array::from_fn(|which| mean(&mut each.iter().map(|of| of[which]), n)),
        }
    };
    points.chunks(block).enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::super::reference::{LAKE_HURON, NEW_YORK, NILE};
    use super::*;

    #[track_caller]
    fn close(actual: f64, expected: f64) {
        assert!((actual - expected).abs() <= 1e-8 * expected.abs(), "{actual} is not {expected}");
    }

    /// Values over a series of length 1.
    fn over_one(values: &[f64]) -> Vec<Point> {
        let last = (values.len() - 1) as f64;
        let one = |(at, y): (usize, &f64)| Point { u: at as f64 / last, y: *y, day: [0.0; HARMONICS] };
        values.iter().enumerate().map(one).collect()
    }

    /// Waves of ±0.3 that do not repeat soon.
    fn wave(at: u32) -> f64 {
        f64::from((at.wrapping_mul(2_654_435_761) >> 16) % 61) / 100.0 - 0.3
    }

    /// So many values on a level with waves.
    fn series(n: u32, level: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        (0..n).map(|at| (f64::from(at), level(f64::from(at)) + wave(at))).collect()
    }

    fn forecast(points: &[(f64, f64)], limit: f64) -> Forecast {
        Forecast::of(points, &[], Some(limit), false).expect("enough values")
    }

    #[test]
    fn curves_agree_with_generalised_least_squares_of_numpy() {
        // NumPy 2.4.6 with the inverse of the matrix φ^|i − j| ÷ (1 − φ²): coefficients, Σ of squared innovations, two
        // variances of coefficients, and the curve at one and a half lengths with SciPy's `t.sf(1/1.3, n − k)` there.
        for (values, curve, phi, coefficients, squares, covariance, (ahead, error, tail)) in [
            (
                &NILE[..],
                Curve::Line,
                0.3,
                [1_055.205_089_399_543_8, -271.529_158_969_060_3, 0.0],
                1_920_859.682_791_082_2,
                (0.078_729_919_087_873_76, 0.233_980_785_214_304_13),
                (647.911_350_945_953_4, 70.588_800_645_191_77, 0.221_803_178_090_601_52),
            ),
            (
                &LAKE_HURON[..],
                Curve::Bend(0.4),
                0.7,
                [580.971_076_201_705_7, -6.246_337_475_533_863, 6.478_922_595_387_928],
                47.586_007_709_919_58,
                (0.761_204_100_544_530_6, 9.502_885_424_992_115),
                (578.728_384_843_331_6, 1.180_547_887_898_874_7, 0.221_832_325_711_677_5),
            ),
            (
                &NEW_YORK[..],
                Curve::Parabola,
                0.5,
                [59.934_363_892_631_765, 84.121_872_385_096_81, -72.042_029_132_586_18],
                4_252.460_942_828_696,
                (0.215_033_633_380_763_98, 4.594_695_394_498_782),
                (24.022_606_921_958_044, 10.526_760_915_757_764, 0.221_482_946_252_089_2),
            ),
        ] {
            let fit = Fitted::of(curve, 1.0, &over_one(values), 0, phi, 0.0).expect("enough values");
            for (actual, expected) in fit.coefficients.iter().zip(coefficients) {
                close(*actual, expected);
            }
            assert!((fit.squares / squares - 1.0).abs() < 1e-4, "{} is not {squares}", fit.squares);
            close(fit.covariance[0][0], covariance.0);
            close(fit.covariance[1][1], covariance.1);
            close(fit.value(1.5), ahead);
            let above = fit.is_above(1.5, ahead + error, values.len(), 0.0);
            assert!((above - tail).abs() < 1e-4, "{above} is not {tail}");
        }
    }

    #[test]
    fn a_leak_reaches_its_limit_when_it_does_whatever_its_shape_is() {
        // Ten more than the last level: after 60 of 288 from the start 0.05 each, from 60 % on 0.2 each; and the square.
        type Level = fn(f64) -> f64;
        let cases: [(&str, Level, f64, Shape); 3] = [
            ("line", |at| 0.05 * at, 200.0, Shape::Line),
            ("bend", |at| 0.2 * (at - 172.0).max(0.0), 50.0, Shape::Bend),
            ("square", |at| at * at / 4000.0, 62.9, Shape::Convex),
        ];
        for (name, level, truth, shape) in cases {
            let found = forecast(&series(288, level), level(287.0) + 10.0);
            let reach = found.reach.expect("it grows");
            let high = reach.high.expect("it gets there");
            assert_eq!(found.shape, shape, "{name}: {found:?}");
            // So little noise leaves intervals of one iteration.
            assert!(reach.low <= truth + 1.0 && truth <= high + 1.0, "{name}: {truth} not in {reach:?}");
            assert!((reach.after / truth - 1.0).abs() < 0.05, "{name}: {reach:?}");
        }
        let late = forecast(&series(288, |at| 0.2 * (at - 172.0).max(0.0)), 40.0);
        assert!((late.from - 172.0).abs() < 6.0, "{}", late.from);
    }

    #[test]
    fn a_step_and_what_levels_off_have_no_time_to_a_limit() {
        type Level = fn(f64) -> f64;
        let cases: [(Level, Shape, f64); 6] = [
            (|at| if at < 140.0 { 0.0 } else { 3.0 }, Shape::Step, 140.0),
            (|at| if at < 230.0 { 0.0 } else { 3.0 }, Shape::Step, 230.0),
            (|at| if (60.0..230.0).contains(&at) { 0.0 } else { 3.0 }, Shape::Step, 230.0),
            (|at| 3.0 - 3.0 * libm::exp(-at / 50.0), Shape::Saturation, 150.0),
            (|at| at.min(170.0) / 50.0, Shape::Saturation, 170.0),
            (|at| (at - 80.0).clamp(0.0, 90.0) / 30.0, Shape::Saturation, 170.0),
        ];
        for (level, shape, from) in cases {
            let found = forecast(&series(288, level), 6.0);
            assert_eq!((found.shape, found.reach), (shape, None), "{found:?}");
            assert!((found.from - from).abs() < 30.0 && found.growth < 0.5, "{found:?}");
        }
    }

    #[test]
    fn a_step_before_a_leak_is_no_part_of_it() {
        let level = |at: f64| if at < 60.0 { 8.0 } else { 0.05 * (at - 150.0).max(0.0) };
        let found = forecast(&series(288, level), 12.0);
        let reach = found.reach.expect("it grows");
        assert!(reach.low < 103.0 && reach.high.is_some_and(|high| high > 103.0), "{found:?}");
    }

    #[test]
    fn a_daily_cycle_is_taken_out_of_a_leak() {
        // Three days at 15 minutes: ±3 in a day, and 0.02 more in each interval; 4 more are 200 intervals away.
        let hours: Vec<f64> = (0..288).map(|at| 0.25 * f64::from(at)).collect();
        let day = |at: f64| 3.0 * libm::sin(2.0 * std::f64::consts::PI * at / 96.0 + 1.0);
        let leak = series(288, |at| 0.02 * at + day(at));
        let limit = 0.02 * 287.0 + 4.0;
        let found = Forecast::of(&leak, &hours, Some(limit), false).expect("values");
        let reach = found.reach.expect("it grows");
        assert_eq!(found.shape, Shape::Line);
        assert!((reach.after - 200.0).abs() < 10.0, "{reach:?}");
        let blind = forecast(&leak, limit);
        assert!(blind.reach.is_none_or(|reach| (reach.after - 200.0).abs() > 20.0), "{blind:?}");
        // The curve is that of the level, without the cycle.
        let ends: Vec<f64> =
            found.curve.iter().filter(|(at, _)| *at <= 287.0).map(|(_, value)| *value).collect();
        assert!((ends[0] - 0.0).abs() < 0.2 && ends.windows(2).all(|pair| pair[1] >= pair[0]), "{ends:?}");
    }

    #[test]
    fn a_step_is_drawn_upright() {
        let found = forecast(&series(288, |at| if at < 140.0 { 0.0 } else { 3.0 }), 6.0);
        let rise = found.curve.windows(2).find(|pair| pair[1].1 - pair[0].1 > 1.0).expect("a step");
        assert!(rise[1].0 - rise[0].0 < 0.01, "{rise:?}");
    }

    #[test]
    fn a_walk_goes_on_from_its_last_value_by_its_last_rate() {
        let sums = |rate: &dyn Fn(u32) -> f64| -> Vec<(f64, f64)> {
            let values = (0..288u32).scan(0.0, |value, at| {
                *value += rate(at) * (1.0 + 3.0 * wave(at));
                Some((f64::from(at), *value))
            });
            values.collect()
        };
        let steady = sums(&|_| 2.0);
        let last = steady[287].1;
        let found = Forecast::of(&steady, &[], Some(last + 200.0), true).expect("values");
        let reach = found.reach.expect("it grows");
        assert!(reach.low < 100.0 && reach.high.is_some_and(|high| high > 100.0), "{found:?}");
        // Twice as fast from 200 on.
        let faster = sums(&|at| if at < 200 { 2.0 } else { 4.0 });
        let found = Forecast::of(&faster, &[], Some(faster[287].1 + 200.0), true).expect("values");
        assert!(found.reach.is_some_and(|reach| (40.0..60.0).contains(&reach.after)), "{found:?}");
        let fades = sums(&|at| 5.0 * libm::exp(-f64::from(at) / 30.0));
        let found = Forecast::of(&fades, &[], Some(fades[287].1 + 200.0), true).expect("values");
        assert_eq!((found.shape, found.reach), (Shape::Saturation, None));
    }

    #[test]
    fn an_exact_line_is_certain_and_a_constant_has_no_forecast() {
        let line: Vec<(f64, f64)> = (0..60).map(|at| (f64::from(at), 3.0 + 0.5 * f64::from(at))).collect();
        let reach = forecast(&line, 40.0).reach.expect("it grows");
        // 32.5 at 59: fifteen more.
        for time in [reach.after, reach.low, reach.high.expect("certain")] {
            assert!((time - 15.0).abs() < 1e-3, "{reach:?}");
        }
        assert_eq!(forecast(&line, 30.0).reach.map(|reach| reach.after), Some(0.0), "out of it already");
        let flat: Vec<(f64, f64)> = (0..60).map(|at| (f64::from(at), 3.0)).collect();
        assert_eq!(Forecast::of(&flat, &[], Some(9.0), false), None);
        assert_eq!(Forecast::of(&line[..15], &[], Some(90.0), false), None);
        assert_eq!(Forecast::of(&line, &[], None, false).expect("values").reach, None);
    }

    #[test]
    fn long_series_are_fitted_in_blocks_with_the_same_answer() {
        let found = forecast(&series(6000, |at| 0.01 * (at - 3600.0).max(0.0)), 34.0);
        let reach = found.reach.expect("it grows");
        assert!((reach.after / 1001.0 - 1.0).abs() < 0.02, "{found:?}");
        assert!(found.curve.len() < 100);
    }
}
