//! Percent-encoding (RFC 3986) of what stands in a path or a form.
//!
//! Writes only.

/// The text with everything but the unreserved characters (section 2.3) encoded.
pub fn encode(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut coded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            coded.push(char::from(byte));
        } else {
            coded.push('%');
            coded.push(char::from(DIGITS[usize::from(byte >> 4)]));
            coded.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
    coded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_the_unreserved_characters_is_encoded() {
        assert_eq!(encode("aZ0-._~"), "aZ0-._~");
        assert_eq!(encode("a b?c#d%/ü\n"), "a%20b%3Fc%23d%25%2F%C3%BC%0A");
    }
}
