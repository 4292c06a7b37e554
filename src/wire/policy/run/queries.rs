//! `[prometheus.<metric>]`: how each metric is asked for. Judges no `PromQL`.

use crate::core::policy::run::MetricQuery;

use crate::wire::policy::reader::{Read, Reader};
use crate::wire::policy::rules::each;
use crate::wire::policy::tree::Value;
use crate::wire::policy::{values, words};

/// What stands for something in a query.
const PLACEHOLDERS: [&str; 2] = ["window", "selector"];

/// The queries, in the order of the file.
pub(super) fn read(reader: &mut Reader<'_>) -> Read<Vec<MetricQuery>> {
    each(reader, "prometheus", |reader, name, place| {
        let key = &place.key;
        let query = reader.required(&key.at("query"), "a query", query);
        let optional = reader.required(&key.at("optional"), "`true` or `false`", values::switch);
        Ok(MetricQuery { metric: name.to_owned(), query: query?.value, is_optional: optional?.value })
    })
}

/// A text in which every `$word` is a placeholder.
fn query(value: &Value) -> Result<String, String> {
    let query = values::name(value)?;
    for part in query.split('$').skip(1) {
        let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(part.len());
        let word = &part[..end];
        // A lone `$` is the end of a text in a regular expression.
        if !word.is_empty() && !PLACEHOLDERS.contains(&word) {
            let hint = words::did_you_mean(word, PLACEHOLDERS);
            return Err(format!("unknown placeholder `${word}`{hint}; expected `$window` or `$selector`"));
        }
    }
    Ok(query)
}
