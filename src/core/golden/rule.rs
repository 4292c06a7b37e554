//! What holds at which places of a document: JSON pointers with `*` for any one key or index.
//!
//! Must not compare values.

use std::fmt::Write as _;

/// One step from a value to one inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Into an object.
    Key(&'a str),
    /// Into a list.
    Index(usize),
}

/// The JSON pointer (RFC 6901) of these steps.
pub fn pointer(steps: &[Step<'_>]) -> String {
    let mut pointer = String::new();
    for step in steps {
        pointer.push('/');
        match step {
            Step::Key(key) => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
            Step::Index(index) => {
                // Writing to a string cannot fail.
                let _ = write!(pointer, "{index}");
            }
        }
    }
    pointer
}

/// Places in a document: a pointer whose segments may be `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Any,
    Named(String),
}

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It does not start with `/`.
    #[error("a JSON pointer starts with `/`")]
    NoSlash,
    /// A `~` that is neither `~0` nor `~1`.
    #[error("in a JSON pointer `~` is written `~0`, and `/` in a key `~1`")]
    Tilde,
}

impl Pattern {
    /// Reads a pattern; the empty one is the whole document.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let rest = text.strip_prefix('/').ok_or(PatternError::NoSlash)?;
        rest.split('/').map(segment).collect::<Result<_, _>>().map(Self)
    }

    /// Whether the value at the end of these steps is at a place of the pattern, or below one.
    pub fn covers(&self, steps: &[Step<'_>]) -> bool {
        let Self(segments) = self;
        segments.len() <= steps.len()
            && segments.iter().zip(steps).all(|(segment, step)| match (segment, step) {
                (Segment::Any, _) => true,
                (Segment::Named(name), Step::Key(key)) => name == key,
                (Segment::Named(name), Step::Index(index)) => *name == index.to_string(),
            })
    }
}

fn segment(text: &str) -> Result<Segment, PatternError> {
    if text == "*" {
        return Ok(Segment::Any);
    }
    let mut parts = text.split('~');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_at_checked(1) {
            Some(("0", rest)) => name.extend(["~", rest]),
            Some(("1", rest)) => name.extend(["/", rest]),
            _ => return Err(PatternError::Tilde),
        }
    }
    Ok(Segment::Named(name))
}

/// What holds at a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Treatment {
    /// It is not compared.
    Ignore,
    /// Numbers may differ by this much.
    Within {
        /// Absolute difference.
        abs: f64,
        /// In relation to the larger of the two.
        rel: f64,
    },
}

/// A place and what holds there.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Where.
    pub pattern: Pattern,
    /// What.
    pub treatment: Treatment,
}
