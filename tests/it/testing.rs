//! `test` and its options through the real binary: what ends with which code, what a build server reads, what no case
//! reached, deaths, and playing again on every change.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

const CONNECTIONS: &str = "\
goco: { api_key: env:NOBODY_SETS_THIS, company: acme, base_url: 'http://127.0.0.1:PORT', allow_private_addresses: true }
webhook: { token: env:NOBODY_SETS_THIS_EITHER }
";

const GREET: &str = "\
title: Greets
input: { name: text, loud: boolean? }
output: { word: \"{{ lookup('words', name=input.name).word }}\" }
steps:
  - id: loud
    if: input.loud | default(false)
    then:
      - id: shout
        action: log.write
        with: { message: \"{{ input.name | upper }}\" }
    else:
      - id: say
        action: log.write
        with: { message: \"{{ input.name }}\" }
";

const GREET_TEST: &str = "\
given: { replies: { shout: {}, say: {} } }
cases:
  - name: says \"hello\" & <more>
    input: { name: Ada }
    expect: { status: succeeded, output: { word: Hello }, steps: { say: { with: { message: Ada } } } }
";

const FIND: &str = "\
title: Finds
trigger: webhook.received
steps:
  - id: found
    action: goco.find_employees
    with: { first_name: Ada, last_name: Lovelace }
";

const FIND_TEST: &str = "\
given:
  event: { file: ../events/one.json }
cases:
  - name: finds
    replies: { found: { employees: [] } }
    expect: { status: succeeded }
";

/// A project with two recipes, and the address that one of its connections points at.
struct Project {
    folder: tempfile::TempDir,
    vendor: TcpListener,
}

impl Project {
    fn new() -> Self {
        let vendor = TcpListener::bind("127.0.0.1:0").unwrap();
        vendor.set_nonblocking(true).unwrap();
        let port = vendor.local_addr().unwrap().port().to_string();
        let project = Self { folder: tempfile::tempdir().unwrap(), vendor };
        for (name, text) in [
            ("connections.yaml", CONNECTIONS.replace("PORT", &port).as_str()),
            ("recipes/greet.yaml", GREET),
            ("recipes/greet.test.yaml", GREET_TEST),
            ("recipes/find.yaml", FIND),
            ("recipes/find.test.yaml", FIND_TEST),
            ("tables/words.csv", "name,word\nAda,Hello\nBo,Hi\n"),
            ("events/one.json", "{}"),
        ] {
            project.write(name, text);
        }
        project
    }

    fn dir(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.dir().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // At once, so that nobody who watches sees half of it.
        let beside = self.dir().join("written");
        fs::write(&beside, text).unwrap();
        fs::rename(beside, path).unwrap();
    }

    fn test(&self, words: &[&str]) -> Output {
        let output = command(self.dir()).args(words).output().unwrap();
        // Whatever is tested, nobody was called.
        assert!(self.vendor.accept().is_err(), "the vendor was reached: {output:?}");
        output
    }
}

fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_recipe-runner"));
    command.arg("test").arg("--project").arg(dir).stdin(Stdio::null());
    command.env_remove("RECIPE_RUNNER_PROJECT");
    command
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_test_reaches_no_network_even_when_it_has_no_reply() {
    let project = Project::new();
    let (code, out, err) = said(&project.test(&[]));
    assert_eq!((code, err.as_str()), (Some(0), "2 cases: all ok; nothing was sent\n"), "{out}");

    // Without a reply, with a recording of something else, and with a lost secret: nobody is asked.
    project.write(
        "recipes/find.test.yaml",
        &FIND_TEST.replace("    replies: { found: { employees: [] } }\n", ""),
    );
    let (code, out, err) = said(&project.test(&["find"]));
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(out.contains("FAIL finds") && out.contains("replies"), "{out}");
    let elsewhere = r#"{ "request": { "method": "GET", "path": "/elsewhere" }, "response": { "status": 200 } }"#;
    project.write("recordings/find.json", elsewhere);
    let recorded = FIND_TEST.replace("{ employees: [] }", "{ http: ../recordings/find.json }");
    project.write("recipes/find.test.yaml", &recorded);
    let (code, out, err) = said(&project.test(&["find"]));
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(out.contains("FAIL finds") && out.contains("GET /"), "{out}");
}

/// The file is XML, and says what build servers look for: suites with their counts, cases with their place, failures.
#[test]
fn a_build_server_can_read_the_results() {
    let project = Project::new();
    project.write(
        "recipes/find.test.yaml",
        &FIND_TEST
            .replace("status: succeeded", "status: failed, reason: \"a < b & \\\"c\\\"\\u0007\""),
    );
    let file = project.dir().join("junit.xml");
    let (code, out, err) = said(&project.test(&["--junit", file.to_str().unwrap()]));
    assert_eq!(code, Some(1), "{out}{err}");
    let script = "
import json, sys, xml.etree.ElementTree as tree
def told(one):
    return {'tag': one.tag, **one.attrib, 'text': (one.text or '').strip(), 'in': [told(other) for other in one]}
print(json.dumps(told(tree.parse(sys.argv[1]).getroot())))";
    let read = Command::new("python3").args(["-c", script]).arg(&file).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let root: Value = serde_json::from_slice(&read.stdout).unwrap();
    assert_eq!(root["tag"], "testsuites");
    let suites = root["in"].as_array().unwrap();
    let counts: Vec<_> = suites
        .iter()
        .map(|suite| {
            let part = |name: &str| suite[name].as_str().unwrap_or("").to_owned();
            (part("tag"), part("name"), part("tests"), part("failures"), part("errors"))
        })
        .collect();
    let suite = |name: &str, failures: &str| {
        (
            "testsuite".to_owned(),
            name.to_owned(),
            "1".to_owned(),
            failures.to_owned(),
            "0".to_owned(),
        )
    };
    assert_eq!(counts, [suite("find", "1"), suite("greet", "0")]);
    let failed = &suites[0]["in"][0];
    assert_eq!(
        (&failed["tag"], &failed["classname"], &failed["name"]),
        (&"testcase".into(), &"find".into(), &"finds".into())
    );
    let failure = &failed["in"][0];
    assert_eq!(failure["tag"], "failure");
    assert!(failure["message"].as_str().unwrap().contains("expected"), "{failure}");
    assert!(failure["text"].as_str().unwrap().contains("recipes/find.test.yaml:"), "{failure}");
    let passed = &suites[1]["in"][0];
    assert_eq!(passed["name"], "says \"hello\" & <more>");
    assert_eq!(
        (&passed["file"], &passed["line"]),
        (&"recipes/greet.test.yaml".into(), &"3".into())
    );
    assert_eq!(passed["in"], Value::Array(Vec::new()));
}

#[test]
fn what_no_case_reached_is_named_and_may_be_too_much() {
    let project = Project::new();
    let (code, out, err) = said(&project.test(&["greet", "--coverage"]));
    assert_eq!(code, Some(0), "{out}{err}");
    let gaps: Vec<&str> =
        out.lines().skip_while(|line| !line.starts_with("recipes/greet.yaml:")).collect();
    assert_eq!(
        gaps,
        [
            "recipes/greet.yaml:6: `loud` is never true",
            "recipes/greet.yaml:9: `shout` is never reached",
            "tables/words.csv: the row `Bo, Hi` is never found",
        ]
    );
    let percent: usize = err
        .lines()
        .find_map(|line| line.strip_prefix("coverage: ")?.split(' ').next()?.parse().ok())
        .unwrap_or_else(|| panic!("{err}"));
    assert!((1..100).contains(&percent), "{err}");
    for (least, code) in [(percent, 0), (percent + 1, 1)] {
        let least = least.to_string();
        let output = project.test(&["greet", "--coverage", "--fail-under", &least]);
        assert_eq!(output.status.code(), Some(code), "at least {least}: {output:?}");
    }
    let output = project.test(&["--fail-under", "50"]);
    assert_eq!(
        output.status.code(),
        Some(2),
        "without --coverage there is nothing to hold it against"
    );

    // A case of the other branch, and of the other row, closes the gaps.
    let more = "  - name: shouts\n    input: { name: Bo, loud: true }\n    expect: { status: succeeded }\n";
    project.write("recipes/greet.test.yaml", &format!("{GREET_TEST}{more}"));
    let (code, out, err) = said(&project.test(&["greet", "--coverage", "--fail-under", "100"]));
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(err.contains("coverage: 100 %"), "{err}");
}

#[test]
fn every_case_can_be_cut_at_every_entry() {
    let project = Project::new();
    let (code, out, err) = said(&project.test(&["--crash"]));
    assert_eq!((code, err.as_str()), (Some(0), "2 cases: all ok; nothing was sent\n"), "{out}");
}

/// A thousand cases take seconds, also unoptimised and beside other tests.
#[test]
#[expect(clippy::disallowed_methods, reason = "it measures real time")]
fn a_thousand_cases_take_seconds() {
    let project = Project::new();
    let one = "  - name: case NUMBER\n    input: { name: Ada }\n    expect: { status: succeeded, output: { word: Hello } }\n";
    let cases: String =
        (0..1000).map(|number| one.replace("NUMBER", &number.to_string())).collect();
    let head = GREET_TEST.split_inclusive('\n').take(2).collect::<String>();
    project.write("recipes/greet.test.yaml", &format!("{head}{cases}"));
    let began = Instant::now();
    let (code, out, err) = said(&project.test(&["greet"]));
    let took = began.elapsed();
    assert_eq!((code, err.as_str()), (Some(0), "1000 cases: all ok; nothing was sent\n"), "{out}");
    assert!(took < Duration::from_secs(10), "1,000 cases took {took:?}");
}

/// A running `test --watch`, and the lines it says.
struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn start(project: &Project) -> Self {
        let mut child = command(project.dir())
            .arg("--watch")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (send, lines) = mpsc::channel();
        let also = send.clone();
        let out = BufReader::new(child.stdout.take().unwrap());
        let err = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || {
            out.lines().map_while(Result::ok).try_for_each(|line| send.send(line))
        });
        thread::spawn(move || {
            err.lines().map_while(Result::ok).try_for_each(|line| also.send(line))
        });
        Self { child, lines }
    }

    /// Returns what it says until it waits again, in order of the alphabet: two pipes have no order.
    fn round(&self) -> Vec<String> {
        let mut said = Vec::new();
        let next = || self.lines.recv_timeout(Duration::from_secs(30)).expect("it says something");
        let (mut counted, mut waits) = (false, false);
        while !(counted && waits) {
            let line = next();
            counted |= line.contains("nothing was sent");
            waits |= line.starts_with("waiting for a change");
            said.push(line);
        }
        // The lines of the other pipe may be a moment behind.
        while let Ok(line) = self.lines.recv_timeout(Duration::from_millis(100)) {
            said.push(line);
        }
        said.sort();
        said
    }

    fn ends_at(mut self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
        let ended = (0..1500).find_map(|_| {
            thread::sleep(Duration::from_millis(20));
            self.child.try_wait().unwrap()
        });
        assert_eq!(
            ended.and_then(|status| status.code()),
            Some(0),
            "it does not end by {signal:?}"
        );
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Each change is followed by the cases that it may have affected, and by no others.
#[test]
fn a_change_is_followed_by_the_cases_it_affects() {
    let project = Project::new();
    let watching = Watching::start(&project);
    let files = |said: &[String]| -> Vec<String> {
        said.iter().filter(|line| line.ends_with(".test.yaml")).cloned().collect()
    };
    let both = ["recipes/find.test.yaml", "recipes/greet.test.yaml"];
    let first = watching.round();
    assert_eq!(files(&first), both, "{first:?}");

    project
        .write("recipes/greet.yaml", &GREET.replace("input.name }}\" }\n", "input.name }}!\" }\n"));
    let broken = watching.round();
    assert_eq!(files(&broken), [both[1]], "{broken:?}");
    assert!(broken.iter().any(|line| line.contains("FAIL says")), "{broken:?}");

    project.write("recipes/greet.yaml", GREET);
    let mended = watching.round();
    assert_eq!(files(&mended), [both[1]], "{mended:?}");
    assert!(mended.iter().any(|line| line == "1 case: all ok; nothing was sent"), "{mended:?}");

    // A file that a case names is its case's; a table may be everybody's.
    project.write("events/one.json", "{ \"changed\": true }");
    let event = watching.round();
    assert_eq!(files(&event), [both[0]], "{event:?}");
    project.write("tables/words.csv", "name,word\nAda,Hello there\n");
    let table = watching.round();
    assert_eq!(files(&table), both, "{table:?}");
    assert!(table.iter().any(|line| line.contains("1 ok, 1 failed")), "{table:?}");
    watching.ends_at(rustix::process::Signal::TERM);
    Watching::start(&project).ends_when_it_waits();
}

impl Watching {
    fn ends_when_it_waits(self) {
        self.round();
        self.ends_at(rustix::process::Signal::INT);
    }
}
