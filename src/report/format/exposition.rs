//! The two text forms of metrics: that of Prometheus (0.0.4) and `OpenMetrics` (1.0). Families with HELP and TYPE,
//! their samples contiguous, no time stamps.
//!
//! Knows no metric. The kind of a family is `gauge`, `counter` or `info`; the names of counters end in `_total`,
//! those of infos in `_info`.

use std::fmt::Write as _;

use super::text::printable_lines;

/// Which form is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// The text format of Prometheus.
    #[default]
    Prometheus,
    /// `OpenMetrics` text.
    OpenMetrics,
}

impl Form {
    /// The form that a client accepts, by its `Accept` header: `OpenMetrics` where it prefers that or is indifferent.
    pub fn accepted(accept: &str) -> Self {
        let (mut open, mut plain) = (0.0_f64, 0.0_f64);
        for item in accept.split(',') {
            let mut parts = item.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
            let mut quality = 1.0;
            let mut version = "1.0.0";
            for (name, value) in parts.filter_map(|part| part.split_once('=')) {
                match name.trim() {
                    "q" => quality = value.trim().parse().unwrap_or(0.0),
                    "version" => version = value.trim().trim_matches('"'),
                    _ => {}
                }
            }
            match kind.as_str() {
                "application/openmetrics-text" if matches!(version, "1.0.0" | "0.0.1") => {
                    open = open.max(quality);
                }
                "text/plain" | "text/*" | "*/*" => plain = plain.max(quality),
                _ => {}
            }
        }
        if open > 0.0 && open >= plain { Self::OpenMetrics } else { Self::Prometheus }
    }

    /// The `Content-Type` of a text in this form.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Units that a name may end with, as `OpenMetrics` declares them.
const UNITS: [&str; 5] = ["seconds", "ratio", "bps", "ms", "pct"];

/// Builds an exposition family by family.
#[derive(Debug, Default)]
pub struct Exposition {
    form: Form,
    text: String,
}

impl Exposition {
    /// An empty one in this form.
    pub fn new(form: Form) -> Self {
        Self { form, text: String::new() }
    }

    /// Opens a family; its samples follow.
    pub fn family(&mut self, name: &str, kind: &str, help: &str) {
        match self.form {
            Form::Prometheus => {
                if !self.text.is_empty() {
                    self.text.push('\n');
                }
                let kind = if kind == "info" { "gauge" } else { kind };
                self.line(format_args!("# HELP {name} {}", escape_help(help)));
                self.line(format_args!("# TYPE {name} {kind}"));
            }
            Form::OpenMetrics => {
                // The suffix belongs to the sample, not to the family.
                let suffix = match kind {
                    "counter" => "_total",
                    "info" => "_info",
                    _ => "",
                };
                let family = name.strip_suffix(suffix).unwrap_or(name);
                self.line(format_args!("# TYPE {family} {kind}"));
                let unit = family.rsplit_once('_').map(|(_, unit)| unit).filter(|unit| UNITS.contains(unit));
                if let Some(unit) = unit.filter(|_| kind != "info") {
                    self.line(format_args!("# UNIT {family} {unit}"));
                }
                self.line(format_args!("# HELP {family} {}", escape_label(help)));
            }
        }
    }

    /// One sample of the family opened last.
    pub fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let mut text = name.to_owned();
        if !labels.is_empty() {
            let pairs: Vec<String> =
                labels.iter().map(|(key, value)| format!("{key}=\"{}\"", escape_label(value))).collect();
            text.push('{');
            text.push_str(&pairs.join(","));
            text.push('}');
        }
        self.line(format_args!("{text} {}", number(value)));
    }

    /// A family with one sample and no labels.
    pub fn single(&mut self, name: &str, kind: &str, help: &str, value: Option<f64>) {
        if let Some(value) = value {
            self.family(name, kind, help);
            self.sample(name, &[], value);
        }
    }

    /// The text.
    pub fn finish(mut self) -> String {
        if self.form == Form::OpenMetrics {
            self.line(format_args!("# EOF"));
        }
        self.text
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        let written = writeln!(self.text, "{line}");
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }
}

fn escape_help(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n")
}

fn escape_label(text: &str) -> String {
    // A label may be printed on a terminal, and hold what a file said.
    let text = printable_lines(text);
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn number(value: f64) -> String {
    // Shortest form that reads back to the same number; whole numbers without a fraction.
    format!("{value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_steer_a_terminal() {
        assert_eq!(escape_label("a\u{1b}[31m\tb\u{202e}\nc"), "a\u{fffd}[31m b\u{fffd}\\nc");
    }

    #[test]
    fn labels_and_help_are_escaped_as_the_format_requires() {
        let mut out = Exposition::default();
        out.family("x", "gauge", "line\nbreak \\ \"quoted\"");
        out.sample("x", &[("a", "say \"hi\"\n\\")], 0.25);
        out.single("y", "gauge", "none", None);
        insta::assert_snapshot!(format!("{}(end)", out.finish()), @r#"
            # HELP x line\nbreak \\ "quoted"
            # TYPE x gauge
            x{a="say \"hi\"\n\\"} 0.25
            (end)
            "#);
    }

    #[test]
    fn openmetrics_names_families_without_the_suffix_shows_units_and_ends_with_eof() {
        let mut out = Exposition::new(Form::OpenMetrics);
        out.single("a_seconds", "gauge", "say \"hi\"", Some(1.0));
        out.single("b_total", "counter", "b", Some(2.0));
        out.family("c_info", "info", "c");
        out.sample("c_info", &[("v", "1")], 1.0);
        insta::assert_snapshot!(format!("{}(end)", out.finish()), @r#"
            # TYPE a_seconds gauge
            # UNIT a_seconds seconds
            # HELP a_seconds say \"hi\"
            a_seconds 1
            # TYPE b counter
            # HELP b b
            b_total 2
            # TYPE c info
            # HELP c c
            c_info{v="1"} 1
            # EOF
            (end)
            "#);
    }

    #[test]
    fn a_client_gets_openmetrics_where_it_accepts_it_at_least_as_much() {
        let prometheus = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                          text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        for accept in [
            prometheus,
            "application/openmetrics-text",
            "text/plain, Application/OpenMetrics-Text; version=\"1.0.0\"",
        ] {
            assert_eq!(Form::accepted(accept), Form::OpenMetrics, "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "text/html, */*;q=0.8",
            "text/plain;version=0.0.4",
            "application/openmetrics-text;q=0.5, text/plain",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;version=9.0.0",
            "application/openmetrics-text;q=many",
        ] {
            assert_eq!(Form::accepted(accept), Form::Prometheus, "{accept}");
        }
    }

    #[test]
    fn the_text_format_knows_no_infos() {
        let mut out = Exposition::default();
        out.single("c_info", "info", "c", Some(1.0));
        out.single("b_total", "counter", "b", Some(2.0));
        insta::assert_snapshot!(format!("{}(end)", out.finish()), @r"
            # HELP c_info c
            # TYPE c_info gauge
            c_info 1

            # HELP b_total b
            # TYPE b_total counter
            b_total 2
            (end)
            ");
    }
}
