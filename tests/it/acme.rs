//! A month at a company: a town with a history that looks like one, for the pictures of the documents.

use lz4_flex::block::decompress_size_prepended;
use rusqlite::{
    Connection,
    types::{FromSql as _, Value},
};
use sandbox::goco::{Employee, Trouble};

use crate::{
    outcomes::{patience, spoil_create},
    town::{ADA, JOHNNY, Town},
};

/// Who was hired before today, in order.
const BEFORE: [(&str, &str); 26] = [
    ("Amara", "Okafor"),
    ("Lukas", "Brandt"),
    ("Priya", "Raman"),
    ("Tomás", "Herrera"),
    ("Ingrid", "Solberg"),
    ("Daniel", "Kim"),
    ("Fatima", "El-Sayed"),
    ("Noah", "Bergström"),
    ("Chloé", "Dubois"),
    ("Mateusz", "Kowalski"),
    ("Aisha", "Bello"),
    ("Oliver", "Whitfield"),
    ("Yuki", "Tanaka"),
    ("Elena", "Petrova"),
    ("Samuel", "Osei"),
    ("Greta", "Lindholm"),
    ("Rafael", "Costa"),
    ("Hannah", "Weiss"),
    ("Arjun", "Mehta"),
    ("Sofia", "Marino"),
    ("Ben", "Carter"),
    ("Leila", "Haddad"),
    ("Jonas", "Vogel"),
    ("Maya", "Thompson"),
    ("Viktor", "Novák"),
    ("Grace", "Mwangi"),
];
/// How many nanoseconds a day has.
const DAY: i64 = 86_400_000_000_000;
/// The day of a month on which one of those before came, counted back from today; some days nobody did.
const DAYS_AGO: [i64; 27] = [
    29, 29, 28, 27, 27, 27, 24, 23, 22, 21, 21, 20, 17, 16, 16, 15, 14, 13, 10, 9, 9, 8, 7, 6, 3,
    2, 2,
];

/// Builds the town; returns it with a job that failed today.
pub fn a_month() -> (Town, i64) {
    let mut town = Town::new();
    patience(&town, 1);
    town.start();
    let ping = town.block_on(town.greenhouse.sender().ping(&town.url())).unwrap();
    assert!(ping.delivered(), "{ping:?}");
    for (place, (first, last)) in (0..).zip(BEFORE) {
        // A title that GoCo does not have yet, twice.
        let title = [4, 15].contains(&place).then_some("Staff Engineer");
        let job = hire(&town, place, first, last, title);
        town.over(job);
    }
    // Somebody of that name is there.
    town.hire(ADA);
    town.over(last_job(&town));
    town.terminate();
    assert_eq!(town.ended(), Some(0));
    date_back(&town);

    town.start();
    let (body, signature) = town.signed(&town.greenhouse.hire(JOHNNY).unwrap());
    // Somebody pasted the wrong secret first.
    assert_eq!(town.post(&body, Some("sha256 0000")), 401);
    assert_eq!(town.post(&body, Some(&signature)), 200);
    town.over(last_job(&town));
    spoil_create(&town, Trouble::CutAfter);
    let before = town.asked(sandbox::goco::Operation::CreateEmployee);
    let unknown = hire(&town, 40, "Nadia", "Rahimi", None);
    town.until("it creates", || {
        (town.asked(sandbox::goco::Operation::CreateEmployee) > before).then_some(())
    });
    town.goco.company(|company| {
        for _ in 0..2 {
            company.employ(Employee {
                first_name: "Nadia".into(),
                last_name: "Rahimi".into(),
                personal_email: Some("nadia.rahimi@example.com".into()),
                status: "active".into(),
                ..Employee::default()
            });
        }
    });
    town.wait(unknown, "needs_attention");
    let failed = hire(&town, 41, "Mara", "Lindqvist", Some("Head of Data"));
    town.wait(failed, "failed");
    let well = hire(&town, 42, "Theo", "Martins", None);
    town.wait(well, "succeeded");
    (town, failed)
}

/// Hires somebody like Johnny under another name; returns the job.
fn hire(town: &Town, place: u64, first: &str, last: &str, title: Option<&str>) -> i64 {
    let id = 36_000_000 + place;
    town.greenhouse.account(|account| {
        let mut person = account.candidate(JOHNNY).unwrap().clone();
        person.id = id;
        (person.first_name, person.last_name) = (first.into(), last.into());
        let address = format!("{first}.{last}@example.com").to_lowercase();
        person.email_addresses[0].value = address;
        person.application.id = 47_000_000 + place;
        for offer in &mut person.application.offers {
            offer.id = 520_000 + place;
            if let Some(title) = title {
                offer.custom_fields["job_title"]["value"] = title.into();
            }
        }
        account.candidates.push(person);
    });
    town.hire(id);
    last_job(town)
}

fn last_job(town: &Town) -> i64 {
    town.jobs()[0]
}

/// Spreads what has come so far over the month before today.
fn date_back(town: &Town) {
    let store = town.dir().join(".recipe-runner/store.db");
    let database = Connection::open(store).unwrap();
    for (job, days) in (1_i64..).zip(DAYS_AGO) {
        // Not all at the same hour.
        let back = days * DAY + job % 7 * DAY / 24;
        let deeds = [
            "UPDATE deliveries SET received_at = received_at - ?2 WHERE id = (SELECT delivery FROM jobs WHERE id = ?1)",
            "UPDATE jobs SET accepted_at = accepted_at - ?2, started_at = started_at - ?2, finished_at = finished_at - ?2,
                 last_at = last_at - ?2 WHERE id = ?1",
        ];
        for deed in deeds {
            assert!(database.execute(deed, (job, back)).unwrap() > 0, "{deed}");
        }
        let mut rows = database.prepare("SELECT first, body FROM journal WHERE job = ?1").unwrap();
        let rows: Vec<(u32, String)> = rows
            .query_map([job], |row| Ok((row.get(0)?, unpacked(row.get(1)?))))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert!(!rows.is_empty());
        for (first, body) in rows {
            let lines: Vec<String> = body.lines().map(|line| earlier(line, back)).collect();
            database
                .execute(
                    "UPDATE journal SET body = ?3 WHERE job = ?1 AND first = ?2",
                    (job, first, lines.join("\n")),
                )
                .unwrap();
        }
    }
}

/// Returns the lines of a row: text, or packed, with its mark and checksum before them.
fn unpacked(body: Value) -> String {
    match body {
        Value::Blob(packed) => {
            String::from_utf8(decompress_size_prepended(&packed[5..]).unwrap()).unwrap()
        }
        text => String::column_result((&text).into()).unwrap(),
    }
}

/// Returns the line of an entry, so many nanoseconds earlier.
fn earlier(line: &str, back: i64) -> String {
    let [path, at, kind] = line.splitn(3, '\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
    format!("{path}\t{}\t{kind}", at.parse::<i64>().unwrap() - back)
}
