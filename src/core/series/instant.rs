//! Time stamps of iterations: a text in, an instant out. The one place that says what a time is.

use chrono::{DateTime, NaiveDateTime, Utc};

/// A time stamp as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant {
    /// The instant; equal for two spellings of it in other zones.
    pub at: DateTime<Utc>,
    /// Whether the text names its zone; without one it is read as UTC.
    pub has_zone: bool,
}

/// The instant that a text names: RFC 3339, its `T` may be a blank, its zone `+0200` or missing. `None` = no time.
pub fn parse(text: &str) -> Option<Instant> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(Instant { at: time.to_utc(), has_zone: true });
    }
    let text = text.trim();
    let zoned = |format| DateTime::parse_from_str(text, format).ok();
    if let Some(time) = ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z"].into_iter().find_map(zoned) {
        return Some(Instant { at: time.to_utc(), has_zone: true });
    }
    let local = |format| NaiveDateTime::parse_from_str(text, format).ok();
    let formats = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
    let time = formats.into_iter().find_map(local)?;
    Some(Instant { at: time.and_utc(), has_zone: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_instant_has_many_spellings() {
        let at = DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(1_772_354_400);
        for (text, has_zone) in [
            ("2026-03-01T08:40:00Z", true),
            ("2026-03-01T08:40:00.000z", true),
            ("2026-03-01t10:40:00+02:00", true),
            ("2026-03-01 10:40:00+0200", true),
            ("2026-03-01T03:10:00-0530", true),
            ("2026-03-01T08:40:00", false),
            ("2026-03-01 08:40:00.0", false),
            (" 2026-03-01T08:40 ", false),
        ] {
            assert_eq!(parse(text), Some(Instant { at, has_zone }), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "2026-13-45T99:00:00Z",
            "2026-13-45T99:99:99Z",
            "2026-02-30T08:40:00Z",
            "30/11/2026 08:40",
            "2026-03-01",
            "1772354400",
            "yesterday",
            "08:40:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
