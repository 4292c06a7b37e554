//! The section model: headings, paragraphs, lists and tables, rendered to Markdown or HTML as they are added.
//!
//! What is inside of a line is made by [`Format`]: text from files passes through [`Format::text`] or
//! [`Format::prose`] first.

use super::html;
use super::text::{cell, prose};
use crate::core::kpi::KpiId;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Markdown,
    Html,
}

impl Format {
    /// What differs between the formats.
    pub(crate) fn pick<T>(self, markdown: T, html: T) -> T {
        if self == Self::Markdown { markdown } else { html }
    }

    pub(crate) fn text(self, text: &str) -> String {
        self.pick(cell as fn(&str) -> String, html::text)(text)
    }

    /// A sentence from the analysis; names in backticks become code.
    pub(crate) fn prose(self, sentence: &str) -> String {
        self.pick(prose as fn(&str) -> String, html::prose)(sentence)
    }

    pub(crate) fn code(self, text: &str) -> String {
        let text = self.text(text);
        if self == Self::Markdown { format!("`{text}`") } else { format!("<code>{text}</code>") }
    }

    /// A KPI by its label, where the policy gives it one, else by its name.
    pub(crate) fn kpi(self, kpi: KpiId) -> String {
        kpi.label.map_or_else(|| self.code(kpi.name), |label| self.text(label))
    }
}

/// A column of a table.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    name: String,
    /// Class of its cells in HTML: text `t`, text that may wrap `w`, a number none.
    class: &'static str,
}

impl Column {
    pub(crate) fn number(name: impl Into<String>) -> Self {
        Self { name: name.into(), class: "" }
    }

    pub(crate) fn text(name: impl Into<String>) -> Self {
        Self { name: name.into(), class: "t" }
    }
}

/// Columns by their headings, `KPI|#mean|~why`: text, a number (`#`), text that may wrap (`~`).
pub(crate) fn columns(headings: &str) -> Vec<Column> {
    let column = |heading: &str| match (heading.strip_prefix('#'), heading.strip_prefix('~')) {
        (Some(number), _) => Column::number(number),
        (_, Some(wide)) => Column { class: "w", ..Column::text(wide) },
        _ => Column::text(heading),
    };
    headings.split('|').map(column).collect()
}

/// A cell of a table, in the format of the document; empty is unknown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    text: String,
    /// Further class in HTML: `good`, `bad`, `so`.
    class: &'static str,
}

impl Cell {
    pub(crate) fn marked(text: impl Into<Self>, class: &'static str) -> Self {
        Self { class, ..text.into() }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, class: "" }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<Option<String>> for Cell {
    fn from(text: Option<String>) -> Self {
        text.unwrap_or_default().into()
    }
}

impl From<usize> for Cell {
    fn from(number: usize) -> Self {
        number.to_string().into()
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        number.to_string().into()
    }
}

/// A row of a table, of whatever can be a [`Cell`].
macro_rules! row {
    ($($cell:expr),* $(,)?) => { vec![$($crate::report::document::Cell::from($cell)),*] };
}
pub(crate) use row;

/// A report in the making.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) format: Format,
    /// How much deeper Markdown headings are, because symbols have headings of their own.
    pub(crate) depth: usize,
    out: String,
}

impl Document {
    pub(crate) fn new(format: Format) -> Self {
        Self { format, depth: 0, out: String::new() }
    }

    pub(crate) fn markdown() -> Self {
        Self::new(Format::Markdown)
    }

    /// Markup of the format, as it is.
    pub(crate) fn push(&mut self, markup: &str) {
        self.out.push_str(markup);
    }

    /// A heading of this level; a page has those above it in its sections.
    pub(crate) fn heading(&mut self, level: usize, text: &str) {
        match self.format {
            Format::Markdown => {
                self.out.extend(std::iter::repeat_n('#', level + self.depth));
                self.out.extend([" ", text, "\n\n"]);
            }
            Format::Html => self.out.extend(["<h3>", text, "</h3>\n"]),
        }
    }

    pub(crate) fn paragraph(&mut self, text: &str) {
        match self.format {
            Format::Markdown => self.out.extend([text, "\n\n"]),
            Format::Html => self.out.extend(["<p>", text, "</p>\n"]),
        }
    }

    pub(crate) fn paragraphs(&mut self, texts: impl IntoIterator<Item = String>) {
        for text in texts {
            self.paragraph(&text);
        }
    }

    /// A paragraph that explains.
    pub(crate) fn remark(&mut self, text: &str) {
        match self.format {
            Format::Markdown => self.paragraph(text),
            Format::Html => self.out.extend(["<p class=\"quiet\">", text, "</p>\n"]),
        }
    }

    /// A list of which the first entries are shown.
    pub(crate) fn list(&mut self, items: impl IntoIterator<Item = String>, most: usize) {
        let mut items: Vec<String> = items.into_iter().collect();
        let more = items.len().saturating_sub(most);
        items.truncate(most);
        items.extend((more > 0).then(|| format!("and {more} more")));
        let ((open, close), (before, after)) =
            self.format.pick((("", "\n"), ("- ", "\n")), (("<ul>\n", "</ul>\n"), ("<li>", "</li>\n")));
        self.out.push_str(open);
        for item in &items {
            self.out.extend([before, item, after]);
        }
        self.out.push_str(close);
    }

    pub(crate) fn table(&mut self, columns: &[Column], rows: impl IntoIterator<Item = Vec<Cell>>) {
        self.open_table(columns, false);
        self.rows(columns, rows);
    }

    /// A table that scrolls and can be sorted where the format can do that.
    pub(crate) fn long_table(&mut self, columns: &[Column], rows: impl IntoIterator<Item = Vec<Cell>>) {
        self.open_table(columns, true);
        self.rows(columns, rows);
    }

    fn open_table(&mut self, columns: &[Column], is_long: bool) {
        if self.format == Format::Markdown {
            self.markdown_row(columns.iter().map(|column| column.name.as_str()));
            self.markdown_row(
                columns.iter().map(|column| if column.class.is_empty() { "---:" } else { "---" }),
            );
            return;
        }
        let (tall, sorts) = if is_long { (" tall", " class=\"sorts\"") } else { ("", "") };
        self.out.extend(["<div class=\"scroll", tall, "\" tabindex=\"0\">\n<table", sorts, "><thead><tr>"]);
        for Column { name, class } in columns {
            let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
            self.out.extend(["<th scope=\"col\"", &class, ">", &html::text(name), "</th>"]);
        }
        self.out.push_str("</tr></thead>\n<tbody>\n");
    }

    fn rows(&mut self, columns: &[Column], rows: impl IntoIterator<Item = Vec<Cell>>) {
        for cells in rows {
            if self.format == Format::Markdown {
                self.markdown_row(cells.iter().map(|cell| cell.text.as_str()));
                continue;
            }
            self.out.push_str("<tr>");
            for (column, cell) in columns.iter().zip(&cells) {
                match (column.class, cell.class) {
                    ("", "") => self.out.push_str("<td>"),
                    ("", class) | (class, "") => self.out.extend(["<td class=\"", class, "\">"]),
                    (one, other) => self.out.extend(["<td class=\"", one, " ", other, "\">"]),
                }
                self.out.extend([if cell.text.is_empty() { "–" } else { &cell.text }, "</td>"]);
            }
            self.out.push_str("</tr>\n");
        }
        self.out.push_str(self.format.pick("\n", "</tbody></table>\n</div>\n"));
    }

    fn markdown_row<'c>(&mut self, cells: impl Iterator<Item = &'c str>) {
        self.out.push('|');
        for cell in cells {
            self.out.extend([" ", if cell.is_empty() { "-" } else { cell }, " |"]);
        }
        self.out.push('\n');
    }

    /// The end of a list that shows the last ones in Markdown.
    pub(crate) fn earlier(&mut self, more: usize) {
        if more > 0 {
            self.paragraph(&format!("And {more} more before them."));
        }
    }

    pub(crate) fn into_markup(self) -> String {
        self.out
    }

    /// The whole text, with one newline at its end. `ascii` replaces ellipses.
    pub(crate) fn finish(self, ascii: bool) -> String {
        let mut out = self.out;
        out.truncate(out.trim_end().len());
        out.push('\n');
        if ascii { out.replace('…', "...") } else { out }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: Format, write: impl FnOnce(&mut Document)) -> String {
        let mut document = Document::new(format);
        write(&mut document);
        document.into_markup()
    }

    #[test]
    fn an_empty_cell_is_a_dash() {
        let table = |document: &mut Document| document.table(&columns("#n|why"), [row![1_usize, ""]]);
        insta::assert_snapshot!(format!("{}(end)", written(Format::Markdown, table)), @r"
            | n | why |
            | ---: | --- |
            | 1 | - |

            (end)
            ");
        assert!(written(Format::Html, table).contains("<tr><td>1</td><td class=\"t\">–</td></tr>\n"));
    }

    #[test]
    fn lists_are_cut_and_say_so() {
        let list = |document: &mut Document| document.list((1..=3).map(|n| n.to_string()), 2);
        insta::assert_snapshot!(format!("{}(end)", written(Format::Markdown, list)), @r"
            - 1
            - 2
            - and 1 more

            (end)
            ");
        insta::assert_snapshot!(format!("{}(end)", written(Format::Html, list)), @r"
            <ul>
            <li>1</li>
            <li>2</li>
            <li>and 1 more</li>
            </ul>
            (end)
            ");
    }
}
