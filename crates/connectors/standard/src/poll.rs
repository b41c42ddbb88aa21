//! `http.poll`: what is new in a list that an HTTP service gives, asked for every so often.
//!
//! Three ways to know what is new, chosen by what the service can do. With a `since` parameter, only what changed from a
//! moment on is asked for, and a window before it once more. With a `cursor`, the service says where to go on. With
//! neither, the whole list is read each time. What was there before is passed over by its key in every case.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use connector::{
    Call, Declared, Delivery, Event, Failure, Flaw, Found, From, Page, Trigger,
    hmac::sha256_hex,
    http::Method,
    jiff::{SignedDuration, Timestamp},
    read_duration,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::http::Service;

/// How often to ask when the recipe does not say.
const EVERY: Duration = Duration::from_mins(5);
/// How much of the time that was read already is read again when the recipe does not say.
const OVERLAP: Duration = Duration::from_mins(10);

pub(crate) fn trigger() -> Trigger {
    Trigger::polled::<Service, With, Item, _>(
        "poll",
        "A list has something new: an HTTP service is asked every so often.",
        EVERY,
        read,
        decode,
    )
    .examined::<With>(flaws)
}

/// Which list, and how to know what is new in it.
#[derive(Deserialize, JsonSchema)]
struct With {
    /// The path below the connection's base URL.
    #[schemars(example = "/tickets")]
    path: String,
    /// The query: texts, numbers, true or false, or lists of them.
    #[serde(default)]
    #[schemars(example = json!({ "status": "open" }))]
    query: Map<String, Value>,
    /// Headers beside the connection's.
    #[serde(default)]
    #[schemars(example = json!({ "Accept-Language": "en" }))]
    headers: BTreeMap<String, String>,
    /// Where the list is in the answer, such as `data.items`; the answer itself when left out.
    #[schemars(example = "data.items")]
    list: Option<String>,
    /// Where an item says who it is, such as `id`; with several, all of them together. An item whose key was there
    /// before makes no job: to hear of changes as well, add what changes, such as `updated_at`.
    #[schemars(example = ["id"])]
    key: Vec<String>,
    /// Where an item says what it is about, for the order of jobs; jobs of one value go one after the other.
    #[schemars(example = &"id")]
    order: Option<String>,
    /// The parameter that takes a moment: only what is new from then on is asked for.
    #[schemars(example = &"updated_after")]
    since: Option<String>,
    /// With `since`: how much of the time that was asked for before is asked for again, so that nothing falls between
    /// two looks. Ten minutes when left out.
    #[schemars(example = "10m")]
    overlap: Option<String>,
    /// How the service tells where to go on.
    cursor: Option<Cursor>,
    /// What an item holds, as a declared shape: the check then knows its fields. An item that is not so waits for a
    /// person; fields that are not declared may be there, and cannot be used.
    #[serde(default)]
    #[schemars(
        with = "Value",
        extend("x-declares" = true),
        example = json!({ "id": "text", "updated_at": "datetime?" })
    )]
    item: Option<Declared>,
    /// How often to ask, such as `2m`; five minutes when left out.
    #[expect(dead_code, reason = "the engine reads it")]
    #[schemars(example = "2m")]
    every: Option<String>,
}

/// Where to go on, in the service's own words.
#[derive(Deserialize, JsonSchema)]
struct Cursor {
    /// Where it is in the answer, such as `meta.next_cursor`. As long as it is there, there is more to read at once.
    #[schemars(example = "meta.next_cursor")]
    from: String,
    /// The parameter that takes it.
    #[schemars(example = &"cursor")]
    parameter: String,
    /// Whether it is kept from look to look: the service lists from the oldest to the newest, and what was read is not
    /// listed again. Otherwise each look begins anew.
    #[serde(default)]
    kept: bool,
}

/// Something new in the list.
#[derive(Serialize, JsonSchema)]
struct Item {
    /// The item as the service gives it.
    #[schemars(extend("x-declared-in" = "with.item"))]
    item: Value,
    /// Its key.
    key: String,
}

/// Reads one page. The cursor is `{ "since", "until", "page" }`: from when on is asked, when this look began, and the
/// service's own cursor.
async fn read(service: Arc<Service>, call: Call, with: With, from: From) -> Result<Page, Failure> {
    let text = |name: &str| Some(from.cursor.as_ref()?.get(name)?.as_str()?.to_owned());
    let moment = |name: &str| text(name).and_then(|text| text.parse::<Timestamp>().ok());
    let since = moment("since").unwrap_or(from.since);
    let until = moment("until").unwrap_or_else(|| call.clock.now());
    let page = text("page");
    let mut query = with.query.clone();
    if let Some(parameter) = &with.since {
        query.insert(parameter.clone(), since.to_string().into());
    }
    if let (Some(cursor), Some(page)) = (&with.cursor, &page) {
        query.insert(cursor.parameter.clone(), page.clone().into());
    }
    let request = service.request(Method::GET, &with.path, &query, &with.headers)?;
    let answer = request.doing("asking for what is new").send(&call).await?;
    let body = answer.value()?;
    let place = with.list.as_deref().unwrap_or_default();
    let Some(Value::Array(list)) = at(&body, place) else {
        let found = if place.is_empty() {
            "something else than a list; say with `list` where the list is".into()
        } else {
            format!("no list at `{place}`")
        };
        return Err(answer.unreadable(&found));
    };
    let mut found = Vec::with_capacity(list.len());
    for item in list {
        let key = key(&with, item).map_err(|why| answer.unreadable(&why))?;
        found.push(Found::json(&json!({ "key": key, "item": item })));
    }
    let next = with.cursor.as_ref().and_then(|cursor| scalar(at(&body, &cursor.from)?));
    // A cursor that stays where it was leads nowhere: there is nothing more now.
    let more = next.is_some() && next != page && !list.is_empty();
    let overlap = with.overlap.as_deref().and_then(|text| read_duration(text).ok());
    let overlap = SignedDuration::try_from(overlap.unwrap_or(OVERLAP)).unwrap_or_default();
    let kept = with.cursor.as_ref().is_some_and(|cursor| cursor.kept);
    let cursor = if more {
        json!({ "since": since, "until": until, "page": next })
    } else {
        let since = until.checked_sub(overlap).unwrap_or(until);
        json!({ "since": since, "page": if kept { next.or(page) } else { None } })
    };
    Ok(Page { found, cursor, more })
}

fn decode(with: &With, delivery: &Delivery) -> Result<Vec<Event>, Failure> {
    let unreadable = |why: String| Failure::permanent("unreadable", why);
    let body: Value = serde_json::from_slice(&delivery.body)
        .map_err(|error| unreadable(format!("the item is not JSON: {error}")))?;
    // Of a body by hand, the item alone is enough.
    let item = body.get("item").filter(|_| body.get("key").is_some()).unwrap_or(&body).clone();
    let key = key(with, &item).map_err(unreadable)?;
    let order = with.order.as_deref().and_then(|place| scalar(at(&item, place)?));
    let once = sha256_hex(key.as_bytes());
    let item = match &with.item {
        None => item,
        Some(declared) => declared.fit("event.item", item).map_err(|why| {
            Failure::permanent("unexpected_item", why)
                .hint("Declare with `with.item` of the trigger what the service gives.")
        })?,
    };
    let event = Event::new(key.clone(), once, &Item { item, key })?;
    Ok(vec![match order {
        Some(order) => event.order_key(order),
        None => event,
    }])
}

fn flaws(with: &With) -> Vec<Flaw> {
    let flaw = |setting: &str, message: &str, help: &str| Flaw {
        setting: setting.into(),
        message: message.into(),
        help: help.into(),
    };
    let mut flaws = Vec::new();
    if with.key.is_empty() {
        let help = "name where an item says who it is, such as `key: [id]`";
        flaws.push(flaw("key", "found no place of a key", help));
    }
    if let Some(overlap) = &with.overlap {
        if read_duration(overlap).is_err() {
            flaws.push(flaw("overlap", "found no duration", "write it like `10m`"));
        } else if with.since.is_none() {
            let help = "name the parameter that takes a moment as `since`, or leave `overlap` out";
            flaws.push(flaw("overlap", "`overlap` has no meaning without `since`", help));
        }
    }
    flaws
}

/// Returns the key of an item: one place's text, or several as JSON, so that `a, bc` and `ab, c` are two keys.
fn key(with: &With, item: &Value) -> Result<String, String> {
    let parts: Vec<String> = with
        .key
        .iter()
        .map(|place| {
            at(item, place)
                .and_then(scalar)
                .ok_or_else(|| format!("an item without a text or number at `{place}`"))
        })
        .collect::<Result<_, _>>()?;
    match <[String; 1]>::try_from(parts) {
        Ok([one]) => Ok(one),
        Err(parts) => Ok(json!(parts).to_string()),
    }
}

/// Returns what lies at a dotted place.
fn at<'a>(value: &'a Value, place: &str) -> Option<&'a Value> {
    place.split('.').filter(|name| !name.is_empty()).try_fold(value, |value, name| match value {
        Value::Array(list) => list.get(name.parse::<usize>().ok()?),
        value => value.get(name),
    })
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
