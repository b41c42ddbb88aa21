//! How long a vendor asks us to wait: `Retry-After` and `X-RateLimit-Reset` in all the ways they are written.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use reqwest::header::HeaderMap;

/// The longest wait taken from an answer. Whoever asks for more is asked again after a day.
const LONGEST: Duration = Duration::from_hours(24);

/// Returns how long to wait after an answer that says "later": `Retry-After`, else the end of the rate window.
pub(super) fn asked_wait(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    // A moment is the vendor's, and so is the clock to hold it against: ours may be wrong, or theirs.
    let theirs = text(headers, "date").and_then(|date| rfc2822::parse(date.trim()).ok());
    let now = theirs.map_or(now, |date| date.timestamp());
    let from = |name| until(text(headers, name)?, now);
    from("retry-after").or_else(|| from("x-ratelimit-reset")).or_else(|| from("ratelimit-reset"))
}

/// Returns how long nothing may be sent after any answer: until the window's end when none remain in it, or as long as
/// `Retry-After` says.
pub(super) fn learnt_pause(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let remain = ["x-ratelimit-remaining", "ratelimit-remaining"]
        .iter()
        .find_map(|name| text(headers, name));
    let used_up = remain.is_some_and(|remain| remain.trim().parse() == Ok(0_u64));
    if used_up || headers.contains_key("retry-after") { asked_wait(headers, now) } else { None }
}

/// Returns how many requests the rate limit allows, and how many remain.
pub(super) fn told_rate(headers: &HeaderMap) -> (Option<u64>, Option<u64>) {
    let number = |names: [&str; 2]| {
        let text = names.into_iter().find_map(|name| text(headers, name))?;
        text.trim().parse().ok()
    };
    (
        number(["x-ratelimit-limit", "ratelimit-limit"]),
        number(["x-ratelimit-remaining", "ratelimit-remaining"]),
    )
}

/// Reads seconds, a moment in seconds or milliseconds since 1970, or a date.
fn until(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let moment = match text.parse::<u64>() {
        Ok(number) if number > 100_000_000_000 => {
            Timestamp::from_millisecond(number.try_into().ok()?).ok()?
        }
        Ok(number) if number > 1_000_000_000 => {
            Timestamp::from_second(number.try_into().ok()?).ok()?
        }
        Ok(number) => return Some(Duration::from_secs(number).min(LONGEST)),
        Err(_) => match text.parse::<f64>() {
            Ok(number) => {
                return Duration::try_from_secs_f64(number).ok().map(|wait| wait.min(LONGEST));
            }
            Err(_) => rfc2822::parse(text).ok()?.timestamp(),
        },
    };
    let wait = moment.duration_since(now).max(SignedDuration::ZERO);
    Duration::try_from(wait).ok().map(|wait| wait.min(LONGEST))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    type Written = &'static [(&'static str, &'static str)];

    fn headers(list: Written) -> HeaderMap {
        list.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn waits_are_read_however_they_are_written() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let table: [(Written, Option<f64>); 17] = [
            (
                &[
                    ("date", "Mon, 23 Nov 2026 13:00:00 GMT"),
                    ("retry-after", "Mon, 23 Nov 2026 13:00:20 GMT"),
                ],
                Some(20.0),
            ),
            (
                &[("date", "Mon, 23 Nov 2026 11:00:00 GMT"), ("retry-after", "1795431605")],
                Some(5.0),
            ),
            (&[("date", "today"), ("retry-after", "Mon, 23 Nov 2026 12:00:20 GMT")], Some(20.0)),
            (&[("retry-after", "7")], Some(7.0)),
            (&[("retry-after", " 0 ")], Some(0.0)),
            (&[("retry-after", "1.5")], Some(1.5)),
            (&[("retry-after", "Mon, 23 Nov 2026 12:00:20 GMT")], Some(20.0)),
            (&[("retry-after", "Mon, 23 Nov 2026 11:00:00 GMT")], Some(0.0)),
            (&[("retry-after", "1795435230")], Some(30.0)),
            (&[("retry-after", "1795435230000")], Some(30.0)),
            (&[("retry-after", "99999999")], Some(86_400.0)),
            (&[("retry-after", "-3")], None),
            (&[("retry-after", "soon")], None),
            (&[("x-ratelimit-reset", "1795435215")], Some(15.0)),
            (&[("x-ratelimit-reset", "12")], Some(12.0)),
            (&[("x-ratelimit-reset", "12"), ("retry-after", "3")], Some(3.0)),
            (&[], None),
        ];
        for (list, expected) in table {
            assert_eq!(
                asked_wait(&headers(list), now),
                expected.map(Duration::from_secs_f64),
                "{list:?}"
            );
        }
    }

    #[test]
    fn a_pause_is_learnt_when_nothing_remains_in_the_window() {
        let now = Timestamp::UNIX_EPOCH;
        let table: [(Written, Option<u64>); 4] = [
            (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "9")], Some(9)),
            (&[("x-ratelimit-remaining", "1"), ("x-ratelimit-reset", "9")], None),
            (&[("x-ratelimit-remaining", "0")], None),
            (&[("retry-after", "4")], Some(4)),
        ];
        for (list, expected) in table {
            assert_eq!(
                learnt_pause(&headers(list), now),
                expected.map(Duration::from_secs),
                "{list:?}"
            );
        }
    }
}
