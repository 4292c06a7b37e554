//! Reports for people and machines: analyses in, text or bytes out, and which artifacts they become.

pub mod notification;

pub(crate) mod analysis;
pub mod artifacts;
pub mod audit;
pub mod baselines;
pub(crate) mod ci;
pub mod compare;
pub(crate) mod deltas;
pub mod format;
pub mod gate;
pub mod history;
pub(crate) mod metrics;
pub mod selftest;
pub(crate) mod svg;

pub(crate) use format::{document, html, text};
pub use format::{exposition, json, terminal};

#[cfg(test)]
pub(crate) mod fixture {

    use std::fmt::Write as _;

    use crate::core::analysis::{Analysis, Options, analyse};
    use crate::core::iteration::Iteration;
    use crate::core::kpi::{KpiId, KpiTable};
    use crate::core::policy;
    use crate::core::policy::Policy;
    use crate::core::series::{Interner, Series};
    use crate::core::verdict::evidence::Evidence;
    use crate::core::verdict::provenance::{Override, Provenance};

    /// An iteration that passes: risk 0.3, maker 0.9, net 3.0, p95 300.
    pub fn good(number: u64) -> Iteration {
        let mut values = vec![None; KpiTable::default().columns()];
        for (kpi, value) in [
            (KpiId::RISK_RATIO, 0.3),
            (KpiId::MAKER_TAKER_RATIO, 0.9),
            (KpiId::NET_BPS, 3.0),
            (KpiId::P95_LATENCY_MS, 300.0),
        ] {
            values[kpi.index()] = Some(value);
        }
        let time = format!("2025-01-02T{:02}:{:02}:00Z", number / 60 % 24, number % 60);
        Iteration { number, time: Some(time.into()), values, ..Iteration::default() }
    }

    /// The iteration with another value of a KPI.
    pub fn with(mut iteration: Iteration, kpi: KpiId, value: Option<f64>) -> Iteration {
        iteration.values[kpi.index()] = value;
        iteration
    }

    /// The iteration with a freeze.
    pub fn frozen(mut iteration: Iteration, reason: &str) -> Iteration {
        iteration.tuning.freeze = true;
        iteration.tuning.freeze_reason = Some(reason.into());
        iteration
    }

    /// So many good iterations, the last one with a freeze: PASS.
    pub fn passing(n: u64) -> Vec<Iteration> {
        let mut iterations: Vec<Iteration> = (1..=n).map(good).collect();
        if let Some(last) = iterations.pop() {
            iterations.push(frozen(last, "two stable iterations"));
        }
        iterations
    }

    /// A folder with these iterations of one symbol.
    pub fn folder(iterations: impl IntoIterator<Item = Iteration>) -> Evidence {
        Evidence { series: vec![series(None, iterations)], ..Evidence::default() }
    }

    /// A series of these iterations.
    pub fn series(symbol: Option<&str>, iterations: impl IntoIterator<Item = Iteration>) -> Series {
        let mut series = Series::new(symbol.map(str::to_owned), KpiTable::default().columns());
        let mut interner = Interner::default();
        for iteration in iterations {
            series.push(iteration, &mut interner);
        }
        series
    }

    /// The policy in the program.
    pub fn built_in() -> Policy {
        policy::read(&[], &[]).expect("the built-in policy is fine")
    }

    /// The analysis of a folder by the built-in policy.
    pub fn analysed(evidence: Evidence) -> (Analysis, Policy) {
        let policy = built_in();
        (analyse(evidence, &policy, &Options::default(), None), policy)
    }

    /// No override, no fixed time.
    pub fn provenance() -> Provenance {
        Provenance {
            tool_version: "1.2.3".into(),
            policy_sha256: "0123456789abcdef".repeat(4),
            policy_file: None,
            overridden: None,
            fixed_time: None,
            rehearsal: false,
        }
    }

    /// Texts that must do no harm wherever they come from.
    pub fn hostile() -> String {
        let mut text =
            "</td><script>alert(1)</script> a|b `x` [l](http://h) ![i](j) \x1b[31m\r\n\n# h\n| --- |"
                .to_owned();
        while text.len() < 1_000_000 {
            text.push_str(" <img src=x onerror=y> 2.7|");
        }
        text
    }

    /// An override by somebody.
    pub fn overridden(reason: &str) -> Provenance {
        let overridden =
            Override { reason: reason.into(), by: "alice".into(), at: "2025-01-03T00:00:00Z".into() };
        Provenance { overridden: Some(overridden), ..provenance() }
    }

    /// What holds for every report, whatever is in it.
    #[track_caller]
    pub fn assert_well_formed(text: &str) {
        assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "one newline at the end");
        let mut columns: Option<usize> = None;
        let mut wrong = String::new();
        for (number, line) in (1..).zip(text.lines()) {
            let mut note = |what: &str| writeln!(wrong, "line {number} {what}: {line}").expect("a string");
            if line != line.trim_end() {
                note("ends in a space");
            }
            if line.chars().any(char::is_control) {
                note("has a control character");
            }
            if line.len() > 4000 {
                note("is too long");
            }
            let open = line.match_indices('<').map(|(at, _)| line[at + 1..].chars().next());
            if open.flatten().any(|next| !matches!(next, ' ' | '=')) {
                note("could be HTML");
            }
            let unescaped = |what: char| {
                let mut before = ' ';
                line.chars().filter(|c| std::mem::replace(&mut before, *c) != '\\' && *c == what).count()
            };
            if unescaped('`') % 2 == 1 {
                note("has an open code span");
            }
            if unescaped('[') > 0 {
                note("could be a link");
            }
            if line.starts_with('|') {
                let found = unescaped('|');
                if *columns.get_or_insert(found) != found {
                    note("has another number of cells");
                }
            } else {
                columns = None;
            }
        }
        assert!(wrong.is_empty(), "{wrong}");
    }
}
