//! Named values against a schema: the inputs of an action, the settings of a trigger or a connection.

use std::sync::Arc;

use crate::{
    check::fit::{self, Misfit},
    diagnostic::{Diagnostic, Severity, Source, Span},
    document::{Input, declared},
    expression::{Expression, Template},
    fields::Report,
    fix::Fix,
    infer::{self, Environment},
    schema::{Field, Format, Object, Shape, Text, Type},
    suggest,
    yaml::{Key, Node, Value},
};

/// Checks values against a schema.
pub(super) struct Inputs<'a> {
    /// Where mistakes go.
    pub(super) report: Report<'a>,
    /// What expressions see; `None` where there are none.
    pub(super) env: Option<&'a Environment>,
    /// Returns more help for an expression that may be null.
    pub(super) why_null: &'a dyn Fn(&Expression) -> Option<String>,
    /// What the values belong to, such as `goco.create_employee`.
    pub(super) owner: &'a str,
    /// What they are called: "input", "setting".
    pub(super) noun: &'static str,
    /// Whether a text may be a reference such as `env:NAME`, and a secret must be.
    pub(super) references: bool,
}

/// Checks the settings of a trigger or a connection: constants, no expressions.
pub(crate) fn constant(
    source: &Arc<Source>,
    out: &mut Vec<Diagnostic>,
    (owner, span): (&str, Span),
    entries: &[(Key, Node)],
    wanted: &Object,
    references: bool,
) {
    let report = Report { source, out };
    let mut inputs =
        Inputs { report, env: None, why_null: &|_| None, owner, noun: "setting", references };
    let given = entries.iter().map(|(key, node)| (key, node, None));
    inputs.map(span, given.collect(), wanted, None);
}

/// Checks one constant, such as a default, against the shape it was declared with.
pub(crate) fn constant_value(
    source: &Arc<Source>,
    out: &mut Vec<Diagnostic>,
    (key, node): (&Key, &Node),
    wanted: &Shape,
    owner: &str,
) {
    let report = Report { source, out };
    let (why_null, noun) = (&|_: &Expression| None, "field");
    let mut inputs = Inputs { report, env: None, why_null, owner, noun, references: false };
    inputs.value((key.span, &key.text), node, None, wanted, !wanted.nullable);
}

impl Inputs<'_> {
    /// Checks the inputs of the action at `span`.
    pub(super) fn action(&mut self, span: Span, given: &[Input], wanted: &Object) {
        let given = given.iter().map(|input| (&input.key, &input.node, input.template.as_ref()));
        self.map(span, given.collect(), wanted, None);
    }

    fn map(
        &mut self,
        span: Span,
        given: Vec<(&Key, &Node, Option<&Template>)>,
        wanted: &Object,
        inside: Option<&str>,
    ) {
        for field in &wanted.fields {
            // A misspelt name is reported as such, and not as missing as well.
            let misspelt = given.iter().any(|(key, ..)| {
                wanted.field(&key.text).is_none()
                    && suggest::closest(&key.text, [field.name.as_str()]).is_some()
            });
            if field.required
                && !misspelt
                && field.default.is_none()
                && !given.iter().any(|(key, ..)| key.text == field.name)
            {
                self.missing(span, field, wanted, inside);
            }
        }
        let keys: Vec<&str> = given.iter().map(|(key, ..)| key.text.as_str()).collect();
        for (key, node, template) in given {
            // A broken value was reported where it was read.
            let broken =
                matches!(node.value, Value::Broken) || (self.env.is_some() && template.is_none());
            let path =
                inside.map_or_else(|| key.text.clone(), |inside| format!("{inside}.{}", key.text));
            match (wanted.field(&key.text), &wanted.others) {
                (Some(_), _) | (None, Some(_)) if broken => {}
                (Some(field), _) if field.declares => {
                    declared::foreign(&mut self.report, key, node.clone());
                }
                (Some(field), _) => {
                    let required = field.required && field.default.is_none();
                    self.value((key.span, &path), node, template, &field.shape, required);
                }
                (None, Some(others)) => {
                    self.value((key.span, &path), node, template, others, false);
                }
                (None, None) => self.unknown(key, wanted, inside, &keys),
            }
        }
    }

    fn value(
        &mut self,
        (key, path): (Span, &str),
        node: &Node,
        template: Option<&Template>,
        wanted: &Shape,
        required: bool,
    ) {
        match template {
            Some(Template::Clear) if required && !wanted.nullable => {
                let message = format!("{} is required and cannot be cleared", self.name(path));
                self.report.error("maybe-null", node.span, message);
            }
            Some(Template::Clear) => {}
            Some(Template::Value(expression)) => {
                self.expression(path, expression, wanted, required);
            }
            Some(template @ Template::Text(_)) => {
                if let Some(env) = self.env {
                    infer::infer_template(template, env, self.report.source, self.report.out);
                }
                let text = Type::Text(Text::default());
                if let Some(misfit) = fit::misfit(&text, &wanted.of) {
                    self.misfit(node.span, path, &misfit, &wanted.of);
                }
            }
            _ => self.literal((key, path), node, template, wanted, required),
        }
    }

    fn expression(&mut self, path: &str, expression: &Expression, wanted: &Shape, required: bool) {
        let Some(env) = self.env else { return };
        let found = shape(expression, env, self.report.source, self.report.out);
        if found.nullable && required && !wanted.nullable {
            let origin = infer::null_origin(expression, env);
            let origin = origin.map_or_else(|| "this".into(), |origin| format!("`{origin}`"));
            let message = format!("{} needs a value, and {origin} may be null", self.name(path));
            let why = (self.why_null)(expression);
            let diagnostic = self.report.error("maybe-null", expression.span, message);
            diagnostic.label = Some("may be null".into());
            diagnostic.help.extend(why);
            diagnostic.help.push(null_cure(&expression.text, true));
        }
        if let Some(misfit) = fit::misfit(&found.of, &wanted.of) {
            self.misfit(expression.span, path, &misfit, &wanted.of);
        }
    }

    fn literal(
        &mut self,
        (key, path): (Span, &str),
        node: &Node,
        template: Option<&Template>,
        wanted: &Shape,
        required: bool,
    ) {
        match (&node.value, &wanted.of) {
            (Value::Broken, _) => {}
            (Value::Null, _) if required && !wanted.nullable => {
                let message = format!("{} is required and has no value", self.name(path));
                self.report.error("missing-value", key, message);
            }
            (Value::Null, _) => {
                let message = format!("{} has no value and is left out", self.name(path));
                let mut diagnostic =
                    Diagnostic::warning("empty-value", self.report.source, key, message);
                diagnostic.help.push(match self.env {
                    Some(_) => "remove the line, or write `clear` to send null".into(),
                    None => "remove the line".into(),
                });
                self.report.out.push(diagnostic);
            }
            (Value::Text(text), Type::Text(wanted)) => self.text(node, path, text, wanted),
            (Value::Text(text), Type::Any) => {
                self.constant_only(node, path, text);
            }
            (Value::List(items), Type::List(_) | Type::Any) => {
                let item_shape = match &wanted.of {
                    Type::List(item) => (**item).clone(),
                    _ => Shape::any(),
                };
                let templates = match template {
                    Some(Template::List(templates)) => templates.iter().map(Some).collect(),
                    _ => vec![None; items.len()],
                };
                for (index, (item, template)) in items.iter().zip(templates).enumerate() {
                    let path = format!("{path}[{index}]");
                    self.value(
                        (item.span, &path),
                        item,
                        template,
                        &item_shape,
                        !item_shape.nullable,
                    );
                }
            }
            (Value::Map(entries), Type::Object(_) | Type::Any) => {
                let open = Object { fields: Vec::new(), others: Some(Box::new(Shape::any())) };
                let object = match &wanted.of {
                    Type::Object(object) => object,
                    _ => &open,
                };
                let given = entries.iter().map(|(key, node)| match template {
                    Some(Template::Map(templates)) => (key, node, templates.get(&key.text)),
                    _ => (key, node, None),
                });
                self.map(key, given.collect(), object, Some(path));
            }
            _ => self.scalar(node, path, &wanted.of),
        }
    }

    fn scalar(&mut self, node: &Node, path: &str, wanted: &Type) {
        let found = match node.value {
            Value::Bool(_) => Type::Boolean,
            Value::Int(_) => Type::Integer,
            Value::Float(_) => Type::Number,
            Value::List(_) => Type::List(Box::new(Shape::any())),
            Value::Map(_) => Type::Object(Arc::default()),
            Value::Text(_) | Value::Null | Value::Broken => Type::Text(Text::default()),
        };
        let Some(misfit) = fit::misfit(&found, wanted) else { return };
        let written = node.written(self.report.source);
        let scalar = !matches!(node.value, Value::List(_) | Value::Map(_));
        let secret = matches!(wanted, Type::Text(text) if text.format == Format::Secret);
        if secret {
            return self.literal_secret(node.span, path);
        }
        let fix = match (&node.value, wanted) {
            (Value::Text(_), Type::Boolean) if ["true", "false"].contains(&written) => {
                Fix::value(self.report.source, node.span, written)
            }
            (Value::Bool(_) | Value::Int(_) | Value::Float(_), Type::Text(_)) => {
                Fix::quote(self.report.source, node.span)
            }
            _ => None,
        };
        let misfit = match (&node.value, wanted) {
            (Value::Text(_), Type::Integer | Type::Number | Type::Boolean) if node.quoted => {
                Misfit { found: "text".into(), cure: unquoted(written, wanted) }
            }
            (Value::Text(text), Type::List(_)) => Misfit {
                found: "one text".into(),
                cure: Some(format!("make it a list: `[{text}]`")),
            },
            (Value::Text(text), _) => Misfit { found: format!("the text `{text}`"), cure: None },
            (_, Type::Text(_)) if scalar => Misfit {
                found: format!("{} `{written}`", bare(&found)),
                cure: Some(format!("quote it: `\"{written}\"`")),
            },
            (_, Type::List(_)) if scalar => Misfit {
                found: format!("`{written}`"),
                cure: Some(format!("make it a list: `[{written}]`")),
            },
            _ if scalar => Misfit { found: format!("`{written}`"), cure: None },
            _ => Misfit { cure: None, ..misfit },
        };
        self.misfit(node.span, path, &misfit, wanted).fix = fix;
    }

    fn text(&mut self, node: &Node, path: &str, text: &str, wanted: &Text) {
        if self.references && (text.starts_with("env:") || text.starts_with("file:")) {
            if text.ends_with(':') {
                let message = format!("{} refers to nothing", self.name(path));
                let cure =
                    "write `env:NAME` for a variable of the environment, `file:PATH` for a file";
                self.report.error("missing-value", node.span, message).help.push(cure.into());
            }
            return;
        }
        if self.references && wanted.format == Format::Secret {
            return self.literal_secret(node.span, path);
        }
        if self.constant_only(node, path, text) {
            return;
        }
        if !wanted.choices.is_empty() {
            if !wanted.choices.iter().any(|word| word == text) {
                let message = format!("{} cannot be `{text}`", self.name(path));
                let known = suggest::list(wanted.choices.iter().map(String::as_str));
                let diagnostic = self.report.error("unknown-word", node.span, message);
                suggest::propose(diagnostic, text, wanted.choices.iter().map(String::as_str));
                diagnostic.help.push(format!("it is one of: {known}"));
            }
            return;
        }
        let right = match wanted.format {
            Format::Date => {
                text.parse::<jiff::civil::Date>().is_ok() && text.len() == "2027-01-04".len()
            }
            Format::DateTime => text.parse::<jiff::Timestamp>().is_ok(),
            Format::Url => text.starts_with("https://") || text.starts_with("http://"),
            Format::Email => text
                .split_once('@')
                .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty()),
            Format::Plain | Format::Secret => true,
        };
        if !right {
            let misfit = Misfit { found: format!("`{text}`"), cure: None };
            self.misfit(node.span, path, &misfit, &Type::Text(wanted.clone()));
        }
    }

    /// Reports an expression where there are none; returns whether it did.
    fn constant_only(&mut self, node: &Node, path: &str, text: &str) -> bool {
        let wrong = self.env.is_none() && text.contains("{{");
        if wrong {
            let message = format!("{} cannot hold an expression", self.name(path));
            self.report
                .error("constant-only", node.span, message)
                .help
                .push("write the value itself".into());
        }
        wrong
    }

    fn literal_secret(&mut self, span: Span, path: &str) {
        let message = format!("{} is a secret and may not stand in this file", self.name(path));
        let diagnostic = self.report.error("literal-secret", span, message);
        diagnostic.help.push(format!("refer to it: `{path}: env:NAME` or `{path}: file:PATH`"));
        diagnostic.help.push("if this file was ever shared or committed, make a new secret".into());
    }

    fn misfit(
        &mut self,
        span: Span,
        path: &str,
        misfit: &Misfit,
        wanted: &Type,
    ) -> &mut Diagnostic {
        let message =
            format!("{} is {}, found {}", self.name(path), fit::describe(wanted), misfit.found);
        let diagnostic = self.report.error("wrong-type", span, message);
        diagnostic
            .help
            .extend(misfit.cure.clone().or_else(|| fit::example(wanted).map(str::to_owned)));
        diagnostic
    }

    fn missing(&mut self, span: Span, field: &Field, wanted: &Object, inside: Option<&str>) {
        let (owner, noun) = (self.owner, self.noun);
        let message = match inside {
            None => format!("`{owner}` needs the {noun} `{}`", field.name),
            Some(inside) => format!("`{inside}` of `{owner}` needs the field `{}`", field.name),
        };
        let summary = field.summary.lines().next().unwrap_or("").trim_end_matches('.');
        let diagnostic = self.report.error("missing-input", span, message);
        if !summary.is_empty() {
            diagnostic.help.push(format!("`{}`: {summary}", field.name));
        }
        let required =
            wanted.fields.iter().filter(|field| field.required && field.default.is_none());
        diagnostic.help.push(format!(
            "required: {}",
            suggest::list(required.map(|field| field.name.as_str()))
        ));
    }

    fn unknown(&mut self, key: &Key, wanted: &Object, inside: Option<&str>, given: &[&str]) {
        let (owner, noun) = (self.owner, self.noun);
        let names = || wanted.fields.iter().map(|field| field.name.as_str());
        let (message, known) = match inside {
            None => (format!("`{owner}` has no {noun} `{}`", key.text), format!("{noun}s: ")),
            Some(inside) => {
                (format!("`{inside}` of `{owner}` has no field `{}`", key.text), "fields: ".into())
            }
        };
        let diagnostic = self.report.error("unknown-field", key.span, message);
        suggest::propose_key(diagnostic, &key.text, names(), given);
        diagnostic.help.push(if wanted.fields.is_empty() {
            format!("it has no {noun}s")
        } else {
            format!("{known}{}", suggest::list(names()))
        });
    }

    fn name(&self, path: &str) -> String {
        format!("`{path}` of `{}`", self.owner)
    }
}

/// Returns the cure for a number, `true` or `false` in quotes.
fn unquoted(written: &str, wanted: &Type) -> Option<String> {
    match wanted {
        Type::Boolean if !["true", "false"].contains(&written) => {
            Some("write `true` or `false`, without quotes".into())
        }
        Type::Integer | Type::Number if written.parse::<f64>().is_err() => None,
        _ => Some(format!("write it without quotes: `{written}`")),
    }
}

/// Returns what to write when an expression may be null; a step can be guarded, a trigger cannot.
pub(super) fn null_cure(text: &str, of_step: bool) -> String {
    if !of_step {
        return "give another value, such as `| default('…')`".into();
    }
    let path = text.bytes().all(|next| next.is_ascii_alphanumeric() || b"_.".contains(&next));
    let guard =
        if path { format!("`when: {text} is not none`") } else { "`when: … is not none`".into() };
    format!("give another value, such as `| default('…')`, or guard the step with {guard}")
}

/// A type without its article.
fn bare(of: &Type) -> &'static str {
    match of {
        Type::Boolean => "the word",
        _ => "the number",
    }
}

/// Infers an expression. One in which something is wrong may be anything: its mistake is reported once.
pub(super) fn shape(
    expression: &Expression,
    env: &Environment,
    source: &Arc<Source>,
    out: &mut Vec<Diagnostic>,
) -> Shape {
    let before = out.len();
    let found = infer::infer(expression, env, source, out);
    if has_error(&out[before..]) { Shape::of(Type::Any) } else { found }
}

/// Whether any of these is an error.
pub(super) fn has_error(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|one| one.severity == Severity::Error)
}
