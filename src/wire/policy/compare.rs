//! `[compare]`: when a run is worse than another one.

use crate::core::compare::ORDER;
use crate::core::policy::{CompareRules, Margin};

use super::gates::{Known, min_iterations, sourced};
use super::reader::{Read, Reader};
use super::tree::{Key, Value};
use super::{values, words};

/// Planned extensions at most: the error rates are known for no more.
const MOST_EXTENSIONS: u64 = 1;

pub(super) fn read(reader: &mut Reader<'_>, known: Known<'_>) -> Read<CompareRules> {
    let table = Key::new("compare");
    let window = reader.required(&table.at("window"), "a window", words::window);
    let error_rate = reader.required(&table.at("error_rate"), "a share", error_rate);
    let extensions = reader.required(&table.at("extensions"), "0 or 1", extensions);
    let minimum = reader.required(&table.at("min_iterations"), "a number or `window`", values::minimum);
    let min_iterations = min_iterations(reader, known.windows, &window, &minimum);
    let margins = ORDER.map(|kpi| {
        let key = table.at("kpi").at(known.kpis.name(kpi));
        let absolute = reader.required(&key.at("absolute"), "a number", values::not_negative);
        let relative = reader.required(&key.at("relative"), "a share", values::not_negative);
        Ok(Margin { absolute: sourced(reader, &absolute?), relative: sourced(reader, &relative?) })
    });
    let [maker, net, latency, risk] = margins;
    let error_rate = error_rate?;
    Ok(CompareRules {
        window: window?.value,
        error_rate: sourced(reader, &error_rate),
        extensions: extensions?.value,
        min_iterations: min_iterations?,
        margins: [maker?, net?, latency?, risk?],
    })
}

/// Above 0 and below a half: at a half a coin would do.
fn error_rate(value: &Value) -> Result<f64, String> {
    let rate = values::number(value)?;
    if rate > 0.0 && rate < 0.5 {
        return Ok(rate);
    }
    Err(format!("expected a share above 0 and below 0.5, found {rate}"))
}

fn extensions(value: &Value) -> Result<u64, String> {
    let count = values::whole(value)?;
    if count <= MOST_EXTENSIONS {
        return Ok(count);
    }
    Err(format!("expected 0 or {MOST_EXTENSIONS}, found {count}: the error rate is known for no more looks"))
}
