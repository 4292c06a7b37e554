//! How deep lists and objects of a JSON text lie inside each other. Looks at brackets alone, judges no syntax.

/// Deepest nesting that is read, also in keys that nobody asks for.
pub const DEEPEST: usize = 128;

/// Whether lists and objects nest too deep. Counting the brackets first is so cheap that ordinary files,
/// which have few, pay nothing.
pub fn is_too_deep(json: &[u8]) -> bool {
    // `[` and `{` differ in one bit.
    if json.iter().filter(|byte| **byte | 0x20 == b'{').count() <= DEEPEST {
        return false;
    }
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                depth += 1;
                if depth > DEEPEST {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::kpi::KpiTable;
    use crate::wire::iteration::{ReadError, read};

    fn nested(levels: usize) -> Vec<u8> {
        format!(r#"{{"net_bps": 3.0, "pad": {}{}}}"#, "[".repeat(levels), "]".repeat(levels)).into_bytes()
    }

    #[test]
    fn nesting_is_bounded_also_in_keys_that_nobody_reads() {
        let kpis = KpiTable::default();
        // The object of the file is the first level.
        assert!(read(&nested(DEEPEST - 1), &kpis).is_ok());
        assert_eq!(read(&nested(DEEPEST), &kpis).err(), Some(ReadError::Nesting));
        assert_eq!(read(&nested(100_000), &kpis).err(), Some(ReadError::Nesting));
    }

    #[test]
    fn many_brackets_beside_each_other_or_in_a_string_are_no_nesting() {
        let kpis = KpiTable::default();
        let wide = format!(r#"{{"net_bps": 3.0, "pad": [{}0]}}"#, "[],".repeat(500));
        assert!(read(wide.as_bytes(), &kpis).is_ok());
        let text = format!(r#"{{"net_bps": 3.0, "pad": "\"{}"}}"#, "[".repeat(500));
        assert!(read(text.as_bytes(), &kpis).is_ok());
    }
}
