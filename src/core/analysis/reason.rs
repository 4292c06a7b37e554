//! Why a verdict is what it is, in one sentence: the same in every output.

use super::Analysis;
use crate::core::iteration::tally::Tally;
use crate::core::verdict::{Check, Outcome, reasons};

/// Symbols with the same verdict that are named; more are counted.
const NAMED: usize = 3;

impl Analysis {
    /// The cause of the verdict: the symbol, the sentence of the check that decides, and which other symbols have the
    /// same verdict.
    pub fn reason(&self) -> String {
        let worst = self.worst().symbol.as_ref();
        cause_among(self.checks(), self.outcome, worst).unwrap_or_else(|| self.holding())
    }

    /// The checks that join the verdict, counted.
    pub fn gating(&self) -> Tally {
        Tally::of(self.checks().filter(|check| check.joins))
    }

    /// The checks that do not, counted.
    pub fn advisory(&self) -> Tally {
        Tally::of(self.checks().filter(|check| !check.joins))
    }

    /// `14 gating (12 pass, 2 not applicable), 27 advisory (25 pass, 2 warn)`: every check that there is.
    pub fn headline(&self) -> String {
        let told = |tally: Tally, kind: &str| match tally.total() {
            0 => format!("0 {kind}"),
            total => format!("{total} {kind} ({})", tally.words()),
        };
        format!("{}, {}", told(self.gating(), "gating"), told(self.advisory(), "advisory"))
    }

    /// What a PASS rests on.
    fn holding(&self) -> String {
        let gating = self.gating();
        match gating.with(Outcome::NotApplicable) {
            0 => format!("all {} gating checks hold", gating.total()),
            left => {
                let verb = if left == 1 { "does" } else { "do" };
                format!(
                    "{} of {} gating checks hold, {left} {verb} not apply",
                    gating.with(Outcome::Pass),
                    gating.total()
                )
            }
        }
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
    use crate::core::verdict::{Part, Severity, WindowUsed};

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
