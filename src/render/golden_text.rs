//! The golden comparison as text: a line for each difference, and what it comes to.
//!
//! Must not compare anything itself.

use std::fmt::Write as _;

use super::markdown::printable;
use crate::wire::golden_result::{GoldenDifference, GoldenResult};

/// All that is known of the comparison.
pub fn text(result: &GoldenResult) -> String {
    let mut text = String::new();
    for difference in &result.differences {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", line(difference));
    }
    let unseen = result.differences_count - result.differences.len();
    if unseen > 0 {
        let _ = writeln!(text, "… and {unseen} more");
    }
    let looked_at = match result.ignored {
        0 => format!("{} values compared", result.compared),
        ignored => format!("{} values compared, {ignored} places left out", result.compared),
    };
    let verdict = match result.differences_count {
        0 => "no drift".to_owned(),
        1 => "drift: 1 difference".to_owned(),
        count => format!("drift: {count} differences"),
    };
    let _ = writeln!(text, "{verdict} ({looked_at})");
    text
}

fn line(difference: &GoldenDifference) -> String {
    let path = if difference.path.is_empty() { "(document)".to_owned() } else { printable(&difference.path) };
    let value = |side: &Side<'_>| side.map_or_else(String::new, |side| printable(&side.value));
    let (baseline, actual) = (difference.baseline.as_ref(), difference.actual.as_ref());
    let kind = |side: &Side<'_>| side.map_or_else(String::new, |side| side.kind.clone());
    match difference.kind.as_str() {
        "missing" => format!("{path}: missing, the baseline has {}", value(&baseline)),
        "extra" => format!("{path}: extra, the baseline does not have it: {}", value(&actual)),
        "type" => {
            format!("{path}: {} {} → {} {}", kind(&baseline), value(&baseline), kind(&actual), value(&actual))
        }
        _ => format!("{path}: {} → {}{}", value(&baseline), value(&actual), apart(difference)),
    }
}

type Side<'a> = Option<&'a crate::wire::golden_result::GoldenSide>;

/// How far two numbers are apart, and what was allowed.
fn apart(difference: &GoldenDifference) -> String {
    let Some(distance) = difference.distance else { return String::new() };
    let allowed = match (difference.abs, difference.rel) {
        (Some(abs), Some(rel)) if rel > 0.0 => format!(", allowed {} or {}·max", short(abs), short(rel)),
        (Some(abs), _) if abs > 0.0 => format!(", allowed {}", short(abs)),
        _ => String::new(),
    };
    format!(" (apart {}{allowed})", short(distance))
}

fn short(value: f64) -> String {
    if (1e-4..1e9).contains(&value) || value == 0.0 { value.to_string() } else { format!("{value:e}") }
}
