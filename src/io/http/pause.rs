//! How long to wait before a request is tried again.
//!
//! Must not decide whether it is tried again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use chrono::{DateTime, Utc};
use ureq::Body;
use ureq::http::Response;

use crate::io::clock::machine_time;

/// The most of a refusal's body that is read, bytes: the wish for a pause is one of a few short keys.
const LONGEST_BODY: u64 = 8 * 1024;

/// The pause that a refusal asks for: `Retry-After` as seconds or as a date, else `parameters.retry_after` of a JSON
/// body, which is Telegram's way. `None` when it asks for none, or in a way that is not understood.
pub(crate) fn asked_for(mut answer: Response<Body>) -> Option<Duration> {
    let header = answer.headers().get("retry-after").and_then(|value| value.to_str().ok());
    if let Some(text) = header {
        return after(text, machine_time());
    }
    let body = answer.body_mut().with_config().limit(LONGEST_BODY).read_to_vec().ok()?;
    let body: serde_json::Value = serde_json::from_slice(&body).ok()?;
    body.pointer("/parameters/retry_after")?.as_u64().map(Duration::from_secs)
}

/// A `Retry-After`; a date that has passed is no pause.
fn after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    Some((date.to_utc() - now).to_std().unwrap_or_default())
}

/// The pause after the given try: doubled each time, between half and the whole of it.
pub(crate) fn back_off(pause: Duration, tried: u32) -> Duration {
    let whole = pause.saturating_mul(1 << (tried - 1).min(6));
    // The keys of std's hasher are random; this is chance enough for two jobs not to march in step.
    let chance = u32::try_from(RandomState::new().hash_one(tried) % 1024).unwrap_or_default();
    whole / 2 + whole / 2 * chance / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_asked_for_in_seconds_or_by_a_date() {
        let now = DateTime::from_timestamp(1_760_270_400, 0).unwrap_or_default(); // 2025-10-12T12:00:00Z
        let seconds = |text: &str| after(text, now).map(|pause| pause.as_secs());
        assert_eq!(seconds("0"), Some(0));
        assert_eq!(seconds(" 17 "), Some(17));
        assert_eq!(seconds("Sun, 12 Oct 2025 12:00:25 GMT"), Some(25));
        assert_eq!(seconds("Sun, 12 Oct 2025 11:59:00 GMT"), Some(0));
        for nothing in ["", "later", "-1", "1.5", "2025-10-12"] {
            assert_eq!(seconds(nothing), None, "{nothing:?}");
        }
    }
}
