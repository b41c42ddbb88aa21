//! What is much: lists of jobs that are searched, filtered, paged and worked on at once, and a job with many steps.

use std::fs;

use serde_json::{Value, json};

use crate::{
    pages::{form, sign_in},
    town::{ADA, JOHNNY, NORA, RECIPE, Town, ZOE},
};

/// Adds connections to those of the project.
fn connect(town: &Town, more: &str) {
    let connections = fs::read_to_string(town.dir().join("connections.yaml")).unwrap();
    town.write("connections.yaml", &format!("{connections}{more}"));
}

#[test]
fn a_long_list_is_read_page_by_page_and_filtered() {
    let mut town = Town::new();
    town.write(
        "recipes/small.yaml",
        "title: Small\nlabel: \"Number {{ event.body.number }}\"\ntrigger:\n  on: webhook.received\n  connection: webhook\n\
         steps:\n  - stop: skipped\n    reason: It is small.\n",
    );
    connect(&town, "webhook: { insecure: true }\n");
    town.start_with(&["start", "small", RECIPE], None);
    let kind = "content-type: application/json\r\n";
    for number in 1..=60 {
        let body = json!({ "number": number }).to_string();
        assert_eq!(town.ask("POST", "/hooks/small", None, kind, &body).status, 200);
    }
    town.hire(JOHNNY);
    town.over(61);
    let operator = town.token("operator");
    let page = |path: &str| town.get(path, &operator);
    let has = |page: &str, job: i64| page.contains(&format!("href=\"/jobs/{job}\""));
    for (list, link) in [
        ("/jobs", "href=\"/jobs?search=&status=&recipe=&since=&before=12\""),
        ("/deliveries", "href=\"/deliveries?before=12\""),
    ] {
        let first = page(list);
        assert!(has(&first, 61) && has(&first, 12) && !has(&first, 11), "{first}");
        assert!(first.contains(link) && first.contains("Older"), "{first}");
        let next = page(&format!("{list}?before=12"));
        assert!(has(&next, 11) && has(&next, 1) && !has(&next, 12), "{next}");
        assert!(next.contains("Newest") && !next.contains("Older"), "{next}");
    }
    // What is searched for is searched for on the next page as well.
    let found = page("/jobs?search=number+%26%22");
    assert!(found.contains("search=number%20%26%22&status=&recipe=&since=&before=11\""), "{found}");
    assert!(has(&page("/jobs?search=number%20%26%22&before=11"), 10));
    let small = page("/jobs?recipe=small&status=skipped");
    assert!(has(&small, 60) && !has(&small, 61), "{small}");
    let today = page(&format!("/jobs?recipe={RECIPE}&since=1"));
    assert!(has(&today, 61) && !has(&today, 60), "{today}");
    let none = page("/jobs?status=failed");
    assert!(none.contains("No job is like that."), "{none}");
}

#[test]
fn a_job_is_found_by_name_address_and_any_id_and_by_nothing_else() {
    let mut town = Town::new();
    town.start();
    town.hire(JOHNNY);
    town.hire(ZOE);
    town.over(2);
    let operator = town.token("operator");
    let found = |words: &str| {
        let (status, jobs) =
            town.api("GET", &format!("/jobs?search={words}"), &operator, &Value::Null);
        assert_eq!(status, 200, "{jobs}");
        let jobs = jobs["jobs"].as_array().unwrap().iter();
        jobs.map(|job| job["job"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    for words in ["johnny", "SMITH", "John+Smi", "personal@example.com", "35897443", "46194062"] {
        assert_eq!(found(words), [1], "{words}");
    }
    // Without her accents as well.
    assert_eq!(found("zoe"), [2]);
    assert_eq!(found("example.com"), [2, 1]);
    for words in ["Senior", "resume.pdf", "917-555-1212", "*", "\"", "smith+zoe"] {
        let words = words.replace('"', "%22");
        assert_eq!(found(&words), [0_i64; 0], "{words}");
    }
}

#[test]
fn all_that_failed_goes_on_with_one_press() {
    let mut town = Town::new();
    town.start();
    town.goco.switch(|switches| switches.key = "another".into());
    for person in [JOHNNY, NORA, ADA] {
        town.hire(person);
    }
    for job in 1..=3 {
        town.wait(job, "failed");
    }
    town.goco.switch(|switches| switches.key = sandbox::goco::Switches::default().key);
    let (cookie, csrf) = sign_in(&town, &town.token("operator"));
    let page = town.ask("GET", "/jobs?status=failed", None, &cookie, "").body;
    assert!(page.contains("Have all of these go on"), "{page}");
    let fields =
        [("csrf", csrf.as_str()), ("status", "failed"), ("recipe", RECIPE), ("search", "")];
    let answered = form(&town, "/jobs/retry", &cookie, &fields);
    assert_eq!((answered.status, answered.header("location")), (303, Some("/jobs")));
    town.wait(1, "succeeded");
    town.wait(2, "succeeded");
    town.wait(3, "skipped");
    assert_eq!((town.employees(JOHNNY).len(), town.employees(ADA).len()), (1, 1));
    let audit = town.json(&["status"]);
    assert_eq!(audit["attention"], json!([]));
}

#[test]
fn a_job_of_any_size_fits_its_page() {
    let mut town = Town::new();
    town.write(
        "recipes/many.yaml",
        "title: Many\ntrigger:\n  on: webhook.received\n  connection: webhook\nsteps:\n\
         \x20 - id: rows\n    for_each: event.body.rows\n    as: row\n    steps:\n\
         \x20     - id: tell\n        action: log.write\n        with: { message: \"{{ row | default('') }}\" }\n\
         \x20 - id: last\n    action: http.get\n    connection: nowhere\n    with: { path: / }\n    retry: { attempts: 1 }\n",
    );
    let nowhere = "nowhere: { connector: http, base_url: 'http://127.0.0.1:9', allow_private_addresses: true }\n";
    connect(&town, &format!("webhook: {{ insecure: true }}\n{nowhere}"));
    town.start_with(&["start", "many"], None);
    let rows: Vec<String> = (0..300).map(|row| format!("{row}{}", "\"<&".repeat(1500))).collect();
    let body = json!({ "rows": rows }).to_string();
    let kind = "content-type: application/json\r\n";
    assert_eq!(town.ask("POST", "/hooks/many", None, kind, &body).status, 200);
    assert_eq!(town.over(1)["status"], "failed");
    let page = town.get("/jobs/1", &town.token("operator"));
    assert!(page.len() < 100_000, "{} bytes", page.len());
    assert!(
        page.contains("more steps went well") && page.contains("no room for it here"),
        "{page}"
    );
    assert!(page.contains("id=\"step-last\"") && page.contains("http.get"), "the trouble is there");
}
