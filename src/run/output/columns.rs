//! Which KPIs of a run the table at its end, the line of an iteration and its log event show, and by what names.

use crate::core::kpi::KpiId;
use crate::core::policy::{Policy, Profile};

/// A KPI as it is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Column {
    pub(crate) kpi: KpiId,
    /// Its key in log events.
    pub(crate) key: &'static str,
    /// What people call it.
    pub(crate) title: &'static str,
    /// Whether it is shown as percent.
    pub(crate) is_percent: bool,
    /// Characters of its number in the line of an iteration.
    pub(crate) width: usize,
}

const fn known(kpi: KpiId, title: &'static str, is_percent: bool, width: usize) -> Column {
    Column { kpi, key: title, title, is_percent, width }
}

/// The columns of the trading bot's table, whatever the verdict rests on.
const TABLE: [Column; 6] = [
    known(KpiId::NET_BPS, "net", false, 6),
    known(KpiId::RISK_RATIO, "risk", false, 5),
    known(KpiId::ADVERSE_BPS_P95, "adv_p95", false, 6),
    known(KpiId::SLIPPAGE_BPS_P95, "sl_p95", false, 6),
    known(KpiId::MIN_INTERVAL_RATIO, "min_int%", true, 5),
    known(KpiId::CONCURRENCY_RATIO, "conc%", true, 5),
];

/// Those of its line.
const LINE: [Column; 4] = [
    known(KpiId::NET_BPS, "net", false, 6),
    known(KpiId::RISK_RATIO, "risk", false, 5),
    known(KpiId::MAKER_TAKER_RATIO, "maker", false, 5),
    known(KpiId::P95_LATENCY_MS, "p95", false, 4),
];

/// The columns of a policy.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    /// Of the table at the end of the run.
    pub(crate) table: Vec<Column>,
    /// Of an iteration's line and log event.
    pub(crate) line: Vec<Column>,
    /// Whether they begin with those of the trading bot.
    pub(crate) is_trading: bool,
    /// Whether there is anything to tune.
    pub(crate) tunes: bool,
}

impl Columns {
    /// The KPIs that the verdict rests on, in their order; those of the trading bot keep the places that its readers know.
    pub(crate) fn of(policy: &Policy) -> Self {
        let of_verdict = policy.kpis.of_verdict().iter().filter(|kpi| !kpi.is_built_in());
        let declared = of_verdict.map(|kpi| Column {
            kpi: *kpi,
            key: kpi.name,
            title: kpi.label.unwrap_or(kpi.name),
            is_percent: false,
            width: 6,
        });
        let is_trading = policy.profile == Profile::Trading;
        let of_bot = |columns: &[Column]| if is_trading { columns.to_vec() } else { Vec::new() };
        Self {
            table: of_bot(&TABLE).into_iter().chain(declared.clone()).collect(),
            line: of_bot(&LINE).into_iter().chain(declared).collect(),
            is_trading,
            tunes: policy.run.tunes(),
        }
    }
}
