//! `soak config show`: every value in force, with the place it comes from.

use serde_json::{Value, json};

use crate::cli::setup::config_show::ConfigShow;
use crate::core::policy::Policy;
use crate::report::terminal::{padded, width};
use crate::report::text::printable;
use crate::run::start::Start;

/// One line a value, `key = value  # origin`, in columns. Up to the comments it is a policy in dotted keys.
pub fn show_text(policy: &Policy) -> String {
    let lines: Vec<(String, &str)> = policy
        .effective
        .iter()
        .map(|entry| (format!("{} = {}", entry.key, entry.value), entry.origin.as_str()))
        .collect();
    let widest = lines.iter().map(|(line, _)| width(line)).max().unwrap_or(0);
    lines
        .iter()
        .fold(String::new(), |text, (line, origin)| text + &format!("{}  # {origin}\n", padded(line, widest)))
}

/// The start values, one comment line each, so that the whole stays a policy.
pub fn start_text(policy: &Policy, start: &Start) -> String {
    let lines: Vec<(String, String)> = start
        .values
        .iter()
        .map(|value| {
            let unit = policy.run.parameters.get(&value.param).map_or("", |parameter| &parameter.unit);
            (format!("{} = {} {unit}", value.param, value.value), printable(&value.origin.to_string()))
        })
        .collect();
    let widest = lines.iter().map(|(line, _)| width(line)).max().unwrap_or(0);
    let head = "\n# Values that a run starts with\n".to_owned();
    lines
        .iter()
        .fold(head, |text, (line, origin)| text + &format!("# {}  # {origin}\n", padded(line, widest)))
}

/// The same as data, with the start values: `{schema_version, policy_sha256, values: [{key, value, origin}],
/// parameters: [{name, value, unit, origin}]}`.
pub fn show_json(policy: &Policy, start: &Start) -> Value {
    json!(ConfigShow::of(policy, start))
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::core::policy::{Layer, Origin, read};

    fn layer(path: &str, text: &str) -> Layer {
        Layer { origin: Origin::File(path.to_owned()), text: text.to_owned() }
    }

    fn good(text: &str) -> Policy {
        let text = format!("schema_version = 1\n{text}");
        read(&[layer("p.toml", &text)], &[]).unwrap_or_else(|errors| panic!("{errors}"))
    }

    #[test]
    fn the_hash_can_be_redone_from_what_is_shown() {
        let policy = good("windows.last_n = 10\n");
        let lines = show_text(&policy)
            .lines()
            .filter_map(|line| line.rsplit_once("  # ").map(|(value, _)| format!("{}\n", value.trim_end())))
            .collect::<String>();
        assert!(lines.contains("windows.last_n = 10\n"));
        let expected = Sha256::digest(lines).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>();
        assert_eq!(policy.sha256, expected.concat());
    }

    #[test]
    fn what_is_shown_can_be_read_again_and_is_the_same_policy() {
        let policy = good(
            "[prometheus.\"odd \\\"name\\\"\"]\nquery = \"a\\tb\"\noptional = true\n[run_gates.odd]\nmetric = \"ws_lag_max_ms\"\nseverity = \"soft\"\ncomparison = \"<\"\nlimit = 1e300\n",
        );
        let text = show_text(&policy);
        let again = read(&[layer("shown.toml", &text)], &[]).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(again.sha256, policy.sha256);
        assert!(again.effective.iter().all(|entry| entry.origin.starts_with("shown.toml:")));
    }

    #[test]
    fn values_are_shown_in_columns_and_as_data_with_their_origin() {
        let policy = good("windows.last_n = 10\n");
        let text = show_text(&policy);
        let line = text.lines().find(|line| line.starts_with("windows.last_n = 10 ")).expect("shown");
        assert!(line.ends_with("  # p.toml:2"), "{line}");
        let columns: Vec<_> = text.lines().map(|line| line.rfind("  # ")).collect();
        assert!(columns.iter().all(|column| *column == columns[0]));

        let data = show_json(&policy, &Start::default());
        assert_eq!(data["schema_version"], "1");
        assert_eq!(data["policy_sha256"], policy.sha256.as_str());
        let values = data["values"].as_array().expect("a list");
        assert_eq!(values.len(), policy.effective.len());
        let entry = values.iter().find(|entry| entry["key"] == "windows.last_n").expect("shown");
        assert_eq!((&entry["value"], &entry["origin"]), (&"10".into(), &"p.toml:2".into()));
    }
}
