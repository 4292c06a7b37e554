//! What a person gets on the phone: one line, and a link below it.
//!
//! Must not decide whether to send it, and must not know where to. Reasons quote files and services, so what
//! could turn, hide or break the text is made visible first.

use crate::core::judge::show;
use crate::core::kpi::KpiId;
use crate::core::text::number::fixed;
use crate::core::verdict::Outcome;
use crate::report::text::printable_lines;

/// The longest reason that is sent, characters: a handful of messages, which still says more than anybody reads.
const LONGEST_REASON: usize = 30_000;

/// What the line contains. Numbers are unrounded; `None` is shown as `n/a`.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification<'a> {
    /// The verdict. Its published word is in brackets, its true word after them; they differ for
    /// INCONCLUSIVE and INVALID, which count as FAIL.
    pub outcome: Outcome,
    /// The KPIs of the verdict, in their order and units.
    pub kpis: &'a [(KpiId, Option<f64>)],
    /// How often oscillation, velocity and cool-down guards were active; `None` where there is nothing to tune.
    pub guards: Option<usize>,
    /// Why the data is not about a release; `None` where nothing says so.
    pub origin: Option<&'a str>,
    /// Why the verdict is what it is. `None` and an empty text leave the part out.
    pub reason: Option<&'a str>,
}

/// `Soak [FAIL] FAIL | risk=0.41 | mt=0.89 | net=3.13 | latency=305ms | guards=2`, then ` | reason: …`.
pub fn line(notification: &Notification<'_>) -> String {
    let Notification { outcome, kpis, guards, origin, reason } = notification;
    let mut line = format!("Soak [{}] {}", outcome.published(), outcome.word());
    for (kpi, value) in *kpis {
        line += " | ";
        line += &one_line(&measured(*kpi, *value));
    }
    if let Some(guards) = guards {
        line.extend([" | guards=", &guards.to_string()]);
    }
    if let Some(origin) = origin {
        line += " | ";
        line += &one_line(origin);
    }
    if let Some(reason) = reason.filter(|reason| !reason.trim().is_empty()) {
        line += " | reason: ";
        line += &one_line(reason);
    }
    line
}

/// `risk=0.41`; a KPI that the policy declares has its title and its unit: `p95_ms=42.1 ms`.
fn measured(kpi: KpiId, value: Option<f64>) -> String {
    let trading = |unit: &str, digits| value.map(|value| format!("{}{unit}", fixed(value, digits)));
    let (name, value) = match kpi.name {
        "risk_ratio" => ("risk", trading("", 2)),
        "maker_taker_ratio" => ("mt", trading("", 2)),
        "net_bps" => ("net", trading("", 2)),
        "p95_latency_ms" => ("latency", trading("ms", 0)),
        _ => (kpi.title(), value.map(|value| show(kpi, value))),
    };
    format!("{name}={}", value.as_deref().unwrap_or("n/a"))
}

/// A text that quotes others, on one line, printable, and no longer than `LONGEST_REASON`; what was left out is
/// counted.
pub fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = printable_lines(&words.join(" "));
    let left_out = line.chars().count().saturating_sub(LONGEST_REASON);
    if left_out == 0 {
        return line;
    }
    let kept: String = line.chars().take(LONGEST_REASON).collect();
    format!("{kept}… ({left_out} more characters)")
}

/// The line, and the link on a line of its own, where both services make it one that can be tapped.
pub fn with_link(reported: String, link: Option<&str>) -> String {
    match link {
        Some(link) => reported + "\n" + link,
        None => reported,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::kpi::{Kpi, KpiTable, Unit};

    const fn kpis(values: [Option<f64>; 4]) -> [(KpiId, Option<f64>); 4] {
        let [risk, maker, net, latency] = values;
        [
            (KpiId::RISK_RATIO, risk),
            (KpiId::MAKER_TAKER_RATIO, maker),
            (KpiId::NET_BPS, net),
            (KpiId::P95_LATENCY_MS, latency),
        ]
    }

    const FAILED: Notification<'_> = Notification {
        outcome: Outcome::Fail,
        kpis: &kpis([Some(0.41), Some(0.89), Some(3.13), Some(305.0)]),
        guards: Some(2),
        origin: None,
        reason: None,
    };

    #[test]
    fn the_line_reads_as_it_always_did() {
        assert_eq!(
            line(&FAILED),
            "Soak [FAIL] FAIL | risk=0.41 | mt=0.89 | net=3.13 | latency=305ms | guards=2"
        );
    }

    #[test]
    fn what_is_unknown_is_not_a_number_and_zero_is_one() {
        let unknown = Notification {
            outcome: Outcome::Warn,
            kpis: &kpis([Some(0.0), None, None, None]),
            guards: Some(0),
            origin: None,
            reason: Some("  "),
        };
        assert_eq!(
            line(&unknown),
            "Soak [WARN] WARN | risk=0.00 | mt=n/a | net=n/a | latency=n/a | guards=0"
        );
    }

    #[test]
    fn a_service_has_its_own_kpis_with_their_units_and_no_guards() {
        let mut table = KpiTable::empty();
        let latency = Kpi { unit: Unit::Milliseconds, label: Some("p95"), ..Kpi::declared(&["p95_ms"]) };
        let errors = Kpi { unit: Unit::Ratio, ..Kpi::declared(&["error_ratio"]) };
        let [latency, errors] = [latency, errors].map(|kpi| table.declare(kpi).expect("a free name"));
        let kpis = [(errors, Some(0.0008)), (latency, Some(42.13))];
        let reported = line(&Notification { kpis: &kpis, guards: None, ..FAILED });
        assert_eq!(reported, "Soak [FAIL] FAIL | error_ratio=0.00080 | p95=42 ms");
    }

    #[test]
    fn simulated_data_says_so_before_the_reason() {
        let reported = line(&Notification { origin: Some("SIMULATED: x"), reason: Some("y"), ..FAILED });
        assert!(reported.ends_with(" | guards=2 | SIMULATED: x | reason: y"), "{reported}");
    }

    #[test]
    fn the_reason_comes_last_and_on_the_same_line() {
        let reported = line(&Notification { reason: Some("risk 0.43 > 0.42\n in 3 of 8"), ..FAILED });
        assert!(reported.ends_with(" | guards=2 | reason: risk 0.43 > 0.42 in 3 of 8"), "{reported}");
    }

    #[test]
    fn what_a_reason_quotes_can_neither_steer_a_terminal_nor_turn_the_text() {
        let reported = line(&Notification { reason: Some("a\u{1b}[31mb\u{202e}c\0d"), ..FAILED });
        assert!(reported.ends_with("reason: a\u{fffd}[31mb\u{fffd}c\u{fffd}d"), "{reported}");
    }

    #[test]
    fn a_reason_without_end_is_cut_and_says_by_how_much() {
        assert_eq!(one_line(&"é".repeat(30_000)), "é".repeat(30_000));
        let cut = one_line(&"é".repeat(30_001));
        assert_eq!(cut, "é".repeat(30_000) + "… (1 more characters)");
    }

    #[test]
    fn the_link_is_on_a_line_of_its_own() {
        let link = "https://ci.example/runs/7?a=1&b=2";
        assert_eq!(with_link("told".to_owned(), Some(link)), format!("told\n{link}"));
        assert_eq!(with_link("told".to_owned(), None), "told");
    }

    #[test]
    fn a_verdict_that_counts_as_a_failure_says_what_it_really_is() {
        let reported = line(&Notification { outcome: Outcome::Inconclusive, ..FAILED });
        assert!(reported.starts_with("Soak [FAIL] INCONCLUSIVE | "), "{reported}");
    }

    #[test]
    fn numbers_are_rounded_half_to_even_on_their_exact_value() {
        // 0.125 and 0.375 are exact in binary, and so are ties; 304.5 as well.
        let kpis = kpis([Some(0.125), Some(0.375), Some(-0.001), Some(304.5)]);
        let reported = line(&Notification { kpis: &kpis, ..FAILED });
        assert!(reported.contains("risk=0.12 | mt=0.38 | net=0.00 | latency=304ms"), "{reported}");
    }
}
