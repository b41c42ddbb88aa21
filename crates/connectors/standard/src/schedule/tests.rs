//! Moments by the table: days, zones, daylight saving, leap days.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use super::*;

fn with(value: serde_json::Value) -> With {
    serde_json::from_value(value).unwrap()
}

fn moments(value: serde_json::Value, after: &str, count: usize) -> Vec<String> {
    let (with, project) = (with(value), TimeZone::get("Europe/Vienna").unwrap());
    let mut at: Timestamp = after.parse().unwrap();
    let mut all = Vec::new();
    for _ in 0..count {
        at = next(&with, at, &project).unwrap().unwrap();
        all.push(at.to_string());
    }
    all
}

fn cron(text: &str, zone: &str) -> serde_json::Value {
    serde_json::json!({ "cron": text, "zone": zone })
}

#[test]
fn a_night_is_read_on_the_clock_of_its_zone() {
    let zoned = cron("0 2 * * *", "America/New_York");
    assert_eq!(
        moments(zoned, "2026-11-23T07:00:00Z", 2),
        ["2026-11-24T07:00:00Z", "2026-11-25T07:00:00Z"]
    );
    let project = serde_json::json!({ "cron": "0 2 * * *" });
    assert_eq!(moments(project, "2026-11-23T07:00:00Z", 1), ["2026-11-24T01:00:00Z"]);
}

#[test]
fn a_moment_that_the_clock_leaps_over_comes_after_the_leap() {
    // 02:30 does not exist on 8 March 2026 in New York: the clock goes from 02:00 to 03:00 at 07:00Z.
    assert_eq!(
        moments(cron("30 2 * * *", "America/New_York"), "2026-03-07T12:00:00Z", 2),
        ["2026-03-08T07:30:00Z", "2026-03-09T06:30:00Z"]
    );
    // Nor is it lost when the next moment is asked for within the leap's hour.
    assert_eq!(
        moments(cron("30 2 * * *", "America/New_York"), "2026-03-08T07:10:00Z", 1),
        ["2026-03-08T07:30:00Z"]
    );
}

#[test]
fn a_moment_that_the_clock_shows_twice_comes_the_first_time() {
    // 01:30 comes twice on 1 November 2026 in New York: at 05:30Z and 06:30Z.
    assert_eq!(
        moments(cron("30 1 * * *", "America/New_York"), "2026-10-31T12:00:00Z", 2),
        ["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"]
    );
    assert_eq!(
        moments(cron("30 1 * * *", "America/New_York"), "2026-11-01T05:30:00Z", 1),
        ["2026-11-02T06:30:00Z"]
    );
}

#[test]
fn every_quarter_of_an_hour_is_about_time_that_passes() {
    let quarters = cron("*/30 * * * *", "America/New_York");
    assert_eq!(
        moments(quarters.clone(), "2026-11-01T05:00:00Z", 4),
        [
            "2026-11-01T05:30:00Z",
            "2026-11-01T06:00:00Z",
            "2026-11-01T06:30:00Z",
            "2026-11-01T07:00:00Z"
        ]
    );
    assert_eq!(
        moments(quarters, "2026-03-08T06:30:00Z", 3),
        ["2026-03-08T07:00:00Z", "2026-03-08T07:30:00Z", "2026-03-08T08:00:00Z"]
    );
    assert_eq!(
        moments(serde_json::json!({ "every": "15m" }), "2026-11-23T23:07:12Z", 2),
        ["2026-11-23T23:15:00Z", "2026-11-23T23:30:00Z"]
    );
}

#[test]
fn a_leap_day_is_waited_for() {
    assert_eq!(
        moments(cron("0 0 29 2 *", "UTC"), "2026-01-01T00:00:00Z", 2),
        ["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]
    );
}

#[test]
fn what_is_wrong_is_told_with_its_setting() {
    let table = [
        (serde_json::json!({}), "cron", "neither `cron` nor `every`"),
        (serde_json::json!({ "cron": "0 2 * * *", "every": "1h" }), "every", "both given"),
        (serde_json::json!({ "cron": "0 2 * *" }), "cron", "five fields, found 4"),
        (
            serde_json::json!({ "cron": "0 25 * * *" }),
            "cron",
            "`25` is not a field of a cron expression: ",
        ),
        (serde_json::json!({ "cron": "0 0 30 2 *" }), "cron", "no such day"),
        (cron("0 2 * * *", "Europe/Wien"), "zone", "not a time zone"),
        (serde_json::json!({ "every": "10s" }), "every", "shorter than a minute"),
        (serde_json::json!({ "every": "soon" }), "every", "not a duration"),
    ];
    for (settings, setting, expected) in table {
        let found = flaws(&with(settings.clone()));
        assert_eq!(found.len(), 1, "{settings}");
        assert_eq!(found[0].setting, setting, "{settings}");
        assert!(found[0].message.contains(expected), "{settings}: {}", found[0].message);
    }
    assert_eq!(flaws(&with(cron("*/15 8-17 * * MON-FRI", "UTC"))), []);
}

#[test]
fn a_moment_is_one_event() {
    let due: Timestamp = "2026-11-24T02:00:00Z".parse().unwrap();
    let at = "2026-11-24T02:00:03Z".parse().unwrap();
    let delivery = Delivery {
        headers: Vec::new(),
        query: String::new(),
        body: Timetable::body(due).into(),
        received_at: at,
    };
    let events = decode(&with(serde_json::json!({ "every": "1h" })), &delivery).unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].dedupe_key, "2026-11-24T02:00:00Z");
    assert_eq!(
        *events[0].payload.value(),
        serde_json::json!({ "at": "2026-11-24T02:00:03Z", "scheduled_for": "2026-11-24T02:00:00Z" })
    );
}
