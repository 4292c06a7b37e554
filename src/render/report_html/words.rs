//! The pieces of the page: text from files made harmless, tables, lists.

use crate::render::html::escape;
use crate::render::markdown::printable;

/// Text on one line, of bounded length, escaped.
pub fn text(text: &str) -> String {
    escape(&printable(text))
}

/// A sentence that may name things in backticks.
pub fn prose(sentence: &str) -> String {
    let safe = escape(&long(sentence));
    let parts: Vec<&str> = safe.split('`').collect();
    if parts.len().is_multiple_of(2) {
        // An odd backtick: nobody knows what it was to enclose.
        return safe;
    }
    let mut out = String::with_capacity(safe.len() + 32);
    for (index, part) in parts.iter().enumerate() {
        if index % 2 == 1 {
            out.extend(["<code>", part, "</code>"]);
        } else {
            out.push_str(part);
        }
    }
    out
}

/// [`printable`] for sentences, which are longer than names.
fn long(sentence: &str) -> String {
    const MOST: usize = 1200;
    let mut out = String::new();
    for word in sentence.split_whitespace() {
        if out.len() > MOST {
            out.push_str(" …");
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&printable(word));
    }
    out
}

/// A heading with a place to link to.
pub fn section(out: &mut String, id: &str, title: &str) {
    out.extend(["<section id=\"", id, "\">\n<h2>", title, "</h2>\n"]);
}

/// A paragraph of finished HTML.
pub fn paragraph(out: &mut String, html: &str) {
    out.extend(["<p>", html, "</p>\n"]);
}

/// A quiet remark.
pub fn remark(out: &mut String, html: &str) {
    out.extend(["<p class=\"quiet\">", html, "</p>\n"]);
}

/// A column: class of its cells, and heading. `""` = number, `"t"` = text, `"w"` = text that may wrap.
pub type Column<'a> = (&'static str, &'a str);

/// Begins a table; long ones scroll, and can be sorted.
pub fn table(out: &mut String, columns: &[Column<'_>], is_long: bool) {
    let (tall, sorts) = if is_long { (" tall", " class=\"sorts\"") } else { ("", "") };
    out.extend(["<div class=\"scroll", tall, "\" tabindex=\"0\">\n<table", sorts, "><thead><tr>"]);
    for (class, heading) in columns {
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        out.extend(["<th scope=\"col\"", &class, ">", &text(heading), "</th>"]);
    }
    out.push_str("</tr></thead>\n<tbody>\n");
}

/// A row of cells: class and finished HTML; an empty cell becomes a dash.
pub fn row<S: AsRef<str>>(out: &mut String, cells: impl IntoIterator<Item = (&'static str, S)>) {
    out.push_str("<tr>");
    for (class, html) in cells {
        if class.is_empty() {
            out.push_str("<td>");
        } else {
            out.extend(["<td class=\"", class, "\">"]);
        }
        let html = html.as_ref();
        out.push_str(if html.is_empty() { "–" } else { html });
        out.push_str("</td>");
    }
    out.push_str("</tr>\n");
}

/// Ends a table.
pub fn end_table(out: &mut String) {
    out.push_str("</tbody></table>\n</div>\n");
}

/// A list of finished HTML, the first `most` of it, and how many more there are.
pub fn list(out: &mut String, items: impl ExactSizeIterator<Item = String>, most: usize) {
    let more = items.len().saturating_sub(most);
    out.push_str("<ul>\n");
    for item in items.take(most) {
        out.extend(["<li>", &item, "</li>\n"]);
    }
    if more > 0 {
        out.extend([format!("<li>and {more} more</li>\n")]);
    }
    out.push_str("</ul>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_backticks_become_code_and_markup_stays_text() {
        assert_eq!(prose("`net_bps` is < 2.9"), "<code>net_bps</code> is &lt; 2.9");
        assert_eq!(prose("`<b>` and `"), "`&lt;b&gt;` and `");
        assert_eq!(prose("a\n <script>"), "a &lt;script&gt;");
        assert!(prose(&"word ".repeat(100_000)).len() < 1300);
    }

    #[test]
    fn an_empty_cell_is_a_dash() {
        let mut out = String::new();
        row(&mut out, [("", "1"), ("t", "")]);
        assert_eq!(out, "<tr><td>1</td><td class=\"t\">–</td></tr>\n");
    }
}
