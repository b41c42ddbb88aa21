//! The stories of people at a browser, walked in headless Chromium: every page they come to is looked at and judged.

use sandbox::goco::Trouble;

use crate::{
    access::ask_first,
    acme,
    browser::Browser,
    outcomes::town_where_nobody_knows,
    town::{JOHNNY, RECIPE, Town},
};

#[test]
fn a_fresh_project_is_set_up_from_red_to_green_on_its_page() {
    let mut town = Town::fresh();
    town.start_with(&["start"], None);
    let mut browser = Browser::at(&town, "set-up");
    browser.sign_in(&town.token("operator"));
    browser.see("It is off");
    browser.see("No event has come yet");
    browser.look("overview-fresh");
    browser.press("Set it up");
    browser.is_at(&format!("/recipes/{RECIPE}"));
    browser.see("Nothing has come yet");
    browser.press("Check everything now");
    browser.see("GREENHOUSE_WEBHOOK_SECRET");
    browser.see("GOCO_API_KEY");
    browser.see("things to cure");
    browser.look("all-red");

    // Somebody fills in connections.yaml; then each is told where its secret is missing.
    town.fill_in_the_connections();
    check_until(&mut browser, "secrets/webhook");
    browser.see("secrets/goco");
    browser.look("secrets-missing");
    town.put_the_secrets_there();
    check_until(&mut browser, "the API key is accepted");
    browser.see("it is on");
    browser.see("nothing has come yet");
    browser.look("connected");

    // The webhook's address is copied from the page to where Greenhouse wants it.
    browser.push("Copy");
    browser.see("Copied");
    assert_eq!(browser.clipboard(), town.url());
    browser.press("Switch on");
    let ping = town.block_on(town.greenhouse.sender().ping(&browser.clipboard())).unwrap();
    assert!(ping.delivered(), "{ping:?}");
    browser.open(&format!("/recipes/{RECIPE}"));
    browser.press("Check everything now");
    browser.see("All is set up.");
    let page = browser.html();
    assert!(page.contains("class=\"good\"") && !page.contains("class=\"bad\""), "{page}");
    browser.look("all-green");

    town.hire(JOHNNY);
    town.wait(1, "succeeded");
    browser.open("/");
    browser.see("Nothing needs a person.");
    browser.look("overview-first-hire");
    browser.end();
}

/// Presses the button until the check-up says that.
fn check_until(browser: &mut Browser, text: &str) {
    // A changed file is taken up within a second or two.
    for _ in 0..60 {
        browser.press("Check again");
        if browser.text().contains(text) {
            return;
        }
    }
    panic!("the check-up never said `{text}`: {}", browser.text());
}

#[test]
fn a_recipe_is_tried_with_a_sample_before_and_with_a_past_hire_after() {
    let mut town = Town::new();
    town.start();
    town.greenhouse.hire(JOHNNY).unwrap();
    let mut browser = Browser::at(&town, "try-it");
    browser.sign_in(&town.token("operator"));
    browser.open(&format!("/recipes/{RECIPE}"));
    browser.press("Try it");
    browser.see("With which event?");
    browser.look("choose");
    browser.press("Plan it");
    browser.see("would end as succeeded");
    browser.see("none was sent");
    browser.look("plan");
    assert!(town.employees(JOHNNY).is_empty());
    browser.fill("Its writes are real, and I want them", "yes");
    browser.press("Run it for real");
    browser.is_at("/jobs/1");
    browser.see("succeeded");
    assert_eq!(town.employees(JOHNNY).len(), 1);
    browser.press("Try its event again");
    browser.is_at(&format!("/recipes/{RECIPE}/try?job=1"));
    browser.press("Plan it");
    browser.see("would end as skipped");
    browser.look("plan-of-a-past-one");
    browser.end();
    assert_eq!(town.jobs(), [1]);
}

#[test]
fn a_recipe_is_tried_without_script_and_without_any_sample() {
    let mut town = Town::new();
    let sample = "examples/events/hire_candidate.json";
    let body = std::fs::read_to_string(town.dir().join(sample)).unwrap();
    std::fs::remove_file(town.dir().join(sample)).unwrap();
    town.start();
    town.greenhouse.hire(JOHNNY).unwrap();
    let mut browser = Browser::at(&town, "try-it-without-script");
    let operator = town.token("operator");
    browser.enter(&town, false);
    browser.sign_in(&operator);
    browser.open(&format!("/recipes/{RECIPE}/try"));
    browser.see("There is no sample and no past event yet");
    browser.see("examples/events/");
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    browser.fill("The body", &body.to_string());
    browser.press("Plan it");
    browser.see("would end as succeeded");
    assert!(town.jobs().is_empty());
    // It is judged with a script, which a page without scripts does not run.
    browser.enter(&town, true);
    browser.sign_in(&operator);
    browser.open(&format!("/recipes/{RECIPE}/try"));
    browser.look("nothing-to-try");
    browser.end();
}

#[test]
fn a_failed_hire_is_found_by_name_understood_fixed_retried_and_arrives() {
    let town = town_where_a_hire_failed();
    let operator = town.token("operator");

    let mut browser = Browser::at(&town, "failed-hire");
    browser.open("/");
    browser.look("sign-in");
    browser.sign_in(&operator);
    browser.see("Failed in the last seven days");
    browser.see("Johnny Smith");
    browser.look("overview");
    browser.press("Jobs");
    browser.fill("Search", "smith");
    browser.press("Show");
    browser.see("Johnny Smith");
    browser.look("jobs");
    browser.press("Johnny Smith");
    browser.is_at("/jobs/1");
    browser.see("unauthorized");
    browser.see("What to do:");
    browser.look("job-failed");
    // The failure leads to its line.
    browser.open(&format!("/recipes/{RECIPE}"));
    browser.see("Create the employee");
    browser.look("recipe");

    // The key is put right, and the job goes on from where it failed.
    put_the_key_right(&town);
    browser.open("/jobs/1");
    browser.press("Retry from the failed step");
    browser.is_at("/jobs/1");
    // Nobody reloads: the page tells it by itself.
    browser.see("succeeded");
    browser.see("Who did what");
    browser.look("job-succeeded");
    assert_eq!(town.employees(JOHNNY).len(), 1);
    for (menu, says) in [("Deliveries", "events"), ("Connections", "goco"), ("Audit", "job.retry")]
    {
        browser.press(menu);
        browser.see(says);
        browser.look(&menu.to_lowercase());
    }
    browser.end();
}

#[test]
fn a_write_that_nobody_knows_of_is_settled_by_who_looked() {
    let town = town_where_nobody_knows(Trouble::CutAfter);
    let operator = town.token("operator");
    let real = town.employees(JOHNNY).remove(0);

    let mut browser = Browser::at(&town, "unknown-outcome");
    browser.sign_in(&operator);
    browser.see("need a person");
    browser.look("overview");
    browser.press("Johnny Smith");
    browser.is_at("/jobs/1");
    browser.see("Did employee happen?");
    browser.see("it may have happened");
    browser.look("job-unknown");
    browser.fill("its id", &real.id.to_string());
    browser.press("It happened");
    browser.is_at("/jobs/1");
    browser.see("succeeded");
    browser.look("job-settled");
    browser.end();
    // What was there already has its documents, and there is no other.
    assert_eq!(town.documents(&real).len(), 2);
    assert_eq!(town.asked(sandbox::goco::Operation::CreateEmployee), 1);
}

#[test]
fn a_held_write_is_let_go_by_who_read_it() {
    let mut town = Town::new();
    town.edit_recipe("\nsteps:\n", "\nsettings: { writes: hold }\n\nsteps:\n");
    town.start();
    town.hire(JOHNNY);
    town.wait(1, "needs_attention");
    let operator = town.token("operator");

    let mut browser = Browser::at(&town, "held-write");
    browser.sign_in(&operator);
    browser.press("Johnny Smith");
    browser.is_at("/jobs/1");
    browser.see("Shall employee be sent?");
    browser.see("\"personal_email\": \"personal@example.com\"");
    browser.look("job-held");
    browser.press("Send it");
    browser.see("Shall documents[0].upload be sent?");
    browser.look("job-held-again");
    browser.end();
    assert_eq!(town.employees(JOHNNY).len(), 1);
}

#[test]
fn an_approval_is_given_by_somebody_without_a_mouse() {
    let mut town = Town::new();
    ask_first(&town, "May {{ event.candidate.first_name }} start?");
    town.start();
    town.hire(JOHNNY);
    town.wait(1, "waiting");
    let operator = town.token("operator");

    let mut browser = Browser::at(&town, "approval");
    browser.open("/");
    browser.tab_to("Token");
    browser.write(&operator);
    browser.key_on("Enter");
    browser.tab_to("Jobs");
    browser.key_on("Enter");
    browser.is_at("/jobs");
    browser.tab_to("Johnny Smith");
    browser.key_on("Enter");
    browser.see("May Johnny start?");
    browser.look("job-asks");
    browser.tab_to("approved");
    browser.write("y");
    browser.tab_to("comment");
    browser.write("Welcome");
    browser.key_on("Enter");
    browser.see("answered by operator");
    browser.see("succeeded");
    browser.look("job-answered");
    browser.end();
    assert_eq!(town.employees(JOHNNY).len(), 1);
}

#[test]
fn a_viewer_sees_how_all_is_and_nobody_by_name() {
    let mut town = Town::new();
    town.start();
    town.hire(JOHNNY);
    town.wait(1, "succeeded");
    let viewer = town.token("viewer");

    let mut browser = Browser::at(&town, "viewer");
    browser.sign_in(&viewer);
    for (path, says) in [
        ("/", "succeeded"),
        ("/jobs", "succeeded"),
        ("/jobs/1", "Your role is viewer"),
        ("/deliveries", "events"),
        ("/connections", "goco"),
    ] {
        browser.open(path);
        browser.see(says);
        let page = browser.html();
        for person in ["Johnny", "Smith", "personal@example.com", "917-555"] {
            assert!(!page.contains(person), "`{person}` is on {path}");
        }
        browser.look(path.trim_start_matches('/').split('/').next_back().unwrap());
    }
    assert!(!browser.text().contains("Retry"), "nothing is offered that a viewer may not do");
    browser.end();
}

#[test]
fn times_are_told_where_the_person_is() {
    let mut town = Town::new();
    town.start();
    town.hire(JOHNNY);
    let job = town.wait(1, "succeeded");
    let came: jiff::Timestamp = job["accepted_at"].as_str().unwrap().parse().unwrap();
    let viewer = town.token("viewer");
    let mut browser = Browser::at(&town, "zones");
    browser.sign_in(&viewer);
    for zone in ["Asia/Tokyo", "America/St_Johns"] {
        browser.zone(zone);
        browser.open("/jobs");
        let there = came.in_tz(zone).unwrap().strftime("%b %-d, %Y, %-I:%M:%S").to_string();
        browser.see(&there);
        // What it is in UTC is told beside.
        let utc = came.strftime("title=\"%Y-%m-%d %H:%M:%S UTC\"").to_string();
        assert!(browser.html().contains(&utc), "{utc}");
    }
    browser.enter(&town, false);
    browser.sign_in(&viewer);
    browser.open("/jobs");
    browser.see(&came.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
    browser.end();
}

#[test]
fn without_script_all_can_be_read_and_done() {
    let town = town_where_a_hire_failed();
    let operator = town.token("operator");

    let mut browser = Browser::at(&town, "without-script");
    browser.enter(&town, false);
    browser.sign_in(&operator);
    browser.press("Jobs");
    browser.press("Johnny Smith");
    browser.see("unauthorized");
    browser.unfold("Input");
    browser.see("first_name");
    put_the_key_right(&town);
    browser.press("Retry from the failed step");
    town.wait(1, "succeeded");
    browser.open("/jobs/1");
    browser.see("Who did what");
    assert!(browser.text().contains("succeeded"));
    assert_eq!(town.employees(JOHNNY).len(), 1);
    browser.end();
}

#[test]
fn the_main_pages_show_a_month_at_a_company() {
    let (town, job) = acme::a_month();
    let mut browser = Browser::at(&town, "main-pages");
    browser.sign_in(&town.token_of("Maria", "operator"));
    let failed = format!("/jobs/{job}");
    let recipe = format!("/recipes/{RECIPE}");
    for (name, path, says, height) in [
        ("overview", "/", "Needs a person", 800),
        ("recipe", recipe.as_str(), "of the last", 1240),
        ("job", failed.as_str(), "What to do:", 1000),
        ("jobs", "/jobs", "already has Ada", 900),
        ("deliveries", "/deliveries", "cannot be played again", 760),
        ("connections", "/connections/check", "the API key is accepted", 860),
    ] {
        browser.open(path);
        browser.see(says);
        browser.picture(name, height);
        browser.look(name);
    }
    // How often each step went well, and where jobs failed, stands in the picture.
    browser.open(&recipe);
    let page = browser.html();
    for said in ["31 came", "3 failed ✗", "action failing", "30 ✓"] {
        assert!(page.contains(said), "`{said}` is not in {page}");
    }
    browser.end();
}

/// Builds a town in which GoCo's key has changed, so that Johnny's hire failed.
fn town_where_a_hire_failed() -> Town {
    let mut town = Town::new();
    town.start();
    town.goco.switch(|switches| switches.key = "another".into());
    town.hire(JOHNNY);
    town.wait(1, "failed");
    town
}

fn put_the_key_right(town: &Town) {
    town.goco.switch(|switches| switches.key = sandbox::goco::Switches::default().key);
}
