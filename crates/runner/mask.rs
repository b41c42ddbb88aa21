//! Masking: what `settings.mask` of a recipe names is hidden wherever a job is read. The journal keeps it whole.

use serde_json::{Value, json};

use crate::story::{Story, without_rounds};

/// What stands where a masked value was.
const MASKED: &str = "***";
/// Shorter texts would hide too much around them: every `1` of a job.
const SHORTEST: usize = 3;

/// Returns the story without what the paths name: parts of the event wherever they went (inputs, outputs, messages,
/// the label), and parts of a step's output.
pub fn apply(mut story: Story, event: &Value, paths: &[String]) -> Story {
    let mut hidden = Vec::new();
    for path in paths {
        let Some((root, rest)) = path.split_once('.') else { continue };
        match root {
            "event" => reach(event, rest, &mut |value| texts(value, &mut hidden)),
            "steps" => {
                let (id, rest) = rest.split_once('.').unwrap_or((rest, ""));
                for step in &mut story.steps {
                    let name = without_rounds(&step.path);
                    if name.rsplit('.').next() != Some(id) {
                        continue;
                    }
                    if let Some(output) = &step.output {
                        reach(output, rest, &mut |value| texts(value, &mut hidden));
                    }
                }
            }
            _ => {}
        }
    }
    // The longest first: a part of a hidden text must not break up the whole.
    hidden.sort_by_key(|text| std::cmp::Reverse(text.len()));
    let mut value = serde_json::to_value(&story).expect("our own values serialise");
    for part in ["label", "note", "steps", "outcome"] {
        if let Some(part) = value.get_mut(part) {
            hide(part, &hidden);
        }
    }
    serde_json::from_value(value).unwrap_or(story)
}

/// Returns the story with the queries of links cut off: a link to an attachment is a secret as long as it lives.
pub fn links(mut story: Story) -> Story {
    for step in &mut story.steps {
        for value in [&mut step.input, &mut step.output].into_iter().flatten() {
            cut_queries(value);
        }
    }
    story
}

fn cut_queries(value: &mut Value) {
    match value {
        Value::String(text) if text.starts_with("https://") || text.starts_with("http://") => {
            if let Some((address, _)) = text.split_once('?') {
                *text = format!("{address}?{MASKED}");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(cut_queries),
        Value::Object(fields) => fields.values_mut().for_each(cut_queries),
        _ => {}
    }
}

/// Visits what a path reaches; a list on the way stands for each of its items.
fn reach(value: &Value, path: &str, visit: &mut dyn FnMut(&Value)) {
    if path.is_empty() {
        return visit(value);
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| reach(item, path, visit)),
        Value::Object(fields) => {
            let (name, rest) = path.split_once('.').unwrap_or((path, ""));
            if let Some(value) = fields.get(name) {
                reach(value, rest, visit);
            }
        }
        _ => {}
    }
}

/// Collects every text and number in a value.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.chars().count() >= SHORTEST => found.push(text.clone()),
        Value::Number(number) if number.to_string().len() >= SHORTEST => {
            found.push(number.to_string());
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| texts(field, found)),
        _ => {}
    }
}

fn hide(value: &mut Value, hidden: &[String]) {
    match value {
        Value::String(text) => {
            for one in hidden {
                if text.contains(one.as_str()) {
                    *text = text.replace(one.as_str(), MASKED);
                }
            }
        }
        Value::Number(number) if hidden.contains(&number.to_string()) => *value = json!(MASKED),
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, hidden)),
        Value::Object(fields) => {
            for (name, field) in fields {
                // Names and places of steps are the recipe's words, moments are nobody's secret.
                if !matches!(name.as_str(), "path" | "does" | "place" | "state" | "status")
                    && !name.ends_with("_at")
                    && name != "at"
                {
                    hide(field, hidden);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_through_lists_reaches_every_item() {
        let event =
            json!({ "mails": [{ "value": "ann@a.example" }, { "value": "bob@b.example" }] });
        let mut found = Vec::new();
        reach(&event, "mails.value", &mut |value| texts(value, &mut found));
        assert_eq!(found, ["ann@a.example", "bob@b.example"]);
    }

    #[test]
    fn links_are_shown_without_what_opens_them() {
        let mut value = json!([{ "url": "https://a.example/f.pdf?sig=1" }, "why? because"]);
        cut_queries(&mut value);
        assert_eq!(value, json!([{ "url": "https://a.example/f.pdf?***" }, "why? because"]));
    }

    #[test]
    fn what_is_masked_is_hidden_inside_other_texts_too() {
        let mut value = json!({
            "input": { "mail": "ann@a.example", "salary": 80_000 },
            "message": "nobody at ann@a.example", "path": "ann@a.example", "at": 80_000,
        });
        hide(&mut value, &["ann@a.example".into(), "80000".into()]);
        assert_eq!(
            value,
            json!({
                "input": { "mail": "***", "salary": "***" },
                "message": "nobody at ***", "path": "ann@a.example", "at": 80_000,
            })
        );
    }
}
