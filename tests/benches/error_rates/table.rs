//! The table: which runs are simulated, how often, and how the counts are written.

use std::fmt::Write as _;

use rayon::prelude::*;

use super::methods::{Answer, METHODS, Method};
use super::world::{Run, Scenario};

/// What is simulated.
pub struct Plan<'p> {
    /// Lengths of runs.
    pub lengths: &'p [usize],
    /// Autocorrelations of neighbours.
    pub phis: &'p [f64],
    /// Runs in which nothing happens, a length and autocorrelation.
    pub nothing: usize,
    /// Runs of every other kind.
    pub something: usize,
}

impl Plan<'_> {
    /// How many runs of a length are simulated. Runs of 1000 iterations are a third as many: they take as long as
    /// all others together.
    fn runs(&self, n: usize, scenario: Scenario) -> usize {
        let runs = if scenario == Scenario::Nothing { self.nothing } else { self.something };
        if n < 1000 { runs } else { runs / 3 }
    }
}

/// The published table.
pub const WHOLE: Plan<'static> = Plan {
    lengths: &[8, STEADY_OF_24, 24, 48, 96, 200, 1000],
    phis: &[0.0, 0.3, 0.5, 0.8],
    nothing: 6000,
    something: 1200,
};

/// What a run of 24 iterations has in its steady part: how many values are compared. It is of no interest for what
/// looks at a whole run.
const STEADY_OF_24: usize = 18;

/// The first so many runs are counted by themselves, for a test that makes them again.
pub const FIRST: usize = 40;

/// Counts of a method over runs of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Key of the method.
    pub method: &'static str,
    /// What happens.
    pub scenario: Scenario,
    /// Iterations.
    pub n: usize,
    /// Autocorrelation of neighbours.
    pub phi: f64,
    /// Runs.
    pub runs: usize,
    /// Alarms among them.
    pub alarms: usize,
    /// Runs about which the method says that it cannot tell.
    pub cannot: usize,
    /// Alarms among the first [`FIRST`] runs.
    pub first_alarms: usize,
    /// The same of those about which it cannot tell.
    pub first_cannot: usize,
}

impl Row {
    fn count(&mut self, answer: Answer, replicate: usize) {
        self.runs += 1;
        let (alarm, cannot) = (usize::from(answer == Answer::Alarm), usize::from(answer == Answer::Cannot));
        self.alarms += alarm;
        self.cannot += cannot;
        if replicate < FIRST {
            self.first_alarms += alarm;
            self.first_cannot += cannot;
        }
    }

    fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.alarms += other.alarms;
        self.cannot += other.cannot;
        self.first_alarms += other.first_alarms;
        self.first_cannot += other.first_cannot;
    }
}

/// Makes the table.
pub fn rows(plan: &Plan<'_>) -> Vec<Row> {
    let cells = plan.lengths.iter().flat_map(|n| plan.phis.iter().map(|phi| (*n, *phi)));
    let mut rows: Vec<Row> = cells.flat_map(|(n, phi)| cell(plan, n, phi)).collect();
    let place = |row: &Row| METHODS.iter().position(|method| method.key == row.method);
    rows.sort_by_key(place);
    rows
}

/// All methods and scenarios at one length and autocorrelation, in the order of the methods.
fn cell(plan: &Plan<'_>, n: usize, phi: f64) -> Vec<Row> {
    let asked: Vec<(&Method, Scenario)> = METHODS
        .iter()
        .filter(|method| n != STEADY_OF_24 || method.compares)
        .flat_map(|method| {
            std::iter::once(Scenario::Nothing)
                .chain(method.scenarios.iter().copied())
                .map(move |scenario| (method, scenario))
        })
        .collect();
    let empty = || -> Vec<Row> {
        let row = |(method, scenario): &(&Method, Scenario)| Row {
            method: method.key,
            scenario: *scenario,
            n,
            phi,
            runs: 0,
            alarms: 0,
            cannot: 0,
            first_alarms: 0,
            first_cannot: 0,
        };
        asked.iter().map(row).collect()
    };
    let one = |mut rows: Vec<Row>, replicate: usize| {
        let nothing = Run::new(n, phi, replicate);
        for ((method, scenario), row) in asked.iter().zip(&mut rows) {
            if replicate < plan.runs(n, *scenario) {
                row.count((method.judge)(&nothing.with(*scenario)), replicate);
            }
        }
        rows
    };
    let most = asked.iter().map(|(_, scenario)| plan.runs(n, *scenario)).max().unwrap_or(0);
    (0..most).into_par_iter().fold(empty, one).reduce(empty, |mut all, part| {
        all.iter_mut().zip(&part).for_each(|(row, other)| row.add(other));
        all
    })
}

/// The table for programs.
pub fn csv(rows: &[Row]) -> String {
    let mut out = format!(
        "method,n,phi,scenario,runs,alarms,cannot_tell,alarms_of_first_{FIRST},cannot_tell_of_first_{FIRST}\n"
    );
    for row in rows {
        let Row { method, scenario, n, phi, runs, alarms, cannot, first_alarms, first_cannot } = row;
        let _ = writeln!(
            out,
            "{method},{n},{phi},{},{runs},{alarms},{cannot},{first_alarms},{first_cannot}",
            scenario.name()
        );
    }
    out
}

/// The table for people.
pub fn markdown(rows: &[Row]) -> String {
    let mut out = String::from(include_str!("preface.md"));
    for method in METHODS {
        let _ = write!(out, "\n## {}\n\n`{}`\n", method.title, method.key);
        for phi in WHOLE.phis {
            let of_phi: Vec<&Row> =
                rows.iter().filter(|row| row.method == method.key && row.phi == *phi).collect();
            let mut lengths: Vec<usize> = of_phi.iter().map(|row| row.n).collect();
            lengths.dedup();
            let kind = if *phi == 0.0 { "white noise".to_owned() } else { format!("AR(1), φ = {phi}") };
            let heads: Vec<String> = lengths.iter().map(|n| format!("n = {n}")).collect();
            let _ =
                write!(out, "\n| {kind} | {} |\n|---|{}\n", heads.join(" | "), "--:|".repeat(lengths.len()));
            for scenario in std::iter::once(&Scenario::Nothing).chain(method.scenarios) {
                let cells: Vec<String> =
                    of_phi.iter().filter(|row| row.scenario == *scenario).map(|row| told(row)).collect();
                let _ = writeln!(out, "| {} | {} |", scenario.name(), cells.join(" | "));
            }
        }
    }
    out
}

/// `4.2 (31)`: percent of alarms, and in brackets of those about which it cannot tell.
fn told(row: &Row) -> String {
    let percent = |count: usize| 100.0 * count as f64 / row.runs as f64;
    match row.cannot {
        0 => format!("{:.1}", percent(row.alarms)),
        all if all == row.runs => "cannot tell".to_owned(),
        some => format!("{:.1} ({:.0})", percent(row.alarms), percent(some)),
    }
}
