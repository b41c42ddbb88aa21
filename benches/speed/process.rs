//! The processes that are measured: started, looked at through `/proc`, stopped or killed.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{load, recipes::NAMES};

const BINARY: &str = env!("CARGO_BIN_EXE_recipe-runner");
const COMPLAINTS: &str = "complaints.txt";
/// How many clock ticks `/proc` counts in a second, on every Linux.
const TICKS: f64 = 100.0;

/// A process under measurement.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: String,
    /// From its start until it could be asked.
    pub(crate) started_in: Duration,
}

impl Process {
    /// Starts recipe-runner on a project, with every recipe on.
    pub(crate) fn runner(folder: &Path) -> Self {
        let mut command = Command::new(BINARY);
        command.args(["start", "--all", "--project"]).arg(folder).envs(NAMES);
        Self::start(command, folder, "pages")
    }

    /// Starts the hand-written loop.
    pub(crate) fn bare(folder: &Path, vendor: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("bare").arg(folder).arg(vendor);
        Self::start(command, folder, "pages")
    }

    /// What it complains of goes into a file of its folder, and is shown when it does not come up.
    fn start(mut command: Command, folder: &Path, word: &str) -> Self {
        let said = folder.join(COMPLAINTS);
        let began = Instant::now();
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(File::create(&said).unwrap());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let address = loop {
            let mut line = String::new();
            if lines.read_line(&mut line).unwrap() == 0 {
                let status = child.wait().unwrap();
                let complaints = fs::read_to_string(&said).unwrap();
                panic!("it ended before it was ready ({status}) and said:\n{complaints}");
            }
            if let Some(origin) = line.strip_prefix(word) {
                break origin.trim().trim_start_matches("http://").trim_end_matches('/').to_owned();
            }
        };
        let started_in = began.elapsed();
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Self { child, address, started_in }
    }

    /// Returns the processor time it has taken, in seconds.
    pub(crate) fn processor(&self) -> f64 {
        let stat = self.file("stat");
        let rest = stat.rsplit_once(')').unwrap().1;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / TICKS
    }

    /// Returns what it holds in memory, in megabytes: now, or at most so far.
    pub(crate) fn resident(&self, at_most: bool) -> f64 {
        let word = if at_most { "VmHWM:" } else { "VmRSS:" };
        let status = self.file("status");
        let line = status.lines().find(|line| line.starts_with(word)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }

    /// Returns how many bytes it has had written to the disk.
    pub(crate) fn written(&self) -> f64 {
        let io = self.file("io");
        let line = io.lines().find(|line| line.starts_with("write_bytes:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Returns a number of the service's `/metrics`.
    pub(crate) fn metric(&self, token: &str, name: &str) -> f64 {
        let request = format!(
            "GET /metrics HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\n\r\n",
            self.address
        );
        let (status, body) = load::once(&self.address, request.as_bytes());
        assert_eq!(status, 200, "{body}");
        let line = body.lines().find(|line| line.split(' ').next() == Some(name));
        line.unwrap().rsplit(' ').next().unwrap().parse().unwrap()
    }

    /// Stops it and waits until everything is on the disk.
    pub(crate) fn stop(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap();
    }

    /// Kills it as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).unwrap()
    }
}

/// Makes a token to ask the service's numbers and pages with.
pub(crate) fn token(folder: &Path) -> String {
    let made = Command::new(BINARY)
        .args(["tokens", "add", "measurement", "--role", "operator", "--project"])
        .arg(folder)
        .envs(NAMES)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

/// Returns how many bytes the files in a folder have.
pub(crate) fn bytes_in(folder: &Path) -> u64 {
    fs::read_dir(folder).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum()
}
