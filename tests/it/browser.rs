//! A person at a browser: headless Chromium walks through the pages of a town, and judges each page it looks at.
//!
//! `scripts/set-up` installs what drives it into the target folder; `tests/browser/walk.mjs` does what it is told here,
//! line by line. The pictures of what was looked at are in `target/pictures`.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

use crate::town::Town;

/// What a distribution may call Chromium.
const CHROMIUMS: &[&str] =
    &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// A browser that a person sits at.
pub struct Browser {
    child: Child,
    hears: Option<ChildStdin>,
    says: BufReader<ChildStdout>,
    story: &'static str,
    looked: usize,
}

impl Browser {
    /// Opens a browser at a town's pages, for a story whose name its pictures bear.
    pub fn at(town: &Town, story: &'static str) -> Self {
        let binary = Path::new(env!("CARGO_BIN_EXE_recipe-runner"));
        let target = binary.ancestors().nth(2).expect("a binary lies in target/debug");
        let modules = target.join("browser");
        let installed = modules.join("node_modules/puppeteer-core/package.json");
        assert!(
            installed.exists(),
            "{} is not there: scripts/set-up installs it",
            installed.display()
        );
        let mut child = Command::new("node")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/walk.mjs"))
            .args([&modules, &chromium(), &target.join("pictures").join(story)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is there: see scripts/set-up");
        let hears = child.stdin.take();
        let says = BufReader::new(child.stdout.take().unwrap());
        let mut browser = Self { child, hears, says, story, looked: 0 };
        browser.enter(town, true);
        browser
    }

    /// Begins anew, as somebody else, with or without scripts.
    pub fn enter(&mut self, town: &Town, script: bool) {
        let url = format!("http://{}", town.host());
        self.tell(&json!({ "do": "enter", "url": url, "script": script }));
    }

    /// Signs in with a token, by the page.
    pub fn sign_in(&mut self, token: &str) {
        self.open("/");
        self.fill("Token", token);
        self.press("Sign in");
    }

    pub fn open(&mut self, path: &str) {
        self.tell(&json!({ "do": "open", "path": path }));
    }

    /// Writes into the field of that label, chooses in it, or ticks it.
    pub fn fill(&mut self, label: &str, value: &str) {
        self.tell(&json!({ "do": "fill", "label": label, "value": value }));
    }

    /// Presses the button or link of that name, and waits for the page that follows.
    pub fn press(&mut self, name: &str) {
        self.tell(&json!({ "do": "press", "name": name }));
    }

    /// Presses the button of that name, after which the page stays.
    pub fn push(&mut self, name: &str) {
        self.tell(&json!({ "do": "push", "name": name }));
    }

    /// Says in which zone the person is, from the next page on.
    pub fn zone(&mut self, zone: &str) {
        self.tell(&json!({ "do": "zone", "zone": zone }));
    }

    /// Returns what was copied.
    pub fn clipboard(&mut self) -> String {
        let copied = self.tell(&json!({ "do": "clipboard" }));
        copied["text"].as_str().unwrap().to_owned()
    }

    /// Takes a picture of the top of the page for the documents, so many pixels high, in light and dark.
    pub fn picture(&mut self, name: &str, height: u32) {
        self.tell(&json!({ "do": "picture", "name": name, "height": height }));
    }

    /// Opens or closes what is folded under that name.
    pub fn unfold(&mut self, name: &str) {
        self.tell(&json!({ "do": "unfold", "name": name }));
    }

    /// Presses a key; `Shift+Tab` holds the first.
    pub fn key(&mut self, key: &str) {
        self.tell(&json!({ "do": "key", "key": key }));
    }

    /// Presses a key after which another page comes, and waits for it.
    pub fn key_on(&mut self, key: &str) {
        self.tell(&json!({ "do": "key", "key": key, "loads": true }));
    }

    /// Writes where the focus is.
    pub fn write(&mut self, text: &str) {
        self.tell(&json!({ "do": "type", "text": text }));
    }

    /// Waits until it can be read.
    pub fn see(&mut self, text: &str) {
        self.tell(&json!({ "do": "see", "text": text }));
    }

    /// Waits until the page is at that address.
    pub fn is_at(&mut self, path: &str) {
        self.tell(&json!({ "do": "at", "path": path }));
    }

    /// Returns what can be read now.
    pub fn text(&mut self) -> String {
        self.read("text")
    }

    /// Returns the page as the browser has it, with what cannot be seen.
    pub fn html(&mut self) -> String {
        self.read("html")
    }

    /// Goes on with the Tab key until what has that name has the focus; each stop on the way must be seen to have it.
    pub fn tab_to(&mut self, name: &str) {
        for _ in 0..80 {
            self.key("Tab");
            let at = self.tell(&json!({ "do": "read" }));
            // After the last of the page comes the first.
            if at["focused"] == "" {
                continue;
            }
            assert_eq!(at["ring"], true, "nothing shows that the focus is on {}", at["focused"]);
            if at["focused"].as_str().is_some_and(|focused| focused.starts_with(name)) {
                return;
            }
        }
        panic!("{}: the Tab key never came to `{name}`", self.story);
    }

    /// Looks at the page: in light, dark and narrow, with a picture of each, judged by the rules of WCAG 2.2 AA.
    pub fn look(&mut self, name: &str) {
        self.looked += 1;
        self.tell(&json!({ "do": "look", "name": format!("{}-{name}", self.looked) }));
    }

    /// Ends the story: nothing may have been wrong on any page of it.
    pub fn end(mut self) {
        let troubles = self.tell(&json!({ "do": "troubles" }))["troubles"].take();
        let troubles: Vec<_> =
            troubles.as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert!(troubles.is_empty(), "{}:\n{}", self.story, troubles.join("\n"));
    }

    fn read(&mut self, what: &str) -> String {
        self.tell(&json!({ "do": "read" }))[what].as_str().unwrap().to_owned()
    }

    fn tell(&mut self, deed: &Value) -> Value {
        writeln!(self.hears.as_mut().unwrap(), "{deed}").unwrap();
        let mut line = String::new();
        let read = self.says.read_line(&mut line).unwrap();
        assert!(read > 0, "{}: the browser ended at {deed}", self.story);
        let mut answer: Value = serde_json::from_str(&line).unwrap();
        assert!(answer["error"].is_null(), "{}: {}", self.story, answer["error"].as_str().unwrap());
        answer["ok"].take()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Once nothing more can come, it closes Chromium and ends.
        drop(self.hears.take());
        drop(self.child.wait());
    }
}

/// Returns where Chromium is.
#[expect(clippy::disallowed_methods, reason = "a test may look where its tools are")]
fn chromium() -> std::path::PathBuf {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = CHROMIUMS.iter().find_map(|name| {
        std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
    });
    found.expect("Chromium is there: see scripts/set-up")
}
