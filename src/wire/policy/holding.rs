//! How a gate holds its statistic against its limit: as a point or by a bound of its confidence, over the whole
//! window or in so many of the last iterations. Combinations that could never judge are errors here.

use crate::core::policy::{HoldCount, Judge, Statistic, WindowSpec, Windows};
use crate::stats::intervals;

use super::reader::{Found, Noted, Read, Reader};
use super::tree::{Key, Value};
use super::values;
use super::words::Side;

/// What the keys must fit.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) window: &'a Read<Found<WindowSpec>>,
    pub(super) statistic: &'a Read<Found<Statistic>>,
    pub(super) windows: Read<Windows>,
}

impl Asked<'_> {
    /// The length of the window; `None` where it has no fixed one.
    fn length(&self) -> Read<Option<usize>> {
        let window = self.window.as_ref().map_err(|noted| *noted)?;
        Ok(window.value.length(&self.windows?))
    }

    fn statistic(&self) -> Read<Statistic> {
        self.statistic.as_ref().map(|found| found.value).map_err(|noted| *noted)
    }
}

/// One-sided: at a half a coin would do, and nothing is certain.
pub(super) fn confidence(value: &Value) -> Result<f64, String> {
    let share = values::number(value)?;
    if share > 0.5 && share < 1.0 {
        return Ok(share);
    }
    Err(format!("expected a share above 0.5 and below 1, found {share}"))
}

/// `judge` and `confidence`.
pub(super) fn judge(
    reader: &mut Reader<'_>,
    asked: Asked<'_>,
    side: &Read<Found<Side>>,
    confidence: &Read<Found<f64>>,
) -> Read<Judge> {
    let (Ok(side), Ok(confidence)) = (side, confidence) else { return Err(Noted) };
    let judge = match side.value {
        Side::Point => return Ok(Judge::Point),
        Side::Lower => Judge::Lower(confidence.value),
        Side::Upper => Judge::Upper(confidence.value),
    };
    let statistic = asked.statistic()?;
    if !matches!(statistic, Statistic::Mean | Statistic::Median) {
        let problem = format!(
            "a bound is known for `mean` and `median`, not for `{}`; expected `point`, or another statistic",
            statistic.word()
        );
        return Err(reader.note(&side.place, problem));
    }
    match asked.length()? {
        Some(length) if length < intervals::FEWEST => {
            let problem = format!(
                "a window of {length} never gives a bound; expected `point`, or a window of at least {}",
                intervals::FEWEST
            );
            Err(reader.note(&side.place, problem))
        }
        _ => Ok(judge),
    }
}

/// `holds_for`, or `holds_in` with `over_last`. A layer that has one takes the place of the other below it.
pub(super) fn count(reader: &mut Reader<'_>, asked: Asked<'_>, key: &Key) -> Read<Option<HoldCount>> {
    let keys = [key.at("holds_for"), key.at("holds_in")];
    let over = key.at("over_last");
    let holds_for = reader.optional(&keys[0], values::count);
    let holds_in = reader.optional(&keys[1], values::count);
    let over_last = reader.optional(&over, values::count);
    let (chosen, how_many) = reader.topmost_of(&keys);
    if how_many > 1 {
        let place = reader.place_around(key);
        return Err(
            reader.note(&place, "has both `holds_for` and `holds_in`; expected one of them".to_owned())
        );
    }
    let (first, longest, count) = match (chosen, holds_for?, holds_in?, over_last?) {
        (None, _, _, None) => return Ok(None),
        (None, _, _, Some(over)) => {
            let problem = "says over how many iterations, and not in how many; expected `holds_in` beside it";
            return Err(reader.note(&over.place, problem.to_owned()));
        }
        (Some(0), Some(all), ..) => {
            reader.drop_effective(&keys[1]);
            reader.drop_effective(&over);
            let holds = all.value;
            (all.clone(), all, HoldCount { holds, of: holds })
        }
        (Some(_), _, Some(holds), Some(over)) => {
            reader.drop_effective(&keys[0]);
            if holds.value > over.value {
                let problem = format!(
                    "{} of the last {} iterations can never hold; expected at most {}",
                    holds.value, over.value, over.value
                );
                return Err(reader.note(&holds.place, problem));
            }
            let count = HoldCount { holds: holds.value, of: over.value };
            (holds, over, count)
        }
        (Some(_), _, Some(holds), None) => {
            let problem =
                "says in how many iterations, and not over how many; expected `over_last` beside it";
            return Err(reader.note(&holds.place, problem.to_owned()));
        }
        (Some(_), ..) => return Err(Noted),
    };
    let statistic = asked.statistic()?;
    if statistic != Statistic::Each {
        let problem = format!(
            "counts single iterations, and the statistic is `{}`; expected `statistic = \"each\"` beside it",
            statistic.word()
        );
        return Err(reader.note(&first.place, problem));
    }
    match asked.length()? {
        Some(length) if length < count.of => {
            let problem = format!(
                "a window of {length} never holds {} iterations; expected at most {length}, or another window",
                count.of
            );
            Err(reader.note(&longest.place, problem))
        }
        _ => Ok(Some(count)),
    }
}
