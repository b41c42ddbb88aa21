//! Vendors at their worst, through the real binary and the real connectors: what each does to a hire.
//!
//! A proxy stands between the service and GoCo and answers in its place, so that the bytes on the line can be anything.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use sandbox::{goco::Operation, greenhouse};
use serde_json::Value;

use crate::town::{JOHNNY, Town, step};

/// What is answered instead of GoCo, so many times.
type Answers = Arc<Mutex<Vec<String>>>;

/// A proxy in front of GoCo: each answer in the list is given once to the requests with a text in their first line;
/// all others go through.
struct Between {
    answers: Answers,
    asked: Arc<AtomicUsize>,
}

impl Between {
    fn stand(town: &Town, line: &'static str, answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let behind =
            town.goco.url().trim_start_matches("http://").split('/').next().unwrap().to_owned();
        let answers = Arc::new(Mutex::new(answers));
        let between = Self { answers: answers.clone(), asked: Arc::default() };
        let (asked, real) = (between.asked.clone(), behind.clone());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answers, behind, asked) = (answers.clone(), behind.clone(), asked.clone());
                thread::spawn(move || serve(stream, line, &answers, &behind, &asked));
            }
        });
        let text = fs::read_to_string(town.dir().join("connections.yaml")).unwrap();
        town.write(
            "connections.yaml",
            &text
                .replace(&real, &address)
                .replace("min_interval_ms: 0", "min_interval_ms: 0, max_answer_bytes: 1000000"),
        );
        between
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// Answers one request, and closes the line.
fn serve(mut stream: TcpStream, line: &str, answers: &Answers, behind: &str, asked: &AtomicUsize) {
    let mut request = Vec::new();
    let mut some = [0; 8192];
    let head = loop {
        let Ok(read) = stream.read(&mut some) else { return };
        if read == 0 {
            return;
        }
        request.extend_from_slice(&some[..read]);
        if let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let text = String::from_utf8_lossy(&request[..head]).to_lowercase();
    let length = text.lines().find_map(|one| one.strip_prefix("content-length: ")?.parse().ok());
    while request.len() < head + length.unwrap_or(0) {
        match stream.read(&mut some) {
            Ok(read) if read > 0 => request.extend_from_slice(&some[..read]),
            _ => return,
        }
    }
    if text.lines().next().unwrap_or_default().contains(line) {
        asked.fetch_add(1, Ordering::SeqCst);
        let answer = answers.lock().unwrap().pop();
        if let Some(answer) = answer {
            // A body slower than anybody waits: byte by byte.
            if let Some(slow) = answer.strip_prefix("SLOW ") {
                for byte in slow.bytes() {
                    if stream.write_all(&[byte]).is_err() {
                        return;
                    }
                    thread::sleep(Duration::from_millis(20));
                }
                return;
            }
            drop(stream.write_all(answer.as_bytes()));
            return;
        }
    }
    let Ok(mut there) = TcpStream::connect(behind) else { return };
    // One request a line: what comes back ends where the line does.
    let head = String::from_utf8_lossy(&request[..head]).into_owned();
    let head = head.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    let tail = &request[head.len() - "connection: close\r\n".len()..];
    if there.write_all(head.as_bytes()).and_then(|()| there.write_all(tail)).is_ok() {
        drop(std::io::copy(&mut there, &mut stream));
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn json(status: &str, body: &str) -> String {
    answer(status, "content-type: application/json\r\n", body)
}

fn throttled(after: &str) -> String {
    let after = if after.is_empty() { String::new() } else { format!("retry-after: {after}\r\n") };
    answer("429 Too Many Requests", &after, "{}")
}

/// Returns a moment so many seconds from now, as HTTP writes it.
#[expect(clippy::disallowed_methods, reason = "the proxy is a vendor, with a clock of its own")]
fn date(seconds: i64) -> String {
    let moment = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    moment.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Plays a hire whose requests of a kind are answered so, first the last.
fn played(line: &'static str, answers: Vec<String>, status: &str) -> (Town, Between, Value) {
    let mut town = Town::new();
    town.edit_recipe(
        "trigger: greenhouse.hired\n",
        "trigger: greenhouse.hired\nsettings: { retry: { attempts: 4, wait: 10ms } }\n",
    );
    let between = Between::stand(&town, line, answers);
    town.start();
    town.hire(JOHNNY);
    let job = town.wait(1, status);
    (town, between, job)
}

const LISTS: &str = "get /";
const CREATE: &str = "post /";

#[test]
fn whatever_a_read_is_answered_the_hire_arrives_or_the_failure_says_what_came() {
    let huge = format!("[\"{}\"]", "x".repeat(2 << 20));
    let fine = "succeeded";
    // What the first request for the employees is answered, how the job ends, the failure's code, words of it.
    let table: Vec<(&str, String, &str, &str, &str)> = vec![
        ("429, in a second", throttled("1"), fine, "throttled", "429"),
        ("429, without a word", throttled(""), fine, "throttled", "429"),
        ("429, a date gone by", throttled("Mon, 23 Nov 2020 12:00:20 GMT"), fine, "throttled", "429"),
        ("429, a date to come", throttled(&date(1)), fine, "throttled", "429"),
        ("429, nonsense", throttled("soon"), fine, "throttled", "429"),
        ("429, a negative number", throttled("-5"), fine, "throttled", "429"),
        ("500", json("500 Oops", "{}"), fine, "server_error", "500"),
        ("503 with HTML", answer("503 Busy", "content-type: text/html\r\n", "<h1>busy</h1>"), fine, "server_error", "503"),
        ("cut in the head", "HTTP/1.1 200 OK\r\ncontent-le".into(), fine, "cut_off", "broke the connection off"),
        (
            "cut in the body",
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n[{\"id\"".into(),
            fine,
            "cut_off",
            "broke the connection off",
        ),
        ("truncated JSON", json("200 OK", "[{\"id\": 1,"), "failed", "unreadable_answer", "JSON"),
        ("HTML with 200", answer("200 OK", "content-type: text/html\r\n", "<html>log in</html>"), "failed", "unreadable_answer", "HTML"),
        (
            "JSON under another name",
            answer("200 OK", "content-type: image/png\r\n", "{\"message\": \"hello\"}"),
            "failed",
            "unexpected_answer",
            "",
        ),
        ("no body at all", answer("204 No Content", "", ""), "failed", "unexpected_answer", ""),
        ("a huge body", json("200 OK", &huge), "failed", "answer_too_large", "more than"),
        (
            "a redirect to elsewhere",
            answer("302 Found", "location: http://127.0.0.1:9/steal\r\n", ""),
            "failed",
            "redirected",
            "127.0.0.1",
        ),
        ("a redirect in circles", answer("302 Found", "location: https://example.com/login\r\n", ""), "failed", "redirected", "example.com"),
        ("401", json("401 Unauthorized", "{\"message\": \"who are you\"}"), "failed", "unauthorized", "who are you"),
        ("no HTTP at all", "SSH-2.0-OpenSSH_9.6\r\n".into(), fine, "cut_off", ""),
    ];
    for (case, answer, ends, code, words) in table {
        let (town, between, job) = played(LISTS, vec![answer], ends);
        let existing = step(&job, "existing");
        let told = existing["failures"][0].to_string();
        assert_eq!(existing["failures"][0]["code"], code, "{case}: {existing:#}");
        assert!(told.contains(words), "{case}: {told}");
        assert!(between.asked() > 0);
        assert_eq!(town.employees(JOHNNY).len(), usize::from(ends == fine), "{case}");
        assert_eq!(town.notes(JOHNNY).len(), 1, "{case}: success or failure, it is noted once");
    }
}

#[test]
fn whatever_a_create_is_answered_there_is_never_a_second_employee() {
    let table: Vec<(&str, String, &str)> = vec![
        ("429", throttled("0"), "succeeded"),
        ("500, nothing done", json("500 Oops", "{}"), "succeeded"),
        ("202", json("202 Accepted", "{}"), "succeeded"),
        (
            "HTML with 200",
            answer("200 OK", "content-type: text/html\r\n", "<html>log in</html>"),
            "succeeded",
        ),
        ("truncated JSON", json("201 Created", "{\"id\":"), "succeeded"),
        (
            "a redirect after a write",
            answer("303 See Other", "location: /elsewhere\r\n", ""),
            "succeeded",
        ),
        ("422", json("422 No", "{\"errors\": [\"first_name: too long\"]}"), "failed"),
    ];
    for (case, answer, ends) in table {
        let (town, _between, job) = played(CREATE, vec![answer], ends);
        let made = usize::from(ends == "succeeded");
        assert_eq!(town.employees(JOHNNY).len(), made, "{case}: {job:#}");
        assert_eq!(town.asked(Operation::CreateEmployee), made, "{case}");
        assert_eq!(town.notes(JOHNNY).len(), 1, "{case}");
    }
}

#[test]
fn a_body_slower_than_the_steps_time_is_given_up_and_asked_for_again() {
    let slow =
        "SLOW HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n["
            .to_owned();
    let mut town = Town::new();
    town.edit_recipe("    action: goco.find_employees\n", "    action: goco.find_employees\n    timeout: 400ms\n    retry: { attempts: 3, wait: 10ms }\n");
    let _between = Between::stand(&town, LISTS, vec![slow]);
    town.start();
    town.hire(JOHNNY);
    let job = town.wait(1, "succeeded");
    assert_eq!(step(&job, "existing")["failures"][0]["code"], "timeout", "{job:#}");
}

#[test]
fn an_absurd_wait_is_cut_to_a_day_and_the_history_says_when() {
    let mut town = Town::new();
    let _between = Between::stand(&town, LISTS, vec![throttled("99999999999")]);
    town.start();
    town.hire(JOHNNY);
    let job = town.wait(1, "waiting");
    let moment = |name: &str| job[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let wait = moment("wake_at").duration_since(moment("accepted_at")).as_secs();
    assert!((86_000..=86_460).contains(&wait), "{wait} s: {job:#}");
    let status = town.cli(&["status"]);
    assert!(status.out.contains("the vendor asked for a pause until"), "{status:?}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long a real wait lasts is measured")]
fn a_wait_until_a_moment_is_as_long_as_the_vendors_own_clock_says() {
    // An hour ahead of ours, and an hour behind.
    for skew in [3600, -3600] {
        let headers = format!("date: {}\r\nretry-after: {}\r\n", date(skew), date(skew + 3));
        let mut town = Town::new();
        let between =
            Between::stand(&town, LISTS, vec![answer("429 Too Many Requests", &headers, "{}")]);
        town.start();
        town.hire(JOHNNY);
        town.until("it is asked", || (between.asked() > 0).then_some(()));
        let asked = std::time::Instant::now();
        let job = town.wait(1, "succeeded");
        let waited = asked.elapsed();
        let right = Duration::from_millis(1500)..Duration::from_secs(20);
        assert!(right.contains(&waited), "{skew}: {waited:?}: {job:#}");
    }
}

#[test]
fn a_token_that_has_run_out_is_fetched_anew_and_no_job_notices() {
    let mut town = Town::new();
    // Good for a second, whatever Greenhouse says; a token's last minute is not used.
    town.greenhouse.switch(|switches| switches.token_seconds = 61);
    town.start();
    town.hire(JOHNNY);
    town.wait(1, "succeeded");
    thread::sleep(Duration::from_millis(1500));
    town.hire(crate::town::ZOE);
    let job = town.wait(2, "succeeded");
    assert_eq!(step(&job, "note")["failures"].as_array().map_or(0, Vec::len), 0, "{job:#}");
    let tokens = town.greenhouse.account(|account| account.count(greenhouse::Operation::Token));
    assert!(tokens >= 2, "{tokens}");
}

#[test]
fn a_dead_vendor_is_left_alone_and_that_is_said_until_it_is_back() {
    let mut town = Town::new();
    town.edit_recipe(
        "trigger: greenhouse.hired\n",
        "trigger: greenhouse.hired\nsettings: { retry: { attempts: 20, wait: 10ms } }\n",
    );
    // Every list is a 500, more often than the circuit waits for.
    let dead = json("500 Oops", "{}");
    let between = Between::stand(&town, LISTS, vec![dead; 500]);
    town.start();
    town.hire(JOHNNY);
    let held = town.until("its circuit opens", || {
        let status = town.json(&["status"]);
        let held = &status["held_up"][0];
        (held["hosts"][0]["state"] == "open").then(|| held.clone())
    });
    assert_eq!(held["connection"], "goco");
    assert_eq!(held["hosts"][0]["recent"][0]["message"], "it answered 500", "{held:#}");
    let told = town.cli(&["status"]).out;
    assert!(told.contains("`goco` (127.0.0.1): circuit open since"), "{told}");
    let job = town.until("the history says so", || {
        let job = town.job(1);
        job.to_string().contains("circuit_open").then_some(job)
    });
    assert_eq!(job["status"], "waiting");
    assert!(job.to_string().contains("the circuit is open since"), "{job:#}");
    // Webhooks are taken all the time.
    let event = town.greenhouse.hire(crate::town::ZOE).unwrap();
    assert!(town.send(&event).delivered());
    let asked = between.asked();
    between.answers.lock().unwrap().clear();
    town.wait(1, "succeeded");
    town.wait(2, "succeeded");
    assert_eq!(town.json(&["status"])["held_up"], serde_json::json!([]));
    assert!(asked < 40, "it was asked {asked} times");
}

#[test]
fn a_token_that_another_mint_took_away_is_fetched_anew_and_a_name_that_is_nowhere_is_said() {
    let mut town = Town::new();
    town.start();
    town.hire(JOHNNY);
    town.wait(1, "succeeded");
    // Somebody else gets a token with the same credential: ours is worthless from now on.
    town.greenhouse.account(greenhouse::Account::revoke_tokens);
    town.hire(crate::town::ZOE);
    let job = town.wait(2, "succeeded");
    assert_eq!(step(&job, "note")["failures"].as_array().map_or(0, Vec::len), 0, "{job:#}");
    drop(town);

    let mut town = Town::new();
    let text = fs::read_to_string(town.dir().join("connections.yaml")).unwrap();
    let url = town.goco.url().clone();
    town.write("connections.yaml", &text.replace(&url, "https://nowhere.invalid/api"));
    town.start();
    town.hire(JOHNNY);
    let job = town.until("it is said", || {
        let job = town.job(1);
        (step(&job, "existing")["failures"][0]["code"] == "unreachable").then_some(job)
    });
    assert!(job.to_string().contains("nowhere.invalid"), "{job:#}");
    assert_eq!(job["status"], "waiting", "a name may be there again: {job:#}");
}
