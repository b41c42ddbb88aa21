//! Custom fields: maps from a company's own field keys to names, types and values.
//!
//! Webhooks: <https://developers.greenhouse.io/webhooks.html#custom-fields>; Harvest v3:
//! <https://harvestdocs.greenhouse.io>.

use std::collections::BTreeMap;

use connector::{Connector, Failure, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value, json};

use crate::place::{Place, day};

/// Custom fields by their keys, which do not change when a field is renamed.
pub type CustomFields = BTreeMap<String, CustomField>;

/// One custom field; `V` is what its value is known to be.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
pub struct CustomField<V = Value> {
    /// Its name as people see it.
    pub name: Option<String>,
    /// Its type: `short_text`, `long_text`, `boolean`, `single_select`, `multi_select`, `currency`, `currency_range`,
    /// `number`, `number_range`, `date`, `url` or `user`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Its value: a text, a number, a list of texts, a map with `amount` and `unit` …; null when it is empty.
    pub value: V,
    /// Of a compensation: what it is, such as `base`.
    pub compensation_type: Option<String>,
    /// Of a compensation: how often, such as `annually`.
    pub frequency: Option<String>,
    /// Of a compensation: why.
    pub rationale: Option<String>,
}

/// The type of a custom field, in Greenhouse's words.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// Yes or no.
    Boolean,
    /// An amount and its unit.
    Currency,
    /// The least and the most amount, and their unit.
    CurrencyRange,
    /// A day.
    Date,
    /// A text of several lines.
    LongText,
    /// Several of the field's options.
    MultiSelect,
    /// A number.
    Number,
    /// The least and the most number.
    NumberRange,
    /// A text of one line.
    ShortText,
    /// One of the field's options.
    SingleSelect,
    /// An address on the web, as somebody wrote it.
    Url,
    /// A user of Greenhouse.
    User,
}

/// The types of the fields that a company has made itself, by their keys. What is not said here is not checked; where
/// something is said, only the fields that stand there can be used.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomFieldTypes {
    /// Fields of applications.
    pub application: Option<BTreeMap<String, FieldType>>,
    /// Fields of candidates.
    pub candidate: Option<BTreeMap<String, FieldType>>,
    /// Fields of jobs.
    pub job: Option<BTreeMap<String, FieldType>>,
    /// Fields of offers.
    #[schemars(example = json!({ "employment_type": "single_select", "start_bonus": "currency" }))]
    pub offer: Option<BTreeMap<String, FieldType>>,
    /// Fields of openings.
    pub opening: Option<BTreeMap<String, FieldType>>,
}

/// An amount of money.
#[derive(Serialize, JsonSchema)]
struct Money {
    /// How much.
    amount: Option<f64>,
    /// The currency, such as `USD`.
    unit: Option<String>,
}

/// The least and the most of something.
#[derive(Serialize, JsonSchema)]
struct Range {
    /// The currency, of a `currency_range`.
    unit: Option<String>,
    /// The least.
    min_value: Option<f64>,
    /// The most.
    max_value: Option<f64>,
}

/// A user of Greenhouse.
#[derive(Serialize, JsonSchema)]
struct ChosenUser {
    /// The id.
    user_id: Option<i64>,
    /// The name.
    name: Option<String>,
    /// The e-mail address.
    email: Option<String>,
    /// The company's own id for the user.
    employee_id: Option<String>,
}

/// A day.
#[derive(Serialize, JsonSchema)]
#[schemars(extend("format" = "date"))]
struct Day(String);

/// Says what the value of a field of each type is once it is read. Any may be empty.
pub(crate) fn declare(connector: Connector) -> Connector {
    connector
        .field_type::<CustomField<Option<bool>>>("boolean")
        .field_type::<CustomField<Option<Money>>>("currency")
        .field_type::<CustomField<Option<Range>>>("currency_range")
        .field_type::<CustomField<Option<Day>>>("date")
        .field_type::<CustomField<Option<String>>>("long_text")
        .field_type::<CustomField<Option<Vec<String>>>>("multi_select")
        .field_type::<CustomField<Option<f64>>>("number")
        .field_type::<CustomField<Option<Range>>>("number_range")
        .field_type::<CustomField<Option<String>>>("short_text")
        .field_type::<CustomField<Option<String>>>("single_select")
        .field_type::<CustomField<Option<String>>>("url")
        .field_type::<CustomField<Option<ChosenUser>>>("user")
}

/// Reads custom fields. An empty list stands for an empty map in some payloads.
pub(crate) fn read(place: &Place) -> Result<CustomFields, Failure> {
    place
        .entries()?
        .into_iter()
        .map(|(key, field)| Ok((key.to_owned(), read_one(key, &field)?)))
        .collect()
}

fn read_one(key: &str, place: &Place) -> Result<CustomField, Failure> {
    // Harvest v1 also has plain maps from keys to values.
    if place.view().get("value").is_none() {
        return Ok(CustomField {
            name: Some(key.to_owned()),
            value: filled(place.view()),
            ..CustomField::default()
        });
    }
    let kind = place.at("type").word()?.map(|kind| match kind.as_str() {
        "yes_no" => "boolean".to_owned(),
        _ => kind,
    });
    let value = filled(place.at("value").view());
    Ok(CustomField {
        name: place.at("name").text()?,
        value: match kind.as_deref() {
            Some("currency") => currency(value),
            Some("currency_range" | "number_range") => range(value),
            Some("number") => number(value),
            Some("date") => date(value),
            _ => value,
        },
        kind,
        compensation_type: place.at("compensation_type").text()?,
        frequency: place.at("frequency").text()?,
        rationale: place.at("rationale").text()?,
    })
}

/// Returns the value, null in place of a blank text.
fn filled(view: View<'_>) -> Value {
    match view {
        View::Text(text) if text.trim().is_empty() => Value::Null,
        view => view.to_value(),
    }
}

/// Returns a currency as `{amount, unit}`: the API also says `{value, currency}` and `{amount, currency_code}`, and
/// once a bare text, which stays as it is.
fn currency(value: Value) -> Value {
    let Value::Object(map) = &value else { return value };
    let one =
        |keys: &[&str]| keys.iter().find_map(|key| map.get(*key)).cloned().unwrap_or(Value::Null);
    let amount = number(one(&["amount", "value"]));
    let unit = one(&["unit", "currency", "currency_code"]);
    Value::Object(Map::from_iter([("amount".into(), amount), ("unit".into(), unit)]))
}

/// Returns a range with numbers for its ends: samples hold `"10000.0"`.
fn range(mut value: Value) -> Value {
    for key in ["min_value", "max_value"] {
        if let Some(end) = value.get_mut(key) {
            *end = number(end.take());
        }
    }
    value
}

/// Returns a number written as text as the number; a text that is no number stays as it is.
fn number(value: Value) -> Value {
    let Value::String(text) = &value else { return value };
    let text = text.trim();
    let whole = text.strip_suffix(".0").unwrap_or(text).parse::<i64>().ok().map(Number::from);
    let read = whole.or_else(|| text.parse::<f64>().ok().and_then(Number::from_f64));
    read.map_or(value, Value::Number)
}

fn date(value: Value) -> Value {
    let read = value.as_str().and_then(|text| day(text.trim()));
    read.map_or(value, Value::String)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn values_are_read_by_their_type() {
        let usd = |amount: f64| json!({ "amount": amount, "unit": "USD" });
        let table = [
            ("short_text", json!("Senior"), json!("Senior")),
            ("short_text", json!(""), json!(null)),
            ("single_select", json!(null), json!(null)),
            ("multi_select", json!(["Season 1", "Season 2"]), json!(["Season 1", "Season 2"])),
            ("multi_select", json!([]), json!([])),
            ("boolean", json!(false), json!(false)),
            (
                "currency",
                json!({ "amount": 80000, "unit": "USD" }),
                json!({ "amount": 80000, "unit": "USD" }),
            ),
            ("currency", json!({ "value": "80000.5", "currency": "USD" }), usd(80000.5)),
            ("currency", json!({ "amount": "80000.5", "currency_code": "USD" }), usd(80000.5)),
            ("currency", json!("$123,000"), json!("$123,000")),
            (
                "currency_range",
                json!({ "unit": "USD", "min_value": "10000.0", "max_value": "20000.0" }),
                json!({ "unit": "USD", "min_value": 10000, "max_value": 20000 }),
            ),
            (
                "number_range",
                json!({ "min_value": 1, "max_value": null }),
                json!({ "min_value": 1, "max_value": null }),
            ),
            ("number", json!("12.5"), json!(12.5)),
            ("number", json!(125), json!(125)),
            ("date", json!("04/15/2013"), json!("2013-04-15")),
            ("date", json!(""), json!(null)),
            ("date", json!("YYYY-MM-DD"), json!("YYYY-MM-DD")),
            (
                "user",
                json!({ "user_id": 94354, "name": "Ben" }),
                json!({ "user_id": 94354, "name": "Ben" }),
            ),
            ("something_new", json!({ "a": 1 }), json!({ "a": 1 })),
        ];
        for (kind, value, expected) in table {
            let fields = json!({ "field": { "name": "Field", "type": kind, "value": value } });
            let read = read(&Place::of_webhook(&fields.into())).unwrap();
            assert_eq!(read["field"].value, expected, "{kind} {value}");
        }
    }

    #[test]
    fn maps_come_empty_plain_or_keyed() {
        assert_eq!(read(&Place::of_webhook(&json!([]).into())).unwrap(), CustomFields::new());
        assert_eq!(read(&Place::of_webhook(&json!(null).into())).unwrap(), CustomFields::new());
        let plain =
            read(&Place::of_webhook(&json!({ "notes": "A note", "best": null }).into())).unwrap();
        assert_eq!(plain["notes"].value, json!("A note"));
        assert_eq!(plain["best"].value, json!(null));
        let pay = json!({ "pay": { "name": "Pay", "type": "currency", "value": { "amount": 1, "unit": "USD" },
            "compensation_type": "base", "frequency": "annually", "rationale": "" } });
        let pay = &read(&Place::of_webhook(&pay.into())).unwrap()["pay"];
        assert_eq!(
            (pay.compensation_type.as_deref(), pay.rationale.as_deref()),
            (Some("base"), None)
        );
        assert!(read(&Place::of_webhook(&json!(["x"]).into())).is_err());
        let old = json!({ "will": { "name": "Will", "type": "yes_no", "value": true } });
        assert_eq!(
            read(&Place::of_webhook(&old.into())).unwrap()["will"].kind.as_deref(),
            Some("boolean")
        );
    }
}
