//! Lookups in JSON objects of uncertain shape; every error is a sentence.

use crate::core::json::Node;
use crate::core::json::text::is_too_deep;
use crate::core::json::text::parse_marked;

/// A JSON object of uncertain shape, or what is wrong with it.
pub(super) fn object(bytes: &[u8]) -> Result<Node, String> {
    if is_too_deep(bytes) {
        return Err("its lists and objects nest too deep".to_owned());
    }
    match parse_marked(bytes, |json| serde_json::from_slice::<Node>(json)) {
        Ok(node @ Node::Object(_)) => Ok(node),
        Ok(other) => Err(format!("it is {}, expected an object", other.kind())),
        Err(error) => Err(format!("it is no JSON: {error}")),
    }
}

/// The value under a dotted path; `None` when it is not there. The error is a sentence.
pub(super) fn at<'n>(node: &'n Node, path: &str) -> Result<Option<&'n Node>, String> {
    let mut node = node;
    let mut so_far = String::new();
    for key in path.split('.') {
        if !matches!(node, Node::Object(_)) {
            return Err(format!("`{so_far}` is {}, expected an object", node.kind()));
        }
        if !so_far.is_empty() {
            so_far.push('.');
        }
        so_far.push_str(key);
        match node.get(key) {
            Ok(Some(found)) => node = found,
            Ok(None) => return Ok(None),
            Err(_) => return Err(format!("`{so_far}` occurs twice")),
        }
    }
    Ok(Some(node))
}

/// A value that must be there.
pub(super) fn required<'n>(node: &'n Node, path: &str) -> Result<&'n Node, String> {
    at(node, path)?.ok_or_else(|| format!("`{path}` is missing"))
}

/// A finite number that must be there.
pub(super) fn number(node: &Node, path: &str) -> Result<f64, String> {
    match required(node, path)? {
        Node::Number(value) => Ok(*value),
        other => Err(format!("`{path}` is {}, expected a number", other.kind())),
    }
}

/// A text that must be there.
pub(super) fn text<'n>(node: &'n Node, path: &str) -> Result<&'n str, String> {
    match required(node, path)? {
        Node::Text(value) => Ok(value),
        other => Err(format!("`{path}` is {}, expected text", other.kind())),
    }
}
