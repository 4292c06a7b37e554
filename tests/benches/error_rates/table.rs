//! The table: which runs are simulated, how often, and how the counts are written.

use std::fmt::Write as _;

use rayon::prelude::*;

use super::methods::{Answer, METHODS, Method};
use super::world::{Noise, Run, Scenario};

/// What is simulated: a noise at these lengths.
pub type Cells<'c> = (Noise, &'c [usize]);

/// How often.
#[derive(Clone, Copy)]
pub struct Runs {
    /// Runs in which nothing happens, a noise and length.
    pub nothing: usize,
    /// Runs of every other kind.
    pub something: usize,
}

impl Runs {
    /// Runs of a length: of long ones a fifth, which take as long as all others together.
    fn of(self, n: usize, scenario: Scenario) -> usize {
        let runs = if scenario == Scenario::Nothing { self.nothing } else { self.something };
        if n < LONG { runs } else { runs / 5 }
    }
}

/// From this length on a run is long.
const LONG: usize = 600;

/// Runs of the published table.
pub const PUBLISHED: Runs = Runs { nothing: 200, something: 80 };

/// Lengths of first-order processes.
const LENGTHS: &[usize] = &[STEADY_OF_24, 24, 48, 96, 288, 864];

/// Lengths of other noise.
const OTHER_LENGTHS: &[usize] = &[24, 48, 96, 288, 864];

/// 24, 72 and 168 hours.
const DAYS: &[usize] = &[96, 288, 672];

/// The published table.
pub const WHOLE: &[Cells<'static>] = &[
    (Noise::Ar1(0.0), LENGTHS),
    (Noise::Ar1(0.3), LENGTHS),
    (Noise::Ar1(0.5), LENGTHS),
    (Noise::Ar1(0.8), LENGTHS),
    (Noise::Ar2, OTHER_LENGTHS),
    (Noise::SlowAndWhite, OTHER_LENGTHS),
    (Noise::LongMemory, OTHER_LENGTHS),
    (Noise::Garch, OTHER_LENGTHS),
    (Noise::GrowingSpread, OTHER_LENGTHS),
    (Noise::Spiky, OTHER_LENGTHS),
    (Noise::Quantised, OTHER_LENGTHS),
    (Noise::Cycle(0.0), DAYS),
    (Noise::Cycle(1.0), DAYS),
    (Noise::Cycle(2.0), DAYS),
    (Noise::Cycle(3.0), DAYS),
];

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
    /// What the values look like when nothing happens.
    pub noise: Noise,
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
pub fn rows(cells: &[Cells<'_>], runs: Runs) -> Vec<Row> {
    let places = cells.iter().flat_map(|(noise, lengths)| lengths.iter().map(|n| (*n, *noise)));
    let mut rows: Vec<Row> = places.flat_map(|(n, noise)| cell(runs, n, noise)).collect();
    let place = |row: &Row| METHODS.iter().position(|method| method.key == row.method);
    rows.sort_by_key(place);
    rows
}

/// All methods and scenarios at one length and noise, in the order of the methods.
fn cell(runs: Runs, n: usize, noise: Noise) -> Vec<Row> {
    let cases: Vec<(&Method, Scenario)> = METHODS
        .iter()
        .filter(|method| n != STEADY_OF_24 || method.compares)
        .filter_map(|method| Some((method, method.scenarios_under(noise)?)))
        .flat_map(|(method, scenarios)| {
            std::iter::once(Scenario::Nothing)
                .chain(scenarios.iter().copied())
                .map(move |scenario| (method, scenario))
        })
        .collect();
    let empty = || -> Vec<Row> {
        let row = |(method, scenario): &(&Method, Scenario)| Row {
            method: method.key,
            scenario: *scenario,
            n,
            noise,
            runs: 0,
            alarms: 0,
            cannot: 0,
            first_alarms: 0,
            first_cannot: 0,
        };
        cases.iter().map(row).collect()
    };
    let one = |mut rows: Vec<Row>, replicate: usize| {
        let nothing = Run::new(n, noise, replicate);
        for ((method, scenario), row) in cases.iter().zip(&mut rows) {
            if replicate < runs.of(n, *scenario) {
                row.count((method.judge)(&nothing.with(*scenario)), replicate);
            }
        }
        rows
    };
    let most = cases.iter().map(|(_, scenario)| runs.of(n, *scenario)).max().unwrap_or(0);
    (0..most).into_par_iter().fold(empty, one).reduce(empty, |mut all, part| {
        all.iter_mut().zip(&part).for_each(|(row, other)| row.add(other));
        all
    })
}

/// The table for programs.
pub fn csv(rows: &[Row]) -> String {
    let mut out = format!(
        "method,n,noise,scenario,runs,alarms,cannot_tell,alarms_of_first_{FIRST},cannot_tell_of_first_{FIRST}\n"
    );
    for row in rows {
        let Row { method, scenario, n, noise, runs, alarms, cannot, first_alarms, first_cannot } = row;
        let _ = writeln!(
            out,
            "{method},{n},{},{},{runs},{alarms},{cannot},{first_alarms},{first_cannot}",
            noise.key(),
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
        for (noise, _) in WHOLE {
            let Some(scenarios) = method.scenarios_under(*noise) else { continue };
            let of_noise: Vec<&Row> =
                rows.iter().filter(|row| row.method == method.key && row.noise == *noise).collect();
            let mut lengths: Vec<usize> = of_noise.iter().map(|row| row.n).collect();
            lengths.dedup();
            let heads: Vec<String> = lengths.iter().map(|n| format!("n = {n}")).collect();
            let _ = write!(
                out,
                "\n| {} | {} |\n|---|{}\n",
                noise.name(),
                heads.join(" | "),
                "--:|".repeat(lengths.len())
            );
            for scenario in std::iter::once(&Scenario::Nothing).chain(scenarios) {
                let cells: Vec<String> =
                    of_noise.iter().filter(|row| row.scenario == *scenario).map(|row| shares(row)).collect();
                let _ = writeln!(out, "| {} | {} |", scenario.name(), cells.join(" | "));
            }
        }
    }
    out
}

/// `4.2 (31)`: percent of alarms, and in brackets of those about which it cannot tell.
fn shares(row: &Row) -> String {
    let percent = |count: usize| 100.0 * count as f64 / row.runs as f64;
    match row.cannot {
        0 => format!("{:.1}", percent(row.alarms)),
        all if all == row.runs => "cannot tell".to_owned(),
        some => format!("{:.1} ({:.0})", percent(row.alarms), percent(some)),
    }
}
