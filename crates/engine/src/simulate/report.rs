//! What a person, and what a build server, reads about tested cases.

use std::fmt::Write;

use recipe::{Mismatch, Source, Span};

use super::{Checked, Tested};

/// Returns the lines about one test file: each case with `ok` or `FAIL`, and what was not as expected.
pub fn lines(tested: &Tested) -> String {
    let mut text = format!("{}\n", tested.source.path);
    for case in &tested.cases {
        let mark = if case.is_ok() { "ok  " } else { "FAIL" };
        line(&mut text, &format!("  {mark} {}", case.name));
        for detail in details(case, &tested.source) {
            line(&mut text, &format!("         {detail}"));
        }
    }
    text
}

/// Returns the last line: how many cases there were, how many failed, and that nothing was sent.
pub fn summary(tested: &[Tested]) -> String {
    let cases: usize = tested.iter().map(|file| file.cases.len()).sum();
    let failed: usize = tested.iter().map(Tested::failures).sum();
    let noun = if cases == 1 { "case" } else { "cases" };
    let result = match (cases, failed) {
        (0, _) => "nothing tested".into(),
        (_, 0) => "all ok".into(),
        (_, failed) => format!("{} ok, {failed} failed", cases - failed),
    };
    format!("{cases} {noun}: {result}; nothing was sent\n")
}

/// Returns the result as `JUnit` XML, as build servers read it: one suite a test file.
pub fn junit(tested: &[Tested]) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for file in tested {
        let attributes = format!(
            "name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\"",
            escaped(&file.recipe),
            file.cases.len(),
            file.failures()
        );
        line(&mut xml, &format!("  <testsuite {attributes}>"));
        for case in &file.cases {
            let (number, _) = file.source.line_col(case.span.start);
            let opening = format!(
                "    <testcase classname=\"{}\" name=\"{}\" file=\"{}\" line=\"{number}\"",
                escaped(&file.recipe),
                escaped(&case.name),
                escaped(&file.source.path)
            );
            if case.is_ok() {
                line(&mut xml, &format!("{opening}/>"));
                continue;
            }
            let details = details(case, &file.source);
            let first = details.first().map(String::as_str).unwrap_or_default();
            line(&mut xml, &format!("{opening}>"));
            line(
                &mut xml,
                &format!(
                    "      <failure message=\"{}\">{}</failure>",
                    escaped(first),
                    escaped(&details.join("\n"))
                ),
            );
            line(&mut xml, "    </testcase>");
        }
        line(&mut xml, "  </testsuite>");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn details(case: &Checked, source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(problem) = &case.problem {
        found.push(problem.message.clone());
        found.extend(problem.help.iter().map(|help| format!("  {help}")));
        found.push(format!("  at {}", place(source, problem.span)));
    }
    for difference in &case.differences {
        let Mismatch { path, expected, got, diff, span } = difference;
        if diff.is_empty() {
            found.push(format!("{path}: expected {expected}, got {got}"));
        } else {
            found.push(format!("{path}: expected the lines marked -, got those marked +"));
            found.extend(diff.iter().map(|line| format!("  {line}")));
        }
        found.push(format!("  at {}", place(source, *span)));
    }
    found
}

fn place(source: &Source, span: Span) -> String {
    let (line, column) = source.line_col(span.start);
    format!("{}:{line}:{column}", source.path)
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{}", line.trim_end()).expect("a text takes whatever is written to it");
}

/// Escapes a text for XML; what XML cannot hold at all becomes `?`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            letter if letter.is_control() => out.push('?'),
            letter => out.push(letter),
        }
    }
    out
}
