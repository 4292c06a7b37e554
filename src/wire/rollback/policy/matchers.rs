//! Texts of a policy that go to others as they stand: URLs, and label matchers for queries. Asks nobody.

use super::super::yaml::Value;
use super::fields::{text, words};

/// An address that is asked: http or https, without user and password.
pub(super) fn url(value: &Value) -> Result<String, String> {
    let url = text(value)?;
    if url.contains("{{") {
        return Err("takes no placeholders; they belong into the body".to_owned());
    }
    let rest = ["http://", "https://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    let Some(authority) = rest.and_then(|rest| rest.split(['/', '?', '#']).next()) else {
        return Err("expected an address that begins with http:// or https://".to_owned());
    };
    if authority.contains('@') {
        return Err("holds user or password; use a header with a secret".to_owned());
    }
    if authority.is_empty() || url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("is no address: it has no host, or blanks in it".to_owned());
    }
    Ok(url)
}

/// Label matchers with or without braces, as `env="prod",exchange=~"a|b"`; may be empty. Without braces.
pub(super) fn selector(value: &Value) -> Result<String, String> {
    let found = words(value)?;
    let inner = found.trim();
    let inner = inner.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(inner).trim();
    let mut rest = inner;
    while !rest.is_empty() {
        rest = matcher(rest).ok_or_else(|| {
            format!("`{inner}` is no list of label matchers; write `env=\"prod\",exchange=~\"a|b\"`")
        })?;
    }
    Ok(inner.to_owned())
}

/// What stands behind the first matcher and its comma. `None` = it is none.
fn matcher(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
    let (name, rest) = text.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let rest = rest.trim_start();
    let rest = ["=~", "!~", "!=", "="].iter().find_map(|sign| rest.strip_prefix(sign))?.trim_start();
    let quote = rest.chars().next().filter(|quote| ['"', '\''].contains(quote))?;
    let mut is_escaped = false;
    let closing = rest[1..].find(|c: char| {
        let closes = c == quote && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        closes
    })?;
    let behind = rest[closing + 2..].trim_start();
    match behind.strip_prefix(',') {
        Some(more) => Some(more.trim_start()),
        None if behind.is_empty() => Some(behind),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(text: &str) -> Result<String, String> {
        selector(&Value::Text(text.to_owned()))
    }

    #[test]
    fn matchers_are_taken_with_and_without_braces() {
        for (text, inner) in [
            ("", ""),
            ("{}", ""),
            ("env=\"prod\"", "env=\"prod\""),
            (" {env=\"prod\", exchange=~'a|b' ,} ", "env=\"prod\", exchange=~'a|b' ,"),
            ("a!=\"b\\\"c,}\",d!~\"\\\\\"", "a!=\"b\\\"c,}\",d!~\"\\\\\""),
        ] {
            assert_eq!(selected(text).as_deref(), Ok(inner), "{text}");
        }
        for bad in [
            "}) or vector(0",
            "env",
            "env=prod",
            "env=\"prod",
            "1a=\"b\"",
            "a=\"b\" c=\"d\"",
            ",",
            "a==\"b\"",
        ] {
            assert!(selected(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_is_http_with_a_host() {
        let read = |text: &str| url(&Value::Text(text.to_owned()));
        for good in ["http://127.0.0.1:9090", "https://a.example/x?y=1"] {
            assert!(read(good).is_ok(), "{good}");
        }
        for bad in [
            "file:///etc/passwd",
            "ftp://a",
            "127.0.0.1:9090",
            "http://",
            "http:///x",
            "http://a b",
            "http://u@h/",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
