//! The changes of one line: its words, numbers, operators, values, its place.

/// What stands in one place and might stand in another.
const OTHERS: [(&str, &str); 16] = [
    (" == ", " != "),
    (" != ", " == "),
    (" > ", " >= "),
    (" < ", " <= "),
    (" >= ", " > "),
    (" or ", " and "),
    (" and ", " or "),
    (" is none", " is not none"),
    (" is not none", " is none"),
    (" not ", " "),
    ("true", "false"),
    ("false", "true"),
    (": warn", ": fail"),
    (": fail", ": warn"),
    (": skipped", ": succeeded"),
    (": succeeded", ": skipped"),
];

/// Every way in which a word of a line is misspelt; `thorough`: at each of its letters. In prose, only what stands in
/// braces is code.
pub(super) fn misspellings(line: &str, prose: bool, thorough: bool) -> Vec<String> {
    let mut all = Vec::new();
    for (start, end) in words(line) {
        let word = &line[start..end];
        if prose && !in_braces(line, start) && !is_key(line, start, end) {
            continue;
        }
        // The words of one text in quotes are one constant: its last word stands for it.
        if in_text(line, start) && line[end..].starts_with(' ') {
            continue;
        }
        for other in misspelt(word, thorough) {
            all.push(format!("{}{other}{}", &line[..start], &line[end..]));
        }
    }
    all
}

/// Every other change of one line.
pub(super) fn edits(line: &str, prose: bool) -> Vec<String> {
    let mut all = Vec::new();
    for (start, end) in numbers(line) {
        if !prose || in_braces(line, start) {
            let number: u64 = line[start..end].parse().unwrap_or(0);
            all.push(format!("{}{}{}", &line[..start], number + 1, &line[end..]));
            if number > 0 {
                all.push(format!("{}{}{}", &line[..start], number - 1, &line[end..]));
            }
            if let Some(unit) = other_unit(&line[end..]) {
                all.push(format!("{}{unit}{}", &line[..end], &line[end + 1..]));
            }
        }
    }
    for (this, other) in OTHERS {
        for (at, _) in line.match_indices(this) {
            if !prose || in_braces(line, at) {
                all.push(format!("{}{other}{}", &line[..at], &line[at + this.len()..]));
            }
        }
    }
    for (start, end) in filters(line) {
        all.push(format!("{}{}", &line[..start], &line[end..]));
    }
    for (start, end) in segments(line) {
        if !prose || in_braces(line, start) {
            all.push(format!("{}{}", &line[..start], &line[end..]));
        }
    }
    if !prose {
        all.extend(without_entry(line));
        all.extend(without_braces(line));
        all.extend(moved(line));
    }
    // What a reason says is changed as a whole, not letter by letter.
    if let (true, Some((key, value))) = (prose, line.split_once(": "))
        && !value.starts_with('>')
    {
        all.push(format!("{key}: Something else"));
    }
    if let Some((key, value)) = line.split_once(": ")
        && !prose
        && !key.trim_start().starts_with("- ")
        && !value.starts_with(['>', '{', '['])
    {
        all.push(format!("{key}: 7"));
        all.push(format!("{key}: [{value}]"));
        all.push(format!("{key}:"));
        all.push(format!("{key} {value}"));
    }
    if let Some((key, value)) = line.split_once(": ")
        && ["when", "if", "repeat_while"].contains(&key.trim_start_matches([' ', '-']))
    {
        all.push(format!("{key}: not ({value})"));
    }
    all
}

/// What an input, variable or output is given, and where: the part of a line behind its key, if it is one template.
pub(super) fn template(line: &str) -> Option<(usize, usize)> {
    let code = line.trim_start();
    let (key, value) = code.split_once(": ")?;
    let plain = key.chars().all(|next| next.is_ascii_alphanumeric() || next == '_');
    let start = line.len() - value.len();
    (plain && value.starts_with("\"{{") && value.ends_with("}}\"")).then_some((start, line.len()))
}

/// Swaps two letters, and leaves the last one out; or swaps, leaves out and doubles each letter in turn.
fn misspelt(word: &str, thorough: bool) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let mut all = Vec::new();
    if thorough {
        for at in 0..letters.len() {
            let (before, behind) = (&letters[..at], &letters[at + 1..]);
            all.push([before, behind].concat().into_iter().collect());
            all.push([before, &[letters[at]; 2], behind].concat().into_iter().collect());
            if at > 0 && letters[at - 1] != letters[at] {
                let mut swapped = letters.clone();
                swapped.swap(at - 1, at);
                all.push(swapped.into_iter().collect());
            }
        }
        return all;
    }
    let swap = (1..letters.len() - 1).find(|at| letters[*at] != letters[at + 1]);
    if let Some(at) = swap {
        let mut swapped = letters.clone();
        swapped.swap(at, at + 1);
        all.push(swapped.into_iter().collect());
    }
    all.push(letters[..letters.len() - 1].iter().collect());
    all
}

/// The words of at least three letters that are not operators.
fn words(line: &str) -> Vec<(usize, usize)> {
    const OPERATORS: [&str; 6] = ["and", "not", "none", "true", "false", "clear"];
    let part = |next: char| next.is_ascii_alphanumeric() || next == '_';
    let mut all = Vec::new();
    let mut start = None;
    for (at, next) in line.char_indices().chain([(line.len(), ' ')]) {
        match (start, part(next)) {
            (None, true) => start = Some(at),
            (Some(begin), false) => {
                let word = &line[begin..at];
                if word.len() >= 3
                    && word.starts_with(|first: char| first.is_ascii_alphabetic())
                    && !OPERATORS.contains(&word)
                {
                    all.push((begin, at));
                }
                start = None;
            }
            _ => {}
        }
    }
    all
}

fn numbers(line: &str) -> Vec<(usize, usize)> {
    let mut all = Vec::new();
    let bytes = line.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let begins = bytes[at].is_ascii_digit()
            && (at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_'));
        if begins {
            let end =
                (at..bytes.len()).find(|end| !bytes[*end].is_ascii_digit()).unwrap_or(bytes.len());
            all.push((at, end));
            at = end;
        }
        at += 1;
    }
    all
}

/// Each ` | filter(…)` of a line.
fn filters(line: &str) -> Vec<(usize, usize)> {
    let mut all = Vec::new();
    for (at, _) in line.match_indices("| ") {
        let rest = &line[at + 2..];
        let name = rest.find(|next: char| !(next.is_ascii_alphanumeric() || next == '_'));
        let mut end = at + 2 + name.unwrap_or(rest.len());
        if line[end..].starts_with('(') {
            let mut depth = 0;
            for (offset, next) in line[end..].char_indices() {
                depth += i32::from(next == '(') - i32::from(next == ')');
                if depth == 0 {
                    end += offset + 1;
                    break;
                }
            }
        }
        if end > at + 2 {
            all.push((at, end));
        }
    }
    all
}

/// Another unit of time, if a text begins with one.
fn other_unit(text: &str) -> Option<char> {
    let mut letters = text.chars();
    let (unit, next) = (letters.next()?, letters.next());
    let alone = next.is_none_or(|next| !next.is_ascii_alphanumeric());
    let other = match unit {
        's' => 'm',
        'm' | 'd' => 'h',
        'h' => 'd',
        _ => return None,
    };
    alone.then_some(other)
}

/// Each `.name` of a path.
fn segments(line: &str) -> Vec<(usize, usize)> {
    let mut all = Vec::new();
    for (at, _) in line.match_indices('.') {
        let before = line[..at].chars().next_back();
        let name = line[at + 1..].find(|next: char| !(next.is_ascii_alphanumeric() || next == '_'));
        let end = at + 1 + name.unwrap_or(line.len() - at - 1);
        let first = line[at + 1..].chars().next();
        let joins = before.is_some_and(|last| last.is_ascii_alphanumeric() || "_)".contains(last));
        if joins && first.is_some_and(|first| first.is_ascii_alphabetic()) {
            all.push((at, end));
        }
    }
    all
}

/// The line without each entry of its map, such as `{ first_name: …, last_name: … }`.
fn without_entry(line: &str) -> Vec<String> {
    let Some(open) = line.find(": { ").map(|at| at + 4) else { return Vec::new() };
    let Some(close) = line.rfind(" }").filter(|close| *close > open) else { return Vec::new() };
    let (mut depth, mut quoted) = (0, false);
    let mut bounds = vec![open];
    for (offset, next) in line[open..close].char_indices() {
        match next {
            '"' => quoted = !quoted,
            '{' | '[' | '(' if !quoted => depth += 1,
            '}' | ']' | ')' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => bounds.push(open + offset + 2),
            _ => {}
        }
    }
    bounds.push(close + 2);
    let entries: Vec<&str> =
        bounds.windows(2).map(|pair| &line[pair[0]..(pair[1] - 2).min(close)]).collect();
    let without = |out: usize| {
        let others: Vec<&str> =
            (0..entries.len()).filter(|at| *at != out).map(|at| entries[at]).collect();
        let map = if others.is_empty() {
            "{}".to_owned()
        } else {
            format!("{{ {} }}", others.join(", "))
        };
        format!("{}{map}{}", &line[..open - 2], &line[close + 2..])
    };
    (0..entries.len()).map(without).collect()
}

/// The braces that make an expression forgotten, or the quotes around them.
fn without_braces(line: &str) -> Vec<String> {
    let Some((start, end)) = template(line) else { return Vec::new() };
    let (key, value) = (&line[..start], &line[start + 1..end - 1]);
    vec![
        format!("{key}{value}"),
        format!("{key}\"{}\"", value.replacen("{{ ", "", 1).replacen(" }}", "", 1)),
    ]
}

/// The line deeper, and less deep.
fn moved(line: &str) -> Vec<String> {
    let mut all = vec![format!("  {line}")];
    all.extend(line.strip_prefix("  ").map(str::to_owned));
    all
}

/// Whether a word is the key that the line begins with.
fn is_key(line: &str, start: usize, end: usize) -> bool {
    line[..start].trim_start_matches([' ', '-']).is_empty() && line[end..].starts_with(':')
}

/// Whether a place stands in a text in quotes inside `{{ }}`.
fn in_text(line: &str, at: usize) -> bool {
    in_braces(line, at)
        && line[..at].rfind("{{").is_some_and(|open| line[open..at].matches('\'').count() % 2 == 1)
}

/// Whether a place stands inside `{{ }}`.
fn in_braces(line: &str, at: usize) -> bool {
    let before = &line[..at];
    before.rfind("{{").is_some_and(|open| before.rfind("}}").is_none_or(|close| close < open))
}
