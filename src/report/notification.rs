//! What a person gets on the phone: one line, and a link below it.
//!
//! Must not decide whether to send it, and must not know where to. Reasons quote files and services, so what
//! could turn, hide or break the text is made visible first.

use crate::core::text::number::fixed;
use crate::core::verdict::Outcome;
use crate::report::text::printable_lines;

/// The longest reason that is told, characters: a handful of messages, which still says more than anybody reads.
const LONGEST_REASON: usize = 30_000;

/// What the line tells. Numbers are unrounded; `None` is shown as `n/a`.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification<'a> {
    /// The verdict. Its published word stands in brackets, its true word behind them; they differ for
    /// INCONCLUSIVE and INVALID, which count as FAIL.
    pub outcome: Outcome,
    /// Risk ratio, 0 to 1.
    pub risk_ratio: Option<f64>,
    /// Maker share, 0 to 1.
    pub maker_taker_ratio: Option<f64>,
    /// Net edge in basis points.
    pub net_bps: Option<f64>,
    /// 95th percentile of latency in milliseconds.
    pub p95_latency_ms: Option<f64>,
    /// How often oscillation, velocity and cool-down guards spoke.
    pub guards: Option<usize>,
    /// Why the data is not about a release; `None` where nothing says so.
    pub origin: Option<&'a str>,
    /// Why the verdict is what it is. `None` and an empty text leave the part out.
    pub reason: Option<&'a str>,
}

/// `Soak [FAIL] FAIL | risk=0.41 | mt=0.89 | net=3.13 | latency=305ms | guards=2`, then ` | reason: …`.
pub fn line(notification: &Notification<'_>) -> String {
    let Notification {
        outcome,
        risk_ratio,
        maker_taker_ratio,
        net_bps,
        p95_latency_ms,
        guards,
        origin,
        reason,
    } = notification;
    let number = |value: &Option<f64>, digits, unit: &str| match value {
        Some(value) => format!("{}{unit}", fixed(*value, digits)),
        None => "n/a".to_owned(),
    };
    let mut line = format!(
        "Soak [{}] {} | risk={} | mt={} | net={} | latency={} | guards={}",
        outcome.published(),
        outcome.word(),
        number(risk_ratio, 2, ""),
        number(maker_taker_ratio, 2, ""),
        number(net_bps, 2, ""),
        number(p95_latency_ms, 0, "ms"),
        guards.map_or_else(|| "n/a".to_owned(), |count| count.to_string()),
    );
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
pub fn with_link(told: String, link: Option<&str>) -> String {
    match link {
        Some(link) => told + "\n" + link,
        None => told,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILED: Notification<'_> = Notification {
        outcome: Outcome::Fail,
        risk_ratio: Some(0.41),
        maker_taker_ratio: Some(0.89),
        net_bps: Some(3.13),
        p95_latency_ms: Some(305.0),
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
            risk_ratio: Some(0.0),
            maker_taker_ratio: None,
            net_bps: None,
            p95_latency_ms: None,
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
    fn simulated_data_says_so_before_the_reason() {
        let told = line(&Notification { origin: Some("SIMULATED: x"), reason: Some("y"), ..FAILED });
        assert!(told.ends_with(" | guards=2 | SIMULATED: x | reason: y"), "{told}");
    }

    #[test]
    fn the_reason_comes_last_and_on_the_same_line() {
        let told = line(&Notification { reason: Some("risk 0.43 > 0.42\n in 3 of 8"), ..FAILED });
        assert!(told.ends_with(" | guards=2 | reason: risk 0.43 > 0.42 in 3 of 8"), "{told}");
    }

    #[test]
    fn what_a_reason_quotes_can_neither_steer_a_terminal_nor_turn_the_text() {
        let told = line(&Notification { reason: Some("a\u{1b}[31mb\u{202e}c\0d"), ..FAILED });
        assert!(told.ends_with("reason: a\u{fffd}[31mb\u{fffd}c\u{fffd}d"), "{told}");
    }

    #[test]
    fn a_reason_without_end_is_cut_and_says_by_how_much() {
        assert_eq!(one_line(&"é".repeat(30_000)), "é".repeat(30_000));
        let cut = one_line(&"é".repeat(30_001));
        assert_eq!(cut, "é".repeat(30_000) + "… (1 more characters)");
    }

    #[test]
    fn the_link_stands_on_a_line_of_its_own() {
        let link = "https://ci.example/runs/7?a=1&b=2";
        assert_eq!(with_link("told".to_owned(), Some(link)), format!("told\n{link}"));
        assert_eq!(with_link("told".to_owned(), None), "told");
    }

    #[test]
    fn a_verdict_that_counts_as_a_failure_says_what_it_really_is() {
        let told = line(&Notification { outcome: Outcome::Inconclusive, ..FAILED });
        assert!(told.starts_with("Soak [FAIL] INCONCLUSIVE | "), "{told}");
    }

    #[test]
    fn numbers_are_rounded_half_to_even_on_their_exact_value() {
        // 0.125 and 0.375 are exact in binary, and so are ties; 304.5 as well.
        let told = line(&Notification {
            risk_ratio: Some(0.125),
            maker_taker_ratio: Some(0.375),
            net_bps: Some(-0.001),
            p95_latency_ms: Some(304.5),
            ..FAILED
        });
        assert!(told.contains("risk=0.12 | mt=0.38 | net=0.00 | latency=304ms"), "{told}");
    }
}
