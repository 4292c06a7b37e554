//! How a gate holds what it sees against its limit. No number of its own.

/// What of a statistic is held against the limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Judge {
    /// The statistic itself.
    Point,
    /// The lower bound of its confidence: with this one-sided confidence the true value is not below it.
    Lower(f64),
    /// The upper bound of its confidence.
    Upper(f64),
}

/// How many single iterations must meet a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldCount {
    /// At least so many, …
    pub holds: usize,
    /// … of so many last ones.
    pub of: usize,
}
