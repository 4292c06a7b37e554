//! Plots of the KPIs of the verdict as SVG: whole pictures with title and legend, and bare ones for a page.
//!
//! Text is ASCII, so that the font of the pictures has all of it. Colours are classes: a whole picture brings
//! its own style, a bare one takes that of its page.

mod chart;
mod draw;
mod png;
mod scale;

use crate::core::analysis::{Analysis, SymbolAnalysis};
use crate::core::kpi::KpiId;
use crate::core::policy::Policy;

use draw::{BARE, WHOLE, ascii};

pub(crate) use chart::{Chart, marks, restarts};
pub(crate) use draw::Item;
pub(crate) use png::{Painter, PngError};

const STYLE: &str = include_str!("plot.css");

/// The whole picture, 1000 by 600, by itself.
pub(crate) fn whole(chart: &Chart) -> String {
    let mut out = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1000\" height=\"600\" viewBox=\"0 0 1000 600\" \
         font-family=\"DejaVu Sans, Verdana, sans-serif\">\n",
    );
    out.extend(["<title>", &ascii(&chart.title), "</title>\n<style>\n", STYLE, "</style>\n"]);
    out.push_str("<rect class=\"paper\" width=\"1000\" height=\"600\"/>\n");
    draw::head(&mut out, chart);
    draw::plot(&mut out, chart, &WHOLE, false);
    out.push_str("</svg>\n");
    out
}

/// Only the plot, for a page that brings heading, legend and style.
pub(crate) fn bare(chart: &Chart) -> String {
    let mut out = format!(
        "<svg class=\"plot\" viewBox=\"0 0 480 260\" role=\"img\" aria-label=\"{}\">\n",
        ascii(&chart.caption())
    );
    draw::plot(&mut out, chart, &BARE, true);
    out.push_str("</svg>\n");
    out
}

/// The pictures of the symbol that decides, with the names of their files.
pub(crate) fn plots(analysis: &Analysis, policy: &Policy) -> Vec<(&'static str, String)> {
    let symbol = analysis.worst();
    let drawn = KpiId::drawn(&analysis.kpis).into_iter();
    drawn.map(|(kpi, name)| (name, whole(&Chart::of(analysis, symbol, policy, kpi)))).collect()
}

/// What a reader of the bare plots of a symbol has to know about their marks.
pub(crate) fn items(analysis: &Analysis, symbol: &SymbolAnalysis, policy: &Policy) -> Vec<Item> {
    let charts = analysis.kpis.iter().map(|kpi| Chart::of(analysis, symbol, policy, *kpi));
    let there: Vec<Item> = charts.flat_map(|chart| draw::items(&chart)).collect();
    Item::ALL.into_iter().filter(|item| there.contains(item)).collect()
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::core::iteration::Iteration;
    use crate::core::iteration::events::{Events, Restarts};
    use crate::core::policy::Policy;
    use crate::report::fixture::{analysed, folder, frozen, good, passing, series, with};

    /// A small reading of XML: tags nest, attributes are quoted, text and values hold no bare sign.
    #[track_caller]
    pub(crate) fn assert_well_formed(xml: &str) {
        let mut open: Vec<&str> = Vec::new();
        let mut rest = xml;
        while let Some(at) = rest.find('<') {
            let (text, tag) = (&rest[..at], &rest[at + 1..]);
            assert!(!text.contains('>'), "a bare sign in `{text}`");
            for (_, entity) in text.match_indices('&').map(|(at, _)| text.split_at(at)) {
                assert!(
                    ["&amp;", "&lt;", "&gt;", "&quot;"].iter().any(|known| entity.starts_with(known)),
                    "{entity}"
                );
            }
            let end = tag.find('>').expect("a tag ends");
            let (inner, after) = (&tag[..end], &tag[end + 1..]);
            if let Some(name) = inner.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name));
            } else {
                assert_eq!(inner.matches('"').count() % 2, 0, "{inner}");
                let name = inner.split([' ', '/']).next().expect("a name");
                if !inner.ends_with('/') {
                    open.push(name);
                }
            }
            rest = after;
        }
        assert_eq!((open, rest.trim()), (vec![], ""));
    }

    fn pictures(iterations: impl IntoIterator<Item = Iteration>) -> Vec<String> {
        let (analysis, policy) = analysed(folder(iterations));
        check(&analysis, &policy)
    }

    #[track_caller]
    fn check(analysis: &Analysis, policy: &Policy) -> Vec<String> {
        let drawn: Vec<String> = plots(analysis, policy).into_iter().map(|(_, svg)| svg).collect();
        for svg in &drawn {
            assert_well_formed(svg);
            assert!(svg.is_ascii() && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            assert!(svg.len() < 120_000, "{}", svg.len());
        }
        for symbol in &analysis.symbols {
            for kpi in &analysis.kpis {
                assert_well_formed(&bare(&Chart::of(analysis, symbol, policy, *kpi)));
            }
        }
        drawn
    }

    /// The coordinates at the beginnings of the pieces of a path of this class.
    fn class_count(svg: &str, class: &str) -> usize {
        svg.matches(&format!("class=\"{class}\"")).count()
    }

    #[test]
    fn runs_of_any_length_are_drawn() {
        for n in [1, 2, 24, 864, 3000] {
            let drawn = pictures(passing(n));
            assert_eq!(drawn.len(), 4);
            assert_eq!(class_count(&drawn[0], "title"), 1);
        }
        assert!(pictures([])[0].contains("There is no iteration."));
    }

    #[test]
    fn a_hundred_thousand_iterations_stay_small_and_keep_their_extremes() {
        let mut run: Vec<Iteration> = (1..=100_000).map(good).collect();
        run[54_320] = with(good(54_321), KpiId::NET_BPS, Some(-77.0));
        let (analysis, policy) = analysed(folder(run));
        let drawn = check(&analysis, &policy);
        assert!(drawn[0].contains("100000 iterations, 1 do not pass"), "{}", &drawn[0][..2000]);
        assert_eq!(class_count(&drawn[0], "miss"), 2, "the mark and its legend");
        assert!(bare(&Chart::of(&analysis, &analysis.symbols[0], &policy, KpiId::NET_BPS)).len() < 60_000);
    }

    #[test]
    fn any_values_are_drawn() {
        for value in [0.0, -5.0, 1e300, -1e300, f64::MAX, 1e-300, 5e-324, 1e15, 0.1 + 0.2] {
            pictures((1..=9).map(|n| with(good(n), KpiId::NET_BPS, Some(value))));
            pictures((1..=9).map(|n| with(good(n), KpiId::NET_BPS, Some(if n == 5 { value } else { 3.0 }))));
        }
    }

    #[test]
    fn a_missing_value_is_a_gap_with_a_mark() {
        let whole = pictures(passing(9));
        assert_eq!(class_count(&whole[0], "gap"), 0);
        let gap = pictures((1..=9).map(|n| with(good(n), KpiId::NET_BPS, (n != 5).then_some(3.0))));
        assert_eq!(class_count(&gap[0], "gap"), 2, "the mark and its legend");
        let line = gap[0].lines().find(|line| line.contains("class=\"line\"")).expect("a line");
        assert_eq!(line.matches('M').count(), 2, "{line}");
        let none = pictures((1..=9).map(|n| with(good(n), KpiId::NET_BPS, None)));
        // The limits give an axis, so it is seen that there is nothing.
        assert_eq!(class_count(&none[0], "line"), 0);
        assert_eq!(class_count(&none[0], "gap"), 2);
    }

    #[test]
    fn values_at_the_limit_are_within_it_and_outside_of_it_are_marked() {
        let marks = |net: f64| {
            let drawn = pictures(
                (1..=9).map(|n| with(good(n), KpiId::NET_BPS, Some(if n == 4 { net } else { 3.0 }))),
            );
            (class_count(&drawn[0], "miss"), class_count(&drawn[0], "fails"))
        };
        assert_eq!(marks(2.7), (0, 0));
        assert_eq!(marks(2.699_999), (2, 2));
    }

    #[test]
    fn freeze_warm_up_and_window_are_shown_where_they_are() {
        let run = (1..=24).map(|n| {
            let phase = match n {
                1..=4 => "WARMUP",
                5..=6 => "RAMPDOWN",
                _ => "STEADY",
            };
            let iteration = Iteration { phase: Some(phase.into()), ..good(n) };
            if (10..=13).contains(&n) || n == 20 { frozen(iteration, "stable") } else { iteration }
        });
        let svg = &pictures(run)[0];
        // One shade each, two freezes, and the legend.
        assert_eq!(
            (class_count(svg, "warmup"), class_count(svg, "rampdown"), class_count(svg, "freeze")),
            (2, 2, 3)
        );
        assert_eq!(class_count(svg, "window"), 1);
        assert!(
            svg.contains(">last8</text>") && svg.contains("&gt;= 2.70") && svg.contains("&gt;= 2.90"),
            "{svg}"
        );
    }

    #[test]
    fn marks_are_named_bands_and_restarts_are_lines() {
        let run = (1..=24).map(|n| {
            let restarts = (n == 9).then(|| Restarts { count: 1, ..Restarts::default() });
            let marks = if (8..=10).contains(&n) { vec!["deploy <v2>".to_owned()] } else { Vec::new() };
            Iteration { events: Some(Box::new(Events { marks, restarts })), ..good(n) }
        });
        let svg = &pictures(run)[0];
        // The band and its legend; the line and its legend.
        assert_eq!((class_count(svg, "mark"), class_count(svg, "restart")), (2, 2));
        assert!(svg.contains(">deploy &lt;v2&gt;</text>") && svg.contains(">phase</text>"), "{svg}");
        let plain = &pictures(passing(24))[0];
        assert!(!plain.contains("mark") && !plain.contains("restart"), "runs without any show nothing of it");
    }

    #[test]
    fn a_freeze_within_a_phase_is_a_band_at_the_floor_and_no_third_colour() {
        let run = (1..=12).map(|n| {
            let phase = if n <= 4 { "WARMUP" } else { "STEADY" };
            frozen(Iteration { phase: Some(phase.into()), ..good(n) }, "stable")
        });
        let svg = &pictures(run)[0];
        let heights: Vec<f64> = svg
            .lines()
            .filter(|line| line.contains("class=\"freeze\"") && !line.contains("height=\"12\""))
            .map(|line| {
                line.split("height=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a height")
            })
            .map(|height| height.parse().expect("a number"))
            .collect();
        // The plot is 600 - 134 - 68 = 398 high.
        assert_eq!(heights, [398.0, 119.4]);
    }

    #[test]
    fn changes_of_overrides_are_marked_between_the_iterations_they_divide() {
        let changed = |applied: &'static [u64]| {
            pictures((1..=12).map(|n| {
                let mut iteration = good(n);
                iteration.tuning.applied = Some(applied.contains(&n));
                iteration
            }))
        };
        assert_eq!(class_count(&changed(&[])[0], "change"), 0);
        let svg = &changed(&[3, 4, 9])[0];
        assert_eq!(class_count(svg, "change"), 2, "the marks and their legend");
        let marks = svg.lines().filter(|line| line.contains("class=\"change\"")).nth(1).expect("the marks");
        let at: Vec<f64> = marks
            .split(['M', ' '])
            .zip(marks.split(['M', ' ']).skip(1))
            .filter(|(_, next)| next.starts_with("135.0"))
            .filter_map(|(x, _)| x.parse().ok())
            .collect();
        let [third, fourth, ninth] = at.as_slice() else { panic!("{marks}") };
        // As far from each other as the iterations are.
        assert!(((ninth - fourth) / (fourth - third) - 5.0).abs() < 0.05, "{at:?}");
    }

    #[test]
    fn a_symbol_cannot_bring_markup_into_a_picture() {
        let hostile = "</text><script>alert(1)</script>\" \u{202e}&é";
        let (analysis, policy) = analysed(crate::core::verdict::evidence::Evidence {
            series: vec![series(Some(hostile), passing(9))],
            ..Default::default()
        });
        let drawn = check(&analysis, &policy);
        assert!(!drawn[0].contains("<script"));
        assert!(
            drawn[0].contains("&lt;/text&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot; ?&amp;?"),
            "{}",
            drawn[0]
        );
    }

    #[test]
    fn the_same_run_gives_the_same_bytes_and_a_png_of_the_size_that_was_requested() {
        let (one, other) = (pictures(passing(24)), pictures(passing(24)));
        assert_eq!(one, other);
        let painter = Painter::default();
        let png = painter.paint(&one[0]).expect("a picture");
        assert_eq!(png, painter.paint(&other[0]).expect("a picture"));
        // The header of RFC 2083: signature, then width and height behind the name of the first chunk.
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
        assert_eq!((&png[16..20], &png[20..24]), (&1000u32.to_be_bytes()[..], &600u32.to_be_bytes()[..]));
        assert!(png.len() < 200_000, "{}", png.len());
    }

    #[test]
    fn text_is_drawn_by_the_font_in_the_program() {
        let svg = |text: &str| {
            format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"90\" height=\"30\">\
             <text x=\"5\" y=\"20\" font-size=\"16\" font-family=\"DejaVu Sans\">{text}</text></svg>"
            )
        };
        let painter = Painter::default();
        let (word, blank) = (painter.paint(&svg("soak")), painter.paint(&svg(" ")));
        assert_ne!(word.expect("a picture"), blank.expect("a picture"));
        assert!(painter.paint("<svg").is_err());
    }
}
