//! The pages and the API: who may what, and the stories of people who look at a browser.

use sandbox::goco::{Operation, Trouble};
use serde_json::{Value, json};

use crate::{
    outcomes::town_where_nobody_knows,
    town::{Answered, JOHNNY, RECIPE, Town},
};

/// Signs a browser in; returns the header with its cookie, and what its forms carry.
pub fn sign_in(town: &Town, token: &str) -> (String, String) {
    let answered = form(town, "/sign-in", "", &[("token", token)]);
    assert_eq!(answered.status, 303, "{answered:?}");
    let cookie = answered.header("set-cookie").unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let cookie = format!("cookie: {}\r\n", cookie.split(';').next().unwrap());
    let page = town.ask("GET", "/", None, &cookie, "").body;
    let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    (cookie, csrf.to_owned())
}

pub fn form(town: &Town, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Answered {
    let body: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let kind = "content-type: application/x-www-form-urlencoded\r\n";
    town.ask("POST", path, None, &format!("{cookie}{kind}"), &body.join("&"))
}

#[test]
fn nobody_gets_in_without_a_token_and_forms_of_others_do_nothing() {
    let mut town = Town::new();
    town.start();
    for path in ["/", "/jobs", "/jobs/1"] {
        let answered = town.ask("GET", path, None, "", "");
        assert_eq!(answered.status, 303, "{answered:?}");
        assert!(answered.header("location").unwrap().starts_with("/sign-in"));
    }
    let answered = town.ask("GET", "/api/v1/jobs", None, "", "");
    assert_eq!((answered.status, answered.header("www-authenticate")), (401, Some("Bearer")));
    assert_eq!(answered.header("content-type"), Some("application/problem+json"));
    let answered = town.ask("GET", "/sign-in", None, "host: evil.example\r\n", "");
    assert_eq!(answered.status, 421, "a name that is not ours");

    let (cookie, csrf) = sign_in(&town, &town.token("admin"));
    let answered = town.ask("GET", "/jobs", None, &cookie, "");
    assert_eq!(answered.status, 200);
    let policy = answered.header("content-security-policy").unwrap();
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(answered.header("x-content-type-options"), Some("nosniff"));

    let answered = form(&town, "/sign-out", &cookie, &[("csrf", "guessed")]);
    assert_eq!(answered.status, 403, "a form without the page's word");
    let switch = format!("/api/v1/recipes/{RECIPE}/switch");
    let json = format!("{cookie}content-type: application/json\r\n");
    assert_eq!(town.ask("POST", &switch, None, &json, "{\"on\": false}").status, 403);
    assert_eq!(form(&town, "/sign-out", &cookie, &[("csrf", &csrf)]).status, 303);
    assert_eq!(
        town.ask("GET", "/jobs", None, &cookie, "").status,
        303,
        "the cookie is worth nothing now"
    );
}

#[test]
fn whoever_guesses_tokens_has_to_wait() {
    let mut town = Town::new();
    town.start();
    let guess = || form(&town, "/sign-in", "", &[("token", "rr_guess")]).status;
    let statuses: Vec<u16> = (0..12).map(|_| guess()).collect();
    assert_eq!(statuses[..10], [401; 10]);
    assert_eq!(statuses[10..], [429; 2]);
}

#[test]
fn a_session_ends_everywhere_and_with_its_token() {
    let mut town = Town::new();
    town.start();
    let token = town.token("viewer");
    let (one, csrf) = sign_in(&town, &token);
    let (two, _) = sign_in(&town, &token);
    form(&town, "/sign-out/everywhere", &one, &[("csrf", &csrf)]);
    let status = |cookie: &str| town.ask("GET", "/jobs", None, cookie, "").status;
    assert_eq!([status(&one), status(&two)], [303, 303]);
    let (four, _) = sign_in(&town, &token);
    assert_eq!(town.api("POST", "/me/sign-out", &token, &Value::Null).0, 204);
    assert_eq!(status(&four), 303);
    let (three, _) = sign_in(&town, &token);
    assert_eq!(status(&three), 200);
    assert_eq!(town.cli(&["tokens", "revoke", "viewer"]).code, Some(0));
    assert_eq!(status(&three), 303);
    assert_eq!(town.ask("GET", "/api/v1/me", Some(&token), "", "").status, 401);
}

#[test]
fn a_failed_hire_is_found_understood_fixed_and_retried() {
    let mut town = Town::new();
    town.start();
    town.goco.switch(|switches| switches.key = "another".into());
    town.hire(JOHNNY);
    town.wait(1, "failed");
    let (cookie, csrf) = sign_in(&town, &town.token("operator"));
    let page = |path: &str| town.ask("GET", path, None, &cookie, "").body;
    let found = page("/jobs?search=smith&status=failed");
    assert!(found.contains("href=\"/jobs/1\"") && found.contains("Johnny Smith"), "{found}");
    assert!(!page("/jobs?search=nobody").contains("href=\"/jobs/1\""));
    let job = page("/jobs/1");
    for said in ["unauthorized", "greenhouse-hired-to-goco.yaml:35", "Retry from the failed step"] {
        assert!(job.contains(said), "`{said}` is not in {job}");
    }
    town.goco.switch(|switches| switches.key = sandbox::goco::Switches::default().key);
    let answered = form(&town, "/jobs/1/retry", &cookie, &[("csrf", &csrf)]);
    assert_eq!(answered.header("location"), Some("/jobs/1"), "{answered:?}");
    town.wait(1, "succeeded");
    let job = page("/jobs/1");
    assert!(job.contains("job.retry") && job.contains("operator"), "who did what: {job}");
    assert_eq!(town.employees(JOHNNY).len(), 1);
}

#[test]
fn an_unknown_outcome_is_settled_on_its_page() {
    let town = town_where_nobody_knows(Trouble::CutAfter);
    let (cookie, csrf) = sign_in(&town, &town.token("operator"));
    let job = town.ask("GET", "/jobs/1", None, &cookie, "").body;
    assert!(job.contains("It happened") && job.contains("value=\"employee\""), "{job}");
    let id = town.employees(JOHNNY).remove(0).id.to_string();
    let fields =
        [("csrf", csrf.as_str()), ("step", "employee"), ("verdict", "happened"), ("output", &id)];
    let answered = form(&town, "/jobs/1/resolve", &cookie, &fields);
    assert_eq!(answered.status, 303, "{answered:?}");
    town.wait(1, "succeeded");
    assert_eq!(town.asked(Operation::CreateEmployee), 1);
}

/// Whoever lets a held write go sees on its page what leaves, without what the recipe masks and without the key.
#[test]
fn a_held_write_is_read_and_sent_on_its_page() {
    let mut town = Town::new();
    town.edit_recipe(
        "\nsteps:\n",
        "\nsettings: { writes: hold, mask: [event.candidate.email_addresses] }\n\nsteps:\n",
    );
    town.start();
    town.hire(JOHNNY);
    town.wait(1, "needs_attention");
    let (cookie, csrf) = sign_in(&town, &town.token("operator"));
    let page = town.ask("GET", "/jobs/1", None, &cookie, "").body;
    let page = page.replace("&#x2f;", "/").replace("&quot;", "\"");
    let request = page.split_once("<pre class=\"request\">").expect("the request is there").1;
    let request = request.split_once("</pre>").unwrap().0;
    assert!(request.contains(&format!("<strong>POST {}", town.goco.url())), "{request}");
    assert!(request.contains("content-type: application/json\n"), "{request}");
    assert!(request.contains("authorization: Bearer ***\n"), "{request}");
    assert!(request.contains("\"first_name\": \"Johnny\""), "{request}");
    assert!(request.contains("\"personal_email\": \"***\""), "{request}");
    assert!(!page.contains("personal@example.com"), "{page}");
    assert!(!page.contains(&sandbox::goco::Switches::default().key), "{page}");
    assert!(!page.contains("Did <code>employee</code> happen?"), "it is known that it did not");
    let viewer = town.get("/jobs/1", &town.token("viewer"));
    assert!(!viewer.contains("class=\"request\""), "{viewer}");

    let fields = [("csrf", csrf.as_str()), ("step", "employee"), ("verdict", "not_happened")];
    let answered = form(&town, "/jobs/1/resolve", &cookie, &fields);
    assert_eq!(answered.status, 303, "{answered:?}");
    town.until("it is sent", || (!town.employees(JOHNNY).is_empty()).then_some(()));
}

#[test]
fn a_viewer_sees_no_personal_data() {
    let mut town = Town::new();
    town.start();
    town.hire(JOHNNY);
    town.wait(1, "succeeded");
    let viewer = town.token("viewer");
    let operator = town.token("operator");
    let personal = ["Johnny", "Smith", "35897443", "@example", "Manager"];
    let paths = [
        "/",
        "/jobs",
        "/jobs/1",
        "/api/v1/jobs",
        "/api/v1/jobs/1",
        "/api/v1/deliveries",
        "/deliveries",
        "/connections",
    ];
    let seen: String = paths.map(|path| town.get(path, &operator)).join("\n");
    assert!(seen.contains("Johnny Smith"), "an operator sees it");
    for path in paths {
        let seen = town.get(path, &viewer);
        for word in personal {
            assert!(!seen.contains(word), "`{word}` is on {path}: {seen}");
        }
    }
    assert!(town.get("/jobs", &viewer).contains("J. S."));
    let (status, problem) = town.api("GET", "/jobs?search=smith", &viewer, &Value::Null);
    assert_eq!((status, &problem["code"]), (403, &json!("forbidden")));
    for path in ["/api/v1/jobs/1/journal", "/api/v1/deliveries/1", "/api/v1/audit"] {
        assert_eq!(town.ask("GET", path, Some(&viewer), "", "").status, 403, "{path}");
    }
    assert_eq!(town.api("POST", "/jobs/1/cancel", &viewer, &Value::Null).0, 403);
}

#[test]
fn programs_can_do_what_the_pages_do() {
    let mut town = Town::new();
    town.start();
    let operator = town.token("operator");
    let api = |method: &str, path: &str, body: Value| town.api(method, path, &operator, &body);
    town.goco.switch(|switches| switches.key = "another".into());
    town.hire(JOHNNY);
    town.wait(1, "failed");
    let (status, jobs) = api("GET", "/jobs?status=failed&limit=1", Value::Null);
    assert_eq!((status, &jobs["jobs"][0]["job"], &jobs["next"]), (200, &json!(1), &json!(1)));
    assert_eq!(api("GET", "/jobs?cursor=1", Value::Null).1, json!({ "jobs": [], "next": null }));
    town.goco.switch(|switches| switches.key = sandbox::goco::Switches::default().key);
    let (status, retried) = api("POST", "/jobs/retry", json!({ "recipe": RECIPE }));
    assert_eq!((status, &retried["jobs"]), (200, &json!([1])));
    town.wait(1, "succeeded");
    let (status, problem) = api("POST", "/jobs/1/retry", json!({}));
    assert_eq!((status, &problem["code"]), (409, &json!("wrong_state")), "{problem}");
    assert_eq!(api("GET", "/jobs/99", Value::Null).0, 404);
    assert_eq!(api("POST", "/jobs/1/retry", json!({ "newst": true })).0, 422);

    let (status, made) = api("POST", "/deliveries/1/replay", Value::Null);
    assert_eq!((status, &made["job"]), (201, &json!(2)));
    town.wait(2, "skipped");
    assert_eq!(town.employees(JOHNNY).len(), 1, "what is done is not done again");

    assert_eq!(api("POST", &format!("/recipes/{RECIPE}/switch"), json!({ "on": false })).0, 204);
    assert_eq!(api("GET", "/recipes", Value::Null).1["recipes"][0]["on"], false);
    let audit = api("GET", "/audit", Value::Null).1;
    let did: Vec<_> = audit["actions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["what"].as_str().unwrap())
        .collect();
    assert_eq!(did, ["recipe.off", "delivery.replay", "job.retry", "token.add", "recipe.on"]);
    assert_eq!(audit["actions"][0]["who"], "operator");
}

#[test]
fn every_page_can_be_read_and_is_small() {
    let mut town = Town::new();
    town.start();
    town.hire(JOHNNY);
    town.wait(1, "succeeded");
    let admin = town.token("admin");
    let recipe = format!("/recipes/{RECIPE}");
    let check = format!("{recipe}/check");
    for (path, says) in [
        ("/", "Nothing needs a person"),
        ("/jobs", "Johnny Smith"),
        ("/jobs/1", "Time-line"),
        (recipe.as_str(), "Create the employee"),
        (check.as_str(), "the API key is accepted"),
        ("/deliveries", "events"),
        ("/deliveries/1", "hire_candidate"),
        ("/connections", "goco"),
        ("/audit", "token.add"),
        ("/tokens", "Make a token"),
    ] {
        let page = town.get(path, &admin);
        assert!(page.contains(says), "`{says}` is not on {path}: {page}");
        assert!(page.len() < 100_000, "{path} has {} bytes", page.len());
        assert!(!page.contains("style=") && !page.contains("onclick"), "nothing inline on {path}");
    }
    let absent = town.ask("GET", "/recipes/absent", Some(&admin), "", "");
    assert_eq!(absent.status, 404, "{absent:?}");
}

#[test]
fn a_recipe_is_seen_changed_and_switched_on_its_page() {
    let mut town = Town::new();
    town.start();
    let operator = town.token("operator");
    let (cookie, csrf) = sign_in(&town, &operator);
    let path = format!("/recipes/{RECIPE}");
    let fields = [("csrf", csrf.as_str()), ("on", "off")];
    assert_eq!(form(&town, &format!("{path}/switch"), &cookie, &fields).status, 303);
    assert_eq!(town.json(&["status"])["recipes"][0]["on"], false);
    town.edit_recipe("title: Create the employee", "titel: Create the employee");
    let page = town.until("the mistake is shown", || {
        let page = town.get(&path, &operator);
        // The text is read as it is now; that its mistakes count is taken up a moment later.
        let both = page.contains("[unknown-key]") && page.contains("the last good version goes on");
        both.then_some(page)
    });
    assert!(page.contains("line-"), "{page}");
    town.edit_recipe("titel: Create the employee", "title: Make the employee");
    let (_, text) = town.until("the new version counts", || {
        let found = town.api("GET", &format!("{path}/versions"), &operator, &Value::Null);
        (found.1["versions"].as_array().is_some_and(|all| all.len() == 2)).then_some(found)
    });
    let old = text["versions"][1]["version"].as_str().unwrap();
    let page = town.get(&format!("{path}?with={old}"), &operator);
    assert!(page.contains("removed") && page.contains("+     title: Make the employee"), "{page}");
}

#[test]
fn a_recipe_is_tried_with_a_sample_and_only_who_is_sure_has_it_done() {
    let mut town = Town::new();
    town.start();
    town.greenhouse.hire(JOHNNY).unwrap();
    let (cookie, csrf) = sign_in(&town, &town.token("operator"));
    let path = format!("/recipes/{RECIPE}/try");
    let page = town.ask("GET", &path, None, &cookie, "").body;
    let sample = "sample:examples&#x2f;events&#x2f;hire_candidate.json";
    assert!(page.contains(sample) && page.contains("Johnny Smith"), "{page}");
    assert!(!page.contains("Run it for real"), "first one sees what it would do");

    let from = ("from", "sample:examples/events/hire_candidate.json");
    let csrf = ("csrf", csrf.as_str());
    let planned = form(&town, &path, &cookie, &[csrf, from]);
    assert_eq!(planned.status, 200, "{planned:?}");
    for said in ["would write", "employees", "none was sent", "Run it for real", "Johnny"] {
        assert!(planned.body.contains(said), "`{said}` is not in {}", planned.body);
    }
    assert!(!planned.body.contains("X-Amz-Signature"), "links are shown without what opens them");
    assert!(planned.body.len() < 100_000);
    assert!(town.jobs().is_empty() && town.employees(JOHNNY).is_empty(), "nothing was written");

    let run = format!("{path}/run");
    assert_eq!(form(&town, &run, &cookie, &[csrf, from]).status, 409, "nobody said they are sure");
    assert_eq!(form(&town, &run, &cookie, &[from, ("sure", "yes")]).status, 403, "nor who asks");
    assert!(town.jobs().is_empty());
    let answered = form(&town, &run, &cookie, &[csrf, from, ("sure", "yes")]);
    assert_eq!(answered.header("location"), Some("/jobs/1"), "{answered:?}");
    town.wait(1, "succeeded");
    assert_eq!(town.employees(JOHNNY).len(), 1);
    let deliveries = town.ask("GET", "/deliveries", None, &cookie, "").body;
    assert!(deliveries.contains("manual"), "{deliveries}");
    let job = town.ask("GET", "/jobs/1", None, &cookie, "").body;
    assert!(job.contains("job.make") && job.contains("from the sample"), "who did it: {job}");

    // A past event, from its page: somebody of that name is there now.
    assert!(job.contains(&format!("{path}?job=1")), "{job}");
    let page = town.ask("GET", &format!("{path}?job=1"), None, &cookie, "").body;
    assert!(page.contains("value=\"job:1\" checked"), "{page}");
    let planned = form(&town, &path, &cookie, &[csrf, ("from", "delivery:1")]);
    assert!(planned.body.contains("would end as <strong>skipped"), "{planned:?}");
    // A body of one's own comes back as it was.
    let body = [csrf, ("from", "body"), ("body", "{}")];
    assert_eq!(form(&town, &path, &cookie, &body).status, 409, "it holds no event");
    let large = "x".repeat(24_001);
    let body = [csrf, ("from", "body"), ("body", large.as_str())];
    assert_eq!(form(&town, &path, &cookie, &body).status, 413);
}

#[test]
fn programs_try_a_recipe_by_the_samples_of_the_project() {
    let mut town = Town::new();
    town.write("examples/events/other.json", "{ \"action\": \"another\" }");
    town.start();
    town.greenhouse.hire(JOHNNY).unwrap();
    let operator = town.token("operator");
    let api = |method: &str, path: &str, body: Value| {
        town.api(method, &format!("/recipes/{RECIPE}{path}"), &operator, &body)
    };
    let name = "examples/events/hire_candidate.json";
    let (status, samples) = api("GET", "/samples", Value::Null);
    let expected = json!([{ "name": name, "label": "Johnny Smith" }]);
    assert_eq!((status, samples), (200, expected), "what holds no event for it is not offered");
    let (status, plan) = api("POST", "/plan", json!({ "sample": name }));
    assert_eq!((status, &plan["label"]), (200, &json!("Johnny Smith")), "{plan}");
    assert!(town.jobs().is_empty());
    for absent in ["../connections.yaml", "connections.yaml", "examples/events/none.json"] {
        let (status, problem) = api("POST", "/plan", json!({ "sample": absent }));
        assert_eq!((status, &problem["code"]), (404, &json!("no_sample")), "{absent}: {problem}");
    }
    let two = json!({ "sample": name, "job": 1 });
    assert_eq!(api("POST", "/jobs", two).1["code"], "wrong_input");
    assert_eq!(api("POST", "/jobs", json!({ "sample": name })), (201, json!({ "job": 1 })));
    town.wait(1, "succeeded");
    let (status, plan) = api("POST", "/plan", json!({ "delivery": 1 }));
    assert_eq!((status, &plan["status"]), (200, &json!("skipped")), "{plan}");
    assert_eq!(api("POST", "/jobs", json!({ "delivery": 1 })).0, 201);
    town.wait(2, "skipped");
}
