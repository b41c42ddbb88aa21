//! Dates and moments. A date is a text like `2027-01-04`, a moment one like `2027-01-04T09:00:00Z`; whatever depends on
//! a zone names it. Zones come from the database in the binary, so that every machine computes the same.

use std::{borrow::Cow, fmt::Display, sync::LazyLock};

use jiff::{
    SignedDuration, Span, Timestamp,
    civil::{Date, DateTime},
    fmt::strtime,
    tz::{TimeZone, TimeZoneDatabase},
};
use serde_json::Value;

use super::{
    Call, Fault, Form, Function, Given, Nulls, Wants, gives_integer, gives_text, optional, required,
};
use crate::schema::{Format, Shape, Text, Type};

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

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
    gives: gives_text,
    check: None,
};

pub(super) const ALL: &[Function] = &[
    Function {
        name: "now",
        form: Form::Function,
        nulls: Nulls::Take,
        summary: "The present moment: the time of the last entry in the job's journal, equal whenever the job is resumed",
        example: ("now()", r#""2027-01-04T09:30:00Z""#),
        may_fail: None,
        run: |call| call.give_text(call.scope.now.to_string()),
        gives: |_| written(Format::DateTime),
        ..PLAIN
    },
    Function {
        name: "date",
        summary: "The date that the text says, read by `format` if it is not written like `2027-01-04`; the date of a \
                  moment in `zone`",
        parameters: &[
            required("text", Wants::Text),
            optional("format", Wants::Text),
            optional("zone", Wants::Text),
        ],
        example: (
            "['04/01/2027' | date('%d/%m/%Y'), '2027-01-04T23:30:00Z' | date(zone='Asia/Tokyo')]",
            r#"["2027-01-04", "2027-01-05"]"#,
        ),
        run: date,
        gives: |sight| {
            if !sight.given(1) {
                sight.needs_zone(0, 2, "its date depends", "date(zone='Europe/London')");
            }
            written(Format::Date)
        },
        check: Some(|arguments| check_format(arguments, 1).and_then(|()| check_zone(arguments, 2))),
        ..PLAIN
    },
    Function {
        name: "datetime",
        summary: "The moment that the text says, in UTC; a date or a time without an offset is taken to be in `zone`",
        parameters: &[required("text", Wants::Text), optional("zone", Wants::Text)],
        example: ("'2027-01-04T09:00' | datetime('America/New_York')", r#""2027-01-04T14:00:00Z""#),
        run: |call| {
            let moment = moment(call)?;
            call.give_text(moment.to_string())
        },
        gives: |_| written(Format::DateTime),
        check: Some(|arguments| check_zone(arguments, 1)),
        ..PLAIN
    },
    Function {
        name: "format_date",
        summary: "The date, or the moment in `zone`, written by `format` (`%d %B %Y`)",
        parameters: &[
            required("date", Wants::Text),
            required("format", Wants::Text),
            optional("zone", Wants::Text),
        ],
        example: ("'2027-01-04' | format_date('%-d %B %Y')", r#""4 January 2027""#),
        run: format_date,
        gives: |sight| {
            let cure = "format_date('…', zone='Europe/London')";
            sight.needs_zone(0, 2, "how it is written depends", cure);
            gives_text(sight)
        },
        check: Some(|arguments| check_format(arguments, 1).and_then(|()| check_zone(arguments, 2))),
        ..PLAIN
    },
    Function {
        name: "add_days",
        summary: "The date so many days later, earlier for a negative number; a moment moves by 24 hours a day",
        parameters: &[required("date", Wants::Text), required("days", Wants::Integer)],
        example: ("'2027-02-27' | add_days(2)", r#""2027-03-01""#),
        run: |call| add(call, 24),
        gives: |sight| sight.same_text(),
        ..PLAIN
    },
    Function {
        name: "add_hours",
        summary: "The moment so many hours later, earlier for a negative number",
        parameters: &[required("moment", Wants::Text), required("hours", Wants::Integer)],
        example: ("'2027-01-04T09:00:00Z' | add_hours(-1)", r#""2027-01-04T08:00:00Z""#),
        run: |call| add(call, 1),
        gives: |_| written(Format::DateTime),
        ..PLAIN
    },
    Function {
        name: "minutes_since",
        summary: "How many whole minutes the moment is after `earlier`",
        parameters: &[required("moment", Wants::Text), required("earlier", Wants::Text)],
        example: ("'2027-01-04T10:30:00Z' | minutes_since('2027-01-04T09:00:00Z')", "90"),
        run: |call| {
            let passed = exact(call.text(0), call.subject)?
                .duration_since(exact(call.text(1), "`earlier`")?);
            Ok(Cow::Owned(passed.as_secs().div_euclid(60).into()))
        },
        gives: gives_integer,
        ..PLAIN
    },
    Function {
        name: "days_since",
        summary: "How many days the date is after `earlier`",
        parameters: &[required("date", Wants::Text), required("earlier", Wants::Text)],
        example: ("'2027-03-01' | days_since('2027-02-27')", "2"),
        run: |call| {
            let (later, earlier) = (call.text(0), call.text(1));
            let later =
                plain_date(later).ok_or_else(|| unreadable(call.subject, later, "a date"))?;
            let earlier =
                plain_date(earlier).ok_or_else(|| unreadable("`earlier`", earlier, "a date"))?;
            Ok(Cow::Owned(earlier.until(later).map_or(0, |span| span.get_days()).into()))
        },
        gives: gives_integer,
        ..PLAIN
    },
];

fn date<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    let text = call.text(0).trim();
    if let Some(format) = call.optional_text(1) {
        let date = Date::strptime(format, text).map_err(|_| {
            unreadable(call.subject, text, &format!("a date written like `{format}`"))
        })?;
        return call.give_text(date.to_string());
    }
    if let Some(date) = plain_date(text) {
        return call.give_text(date.to_string());
    }
    let Ok(moment) = text.parse::<Timestamp>() else {
        return Err(unreadable(call.subject, text, "a date like `2027-01-04`")
            .hint("if it is written in another way, say how: `date('%d/%m/%Y')`"));
    };
    let Some(zone) = call.optional_text(2) else {
        return Err(Fault::new(
            "invalid_value",
            format!("{} is a moment; its date depends on the zone", call.subject),
        )
        .hint("name the zone: `date(zone='Europe/London')`"));
    };
    let date = moment.to_zoned(find_zone(zone)?).date();
    call.give_text(date.to_string())
}

fn moment(call: &Call<'_, '_>) -> Result<Timestamp, Fault> {
    let text = call.text(0).trim();
    if let Ok(moment) = text.parse() {
        return Ok(moment);
    }
    let Ok(time) = text.parse::<DateTime>() else {
        return Err(unreadable(call.subject, text, "a moment like `2027-01-04T09:00:00Z`"));
    };
    let Some(zone) = call.optional_text(1) else {
        return Err(Fault::new(
            "invalid_value",
            format!("{} has no offset, so it is no moment yet", call.subject),
        )
        .hint("name the zone: `datetime('Europe/London')`"));
    };
    find_zone(zone)?.to_timestamp(time).map_err(|_| unreadable(call.subject, text, "a moment"))
}

fn format_date<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    let (text, format) = (call.text(0).trim(), call.text(1));
    let written = if let Some(date) = plain_date(text) {
        strtime::format(format, date)
    } else {
        let moment = exact(text, call.subject)?;
        let Some(zone) = call.optional_text(2) else {
            return Err(Fault::new(
                "invalid_value",
                format!("{} is a moment; how it is written depends on the zone", call.subject),
            )
            .hint("name the zone: `format_date('…', zone='Europe/London')`"));
        };
        strtime::format(format, &moment.to_zoned(find_zone(zone)?))
    };
    match written {
        Ok(written) => call.give_text(written),
        Err(_) => Err(Fault::new("invalid_value", format!("`{format}` cannot write this date"))),
    }
}

fn add<'a>(call: &mut Call<'_, 'a>, hours: i64) -> Given<'a> {
    let text = call.text(0).trim();
    let count = call.integer(1).unwrap_or(0);
    let moved = if let (24, Some(date)) = (hours, plain_date(text)) {
        Span::new()
            .try_days(count)
            .and_then(|days| date.checked_add(days))
            .map(|date| date.to_string())
    } else {
        let moment = exact(text, call.subject)?;
        let by =
            count.checked_mul(hours * 3600).map_or(SignedDuration::MAX, SignedDuration::from_secs);
        moment.checked_add(by).map(|moment| moment.to_string())
    };
    match moved {
        Ok(moved) => call.give_text(moved),
        Err(_) => {
            Err(Fault::new("invalid_value", format!("{count} more leads out of the calendar")))
        }
    }
}

pub(super) fn plain_date(text: &str) -> Option<Date> {
    // Ten characters: a date with a time behind it is not a date.
    (text.trim().len() == 10).then(|| text.trim().parse().ok()).flatten()
}

pub(super) fn exact(text: &str, name: impl Display) -> Result<Timestamp, Fault> {
    text.trim().parse().map_err(|_| unreadable(name, text, "a moment like `2027-01-04T09:00:00Z`"))
}

pub(super) fn find_zone(name: &str) -> Result<TimeZone, Fault> {
    ZONES.get(name).map_err(|_| Fault::new("invalid_value", unknown_zone(name)))
}

fn unknown_zone(name: &str) -> String {
    format!("there is no time zone `{name}`; zones are named like `Europe/London`")
}

pub(super) fn unreadable(name: impl Display, text: &str, wanted: &str) -> Fault {
    let shown: String = text.chars().take(60).collect();
    Fault::new("invalid_value", format!("{name} is `{shown}`, which is not {wanted}"))
}

pub(super) fn check_zone(
    arguments: &[Option<&Value>],
    index: usize,
) -> Result<(), (usize, String)> {
    match arguments.get(index).copied().flatten().and_then(Value::as_str) {
        Some(zone) if ZONES.get(zone).is_err() => Err((index, unknown_zone(zone))),
        _ => Ok(()),
    }
}

pub(super) fn check_format(
    arguments: &[Option<&Value>],
    index: usize,
) -> Result<(), (usize, String)> {
    let Some(format) = arguments.get(index).copied().flatten().and_then(Value::as_str) else {
        return Ok(());
    };
    // A moment has every field that a format can name.
    let sample = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    strtime::format(format, &sample).map(drop).map_err(|_| {
        (
            index,
            format!(
                "`{format}` is not a date format; they are made of pieces like `%d`, `%m`, `%Y`"
            ),
        )
    })
}

pub(super) fn written(format: Format) -> Shape {
    Shape::of(Type::Text(Text { format, choices: Vec::new() }))
}
