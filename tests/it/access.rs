//! Who may what, on every route that there is: the table is tried row by row, every answer is marked, and what stands
//! around the service (a proxy, a listener for hooks, a socket) is believed as far as the settings say.

use std::{
    fs,
    io::{Read, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::Path,
};

use serde_json::{Value, json};

use crate::{
    pages::{form, sign_in},
    town::{Answered, JOHNNY, RECIPE, Town, ZOE},
};

/// The table of who may take which route, as a test of the binary keeps it.
const TABLE: &str = "crates/runner/http/who_may.txt";
pub const ROLES: [&str; 3] = ["viewer", "operator", "admin"];

/// A row of the table.
pub struct Route {
    /// Whether a viewer, an operator, an admin may.
    pub may: [bool; 3],
    pub method: String,
    pub path: String,
    /// Whether it takes whoever comes.
    is_open: bool,
}

/// Returns the table, with names and numbers of things that are there.
pub fn routes() -> Vec<Route> {
    let table = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(TABLE)).unwrap();
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        Route {
            may: [0, 1, 2].map(|role| words[role] == "yes"),
            method: words[3].into(),
            path: words[4]
                .replace("{recipe}", RECIPE)
                .replace("{job}", "1")
                .replace("{delivery}", "1")
                .replace("{connection}", "goco")
                .replace("{name}", "nobody")
                .replace("{version}", "0"),
            is_open: line.ends_with("(whoever comes)"),
        }
    };
    table.lines().skip(1).map(row).collect()
}

/// Has the recipe ask something before anything is created.
pub fn ask_first(town: &Town, ask: &str) {
    let step = "id: approval\n    wait_for: { approved: boolean, comment: text? }";
    town.edit_recipe("\nsteps:\n", &format!("\nsteps:\n  - {step}\n    ask: \"{ask}\"\n"));
}

/// Sends what a route may take, but so that nothing comes of it: the wrong role must be told so before.
pub fn take(town: &Town, route: &Route, token: Option<&str>) -> Answered {
    // The stream of news has no end, so only its head is heard.
    if route.path == "/api/v1/events" {
        let token = token.map(|one| format!("authorization: Bearer {one}\r\n"));
        let head = format!(
            "GET {} HTTP/1.1\r\nhost: {}\r\n{}\r\n",
            route.path,
            town.host(),
            token.unwrap_or_default()
        );
        return Answered::of(&town.hear(&head, || {}, "\n\n").replace('\n', "\r\n"));
    }
    let api = route.path.starts_with("/api/");
    let kind = if api { "application/json" } else { "application/x-www-form-urlencoded" };
    let kind = format!("content-type: {kind}\r\n");
    town.ask(&route.method, &route.path, token, &kind, "not=what+is+asked+for")
}

#[test]
fn every_route_lets_in_whom_the_table_says_and_nobody_else() {
    let mut town = Town::new();
    town.start();
    town.hire(JOHNNY);
    town.wait(1, "succeeded");
    let tokens = ROLES.map(|role| town.token(role));
    let routes = routes();
    assert!(routes.len() > 55, "only {} routes were found", routes.len());
    for route in &routes {
        let name = format!("{} {}", route.method, route.path);
        let stranger = take(&town, route, None);
        let refused = stranger.status == 401
            || stranger.header("location").is_some_and(|to| to.starts_with("/sign-in"));
        assert_eq!(refused, !route.is_open, "{name} without a token: {stranger:?}");
        for (role, token) in tokens.iter().enumerate() {
            // What is not refused for the role goes wrong for what it was sent.
            let answered = take(&town, route, Some(token));
            let refused = answered.status == 403;
            assert_eq!(refused, !route.may[role], "{name} as {}: {answered:?}", ROLES[role]);
            assert!(answered.status < 500, "{name} as {}: {answered:?}", ROLES[role]);
        }
    }
}

#[test]
fn every_answer_of_every_route_is_marked() {
    let mut town = Town::new();
    town.start();
    let admin = town.token("admin");
    let mut answers: Vec<(String, Answered)> = Vec::new();
    for route in routes() {
        for token in [None, Some(admin.as_str())] {
            let name = format!("{} {}", route.method, route.path);
            answers.push((name, take(&town, &route, token)));
        }
    }
    for (path, more) in [
        ("/absent", ""),
        ("/api/v1/absent", ""),
        ("/api/v1/jobs/none", ""),
        ("/jobs/none", ""),
        ("/jobs", "host: evil.example\r\n"),
        ("/api/v1/jobs", "host: evil.example\r\n"),
    ] {
        answers.push((path.into(), town.ask("GET", path, Some(&admin), more, "")));
    }
    answers.push(("DELETE /jobs".into(), town.ask("DELETE", "/jobs", Some(&admin), "", "")));
    for (name, answered) in &answers {
        let policy = answered.header("content-security-policy").unwrap_or_default();
        for part in ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self'"] {
            assert!(policy.contains(part), "{name}: {answered:?}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{name}: {policy}");
        for (header, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(answered.header(header), Some(value), "{name}: {answered:?}");
        }
        let kept = answered.header("cache-control").unwrap_or_default();
        assert!(["no-store", "no-cache"].contains(&kept), "{name} may be kept: {answered:?}");
        assert_eq!(answered.header("access-control-allow-origin"), None, "{name}");
    }
    let of = |name: &str| &answers.iter().rev().find(|(one, _)| one == name).unwrap().1;
    assert_eq!(of("/api/v1/absent").header("content-type"), Some("application/problem+json"));
    let other = town.api("PUT", "/jobs", &admin, &Value::Null);
    assert_eq!((other.0, &other.1["code"]), (405, &json!("wrong_method")));
    assert!(of("DELETE /jobs").header("allow").is_some_and(|methods| methods.contains("GET")));
}

#[test]
fn an_answer_is_given_by_those_who_may_on_the_page_and_over_the_api() {
    let mut town = Town::new();
    ask_first(&town, "May {{ event.candidate.first_name }} start?");
    town.start();
    town.hire(JOHNNY);
    town.hire(ZOE);
    for job in [1, 2] {
        town.wait(job, "waiting");
    }
    let tokens = ROLES.map(|role| town.token(role));
    let body = json!({ "step": "approval", "answer": { "approved": true } });
    // Over the API.
    assert_eq!(town.api("POST", "/jobs/1/answer", &tokens[0], &body).0, 403);
    let wrong = json!({ "step": "approval", "answer": { "approved": "perhaps" } });
    let (status, problem) = town.api("POST", "/jobs/1/answer", &tokens[1], &wrong);
    assert_eq!((status, &problem["code"]), (409, &json!("wrong_answer")), "{problem}");
    let other = json!({ "step": "absent", "answer": { "approved": true } });
    let (status, problem) = town.api("POST", "/jobs/1/answer", &tokens[1], &other);
    assert_eq!((status, &problem["code"]), (409, &json!("no_question")), "{problem}");
    assert_eq!(town.api("POST", "/jobs/1/answer", &tokens[1], &body).0, 204);
    let (status, problem) = town.api("POST", "/jobs/1/answer", &tokens[2], &body);
    assert_eq!(
        (status, &problem["code"]),
        (409, &json!("answered")),
        "the first counts: {problem}"
    );
    town.wait(1, "succeeded");
    // On the page.
    let fields = |csrf: &str| {
        [("csrf", csrf), ("step", "approval"), ("answer.approved", "true")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let post = |cookie: &str, csrf: &str| {
        let fields = fields(csrf);
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        form(&town, "/jobs/2/answer", cookie, &fields)
    };
    let (cookie, csrf) = sign_in(&town, &tokens[0]);
    assert!(!town.ask("GET", "/jobs/2", None, &cookie, "").body.contains("answer.approved"));
    assert_eq!(post(&cookie, &csrf).status, 403);
    let (cookie, csrf) = sign_in(&town, &tokens[2]);
    assert!(town.ask("GET", "/jobs/2", None, &cookie, "").body.contains("answer.approved"));
    assert_eq!(post(&cookie, "guessed").status, 403, "a form of somebody else");
    assert_eq!(post(&cookie, &csrf).status, 303);
    town.wait(2, "succeeded");
    let audit = town.api("GET", "/audit", &tokens[1], &Value::Null).1;
    let did = audit["actions"].as_array().unwrap().iter();
    let did: Vec<_> = did.filter(|action| action["what"] == "job.answer").collect();
    assert_eq!(did.len(), 2, "{audit:#}");
    for (action, who, via) in [(did[0], "admin", "page"), (did[1], "operator", "api")] {
        assert_eq!((&action["who"], &action["via"]), (&json!(who), &json!(via)));
    }
}

#[test]
fn hooks_have_a_listener_of_their_own_if_it_is_set() {
    let mut town = Town::new();
    town.settings("listen: 127.0.0.1:0\nlisten_hooks: 127.0.0.1:0\n", true);
    town.start();
    let token = town.token("viewer");
    let hooks = town.switched_url();
    let (hooks_host, pages_host) = (hooks.split('/').nth(2).unwrap(), town.host().to_owned());
    assert_ne!(hooks_host, pages_host);
    let hook = format!("/hooks/{RECIPE}");
    assert_eq!(town.ask("POST", &hook, None, "", "{}").status, 404, "no hook among the pages");
    for path in ["/", "/jobs", "/sign-in", "/api/v1/jobs", "/metrics", "/healthz"] {
        let answered = Town::ask_at(hooks_host, "GET", path, Some(&token), "", "");
        assert_eq!(answered.status, 404, "{path} is among the hooks: {answered:?}");
    }
    assert_eq!(town.ask("GET", "/jobs", Some(&token), "", "").status, 200);
    assert_eq!(Town::ask_at(hooks_host, "POST", &hook, None, "", "{}").status, 401, "unsigned");
    let event = town.greenhouse.hire(JOHNNY).unwrap();
    let sent = town.block_on(town.greenhouse.sender().send(&hooks, &event)).unwrap();
    assert!(sent.delivered(), "{sent:?}");
    town.wait(1, "succeeded");
}

#[test]
fn behind_a_proxy_addresses_and_https_are_believed_of_the_proxy_alone() {
    let mut town = Town::new();
    let public = "public_url: https://hooks.acme.example\n";
    let guess = |town: &Town, more: &str| {
        let kind = format!("content-type: application/x-www-form-urlencoded\r\n{more}");
        town.ask("POST", "/sign-in", None, &kind, "token=rr_guess").status
    };
    // Without the setting, whoever claims to be somebody else is not believed.
    town.settings(&format!("listen: 127.0.0.1:0\n{public}"), true);
    town.start();
    let token = town.token("operator");
    for last in 0..10 {
        assert_eq!(guess(&town, &format!("x-forwarded-for: 203.0.113.{last}\r\n")), 401);
    }
    assert_eq!(guess(&town, "x-forwarded-for: 203.0.113.99\r\n"), 429);
    town.kill();
    ask_first(&town, "{{ job.url | default('nowhere') }}");
    // With it, the last address counts, and only in the header that our proxy sets.
    town.settings(&format!("listen: 127.0.0.1:0\nbehind_proxy: true\n{public}"), true);
    town.start();
    for _ in 0..10 {
        assert_eq!(guess(&town, "x-forwarded-for: 198.51.100.1, 203.0.113.7\r\n"), 401);
    }
    assert_eq!(guess(&town, "x-forwarded-for: 198.51.100.2, 203.0.113.7\r\n"), 429);
    assert_eq!(guess(&town, "x-forwarded-for: 203.0.113.7, 198.51.100.1\r\n"), 401, "another");
    assert_eq!(guess(&town, "x-real-ip: 203.0.113.7\r\n"), 401, "another header");
    // A browser that comes over https gets a cookie for https alone.
    let begin = |more: &str| {
        let kind = format!("content-type: application/x-www-form-urlencoded\r\n{more}");
        let answered = town.ask("POST", "/sign-in", None, &kind, &format!("token={token}"));
        assert_eq!(answered.status, 303, "{answered:?}");
        answered.header("set-cookie").unwrap().contains("; Secure")
    };
    assert!(begin("host: hooks.acme.example\r\n"));
    assert!(begin("x-forwarded-proto: https\r\n"), "the proxy says so");
    assert!(!begin(""), "through a tunnel to this machine");
    // Addresses that leave the house are those of the public address, and lead to pages.
    assert_eq!(town.switched_url(), format!("https://hooks.acme.example/hooks/{RECIPE}"));
    town.hire(JOHNNY);
    let job = town.wait(1, "waiting");
    assert_eq!(job["questions"][0]["ask"], "https://hooks.acme.example/jobs/1", "`job.url`");
    let there = "host: hooks.acme.example\r\n";
    assert_eq!(town.ask("GET", "/jobs/1", Some(&token), there, "").status, 200);
    let other = town.ask("GET", "/jobs/1", Some(&token), "host: acme.example\r\n", "");
    assert_eq!(other.status, 421, "{other:?}");
}

#[test]
fn an_address_that_others_can_reach_is_refused_with_the_way_out() {
    let town = Town::new();
    for settings in ["listen: 0.0.0.0:0\n", "listen: 127.0.0.1:0\nlisten_hooks: '[::]:0'\n"] {
        town.settings(settings, true);
        let said = town.cli(&["start"]);
        assert_eq!(said.code, Some(3), "{said:?}");
        let key = if settings.contains("hooks") {
            "`listen_hooks: [::]:0`"
        } else {
            "`listen: 0.0.0.0:0`"
        };
        for word in [key, "can be reached from other machines", "127.0.0.1", "behind_proxy: true"] {
            assert!(said.err.contains(word), "`{word}`: {said:?}");
        }
    }
    let mut town = Town::new();
    town.settings("listen: 0.0.0.0:0\nbehind_proxy: true\n", true);
    town.start();
    assert_eq!(town.json(&["status"])["recipes"][0]["on"], true);
}

#[test]
fn a_session_ends_with_its_time() {
    let mut town = Town::new();
    town.start();
    let (cookie, _) = sign_in(&town, &town.token("viewer"));
    let status = |town: &Town| town.ask("GET", "/jobs", None, &cookie, "").status;
    assert_eq!(status(&town), 200);
    town.kill();
    town.start();
    assert_eq!(status(&town), 200, "it outlives a restart");
    town.kill();
    let path = town.dir().join(".recipe-runner/access.json");
    let mut kept: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    kept["sessions"][0]["ends_at"] = json!("2020-01-01T00:00:00Z");
    fs::write(&path, kept.to_string()).unwrap();
    town.start();
    assert_eq!(status(&town), 303, "its time is over");
}

#[test]
fn the_socket_is_the_owners_and_is_for_what_the_network_may_not() {
    let mut town = Town::new();
    town.start();
    let admin = town.token("admin");
    for path in ["/stop", "/first-sign-in"] {
        let (status, problem) = town.api("POST", path, &admin, &json!({}));
        assert_eq!((status, &problem["code"]), (403, &json!("forbidden")), "{path}: {problem}");
    }
    let socket = town.dir().join(".recipe-runner/control.sock");
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    let folder = fs::metadata(town.dir().join(".recipe-runner")).unwrap().permissions().mode();
    assert_eq!(folder & 0o777, 0o700);
    let ask = |request: &str| {
        let mut stream = UnixStream::connect(&socket).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        Answered::of(&answer)
    };
    let head = "host: localhost\r\nconnection: close\r\n";
    let mine = ask(&format!("GET /api/v1/me HTTP/1.1\r\n{head}x-by: Zo%C3%AB%20S\r\n\r\n"));
    let me: Value = serde_json::from_str(&mine.body).unwrap();
    assert_eq!(me, json!({ "name": "Zoë S", "role": "admin" }));
    // A token that is shown is the one that counts, and a foreign name is refused here, too.
    let viewer = town.token("viewer");
    let bearer = format!("authorization: Bearer {viewer}\r\n");
    let stop =
        ask(&format!("POST /api/v1/stop HTTP/1.1\r\n{head}{bearer}content-length: 0\r\n\r\n"));
    assert_eq!(stop.status, 403, "{stop:?}");
    let foreign = ask("GET /api/v1/me HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n");
    assert_eq!(foreign.status, 421, "{foreign:?}");
    let audit = town.api("GET", "/audit?limit=1", &admin, &Value::Null).1;
    assert_eq!(audit["actions"][0]["via"], "command line");
    assert_eq!(town.cli(&["stop"]).code, Some(0));
    assert_eq!(town.ended(), Some(0));
    let gone = town.cli(&["stop"]);
    assert!(gone.err.contains("no service runs here"), "{gone:?}");
}
