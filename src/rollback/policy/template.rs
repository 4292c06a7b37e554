//! Texts and JSON bodies with placeholders, `{{params.target}}`. A value of a JSON body that is one placeholder
//! and nothing else takes the type of what stands for it (a number stays a number); inside a longer text it is
//! written out. Knows no names of its own.

use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Placeholder(String),
}

/// Takes a text apart.
fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        if !before.is_empty() {
            found.push(Piece::Text(before.to_owned()));
        }
        let (name, behind) = after.split_once("}}").ok_or("`{{` is not closed by `}}`")?;
        found.push(Piece::Placeholder(name.trim().to_owned()));
        rest = behind;
    }
    if !rest.is_empty() {
        found.push(Piece::Text(rest.to_owned()));
    }
    Ok(found)
}

/// Whether a text can be filled by these names.
pub(crate) fn check_text(text: &str, known: &[String]) -> Result<(), String> {
    for piece in pieces(text)? {
        if let Piece::Placeholder(name) = piece
            && !known.contains(&name)
        {
            let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
            return Err(format!("`{{{{{name}}}}}` is unknown; there are {}", known.join(", ")));
        }
    }
    Ok(())
}

/// Whether every text of a body can be filled by these names.
pub(crate) fn check_body(body: &Value, known: &[String]) -> Result<(), String> {
    match body {
        Value::String(text) => check_text(text, known),
        Value::Array(items) => items.iter().try_for_each(|item| check_body(item, known)),
        Value::Object(entries) => entries.values().try_for_each(|value| check_body(value, known)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// The text with its placeholders replaced; a name without a value is left out.
pub(crate) fn fill_text(text: &str, value: &dyn Fn(&str) -> Option<Value>) -> String {
    let Ok(pieces) = pieces(text) else { return text.to_owned() };
    let filled = pieces.into_iter().map(|piece| match piece {
        Piece::Text(text) => text,
        Piece::Placeholder(name) => value(&name).map_or_else(String::new, |value| as_text(&value)),
    });
    filled.collect()
}

/// The body with its placeholders replaced; a name without a value becomes `null`.
pub(crate) fn fill_body(body: &Value, value: &dyn Fn(&str) -> Option<Value>) -> Value {
    match body {
        Value::String(text) => match pieces(text).as_deref() {
            Ok([Piece::Placeholder(name)]) => value(name).unwrap_or(Value::Null),
            _ => Value::String(fill_text(text, value)),
        },
        Value::Array(items) => items.iter().map(|item| fill_body(item, value)).collect(),
        Value::Object(entries) => {
            entries.iter().map(|(key, item)| (key.clone(), fill_body(item, value))).collect()
        }
        other => other.clone(),
    }
}

fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(name: &str) -> Option<Value> {
        match name {
            "params.target" => Some(json!(0)),
            "reason" => Some(json!("he said \"stop\"\n")),
            "params.enabled" => Some(json!(true)),
            _ => None,
        }
    }

    #[test]
    fn a_placeholder_alone_keeps_its_type_and_one_in_a_text_is_written_out() {
        let body = json!({"target": "{{params.target}}", "on": "{{ params.enabled }}",
            "why": "because {{reason}} ({{params.target}})", "list": ["{{reason}}", 1, null]});
        let filled = json!({"target": 0, "on": true,
            "why": "because he said \"stop\"\n (0)", "list": ["he said \"stop\"\n", 1, null]});
        assert_eq!(fill_body(&body, &value), filled);
    }

    #[test]
    fn what_stands_for_a_placeholder_cannot_break_out_of_the_json() {
        let evil = |_: &str| Some(json!("\", \"target\": 5, \"x\": \"{{reason}}"));
        let filled = fill_body(&json!({"why": "{{reason}}", "target": 0}), &evil);
        assert_eq!(filled["target"], 0);
        assert_eq!(filled.as_object().map(serde_json::Map::len), Some(2));
        assert_eq!(filled["why"], "\", \"target\": 5, \"x\": \"{{reason}}");
    }

    #[test]
    fn a_template_with_an_unknown_name_or_no_end_is_refused() {
        let known = ["reason".to_owned()];
        assert_eq!(check_text("x {{reason}} y", &known), Ok(()));
        assert_eq!(check_text("x {{reason y", &known), Err("`{{` is not closed by `}}`".to_owned()));
        let error = check_body(&json!([{"a": "{{raeson}}"}]), &known).expect_err("unknown");
        assert_eq!(error, "`{{raeson}}` is unknown; there are `reason`");
    }

    #[test]
    fn braces_that_are_no_placeholder_stay() {
        assert_eq!(fill_text("{a} }} {", &value), "{a} }} {");
    }
}
