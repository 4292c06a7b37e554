//! The two `readiness.json` of the earlier scripts, for those who still read them: keys, order and words as there.
//!
//! They are two formats; a file of one is never replaced by the other, nor by a score.

use std::path::Path;

use anyhow::anyhow;
use serde::Serialize;

use crate::core::analysis::audit::Audit;
use crate::core::json::Node;
use crate::core::kpi::KpiId;
use crate::core::load::read_plain;
use crate::core::verdict::failure::Failure;
use crate::core::verdict::provenance::{Override, Provenance};
use crate::infra::atomic_file;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// Of `write_legacy_readiness_json`: `ok` or `hold`, `maker_taker_ratio`, failures.
    Legacy,
    /// Of `write_readiness`: `OK` or `HOLD`, `maker_taker`.
    Short,
}

/// What both say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Ready.
    pub ok: bool,
    /// The KPIs of the verdict; `None` = unknown.
    pub kpis: Vec<(KpiId, Option<f64>)>,
    /// Why not.
    pub failures: Vec<String>,
    /// The recorded override; changes no answer.
    pub overridden: Option<Override>,
}

/// Either file; a key that a spelling does not have is left out.
#[expect(clippy::option_option, reason = "what is left out is not what is null")]
#[derive(Serialize)]
struct Document<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    maker_taker_ratio: Option<Option<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maker_taker: Option<Option<f64>>,
    net_bps: Option<f64>,
    p95_latency_ms: Option<f64>,
    risk_ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failures: Option<&'a [String]>,
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    overridden: Option<&'a Override>,
}

pub fn answer(audit: &Audit<'_>, provenance: &Provenance) -> Answer {
    let readiness = &audit.readiness;
    let mut failures = readiness.failures.clone();
    if !readiness.is_ok() && failures.is_empty() {
        failures.push(format!("{}: {}", readiness.outcome, audit.analysis.reason()));
    }
    Answer {
        ok: readiness.is_ok(),
        kpis: readiness.kpis.clone(),
        failures,
        overridden: provenance.overridden.clone(),
    }
}

/// Writes a file; one in another format is never written over.
pub fn write(path: &Path, spelling: Spelling, answer: &Answer) -> Result<(), Failure> {
    let hint = "name another file: one name has one format";
    if atomic_file::is_file(path) && !read_plain(path).is_ok_and(|there| spelling.is_of(&there)) {
        let problem = anyhow!("`{}` contains something else than the requested format", path.display());
        return Err(Failure::output(problem).hint(hint));
    }
    atomic_file::write_below(path, spelling.write(answer).as_bytes())
        .map_err(|error| Failure::output(error).hint(hint))
}

impl Spelling {
    /// The file: two blanks of indent, a final newline, keys in the order that its readers know.
    fn write(self, answer: &Answer) -> String {
        let of = |kpi: KpiId| answer.kpis.iter().find(|(of, _)| *of == kpi).and_then(|(_, value)| *value);
        let is_legacy = self == Self::Legacy;
        let maker = of(KpiId::MAKER_TAKER_RATIO);
        let document = Document {
            status: match (self, answer.ok) {
                (Self::Legacy, true) => "ok",
                (Self::Legacy, false) => "hold",
                (Self::Short, true) => "OK",
                (Self::Short, false) => "HOLD",
            },
            maker_taker_ratio: is_legacy.then_some(maker),
            maker_taker: (!is_legacy).then_some(maker),
            net_bps: of(KpiId::NET_BPS),
            p95_latency_ms: of(KpiId::P95_LATENCY_MS),
            risk_ratio: of(KpiId::RISK_RATIO),
            failures: is_legacy.then_some(&answer.failures),
            overridden: answer.overridden.as_ref(),
        };
        // Derived maps of texts and numbers have no way to fail.
        serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
    }

    /// Whether these bytes are a file of this spelling, which may be written over.
    fn is_of(self, bytes: &[u8]) -> bool {
        let Ok(node) = serde_json::from_slice::<Node>(bytes) else { return false };
        let has = |key: &str| node.get(key).is_ok_and(|found| found.is_some());
        let own = match self {
            Self::Legacy => has("maker_taker_ratio") && has("failures"),
            Self::Short => has("maker_taker"),
        };
        own && has("status") && !has("sections")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Answer {
        Answer {
            ok: false,
            kpis: vec![(KpiId::NET_BPS, Some(2.7)), (KpiId::MAKER_TAKER_RATIO, Some(0.0))],
            failures: vec!["net_bps: 2.700 (expected >= 2.9)".to_owned()],
            overridden: None,
        }
    }

    #[test]
    fn each_spelling_has_its_keys_in_their_order_and_its_words() {
        insta::assert_snapshot!(format!("{}(end)", Spelling::Legacy.write(&answer())), @r#"
            {
              "status": "hold",
              "maker_taker_ratio": 0.0,
              "net_bps": 2.7,
              "p95_latency_ms": null,
              "risk_ratio": null,
              "failures": [
                "net_bps: 2.700 (expected >= 2.9)"
              ]
            }
            (end)
            "#);
        insta::assert_snapshot!(format!("{}(end)", Spelling::Short.write(&answer())), @r#"
            {
              "status": "HOLD",
              "maker_taker": 0.0,
              "net_bps": 2.7,
              "p95_latency_ms": null,
              "risk_ratio": null
            }
            (end)
            "#);
        let ok = Answer { ok: true, ..answer() };
        assert!(
            Spelling::Legacy.write(&ok).contains("\"ok\"") && Spelling::Short.write(&ok).contains("\"OK\"")
        );
    }

    #[test]
    fn a_file_is_known_only_by_its_own_spelling() {
        let (legacy, short) = (Spelling::Legacy.write(&answer()), Spelling::Short.write(&answer()));
        assert!(Spelling::Legacy.is_of(legacy.as_bytes()) && Spelling::Short.is_of(short.as_bytes()));
        assert!(!Spelling::Legacy.is_of(short.as_bytes()) && !Spelling::Short.is_of(legacy.as_bytes()));
        for other in
            ["", "{}", "[]", "{\"score\": 1, \"sections\": {}, \"status\": \"x\", \"maker_taker\": 1}"]
        {
            assert!(!Spelling::Short.is_of(other.as_bytes()) && !Spelling::Legacy.is_of(other.as_bytes()));
        }
    }
}
