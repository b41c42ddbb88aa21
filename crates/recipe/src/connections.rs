//! `connections.yaml`: one entry per connection, checked against the settings of its connector.
//!
//! The file is where secrets would be pasted by mistake, so no diagnostic about it ever shows a value: only keys,
//! references and settings that are known not to be secret are drawn, everything else is starred out.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    catalogue::Catalogue,
    check,
    diagnostic::{Diagnostic, Severity, Source, Span},
    project::Connection,
    schema::{Format, Object, Type},
    suggest,
    yaml::{self, Key, Node, Value},
};

/// The connections of a project.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    /// Those without a mistake.
    pub(crate) right: BTreeMap<String, Connection>,
    /// All of them with their connectors.
    pub(crate) declared: BTreeMap<String, String>,
    /// Whether the file is not YAML at all.
    pub(crate) unreadable: bool,
}

/// Reads and checks `connections.yaml`.
pub(crate) fn read(
    source: &Arc<Source>,
    catalogue: &Catalogue,
    out: &mut Vec<Diagnostic>,
) -> Connections {
    let mut found = Vec::new();
    let mut reading = Reading {
        source,
        catalogue,
        out: &mut found,
        shown: Vec::new(),
        connections: Connections::default(),
    };
    let root = yaml::parse(source, reading.out);
    let of_yaml = reading.out.len();
    let readable = root.is_some();
    if let Some(root) = root {
        reading.root(root);
    }
    reading.connections.unreadable = !readable;
    let Reading { shown, connections, .. } = reading;
    if !found.is_empty() {
        let masked = Source::new(source.path.clone(), masked(&source.text, &shown));
        for (index, mut diagnostic) in found.into_iter().enumerate() {
            // What is hidden is not quoted by its cure either.
            diagnostic.fix.take_if(|fix| {
                let part = fix.span.start..fix.span.end;
                masked.text.get(part.clone()) != source.text.get(part)
            });
            diagnostic.source = masked.clone();
            if index < of_yaml {
                quote_nothing(&mut diagnostic, readable);
            }
            out.push(diagnostic);
        }
    }
    connections
}

/// The messages and cures of the YAML reader quote what they are about.
fn quote_nothing(diagnostic: &mut Diagnostic, readable: bool) {
    if ["tag", "leading-zero", "number-too-large", "unquoted-expression"].contains(&diagnostic.code)
    {
        diagnostic.message = "this value needs quotes".into();
        diagnostic.help = vec!["quote it, or refer to it: `env:NAME` or `file:PATH`".into()];
    }
    if !readable {
        diagnostic.help = vec!["values are hidden here because they may be secrets".into()];
    }
}

struct Reading<'a> {
    source: &'a Arc<Source>,
    catalogue: &'a Catalogue,
    out: &'a mut Vec<Diagnostic>,
    /// Values that may be drawn.
    shown: Vec<Span>,
    connections: Connections,
}

impl Reading<'_> {
    fn root(&mut self, root: Node) {
        match root.value {
            Value::Map(entries) => {
                for (key, node) in entries {
                    self.entry(&key, node);
                }
            }
            Value::Null | Value::Broken => {}
            _ => {
                let message = "`connections.yaml` is a map from connection to settings";
                self.out.push(
                    Diagnostic::error("wrong-type", self.source, root.span, message)
                        .help("begin with a name: `goco:`, its settings indented below it"),
                );
            }
        }
    }

    fn entry(&mut self, name: &Key, node: Node) {
        let before = self.out.len();
        let mut entries = match node.value {
            Value::Map(entries) => entries,
            Value::Null => Vec::new(),
            Value::Broken => return,
            _ => {
                let message = format!(
                    "the connection `{}` is a map of settings, found {}",
                    name.text,
                    node.what()
                );
                let diagnostic = Diagnostic::error("wrong-type", self.source, name.span, message);
                self.out.push(
                    diagnostic
                        .help("write each setting on a line of its own, indented below the name"),
                );
                return;
            }
        };
        let named = entries
            .iter()
            .position(|(key, _)| key.text == "connector")
            .map(|at| entries.remove(at));
        let (connector, span) = match named {
            Some((_, Node { value: Value::Text(text), span, .. })) => {
                self.shown.push(span);
                (text, span)
            }
            Some((key, _)) => {
                let message = "`connector` is the name of a connector";
                self.out.push(Diagnostic::error("wrong-type", self.source, key.span, message));
                return;
            }
            None => (name.text.clone(), name.span),
        };
        self.connections.declared.insert(name.text.clone(), connector.clone());
        let Some(spec) = self.catalogue.connectors.get(&connector) else {
            let known = || self.catalogue.connectors.keys().map(String::as_str);
            let message = format!("there is no connector `{connector}`");
            let mut diagnostic = Diagnostic::error("unknown-connector", self.source, span, message);
            suggest::propose(&mut diagnostic, &connector, known());
            if span == name.span {
                // The name of a connection is its owner's to choose.
                diagnostic.fix = None;
            }
            diagnostic.help.push(format!("connectors: {}", suggest::list(known())));
            if span == name.span {
                diagnostic.help.push(
                    "a connection with a name of its own says its connector: `connector: goco`"
                        .into(),
                );
            }
            self.out.push(diagnostic);
            return;
        };
        let Some(wanted) = &spec.connection else {
            let message = format!("`{connector}` needs no connection");
            self.out.push(
                Diagnostic::error("wrong-connection", self.source, span, message)
                    .help("remove this entry"),
            );
            return;
        };
        self.show(&entries, wanted);
        let owner = (connector.as_str(), name.span);
        check::constant_input(self.source, self.out, owner, &entries, wanted, true);
        if self.out[before..].iter().any(|one| one.severity == Severity::Error) {
            return;
        }
        let settings = check::plain_map(&entries);
        let connection =
            Connection { name: name.text.clone(), connector, settings, span: name.span };
        self.connections.right.insert(name.text.clone(), connection);
    }

    /// Marks the values that may be drawn: settings that are known and not secret.
    fn show(&mut self, entries: &[(Key, Node)], wanted: &Object) {
        for (key, node) in entries {
            let own = wanted.field(&key.text).map(|field| &field.shape);
            let Some(shape) = own.or(wanted.others.as_deref()) else { continue };
            match (&shape.of, &node.value) {
                (Type::Text(text), _) if text.format == Format::Secret => continue,
                (Type::Object(inner), Value::Map(entries)) => self.show(entries, inner),
                (Type::List(_) | Type::Any | Type::Object(_), _) => {}
                _ => self.shown.push(node.span),
            }
            self.shown.push(key.span);
        }
    }
}

/// Returns the text with everything starred out that is not a key, a reference or among `shown`. Every byte keeps its
/// place, so that diagnostics still point where they should.
fn masked(text: &str, shown: &[Span]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let lead = line.len() - line.trim_start_matches([' ', '-', '\t']).len();
        let key = line[lead..].find(':').filter(|at| {
            line[lead..lead + at]
                .bytes()
                .all(|next| next.is_ascii_alphanumeric() || b"_-\"'".contains(&next))
        });
        let value = key.map_or(lead, |at| lead + at + 1);
        let rest = line[value..].trim();
        let reference = ["env:", "file:"]
            .iter()
            .any(|mark| rest.trim_start_matches(['"', '\'']).starts_with(mark));
        // Behind a reference only a comment can hide one.
        let hidden = if reference { line.find(" #").unwrap_or(line.len()) } else { value };
        for (at, byte) in bytes[start..start + line.len()].iter_mut().enumerate().skip(hidden) {
            let visible = shown.iter().any(|span| (span.start..span.end).contains(&(start + at)));
            if !visible && !b" \t\r\n{}[],:\"'#".contains(byte) {
                *byte = b'*';
            }
        }
        start += line.len();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
