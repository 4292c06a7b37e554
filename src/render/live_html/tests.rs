//! What the page may and may not hold.

use super::*;

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
