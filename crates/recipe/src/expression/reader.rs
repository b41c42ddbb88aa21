//! Reads an expression: limits first, then minijinja's parser, then our own tree with every mistake reported.
//!
//! minijinja's parser recurses, and long flat expressions would overflow the stack (the process would end, not the
//! expression), so size, tokens and depth are limited before it sees the text.

use std::sync::Arc;

use minijinja::machinery::{Token, ast, parse_expr, tokenize};
use serde_json::Value;

use super::{
    Expression, Place, elsewhere,
    habits::habit,
    tree::{Apply, Kind, Node, Operator, Test},
};
use crate::{
    diagnostic::{Diagnostic, Source, Span},
    functions::{self, Form},
    suggest,
};

/// The longest expression, in bytes. The longest of the shipped recipes is an eighth of it.
pub(crate) const MAX_BYTES: usize = 1024;
/// The most tokens. Each may be a level of the tree; a thread with 2 MiB of stack has room for many times as many.
const MAX_TOKENS: usize = 256;
/// The deepest brackets; the parser descends through a dozen functions for each.
const MAX_DEPTH: usize = 24;
/// The most of each word or sign that nests what follows it: `not`, `-`, `if`.
const MAX_NESTING: usize = 16;

/// Reads `text`, reporting everything that is wrong with it.
pub(crate) fn read(
    text: &str,
    place: Place,
    source: &Arc<Source>,
) -> Result<Expression, Vec<Diagnostic>> {
    let mut reader = Reader { text, place, source, out: Vec::new() };
    match reader.tree() {
        Some(tree) if reader.out.is_empty() => Ok(Expression {
            text: text.into(),
            span: place.of(Span::new(0, text.len())),
            place,
            tree,
        }),
        _ => Err(reader.out),
    }
}

pub(super) struct Reader<'t> {
    text: &'t str,
    place: Place,
    source: &'t Arc<Source>,
    out: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn tree(&mut self) -> Option<Node> {
        let all = Span::new(0, self.text.len());
        if self.text.trim().is_empty() {
            self.report("syntax", all, "an expression is empty".into())
                .help_last("write what it should give, such as `event.candidate.first_name`");
            return None;
        }
        if self.text.len() > MAX_BYTES {
            let message = format!(
                "an expression of {} bytes; at most {MAX_BYTES} are allowed",
                self.text.len()
            );
            self.report("too-long", all, message)
                .help_last("name a part of it with a `set` step and use `vars.NAME`");
            return None;
        }
        if !self.within_limits() {
            return None;
        }
        match parse_expr(self.text) {
            Ok(tree) => Some(self.node(&tree)),
            Err(error) => {
                self.syntax(&error);
                None
            }
        }
    }

    fn within_limits(&mut self) -> bool {
        let (mut tokens, mut depth) = (0_usize, 0_usize);
        let (mut not, mut minus, mut choices) = (0, 0, 0);
        for token in tokenize(self.text, true, minijinja::syntax::SyntaxConfig::default()) {
            let (token, span) = match token {
                Ok(token) => token,
                Err(error) => {
                    self.syntax(&error);
                    return false;
                }
            };
            tokens += 1;
            match token {
                Token::BracketOpen | Token::ParenOpen | Token::BraceOpen => depth += 1,
                Token::BracketClose | Token::ParenClose | Token::BraceClose => {
                    depth = depth.saturating_sub(1);
                }
                Token::Ident("not") => not += 1,
                Token::Minus => minus += 1,
                Token::Ident("if") => choices += 1,
                _ => {}
            }
            if tokens > MAX_TOKENS || depth > MAX_DEPTH || not.max(minus).max(choices) > MAX_NESTING
            {
                let what = if tokens > MAX_TOKENS {
                    format!("an expression of more than {MAX_TOKENS} words and signs")
                } else if depth > MAX_DEPTH {
                    format!("brackets more than {MAX_DEPTH} deep")
                } else {
                    format!("more than {MAX_NESTING} times `not`, `-` or `if` in one expression")
                };
                self.report("too-long", bytes(span), what)
                    .help_last("name a part of it with a `set` step and use `vars.NAME`");
                return false;
            }
        }
        true
    }

    fn syntax(&mut self, error: &minijinja::Error) {
        let range = error.range().unwrap_or(0..self.text.len());
        let mut at = Span::new(range.start.min(self.text.len()), range.end.min(self.text.len()));
        let detail = error.detail().unwrap_or("it is not an expression");
        let help = habit(self.text).map(|(place, help)| {
            at = place;
            help
        });
        let message = match help {
            Some(_) => format!("`{}` is not part of an expression", &self.text[at.start..at.end]),
            None => format!("an expression cannot be read: {detail}"),
        };
        self.report("syntax", at, message);
        if let Some(help) = help {
            self.help_last(help);
        }
    }

    /// Reads one piece. Each kind has a function of its own, so that a level of the tree takes little of the stack.
    pub(super) fn node(&mut self, expr: &ast::Expr<'_>) -> Node {
        let own = bytes(expr.span());
        match expr {
            ast::Expr::Const(constant) => self.constant(&constant.value, own),
            ast::Expr::Var(name) => named(name.id, own),
            ast::Expr::GetAttr(get) => self.attribute(get, own),
            ast::Expr::GetItem(get) => self.item(get, own),
            ast::Expr::Slice(slice) => self.slice(slice, own),
            ast::Expr::UnaryOp(unary) => self.unary(unary, own),
            ast::Expr::BinOp(binary) => self.binary(binary),
            ast::Expr::Compare(compare) => self.chain(compare, own),
            ast::Expr::IfExpr(choice) => self.choice(choice),
            ast::Expr::Test(test) => self.test(test, own),
            ast::Expr::Filter(filter) => self.filter(filter, own),
            ast::Expr::Call(call) => self.call(call, own),
            ast::Expr::List(list) => self.list(&list.items, own),
            ast::Expr::Tuple(list) => self.list(&list.items, own),
            ast::Expr::Map(map) => self.map(map, own),
        }
    }

    fn attribute(&mut self, get: &ast::GetAttr<'_>, own: Span) -> Node {
        let of = self.node(&get.expr);
        let name_at = Span::new(own.end.saturating_sub(get.name.len()), own.end);
        node(
            Span::new(of.at.start, own.end),
            Kind::Field { of: of.into(), name: get.name.into(), name_at },
        )
    }

    fn item(&mut self, get: &ast::GetItem<'_>, own: Span) -> Node {
        let of = self.node(&get.expr);
        let key = self.node(&get.subscript_expr);
        let at = Span::new(of.at.start, own.end);
        match key.kind {
            Kind::Constant(Value::String(name)) => {
                node(at, Kind::Field { of: of.into(), name, name_at: key.at })
            }
            kind => node(at, Kind::Item { of: of.into(), key: node(key.at, kind).into() }),
        }
    }

    fn slice(&mut self, slice: &ast::Slice<'_>, own: Span) -> Node {
        let of = self.node(&slice.expr);
        let mut bound =
            |bound: &Option<ast::Expr<'_>>| bound.as_ref().map(|bound| Box::new(self.node(bound)));
        let (start, stop) = (bound(&slice.start), bound(&slice.stop));
        if slice.step.is_some() {
            self.report("not-supported", own, "a slice has a step, which is not supported".into());
        }
        node(Span::new(of.at.start, own.end), Kind::Slice { of: of.into(), start, stop })
    }

    fn unary(&mut self, unary: &ast::UnaryOp<'_>, own: Span) -> Node {
        let inner = self.node(&unary.expr);
        // `x is not none` and `x not in y` have the `not` inside: the place begins where `x` does.
        let at = Span::new(own.start.min(inner.at.start), own.end.max(inner.at.end));
        match unary.op {
            ast::UnaryOpKind::Not => node(at, Kind::Not(inner.into())),
            ast::UnaryOpKind::Neg => node(at, Kind::Negate(inner.into())),
        }
    }

    fn chain(&mut self, compare: &ast::Compare<'_>, own: Span) -> Node {
        self.report("not-supported", own, "a chain of comparisons is not supported".into())
            .help_last("write `a < b and b < c`");
        self.node(&compare.expr)
    }

    fn choice(&mut self, choice: &ast::IfExpr<'_>) -> Node {
        let then = self.node(&choice.true_expr);
        let condition = self.node(&choice.test_expr);
        let otherwise = choice.false_expr.as_ref().map(|otherwise| Box::new(self.node(otherwise)));
        let end = otherwise.as_ref().map_or(condition.at.end, |otherwise| otherwise.at.end);
        let at = Span::new(then.at.start, end);
        node(at, Kind::Choice { condition: condition.into(), then: then.into(), otherwise })
    }

    fn list(&mut self, items: &[ast::Expr<'_>], own: Span) -> Node {
        node(own, Kind::List(items.iter().map(|item| self.node(item)).collect()))
    }

    fn map(&mut self, map: &ast::Map<'_>, own: Span) -> Node {
        let mut fields = Vec::new();
        for (key, value) in map.keys.iter().zip(&map.values) {
            let key = self.node(key);
            let value = self.node(value);
            match key.kind {
                Kind::Constant(Value::String(name)) => fields.push((name, value)),
                _ => {
                    self.report(
                        "wrong-type",
                        key.at,
                        "a key of a map is not a text in quotes".into(),
                    );
                }
            }
        }
        node(own, Kind::Map(fields))
    }

    fn constant(&mut self, value: &minijinja::Value, at: Span) -> Node {
        let constant = if value.is_none() {
            Some(Value::Null)
        } else if let Some(text) = value.as_str() {
            Some(Value::String(text.into()))
        } else if value.kind() == minijinja::value::ValueKind::Bool {
            Some(Value::Bool(value.is_true()))
        } else if let Ok(number) = u64::try_from(value.clone()) {
            Some(number.into())
        } else {
            f64::try_from(value.clone()).ok().filter(|_| !value.is_integer()).map(Value::from)
        };
        let constant = constant.unwrap_or_else(|| {
            self.report("invalid-value", at, "a number is too large".into());
            Value::Null
        });
        node(at, Kind::Constant(constant))
    }

    fn binary(&mut self, binary: &ast::BinOp<'_>) -> Node {
        let left = Box::new(self.node(&binary.left));
        let right = Box::new(self.node(&binary.right));
        let at = Span::new(left.at.start, right.at.end);
        let operator = match binary.op {
            ast::BinOpKind::ScAnd => return node(at, Kind::Both(left, right)),
            ast::BinOpKind::ScOr => return node(at, Kind::Either(left, right)),
            ast::BinOpKind::Eq => Operator::Equal,
            ast::BinOpKind::Ne => Operator::Unequal,
            ast::BinOpKind::Lt => Operator::Less,
            ast::BinOpKind::Lte => Operator::AtMost,
            ast::BinOpKind::Gt => Operator::Greater,
            ast::BinOpKind::Gte => Operator::AtLeast,
            ast::BinOpKind::In => Operator::In,
            ast::BinOpKind::Add => Operator::Add,
            ast::BinOpKind::Sub => Operator::Subtract,
            ast::BinOpKind::Mul => Operator::Multiply,
            ast::BinOpKind::Div => Operator::Divide,
            ast::BinOpKind::FloorDiv => Operator::DivideWhole,
            ast::BinOpKind::Rem => Operator::Remainder,
            ast::BinOpKind::Pow => Operator::Power,
            ast::BinOpKind::Concat => Operator::Concatenate,
        };
        node(at, Kind::Operation { operator, left, right })
    }

    fn test(&mut self, test: &ast::Test<'_>, own: Span) -> Node {
        let value = self.node(&test.expr);
        let at = Span::new(value.at.start, own.end);
        let name_at = Span::new(own.start, own.start + test.name.len());
        let found = Test::NAMES.iter().find(|(name, _)| *name == test.name);
        if let Some((_, test_kind)) = found {
            if !test.args.is_empty() {
                let message = format!("`is {}` takes no argument", test.name);
                self.report("wrong-arguments", own, message)
                    .help_last("put brackets around what comes before it");
            }
            return node(at, Kind::Is { value: value.into(), test: *test_kind });
        }
        let names = Test::NAMES.map(|(name, _)| name);
        let cure = match test.name {
            "defined" => "write `is not none`: what is missing is null".into(),
            "undefined" => "write `is none`: what is missing is null".into(),
            "in" => "write `x in y`, without `is`".into(),
            "true" => "a condition needs no `is true`; write `x == true` to compare".into(),
            "false" => "write `not x`, or `x == false` to compare".into(),
            "string" => "write `is text`".into(),
            "mapping" => "write `is map`".into(),
            "sequence" | "iterable" => "write `is list`".into(),
            other => elsewhere::cure(other)
                .map_or_else(|| format!("tests: {}", names.join(", ")), Into::into),
        };
        let message = format!("there is no test `is {}`", test.name);
        self.report("unknown-test", name_at, message).help_last(&cure);
        if let Some(last) = self.out.last_mut() {
            suggest::propose(last, test.name, names);
        }
        value
    }

    fn filter(&mut self, filter: &ast::Filter<'_>, own: Span) -> Node {
        let Some(subject) = &filter.expr else {
            self.report("syntax", own, "a filter has nothing before it".into());
            return node(own, Kind::Constant(Value::Null));
        };
        let subject = self.node(subject);
        let at = Span::new(subject.at.start, own.end);
        let name_at = Span::new(own.start, own.start + filter.name.len());
        let Some(function) = functions::find(filter.name, Form::Filter) else {
            self.unknown(filter.name, name_at, Form::Filter);
            // The arguments are read for their own mistakes.
            self.arguments(None, None, &filter.args, name_at);
            return subject;
        };
        let (arguments, columns) =
            self.arguments(Some(function), Some(subject), &filter.args, name_at);
        node(at, Kind::Apply(Box::new(Apply { function, arguments, columns })))
    }

    fn call(&mut self, call: &ast::Call<'_>, own: Span) -> Node {
        let ast::Expr::Var(name) = &call.expr else {
            let callee = self.node(&call.expr);
            let at = Span::new(callee.at.start, own.end);
            match &call.expr {
                ast::Expr::GetAttr(method) => {
                    let message = format!("`{}` is called like a method", method.name);
                    let name = method.name;
                    let help = if functions::find(name, Form::Filter).is_some() {
                        format!("write `value | {name}`")
                    } else {
                        elsewhere::cure(name).unwrap_or("write `value | filter`").into()
                    };
                    self.report("not-supported", at, message).help_last(&help);
                }
                _ => {
                    self.report("not-supported", at, "only functions can be called".into());
                }
            }
            return callee;
        };
        let name_at = bytes(name.span());
        let at = Span::new(name_at.start, own.end);
        let Some(function) = functions::find(name.id, Form::Function) else {
            self.unknown(name.id, name_at, Form::Function);
            self.arguments(None, None, &call.args, name_at);
            return node(at, Kind::Constant(Value::Null));
        };
        let (arguments, columns) = self.arguments(Some(function), None, &call.args, name_at);
        node(at, Kind::Apply(Box::new(Apply { function, arguments, columns })))
    }

    fn unknown(&mut self, name: &str, at: Span, form: Form) {
        let (what, other) = match form {
            Form::Filter => ("filter", Form::Function),
            Form::Function => ("function", Form::Filter),
        };
        let cure = elsewhere::cure(name);
        let near = suggest::closest(name, functions::names(form)).is_some();
        let other_form =
            functions::find(name, other).map(|function| format!("write `{}`", function.usage()));
        self.report(
            if form == Form::Filter { "unknown-filter" } else { "unknown-function" },
            at,
            format!("there is no {what} `{name}`"),
        );
        if let Some(help) = other_form {
            self.help_last(&help);
        } else if let Some(cure) = cure {
            self.help_last(cure);
        } else if !near {
            self.help_last(&format!("all {what}s, with examples, are in docs/functions.md"));
        }
        // What is meant is known better than what is spelt like it.
        if let Some(last) = self.out.last_mut().filter(|_| cure.is_none()) {
            suggest::propose(last, name, functions::names(form).collect::<Vec<_>>());
        }
    }

    pub(super) fn report(&mut self, code: &'static str, at: Span, message: String) -> &mut Self {
        self.out.push(Diagnostic::error(code, self.source, self.place.of(at), message));
        self
    }

    pub(super) fn help_last(&mut self, help: &str) -> &mut Self {
        if let Some(last) = self.out.last_mut() {
            last.help.push(help.into());
        }
        self
    }

    pub(super) fn label_last(&mut self, label: Option<String>) -> &mut Self {
        if let Some(last) = self.out.last_mut() {
            last.label = label;
        }
        self
    }
}

fn named(name: &str, at: Span) -> Node {
    // `null` is JSON's word for what minijinja calls `none`.
    node(at, if name == "null" { Kind::Constant(Value::Null) } else { Kind::Name(name.into()) })
}

fn node(at: Span, kind: Kind) -> Node {
    Node { at, kind }
}

fn bytes(span: minijinja::machinery::Span) -> Span {
    Span::new(span.start_offset as usize, span.end_offset as usize)
}
