//! Business days: Monday to Friday, without the holidays that the recipe names.

use std::{borrow::Cow, fmt::Display};

use jiff::civil::{Date, Weekday};
use serde_json::Value;

use super::{
    Call, Fault, Form, Function, Given, Nulls, Wants,
    calendar::outside,
    dates::{plain_date, unreadable, written},
    gives_boolean, gives_integer, optional, required,
};
use crate::schema::Format;

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
        name: "is_business_day",
        summary: "Whether the date is a Monday to Friday and not among the holidays (a list of dates)",
        parameters: &[required("date", Wants::Text), optional("holidays", Wants::List)],
        example: ("'2027-01-01' | is_business_day(['2027-01-01'])", "false"),
        run: |call| {
            let day = only_day(call.text(0), call.subject)?;
            let works = works(day, &holidays(call, 1)?);
            Ok(Cow::Owned(works.into()))
        },
        gives: gives_boolean,
        ..PLAIN
    },
    Function {
        name: "add_business_days",
        summary: "The date so many business days (Monday to Friday, without the holidays) later, earlier for a negative number",
        parameters: &[
            required("date", Wants::Text),
            required("days", Wants::Integer),
            optional("holidays", Wants::List),
        ],
        example: ("'2026-12-31' | add_business_days(1, ['2027-01-01'])", r#""2027-01-04""#),
        run: add_business_days,
        gives: |_| written(Format::Date),
        ..PLAIN
    },
    Function {
        name: "business_days_since",
        summary: "How many business days there are after `earlier` up to and with the date; negative when it is before",
        parameters: &[
            required("date", Wants::Text),
            required("earlier", Wants::Text),
            optional("holidays", Wants::List),
        ],
        example: ("'2027-01-05' | business_days_since('2026-12-31', ['2027-01-01'])", "2"),
        run: business_days_since,
        gives: gives_integer,
        ..PLAIN
    },
];

/// The farthest that business days are counted; more than a hundred years.
pub(super) const MAX_BUSINESS_DAYS: i64 = 40_000;

fn holidays(call: &Call<'_, '_>, index: usize) -> Result<Vec<Date>, Fault> {
    let read = |item: &Value| item.as_str().and_then(plain_date);
    let dates: Option<Vec<Date>> = call.list(index).iter().map(read).collect();
    let mut dates = dates.ok_or_else(|| {
        Fault::new("invalid_value", "an item of `holidays` is not a date like `2027-01-04`")
    })?;
    dates.sort_unstable();
    Ok(dates)
}

fn works(day: Date, holidays: &[Date]) -> bool {
    !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
        && holidays.binary_search(&day).is_err()
}

fn add_business_days<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    let mut day = only_day(call.text(0), call.subject)?;
    let holidays = holidays(call, 2)?;
    let days = call.integer(1).unwrap_or(0);
    if days.abs() > MAX_BUSINESS_DAYS {
        let message = format!("{days} business days are more than {MAX_BUSINESS_DAYS}");
        return Err(Fault::new("invalid_value", message).hint("add years with `add_time` first"));
    }
    let mut left = days.abs();
    while left > 0 {
        call.fuel.spend(1)?;
        let moved = if days > 0 { day.tomorrow() } else { day.yesterday() };
        day = moved.map_err(|_| outside(call))?;
        left -= i64::from(works(day, &holidays));
    }
    call.give_text(day.to_string())
}

fn business_days_since<'a>(call: &mut Call<'_, 'a>) -> Given<'a> {
    let day = only_day(call.text(0), call.subject)?;
    let earlier = only_day(call.text(1), "`earlier`")?;
    let holidays = holidays(call, 2)?;
    let (mut at, end, sign) =
        if earlier <= day { (earlier, day, 1_i64) } else { (day, earlier, -1) };
    let mut count = 0_i64;
    while at < end {
        call.fuel.spend(1)?;
        at = at.tomorrow().map_err(|_| outside(call))?;
        count += i64::from(works(at, &holidays));
    }
    Ok(Cow::Owned((count * sign).into()))
}

fn only_day(text: &str, name: impl Display) -> Result<Date, Fault> {
    plain_date(text).ok_or_else(|| {
        unreadable(name, text.trim(), "a date like `2027-01-04`")
            .hint("take the date of a moment with `date(zone='…')`")
    })
}
