//! Diagnostics as SARIF 2.1.0, the form that code scanning reads.

use std::fmt::Write;

use recipe::{Diagnostic, Severity, Source, Span};
use serde_json::{Value, json};

use super::{explain, formats::word};

/// Returns the log of one check. Paths are those seen from the working folder.
pub fn log(diagnostics: &[Diagnostic], prefix: &str) -> Value {
    let mut codes: Vec<&str> = diagnostics.iter().map(|one| one.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let rules: Vec<Value> = codes.iter().map(|code| rule(code)).collect();
    let results: Vec<Value> = diagnostics.iter().map(|one| result(one, &codes, prefix)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "recipe-runner",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: &str) -> Value {
    let mut rule = json!({ "id": code });
    if let Some(entry) = explain::entry(code) {
        rule["shortDescription"] = json!({ "text": entry.meaning() });
        rule["help"] = json!({ "text": entry.text(), "markdown": entry.markdown });
    }
    rule
}

fn result(diagnostic: &Diagnostic, codes: &[&str], prefix: &str) -> Value {
    let file = json!({ "uri": uri(&format!("{prefix}{}", diagnostic.source.path)) });
    let place = |span: Span| json!({ "artifactLocation": file, "region": region(&diagnostic.source, span) });
    let words = diagnostic.label.iter().chain(&diagnostic.help);
    let text = words.fold(diagnostic.message.clone(), |text, more| text + "\n" + more);
    let mut result = json!({
        "ruleId": diagnostic.code,
        "ruleIndex": codes.binary_search(&diagnostic.code).expect("every code is in the list"),
        "level": match diagnostic.severity {
            Severity::Hint => "note",
            severity => word(severity),
        },
        "message": { "text": text },
        "locations": [{ "physicalLocation": place(diagnostic.span) }],
    });
    if !diagnostic.also.is_empty() {
        let also = diagnostic.also.iter().map(|(span, label)| {
            json!({ "physicalLocation": place(*span), "message": { "text": label } })
        });
        result["relatedLocations"] = also.collect();
    }
    if let Some(fix) = &diagnostic.fix {
        result["fixes"] = json!([{
            "description": { "text": format!("write `{}`", fix.text) },
            "artifactChanges": [{
                "artifactLocation": file,
                "replacements": [{
                    "deletedRegion": region(&diagnostic.source, fix.span),
                    "insertedContent": { "text": fix.text },
                }],
            }],
        }]);
    }
    result
}

fn region(source: &Source, span: Span) -> Value {
    let ((line, column), (end_line, end_column)) =
        (source.line_col(span.start), source.line_col(span.end));
    json!({ "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column })
}

/// Returns a path as the relative or absolute reference that it is in a URI.
fn uri(path: &str) -> String {
    let mut uri = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                uri.push(byte.into());
            }
            _ => write!(uri, "%{byte:02X}").expect("a text takes all that is written"),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use recipe::Fix;

    use super::*;

    fn found() -> Vec<Diagnostic> {
        let source = Source::new("recipes/é a.yaml", "title: x\nfrist: y\n");
        let span = Span::new(9, 14);
        vec![
            Diagnostic::error("unknown-key", &source, span, "no `frist`")
                .help("keys: first")
                .fix(Some(Fix { span, text: "first".into() })),
            Diagnostic::warning("duplicate-key", &source, span, "twice")
                .also(Span::new(0, 5), "first here"),
            Diagnostic::hint("undeclared-field", &source, span, "more could be said"),
        ]
    }

    /// What the schema of SARIF 2.1.0 requires, property by property.
    #[test]
    fn what_the_schema_requires_is_there() {
        let log = log(&found(), "acme/");
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        assert_eq!(run["tool"]["driver"]["name"], "recipe-runner");
        assert!(
            ["utf16CodeUnits", "unicodeCodePoints"].contains(&run["columnKind"].as_str().unwrap())
        );
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        for result in run["results"].as_array().unwrap() {
            assert!(!result["message"]["text"].as_str().unwrap().is_empty());
            assert!(
                ["none", "note", "warning", "error"].contains(&result["level"].as_str().unwrap())
            );
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
            let place = &result["locations"][0]["physicalLocation"];
            assert_eq!(place["artifactLocation"]["uri"], "acme/recipes/%C3%A9%20a.yaml");
            for edge in ["startLine", "startColumn", "endLine", "endColumn"] {
                assert!(place["region"][edge].as_u64().unwrap() >= 1, "{edge}");
            }
        }
        for rule in rules {
            assert!(!rule["shortDescription"]["text"].as_str().unwrap().is_empty(), "{rule}");
            assert!(!rule["help"]["text"].as_str().unwrap().is_empty(), "{rule}");
        }
        let change = &run["results"][0]["fixes"][0]["artifactChanges"][0];
        assert!(change["artifactLocation"]["uri"].is_string());
        assert_eq!(change["replacements"][0]["insertedContent"]["text"], "first");
        assert_eq!(
            change["replacements"][0]["deletedRegion"],
            json!({ "startLine": 2, "startColumn": 1, "endLine": 2, "endColumn": 6 })
        );
        assert_eq!(run["results"][2]["level"], "note");
        assert_eq!(run["results"][1]["relatedLocations"][0]["message"]["text"], "first here");
    }

    #[test]
    fn a_check_without_mistakes_has_an_empty_list_of_results() {
        assert_eq!(log(&[], "")["runs"][0]["results"], json!([]));
        assert_eq!(uri("/srv/a b.yaml"), "file:///srv/a%20b.yaml");
    }
}
