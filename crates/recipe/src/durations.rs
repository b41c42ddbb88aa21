//! Durations as people write them: `90s`, `5m`, `2h`, `1d`, and several in a row (`1h 30m`).

use std::time::Duration;

/// How a duration is written, for help lines.
pub(crate) const FORMAT: &str =
    "a duration is a number and a unit, such as `90s`, `5m`, `2h`, `1d` or `1h 30m`";

/// The longest duration; more is a slip of the pen.
const MOST: Duration = Duration::from_hours(8784);

/// Returns the duration that `text` stands for, or why it stands for none.
pub fn parse(text: &str) -> Result<Duration, String> {
    let mut total = Duration::ZERO;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err("a duration is missing".into());
    }
    while !rest.is_empty() {
        let digits = rest.find(|next: char| !next.is_ascii_digit()).unwrap_or(rest.len());
        let number: u64 =
            rest[..digits].parse().map_err(|_| format!("`{text}` is not a duration"))?;
        let unit = rest[digits..].find(|next: char| !next.is_ascii_alphabetic());
        let unit = unit.map_or(rest.len(), |length| digits + length);
        let seconds = match &rest[digits..unit] {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            "" => return Err(format!("`{text}` has no unit")),
            "ms" => {
                total += Duration::from_millis(number);
                0
            }
            unknown => return Err(format!("`{unknown}` is not a unit of time")),
        };
        total = total.saturating_add(Duration::from_secs(number.saturating_mul(seconds)));
        rest = rest[unit..].trim_start();
    }
    if total > MOST {
        return Err(format!("`{text}` is longer than a year"));
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::parse;

    #[test]
    fn reads_what_people_write() {
        for (text, seconds) in [
            ("90s", 90),
            ("5m", 300),
            ("2h", 7200),
            ("1d", 86_400),
            ("1h 30m", 5400),
            ("1h30m", 5400),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
    }

    #[test]
    fn says_what_is_wrong_with_the_rest() {
        assert_eq!(parse("5"), Err("`5` has no unit".into()));
        assert_eq!(parse("5 minutes"), Err("`5 minutes` has no unit".into()));
        assert_eq!(parse("5min"), Err("`min` is not a unit of time".into()));
        assert_eq!(parse("soon"), Err("`soon` is not a duration".into()));
        assert_eq!(parse("-5m"), Err("`-5m` is not a duration".into()));
        assert_eq!(parse("9999d"), Err("`9999d` is longer than a year".into()));
    }
}
