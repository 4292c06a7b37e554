//! Why a verdict is what it is, in one sentence: the same in every output.

use super::{Analysis, SymbolAnalysis};
use crate::core::verdict::{Check, Outcome, Part, reasons};

/// Symbols with the same verdict that are named; more are counted.
const NAMED: usize = 3;

impl Analysis {
    /// The cause of the verdict: the symbol, the sentence of the check that decides, and which other symbols have the
    /// same verdict.
    pub fn reason(&self) -> String {
        self.reason_among(self.outcome, |_| true)
            .unwrap_or_else(|| "every gate was evaluated on enough data and holds".to_owned())
    }

    /// The same of integrity and run verdict alone.
    pub fn run_reason(&self) -> String {
        self.reason_among(self.run_outcome, is_of_the_run).unwrap_or_else(|| self.worst_by_run().run_reason())
    }

    fn reason_among(&self, outcome: Outcome, counts: impl Fn(&Check) -> bool) -> Option<String> {
        cause_among(self.checks().filter(|check| counts(check)), outcome, self.worst().symbol.as_ref())
    }
}

/// The cause that these checks give for an outcome: that of the worst symbol where it has one, and the other symbols
/// with the same; `None` when no check that joins has this outcome, or it is PASS.
pub fn cause_among<'c>(
    checks: impl IntoIterator<Item = &'c Check>,
    outcome: Outcome,
    worst: Option<&String>,
) -> Option<String> {
    let deciding: Vec<&Check> =
        reasons(checks).into_iter().filter(|check| check.outcome == outcome).collect();
    let main = deciding.iter().find(|check| check.symbol.as_ref() == worst).or(deciding.first())?;
    let cause = cause(main);
    let Some(symbol) = &main.symbol else { return Some(cause) };
    let mut others: Vec<&str> = Vec::new();
    for name in deciding.iter().filter_map(|check| check.symbol.as_deref()) {
        if name != symbol && !others.contains(&name) {
            others.push(name);
        }
    }
    let more = others.len().saturating_sub(NAMED);
    others.truncate(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let also = if others.is_empty() {
        String::new()
    } else {
        format!("; also {outcome}: {}{more}", others.join(", "))
    };
    Some(format!("{symbol}: {cause}{also}"))
}

impl SymbolAnalysis {
    /// The cause of the run verdict on the symbol, without its name.
    pub fn run_reason(&self) -> String {
        let decides = |check: &&Check| {
            check.joins
                && is_of_the_run(check)
                && check.outcome == self.run_outcome
                && check.outcome > Outcome::Pass
        };
        self.checks.iter().find(decides).map_or_else(
            || {
                format!(
                    "{} of {} iterations pass, and a freeze was seen or is not asked for",
                    self.passes.passing, self.passes.n
                )
            },
            cause,
        )
    }
}

fn is_of_the_run(check: &Check) -> bool {
    matches!(check.part, Part::Integrity | Part::RunVerdict)
}

/// What a check says, with the KPI's name where the sentence leaves it out.
fn cause(check: &Check) -> String {
    match &check.kpi {
        Some(kpi) if !check.reason.contains(kpi.as_str()) => format!("`{kpi}`: {}", check.reason),
        _ => check.reason.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::verdict::{Severity, WindowUsed};

    #[test]
    fn a_sentence_without_the_kpi_gets_its_name() {
        let named = |kpi: Option<&str>, reason: &str| {
            cause(&Check {
                part: Part::Readiness,
                gate: "g".into(),
                kpi: kpi.map(str::to_owned),
                symbol: None,
                severity: Severity::Hard,
                window: WindowUsed { name: "last8".into(), first: None, last: None, n: 0 },
                statistic: String::new(),
                comparison: None,
                limit: None,
                observed: None,
                margin: None,
                outcome: Outcome::Fail,
                reason: reason.into(),
                limit_source: None,
                joins: true,
                inference: None,
            })
        };
        assert_eq!(named(Some("net_bps"), "lower than that"), "`net_bps`: lower than that");
        assert_eq!(named(Some("net_bps"), "`net_bps` is below"), "`net_bps` is below");
        assert_eq!(named(None, "there is nothing"), "there is nothing");
    }
}
