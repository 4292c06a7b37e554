//! What the page itself holds of a run: few iterations, in few bytes.
//!
//! For the script of the page alone. It is a [`LiveDocument`] without what the page can do without: values that it
//! does not chart, digits that nobody sees, keys with their usual value (the script knows them), and overrides that
//! are those of the iteration before.

use serde_json::{Map, Value, json};

use super::{LiveDocument, iteration_row};
use crate::core::run::live::LiveRun;

/// The run with at most `most` of its iterations, up to the latest.
pub fn overview(run: &LiveRun, most: usize) -> Value {
    let kept = run.overview(most);
    let charted: Vec<&str> = run.charted().into_iter().map(|kpi| kpi.name).collect();
    let mut overrides = None;
    let rows = kept.iter().map(|kept| {
        let row = serde_json::to_value(iteration_row(run, kept.iteration)).unwrap_or_default();
        let mut row = short(row, &charted, &mut overrides);
        if kept.joined {
            row.insert("joined".to_owned(), json!(true));
        }
        Value::Object(row)
    });
    let iterations: Vec<Value> = rows.collect();
    let mut document = serde_json::to_value(LiveDocument::of(run, u64::MAX, 0)).unwrap_or_default();
    document["iterations"] = iterations.into();
    document["next_since"] = Value::Null;
    document
}

fn short(row: Value, charted: &[&str], overrides: &mut Option<Value>) -> Map<String, Value> {
    let Value::Object(mut row) = row else { return Map::new() };
    if let Some(Value::Object(values)) = row.get_mut("values") {
        values.retain(|name, _| charted.contains(&name.as_str()));
        for value in values.values_mut() {
            *value = rounded(value);
        }
    }
    if row.get("overrides") == overrides.as_ref() {
        row.remove("overrides");
    } else {
        *overrides = row.get("overrides").cloned();
    }
    row.retain(|key, value| key == "values" || key == "overrides" || !is_usual(key, value));
    row
}

/// Seven digits: more than a chart or a table shows.
fn rounded(value: &Value) -> Value {
    let short = value.as_f64().and_then(|value| format!("{value:.6e}").parse::<f64>().ok());
    short.map_or(Value::Null, |short| json!(short))
}

/// What the script puts in for a key that is not there.
fn is_usual(key: &str, value: &Value) -> bool {
    match (key, value) {
        ("passes", Value::Bool(passes)) => *passes,
        ("phase", Value::String(phase)) => phase == "STEADY",
        (_, Value::Null | Value::Bool(false)) => true,
        (_, Value::String(text)) => text.is_empty(),
        (_, Value::Array(items)) => items.is_empty(),
        (_, Value::Object(items)) => items.is_empty(),
        _ => false,
    }
}
