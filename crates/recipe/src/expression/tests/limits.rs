//! No text, long, deep or odd, does more than be refused.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{event, parse, scope, template};
use crate::{Environment, Source, functions, functions::Form, infer, may_fail};

/// Every way that is known to overflow the parser's stack, on a small stack: each is refused or evaluated.
#[test]
fn bombs_do_not_explode() {
    let bombs = || {
        let repeat = |text: &str, count: usize| text.repeat(count);
        let mut bombs = Vec::new();
        for count in [15, 100, 250, 1000, 20_000] {
            bombs.extend([
                format!("{}1", repeat("-", count)),
                format!("{}true", repeat("not ", count)),
                format!("1{}", repeat("+1", count)),
                format!("'a'{}", repeat("~'a'", count)),
                format!("1{}", repeat("**1", count)),
                format!("event{}", repeat(".a", count)),
                format!("event{}", repeat("[0]", count)),
                format!("event.a{}", repeat("|json", count)),
                format!("event.a{}", repeat("|e", count)),
                format!("{}1", repeat("1 if false else ", count)),
                format!("1{}", repeat(" if true", count)),
                format!("true{}", repeat(" and true", count)),
                format!("1{}", repeat("<1", count)),
                format!("event{}", repeat(" is text", count)),
                format!("{}1{}", repeat("(", count), repeat(")", count)),
                format!("{}{}", repeat("[", count), repeat("]", count)),
                format!("{}1{}", repeat("{'a':", count), repeat("}", count)),
                format!("{}{}", repeat("(-", count), repeat("1)", count)),
            ]);
        }
        bombs
    };
    let thread = std::thread::Builder::new().stack_size(1 << 20);
    let explode = move || {
        for bomb in bombs() {
            match parse(&bomb) {
                Ok(expression) => {
                    drop(expression.evaluate(&scope()));
                    infer(
                        &expression,
                        &Environment::default(),
                        &Source::new("", ""),
                        &mut Vec::new(),
                    );
                    drop(may_fail(&expression, &Environment::default()));
                }
                Err(wrong) => assert!(!wrong.is_empty()),
            }
            drop(template(&format!("{{{{ {bomb} }}}}")));
        }
    };
    thread.spawn(explode).unwrap().join().unwrap();
}

#[test]
fn too_long_texts_are_refused_before_they_are_read() {
    let long = format!("'{}'", "a".repeat(1024));
    assert_eq!(parse(&long).unwrap_err()[0].code, "too-long");
    let long = "{{ 1 }}".repeat(3000);
    assert_eq!(template(&long).unwrap_err()[0].code, "too-long");
    let plain = "a".repeat(100_000);
    assert!(template(&plain).is_ok(), "a text without expressions may be as long as it likes");
}

#[test]
fn work_is_limited() {
    let mut scope = scope();
    scope.event =
        event(json!({ "text": "a".repeat(1000), "list": vec![""; 10_000], "deep": [[[[[[1]]]]]] }));
    let table = [
        format!(
            "event.text{}",
            " | replace('a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')".repeat(6)
        ),
        format!("event.list | join('{}')", "x".repeat(900)),
        format!("event.text{}", " | split('a') | join('aaaaaaa')".repeat(6)),
        "event.list | jsonpath('$[?count($..x)==1]')".to_owned(),
    ];
    for text in &table {
        let error = parse(text)
            .unwrap_or_else(|wrong| panic!("{text}: {wrong:#?}"))
            .evaluate(&scope)
            .expect_err(text);
        assert_eq!(error.code, "too_expensive", "{text}");
    }
}

fn json_values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("JSON has no others", |number| number.is_finite())
            .prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(".{0,4}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,80}") {
        if let Ok(expression) = parse(&text) {
            drop(expression.evaluate(&scope()));
        }
        if let Ok(template) = template(&text) {
            drop(template.evaluate(&scope()));
        }
    }

    #[test]
    fn no_row_of_words_and_signs_panics(words in prop::collection::vec(prop_oneof![
        prop::sample::select(vec![
            "event", ".name", ".tags", ".count", ".emails", ".missing", "[0]", "[1:]", "['a']", "1", "2.5", "'a'", "none",
            "true", "+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", ">=", "in", "not", "and", "or", "if", "else",
            "is", "(", ")", "[", "]", "{", "}", ",", ":", "=", "|", "{{", "}}", "{%", "steps.employee", "item", "now()", "é",
        ]),
        prop::sample::select(functions().map(|function| function.name).collect::<Vec<_>>()),
    ], 0..14), spaced in any::<bool>()) {
        let text = words.join(if spaced { " " } else { "" });
        if let Ok(expression) = parse(&text) {
            drop(expression.evaluate(&scope()));
        }
        if let Ok(template) = template(&text) {
            drop(template.evaluate(&scope()));
        }
    }

    #[test]
    fn no_pipe_of_filters_panics(
        start in prop::sample::select(vec!["event", "event.name", "event.tags", "event.count", "event.emails", "event.missing", "[1, 'a', none]"]),
        filters in prop::collection::vec(prop::sample::select(functions().filter(|function| function.form == Form::Filter).map(|function| function.name).collect::<Vec<_>>()), 1..4),
        argument in prop::sample::select(vec!["", "()", "('value')", "(1)", "('%Q')", "('a', 'b')", "(type='work')", "('$..*')"]),
    ) {
        let text = filters.iter().fold(start.to_owned(), |text, filter| format!("{text} | {filter}{argument}"));
        if let Ok(expression) = parse(&text) {
            drop(expression.evaluate(&scope()));
        }
    }

    #[test]
    fn any_json_comes_through_unchanged(value in json_values()) {
        let mut scope = scope();
        scope.event = event(json!({ "value": value }));
        prop_assert_eq!(parse("event.value").unwrap().evaluate(&scope).unwrap(), value.clone());
        prop_assert_eq!(parse("[event.value][0]").unwrap().evaluate(&scope).unwrap(), value.clone());
        prop_assert_eq!(parse("event.value == event.value").unwrap().evaluate(&scope).unwrap(), json!(true));
    }
}
