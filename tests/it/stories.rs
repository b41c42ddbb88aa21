//! The stories of people at a browser, walked in headless Chromium: every page they come to is looked at and judged.

use sandbox::goco::Trouble;

use crate::{
    access::ask_first,
    browser::Browser,
    outcomes::town_where_nobody_knows,
    town::{JOHNNY, RECIPE, Town},
};

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
