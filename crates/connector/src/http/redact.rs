//! What is cut out of URLs and texts before they are kept or shown: secrets, and what identifies a person.
//!
//! Structured values are not touched by this; it is for exchanges, messages and logs. Cutting too much costs a look
//! at the vendor's own log, cutting too little shows somebody's secret: in doubt it is cut.

use std::borrow::Cow;

use serde_json::Value;
use url::Url;

use crate::secret::Secret;

const CUT: &str = "***";

/// Returns a text of any kind without what looks like a secret or identifies a person, for logs and messages. What is
/// beyond 10 000 characters is cut off.
pub fn redact(text: &str) -> String {
    Redactor::default().text(text, 10_000)
}

/// The secrets of one request, cut wherever they appear, beside what looks like a secret or identifies a person.
#[derive(Debug, Clone, Default)]
pub(super) struct Redactor {
    secrets: Vec<Secret>,
}

impl Redactor {
    pub(super) fn new(secrets: &[Secret]) -> Self {
        // A secret of one or two letters would cut half of every text and protects nothing.
        let mut secrets: Vec<_> =
            secrets.iter().filter(|secret| secret.expose().len() > 2).cloned().collect();
        // Longest first: one that contains another is cut whole.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
        Self { secrets }
    }

    /// Returns at most `most` characters of `text`, redacted.
    pub(super) fn text(&self, text: &str, most: usize) -> String {
        // What is cut off is cut after redaction looked at it, so that no half of a secret stays at the end.
        let mut begin = text;
        if let Some((end, _)) = text.char_indices().nth(most + 1024) {
            begin = &text[..end];
        }
        let redacted = redact_text(&self.without_secrets(begin));
        match redacted.char_indices().nth(most) {
            Some((end, _)) => format!("{}…", &redacted[..end]),
            None => redacted,
        }
    }

    /// Returns a URL without credentials, fragment, and query values that are secret or a person's; with
    /// `all_queries` without any query value.
    pub(super) fn url(&self, url: &Url, all_queries: bool) -> String {
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let mut shown = format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default());
        for segment in url.path().split('/').skip(1) {
            shown.push('/');
            shown.push_str(if is_random(segment) { CUT } else { segment });
        }
        let mut separator = "?";
        for (name, value) in url.query_pairs() {
            let cut = all_queries || is_private_key(&name) || redact_words(&value) != value;
            let value = if cut { CUT } else { &*value };
            shown.extend([separator, &name, "=", value]);
            separator = "&";
        }
        self.without_secrets(&shown)
    }

    /// Returns a text without the request's secrets, and with everything else as it is.
    pub(super) fn without_secrets(&self, text: &str) -> String {
        let mut text = Cow::Borrowed(text);
        for secret in &self.secrets {
            let encoded: String =
                url::form_urlencoded::byte_serialize(secret.expose().as_bytes()).collect();
            let segment = super::segment(secret.expose());
            let json = Value::from(secret.expose()).to_string();
            let json = json.get(1..json.len() - 1).unwrap_or_default();
            for form in [secret.expose(), json, &encoded, &segment] {
                if text.contains(form) {
                    text = text.replace(form, CUT).into();
                }
            }
        }
        text.into_owned()
    }
}

/// Redacts a text that may be JSON, or its beginning: values under private keys go whole, whatever they hold; other
/// words go when they look like an e-mail address, a telephone number or a token.
fn redact_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut depth = 0_usize;
    // The depth at which the value of a private key began, while it lasts.
    let mut private: Option<usize> = None;
    let mut expects_private_value = false;
    while let Some(first) = rest.chars().next() {
        if first == '"' {
            let (content, after) = split_string(&rest[1..]);
            let is_key = after.trim_start().starts_with(':');
            let closed = rest.len() - 1 - content.len() > after.len();
            let hidden = private.is_some() || expects_private_value;
            out.push('"');
            if is_key {
                out.push_str(content);
                expects_private_value = is_private_key(content);
            } else {
                out.push_str(&if hidden { CUT.into() } else { redact_string(content) });
                expects_private_value = false;
            }
            if closed {
                out.push('"');
            }
            rest = after;
            continue;
        }
        let plain = rest.find(['"', '{', '}', '[', ']', ',']).unwrap_or(rest.len());
        if plain > 0 {
            let (words, after) = rest.split_at(plain);
            let value = words.trim_matches(|letter: char| letter.is_whitespace() || letter == ':');
            let hidden = (private.is_some() || expects_private_value)
                && !value.is_empty()
                && value != "null";
            // A number under a key that is not private is an id or an amount.
            let number = depth > 0 && value.parse::<f64>().is_ok();
            out.push_str(&match (hidden, number) {
                (true, _) => words.replace(value, CUT),
                (false, true) => words.into(),
                (false, false) => redact_words(words),
            });
            if !value.is_empty() {
                expects_private_value = false;
            }
            rest = after;
            continue;
        }
        match first {
            '{' | '[' => {
                if expects_private_value && private.is_none() {
                    private = Some(depth);
                }
                expects_private_value = false;
                depth += 1;
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                if private == Some(depth) {
                    private = None;
                }
            }
            _ => expects_private_value = false,
        }
        out.push(first);
        rest = &rest[first.len_utf8()..];
    }
    out
}

/// Redacts the content of a JSON string; one that repeats other JSON is read as that.
fn redact_string(content: &str) -> String {
    if !content.contains("\\\"") {
        return redact_words(content);
    }
    let text = serde_json::from_str(&format!("\"{content}\""))
        .unwrap_or_else(|_| content.replace('\\', ""));
    redact_text(&text).replace('\\', "\\\\").replace('"', "\\\"")
}

/// Splits the content of a JSON string, its opening quote gone, from what follows its closing quote.
fn split_string(text: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
    }
    (text, "")
}

/// Parts of a key, in small letters without marks, that say it holds what opens a door.
pub(super) const SECRETS: &[&str] = &[
    "token",
    "secret",
    "password",
    "passwd",
    "signature",
    "credential",
    "apikey",
    "accesskey",
    "privatekey",
    "authorization",
    "cookie",
];

/// Whether what a key holds is nobody's business.
pub(super) fn is_private_key(key: &str) -> bool {
    // Further parts of a key that say it wherever they stand, and keys that say it only as a whole.
    const PARTS: &[&str] = &[
        "session",
        "xamz",
        "email",
        "phone",
        "mobile",
        "birth",
        "ssn",
        "socialsecurity",
        "nationalid",
        "passport",
        "taxid",
        "iban",
        "bankaccount",
        "firstname",
        "lastname",
        "fullname",
        "middlename",
        "preferredname",
        "surname",
        "address",
        "salary",
        "gender",
        "ethnic",
        "stringtosign",
    ];
    const WHOLE: &[&str] =
        &["key", "sig", "code", "auth", "pwd", "pass", "jwt", "dob", "sas", "awsaccesskeyid"];
    let key: String = key
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    WHOLE.contains(&key.as_str()) || SECRETS.iter().chain(PARTS).any(|part| key.contains(part))
}

/// Cuts the words that look like an e-mail address, a telephone number or a token.
fn redact_words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(len) = phone(rest, out.chars().next_back()) {
            out.push_str(CUT);
            rest = &rest[len..];
            continue;
        }
        let word = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
        if word == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (word, after) = rest.split_at(word);
        out.push_str(&redact_word(word));
        rest = after;
    }
    out
}

fn redact_word(word: &str) -> String {
    if let Some((name, _)) = word.split_once('=').filter(|(name, _)| is_private_key(name)) {
        return format!("{name}={CUT}");
    }
    if word.contains('@') || word.to_ascii_lowercase().contains("%40") {
        return CUT.into();
    }
    // A token may have parts with dots between, as a JWT has.
    if word.split('.').any(is_random) { CUT.into() } else { word.into() }
}

pub(super) fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || "@._%+-=~".contains(letter)
}

/// Whether a word looks made by a machine to be unguessable. An id of the form 8-4-4-4-12 is only an id.
pub(super) fn is_random(word: &str) -> bool {
    let count = |what: fn(&u8) -> bool| word.bytes().filter(what).count();
    let digits = count(u8::is_ascii_digit);
    let (upper, lower) = (count(u8::is_ascii_uppercase), count(u8::is_ascii_lowercase));
    word.len() >= 20
        && digits >= 2
        && upper + lower >= 2
        && (upper > 0 && lower > 0 || !word.contains('-'))
        && !is_uuid(word)
}

fn is_uuid(word: &str) -> bool {
    let parts: Vec<_> = word.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && word.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// Returns the length of the telephone number that a text begins with: 7 to 15 digits after `+` or with separators
/// between, or 10 to 15 digits without. Dates and times are none.
fn phone(text: &str, before: Option<char>) -> Option<usize> {
    let first = text.chars().next()?;
    if !(first.is_ascii_digit() || "+(".contains(first))
        || before.is_some_and(|before| is_word(before) && before != '=')
    {
        return None;
    }
    let span = text
        .find(|letter: char| !(letter.is_ascii_digit() || "+()-. ".contains(letter)))
        .unwrap_or(text.len());
    let number = text[..span].trim_end_matches(|letter: char| !letter.is_ascii_digit());
    // A number that goes on as something else is a moment, an id or an address.
    if text[number.len()..]
        .chars()
        .next()
        .is_some_and(|next| next.is_alphanumeric() || ":@_%=".contains(next))
    {
        return None;
    }
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let separated = number.bytes().any(|byte| !byte.is_ascii_digit());
    let is_date = number.len() == 10 && number.split('-').map(str::len).eq([4, 2, 2]);
    let enough = if separated { 7 } else { 10 };
    ((enough..=15).contains(&digits) && !is_date).then_some(number.len())
}

#[cfg(test)]
mod tests;
