//! Base64 (RFC 4648): the standard alphabet for headers, the one for URLs for paths.
//!
//! Writes only.

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const FOR_URLS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// With the standard alphabet and padding (section 4).
pub fn standard(bytes: &[u8]) -> String {
    coded(bytes, STANDARD)
}

/// With the alphabet for URLs and padding (section 5).
pub fn for_urls(bytes: &[u8]) -> String {
    coded(bytes, FOR_URLS)
}

fn coded(bytes: &[u8], letters: &[u8; 64]) -> String {
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let of = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = of(0) << 16 | of(1) << 8 | of(2);
        for place in 0..4 {
            let letter = letters[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place > three.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_gives_what_the_standard_does() {
        // RFC 4648, section 10.
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(standard(plain.as_bytes()), coded);
            assert_eq!(for_urls(plain.as_bytes()), coded);
        }
        assert_eq!(standard(&[0xfb, 0xff, 0xfe]), "+//+");
        assert_eq!(for_urls(&[0xfb, 0xff, 0xfe]), "-__-");
    }
}
