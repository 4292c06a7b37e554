//! Simulated series with what soak says of the first KPI by itself, for other programs to judge.

use std::fmt::Write as _;

use rayon::prelude::*;

use super::methods::{self, Answer};
use super::world::{Noise, Run, Scenario};

const LENGTHS: [usize; 2] = [96, 288];

const CELLS: &[(Noise, Scenario)] = &[
    (Noise::Ar1(0.0), Scenario::Nothing),
    (Noise::Ar1(0.5), Scenario::Nothing),
    (Noise::Ar1(0.8), Scenario::Nothing),
    (Noise::Ar2, Scenario::Nothing),
    (Noise::SlowAndWhite, Scenario::Nothing),
    (Noise::LongMemory, Scenario::Nothing),
    (Noise::Garch, Scenario::Nothing),
    (Noise::GrowingSpread, Scenario::Nothing),
    (Noise::Spiky, Scenario::Nothing),
    (Noise::Cycle(2.0), Scenario::Nothing),
    (Noise::Ar1(0.0), Scenario::Step { size: 2.0, after: 0.5 }),
    (Noise::Ar1(0.5), Scenario::Step { size: 2.0, after: 0.5 }),
    (Noise::Ar1(0.0), Scenario::Drift { size: 2.0 }),
    (Noise::Ar1(0.5), Scenario::Drift { size: 2.0 }),
    (Noise::Ar1(0.0), Scenario::Alternation { size: 6.0, steps: 5 }),
    (Noise::Ar1(0.0), Scenario::Alternation { size: 3.0, steps: 2 }),
];

/// A line a series: noise, scenario, n, what soak says, values. So many series of each kind.
pub fn series(runs: usize) -> String {
    let mut out = String::from("noise,scenario,n,\"soak, change points\",\"soak, trend\",values\n");
    for (noise, scenario) in CELLS {
        for n in LENGTHS {
            let lines: Vec<String> =
                (0..runs).into_par_iter().map(|at| line(*noise, *scenario, n, at)).collect();
            out.extend(lines);
        }
    }
    out
}

fn line(noise: Noise, scenario: Scenario, n: usize, replicate: usize) -> String {
    let run = Run::new(n, noise, replicate).with(scenario);
    let word = |answer: Answer| match answer {
        Answer::Alarm => "alarm",
        Answer::Quiet => "quiet",
        Answer::Cannot => "cannot",
    };
    let mut line = format!(
        "\"{}\",{},{n},{},{},",
        noise.name(),
        scenario.name(),
        word(methods::changes_of_first(&run)),
        word(methods::drift_of_first(&run))
    );
    for (at, value) in run.kpis[0].iter().enumerate() {
        let gap = if at == 0 { "" } else { " " };
        let _ = write!(line, "{gap}{value}");
    }
    line + "\n"
}
