//! Who may: tokens with their roles, and the sessions of browsers. Only hashes are kept, in a file of the data folder
//! that its owner alone can read.

use std::{
    collections::HashMap,
    fs,
    io::Write as _,
    net::IpAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use clap::ValueEnum;
use connector::Clock;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{code::Code, exit::Trouble, random, service::By};

/// How long a browser stays signed in.
const SESSION: Duration = Duration::from_hours(7 * 24);
/// How long a sign-in link is good for.
const LINK: Duration = Duration::from_mins(10);
/// How many wrong tokens an address may try in [`WINDOW`] before it has to wait.
const MOST_FAILURES: u32 = 10;
const WINDOW: Duration = Duration::from_mins(1);
/// How many addresses are remembered for their failures.
const MOST_ADDRESSES: usize = 10_000;
/// What tokens begin with, so that scanners of repositories know one when they see it.
const PREFIX: &str = "rr_";

/// What somebody may do; each may also do what those before it may.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees how things stand, without anybody's personal data
    Viewer,
    /// Sees all; retries, resolves, answers, switches recipes
    Operator,
    /// Also says who may
    Admin,
}

impl Role {
    /// Returns its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

/// Somebody who was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name of their token.
    pub name: String,
    /// What they may.
    pub role: Role,
    /// How they came.
    pub door: Door,
    /// What their forms must carry; `None` for who shows a token with each request, which no foreign page can do.
    pub csrf: Option<String>,
}

/// How somebody comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// With a token in each request.
    Api,
    /// With a browser's session.
    Page,
    /// Through the control socket, at the machine itself.
    CommandLine,
}

impl Person {
    /// Returns them as the audit tells of them.
    pub fn by(&self) -> By {
        match self.door {
            Door::Api => By::api(&self.name),
            Door::Page => By::page(&self.name),
            Door::CommandLine => By::command_line(&self.name),
        }
    }
}

/// A token as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Whose it is.
    pub name: String,
    /// What they may.
    pub role: Role,
    /// When it was made.
    pub made_at: Timestamp,
    /// The SHA-256 of its text. A token is 256 random bits: no slower hash is needed.
    hash: String,
}

/// A browser that is signed in.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Session {
    token: String,
    hash: String,
    ends_at: Timestamp,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    tokens: Vec<Token>,
    sessions: Vec<Session>,
}

/// The tokens and sessions of a data folder.
pub struct Access {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    kept: Mutex<Kept>,
    /// Sign-in links by their hash: whom they sign in, and until when.
    links: Mutex<HashMap<String, (String, Timestamp)>>,
    failures: Mutex<HashMap<IpAddr, (Timestamp, u32)>>,
}

/// Why somebody was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The token is not one of ours.
    Wrong,
    /// Too many wrong ones came from that address; come again after so many seconds.
    TooMany(u64),
}

impl Access {
    /// Reads what is kept in a data folder.
    pub fn open(data_dir: &Path, clock: Arc<dyn Clock>) -> Result<Self, Trouble> {
        let path = data_dir.join("access.json");
        let kept = match fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Kept::default(),
            Err(error) => return Err(Trouble::file("read", &path, &error)),
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                Trouble::cannot(format!("`{}` is damaged: {error}", path.display()))
                    .cure("remove it, then make tokens anew: `recipe-runner tokens add NAME`")
            })?,
        };
        let (kept, links, failures) = (Mutex::new(kept), Mutex::default(), Mutex::default());
        Ok(Self { path, clock, kept, links, failures })
    }

    /// Returns every token, in the order they were made.
    pub fn tokens(&self) -> Vec<Token> {
        self.kept().tokens.clone()
    }

    /// Makes a token and returns its text, which is not kept.
    pub fn add(&self, name: &str, role: Role) -> Result<String, Trouble> {
        let name = name.trim();
        let fits = |letter: char| letter.is_alphanumeric() || " .-_@'".contains(letter);
        if name.is_empty() || name.chars().count() > 60 || !name.chars().all(fits) {
            return Err(Trouble::of(Code::WrongName, format!("`{name}` cannot be the name of a token"))
                .cure("take a person's name or address: up to 60 letters, digits, blanks and any of . - _ @ '"));
        }
        let text = format!("{PREFIX}{}", random::token()?);
        let mut kept = self.kept();
        if kept.tokens.iter().any(|token| token.name == name) {
            return Err(Trouble::of(
                Code::TokenExists,
                format!("there is a token `{name}` already"),
            )
            .cure(format!(
                "revoke it first: `recipe-runner tokens revoke '{name}'`, or take another name"
            )));
        }
        let made_at = self.clock.now();
        kept.tokens.push(Token { name: name.into(), role, made_at, hash: hash(&text) });
        self.write(&kept)?;
        Ok(text)
    }

    /// Takes a token back; whoever is signed in with it is out.
    pub fn revoke(&self, name: &str) -> Result<(), Trouble> {
        let mut kept = self.kept();
        if !kept.tokens.iter().any(|token| token.name == name) {
            let known: Vec<_> = kept.tokens.iter().map(|token| token.name.as_str()).collect();
            let trouble = Trouble::of(Code::NoToken, format!("there is no token `{name}`"));
            return Err(if known.is_empty() {
                trouble.cure("make one: `recipe-runner tokens add NAME`")
            } else {
                trouble.cure(format!("there is: {}", known.join(", ")))
            });
        }
        kept.tokens.retain(|token| token.name != name);
        kept.sessions.retain(|session| session.token != name);
        self.write(&kept)
    }

    /// Returns who shows this token; `from` has to wait after too many wrong ones.
    pub fn bearer(&self, text: &str, from: Option<IpAddr>) -> Result<Person, Refused> {
        self.may_try(from)?;
        let hash = hash(text);
        let known = self.kept().tokens.iter().find(|token| token.hash == hash).cloned();
        let Some(token) = known else {
            self.failed(from);
            return Err(Refused::Wrong);
        };
        Ok(Person { name: token.name, role: token.role, door: Door::Api, csrf: None })
    }

    /// Signs a browser in with a token; returns what its cookie holds.
    pub fn sign_in(
        &self,
        text: &str,
        from: Option<IpAddr>,
    ) -> Result<Result<String, Trouble>, Refused> {
        let person = self.bearer(text, from)?;
        Ok(self.begin(&person.name))
    }

    /// Makes a link's code that signs one browser in as the owner of a token, once.
    pub fn link(&self, name: &str) -> Result<String, Trouble> {
        let code = random::token()?;
        let now = self.clock.now();
        let mut links = self.links.lock().expect("no panic while the lock is held");
        links.retain(|_, (_, until)| *until > now);
        links.insert(hash(&code), (name.into(), now + LINK));
        Ok(code)
    }

    /// Signs a browser in with the code of a link, which is used up.
    pub fn follow(
        &self,
        code: &str,
        from: Option<IpAddr>,
    ) -> Result<Result<String, Trouble>, Refused> {
        self.may_try(from)?;
        let hash = hash(code);
        let found = self.links.lock().expect("no panic while the lock is held").remove(&hash);
        match found.filter(|(_, until)| *until > self.clock.now()) {
            Some((name, _)) if self.tokens().iter().any(|token| token.name == name) => {
                Ok(self.begin(&name))
            }
            _ => {
                self.failed(from);
                Err(Refused::Wrong)
            }
        }
    }

    /// Returns who is signed in with this cookie.
    pub fn session(&self, cookie: &str) -> Option<Person> {
        let (hash, now) = (hash(cookie), self.clock.now());
        let kept = self.kept();
        let session = kept.sessions.iter().find(|one| one.hash == hash && one.ends_at > now)?;
        let token = kept.tokens.iter().find(|token| token.name == session.token)?;
        let csrf = Some(csrf(cookie));
        Some(Person { name: token.name.clone(), role: token.role, door: Door::Page, csrf })
    }

    /// Signs a browser out.
    pub fn sign_out(&self, cookie: &str) -> Result<(), Trouble> {
        let hash = hash(cookie);
        let mut kept = self.kept();
        kept.sessions.retain(|session| session.hash != hash);
        self.write(&kept)
    }

    /// Signs every browser of a person out.
    pub fn sign_out_everywhere(&self, name: &str) -> Result<(), Trouble> {
        let mut kept = self.kept();
        kept.sessions.retain(|session| session.token != name);
        self.write(&kept)
    }

    fn begin(&self, name: &str) -> Result<String, Trouble> {
        let cookie = random::token()?;
        let now = self.clock.now();
        let mut kept = self.kept();
        kept.sessions.retain(|session| session.ends_at > now);
        let session = Session { token: name.into(), hash: hash(&cookie), ends_at: now + SESSION };
        kept.sessions.push(session);
        self.write(&kept)?;
        Ok(cookie)
    }

    fn may_try(&self, from: Option<IpAddr>) -> Result<(), Refused> {
        let Some(from) = from else { return Ok(()) };
        let failures = self.failures.lock().expect("no panic while the lock is held");
        let Some((since, count)) = failures.get(&from) else { return Ok(()) };
        let over = *since + WINDOW;
        let now = self.clock.now();
        if *count < MOST_FAILURES || now >= over {
            return Ok(());
        }
        let wait = over.duration_since(now).as_secs().max(0).unsigned_abs() + 1;
        Err(Refused::TooMany(wait))
    }

    fn failed(&self, from: Option<IpAddr>) {
        let Some(from) = from else { return };
        let now = self.clock.now();
        let mut failures = self.failures.lock().expect("no panic while the lock is held");
        if failures.len() >= MOST_ADDRESSES {
            failures.retain(|_, (since, _)| now < *since + WINDOW);
        }
        let entry = failures.entry(from).or_insert((now, 0));
        if now >= entry.0 + WINDOW {
            *entry = (now, 0);
        }
        entry.1 += 1;
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().expect("no panic while the lock is held")
    }

    /// Writes beside the file first: a crash leaves the old one or the new one.
    fn write(&self, kept: &Kept) -> Result<(), Trouble> {
        let beside = self.path.with_extension("json.new");
        let failed = |error: &std::io::Error| Trouble::file("write", &self.path, error);
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)
            .map_err(|error| failed(&error))?;
        let bytes = serde_json::to_vec_pretty(kept).expect("our own values serialise");
        file.write_all(&bytes)
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&beside, &self.path))
            .map_err(|error| failed(&error))
    }
}

fn hash(text: &str) -> String {
    random::hex(&Sha256::digest(text.as_bytes()))
}

/// Returns what the forms of a session carry: it follows from the cookie, and the cookie does not follow from it.
fn csrf(cookie: &str) -> String {
    hash(&format!("form of {cookie}"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::{net::Ipv4Addr, os::unix::fs::PermissionsExt};

    use connector::{ManualClock, SystemClock};

    use super::*;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));

    fn access(dir: &Path) -> Access {
        Access::open(dir, Arc::new(SystemClock)).unwrap()
    }

    #[test]
    fn a_token_lets_in_until_it_is_revoked_and_its_text_is_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        let text = access(dir.path()).add("Ann", Role::Operator).unwrap();
        let again = access(dir.path());
        let person = again.bearer(&text, HERE).unwrap();
        assert_eq!((person.name.as_str(), person.role, person.csrf), ("Ann", Role::Operator, None));
        let file = dir.path().join("access.json");
        assert!(!fs::read_to_string(&file).unwrap().contains(&text[PREFIX.len()..]));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let cookie = again.sign_in(&text, HERE).unwrap().unwrap();
        assert_eq!(again.session(&cookie).unwrap().name, "Ann");
        again.revoke("Ann").unwrap();
        assert_eq!(again.bearer(&text, HERE), Err(Refused::Wrong));
        assert_eq!(again.session(&cookie), None);
    }

    #[test]
    fn names_are_unique_and_plain() {
        let dir = tempfile::tempdir().unwrap();
        let access = access(dir.path());
        access.add("Ann", Role::Viewer).unwrap();
        assert_eq!(
            access.add("Ann", Role::Admin).unwrap_err().message,
            "there is a token `Ann` already"
        );
        assert!(access.add("<b>", Role::Admin).is_err());
        assert!(access.add("", Role::Admin).is_err());
        assert_eq!(access.revoke("Bob").unwrap_err().cures, ["there is: Ann"]);
    }

    #[test]
    fn a_session_outlives_a_restart_and_ends_everywhere_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let first = access(dir.path());
        let text = first.add("Ann", Role::Viewer).unwrap();
        let cookies = [0, 1].map(|_| first.sign_in(&text, HERE).unwrap().unwrap());
        let second = access(dir.path());
        assert!(cookies.iter().all(|cookie| second.session(cookie).is_some()));
        let forms = cookies.each_ref().map(|cookie| second.session(cookie).unwrap().csrf.unwrap());
        assert_ne!(forms[0], forms[1]);
        second.sign_out(&cookies[0]).unwrap();
        assert!(second.session(&cookies[0]).is_none() && second.session(&cookies[1]).is_some());
        second.sign_out_everywhere("Ann").unwrap();
        assert!(second.session(&cookies[1]).is_none());
    }

    #[test]
    fn a_link_is_good_once() {
        let dir = tempfile::tempdir().unwrap();
        let access = access(dir.path());
        access.add("Ann", Role::Admin).unwrap();
        let code = access.link("Ann").unwrap();
        let cookie = access.follow(&code, HERE).unwrap().unwrap();
        assert_eq!(access.session(&cookie).unwrap().role, Role::Admin);
        assert_eq!(access.follow(&code, HERE).map(drop), Err(Refused::Wrong));
    }

    #[test]
    fn whoever_guesses_has_to_wait_and_nobody_else() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new("2026-07-01T00:00:00Z".parse().unwrap()));
        let access = Access::open(dir.path(), clock.clone()).unwrap();
        let text = access.add("Ann", Role::Admin).unwrap();
        for _ in 0..MOST_FAILURES {
            assert_eq!(access.bearer("rr_guess", HERE), Err(Refused::Wrong));
        }
        assert_eq!(access.bearer(&text, HERE), Err(Refused::TooMany(61)));
        let other = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)));
        assert!(access.bearer(&text, other).is_ok());
        clock.set("2026-07-01T00:01:00Z".parse().unwrap());
        assert!(access.bearer(&text, HERE).is_ok());
    }
}
