//! What people see: data on stdout, talk on stderr, colours only where a person looks.

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::{args::Color, exit::Trouble};

/// What is well.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// What is wrong.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// What a person should look at.
pub const WARN: Style = AnsiColor::Yellow.on_default();
/// What matters.
pub const STRONG: Style = Style::new().bold();
/// What matters less.
pub const FAINT: Style = Style::new().dimmed();
/// What can be typed or clicked.
pub const NAME: Style = AnsiColor::Cyan.on_default();

/// Returns the text in that style; the streams strip it where nobody sees colours.
pub fn paint(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Decides once, for the whole program, when to colour.
pub fn set_color(color: Color) {
    match color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    }
    .write_global();
}

/// Returns whether stdout shows colours.
pub fn colors_on_stdout() -> bool {
    anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}

/// Returns whether stderr shows colours.
pub fn colors_on_stderr() -> bool {
    anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never
}

/// Returns whether a person sits there and can be asked.
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Returns whether a person sees stdout.
pub fn shows_data() -> bool {
    io::stdout().is_terminal()
}

/// Writes a line of data to stdout. Nobody reading any more is no error.
pub fn data(text: impl Display) {
    drop(writeln!(anstream::stdout().lock(), "{text}"));
}

/// Writes a line of talk to stderr.
pub fn talk(text: impl Display) {
    drop(writeln!(anstream::stderr().lock(), "{text}"));
}

/// Writes data for programs to stdout.
pub fn json(value: &impl Serialize) {
    let text = serde_json::to_string_pretty(value).expect("our own values serialise");
    data(text);
}

/// Writes why a command stopped, and what to do about it, to stderr.
pub fn trouble(trouble: &Trouble) {
    talk(format!("{}{}", paint(BAD, "error"), paint(STRONG, format!(": {}", trouble.message))));
    for cure in &trouble.cures {
        talk(format!("  {} {cure}", paint(NAME, "help:")));
    }
}

/// Asks a yes-or-no question; anything but a yes is a no.
pub fn confirm(question: &str) -> bool {
    let mut err = anstream::stderr().lock();
    if write!(err, "{question} {} ", paint(FAINT, "[y/N]")).and_then(|()| err.flush()).is_err() {
        return false;
    }
    let mut line = String::new();
    io::stdin().read_line(&mut line).is_ok()
        && matches!(line.trim().to_lowercase().as_str(), "y" | "yes")
}

/// Returns `1 job`, `2 jobs`.
pub fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_counted_in_words() {
        assert_eq!(count(0, "error"), "0 errors");
        assert_eq!(count(1, "error"), "1 error");
        assert_eq!(count(2, "error"), "2 errors");
    }
}
