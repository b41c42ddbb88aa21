//! A town for one test: a Greenhouse, a GoCo and a project folder, and the real binary between them.
//!
//! The vendors run in the test's process, so that a test can look into them and let them fail; the service is a child
//! process, so that a test can kill it. Nothing is awaited by sleeping: everything is asked for until it is so.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use sandbox::{
    Sent, escaped,
    goco::{self, Company, Employee, GocoTenant},
    greenhouse::{self, Candidate, GreenhouseTenant, Note},
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{runtime::Runtime, task::JoinHandle};

pub const RECIPE: &str = "greenhouse-hired-to-goco";
/// Johnny Smith, who has everything.
pub const JOHNNY: u64 = 35_897_443;
/// A person whose names need escapes.
pub const ZOE: u64 = 35_897_444;
/// A person without an offer.
pub const NORA: u64 = 35_897_446;
/// A person whose name GoCo has already.
pub const ADA: u64 = 35_897_447;

/// How often something is asked for, and the rest between: 30 s at most.
const LOOKS: u32 = 1500;
const REST: Duration = Duration::from_millis(20);

/// A Greenhouse, a GoCo, a project folder, and the service while it runs.
pub struct Town {
    runtime: Runtime,
    pub greenhouse: GreenhouseTenant,
    pub goco: GocoTenant,
    /// Goes with the town.
    _folder: TempDir,
    dir: PathBuf,
    service: Option<Service>,
    /// Whatever the binary has said, on stdout and stderr, in this town.
    said: Arc<Mutex<String>>,
}

/// The running service.
struct Service {
    child: Mutex<Child>,
    origin: String,
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// An answer over HTTP.
#[derive(Debug)]
pub struct Answered {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answered {
    pub fn of(whole: &str) -> Self {
        let (head, body) = whole.split_once("\r\n\r\n").unwrap_or((whole, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        let body = if chunked { unchunked(body) } else { body.to_owned() };
        Self { status, head: head.to_owned(), body }
    }

    /// Returns a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// Returns the text of a body sent in chunks.
fn unchunked(body: &str) -> String {
    let (mut rest, mut text) = (body.as_bytes(), Vec::new());
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        let chunk = &rest[end + 2..];
        text.extend_from_slice(&chunk[..size]);
        rest = &chunk[(size + 2).min(chunk.len())..];
    }
    String::from_utf8(text).unwrap()
}

impl Town {
    /// Builds a town with the shipped project, its connections pointing at the vendors of the town.
    pub fn new() -> Self {
        let town = Self::empty();
        for name in [
            "recipes/greenhouse-hired-to-goco.yaml",
            "recipes/greenhouse-hired-to-goco.test.yaml",
            "tables/employment_types.csv",
            "examples/events/hire_candidate.json",
        ] {
            let text = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
            town.write(name, &fs::read_to_string(text).unwrap());
        }
        // Two tries five seconds apart are the recipe's; here they follow each other.
        town.edit_recipe("wait: 5s", "wait: 10ms");
        let cases = format!("recipes/{RECIPE}.test.yaml");
        let text = fs::read_to_string(town.dir().join(&cases)).unwrap();
        town.write(
            &cases,
            &text.replace("at_least: 5s, at_most: 6s", "at_least: 10ms, at_most: 12ms"),
        );
        town.set_properties(true);
        town.write("connections.yaml", &town.connections());
        town.put_the_secrets_there();
        town
    }

    /// Builds a town with a fresh project, as `init` makes it: nothing is set up.
    pub fn fresh() -> Self {
        let town = Self::empty();
        let made = town.run(&["init", town.dir().to_str().unwrap()]);
        assert_eq!(made.code, Some(0), "{made:?}");
        town.set_properties(true);
        town
    }

    /// Fills in the connections as a person would: addresses and names, and where the secrets will be.
    pub fn fill_in_the_connections(&self) {
        self.write("connections.yaml", &self.connections());
    }

    /// Puts the secrets where the connections look for them.
    pub fn put_the_secrets_there(&self) {
        let (there, here) = (greenhouse::Switches::default(), goco::Switches::default());
        self.write("secrets/client", &there.client_secret);
        self.write("secrets/webhook", &there.webhook_secret);
        self.write("secrets/goco", &here.key);
    }

    fn empty() -> Self {
        let runtime = Runtime::new().unwrap();
        let (greenhouse, goco) = runtime.block_on(async {
            let greenhouse = GreenhouseTenant::start(greenhouse::Switches::default()).await;
            (greenhouse.unwrap(), GocoTenant::start(goco::Switches::default()).await.unwrap())
        });
        let folder = tempfile::tempdir().unwrap();
        // The pages show its name.
        let dir = folder.path().join("acme");
        fs::create_dir(&dir).unwrap();
        let said = Arc::default();
        Self { runtime, greenhouse, goco, _folder: folder, dir, service: None, said }
    }

    fn connections(&self) -> String {
        let (there, here) = (greenhouse::Switches::default(), goco::Switches::default());
        format!(
            "\
greenhouse:
  base_url: {greenhouse}
  auth_url: {greenhouse}
  allow_private_addresses: true
  settle_seconds: 0 # the sandbox shows a note at once
  client_id: {client}
  client_secret: file:secrets/client
  acting_user: robert@example.com
  webhook_secret: file:secrets/webhook
goco:
  base_url: {goco}
  allow_private_addresses: true
  settle_seconds: 0 # the sandbox lists an employee at once
  limits: {{ max_concurrency: 8, min_interval_ms: 0 }}
  paths: {{ documents: '/companies/{{company}}/employees/{{employee_id}}/documents' }}
  company: {company}
  api_key: file:secrets/goco
",
            greenhouse = self.greenhouse.url(),
            goco = self.goco.url(),
            client = there.client_id,
            company = here.company,
        )
    }

    // --- The project ---------------------------------------------------------------------------------------------

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.dir().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Replaces a text in the recipe that must be there.
    pub fn edit_recipe(&self, old: &str, new: &str) {
        let name = format!("recipes/{RECIPE}.yaml");
        let text = fs::read_to_string(self.dir().join(&name)).unwrap();
        assert!(text.contains(old), "the recipe no longer says `{old}`");
        self.write(&name, &text.replace(old, new));
    }

    pub fn set_properties(&self, success_note: bool) {
        self.settings("listen: 127.0.0.1:0\n", success_note);
    }

    /// Writes these lines into `runner.yaml`, beside the properties of the recipe.
    pub fn settings(&self, lines: &str, success_note: bool) {
        let properties =
            format!("properties:\n  success_note: {{ type: boolean, default: {success_note} }}\n");
        self.write("runner.yaml", &format!("{lines}{properties}"));
    }

    // --- The binary ----------------------------------------------------------------------------------------------

    /// Runs a command about the town's project to its end.
    pub fn cli(&self, words: &[&str]) -> Said {
        self.run(&[words, &["--project", self.dir().to_str().unwrap()]].concat())
    }

    /// Runs the binary with just these words to its end.
    pub fn run(&self, words: &[&str]) -> Said {
        let Output { status, stdout, stderr } = command(words).output().unwrap();
        let said = Said {
            code: status.code(),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        };
        let mut all = self.said.lock().unwrap();
        all.push_str(&said.out);
        all.push_str(&said.err);
        said
    }

    /// Runs a command that must end well, and reads what it says as JSON.
    pub fn json(&self, words: &[&str]) -> Value {
        let said = self.cli(&[words, &["--format", "json"]].concat());
        assert_eq!(said.code, Some(0), "{words:?}: {said:?}");
        serde_json::from_str(&said.out).unwrap()
    }

    /// Runs the service with the recipe on, and waits until it is ready.
    pub fn start(&mut self) {
        self.start_with(&["start", RECIPE], None);
    }

    /// Runs the service with these words, to die at a crash point when one is named.
    pub fn start_with(&mut self, words: &[&str], crash_at: Option<&str>) {
        let ready = self.start_or_die(words, crash_at);
        assert!(ready, "the service ended before it was ready:\n{}", self.said());
    }

    /// Runs the service with these words, to die at a crash point when one is named; returns whether it came so far that
    /// it was ready.
    pub fn start_or_die(&mut self, words: &[&str], crash_at: Option<&str>) -> bool {
        assert!(self.service.is_none(), "it runs already");
        let mut command = command(words);
        command.arg("--project").arg(self.dir());
        if let Some(point) = crash_at {
            command.env("RECIPE_RUNNER_CRASH_AT", point);
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let ready: Arc<Mutex<Option<String>>> = Arc::default();
        let (said, told) = (self.said.clone(), ready.clone());
        listen(child.stdout.take().unwrap(), move |line| {
            // The last thing that a ready service says: where its pages are.
            if let Some(origin) =
                line.strip_prefix("pages").map(|at| at.trim().trim_end_matches('/'))
            {
                *told.lock().unwrap() = Some(origin.to_owned());
            }
            said.lock().unwrap().push_str(line);
        });
        let said = self.said.clone();
        listen(child.stderr.take().unwrap(), move |line| said.lock().unwrap().push_str(line));
        let origin = self.until("the service is ready", || {
            let ended = child.try_wait().unwrap().is_some();
            let origin = ready.lock().unwrap().clone();
            (ended || origin.is_some()).then_some(origin)
        });
        let Some(origin) = origin else { return false };
        self.service = Some(Service { child: Mutex::new(child), origin });
        true
    }

    /// Runs the service with these words until it dies at a crash point: perhaps before it says that it is ready, for
    /// jobs go on at once.
    #[cfg(feature = "crash-points")]
    pub fn start_and_die(&self, words: &[&str], crash_at: &str) {
        let mut command = command(words);
        command.arg("--project").arg(self.dir()).env("RECIPE_RUNNER_CRASH_AT", crash_at);
        let Output { status, stdout, stderr } = command.output().unwrap();
        assert_eq!(status.code(), None, "it ended by itself");
        let mut said = self.said.lock().unwrap();
        said.push_str(&String::from_utf8_lossy(&stdout));
        said.push_str(&String::from_utf8_lossy(&stderr));
    }

    /// Kills the service as a power cut would: SIGKILL.
    pub fn kill(&mut self) {
        let mut child = self.service.take().unwrap().child.into_inner().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Returns how much memory the service has taken at most, in megabytes.
    pub fn most_resident(&self) -> u64 {
        let pid = self.service.as_ref().unwrap().child.lock().unwrap().id();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    }

    /// Sends SIGTERM to the service.
    pub fn terminate(&self) {
        let pid = self.service.as_ref().unwrap().child.lock().unwrap().id();
        let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    /// Has every write of the service to a file fail, as on a disk that is broken or full; or no more.
    pub fn break_the_disk(&self, broken: bool) {
        use rustix::process::{Pid, Resource, Rlimit, prlimit};
        let pid = self.service.as_ref().unwrap().child.lock().unwrap().id();
        let current = broken.then_some(0);
        let pid = Pid::from_raw(pid.cast_signed());
        prlimit(pid, Resource::Fsize, Rlimit { current, maximum: None }).unwrap();
    }

    /// Returns whether the service has ended by itself.
    #[cfg(feature = "crash-points")]
    pub fn has_ended(&self) -> bool {
        self.service.as_ref().unwrap().child.lock().unwrap().try_wait().unwrap().is_some()
    }

    /// Waits until the service has ended by itself; returns its exit code, `None` when a signal ended it.
    pub fn ended(&mut self) -> Option<i32> {
        let mut child = self.service.take().unwrap().child.into_inner().unwrap();
        let status = self.until("the service has ended", || child.try_wait().unwrap());
        status.code()
    }

    /// Returns everything the binary has said so far.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    // --- Greenhouse's side ---------------------------------------------------------------------------------------

    /// Returns where the webhook is.
    pub fn url(&self) -> String {
        format!("{}/hooks/{RECIPE}", self.service.as_ref().expect("the service runs").origin)
    }

    /// Returns where the webhook is for the outside world, as `start` tells it.
    pub fn switched_url(&self) -> String {
        let said = self.cli(&["start", RECIPE]);
        let line = said.out.lines().find_map(|line| line.trim().strip_prefix("webhook"));
        line.unwrap_or_else(|| panic!("{said:?}")).trim().to_owned()
    }

    /// Changes a candidate before the hire.
    pub fn person(&self, id: u64, change: impl FnOnce(&mut Candidate)) {
        self.greenhouse.account(|account| change(account.candidate_mut(id).unwrap()));
    }

    /// Has somebody's hire taken back and an offer made anew: the next hire is another one.
    pub fn offer_anew(&self, candidate: u64) {
        self.greenhouse.account(|account| account.unhire(candidate));
        self.person(candidate, |person| {
            let mut offer = person.application.offers[0].clone();
            (offer.id, offer.version, offer.resolved_at) = (506_500, 3, None);
            person.application.offers.push(offer);
        });
    }

    /// Adds the connection of webhooks from a desk, with its token.
    pub fn add_desk(&self) {
        let connections = fs::read_to_string(self.dir().join("connections.yaml")).unwrap();
        self.write(
            "connections.yaml",
            &format!("{connections}webhook:\n  token: file:secrets/desk\n"),
        );
        self.write("secrets/desk", "a token of more than sixteen characters");
    }

    /// Marks a candidate as hired and delivers the event; it must be taken.
    pub fn hire(&self, candidate: u64) {
        let event = self.greenhouse.hire(candidate).unwrap();
        let sent = self.send(&event);
        assert!(sent.delivered(), "{sent:?}\n{}", self.said());
    }

    /// Sends an event as Greenhouse does, again and again until it is taken.
    pub fn send(&self, event: &Value) -> Sent {
        let url = self.url();
        self.block_on(self.greenhouse.sender().send(&url, event)).unwrap()
    }

    /// Sends an event once.
    #[cfg(feature = "crash-points")]
    pub fn send_once(&self, event: &Value) -> Sent {
        let mut sender = self.greenhouse.sender();
        sender.attempts = 1;
        let url = self.url();
        self.block_on(sender.send(&url, event)).unwrap()
    }

    /// Posts raw bytes to the webhook, and returns the status.
    pub fn post(&self, body: &[u8], signature: Option<&str>) -> u16 {
        let signature = signature.map(|one| format!("signature: {one}\r\n")).unwrap_or_default();
        let head = format!(
            "POST /hooks/{RECIPE} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{signature}content-length: {}\r\n\r\n",
            body.len()
        );
        exchange(self.host(), &[head.as_bytes(), body].concat())
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap()
    }

    /// Makes a token of that role, whose name is the role's, and returns its text.
    pub fn token(&self, role: &str) -> String {
        self.token_of(role, role)
    }

    /// Makes a token, and returns its text.
    pub fn token_of(&self, name: &str, role: &str) -> String {
        let said = self.cli(&["tokens", "add", name, "--role", role]);
        assert_eq!(said.code, Some(0), "{said:?}");
        // The one place where it is said is not one where a canary may not be.
        let token = said.out.trim().to_owned();
        let mut all = self.said.lock().unwrap();
        *all = all.replace(&token, "");
        token
    }

    /// Asks over HTTP, with a token if there is one; `more` are further headers, each with its line's end.
    pub fn ask(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        more: &str,
        body: &str,
    ) -> Answered {
        Self::ask_at(self.host(), method, path, token, more, body)
    }

    /// Asks over HTTP at another address than that of the pages.
    pub fn ask_at(
        address: &str,
        method: &str,
        path: &str,
        token: Option<&str>,
        more: &str,
        body: &str,
    ) -> Answered {
        let host =
            if more.contains("host:") { String::new() } else { format!("host: {address}\r\n") };
        let token =
            token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nconnection: close\r\n{host}{token}{more}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        Answered::of(&exchange(address, head.as_bytes()))
    }

    /// Gets a page or another answer, which must be there.
    pub fn get(&self, path: &str, token: &str) -> String {
        let answered = self.ask("GET", path, Some(token), "", "");
        assert_eq!(answered.status, 200, "{path}: {answered:?}");
        answered.body
    }

    /// Asks the API, and reads its answer.
    pub fn api(&self, method: &str, path: &str, token: &str, body: &Value) -> (u16, Value) {
        let json = "content-type: application/json\r\n";
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answered = self.ask(method, &format!("/api/v1{path}"), Some(token), json, &body);
        (answered.status, serde_json::from_str(&answered.body).unwrap_or_default())
    }

    /// Returns the name by which the service is asked: its address.
    pub fn host(&self) -> &str {
        self.service.as_ref().unwrap().origin.strip_prefix("http://").unwrap()
    }

    /// Sends a request whose answer has no end, does something, and listens until the lines were heard; returns all that
    /// was heard till then.
    pub fn hear(&self, request: &str, meanwhile: impl FnOnce(), lines: &str) -> String {
        let mut stream = TcpStream::connect(self.host()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let (mut heard, mut meanwhile) = (Vec::new(), Some(meanwhile));
        let mut some = [0; 4096];
        loop {
            let read = stream.read(&mut some).unwrap();
            assert!(read > 0, "the stream ended: {}", String::from_utf8_lossy(&heard));
            heard.extend_from_slice(&some[..read]);
            // Once the head has come, it listens.
            if let Some(meanwhile) = meanwhile.take() {
                meanwhile();
            }
            let text = String::from_utf8_lossy(&heard).replace('\r', "");
            if text.contains(lines) {
                return text;
            }
        }
    }

    /// Returns the signature that Greenhouse puts on an event, and the event's bytes.
    pub fn signed(&self, event: &Value) -> (Vec<u8>, String) {
        let body = escaped(event).into_bytes();
        let signature = self.greenhouse.sender().signature(&body);
        (body, signature)
    }

    /// Returns the notes in a candidate's activity feed.
    pub fn notes(&self, candidate: u64) -> Vec<Note> {
        self.greenhouse
            .account(|account| account.notes_of(candidate).into_iter().cloned().collect())
    }

    // --- GoCo's side ---------------------------------------------------------------------------------------------

    /// Returns the employees who bear a candidate's name.
    pub fn employees(&self, candidate: u64) -> Vec<Employee> {
        let (first, last) = self.greenhouse.account(|account| {
            let person = account.candidate(candidate).unwrap();
            (person.first_name.clone(), person.last_name.clone())
        });
        self.goco.company(|company| company.named(&first, &last).into_iter().cloned().collect())
    }

    /// Returns the one employee who bears a candidate's name.
    pub fn employee(&self, candidate: u64) -> Employee {
        let mut found = self.employees(candidate);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    /// Returns the names of the documents of an employee, in order.
    pub fn documents(&self, employee: &Employee) -> Vec<String> {
        let all = self.goco.company(|company| company.documents.clone());
        let mut names: Vec<String> = all
            .into_iter()
            .filter(|one| one.employee_id == employee.id)
            .map(|one| one.name)
            .collect();
        names.sort();
        names
    }

    /// Returns how often GoCo was asked for something.
    pub fn asked(&self, operation: goco::Operation) -> usize {
        self.goco.company(|company: &mut Company| company.count(operation))
    }

    // --- Jobs ----------------------------------------------------------------------------------------------------

    /// Returns a job as `jobs show` tells it.
    pub fn job(&self, job: i64) -> Value {
        self.json(&["jobs", "show", &job.to_string()])
    }

    /// Returns the number of every job, the newest first.
    pub fn jobs(&self) -> Vec<i64> {
        let jobs = self.json(&["jobs", "list"]);
        jobs.as_array().unwrap().iter().map(|job| job["job"].as_i64().unwrap()).collect()
    }

    /// Waits until a job stands there, and returns it.
    pub fn wait(&self, job: i64, status: &str) -> Value {
        let mut last = Value::Null;
        for _ in 0..LOOKS {
            last = self.job(job);
            if last["status"] == status {
                return last;
            }
            thread::sleep(REST);
        }
        panic!("job {job} never became {status}: {last:#}\n{}", self.said())
    }

    /// Waits until a job is over, or needs a person, and returns it.
    pub fn over(&self, job: i64) -> Value {
        self.until("the job is over", || {
            let job = self.job(job);
            let over = ["succeeded", "failed", "skipped", "cancelled", "needs_attention"];
            over.contains(&job["status"].as_str().unwrap()).then_some(job)
        })
    }

    /// Asks until there is an answer.
    pub fn until<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        for _ in 0..LOOKS {
            if let Some(found) = look() {
                return found;
            }
            thread::sleep(REST);
        }
        panic!("it never came about that {what}\n{}", self.said())
    }

    /// Has the service listen at the same address when it starts again.
    pub fn stay_at_this_address(&self) {
        let origin = &self.service.as_ref().unwrap().origin;
        let runner = fs::read_to_string(self.dir().join("runner.yaml")).unwrap();
        let address = origin.strip_prefix("http://").unwrap();
        self.write("runner.yaml", &runner.replace("127.0.0.1:0", address));
    }

    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.runtime.spawn(work)
    }

    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        if let Some(service) = self.service.take() {
            let mut child = service.child.into_inner().unwrap();
            drop(child.kill());
            drop(child.wait());
        }
        // A service in the background outlives the test that failed to stop it.
        if thread::panicking() {
            drop(command(&["stop", "--project"]).arg(&self.dir).output());
        }
    }
}

/// Returns the real binary with these words, and none of this process's settings.
fn command(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_recipe-runner"));
    command.args(words).stdin(Stdio::null());
    for name in ["RECIPE_RUNNER_CRASH_AT", "RECIPE_RUNNER_LOG", "RECIPE_RUNNER_PROJECT"] {
        command.env_remove(name);
    }
    command
}

/// Sends bytes to an address and returns what comes back.
fn exchange(address: &str, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Hears everything a stream says, line by line.
fn listen(stream: impl Read + Send + 'static, mut hear: impl FnMut(&str) + Send + 'static) {
    thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        while stream.read_line(&mut line).is_ok_and(|read| read > 0) {
            hear(&line);
            line.clear();
        }
    });
}

/// Returns a step of a job by its path.
pub fn step<'a>(job: &'a Value, path: &str) -> &'a Value {
    let steps = job["steps"].as_array().unwrap();
    steps.iter().find(|step| step["path"] == path).unwrap_or(&Value::Null)
}

/// Returns the warnings that a job ended with, by code.
pub fn warnings(job: &Value) -> Vec<&str> {
    let warnings = job["outcome"]["warnings"].as_array().unwrap();
    warnings.iter().map(|warning| warning["code"].as_str().unwrap()).collect()
}

/// Returns every file of a folder, at any depth.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}
