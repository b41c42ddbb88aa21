//! The examples of `docs/api.md`, run in their order against a real service: each request is sent as it is shown, and
//! each answer holds what is shown of it.

use std::{collections::HashMap, fs, path::Path};

use serde_json::Value;

use crate::town::{ADA, Answered, JOHNNY, NORA, RECIPE, Town, ZOE};

/// What the page shows of an answer stands for anything here.
const ANYTHING: &str = "…";
/// Where the page says the service is.
const THERE: &str = "http://127.0.0.1:7117";

/// A part of the page that does something.
#[derive(Debug)]
enum Part<'a> {
    /// A comment that says what happens meanwhile.
    Meanwhile(&'a str),
    /// A request.
    Request(String),
    /// What its answer holds.
    Answer(&'a str, &'a str),
}

#[test]
fn what_is_no_object_is_refused_and_changes_nothing() {
    let mut town = Town::new();
    town.start();
    let token = town.token("operator");
    let path = format!("/recipes/{RECIPE}/switch");
    for body in [serde_json::json!([false]), Value::Null, "off".into()] {
        let (status, said) = town.api("POST", &path, &token, &body);
        assert_eq!((status, said["code"].as_str()), (422, Some("unreadable")), "{body}: {said}");
    }
    assert_eq!(town.json(&["status"])["recipes"][0]["on"], true);
}

#[test]
fn every_example_of_the_page_is_answered_as_it_shows() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/api.md");
    let page = fs::read_to_string(page).unwrap();
    let parts = parts(&page);
    let mut town = Town::new();
    town.start();
    town.goco.switch(|switches| switches.key = "another".into());
    town.hire(JOHNNY);
    town.wait(1, "failed");
    let mut words: HashMap<String, String> = HashMap::new();
    words.insert("TOKEN".into(), town.token("operator"));
    words.insert("ADMIN_TOKEN".into(), town.token("admin"));
    let (mut last, mut requests) = (Value::Null, 0);
    for (place, part) in parts.iter().enumerate() {
        match part {
            Part::Meanwhile(what) => meanwhile(&town, what, &last, &mut words),
            Part::Request(command) => {
                requests += 1;
                let request = Request::of(command, &words);
                let shown = match parts.get(place + 1) {
                    Some(Part::Answer(kind, shown)) => Some((*kind, *shown)),
                    _ => None,
                };
                if let Some(("text", lines)) = shown {
                    listen(&town, &request, lines);
                    continue;
                }
                let answered = request.send(&town);
                let Some((_, shown)) = shown else {
                    assert_eq!(answered.status, 204, "{command}: {answered:?}");
                    continue;
                };
                let shown: Value = serde_json::from_str(shown).unwrap();
                last = serde_json::from_str(&answered.body).unwrap();
                let status = shown["status"].as_u64().unwrap_or(0);
                let refused = (400..600).contains(&status);
                assert_eq!(answered.status >= 400, refused, "{command}: {answered:?}");
                if let Err(why) = holds(&last, &shown, "") {
                    panic!("{command}\n{why}\nin {last:#}");
                }
            }
            Part::Answer(..) => {}
        }
    }
    assert!(requests >= 25, "only {requests} requests were found");
}

/// Does what a comment says happens between two requests.
fn meanwhile(town: &Town, what: &str, last: &Value, words: &mut HashMap<String, String>) {
    let said: Vec<&str> = what.split(' ').collect();
    match said[..] {
        ["the", "cause", ..] => {
            town.goco.switch(|switches| switches.key = sandbox::goco::Switches::default().key);
        }
        ["job", "3", "is", "held"] => {
            town.edit_recipe("\nsteps:\n", "\nsettings: { writes: hold }\n\nsteps:\n");
            taken_up(town, 2);
            town.hire(NORA);
            town.wait(3, "needs_attention");
        }
        ["job", "4", "asks"] => {
            let asks = "\nsteps:\n  - id: approval\n    wait_for: { approved: boolean }\n    \
                ask: \"May {{ event.candidate.first_name }} start?\"\n";
            town.edit_recipe("\nsettings: { writes: hold }\n\nsteps:\n", asks);
            taken_up(town, 3);
            town.hire(ZOE);
            town.wait(4, "waiting");
        }
        ["job", job, "is", status] => drop(town.wait(job.parse().unwrap(), status)),
        [name, "is", path] => {
            let value = last.pointer(&format!("/{path}")).and_then(Value::as_str);
            words.insert(name.into(), value.unwrap().into());
        }
        _ => panic!("nobody knows how it happens that {what}"),
    }
}

/// Waits until so many versions of the recipe have taken effect.
fn taken_up(town: &Town, versions: usize) {
    let token = town.token_of(&format!("versions {versions}"), "viewer");
    town.until("the change is taken up", || {
        let path = format!("/recipes/{RECIPE}/versions");
        let found = town.api("GET", &path, &token, &Value::Null).1;
        (found["versions"].as_array()?.len() == versions).then_some(())
    });
}

/// Listens to news while somebody is hired, until it has heard the lines.
fn listen(town: &Town, request: &Request, lines: &str) {
    let heard = town.hear(&request.head(town), || town.hire(ADA), lines.trim());
    assert!(heard.starts_with("HTTP/1.1 200") && heard.contains("text/event-stream"), "{heard}");
}

/// A request as `curl` is told it.
struct Request {
    method: String,
    path: String,
    headers: Vec<String>,
    body: String,
}

impl Request {
    fn of(command: &str, words: &HashMap<String, String>) -> Self {
        let mut request = Self {
            method: String::new(),
            path: String::new(),
            headers: Vec::new(),
            body: String::new(),
        };
        let mut said = said(command, words).into_iter();
        assert_eq!(said.next().as_deref(), Some("curl"));
        while let Some(word) = said.next() {
            match word.as_str() {
                "-H" => request.headers.push(said.next().unwrap()),
                "-d" => request.body = said.next().unwrap(),
                "-X" => request.method = said.next().unwrap(),
                "-N" => {}
                address => {
                    let path = address.strip_prefix(THERE);
                    request.path = path.unwrap_or_else(|| panic!("no address: {word}")).into();
                }
            }
        }
        if request.method.is_empty() {
            request.method = if request.body.is_empty() { "GET" } else { "POST" }.into();
        }
        request
    }

    fn headers(&self) -> String {
        let lines: Vec<String> =
            self.headers.iter().map(|header| format!("{header}\r\n")).collect();
        lines.concat()
    }

    fn send(&self, town: &Town) -> Answered {
        town.ask(&self.method, &self.path, None, &self.headers(), &self.body)
    }

    fn head(&self, town: &Town) -> String {
        let (method, path, host) = (&self.method, &self.path, town.host());
        format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n{}\r\n", self.headers())
    }
}

/// Returns the words of a command as a shell reads them: quotes, and variables outside single ones.
fn said(command: &str, words: &HashMap<String, String>) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut quote = None;
    let mut letters = command.chars().peekable();
    while let Some(letter) = letters.next() {
        let last = all.last_mut().unwrap();
        match (letter, quote) {
            ('\'' | '"', None) => quote = Some(letter),
            (_, Some(open)) if letter == open => quote = None,
            ('$', None | Some('"')) => {
                let mut name = String::new();
                while let Some(next) =
                    letters.next_if(|next| next.is_ascii_uppercase() || *next == '_')
                {
                    name.push(next);
                }
                last.push_str(words.get(&name).unwrap_or_else(|| panic!("what is ${name}?")));
            }
            (' ' | '\n', None) if last.is_empty() => {}
            (' ' | '\n', None) => all.push(String::new()),
            ('\\', None) => {}
            (letter, _) => last.push(letter),
        }
    }
    all.retain(|word| !word.is_empty());
    all
}

/// Returns what of the page is to be done, in its order.
fn parts(page: &str) -> Vec<Part<'_>> {
    let examples = page.split("\n## By example\n").nth(1).unwrap();
    let mut examples = examples.split("\n## ").next().unwrap();
    let mut parts = Vec::new();
    while !examples.is_empty() {
        let (line, rest) = examples.split_once('\n').unwrap_or((examples, ""));
        examples = rest;
        if let Some(what) = line.strip_prefix("<!-- ") {
            parts.push(Part::Meanwhile(what.trim_end_matches(" -->")));
        } else if let Some(kind) = line.strip_prefix("```") {
            let (block, rest) = examples.split_once("```\n").unwrap();
            examples = rest;
            parts.push(match kind {
                "sh" => Part::Request(block.to_owned()),
                kind => Part::Answer(kind, block),
            });
        }
    }
    parts
}

/// Tells whether a value holds what is shown of it.
fn holds(found: &Value, shown: &Value, place: &str) -> Result<(), String> {
    match (found, shown) {
        (Value::Null, _) if !shown.is_null() => Err(format!("`{place}` is not there")),
        (_, Value::String(text)) if text == ANYTHING => Ok(()),
        (Value::Object(found), Value::Object(shown)) => {
            shown.iter().try_for_each(|(name, shown)| {
                let found = found.get(name).unwrap_or(&Value::Null);
                holds(found, shown, &format!("{place}/{name}"))
            })
        }
        (Value::Array(found), Value::Array(shown)) if shown.is_empty() => {
            if found.is_empty() {
                Ok(())
            } else {
                Err(format!("`{place}` is not empty"))
            }
        }
        (Value::Array(found), Value::Array(shown)) => {
            shown.iter().enumerate().try_for_each(|(index, shown)| {
                holds(found.get(index).unwrap_or(&Value::Null), shown, &format!("{place}/{index}"))
            })
        }
        (found, shown) if found == shown => Ok(()),
        (found, shown) => Err(format!("`{place}` is {found} and not {shown}")),
    }
}
