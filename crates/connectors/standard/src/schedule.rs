//! The `schedule` connector: jobs at moments of a clock.

use std::time::Duration;

use connector::{
    Connector, Delivery, Event, Failure, Flaw, Missed, Timetable, Trigger,
    jiff::{Timestamp, ToSpan as _, civil::DateTime, tz::TimeZone},
    read_duration,
};
use cronexpr::{Crontab, FallbackTimezoneOption, MakeTimestamp, ParseOptions};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const CRON: &str = "five fields: minute, hour, day of the month, month, day of the week; `0 2 * * *` is every night at two";

pub(crate) fn connector() -> Connector {
    Connector::without_connection("schedule", "The clock.").trigger(
        Trigger::scheduled::<With, Moment>(
            "due",
            "A moment has come: by a cron expression, or every so often.",
            Timetable::new::<With>(next, |with| with.missed),
            decode,
        )
        .examined::<With>(flaws),
    )
}

/// Either `cron` or `every`.
#[derive(Deserialize, JsonSchema)]
struct With {
    /// When, as five fields: minute, hour, day of the month, month, day of the week. `0 2 * * *` is every night at two,
    /// `*/15 8-17 * * MON-FRI` every quarter of an hour of a working day. With both days given, either will do.
    #[schemars(example = "0 2 * * *")]
    cron: Option<String>,
    /// How often, such as `15m`: at the multiples of it since midnight of 1 January 1970 in UTC, so that `15m` is at
    /// the quarters of every hour, whenever the service began.
    #[schemars(example = "15m")]
    every: Option<String>,
    /// The zone in which `cron` reads the clock, such as `Europe/Vienna`. Without it, the project's `time_zone`.
    #[schemars(example = "Europe/Vienna")]
    zone: Option<String>,
    /// What becomes of moments that passed while the service was off: `once` fires the last of them, late; `all` fires
    /// each; `skip` fires none.
    #[serde(default)]
    missed: Missed,
}

/// A moment that has come.
#[derive(Serialize, JsonSchema)]
struct Moment {
    /// When the job was made.
    #[schemars(extend("format" = "date-time"))]
    at: String,
    /// When it was due.
    #[schemars(extend("format" = "date-time"))]
    scheduled_for: String,
}

fn decode(_: &With, delivery: &Delivery) -> Result<Vec<Event>, Failure> {
    let due = Timetable::moment(&delivery.body)?;
    let moment = Moment { at: delivery.received_at.to_string(), scheduled_for: due.to_string() };
    Ok(vec![Event::new(due.to_string(), due.to_string(), &moment)?])
}

fn next(with: &With, after: Timestamp, project: &TimeZone) -> Result<Option<Timestamp>, Failure> {
    let wrong = |flaw: Flaw| {
        Failure::permanent("invalid_setting", format!("`{}`: {}", flaw.setting, flaw.message))
            .hint(flaw.help)
    };
    match when(with).map_err(wrong)? {
        When::Every(every) => Ok(next_multiple(every, after)),
        When::Cron(cron, zone) => Ok(cron.next(after, zone.as_ref().unwrap_or(project))),
    }
}

fn flaws(with: &With) -> Vec<Flaw> {
    when(with).err().into_iter().collect()
}

/// What the settings mean.
enum When {
    Every(Duration),
    Cron(Cron, Option<TimeZone>),
}

fn when(with: &With) -> Result<When, Flaw> {
    let flaw = |setting: &str, message: String, help: &str| Flaw {
        setting: setting.into(),
        message,
        help: help.into(),
    };
    match (&with.cron, &with.every) {
        (Some(text), None) => {
            let cron = Cron::read(text).map_err(|message| flaw("cron", message, CRON))?;
            let zone = with.zone.as_deref().map(|zone| {
                TimeZone::get(zone).map_err(|_| {
                    flaw(
                        "zone",
                        format!("`{zone}` is not a time zone"),
                        "name it like `Europe/Vienna` or `UTC`",
                    )
                })
            });
            Ok(When::Cron(cron, zone.transpose()?))
        }
        (None, Some(every)) => {
            let every = read_duration(every)
                .map_err(|message| flaw("every", message, "write it like `15m`, `2h` or `1d`"))?;
            if every < Duration::from_mins(1) {
                return Err(flaw(
                    "every",
                    "it is shorter than a minute".into(),
                    "write `1m` or more",
                ));
            }
            Ok(When::Every(every))
        }
        (Some(_), Some(_)) => Err(flaw(
            "every",
            "`cron` and `every` are both given".into(),
            "keep the one that says when the job is due",
        )),
        (None, None) => Err(flaw(
            "cron",
            "neither `cron` nor `every` is given".into(),
            "write `with: { cron: \"0 2 * * *\" }` for every night at two, or `with: { every: 15m }`",
        )),
    }
}

fn next_multiple(every: Duration, after: Timestamp) -> Option<Timestamp> {
    let every = i64::try_from(every.as_secs()).ok()?;
    let second = after.as_second().div_euclid(every).checked_add(1)?.checked_mul(every)?;
    Timestamp::from_second(second).ok()
}

/// A cron expression.
///
/// Two ways to meet daylight saving. An expression that names its hours is about the clock on the wall: each of its
/// moments comes once a day, one that the clock leaps over when the leap is done, one that the clock shows twice the
/// first time. An expression for every hour (`*` or `*/N`) is about time that passes: it fires in both hours of the
/// same name, and not in the one that never was.
struct Cron {
    /// Over a clock without leaps.
    table: Crontab,
    hourly: bool,
    text: String,
}

impl Cron {
    fn read(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        if fields.len() != 5 {
            let found = match fields.len() {
                0 => "none".into(),
                found => found.to_string(),
            };
            return Err(format!("a cron expression has five fields, found {found}"));
        }
        let table = table(text, "UTC").map_err(|error| reason(text, &error))?;
        let cron = Self { table, hourly: fields[1].starts_with('*'), text: text.to_owned() };
        // The next four years hold every day there is.
        let begin = Timestamp::UNIX_EPOCH;
        if cron.table.find_next(MakeTimestamp(begin)).is_err() {
            return Err("there is no such day in any year".into());
        }
        Ok(cron)
    }

    fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        if self.hourly
            && let Some(name) = zone.iana_name()
        {
            let table = table(&self.text, name).ok()?;
            return table.find_next(MakeTimestamp(after)).ok().map(|moment| moment.timestamp());
        }
        // The wall clock as if it had no leaps; a day's head start, because a leap may set it back.
        let wall = zone.to_datetime(after);
        let mut civil = wall.checked_sub(26.hours()).ok()?;
        loop {
            civil = self.next_on_the_wall(civil)?;
            let moment = zone.to_ambiguous_zoned(civil).compatible().ok()?.timestamp();
            if moment > after {
                return Some(moment);
            }
        }
    }

    fn next_on_the_wall(&self, civil: DateTime) -> Option<DateTime> {
        let utc = civil.to_zoned(TimeZone::UTC).ok()?.timestamp();
        // The crate looks four years ahead; between the leap days around 2100 lie eight.
        let next = |from| self.table.find_next(MakeTimestamp(from)).ok();
        let later =
            || next(civil.saturating_add(4.years()).to_zoned(TimeZone::UTC).ok()?.timestamp());
        Some(TimeZone::UTC.to_datetime(next(utc).or_else(later)?.timestamp()))
    }
}

fn table(text: &str, zone: &str) -> Result<Crontab, cronexpr::Error> {
    let mut options = ParseOptions::default();
    options.fallback_timezone_option = FallbackTimezoneOption::UTC;
    cronexpr::parse_crontab_with(&format!("{text} {zone}"), options)
}

/// Returns the crate's reason in one line, with the field it means.
fn reason(text: &str, error: &cronexpr::Error) -> String {
    let told = error.to_string();
    let line = told.lines().last().unwrap_or_default();
    let Some((before, reason)) = line.split_once("^ ") else { return line.to_owned() };
    let upto = text.get(..before.len()).unwrap_or(text);
    let begin = upto.rfind(char::is_whitespace).map_or(0, |space| space + 1);
    let field = text[begin..].split_whitespace().next().unwrap_or(text);
    format!("`{field}` is not a field of a cron expression: {reason}")
}

#[cfg(test)]
mod tests;
