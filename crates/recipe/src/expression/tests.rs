//! The rules of values and expressions, as tables.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{collections::HashMap, sync::Arc};

use serde_json::{Value, json};

use crate::{
    Diagnostic, EvalError, Expression, Payload, Scope, Source, Span, Steps, Table, Tables,
    Template, functions, functions::Form,
};

fn event(value: Value) -> Arc<Payload> {
    Arc::new(value.into())
}

fn scope() -> Scope {
    let table = Table {
        path: "tables/employment_types.csv".into(),
        columns: vec!["greenhouse".into(), "goco".into()],
        rows: [
            ["Full-time", "full_time"],
            [" Part-time ", "part_time"],
            ["Intern", "a"],
            ["Intern", "b"],
        ]
        .map(|row| row.map(String::from).to_vec())
        .to_vec(),
    };
    let outer = Steps {
        outer: None,
        outputs: HashMap::from([("employee".into(), Arc::new(json!({ "id": "9001" })))]),
    };
    Scope {
        input: None,
        event: event(json!({
            "name": "Ann", "count": 3, "price": 2.5, "yes": true, "nothing": null, "big": u64::MAX,
            "tags": ["b", "a"], "blank": " ",
            "emails": [
                { "type": " personal ", "value": "ann@home.example" },
                { "type": "work", "value": "ann@work.example" },
            ],
            "custom": { "job title": { "value": "Clerk" } },
        })),
        job: Arc::new(json!({ "id": "j1" })),
        properties: Arc::new(json!({})),
        vars: Arc::new(json!({ "seen": [1, 2] })),
        steps: Arc::new(Steps { outer: Some(Arc::new(outer)), outputs: HashMap::new() }),
        locals: Arc::new(vec![
            ("item".into(), Arc::new(json!("outer"))),
            ("loop".into(), Arc::new(json!({ "index": 1 }))),
            ("item".into(), Arc::new(json!("inner"))),
        ]),
        error: None,
        outcome: None,
        now: "2027-01-04T09:30:00Z".parse().unwrap(),
        tables: Arc::new(Tables {
            tables: [("employment_types".to_owned(), Arc::new(table))].into(),
            ..Tables::default()
        }),
    }
}

fn parse(text: &str) -> Result<Expression, Vec<Diagnostic>> {
    let source = Source::new("recipes/a.yaml", text);
    Expression::parse(text, Span::new(0, text.len()), &source)
}

fn evaluate(text: &str) -> Result<Value, EvalError> {
    parse(text).unwrap_or_else(|wrong| panic!("{text}: {wrong:#?}")).evaluate(&scope())
}

fn template(text: &str) -> Result<Template, Vec<Diagnostic>> {
    let source = Source::new("recipes/a.yaml", text);
    Template::parse(text, Span::new(0, text.len()), &source)
}

/// A small value of the event is read at a glance; the same below `vars` is found step by step.
#[test]
fn a_glance_sees_what_is_found_step_by_step() {
    let long: serde_json::Map<String, Value> =
        (0..100).map(|key| (format!("k{key}"), json!(key))).collect();
    let value = json!({
        "null": null, "text": "x", "long_text": "y".repeat(10_000), "list": [1, [2], {"a": null}],
        "map": { "a": { "b": [true, 2.5] } }, "many": vec![json!({ "id": 1 }); 200], "long": long,
    });
    let mut scope = scope();
    scope.event = event(value.clone());
    scope.vars = Arc::new(value);
    for path in [
        ".null",
        ".null.a.b",
        ".text",
        ".text.a",
        ".long_text",
        ".list",
        ".list[0]",
        ".list[1][0]",
        ".list[2].a.b",
        ".list[9]",
        ".list[-1]",
        ".list.a",
        ".list['a']",
        ".map.a.b[1]",
        ".map['a'].b",
        ".map.a[0]",
        ".many",
        ".many[199].id",
        ".many | length",
        ".long.k99",
        ".long",
        ".missing[0].b",
        "",
    ] {
        let read = |root: &str| {
            let found = parse(&format!("{root}{path}")).unwrap().evaluate(&scope);
            found.map_err(|error| error.message.replace("`vars", "`event"))
        };
        assert_eq!(read("event"), read("vars"), "{path}");
    }
    // A name of the recipe hides the event.
    scope.locals = Arc::new(vec![("event".into(), Arc::new(json!({ "text": "hidden" })))]);
    assert_eq!(parse("event.text").unwrap().evaluate(&scope).unwrap(), "hidden");
}

#[test]
fn expressions_have_values() {
    let table: &[(&str, Value)] = &[
        // Reading, through null and beyond the end too.
        ("event.name", json!("Ann")),
        ("event['name']", json!("Ann")),
        ("event.custom['job title'].value", json!("Clerk")),
        ("event.missing", json!(null)),
        ("event.missing.deeper[0]['still']", json!(null)),
        ("event.nothing.deeper", json!(null)),
        ("event.tags[0]", json!("b")),
        ("event.tags[-1]", json!("a")),
        ("event.tags[2]", json!(null)),
        ("event.tags[1:]", json!(["a"])),
        ("event.name[:2]", json!("An")),
        ("event[event.missing | default('count')]", json!(3)),
        ("steps.employee.id", json!("9001")),
        ("steps.never.id", json!(null)),
        ("item", json!("inner")),
        ("loop.index", json!(1)),
        ("vars.seen | sum", json!(3)),
        ("job", json!({ "id": "j1" })),
        // Null.
        ("null", json!(null)),
        ("event.missing is none", json!(true)),
        ("event.nothing is none", json!(true)),
        ("event.nothing is null", json!(true)),
        ("event.name is not none", json!(true)),
        ("event.missing | default('x')", json!("x")),
        ("event.nothing | default('x')", json!("x")),
        ("event.name | default(1 / 0)", json!("Ann")),
        ("event.blank | default('x')", json!(" ")),
        ("event.blank is empty", json!(true)),
        ("event.blank | presence", json!(null)),
        ("event.missing | trim | upper", json!(null)),
        ("event.missing | length", json!(0)),
        ("event.missing | first", json!(null)),
        ("event.missing | where(a=1) | pluck('b') | first", json!(null)),
        ("event.missing | join(', ')", json!(null)),
        ("event.missing == none", json!(true)),
        ("1 in event.missing", json!(false)),
        // Numbers and text never turn into each other.
        ("1 == '1'", json!(false)),
        ("1 != '1'", json!(true)),
        ("1 == 1.0", json!(true)),
        ("true == 1", json!(false)),
        ("[1, {'a': 2}] == [1.0, {'a': 2.0}]", json!(true)),
        ("'a' ~ 1", json!("a1")),
        ("'a' ~ 1.5 ~ true", json!("a1.5true")),
        ("'a' + 'b'", json!("ab")),
        // Whole numbers stay whole.
        ("1 + 2 * 3", json!(7)),
        ("6 / 2", json!(3)),
        ("7 / 2", json!(3.5)),
        ("-7 // 2", json!(-4)),
        ("-7 % 3", json!(2)),
        ("2 ** 10", json!(1024)),
        ("1.5 + 1", json!(2.5)),
        ("event.big", json!(u64::MAX)),
        ("event.big - 1 + 1 == event.big", json!(true)),
        ("9007199254740993", json!(9_007_199_254_740_993_i64)),
        ("-event.count", json!(-3)),
        // Order and conditions.
        ("2 < 10", json!(true)),
        ("'2026-12-31' < '2027-01-04'", json!(true)),
        ("event.yes and not event.count > 3", json!(true)),
        ("event.yes or event.missing", json!(true)),
        ("'n' in event.name", json!(true)),
        ("'x' not in event.tags", json!(true)),
        ("'name' in event", json!(true)),
        ("'a' if event.yes else 'b'", json!("a")),
        ("'a' if not event.yes", json!(null)),
        (
            "event.name is text and event.tags is list and event is map and event.count is number",
            json!(true),
        ),
        // Lists and maps.
        ("[event.name, none, 1]", json!(["Ann", null, 1])),
        ("{'a': event.count}", json!({ "a": 3 })),
        ("('a', 'b')", json!(["a", "b"])),
        ("[1] + [2]", json!([1, 2])),
        (
            "event.emails | where(type='personal') | pluck('value') | first",
            json!("ann@home.example"),
        ),
        ("event.emails | where(type='home')", json!([])),
        (
            "event.emails | sort('value') | last",
            json!({ "type": "work", "value": "ann@work.example" }),
        ),
        ("[3, none, 1.5] | sort", json!([1.5, 3, null])),
        ("[1, 1.0, '1', 1] | unique", json!([1, "1"])),
        ("[] | max", json!(null)),
        ("[] | sum", json!(0)),
        ("[1, 'a', true] | join('-')", json!("1-a-true")),
        // Dates.
        ("now()", json!("2027-01-04T09:30:00Z")),
        ("now() | date(zone='America/New_York')", json!("2027-01-04")),
        ("'2027-03-28T01:30' | datetime('Europe/London')", json!("2027-03-28T01:30:00Z")),
        ("'2027-07-01T00:00:00Z' | format_date('%H:%M', zone='Europe/London')", json!("01:00")),
        ("'2027-01-31' | add_days(-31)", json!("2026-12-31")),
        ("(now() | minutes_since('2027-01-04T10:30:00+02:00')) > 50", json!(true)),
        // Rows.
        ("lookup('employment_types', greenhouse='Part-time').goco", json!("part_time")),
        ("lookup('employment_types', greenhouse=' Full-time ').goco", json!("full_time")),
        ("lookup('employment_types', greenhouse=event.missing).goco", json!(null)),
        (
            "find_row('employment_types', greenhouse='Intern', goco='b')",
            json!({ "greenhouse": "Intern", "goco": "b" }),
        ),
        // Text.
        ("'ΟΔΥΣΣΕΥΣ' | normalize_name", json!("οδυσσευσ")),
        ("'Ｊｏｈｎｎｙ  Smith' | normalize_name == 'johnny smith'", json!(true)),
        ("event | jsonpath('$.emails[*].value') | length", json!(2)),
        ("[-2.5 | round, 2.4 | round, 1.005 | round(1)]", json!([-3, 2, 1.0])),
    ];
    for (text, expected) in table {
        assert_eq!(evaluate(text).as_ref(), Ok(expected), "{text}");
    }
}

#[test]
fn values_that_cannot_be_had_say_why() {
    let table: &[(&str, &str, &str)] = &[
        ("'a' ~ event.missing", "null_value", "`event.missing` is null, where text is needed"),
        ("event.missing + 1", "null_value", "`event.missing` is null, where a number is needed"),
        (
            "event.missing > 1",
            "null_value",
            "`event.missing` is null, where something to compare is needed",
        ),
        (
            "not event.missing",
            "null_value",
            "`event.missing` is null, where true or false is needed",
        ),
        (
            "steps.never.id ~ ''",
            "null_value",
            "`steps.never.id` is null, because step `never` has no output; text is needed",
        ),
        (
            "[event.missing] | join",
            "null_value",
            "item 1 of `[event.missing]` is null and cannot be joined",
        ),
        (
            "event.name | replace('A', event.missing)",
            "null_value",
            "`event.missing` is null, where text is needed",
        ),
        ("'a' ~ event.tags", "wrong_type", "`event.tags` is a list, where text is needed"),
        ("'a' ~ event", "wrong_type", "`event` is a map, where text is needed"),
        ("event.tags | upper", "wrong_type", "`event.tags` is a list, where `upper` needs text"),
        (
            "event.count | upper",
            "wrong_type",
            "`event.count` is a number, where `upper` needs text",
        ),
        (
            "event.emails.value",
            "wrong_type",
            "`event.emails` is a list, which has no field `value`",
        ),
        ("event.name.first", "wrong_type", "`event.name` is text, which has no field `first`"),
        ("1 + '1'", "wrong_type", "`+` has a number and text beside it"),
        ("'a' * 3", "wrong_type", "`*` has text and a number beside it"),
        ("[1] * 50000000", "wrong_type", "`*` has a list and a number beside it"),
        (
            "1 < '2'",
            "wrong_type",
            "`1` is a number and `'2'` is text: `<` compares two numbers or two texts",
        ),
        ("not event.name", "wrong_type", "`event.name` is text, where true or false is needed"),
        (
            "event.tags and true",
            "wrong_type",
            "`event.tags` is a list, where true or false is needed",
        ),
        (
            "[1, 'a'] | sort",
            "wrong_type",
            "`sort` finds a number and text in one list, which have no order",
        ),
        (
            "event.tags | pluck('x')",
            "wrong_type",
            "`pluck` finds text in the list, where every item must be a map",
        ),
        ("'abc' | int", "invalid_value", "`'abc'` is `abc`, which is not a whole number"),
        ("'1,250' | number", "invalid_value", "`'1,250'` is `1,250`, which is not a number"),
        ("1.5 | int", "invalid_value", "`1.5` is `1.5`, which is not a whole number"),
        ("1 / 0", "invalid_value", "this divides by zero"),
        ("9 ** 99", "invalid_value", "the result is too large for a number"),
        ("9999999999999999999 * 9", "invalid_value", "the result is too large for a number"),
        (
            "event.name | date",
            "invalid_value",
            "`event.name` is `Ann`, which is not a date like `2027-01-04`",
        ),
        ("now() | date", "invalid_value", "`now()` is a moment; its date depends on the zone"),
        (
            "'{' | parse_json",
            "invalid_value",
            "`'{'` is not JSON: EOF while parsing an object at line 1 column 1",
        ),
        (
            "lookup('employment_types', greenhouse='Wizard')",
            "not_found",
            "`tables/employment_types.csv` has no row with greenhouse `Wizard`",
        ),
        (
            "find_row('employment_types', greenhouse='Intern')",
            "ambiguous",
            "`tables/employment_types.csv` has 2 rows with greenhouse `Intern`",
        ),
        (
            "lookup('employment_types', greenhouse=1)",
            "wrong_type",
            "`greenhouse` is compared with a number, but tables hold text",
        ),
        ("event | jsonpath_one('$.nobody')", "not_found", "`$.nobody` finds nothing in `event`"),
        ("event | jsonpath_one('$.tags[*]')", "ambiguous", "`$.tags[*]` finds 2 values in `event`"),
    ];
    for (text, code, message) in table {
        let error = evaluate(text).expect_err(text);
        assert_eq!((error.code, error.message.as_str()), (*code, *message), "{text}");
    }
}

#[test]
fn every_function_has_an_example_that_holds() {
    for function in functions() {
        let (text, expected) = function.example;
        let expected: Value = serde_json::from_str(expected).unwrap();
        assert_eq!(evaluate(text), Ok(expected), "{text}");
        assert!(
            !function.summary.is_empty() && !function.summary.ends_with('.'),
            "{}",
            function.name
        );
        assert!(
            text.contains(function.name),
            "the example of {} shows something else",
            function.name
        );
        assert!(
            function.form == Form::Function
                || function.parameters.first().is_some_and(|subject| !subject.constant),
            "{} has nothing to stand before the `|`",
            function.name
        );
    }
}

#[test]
fn names_of_functions_are_unique() {
    let mut names: Vec<_> = functions().map(|function| function.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn conditions_are_boolean() {
    let is_true = |text: &str| parse(text).unwrap().is_true(&scope());
    assert_eq!(is_true("event.count == 3"), Ok(true));
    assert_eq!(is_true("event.tags | length > 5"), Ok(false));
    let error = is_true("event.tags").unwrap_err();
    assert_eq!(error.code, "wrong_type");
    assert_eq!(error.hint.as_deref(), Some("ask whether it has items: `… | length > 0`"));
    assert_eq!(is_true("event.missing").unwrap_err().code, "null_value");
}

#[test]
fn a_text_with_one_expression_keeps_its_type_and_a_mixed_one_is_text() {
    let value = |text: &str| template(text).unwrap().evaluate(&scope());
    assert!(
        matches!(template("no braces").unwrap(), Template::Constant(Value::String(text)) if text == "no braces")
    );
    assert_eq!(value("{{ event.count }}"), Ok(json!(3)));
    assert_eq!(value("{{event.tags}}"), Ok(json!(["b", "a"])));
    assert_eq!(value("{{ event.missing }}"), Ok(json!(null)));
    assert_eq!(value(" {{ event.count }}"), Ok(json!(" 3")));
    assert_eq!(
        value("{{ event.name }}: {{ event.yes }}, {{ event.price }}"),
        Ok(json!("Ann: true, 2.5"))
    );
    assert_eq!(value("{{ '}}' }}{{ {'a': {'b': 1}}.a.b }}"), Ok(json!("}}1")));
    assert_eq!(
        value("{\"json\": {{ event.tags | json }}}"),
        Ok(json!("{\"json\": [\"b\",\"a\"]}"))
    );
    assert_eq!(value("<b>{{ '<i>' }}"), Ok(json!("<b><i>")), "nothing is escaped");
    let error = value("Dear {{ event.missing }}").unwrap_err();
    assert_eq!((error.code, error.span), ("null_value", Span::new(8, 21)));
    assert_eq!(value("Dear {{ event.tags }}").unwrap_err().code, "wrong_type");
}

#[test]
fn mistakes_in_templates_have_a_place_and_a_cure() {
    let table: &[(&str, (usize, usize), &str)] = &[
        ("a {{ event.name", (2, 4), "`{{` is never closed"),
        ("a {{ }} b", (2, 7), "nothing stands between `{{` and `}}`"),
        (
            "{% if x %}",
            (0, 2),
            "`{%` begins one of a template's statements, which recipes do not have",
        ),
        (
            "a {# b #}",
            (2, 4),
            "`{#` begins one of a template's comments, which recipes do not have",
        ),
        ("{{- a }}", (0, 2), "`{{-` is not supported"),
        ("{{ event.name | nofilter }}", (16, 24), "there is no filter `nofilter`"),
    ];
    for (text, (start, end), message) in table {
        let wrong = template(text).expect_err(text);
        assert_eq!(wrong[0].message, *message, "{text}");
        assert_eq!(wrong[0].span, Span::new(*start, *end), "{text}");
        assert!(wrong[0].label.is_some() || !wrong[0].help.is_empty(), "{text} has no cure");
    }
    assert_eq!(
        template("{{ a | upr }} {{ b | lowr }} {% x %}").unwrap_err().len(),
        3,
        "all mistakes are reported"
    );
}

#[test]
fn mistakes_in_expressions_have_a_place_and_a_cure() {
    // Text, the place of the mistake, message, label or first help.
    let table: &[(&str, &str, &str, &str)] = &[
        ("event.a | uper", "uper", "there is no filter `uper`", "did you mean `upper`?"),
        ("lokup('a', b='c')", "lokup", "there is no function `lokup`", "did you mean `lookup`?"),
        ("upper(event.a)", "upper", "there is no function `upper`", "write `text | upper`"),
        (
            "event.a.upper()",
            "event.a.upper()",
            "`upper` is called like a method",
            "write `value | upper`",
        ),
        (
            "event.a | strftime('%d')",
            "strftime",
            "there is no filter `strftime`",
            "write `date | format_date('%d %B %Y')`",
        ),
        (
            "event.a.upcase()",
            "event.a.upcase()",
            "`upcase` is called like a method",
            "write `text | upper`",
        ),
        (
            "event.a.blank?",
            "blank?",
            "`blank?` is not part of an expression",
            "write `value is empty`",
        ),
        (
            "event.a.present? and event.b",
            "present?",
            "`present?` is not part of an expression",
            "write `value is not empty`",
        ),
        (
            "event.a is present",
            "present",
            "there is no test `is present`",
            "write `value is not empty`",
        ),
        (
            "event.a | wibblewobble",
            "wibblewobble",
            "there is no filter `wibblewobble`",
            "all filters, with examples, are in docs/functions.md",
        ),
        (
            "event.a is defined",
            "defined",
            "there is no test `is defined`",
            "write `is not none`: what is missing is null",
        ),
        ("event.a is nul", "nul", "there is no test `is nul`", "did you mean `null`?"),
        ("event.a && event.b", "&&", "`&&` is not part of an expression", "write `and`"),
        ("event.a || event.b", "||", "`||` is not part of an expression", "write `or`"),
        ("!event.a", "!", "`!` is not part of an expression", "write `not`"),
        (
            "event.a ? 1 : 2",
            "?",
            "`?` is not part of an expression",
            "write `a if condition else b`",
        ),
        (
            "event.a == ‘x’",
            "‘",
            "`‘` is not part of an expression",
            "use straight quotes: `'text'`",
        ),
        (
            "1 < event.a < 3",
            "",
            "a chain of comparisons is not supported",
            "write `a < b and b < c`",
        ),
        (
            "event.a | replace('x')",
            "replace",
            "`replace` needs the argument `new`",
            "write `text | replace(old, new)`",
        ),
        ("event.a | upper(1)", "1", "`upper` has an argument too many", "write `text | upper`"),
        (
            "event.a | format_date('%d', zon='UTC')",
            "'UTC'",
            "`format_date` has no argument `zon`",
            "did you mean `zone`?",
        ),
        (
            "event.a | format_date('%d', zone='Mars')",
            "'Mars'",
            "there is no time zone `Mars`; zones are named like `Europe/London`",
            "",
        ),
        (
            "lookup(event.a, b='c')",
            "event.a",
            "`table` of `lookup` is not a text in quotes",
            "it is looked at before any job starts, so it must be written out",
        ),
        (
            "lookup('t')",
            "lookup",
            "`lookup` needs at least one `name=value`",
            "write `lookup(table, name=value, …)`",
        ),
        (
            "event | jsonpath('$[?count(@)]')",
            "'$[?count(@)]'",
            "`count(…)` gives a value, which must be compared",
            "",
        ),
        ("event.a | matches('a(')", "'a('", "`a(` is not a regular expression: unclosed group", ""),
        (
            "event | jsonpath('a')",
            "'a'",
            "`a` is not a JSONPath (RFC 9535); paths look like `$.a[?@.b=='c'].d`",
            "",
        ),
        ("99999999999999999999", "99999999999999999999", "a number is too large", ""),
        (
            "{{ event.a }}",
            "{{",
            "`{{` is not part of an expression",
            "an expression here is written without braces",
        ),
    ];
    for (text, place, message, cure) in table {
        let wrong = parse(text).expect_err(text);
        assert_eq!(wrong[0].message, *message, "{text}");
        if !place.is_empty() {
            assert_eq!(&text[wrong[0].span.start..wrong[0].span.end], *place, "{text}");
        }
        let found =
            wrong[0].label.clone().or_else(|| wrong[0].help.first().cloned()).unwrap_or_default();
        assert_eq!(found, *cure, "{text}");
    }
}

#[test]
fn places_inside_an_expression_are_exact() {
    let text = "é: \"{{ event.name | upper ~ event.missing.deep }}\"\n";
    let source = Source::new("recipes/a.yaml", text);
    let start = text.find('{').unwrap();
    let inner = &text[start..=text.rfind('}').unwrap()];
    let span = Span::new(start, start + inner.len());
    let error = Template::parse(inner, span, &source).unwrap().evaluate(&scope()).unwrap_err();
    assert_eq!(&text[error.span.start..error.span.end], "event.missing.deep");
    // A scalar that YAML folded or unescaped is pointed at as a whole.
    let error =
        Template::parse(inner, Span::new(0, 2), &source).unwrap().evaluate(&scope()).unwrap_err();
    assert_eq!(error.span, Span::new(0, 2));
}

mod elsewhere;
mod limits;
mod paths;
