//! The parts of the page that do not need a run.

use super::*;

#[test]
fn base64_is_that_of_rfc_4648() {
    let cases = [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ];
    for (text, expected) in cases {
        assert_eq!(base64(text.as_bytes()), expected);
    }
    assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
}

#[test]
fn what_is_put_into_the_template_is_not_looked_at_again() {
    let text = |name: &str| if name == "a" { "{{b}}".to_owned() } else { "never".to_owned() };
    assert_eq!(fill("1 {{a}} 2 {{a}} 3", text), "1 {{b}} 2 {{b}} 3");
}

#[test]
fn nothing_that_means_something_in_html_is_left() {
    assert_eq!(escape("<a href=\"x\">'&'</a>"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
}

#[test]
fn the_page_has_nothing_from_elsewhere_and_sets_no_markup_from_data() {
    for word in ["http://", "https://", "src=", "@import", "url("] {
        let allowed = SCRIPT.replace("http://www.w3.org/2000/svg", "");
        assert!(![TEMPLATE, STYLE, &allowed].iter().any(|text| text.contains(word)), "`{word}`");
    }
    for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "</script"] {
        assert!(!SCRIPT.contains(word), "`{word}`");
    }
    assert!(!STYLE.contains("</style"));
}

#[test]
fn the_policy_of_the_page_allows_what_is_in_it_and_no_more() {
    let policy = content_security_policy();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    // 32 bytes are 44 characters.
    assert_eq!(policy.split("'sha256-").skip(1).filter(|part| part.find('\'') == Some(44)).count(), 2);
}
