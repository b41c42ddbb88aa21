//! What stands in for something: another thing of the same form, that belongs to nobody.

use std::collections::{BTreeMap, BTreeSet};

use super::kind::Kind;

/// Names that people of any kind may have.
const FIRST: [&str; 24] = [
    "Alex", "Robin", "Sam", "Kim", "Charlie", "Jamie", "Taylor", "Jordan", "Casey", "Morgan",
    "Riley", "Avery", "Quinn", "Rowan", "Skyler", "Emery", "Finley", "Harley", "Jesse", "Kendall",
    "Logan", "Marley", "Noel", "Parker",
];
const LAST: [&str; 24] = [
    "Stone", "Rivers", "Woods", "Field", "Marsh", "Brook", "Hill", "Lake", "Vale", "Moor", "Shore",
    "Cliff", "Heath", "Glen", "Ford", "Banks", "Meadows", "Forest", "Dale", "Ridge", "Pond", "Bay",
    "Grove", "Park",
];

/// Invents what is not there yet.
#[derive(Debug)]
pub(super) struct Inventor {
    words: BTreeMap<String, String>,
    taken: BTreeSet<String>,
    counts: BTreeMap<&'static str, usize>,
}

impl Inventor {
    /// Returns an inventor that gives nobody a name that is there already.
    pub(super) fn avoiding<'t>(texts: impl Iterator<Item = &'t String>) -> Self {
        let taken = texts.flat_map(|text| words(text)).map(str::to_lowercase).collect();
        Self { words: BTreeMap::new(), taken, counts: BTreeMap::new() }
    }

    /// Returns the words of a name with what stands in for each.
    pub(super) fn name(&mut self, name: &str, first: bool) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let whole = !first && words(name).nth(1).is_some();
        for (at, word) in words(name).enumerate().filter(|(_, word)| word.chars().nth(1).is_some())
        {
            let first = first || (whole && at == 0);
            let stand_in = self.word(word, first);
            found.push((word.to_owned(), stand_in));
        }
        found
    }

    fn word(&mut self, word: &str, first: bool) -> String {
        if let Some(known) = self.words.get(&word.to_lowercase()) {
            return known.clone();
        }
        let (list, what) = if first { (FIRST, "first") } else { (LAST, "last") };
        let stand_in = loop {
            let at = self.next(what);
            let stand_in = match list.get(at) {
                Some(name) => (*name).to_owned(),
                None => format!("{}{}", list[at % list.len()], at / list.len() + 1),
            };
            if !self.taken.contains(&stand_in.to_lowercase()) {
                break stand_in;
            }
        };
        self.words.insert(word.to_lowercase(), stand_in.clone());
        stand_in
    }

    /// Returns what stands in for a text of another kind.
    pub(super) fn of(&mut self, kind: Kind, real: &str) -> String {
        match kind {
            Kind::Email => loop {
                let at = self.next("email") + 1;
                let stand_in = format!("person{at}@example.com");
                if !self.taken.contains(&format!("person{at}")) {
                    break stand_in;
                }
            },
            Kind::Address if real.contains(char::is_alphabetic) && real.contains(' ') => {
                format!("{} Example Street", self.next("address") + 1)
            }
            Kind::Secret => token(real, self.next("secret") + 1),
            Kind::Birth => birth(real, self.next("birth") + 1),
            _ => numbered(real, self.next("number") + 1),
        }
    }

    fn next(&mut self, what: &'static str) -> usize {
        let count = self.counts.entry(what).or_default();
        *count += 1;
        *count - 1
    }
}

/// Returns what stands in for a text in its own place alone, if it is not kept.
pub(super) fn in_place(kind: Kind, text: &str) -> Option<String> {
    let digits = digits_of(text).len();
    match kind {
        Kind::Amount => Some(amount(text)),
        Kind::Sensitive if !text.trim().is_empty() => Some("not stated".into()),
        // `CA` and `US` are of millions.
        Kind::Address if digits == 0 && text.chars().count() > 3 => Some("Exampleton".into()),
        Kind::Address if digits > 0 => Some(numbered(text, 1)),
        _ => None,
    }
}

/// Returns the last seven digits of a telephone number that belongs to nobody.
pub(super) fn phone(at: usize) -> String {
    // 555-0100 to 555-0199 are kept free for this.
    if at < 100 { format!("55501{at:02}") } else { format!("{:07}", 5_560_000 + at % 10_000) }
}

/// Returns the digits of a text.
pub(super) fn digits_of(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Returns a name in the capitals of another.
pub(super) fn cased(name: &str, like: &str) -> String {
    let letters = || like.chars().filter(|letter| letter.is_alphabetic());
    if letters().nth(1).is_some() && letters().all(char::is_uppercase) {
        name.to_uppercase()
    } else if letters().all(char::is_lowercase) {
        name.to_lowercase()
    } else {
        name.to_owned()
    }
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|letter: char| !letter.is_alphanumeric() && letter != '\'')
        .filter(|word| !word.is_empty())
}

/// Returns letters and digits of the same sort in the same places.
fn token(real: &str, number: usize) -> String {
    let put = |(at, letter): (usize, char)| {
        let step = u8::try_from((at * 7 + number * 11) % 26).expect("it is below 26");
        match letter {
            'a'..='z' => char::from(b'a' + step),
            'A'..='Z' => char::from(b'A' + step),
            '0'..='9' => char::from(b'0' + step % 10),
            other => other,
        }
    };
    // The letters and digits of an escape are not those of the token.
    let mut escape = 0;
    let mut put = |(at, letter): (usize, char)| {
        if letter == '%' {
            escape = 3;
        }
        if escape > 0 {
            escape -= 1;
            return letter;
        }
        put((at, letter))
    };
    real.chars().enumerate().map(&mut put).collect()
}

/// Returns a day in 1980 in the same form.
fn birth(real: &str, number: usize) -> String {
    let day = (number - 1) % 28 + 1;
    let mut out = String::new();
    let mut rest = real;
    let mut place = 0;
    while let Some(first) = rest.chars().next() {
        let length = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
        if length == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let part = match (place, length) {
            (_, 4) => "1980".into(),
            // Month and day alike, so that it is a date in either order.
            (0..=2, 2) => format!("{:02}", (day - 1) % 12 + 1),
            (0..=2, 1) => format!("{}", (day - 1) % 9 + 1),
            (_, length) => "0".repeat(length),
        };
        out.push_str(&part);
        place += 1;
        rest = &rest[length..];
    }
    out
}

/// Returns a number of the same form.
fn numbered(real: &str, number: usize) -> String {
    let count = digits_of(real).len();
    let mut digits: Vec<char> = format!("{number:0count$}").chars().collect();
    // As many as there are places: the last ones count.
    digits.drain(..digits.len().saturating_sub(count));
    let mut digits = digits.into_iter();
    let put = |letter: char| match letter {
        letter if letter.is_ascii_digit() => digits.next().unwrap_or('0'),
        letter if letter.is_uppercase() => 'X',
        letter if letter.is_alphabetic() => 'x',
        other => other,
    };
    real.chars().map(put).collect()
}

/// Returns an amount of the same size: 5 and noughts.
fn amount(real: &str) -> String {
    let mut first = true;
    let put = |letter: char| match letter {
        '0' if first => '0',
        letter if letter.is_ascii_digit() => {
            if std::mem::take(&mut first) {
                '5'
            } else {
                '0'
            }
        }
        other => other,
    };
    real.chars().map(put).collect()
}
