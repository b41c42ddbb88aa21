//! Nodes into expressions and templates, with the cures for what YAML makes of an unquoted expression.

use crate::{
    diagnostic::{Diagnostic, Severity, Span},
    expression::{Expression, Template},
    fields::Report,
    fix::Fix,
    yaml::{Key, Node, Value},
};

impl Report<'_> {
    /// Reads a value that may hold expressions, at any depth. `None` when something in it was reported.
    pub(crate) fn template(&mut self, node: &Node) -> Option<Template> {
        Some(match &node.value {
            Value::Null => Template::Constant(serde_json::Value::Null),
            Value::Bool(value) => Template::Constant((*value).into()),
            Value::Int(value) => Template::Constant((*value).into()),
            Value::Float(value) => Template::Constant((*value).into()),
            Value::Text(text) if text == "clear" && !node.quoted => Template::Clear,
            Value::Text(text) => match Template::parse(text, node.span, self.source) {
                Ok(template) => template,
                Err(found) => {
                    self.out.extend(found);
                    return None;
                }
            },
            // Every item is read before the first mistake ends it, so that all are reported.
            Value::List(items) => {
                let items: Vec<_> = items.iter().map(|item| self.template(item)).collect();
                Template::List(items.into_iter().collect::<Option<_>>()?)
            }
            Value::Map(entries) => {
                let entries: Vec<_> = entries
                    .iter()
                    .map(|(key, value)| Some((key.text.clone(), self.template(value)?)))
                    .collect();
                Template::Map(entries.into_iter().collect::<Option<_>>()?)
            }
            Value::Broken => return None,
        })
    }

    /// Reads a text that may hold expressions, such as a `reason`.
    pub(crate) fn text_template(&mut self, key: &Key, node: Node) -> Option<Template> {
        let word = self.text(key, node)?;
        match Template::parse(&word.text, word.span, self.source) {
            Ok(template) => Some(template),
            Err(found) => {
                self.out.extend(found);
                None
            }
        }
    }

    /// Reads the value of a key that is always an expression, such as `when`.
    pub(crate) fn expression(&mut self, key: &Key, node: &Node) -> Option<Expression> {
        let (text, span) = match &node.value {
            Value::Text(text) => (text.as_str(), node.span),
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
                (node.written(self.source), node.span)
            }
            Value::Broken => return None,
            Value::Null => {
                self.error("missing-value", key.span, format!("`{}` has no expression", key.text));
                return None;
            }
            Value::List(_) | Value::Map(_) => {
                let message =
                    format!("`{}` is an expression, and YAML reads {} here", key.text, node.what());
                let cure = node.written(self.source).trim().replace('"', "'");
                let diagnostic = self.error("wrong-type", node.span, message);
                diagnostic.label = Some("quote the expression".into());
                if matches!(node.value, Value::List(_)) && !cure.contains('\n') && !cure.is_empty()
                {
                    diagnostic.help.push(format!("write `{}: \"{cure}\"`", key.text));
                }
                return None;
            }
        };
        if let Some(meant) = boolean_of_older_yaml(text) {
            let message = format!("`{text}` is text in YAML 1.2, not true or false");
            let fix = Fix::value(self.source, span, meant);
            let diagnostic = self.error("wrong-type", span, message);
            diagnostic.help.push(format!("write `{}: {meant}`", key.text));
            diagnostic.fix = fix;
            return None;
        }
        let (text, span) = self.without_braces(key, text, span)?;
        match Expression::parse(text, span, self.source) {
            Ok(expression) => Some(expression),
            Err(found) => {
                self.out.extend(found);
                None
            }
        }
    }

    fn without_braces<'t>(
        &mut self,
        key: &Key,
        text: &'t str,
        span: Span,
    ) -> Option<(&'t str, Span)> {
        let trimmed = text.trim();
        let inner = trimmed.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
        let exact = self.source.text.get(span.start..span.end) == Some(text);
        match inner {
            Some(inner) if !inner.contains("{{") => {
                let message = format!("`{}` is always an expression and needs no braces", key.text);
                self.out.push(
                    Diagnostic {
                        severity: Severity::Warning,
                        ..Diagnostic::error("braces", self.source, span, message)
                    }
                    .help(format!("write `{}: {}`", key.text, inner.trim()))
                    .fix(exact.then(|| Fix::value(self.source, span, inner.trim())).flatten()),
                );
                let lead = text.find("{{").map_or(0, |at| at + 2)
                    + (inner.len() - inner.trim_start().len());
                let inner = inner.trim();
                let inside = Span::new(span.start + lead, span.start + lead + inner.len());
                Some((inner, if exact { inside } else { span }))
            }
            _ if text.contains("{{") => {
                let message =
                    format!("`{}` is always an expression: braces have no place in it", key.text);
                let bare = text.replace("{{", "").replace("}}", "");
                let bare = bare.split_whitespace().collect::<Vec<_>>().join(" ");
                self.error("braces", span, message)
                    .help
                    .push(format!("write `{}: {bare}`", key.text));
                None
            }
            _ => Some((text, span)),
        }
    }
}

fn boolean_of_older_yaml(text: &str) -> Option<&'static str> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "y" | "on" => Some("true"),
        "no" | "n" | "off" => Some("false"),
        _ => None,
    }
}
