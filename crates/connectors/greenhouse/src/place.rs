//! A place in a JSON document: reads what stands there tolerantly, and names the path when it can't.
//!
//! Greenhouse documents its payloads by one sample each, so a value may be missing, null, blank or written in one of
//! several known ways. All that is allowed for here; anything else is a failure that says where it was found, never
//! a value quietly dropped.

use std::fmt;

use connector::{
    Failure, Payload, View,
    jiff::{Timestamp, civil::Date, tz::TimeZone},
};
use serde_json::Value;

/// A place in a JSON document.
#[derive(Debug, Clone)]
pub(crate) struct Place<'a> {
    view: View<'a>,
    path: Path<'a>,
    source: Source,
}

/// How to get to a place, for a message. Copied with each step: most places are read without a word.
#[derive(Debug, Clone, Copy)]
struct Path<'a> {
    steps: [Step<'a>; DEEPEST],
    len: usize,
}

/// Greenhouse nests at most this deep; what lies deeper is told of by where it begins.
const DEEPEST: usize = 10;

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

/// Where a document comes from, for the failure.
#[derive(Debug, Clone, Copy)]
enum Source {
    Webhook,
    Answer,
}

impl<'a> Place<'a> {
    /// Returns the root of a webhook's body.
    pub(crate) fn of_webhook(body: &'a Payload) -> Self {
        Self { view: body.view(), path: Path::ROOT, source: Source::Webhook }
    }

    /// Returns the root of something that the API answered, under a name for messages.
    pub(crate) fn of_answer(value: &'a Value, name: &'a str) -> Self {
        let root = Self { view: value.into(), path: Path::ROOT, source: Source::Answer };
        root.below(root.view, Step::Key(name))
    }

    fn below(&self, view: View<'a>, step: Step<'a>) -> Self {
        Self { view, path: self.path.below(step), source: self.source }
    }

    /// Returns the place of a key; null when it is missing.
    pub(crate) fn at(&self, key: &'a str) -> Self {
        self.below(self.view.get(key).unwrap_or(View::Null), Step::Key(key))
    }

    /// Returns the place of the first of these keys that holds something: Greenhouse has several names for one thing.
    pub(crate) fn at_any(&self, keys: &[&'a str]) -> Self {
        let key = keys.iter().find(|key| self.view.get(key).is_some_and(|view| !blank(view)));
        self.at(key.unwrap_or(&keys[0]))
    }

    /// Returns the value as it stands there.
    pub(crate) fn view(&self) -> View<'a> {
        self.view
    }

    /// Returns whether nothing is there: missing, null, a blank text, an empty list or map.
    pub(crate) fn is_blank(&self) -> bool {
        blank(self.view)
    }

    /// Reads an id, a number or a text, as text.
    pub(crate) fn id(&self) -> Result<Option<String>, Failure> {
        match self.view {
            View::Number(number) if number.is_u64() => Ok(Some(number.to_string())),
            View::Text(text) => Ok(kept(text)),
            View::Null => Ok(None),
            _ => Err(self.unexpected("an id")),
        }
    }

    /// Reads an id that must be there.
    pub(crate) fn required_id(&self) -> Result<String, Failure> {
        self.id()?.ok_or_else(|| self.unexpected("an id"))
    }

    /// Reads a text without the blanks around it; a blank one is none.
    pub(crate) fn text(&self) -> Result<Option<String>, Failure> {
        match self.view {
            View::Text(text) => Ok(kept(text)),
            View::Number(number) => Ok(Some(number.to_string())),
            _ if self.is_blank() => Ok(None),
            _ => Err(self.unexpected("text")),
        }
    }

    /// Reads a word in lower case without the blanks around it: the documented sample has `"other "`.
    pub(crate) fn word(&self) -> Result<Option<String>, Failure> {
        Ok(self.text()?.map(|word| word.to_lowercase()))
    }

    /// Reads yes or no.
    pub(crate) fn flag(&self) -> Result<Option<bool>, Failure> {
        match self.view {
            View::Bool(flag) => Ok(Some(flag)),
            View::Null => Ok(None),
            _ => Err(self.unexpected("true or false")),
        }
    }

    /// Reads a whole number.
    pub(crate) fn whole(&self) -> Result<Option<i64>, Failure> {
        match self.view {
            View::Number(number) if number.is_i64() => Ok(number.as_i64()),
            View::Text(text) if text.trim().parse::<i64>().is_ok() => Ok(text.trim().parse().ok()),
            _ if self.is_blank() => Ok(None),
            _ => Err(self.unexpected("a whole number")),
        }
    }

    /// Reads a day, written `2027-01-04`, `01/04/2027` (month first) or as a moment, into `2027-01-04`.
    pub(crate) fn day(&self) -> Result<Option<String>, Failure> {
        match self.text()? {
            None => Ok(None),
            Some(text) => {
                day(&text).map(Some).ok_or_else(|| self.unexpected("a date such as `2027-01-04`"))
            }
        }
    }

    /// Reads a moment into `2027-01-04T09:00:00Z`; a day alone is its midnight in UTC.
    pub(crate) fn moment(&self) -> Result<Option<String>, Failure> {
        match self.text()? {
            None => Ok(None),
            Some(text) => moment(&text)
                .map(|moment| Some(moment.to_string()))
                .ok_or_else(|| self.unexpected("a moment such as `2027-01-04T09:00:00Z`")),
        }
    }

    /// Reads a map; null, and the empty list that Greenhouse sends in place of an empty map, are none.
    pub(crate) fn map(&self) -> Result<Option<Self>, Failure> {
        match self.view {
            View::Map(map) if map.is_empty() => Ok(None),
            View::Map(_) => Ok(Some(self.clone())),
            _ if self.is_blank() => Ok(None),
            _ => Err(self.unexpected("a map")),
        }
    }

    /// Reads a map that must be there.
    pub(crate) fn required_map(&self) -> Result<Self, Failure> {
        self.map()?.ok_or_else(|| self.unexpected("a map"))
    }

    /// Returns the entries of a map, or none.
    pub(crate) fn entries(&self) -> Result<Vec<(&'a str, Self)>, Failure> {
        let View::Map(map) = self.map()?.map_or(View::Null, |place| place.view) else {
            return Ok(Vec::new());
        };
        Ok(map.iter().map(|(key, view)| (key, self.below(view, Step::Key(key)))).collect())
    }

    /// Reads a list; null is an empty one, and null entries, and those that `read` returns nothing for, are left out.
    pub(crate) fn list<T>(
        &self,
        read: impl Fn(&Self) -> Result<Option<T>, Failure>,
    ) -> Result<Vec<T>, Failure> {
        let entries = match self.view {
            View::List(entries) => entries,
            _ if self.is_blank() => return Ok(Vec::new()),
            _ => return Err(self.unexpected("a list")),
        };
        let mut list = Vec::with_capacity(entries.len());
        for (index, view) in entries.iter().enumerate().filter(|(_, view)| !view.is_null()) {
            list.extend(read(&self.below(view, Step::Index(index)))?);
        }
        Ok(list)
    }

    /// Returns the failure of a place that holds something else than expected. The value itself is not shown: it may
    /// be a salary.
    pub(crate) fn unexpected(&self, expected: &str) -> Failure {
        let found = match self.view {
            View::Null => "is missing",
            View::Bool(_) => "is true or false",
            View::Number(_) => "is a number",
            View::Text(text) if text.trim().is_empty() => "is blank",
            View::Text(_) => "is a text",
            View::List(_) => "is a list",
            View::Map(_) => "is a map",
        };
        let path = self.path;
        match self.source {
            Source::Webhook => Failure::permanent(
                "invalid_payload",
                format!("`{path}` in the webhook {found}, expected {expected}"),
            )
            .hint("The delivery is kept. Compare it with the event in Greenhouse's webhook log, and report the path."),
            Source::Answer => Failure::permanent(
                "unexpected_answer",
                format!("`{path}` in Greenhouse's answer {found}, expected {expected}"),
            )
            .hint("Greenhouse's API may have changed: report the path."),
        }
    }
}

impl<'a> Path<'a> {
    const ROOT: Self = Self { steps: [Step::Index(0); DEEPEST], len: 0 };

    fn below(mut self, step: Step<'a>) -> Self {
        if let Some(next) = self.steps.get_mut(self.len) {
            *next = step;
            self.len += 1;
        }
        self
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.len == 0 {
            return f.write_str("the body");
        }
        for (index, step) in self.steps[..self.len].iter().enumerate() {
            match step {
                Step::Key(key) if index == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// Reads a day in any of the ways in which Greenhouse writes one.
pub(crate) fn day(text: &str) -> Option<String> {
    // Of a moment the day as it is written: an offer starts on that day wherever one reads it.
    let text = if moment(text).is_some() { text.get(..10)? } else { text };
    let date = text.parse::<Date>().or_else(|_| Date::strptime("%m/%d/%Y", text)).ok()?;
    (1000..=9999).contains(&date.year()).then(|| date.to_string())
}

/// Reads a moment in any of the ways in which Greenhouse writes one: `Z`, `+0000` and `+00:00` are all seen.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse::<Timestamp>()
        .or_else(|_| Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text))
        .or_else(|_| Timestamp::strptime("%Y-%m-%d %H:%M:%S %Z", text))
        .or_else(|_| {
            text.parse::<Date>().and_then(|date| Ok(date.to_zoned(TimeZone::UTC)?.timestamp()))
        })
        .ok()
}

fn blank(view: View<'_>) -> bool {
    match view {
        View::Null => true,
        View::Text(text) => text.trim().is_empty(),
        View::List(list) => list.is_empty(),
        View::Map(map) => map.is_empty(),
        View::Bool(_) | View::Number(_) => false,
    }
}

fn kept(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use serde_json::json;

    use super::*;

    #[test]
    fn days_come_in_every_way_that_greenhouse_writes_them() {
        let table = [
            (json!("2015-01-23"), Some("2015-01-23")),
            (json!("04/15/2013"), Some("2013-04-15")),
            (json!(" 2015-01-23 "), Some("2015-01-23")),
            (json!("2012-08-15T00:00:00.000Z"), Some("2012-08-15")),
            (json!(""), None),
            (json!(null), None),
        ];
        for (value, expected) in table {
            assert_eq!(
                Place::of_webhook(&value.clone().into()).day().unwrap().as_deref(),
                expected,
                "{value}"
            );
        }
        for value in [json!("soon"), json!("31/12/2026"), json!("2026-02-30"), json!(true)] {
            let read = Place::of_webhook(&value.clone().into()).day();
            assert!(read.is_err(), "{value}: {read:?}");
        }
    }

    #[test]
    fn moments_come_with_and_without_a_colon_in_the_offset() {
        let table = [
            ("2014-11-20T22:49:14Z", "2014-11-20T22:49:14Z"),
            ("2014-11-20T22:49:14.000Z", "2014-11-20T22:49:14Z"),
            ("2030-01-01T00:00:00+0000", "2030-01-01T00:00:00Z"),
            ("2030-01-01T02:00:00+02:00", "2030-01-01T00:00:00Z"),
            ("2014-11-20", "2014-11-20T00:00:00Z"),
        ];
        for (text, expected) in table {
            assert_eq!(moment(text).unwrap().to_string(), expected, "{text}");
        }
        assert_eq!(moment("yesterday"), None);
    }

    #[test]
    fn a_failure_names_the_path_and_not_the_value() {
        let value = json!({ "offer": { "custom_fields": [1], "starts_at": "80000 USD" } });
        let body = value.into();
        let offer = Place::of_webhook(&body).at("offer");
        let failure = offer.at("starts_at").day().unwrap_err();
        assert_eq!(
            failure.message,
            "`offer.starts_at` in the webhook is a text, expected a date such as `2027-01-04`"
        );
        let failure = offer.at("custom_fields").entries().unwrap_err();
        assert_eq!(
            failure.message,
            "`offer.custom_fields` in the webhook is a list, expected a map"
        );
        assert_eq!(failure.code, "invalid_payload");
    }

    #[test]
    fn ids_are_text_and_blank_is_none() {
        let value = json!({ "a": 46_194_062, "b": " 12 ", "c": "", "d": 1.5, "e": -1 });
        let body = value.into();
        let place = Place::of_webhook(&body);
        assert_eq!(place.at("a").id().unwrap().as_deref(), Some("46194062"));
        assert_eq!(place.at("b").id().unwrap().as_deref(), Some("12"));
        assert_eq!(place.at("c").id().unwrap(), None);
        assert!(place.at("d").id().is_err());
        assert!(place.at("e").id().is_err());
        assert_eq!(
            place.at("f").required_id().unwrap_err().message,
            "`f` in the webhook is missing, expected an id"
        );
        assert_eq!(place.at_any(&["c", "b"]).text().unwrap().as_deref(), Some("12"));
    }
}
