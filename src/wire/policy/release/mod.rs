//! What `release` works by: the needs of a bundle, the score, the canary, the service.

mod canary;
mod score;
mod service;

use crate::core::kpi::KpiTable;
use crate::core::policy::release::ReleasePolicy;

use super::gates::sourced;
use super::reader::{Read, Reader};
use super::tree::Key;
use super::values;

/// Reads everything that `release` works by.
pub(super) fn read(reader: &mut Reader<'_>, kpis: &KpiTable) -> Read<ReleasePolicy> {
    let table = Key::new("release");
    let minimum = reader.required(&table.at("min_iterations"), "a whole number", values::count);
    let ratio = reader.required(&table.at("full_apply_ratio"), "a share", values::share);
    let simulated =
        reader.required(&table.at("simulated_sources"), "a list of names of sources", values::names);
    let score = score::read(reader);
    let canary = canary::read(reader, kpis);
    let service = service::read(reader);
    Ok(ReleasePolicy {
        min_iterations: minimum?.value,
        full_apply_ratio: sourced(reader, &ratio?),
        simulated_sources: simulated?.value,
        score: score?,
        canary: canary?,
        service: service?,
    })
}
