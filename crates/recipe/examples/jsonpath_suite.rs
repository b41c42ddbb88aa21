//! Plays the public `JSONPath` compliance suite (RFC 9535) against the `jsonpath` filter, and says how it ends.
//!
//! `cargo run -p recipe --example jsonpath_suite -- cts.json`, with the `cts.json` of
//! <https://github.com/jsonpath-standard/jsonpath-compliance-test-suite>. It ends with a failure if any case fails, or if
//! a page that is named after it has no row with these numbers.

#![expect(clippy::print_stdout, reason = "a program for people")]

use std::{collections::HashMap, error::Error, process::ExitCode, sync::Arc};

use recipe::{Expression, Scope, Source, Span, Steps, Tables};
use serde_json::{Value, json};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("name the file: `jsonpath_suite cts.json`")?;
    let suite: Value = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    let cases = suite["tests"].as_array().ok_or("the file has no `tests`")?;
    let mut wrong = Vec::new();
    for case in cases {
        if let Err(reason) = play(case) {
            wrong.push(format!("{} ({}): {reason}", case["name"], case["selector"]));
        }
    }
    println!("{} of {} cases hold", cases.len() - wrong.len(), cases.len());
    for line in &wrong {
        println!("{line}");
    }
    if let Some(page) = std::env::args().nth(2) {
        let (all, holds) = (cases.len(), cases.len() - wrong.len());
        let row = format!("| {all} | {holds} | {} |", wrong.len());
        if !std::fs::read_to_string(&page)?.contains(&row) {
            return Err(format!("{page} does not say `{row}`").into());
        }
    }
    Ok(if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Returns why the case does not hold, if it does not.
fn play(case: &Value) -> Result<(), String> {
    let text = format!("event | jsonpath({})", case["selector"]);
    let source = Source::new("suite", text.as_str());
    let read = Expression::parse(&text, Span::new(0, text.len()), &source);
    let expression = match (read, case["invalid_selector"] == true) {
        (Ok(_), true) => return Err("it is no path, and is accepted".into()),
        (Err(_), true) => return Ok(()),
        (Err(reasons), false) => {
            let reasons: Vec<_> = reasons.into_iter().map(|reason| reason.message).collect();
            return Err(format!("refused: {}", reasons.join("; ")));
        }
        (Ok(expression), false) => expression,
    };
    let found = expression
        .evaluate(&scope(case["document"].clone()))
        .map_err(|error| format!("fails: {error}"))?;
    // Where the order is free (members of an object), every allowed one is written down.
    let right = match case["results"].as_array() {
        Some(several) => several.contains(&found),
        None => case["result"] == found,
    };
    if right { Ok(()) } else { Err(format!("gives {found}, not {}", case["result"])) }
}

fn scope(document: Value) -> Scope {
    let nothing = Arc::new(json!({}));
    Scope {
        input: None,
        event: Arc::new(document.into()),
        job: nothing.clone(),
        properties: nothing.clone(),
        vars: nothing,
        steps: Arc::new(Steps { outer: None, outputs: HashMap::new() }),
        locals: Arc::new(Vec::new()),
        error: None,
        outcome: None,
        now: jiff::Timestamp::UNIX_EPOCH,
        tables: Arc::new(Tables::default()),
    }
}
