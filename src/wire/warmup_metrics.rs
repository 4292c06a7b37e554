//! `warmup_metrics.prom`: the few lines of it that the audit tells.
//!
//! Reads the Prometheus text format line by line; lines that are not understood are left out, as is what
//! nobody asks for.

use std::collections::BTreeMap;

use crate::core::audit::WarmupMetrics;

/// Different guards that are told apart.
const MOST_GUARDS: usize = 64;

/// Names of the metric that says whether the exporter failed, the first present wins.
const EXPORTER_ERROR: [&str; 2] = ["warmup_exporter_error", "exporter_error"];

/// Reads the text of the file.
pub fn read(text: &str) -> WarmupMetrics {
    let mut errors: [Option<f64>; EXPORTER_ERROR.len()] = [None; EXPORTER_ERROR.len()];
    let mut guard_triggers = BTreeMap::new();
    for (name, labels, value) in text.lines().filter_map(sample) {
        if let Some(place) = EXPORTER_ERROR.iter().position(|known| *known == name) {
            errors[place].get_or_insert(value);
        } else if name == "guard_triggers_total"
            && let Some(guard) = label(labels, "type")
            && guard_triggers.len() < MOST_GUARDS
        {
            guard_triggers.entry(guard.chars().take(64).collect()).or_insert(value);
        }
    }
    WarmupMetrics { exporter_error: errors.into_iter().flatten().next(), guard_triggers }
}

/// Name, what stands between the braces, and value; `None` for comments and what is no finite sample.
fn sample(line: &str) -> Option<(&str, &str, f64)> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let (name, labels, rest) = if let Some((name, rest)) = line.split_once('{') {
        let (labels, rest) = rest.rsplit_once('}')?;
        (name, labels, rest)
    } else {
        let (name, rest) = line.split_once(char::is_whitespace)?;
        (name, "", rest)
    };
    let value: f64 = rest.split_whitespace().next()?.parse().ok()?;
    value.is_finite().then_some((name.trim(), labels, value))
}

/// The value of a label; escapes in it are left as they are.
fn label<'t>(labels: &'t str, name: &str) -> Option<&'t str> {
    labels.split(',').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key.trim() == name).then(|| value.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exporter_error_and_the_guards_are_read_and_the_rest_is_left_out() {
        let text = "# HELP warmup_exporter_error x\n# TYPE warmup_exporter_error gauge\nwarmup_exporter_error 1\n\
                    soak_net_bps{iteration=\"1\",phase=\"WARMUP\"} 2.5\n\
                    guard_triggers_total{type=\"velocity\"} 3\n  guard_triggers_total{a=\"b\", type=\"freeze\"} 0 1700\n\
                    guard_triggers_total 9\n";
        let metrics = read(text);
        assert_eq!(metrics.exporter_error, Some(1.0));
        let expected = BTreeMap::from([("freeze".to_owned(), 0.0), ("velocity".to_owned(), 3.0)]);
        assert_eq!(metrics.guard_triggers, expected);
    }

    #[test]
    fn another_metric_that_ends_alike_is_not_the_exporters_error() {
        assert_eq!(read("my_exporter_error 1\n").exporter_error, None);
        assert_eq!(read("exporter_error 1\nwarmup_exporter_error 0\n").exporter_error, Some(0.0));
        assert_eq!(read("exporter_error 2\n").exporter_error, Some(2.0));
    }

    #[test]
    fn damage_does_no_harm() {
        for text in ["", "{", "a{", "}", "a", "warmup_exporter_error", "warmup_exporter_error None", "\u{0}"]
        {
            assert_eq!(read(text), WarmupMetrics::default(), "{text}");
        }
        for value in ["NaN", "+Inf", "-Inf", "inf"] {
            assert_eq!(read(&format!("warmup_exporter_error {value}")).exporter_error, None);
        }
        let many: String = (0..200)
            .map(|n| format!("guard_triggers_total{{type=\"{n}\"}} 1"))
            .collect::<Vec<_>>()
            .join("\n");
        assert_eq!(read(&many).guard_triggers.len(), MOST_GUARDS);
    }
}
