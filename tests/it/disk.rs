//! Disks that fail: what cannot be stored is not acknowledged, what was done is not forgotten, and all goes on by itself
//! once the disk takes it again.

use std::{fs, path::PathBuf, thread, time::Duration};

use sandbox::goco::Operation;

use crate::town::{JOHNNY, Town, ZOE};

/// Long enough for a disk to fail while GoCo is at work.
const LATENCY: u64 = 1000;

/// Has Johnny hired, and the disk fail while GoCo makes the employee; returns a token for the pages once GoCo
/// has answered.
fn fail_during_the_create(town: &mut Town) -> String {
    town.start();
    let token = town.token("viewer");
    town.goco.switch(|switches| switches.latency_ms = LATENCY);
    town.hire(JOHNNY);
    town.until("GoCo is at work", || (town.asked(Operation::CreateEmployee) > 0).then_some(()));
    town.break_the_disk(true);
    // The answer is on its way; nothing can be seen of it before the disk is whole again.
    thread::sleep(Duration::from_millis(LATENCY + 500));
    town.goco.switch(|switches| switches.latency_ms = 0);
    token
}

fn store(town: &Town) -> PathBuf {
    town.dir().join(".recipe-runner/store.db")
}

#[test]
fn while_the_disk_fails_webhooks_are_answered_503_and_results_are_kept_until_it_is_whole() {
    let mut town = Town::new();
    let token = fail_during_the_create(&mut town);

    // Not stored, so not acknowledged; the sender is asked to come again.
    let event = town.greenhouse.hire(ZOE).unwrap();
    let (body, signature) = town.signed(&event);
    let more = format!("signature: {signature}\r\n");
    let hook = town.url();
    let path = hook.strip_prefix(&format!("http://{}", town.host())).unwrap();
    let body = String::from_utf8(body).unwrap();
    let refused = town.ask("POST", path, None, &more, &body);
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(refused.header("retry-after"), Some("30"));

    // It says so wherever somebody looks, with the file and what to do.
    let ready = town.ask("GET", "/readyz", None, "", "");
    assert_eq!(ready.status, 503, "{ready:?}");
    assert!(ready.body.contains("nothing can be stored"), "{ready:?}");
    assert_eq!(town.ask("GET", "/healthz", None, "", "").status, 200);
    let numbers = town.ask("GET", "/metrics", None, "", "").body;
    assert!(numbers.contains("\nrecipe_runner_store_writable 0\n"), "{numbers}");
    let status = town.cli(&["status", "--fail-on", "attention"]);
    assert_eq!(status.code, Some(1));
    for part in
        ["nothing can be stored", "store.db`: the disk fails", "limits on the size of files"]
    {
        assert!(status.out.contains(part), "`{part}` is missing: {status:?}");
    }
    let page = town.get("/", &token);
    assert!(page.contains("Nothing can be stored") && page.contains("the disk fails"), "{page}");
    // A person's word is refused, not lost.
    let cancelled = town.cli(&["jobs", "cancel", "1"]);
    assert_eq!(cancelled.code, Some(3), "{cancelled:?}");
    assert!(cancelled.err.contains("the disk fails"), "{cancelled:?}");
    let switched = town.cli(&["stop", crate::town::RECIPE]);
    assert_eq!(switched.code, Some(3), "{switched:?}");
    assert!(switched.err.contains("the disk fails"), "{switched:?}");

    town.break_the_disk(false);
    // The same process goes on: what GoCo answered is written now, and not asked again.
    assert_eq!(town.over(1)["status"], "succeeded");
    assert_eq!(town.asked(Operation::CreateEmployee), 1);
    assert_eq!(town.documents(&town.employee(JOHNNY)).len(), 2);
    assert_eq!(town.ask("POST", path, None, &more, &body).status, 200);
    assert_eq!(town.over(2)["status"], "succeeded");
    town.employee(ZOE);
    assert_eq!(town.ask("GET", "/readyz", None, "", "").body, "ready\n");
    // Said when it began and when it was over, not with each try.
    let said = town.said();
    assert_eq!(said.matches("nothing can be stored: the store").count(), 1, "{said}");
    assert_eq!(said.matches("the store takes what comes again").count(), 1, "{said}");
}

#[test]
fn a_service_that_has_to_stop_while_the_disk_fails_stops_and_finds_out_later_what_was_done() {
    let mut town = Town::new();
    fail_during_the_create(&mut town);
    town.terminate();
    assert_eq!(town.ended(), Some(0));
    assert!(town.said().contains("what this job did last is not stored"), "{}", town.said());
    town.start();
    assert_eq!(town.over(1)["status"], "succeeded");
    assert_eq!(town.asked(Operation::CreateEmployee), 1);
    town.employee(JOHNNY);
}

#[test]
fn a_store_that_is_damaged_is_refused_by_name_and_left_as_it_is() {
    let mut town = Town::new();
    town.start();
    town.hire(JOHNNY);
    town.over(1);
    town.terminate();
    assert_eq!(town.ended(), Some(0));
    let whole = fs::read(store(&town)).unwrap();
    fs::write(store(&town), spoilt(&whole)).unwrap();
    let said = town.cli(&["start"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    for part in ["store.db`: it is damaged", "put a backup in its place"] {
        assert!(said.err.contains(part), "`{part}` is missing: {said:?}");
    }
    assert!(fs::read(store(&town)).unwrap() == spoilt(&whole), "the file was changed");
}

#[test]
fn what_comes_while_the_file_is_damaged_is_not_acknowledged_and_taken_once_it_is_put_right() {
    let mut town = Town::new();
    town.start();
    let whole = written_back(&town);
    fs::write(store(&town), spoilt(&whole)).unwrap();
    let event = town.greenhouse.hire(JOHNNY).unwrap();
    let (body, signature) = town.signed(&event);
    assert_eq!(town.post(&body, Some(&signature)), 503, "{}", town.said());
    town.until("it is said", || town.said().contains("store.db`: it is damaged").then_some(()));
    fs::write(store(&town), whole).unwrap();
    town.until("the delivery is taken", || {
        (town.post(&body, Some(&signature)) == 200).then_some(())
    });
    assert_eq!(town.over(1)["status"], "succeeded");
    town.employee(JOHNNY);
}

#[test]
fn a_page_that_is_damaged_concerns_what_lies_on_it_and_a_person_is_told() {
    let mut town = Town::new();
    town.add_desk();
    // Each job is worked on, and waits; there are so many that their journals lie on several pages.
    town.write(
        "recipes/look.yaml",
        "trigger: { on: webhook.received }\nsteps:\n  - action: log.write\n    with: { message: \"{{ \
         event.body.words | default('none') }}\" }\n  - id: word\n    wait_for: { on: boolean }\n",
    );
    town.start_with(&["start", "look"], None);
    let post = |number: usize| {
        let more = format!(
            "x-webhook-token: a token of more than sixteen characters\r\nidempotency-key: {number}\r\n"
        );
        let body = format!("{{ \"words\": \"{}\" }}", "on and on ".repeat(60));
        town.ask("POST", "/hooks/look", None, &more, &body).status
    };
    for number in 1..=20 {
        assert_eq!(post(number), 200);
    }
    for number in 1..=20 {
        town.wait(number, "waiting");
    }

    // While it runs.
    let whole = written_back(&town);
    let page = first_page_of(&town, "journal");
    let mut spoilt = whole.clone();
    spoilt[page..page + 4096].fill(0xa5);
    fs::write(store(&town), &spoilt).unwrap();
    let shown = town.cli(&["jobs", "show", "1"]);
    assert_eq!(shown.code, Some(3), "{shown:?}");
    for part in ["store.db`: it is damaged", "put a backup in its place"] {
        assert!(shown.err.contains(part), "`{part}` is missing: {shown:?}");
    }
    assert_eq!(town.job(20)["status"], "waiting");
    assert_eq!(post(21), 200, "what comes is still taken: {}", town.said());
    town.wait(21, "waiting");
    let backup = town.cli(&["backup", town.dir().join("copy.db").to_str().unwrap()]);
    assert_eq!(backup.code, Some(3), "{backup:?}");
    assert!(backup.err.contains("damaged"), "{backup:?}");
    assert!(!town.dir().join("copy.db").exists());

    // While it does not: the job on that page waits for a person, who is told why; the others go on.
    town.terminate();
    assert_eq!(town.ended(), Some(0));
    let database = rusqlite::Connection::open(store(&town)).unwrap();
    database
        .execute("UPDATE journal SET body = '{' WHERE id BETWEEN 15 << 24 AND 16 << 24", [])
        .unwrap();
    drop(database);
    town.start_with(&["start"], None);
    let answer = |job: &str| town.cli(&["jobs", "answer", job, "word", "on=true"]);
    assert_eq!(answer("20").code, Some(0), "{:?}", answer("20"));
    town.wait(20, "succeeded");
    let told = answer("1");
    assert_ne!(told.code, Some(0), "{told:?}");
    assert!(told.err.contains("it is damaged"), "{told:?}");
    town.until("it needs a person", || {
        let listed = town.json(&["jobs", "list", "--status", "needs_attention"]);
        let listed = listed.as_array().unwrap().clone();
        listed.iter().any(|job| job["job"] == 1).then_some(())
    });
    // Nobody is bound to a job that cannot be read.
    let told = answer("15");
    assert!(told.err.contains("the journal of job 15 cannot be read"), "{told:?}");
    let cancelled = town.cli(&["jobs", "cancel", "15"]);
    assert_eq!(cancelled.code, Some(0), "{cancelled:?}");
    let listed = town.json(&["jobs", "list", "--status", "cancelled"]);
    assert_eq!(
        (listed.as_array().unwrap().len(), &listed[0]["job"]),
        (1, &15.into()),
        "{listed:#}"
    );
}

/// Returns where the first page of a table begins that holds rows.
fn first_page_of(town: &Town, table: &str) -> usize {
    let database = rusqlite::Connection::open(store(town)).unwrap();
    let leaf =
        "SELECT pageno FROM dbstat WHERE name = ?1 AND pagetype = 'leaf' ORDER BY path LIMIT 1";
    let number: i64 = database.query_row(leaf, [table], |row| row.get(0)).unwrap();
    usize::try_from(number - 1).unwrap() * 4096
}

/// Returns the database once everything in its log is written back into it.
fn written_back(town: &Town) -> Vec<u8> {
    let database = rusqlite::Connection::open(store(town)).unwrap();
    town.until("the log is empty", || {
        let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
        let busy: bool = database.query_row(checkpoint, [], |row| row.get(0)).unwrap();
        (!busy).then_some(())
    });
    fs::read(store(town)).unwrap()
}

/// Returns a database of which only the first page is right.
fn spoilt(whole: &[u8]) -> Vec<u8> {
    whole.iter().enumerate().map(|(at, byte)| if at < 4096 { *byte } else { 0xa5 }).collect()
}
