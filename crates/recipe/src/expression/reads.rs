//! What an expression reads: the names that stand in it, each with the first member of it that is read.

use super::{
    Expression, Part, Template,
    tree::{Kind, Node},
};

/// A name that an expression reads: `steps` and `employee` of `steps.employee.id`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Read {
    /// The name: `steps`, `vars`, `event`, an `as` name …
    pub name: String,
    /// What is read of it; `None` when all of it is, or a member that is only known in a job.
    pub member: Option<String>,
}

impl Expression {
    /// Returns what it reads, in the order of the text.
    pub fn reads(&self) -> Vec<Read> {
        let mut reads = Vec::new();
        walk(&self.tree, &mut reads);
        reads
    }
}

impl Template {
    /// Returns what its expressions read, in the order of the text.
    pub fn reads(&self) -> Vec<Read> {
        match self {
            Self::Constant(_) | Self::Clear => Vec::new(),
            Self::Value(expression) => expression.reads(),
            Self::Text(parts) => parts
                .iter()
                .flat_map(|part| match part {
                    Part::Text(_) => Vec::new(),
                    Part::Expression(expression) => expression.reads(),
                })
                .collect(),
            Self::List(items) => items.iter().flat_map(Self::reads).collect(),
            Self::Map(fields) => fields.values().flat_map(Self::reads).collect(),
        }
    }
}

fn walk(node: &Node, reads: &mut Vec<Read>) {
    let member = |of: &Node, member: Option<&str>| match &of.kind {
        Kind::Name(name) => Some(Read { name: name.clone(), member: member.map(str::to_owned) }),
        _ => None,
    };
    match &node.kind {
        Kind::Constant(_) => {}
        Kind::Name(name) => reads.push(Read { name: name.clone(), member: None }),
        Kind::Field { of, name, .. } => match member(of, Some(name)) {
            Some(read) => reads.push(read),
            None => walk(of, reads),
        },
        Kind::Item { of, key } => {
            let constant = match &key.kind {
                Kind::Constant(value) => value.as_str(),
                _ => None,
            };
            match member(of, constant) {
                Some(read) => reads.push(read),
                None => walk(of, reads),
            }
            walk(key, reads);
        }
        Kind::Slice { of, start, stop } => {
            walk(of, reads);
            [start, stop].into_iter().flatten().for_each(|bound| walk(bound, reads));
        }
        Kind::Not(of) | Kind::Negate(of) | Kind::Is { value: of, .. } => walk(of, reads),
        Kind::Both(left, right)
        | Kind::Either(left, right)
        | Kind::Operation { left, right, .. } => {
            walk(left, reads);
            walk(right, reads);
        }
        Kind::Choice { condition, then, otherwise } => {
            walk(condition, reads);
            walk(then, reads);
            if let Some(otherwise) = otherwise {
                walk(otherwise, reads);
            }
        }
        Kind::Apply(apply) => {
            apply.arguments.iter().flatten().for_each(|argument| walk(argument, reads));
            apply.columns.iter().for_each(|column| walk(&column.value, reads));
        }
        Kind::List(items) => items.iter().for_each(|item| walk(item, reads)),
        Kind::Map(fields) => fields.iter().for_each(|(_, value)| walk(value, reads)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Source, Span};

    #[test]
    fn every_name_of_every_form_is_told() {
        for (text, expected) in [
            ("steps.a.b.c", "steps.a"),
            ("steps['a'].b", "steps.a"),
            ("vars[event.key]", "vars event.key"),
            ("vars", "vars"),
            ("[steps.a, {'b': vars.c}] | length", "steps.a vars.c"),
            ("lookup('t', x=steps.a.id).y", "steps.a"),
            ("steps.a.n + 1 if not vars.b else -input.c", "vars.b steps.a input.c"),
            ("file.name[loop.index:vars.n] is none and x in y", "file.name loop.index vars.n x y"),
            ("'steps.a'", ""),
        ] {
            let source = Source::new("", text);
            let read = Expression::parse(text, Span::new(0, text.len()), &source)
                .unwrap_or_else(|wrong| panic!("{text}: {wrong:?}"))
                .reads();
            let said: Vec<String> = read
                .into_iter()
                .map(|read| match read.member {
                    Some(member) => format!("{}.{member}", read.name),
                    None => read.name,
                })
                .collect();
            assert_eq!(said.join(" "), expected, "{text}");
        }
    }
}
