//! The two `readiness.json` of the earlier scripts, for those who still read them: keys, order and words as there.
//!
//! They are two formats; a file of one is never replaced by the other, nor by a score.

use serde::Serialize;

use super::node::Node;
use super::provenance::Override;
use crate::core::kpi::KpiId;

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

#[derive(Serialize)]
struct Legacy<'a> {
    status: &'static str,
    maker_taker_ratio: Option<f64>,
    net_bps: Option<f64>,
    p95_latency_ms: Option<f64>,
    risk_ratio: Option<f64>,
    failures: &'a [String],
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    overridden: Option<&'a Override>,
}

#[derive(Serialize)]
struct Short<'a> {
    status: &'static str,
    maker_taker: Option<f64>,
    net_bps: Option<f64>,
    p95_latency_ms: Option<f64>,
    risk_ratio: Option<f64>,
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    overridden: Option<&'a Override>,
}

impl Spelling {
    /// The file: two blanks of indent, a final newline, keys in the order that its readers know.
    pub fn write(self, answer: &Answer) -> String {
        let of = |kpi: KpiId| answer.kpis.iter().find(|(of, _)| *of == kpi).and_then(|(_, value)| *value);
        let (maker, net) = (of(KpiId::MAKER_TAKER_RATIO), of(KpiId::NET_BPS));
        let (p95_latency_ms, risk_ratio) = (of(KpiId::P95_LATENCY_MS), of(KpiId::RISK_RATIO));
        let overridden = answer.overridden.as_ref();
        let written = match self {
            Self::Legacy => serde_json::to_string_pretty(&Legacy {
                status: if answer.ok { "ok" } else { "hold" },
                maker_taker_ratio: maker,
                net_bps: net,
                p95_latency_ms,
                risk_ratio,
                failures: &answer.failures,
                overridden,
            }),
            Self::Short => serde_json::to_string_pretty(&Short {
                status: if answer.ok { "OK" } else { "HOLD" },
                maker_taker: maker,
                net_bps: net,
                p95_latency_ms,
                risk_ratio,
                overridden,
            }),
        };
        // Derived maps of texts and numbers have no way to fail.
        written.unwrap_or_default() + "\n"
    }

    /// Whether these bytes are a file of this spelling, which may be written over.
    pub fn is_of(self, bytes: &[u8]) -> bool {
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
        let legacy = "{\n  \"status\": \"hold\",\n  \"maker_taker_ratio\": 0.0,\n  \"net_bps\": 2.7,\n  \
                      \"p95_latency_ms\": null,\n  \"risk_ratio\": null,\n  \"failures\": [\n    \
                      \"net_bps: 2.700 (expected >= 2.9)\"\n  ]\n}\n";
        assert_eq!(Spelling::Legacy.write(&answer()), legacy);
        let short = "{\n  \"status\": \"HOLD\",\n  \"maker_taker\": 0.0,\n  \"net_bps\": 2.7,\n  \
                     \"p95_latency_ms\": null,\n  \"risk_ratio\": null\n}\n";
        assert_eq!(Spelling::Short.write(&answer()), short);
        let ok = Answer { ok: true, ..answer() };
        assert!(
            Spelling::Legacy.write(&ok).contains("\"ok\"") && Spelling::Short.write(&ok).contains("\"OK\"")
        );
    }

    #[test]
    fn a_file_is_known_by_its_own_spelling_alone() {
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
