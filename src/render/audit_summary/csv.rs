//! `POST_SOAK_ITER_TABLE.csv`: a row an iteration. An empty cell is a value that is not known.

use std::fmt::Write as _;

use crate::core::analysis::Analysis;
use crate::core::kpi::KpiId;

/// The columns that hold a KPI, in order, with the names that readers of the table know.
const COLUMNS: [(&str, KpiId); 8] = [
    ("net_bps", KpiId::NET_BPS),
    ("risk_ratio", KpiId::RISK_RATIO),
    ("slippage_p95", KpiId::SLIPPAGE_BPS_P95),
    ("adverse_p95", KpiId::ADVERSE_BPS_P95),
    ("latency_p95_ms", KpiId::P95_LATENCY_MS),
    ("maker_taker_ratio", KpiId::MAKER_TAKER_RATIO),
    ("gross_bps", KpiId::GROSS_BPS),
    ("fees_bps", KpiId::FEES_BPS),
];

/// The table, in full precision, by symbol and number. Runs per symbol have a last column `symbol`.
pub fn table(analysis: &Analysis) -> String {
    let per_symbol = super::is_per_symbol(analysis);
    let mut out = String::from("iter");
    for (name, _) in COLUMNS {
        out.push(',');
        out.push_str(name);
    }
    out.push_str(",gross_imputed");
    out.push_str(if per_symbol { ",symbol\n" } else { "\n" });
    for symbol in &analysis.symbols {
        let series = analysis.series(symbol);
        let name = per_symbol.then(|| cell(symbol.symbol.as_deref().unwrap_or_default()));
        for (position, row) in series.rows().iter().enumerate() {
            put(&mut out, format_args!("{}", row.number));
            for (_, kpi) in COLUMNS {
                out.push(',');
                if let Some(value) = series.value(kpi, position) {
                    put(&mut out, format_args!("{value}"));
                }
            }
            put(&mut out, format_args!(",{}", row.gross_imputed));
            if let Some(name) = &name {
                put(&mut out, format_args!(",{name}"));
            }
            out.push('\n');
        }
    }
    out
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    let written = out.write_fmt(text);
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

/// Text as a cell by RFC 4180. What a spreadsheet would take for a formula gets an apostrophe in front, and
/// control characters become spaces.
fn cell(text: &str) -> String {
    let text: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let text = if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text };
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn a_name_can_neither_end_its_cell_nor_be_a_formula() {
        assert_eq!(cell("BTCUSDT"), "BTCUSDT");
        assert_eq!(cell("a,b"), "\"a,b\"");
        assert_eq!(cell("a\"b"), "\"a\"\"b\"");
        assert_eq!(cell("a\r\nb"), "a  b");
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("@x,y"), "\"'@x,y\"");
    }
}
