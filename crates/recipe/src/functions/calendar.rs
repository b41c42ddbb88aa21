//! Reckoning with dates and moments: units of the calendar, their begins and ends, differences, weekdays.
//! A date needs no zone; a moment needs one as soon as a day is meant, because a day is not always 24 hours.

use std::{borrow::Cow, fmt::Display};

use jiff::{
    SignedDuration, Span, Timestamp, Unit, Zoned,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use serde_json::Value;

use super::{
    Call, Fault, Form, Function, Given, Nulls, Wants, constant,
    dates::{check_format, check_zone, exact, find_zone, plain_date, unreadable, written},
    gives_integer, optional, required,
};
use crate::{infer::Sight, schema::Format};

const PLAIN: Function = Function {
    name: "",
    form: Form::Filter,
    parameters: &[],
    columns: false,
    nulls: Nulls::Pass,
    summary: "",
    example: ("", ""),
    may_fail: Some("the text may not be a date"),
    run: |call| Ok(call.take(0)),
    gives: |sight| sight.same_text(),
    check: None,
};

pub(super) const ALL: &[Function] = &[
    Function {
        name: "today",
        form: Form::Function,
        parameters: &[required("zone", Wants::Text)],
        nulls: Nulls::Take,
        summary: "The date of `now()` in the zone",
        example: ("today('Asia/Tokyo')", r#""2027-01-04""#),
        may_fail: Some("there may be no such zone"),
        run: |call| {
            let now = call.scope.now.to_zoned(find_zone(call.text(0))?);
            call.give_text(now.date().to_string())
        },
        gives: |_| written(Format::Date),
        check: Some(|arguments| check_zone(arguments, 0)),
        ..PLAIN
    },
    Function {
        name: "parse_datetime",
        summary: "The moment that the text says, read by `format` (`%d/%m/%Y %H:%M`), in `zone` unless the format reads an \
                  offset (`%z`)",
        parameters: &[
            required("text", Wants::Text),
            required("format", Wants::Text),
            optional("zone", Wants::Text),
        ],
        example: (
            "'04/01/2027 09:30' | parse_datetime('%d/%m/%Y %H:%M', 'Europe/Berlin')",
            r#""2027-01-04T08:30:00Z""#,
        ),
        run: parse_datetime,
        gives: |_| written(Format::DateTime),
        check: Some(|arguments| check_format(arguments, 1).and_then(|()| check_zone(arguments, 2))),
        ..PLAIN
    },
    Function {
        name: "in_zone",
        summary: "The moment written with the clock and the offset of the zone",
        parameters: &[required("moment", Wants::Text), required("zone", Wants::Text)],
        example: (
            "'2027-01-04T09:00:00Z' | in_zone('America/New_York')",
            r#""2027-01-04T04:00:00-05:00""#,
        ),
        run: |call| {
            let there = exact(call.text(0), call.subject)?.to_zoned(find_zone(call.text(1))?);
            let written = there.strftime("%Y-%m-%dT%H:%M:%S%.f%:z").to_string();
            call.give_text(written)
        },
        gives: |_| written(Format::DateTime),
        check: Some(|arguments| check_zone(arguments, 1)),
        ..PLAIN
    },
    Function {
        name: "add_time",
        summary: "The date or moment so many `second`s, `minute`s, `hour`s, `day`s, `week`s, `month`s, `quarter`s or `year`s \
                  later, earlier for a negative number; the 31st becomes the last day of a shorter month",
        parameters: &[
            required("date", Wants::Text),
            required("amount", Wants::Integer),
            constant("unit"),
            optional("zone", Wants::Text),
        ],
        example: (
            "['2027-01-31' | add_time(1, 'month'), '2027-03-27T12:00:00Z' | add_time(1, 'day', 'Europe/London')]",
            r#"["2027-02-28", "2027-03-28T11:00:00Z"]"#,
        ),
        run: add_time,
        gives: |sight| {
            by_days(sight, &[0], 2, 3);
            sight.same_text()
        },
        check: Some(|arguments| check_unit(arguments, 2).and_then(|()| check_zone(arguments, 3))),
        ..PLAIN
    },
    Function {
        name: "start_of",
        summary: "The first day, or in a moment the first second, of its `hour`, `day`, `week` (from Monday), `month`, \
                  `quarter` or `year`",
        parameters: &[
            required("date", Wants::Text),
            constant("unit"),
            optional("zone", Wants::Text),
        ],
        example: (
            "['2027-02-17' | start_of('month'), '2027-02-17T09:30:00Z' | start_of('day', 'Asia/Tokyo')]",
            r#"["2027-02-01", "2027-02-16T15:00:00Z"]"#,
        ),
        run: |call| bound(call, false),
        gives: |sight| {
            by_days(sight, &[0], 1, 2);
            sight.same_text()
        },
        check: Some(|arguments| check_unit(arguments, 1).and_then(|()| check_zone(arguments, 2))),
        ..PLAIN
    },
    Function {
        name: "end_of",
        summary: "The last day, or in a moment the last second, of its `hour`, `day`, `week`, `month`, `quarter` or `year`",
        parameters: &[
            required("date", Wants::Text),
            constant("unit"),
            optional("zone", Wants::Text),
        ],
        example: (
            "['2028-02-17' | end_of('month'), '2027-02-17T09:30:00Z' | end_of('day', 'UTC')]",
            r#"["2028-02-29", "2027-02-17T23:59:59Z"]"#,
        ),
        run: |call| bound(call, true),
        gives: |sight| {
            by_days(sight, &[0], 1, 2);
            sight.same_text()
        },
        check: Some(|arguments| check_unit(arguments, 1).and_then(|()| check_zone(arguments, 2))),
        ..PLAIN
    },
    Function {
        name: "difference",
        summary: "How many whole units the date or moment is after `earlier`; negative when it is before",
        parameters: &[
            required("date", Wants::Text),
            required("earlier", Wants::Text),
            constant("unit"),
            optional("zone", Wants::Text),
        ],
        example: (
            "['2027-03-01' | difference('2025-03-02', 'year'), '2027-01-04T10:30:00Z' | difference('2027-01-04T09:00:00Z', 'hours')]",
            "[1, 1]",
        ),
        run: difference,
        gives: |sight| {
            by_days(sight, &[0, 1], 2, 3);
            gives_integer(sight)
        },
        check: Some(|arguments| check_unit(arguments, 2).and_then(|()| check_zone(arguments, 3))),
        ..PLAIN
    },
    Function {
        name: "weekday",
        summary: "The day of the week, from 1 for Monday to 7 for Sunday; of a moment, in `zone`",
        parameters: &[required("date", Wants::Text), optional("zone", Wants::Text)],
        example: ("'2027-01-04' | weekday", "1"),
        run: |call| {
            let day = day(call, 0, 1)?;
            Ok(Cow::Owned(day.weekday().to_monday_one_offset().into()))
        },
        gives: |sight| {
            sight.needs_zone(0, 1, "its day depends", "weekday(zone='Europe/London')");
            gives_integer(sight)
        },
        check: Some(|arguments| check_zone(arguments, 1)),
        ..PLAIN
    },
    Function {
        name: "epoch",
        summary: "The seconds from 1970-01-01T00:00:00Z to the moment, whole",
        parameters: &[required("moment", Wants::Text)],
        example: ("'2027-01-04T09:30:00Z' | epoch", "1799055000"),
        run: |call| {
            let moment = exact(call.text(0), call.subject)?;
            Ok(Cow::Owned(moment.as_second().into()))
        },
        gives: gives_integer,
        ..PLAIN
    },
    Function {
        name: "from_epoch",
        summary: "The moment so many seconds after 1970-01-01T00:00:00Z; divide milliseconds by 1000 with `//`",
        parameters: &[required("seconds", Wants::Integer)],
        example: ("1799055000 | from_epoch", r#""2027-01-04T09:30:00Z""#),
        may_fail: Some("the number may lead out of the calendar"),
        run: |call| match call.integer(0).and_then(|seconds| Timestamp::from_second(seconds).ok()) {
            Some(moment) => call.give_text(moment.to_string()),
            None => Err(Fault::new(
                "invalid_value",
                format!("{} leads out of the calendar", call.subject),
            )
            .hint("are these milliseconds? divide them: `… // 1000`")),
        },
        gives: |_| written(Format::DateTime),
        ..PLAIN
    },
];

const UNITS: [(&str, Unit, i64); 8] = [
    ("second", Unit::Second, 1),
    ("minute", Unit::Minute, 1),
    ("hour", Unit::Hour, 1),
    ("day", Unit::Day, 1),
    ("week", Unit::Week, 1),
    ("month", Unit::Month, 1),
    ("quarter", Unit::Month, 3),
    ("year", Unit::Year, 1),
];

/// A text that is a date, or one that is a moment.
enum When {
    Day(Date),
    Moment(Timestamp),
}

fn when(text: &str, name: impl Display) -> Result<When, Fault> {
    match plain_date(text) {
        Some(day) => Ok(When::Day(day)),
        None => text.trim().parse().map(When::Moment).map_err(|_| {
            unreadable(
                name,
                text.trim(),
                "a date like `2027-01-04` or a moment like `2027-01-04T09:00:00Z`",
            )
        }),
    }
}

/// Returns the date, or that of the moment in the zone.
fn day(call: &Call<'_, '_>, subject: usize, zone: usize) -> Result<Date, Fault> {
    match when(call.text(subject), call.subject)? {
        When::Day(day) => Ok(day),
        When::Moment(moment) => Ok(there(moment, call, zone)?.date()),
    }
}

fn there(moment: Timestamp, call: &Call<'_, '_>, zone: usize) -> Result<Zoned, Fault> {
    let Some(zone) = call.optional_text(zone) else {
        return Err(Fault::new(
            "invalid_value",
            format!("{} is a moment; its days and months depend on the zone", call.subject),
        )
        .hint("name the zone: `zone='Europe/London'`, or take the date first: `date(zone='Europe/London')`"));
    };
    Ok(moment.to_zoned(find_zone(zone)?))
}

fn unit(name: &str) -> Result<(Unit, i64), Fault> {
    read_unit(name).map_err(|reason| Fault::new("invalid_value", reason))
}

fn read_unit(name: &str) -> Result<(Unit, i64), String> {
    let known =
        UNITS.iter().find(|(unit, ..)| *unit == name || name.strip_suffix('s') == Some(*unit));
    known.map(|(_, unit, times)| (*unit, *times)).ok_or_else(|| {
        let names: Vec<_> = UNITS.iter().map(|(name, ..)| *name).collect();
        format!("`{name}` is no unit of time; units: {}", names.join(", "))
    })
}

fn check_unit(arguments: &[Option<&Value>], index: usize) -> Result<(), (usize, String)> {
    match arguments.get(index).copied().flatten().and_then(Value::as_str) {
        Some(name) => read_unit(name).map(drop).map_err(|reason| (index, reason)),
        None => Ok(()),
    }
}

/// Reports moments whose days, weeks or months are asked for without a zone; hours are the same everywhere.
fn by_days(sight: &mut Sight<'_, '_>, moments: &[usize], unit: usize, zone: usize) {
    let Some((name, _)) = sight.constant(unit) else { return };
    if read_unit(&name).is_ok_and(|(unit, _)| !clocked(unit)) {
        for moment in moments {
            sight.needs_zone(*moment, zone, "its days and months depend", "zone='Europe/London'");
        }
    }
}

fn clocked(unit: Unit) -> bool {
    matches!(unit, Unit::Second | Unit::Minute | Unit::Hour)
}

fn no_clock(call: &Call<'_, '_>) -> Fault {
    Fault::new("invalid_value", format!("{} is a date, which has no hours", call.subject))
        .hint("make a moment of it: `datetime('Europe/London')`")
}

pub(super) fn outside(call: &Call<'_, '_>) -> Fault {
    Fault::new("invalid_value", format!("this leads from {} out of the calendar", call.subject))
}

fn span(unit: Unit, amount: i64) -> Option<Span> {
    let span = Span::new();
    match unit {
        Unit::Year => span.try_years(amount),
        Unit::Month => span.try_months(amount),
        Unit::Week => span.try_weeks(amount),
        _ => span.try_days(amount),
    }
    .ok()
}

fn seconds(unit: Unit) -> i64 {
    match unit {
        Unit::Hour => 3600,
        Unit::Minute => 60,
        _ => 1,
    }
}

fn add_time<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    let (unit, times) = unit(call.text(2))?;
    let amount = call.integer(1).and_then(|amount| amount.checked_mul(times));
    let amount = amount.ok_or_else(|| outside(call))?;
    let moved = match when(call.text(0), call.subject)? {
        When::Day(_) if clocked(unit) => return Err(no_clock(call)),
        When::Day(day) => span(unit, amount)
            .and_then(|span| day.checked_add(span).ok())
            .map(|day| day.to_string()),
        When::Moment(moment) if clocked(unit) => amount
            .checked_mul(seconds(unit))
            .and_then(|by| moment.checked_add(SignedDuration::from_secs(by)).ok())
            .map(|moment| moment.to_string()),
        When::Moment(moment) => {
            let there = there(moment, call, 3)?;
            span(unit, amount)
                .and_then(|span| there.checked_add(span).ok())
                .map(|moved| moved.timestamp().to_string())
        }
    };
    let moved = moved.ok_or_else(|| outside(call))?;
    call.give_text(moved)
}

/// The first or the last of the unit around a date or moment.
fn bound<'a>(call: &mut Call<'_, 'a>, end: bool) -> Given<'a> {
    let (unit, times) = unit(call.text(1))?;
    let found = match when(call.text(0), call.subject)? {
        When::Day(_) if clocked(unit) => return Err(no_clock(call)),
        When::Day(day) => {
            let first = first_day(day, unit, times);
            let last = || next(first?, unit, times)?.yesterday().ok();
            if end { last() } else { first }.map(|day| day.to_string())
        }
        When::Moment(moment) if clocked(unit) => {
            // Offsets are not always whole hours, so an hour begins where the zone's clock says.
            let shift = match call.optional_text(2) {
                Some(zone) => i64::from(find_zone(zone)?.to_offset(moment).seconds()),
                None => 0,
            };
            let length = seconds(unit);
            let start = (moment.as_second() + shift).div_euclid(length) * length - shift;
            Timestamp::from_second(if end { start + length - 1 } else { start })
                .ok()
                .map(|moment| moment.to_string())
        }
        When::Moment(moment) => {
            let there = there(moment, call, 2)?;
            let zone = there.time_zone();
            let begin = |day: Date| day.to_zoned(zone.clone()).ok()?.start_of_day().ok();
            let first = first_day(there.date(), unit, times);
            let last = || {
                let next = begin(next(first?, unit, times)?)?.timestamp();
                next.checked_sub(SignedDuration::from_secs(1)).ok()
            };
            if end { last() } else { first.and_then(begin).map(|first| first.timestamp()) }
                .map(|moment| moment.to_string())
        }
    };
    let found = found.ok_or_else(|| outside(call))?;
    call.give_text(found)
}

fn first_day(day: Date, unit: Unit, times: i64) -> Option<Date> {
    match unit {
        Unit::Year => Some(day.first_of_year()),
        Unit::Month if times == 3 => {
            let month = (day.month() - 1) / 3 * 3 + 1;
            Date::new(day.year(), month, 1).ok()
        }
        Unit::Month => Some(day.first_of_month()),
        Unit::Week => {
            let back = i64::from(day.weekday().to_monday_zero_offset());
            day.checked_sub(Span::new().try_days(back).ok()?).ok()
        }
        _ => Some(day),
    }
}

fn next(first: Date, unit: Unit, times: i64) -> Option<Date> {
    first.checked_add(span(unit, times)?).ok()
}

fn difference<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    let (unit, times) = unit(call.text(2))?;
    let count = match (when(call.text(0), call.subject)?, when(call.text(1), "`earlier`")?) {
        (When::Day(_), When::Day(_)) if clocked(unit) => return Err(no_clock(call)),
        (When::Day(later), When::Day(earlier)) => {
            earlier.until((unit, later)).ok().map(|span| whole_units(&span, unit))
        }
        (When::Moment(later), When::Moment(earlier)) if clocked(unit) => {
            Some(later.duration_since(earlier).as_secs() / seconds(unit))
        }
        (When::Moment(later), When::Moment(earlier)) => {
            let (later, earlier) = (there(later, call, 3)?, there(earlier, call, 3)?);
            earlier.until((unit, &later)).ok().map(|span| whole_units(&span, unit))
        }
        _ => {
            let message = format!("{} and `earlier` are a date and a moment", call.subject);
            return Err(Fault::new("invalid_value", message)
                .hint("make both dates: `date(zone='Europe/London')`"));
        }
    };
    let count = count.ok_or_else(|| outside(call))?;
    Ok(Cow::Owned((count / times).into()))
}

fn whole_units(span: &Span, unit: Unit) -> i64 {
    match unit {
        Unit::Year => i64::from(span.get_years()),
        Unit::Month => i64::from(span.get_months()),
        Unit::Week => i64::from(span.get_weeks()),
        _ => i64::from(span.get_days()),
    }
}

fn parse_datetime<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    let (text, format) = (call.text(0).trim(), call.text(1));
    let wrong = || unreadable(call.subject, text, &format!("a moment written like `{format}`"));
    if let Ok(moment) = Timestamp::strptime(format, text) {
        return call.give_text(moment.to_string());
    }
    let time = DateTime::strptime(format, text).map_err(|_| wrong())?;
    let Some(zone) = call.optional_text(2) else {
        return Err(Fault::new(
            "invalid_value",
            format!("{} has no offset, so it is no moment yet", call.subject),
        )
        .hint("name the zone: `parse_datetime('…', 'Europe/London')`"));
    };
    let zone: TimeZone = find_zone(zone)?;
    let moment = zone.to_timestamp(time).map_err(|_| wrong())?;
    call.give_text(moment.to_string())
}
