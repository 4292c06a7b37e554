//! `[integrity]`: when the time of a run is evidence.

use crate::core::policy::IntegrityRules;

use super::gates::sourced;
use super::reader::{Read, Reader};
use super::tree::Key;
use super::{values, words};

/// The rules of integrity.
pub(super) fn read(reader: &mut Reader<'_>) -> Read<IntegrityRules> {
    let table = Key::new("integrity");
    let share = reader.required(&table.at("elapsed_share"), "a share", values::share);
    let gap = reader.required(&table.at("gap_intervals"), "a number above 1", above_one);
    let steps = reader.required(&table.at("time_steps"), "`warn` or `invalid`", words::time_steps);
    let ahead = reader.required(&table.at("ahead_minutes"), "a number", values::not_negative);
    let (share, gap, steps, ahead) = (share?, gap?, steps?, ahead?);
    Ok(IntegrityRules {
        elapsed_share: sourced(reader, &share),
        gap_intervals: sourced(reader, &gap),
        time_steps: steps.value,
        time_steps_source: reader.source(&steps.place),
        ahead_minutes: sourced(reader, &ahead),
    })
}

/// At 1 every interval that is a little late would be a gap.
fn above_one(value: &super::tree::Value) -> Result<f64, String> {
    let number = values::positive(value)?;
    if number > 1.0 { Ok(number) } else { Err(format!("expected a number above 1, found {number}")) }
}
