//! Stand-ins for what is secret or a person's: the same for the same value wherever it turns up, in the form it had.
//!
//! What is replaced is found by the names of keys (`first_name`, `email`), by the labels of custom fields, and by the
//! look of words (e-mail addresses, tokens). What was found in one place is then replaced in all: in other values, in
//! file names, in URLs, in sentences.

mod invent;
mod kind;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use self::{
    invent::{Inventor, cased, digits_of},
    kind::{Kind, of_labelled, of_object},
};
use super::redact::{is_private_key, is_random, is_word};

/// Words of fewer letters are replaced only where they stand alone.
const UNMISTAKABLE: usize = 6;

/// What stands in for what. Made once from all that is to be replaced, so that it is the same everywhere.
#[derive(Debug, Clone, Default)]
pub struct StandIns {
    /// By the first letter, in lower case: the longest first.
    texts: BTreeMap<char, Vec<Text>>,
    /// The last seven digits of telephone numbers.
    phones: BTreeMap<String, String>,
    /// What stands under one of these names is kept.
    kept: BTreeSet<String>,
    counts: BTreeMap<&'static str, usize>,
}

/// A text and what stands in for it.
#[derive(Debug, Clone)]
struct Text {
    real: String,
    stand_in: String,
    fits: Fits,
}

/// Where a text is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fits {
    /// Wherever these letters stand, as they are written.
    Exactly,
    /// Wherever these letters stand, in upper or lower case.
    Anywhere,
    /// Where they are a word, in upper or lower case.
    Alone,
}

/// What is to be replaced.
#[derive(Debug, Default)]
pub struct Found {
    texts: BTreeMap<String, Kind>,
    order: Vec<String>,
    phones: Vec<String>,
    exactly: Vec<(String, String)>,
    kept_texts: BTreeSet<String>,
    kept_names: BTreeSet<String>,
}

impl Found {
    /// Replaces a text by another wherever it stands.
    pub fn exactly(&mut self, real: &str, stand_in: &str) {
        if real.len() > 2 && real != stand_in {
            self.exactly.push((real.into(), stand_in.into()));
        }
    }

    /// Leaves a text as it is, whatever it looks like.
    pub fn keep(&mut self, text: &str) {
        self.kept_texts.insert(text.to_lowercase());
    }

    /// Leaves what stands under a name as it is.
    pub fn keep_under(&mut self, name: &str) {
        self.kept_names.insert(kind::plain(name));
    }

    /// Replaces the words of a text wherever they stand, as if it were a person's name.
    pub fn name(&mut self, text: &str) {
        self.learn(text, Kind::Name);
    }

    /// Finds what is secret or a person's in a value.
    pub fn look_through(&mut self, value: &Value) {
        self.walk(value, None);
    }

    fn walk(&mut self, value: &Value, kind: Option<Kind>) {
        match value {
            Value::Object(map) => {
                let labelled = of_labelled(map, &self.kept_names);
                for (key, inner) in map {
                    let own = of_object(map, key, kind, labelled, &self.kept_names);
                    self.walk(inner, own);
                }
            }
            Value::Array(list) => {
                for inner in list {
                    self.walk(inner, kind);
                }
            }
            Value::String(text) => self.text(text, kind),
            Value::Number(number) if kind == Some(Kind::Phone) => self.phone(&number.to_string()),
            _ => {}
        }
    }

    fn text(&mut self, text: &str, kind: Option<Kind>) {
        if self.kept_texts.contains(&text.to_lowercase()) {
            return;
        }
        match kind {
            Some(Kind::Email) | None => {}
            Some(Kind::Phone) => self.phone(text),
            Some(kind) => self.learn(text, kind),
        }
        // What gives itself away, whatever it is called.
        for word in text.split(|letter| !is_word(letter)) {
            if let Some((_, address)) =
                word.split_once('=').filter(|(_, after)| after.contains('@'))
            {
                self.address(address);
            } else if word.contains('@') {
                self.address(word);
            } else {
                for part in word.split(['.', '=', '%']).filter(|part| is_random(part)) {
                    self.learn(part, Kind::Secret);
                }
            }
        }
        if let Some((_, query)) = text.split_once('?').filter(|_| text.contains("://")) {
            for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
                if is_private_key(name) && value.len() > 2 && !value.contains('@') {
                    self.learn(value, Kind::Secret);
                }
            }
        }
    }

    fn address(&mut self, word: &str) {
        let word = word.trim_matches(['.', '-', '~']);
        let whole =
            word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
        if whole && !self.kept_texts.contains(&word.to_lowercase()) {
            self.learn(&word.to_lowercase(), Kind::Email);
        }
    }

    fn phone(&mut self, text: &str) {
        let digits = digits_of(text);
        if let Some(last) = digits.len().checked_sub(7).map(|at| digits[at..].to_owned())
            && !self.phones.contains(&last)
        {
            self.phones.push(last);
        }
    }

    fn learn(&mut self, text: &str, kind: Kind) {
        let text = text.trim();
        if text.is_empty() || self.texts.contains_key(text) {
            return;
        }
        self.texts.insert(text.into(), kind);
        self.order.push(text.into());
    }

    /// Decides what stands in for what.
    pub fn stand_ins(self) -> StandIns {
        let mut made = StandIns { kept: self.kept_names, ..StandIns::default() };
        let mut inventor = Inventor::avoiding(self.texts.keys());
        for (real, stand_in) in self.exactly {
            made.add(&real, &stand_in, Fits::Exactly);
        }
        for (at, last) in self.phones.into_iter().enumerate() {
            *made.counts.entry("telephone number").or_default() += 1;
            made.phones.insert(last, invent::phone(at));
        }
        for real in self.order {
            let kind = self.texts[&real];
            if let Some(counted) = kind.counted() {
                *made.counts.entry(counted).or_default() += 1;
            }
            match kind {
                Kind::Name | Kind::FirstName => {
                    for (word, stand_in) in inventor.name(&real, kind == Kind::FirstName) {
                        let long = word.chars().count() >= UNMISTAKABLE;
                        made.add(&word, &stand_in, if long { Fits::Anywhere } else { Fits::Alone });
                    }
                }
                // A word such as a city is replaced in its place alone; elsewhere it may be an office.
                Kind::Address if !real.contains(|letter: char| letter.is_ascii_digit()) => {}
                // What people write into such a field may be a word of every day.
                Kind::Sensitive | Kind::Amount => {}
                Kind::Email => made.add(&real, &inventor.of(kind, &real), Fits::Anywhere),
                kind => {
                    let fits = if kind == Kind::Secret { Fits::Exactly } else { Fits::Alone };
                    if real.len() > 2 {
                        made.add(&real, &inventor.of(kind, &real), fits);
                    }
                }
            }
        }
        for texts in made.texts.values_mut() {
            texts.sort_by_key(|text| std::cmp::Reverse(text.real.len()));
        }
        made
    }
}

impl StandIns {
    /// Returns a value with everything replaced, and as it was otherwise.
    pub fn value(&self, value: &Value) -> Value {
        self.walk(value, None)
    }

    /// Returns a text with everything replaced.
    pub fn text(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let (mut rest, mut before) = (text, None);
        while let Some(first) = rest.chars().next() {
            if let Some((length, stand_in)) = self.at(rest, before) {
                before = rest[..length].chars().next_back();
                out.push_str(&stand_in);
                rest = &rest[length..];
                continue;
            }
            out.push(first);
            before = Some(first);
            rest = &rest[first.len_utf8()..];
        }
        out
    }

    /// Returns whether a text still holds something that has a stand-in.
    pub fn is_seen_in(&self, text: &str) -> bool {
        let mut before = None;
        text.char_indices().any(|(at, letter)| {
            let seen = self.at(&text[at..], before);
            before = Some(letter);
            seen.is_some_and(|(length, stand_in)| stand_in != text[at..at + length])
        })
    }

    /// Returns what was replaced and how many of it, such as `2 e-mail addresses`.
    pub fn counted(&self) -> Vec<String> {
        let plural = |(what, count): (&&str, &usize)| match (*count, *what) {
            (1, what) => format!("1 {what}"),
            (count, "e-mail address" | "address") => format!("{count} {what}es"),
            (count, "date of birth") => format!("{count} dates of birth"),
            (count, what) => format!("{count} {what}s"),
        };
        self.counts.iter().map(plural).collect()
    }

    fn add(&mut self, real: &str, stand_in: &str, fits: Fits) {
        let encoded: String = url::form_urlencoded::byte_serialize(real.as_bytes()).collect();
        let segment = super::segment(real);
        let mut forms = vec![(real.to_owned(), stand_in.to_owned())];
        if encoded != real {
            forms.push((
                encoded,
                url::form_urlencoded::byte_serialize(stand_in.as_bytes()).collect(),
            ));
            forms.push((segment, super::segment(stand_in)));
        }
        for (real, stand_in) in forms {
            let Some(first) = real.chars().next().and_then(|first| first.to_lowercase().next())
            else {
                continue;
            };
            let texts = self.texts.entry(first).or_default();
            if !texts.iter().any(|text| text.real == real) {
                texts.push(Text { real, stand_in, fits });
            }
        }
    }

    fn walk(&self, value: &Value, kind: Option<Kind>) -> Value {
        match value {
            Value::Object(map) => {
                let labelled = of_labelled(map, &self.kept);
                let entry = |(key, inner): (&String, &Value)| {
                    let own = of_object(map, key, kind, labelled, &self.kept);
                    (self.text(key), self.walk(inner, own))
                };
                map.iter().map(entry).collect()
            }
            Value::Array(list) => list.iter().map(|inner| self.walk(inner, kind)).collect(),
            Value::String(text) => {
                let replaced = self.text(text);
                match kind {
                    Some(kind) if replaced == *text => {
                        invent::in_place(kind, text).unwrap_or(replaced).into()
                    }
                    _ => replaced.into(),
                }
            }
            Value::Number(number) => match kind {
                Some(Kind::Phone) => {
                    self.text(&number.to_string()).parse().map_or(Value::Null, Value::Number)
                }
                Some(Kind::Amount | Kind::Number | Kind::Birth) => {
                    let text = number.to_string();
                    let stand_in = invent::in_place(Kind::Amount, &text).unwrap_or(text);
                    stand_in.parse().map_or(Value::Null, Value::Number)
                }
                _ => value.clone(),
            },
            other => other.clone(),
        }
    }

    /// Returns the length of what a text begins with, if it has a stand-in, and that.
    fn at(&self, rest: &str, before: Option<char>) -> Option<(usize, String)> {
        let first = rest.chars().next()?;
        if first.is_ascii_digit() || first == '+' {
            let in_number = before.is_some_and(|before| before.is_ascii_digit());
            if !in_number && let Some(found) = self.phone_at(rest) {
                return Some(found);
            }
        }
        let texts = self.texts.get(&first.to_lowercase().next()?)?;
        texts.iter().find_map(|text| {
            let found = rest.get(..text.real.len())?;
            let same = match text.fits {
                Fits::Exactly => found == text.real,
                Fits::Anywhere | Fits::Alone => found.to_lowercase() == text.real.to_lowercase(),
            };
            let alone = || stands_alone(found, before, rest[found.len()..].chars().next());
            (same && (text.fits != Fits::Alone || alone())).then(|| {
                let exactly = text.fits == Fits::Exactly || text.stand_in.contains('@');
                let stand_in =
                    if exactly { text.stand_in.clone() } else { cased(&text.stand_in, found) };
                (found.len(), stand_in)
            })
        })
    }

    /// Returns the telephone number that a text begins with, and its stand-in with the same signs between the digits.
    fn phone_at(&self, rest: &str) -> Option<(usize, String)> {
        let sign = |letter: char| letter.is_ascii_digit() || "+()-. ".contains(letter);
        let span = rest.find(|letter| !sign(letter)).unwrap_or(rest.len());
        let number = rest[..span].trim_end_matches(|letter: char| !letter.is_ascii_digit());
        let digits = digits_of(number);
        let at = digits.len().checked_sub(7)?;
        let stand_in = self.phones.get(&digits[at..])?;
        let mut new = digits[..at].chars().chain(stand_in.chars());
        let replace =
            |letter: char| if letter.is_ascii_digit() { new.next().unwrap_or('0') } else { letter };
        Some((number.len(), number.chars().map(replace).collect()))
    }
}

/// Whether a word ends where it does: `Ann` in `ann_lee.pdf` and in `AnnLee.pdf`, not in `Annual`.
fn stands_alone(found: &str, before: Option<char>, after: Option<char>) -> bool {
    let begins_upper = found.starts_with(char::is_uppercase);
    let ends_lower = found.ends_with(char::is_lowercase);
    let free_before = before.is_none_or(|before| {
        !before.is_alphanumeric()
            || (begins_upper && before.is_lowercase())
            || before.is_ascii_digit()
    });
    let free_after = after.is_none_or(|after| {
        !after.is_alphanumeric() || (ends_lower && after.is_uppercase()) || after.is_ascii_digit()
    });
    free_before && free_after
}

#[cfg(test)]
mod tests;
