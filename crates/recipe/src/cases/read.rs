//! YAML → [`Cases`]: every case with what it takes from `given`, and all mistakes of the file.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use jiff::Timestamp;

use crate::{
    catalogue::{ActionSpec, Catalogue},
    check::once,
    diagnostic::{Diagnostic, Source, Span},
    fields::Known,
    project::Project,
    recipe::{Recipe, Start, StepKind},
    schema::{Object, Shape, Type},
    table::Table,
    yaml::{self, Node, Value},
};

use super::{
    Case, CaseEvent, Cases, EventFrom, Selector,
    called::{given_input, job_shape},
    change::{self, Change, Leads, PathStep},
    conform::{Hold, conform, unknown_field, whole},
    keys::{Reporter, beside, json},
    known,
    reply::{Answers, Script, Who, read_script},
    selector::{Place, Unresolved, places, resolve},
};

/// A Monday morning: what `now()` is in a case that does not say.
const NOW: &str = "2026-01-05T09:00:00Z";

/// Reads a test file of `recipe`, and checks it against the recipe and the connectors.
///
/// `project` is the one that the recipe belongs to. Cases come back without those that have a mistake.
pub fn read_cases(
    source: &Arc<Source>,
    recipe: &Recipe,
    catalogue: &Catalogue,
    project: &Project,
) -> (Option<Cases>, Vec<Diagnostic>) {
    let mut out = Vec::new();
    let Some(root) = yaml::parse(source, &mut out) else { return (None, out) };
    let event = match &recipe.start {
        Start::Trigger(trigger) => trigger.event.clone(),
        Start::Called { input } => Shape::of(Type::Object(input.clone())),
    };
    let places = places(recipe);
    let mut reader = Reader {
        to: Reporter { source, out: &mut out },
        places,
        catalogue,
        event,
        called: recipe.trigger().is_none(),
        answers: recipe.trigger().is_none_or(|trigger| trigger.answer_within.is_some()),
        gives: recipe.output_shape.clone(),
        project,
    };
    let cases = reader.file(&root);
    out.sort_by_key(|diagnostic| diagnostic.span);
    // A step that the recipe calls by another name now is named by many cases.
    once(&mut out);
    (Some(Cases { source: source.clone(), recipe: recipe.name.clone(), cases }), out)
}

/// Reads a test file; what it knows about the project it belongs to.
pub(super) struct Reader<'a> {
    pub(super) to: Reporter<'a>,
    places: Vec<Place<'a>>,
    catalogue: &'a Catalogue,
    event: Shape,
    /// Whether the recipe is one that others call.
    pub(super) called: bool,
    /// Whether somebody gets its output: a caller, or a sender that waits for it.
    pub(super) answers: bool,
    /// What it gives them.
    pub(super) gives: Shape,
    project: &'a Project,
}

/// What `given` or a case says, before they are put together.
#[derive(Default, Clone)]
struct Given {
    from: Option<EventFrom>,
    input: serde_json::Map<String, serde_json::Value>,
    received_at: Option<Timestamp>,
    changes: Vec<Change>,
    now: Option<Timestamp>,
    replies: Vec<(Selector, Script)>,
    properties: BTreeMap<String, serde_json::Value>,
    tables: BTreeMap<String, Arc<Table>>,
}

impl<'a> Reader<'a> {
    fn file(&mut self, root: &Node) -> Vec<Case> {
        let mut given = Given::default();
        let mut cases = None;
        for (key, node) in self.to.entries(root, known::FILE.what, known::FILE.keys) {
            if key.text == "given" {
                given = self.given(node, known::GIVEN);
            } else {
                cases = Some(node);
            }
        }
        let Some(cases) = cases else {
            if root.value != Value::Broken {
                self.to.error("missing-key", root.span, "this test file has no `cases`");
            }
            return Vec::new();
        };
        let Value::List(items) = &cases.value else {
            self.to.wrong_type(cases, "`cases`", "a list");
            return Vec::new();
        };
        let mut names: HashMap<&str, Span> = HashMap::new();
        let mut read = Vec::new();
        for item in items {
            let before = self.to.out.len();
            let Some(case) = self.case(item, &given, &mut names) else { continue };
            if self.to.out.len() == before {
                read.push(case);
            }
        }
        read
    }

    fn case<'n>(
        &mut self,
        node: &'n Node,
        given: &Given,
        names: &mut HashMap<&'n str, Span>,
    ) -> Option<Case> {
        let before = self.to.out.len();
        let own = self.given(node, known::CASE);
        let (mut name, mut expect) = (None, None);
        for (key, value) in self.to.map(node, "a case") {
            match key.text.as_str() {
                "name" => {
                    let text = self.to.text(value, "`name`")?;
                    if let Some(first) = names.insert(text, value.span) {
                        let message = format!("two cases are called `{text}`");
                        self.to
                            .error("duplicate-name", value.span, message)
                            .also
                            .push((first, "first here".into()));
                    }
                    name = Some((text, value.span));
                }
                "expect" => expect = Some(self.expect(value)),
                _ => {}
            }
        }
        // What is misspelt is reported, and not missing as well.
        let misspelt = |reader: &Self, key: &str| {
            let found = &reader.to.out[before..];
            found.iter().any(|one| one.fix.as_ref().is_some_and(|fix| fix.text == key))
        };
        if name.is_none() && node.value != Value::Broken && !misspelt(self, "name") {
            self.missing(node, "a case has no `name`", "say what it shows, as a sentence");
        }
        if expect.is_none() && node.value != Value::Broken && !misspelt(self, "expect") {
            self.missing(
                node,
                "a case has no `expect`",
                "say at least `expect: { status: succeeded }`",
            );
        }
        let mut own = own;
        if self.called && own.from.is_none() && given.from.is_none() {
            // What a case says of the input replaces what `given` says of it, name by name.
            let input = given.input.clone().into_iter().chain(std::mem::take(&mut own.input));
            own.from = Some(EventFrom::Payload(given_input(input.collect(), &self.event)));
        }
        let now = own.now.or(given.now).unwrap_or_else(|| NOW.parse().expect("it is a moment"));
        let event = match (own.from, given.from.clone()) {
            (Some(from), _) => {
                let received_at = own.received_at.unwrap_or(now);
                CaseEvent { from, received_at, changes: own.changes, shape: self.event.clone() }
            }
            (None, Some(from)) => {
                let received_at = own.received_at.or(given.received_at).unwrap_or(now);
                let changes = given.changes.iter().cloned().chain(own.changes).collect();
                CaseEvent { from, received_at, changes, shape: self.event.clone() }
            }
            (None, None) => {
                let cure =
                    "write `event: { file: … }` or `event: { payload: … }`, here or under `given`";
                self.missing(node, "a case has no event", cure);
                return None;
            }
        };
        // What a case says of a step replaces what `given` says of it, or of some of its rounds.
        let mut replies = own.replies.clone();
        for (selector, script) in &given.replies {
            if !own.replies.iter().any(|(own, _)| own.includes(selector)) {
                replies.push((selector.clone(), script.clone()));
            }
        }
        let with = |mut given: BTreeMap<_, _>, own: BTreeMap<_, _>| {
            given.extend(own);
            given
        };
        let (name, span) = name?;
        Some(Case {
            name: name.into(),
            span,
            event,
            now,
            replies,
            properties: with(given.properties.clone(), own.properties),
            tables: given.tables.clone().into_iter().chain(own.tables).collect(),
            expect: expect?,
        })
    }

    /// Reads what `given` and a case have in common.
    fn given(&mut self, node: &Node, known: Known) -> Given {
        let mut given = Given::default();
        for (key, node) in self.to.entries(node, known.what, known.keys) {
            match key.text.as_str() {
                "event" if self.called => {
                    let message = "this recipe is called, so there is no event";
                    let cure = "write `input: { … }` with what its caller gives";
                    self.to.error("wrong-value", key.span, message).help.push(cure.into());
                }
                "event" => self.event(node, &mut given),
                "input" => self.input(key.span, node, &mut given),
                "now" => given.now = self.to.moment(node, "`now`"),
                "replies" => given.replies = self.replies(node),
                "properties" => given.properties = self.properties(node),
                "tables" => given.tables = self.tables(node),
                _ => {}
            }
        }
        given
    }

    fn event(&mut self, node: &Node, given: &mut Given) {
        let mut first: Option<Span> = None;
        for (key, value) in self.to.entries(node, known::EVENT.what, known::EVENT.keys) {
            match key.text.as_str() {
                "file" | "payload" => {
                    if let Some(first) = first.replace(key.span) {
                        self.to
                            .error(
                                "wrong-value",
                                key.span,
                                "an event is a `file` or a `payload`, not both",
                            )
                            .also
                            .push((first, "the other one".into()));
                    }
                    if key.text == "payload" {
                        let shape = self.event.clone();
                        given.from =
                            Some(EventFrom::Payload(whole(value, "event", &shape, &mut self.to)));
                    } else if let Some(path) = self.to.text(value, "`file`") {
                        let path = beside(&self.to.source.path, path);
                        given.from = Some(EventFrom::File { path, span: value.span });
                    }
                }
                "received_at" => given.received_at = self.to.moment(value, "`received_at`"),
                _ => given.changes = self.changes(value),
            }
        }
    }

    fn input(&mut self, span: Span, node: &Node, given: &mut Given) {
        if !self.called {
            let message = "this recipe has a trigger, so nobody gives it an input";
            let cure = "write `event: { file: … }` or `event: { payload: … }`";
            self.to.error("wrong-value", span, message).help.push(cure.into());
            return;
        }
        let event = self.event.clone();
        conform(node, "input", &event, Hold::Value, &mut self.to);
        if let serde_json::Value::Object(map) = json(node) {
            given.input = map;
        }
    }

    fn changes(&mut self, node: &Node) -> Vec<Change> {
        let mut changes = Vec::new();
        let event = self.event.clone();
        for (key, value) in self.to.map(node, "`change`") {
            let path = key.text.strip_prefix("event.").unwrap_or(&key.text);
            let Some(steps) = change::parse(path) else {
                let message = format!(
                    "`{path}` is not a path, expected one such as `candidate.phone_numbers[0].type`"
                );
                self.to.error("wrong-value", key.span, message);
                continue;
            };
            match change::follow(&steps, &event) {
                Leads::To(shape) => conform(value, path, shape, Hold::Value, &mut self.to),
                Leads::Anywhere => {}
                Leads::Nowhere(at, shape) => {
                    self.leads_nowhere(&steps, at, shape, key.span);
                    continue;
                }
            }
            changes.push(Change { path: path.into(), steps, value: json(value), span: key.span });
        }
        changes
    }

    fn leads_nowhere(&mut self, steps: &[PathStep], at: usize, shape: &Shape, span: Span) {
        let said = |steps: &[PathStep]| {
            steps.iter().fold(String::from("event"), |said, step| match step {
                PathStep::Key(key) => format!("{said}.{key}"),
                PathStep::Index(index) => format!("{said}[{index}]"),
            })
        };
        match (&shape.of, &steps[at]) {
            (Type::Object(object), PathStep::Key(key)) => {
                unknown_field(&said(&steps[..=at]), key, span, object, &mut self.to);
            }
            (Type::List(_), PathStep::Key(key)) => {
                let list = said(&steps[..at]);
                self.to
                    .error(
                        "unknown-field",
                        span,
                        format!("`{list}` is a list, so it has no `{key}`"),
                    )
                    .help
                    .push(format!("name one of its items: `{list}[0].{key}`"));
            }
            _ => {
                let message = format!("there is nothing inside `{}`", said(&steps[..at]));
                self.to.error("unknown-field", span, message);
            }
        }
    }

    fn replies(&mut self, node: &Node) -> Vec<(Selector, Script)> {
        let mut replies = Vec::new();
        for (key, value) in self.to.map(node, "`replies`") {
            let Some((selector, place)) = self.step(&key.text, key.span) else { continue };
            let Some(answers) = self.answers(&place) else {
                let message =
                    format!("`{}` calls nothing and asks nobody, so it gets no reply", key.text);
                self.to.error("wrong-value", key.span, message);
                continue;
            };
            replies.push((selector, read_script(value, &key.text, &answers, &mut self.to)));
        }
        replies
    }

    fn properties(&mut self, node: &Node) -> BTreeMap<String, serde_json::Value> {
        let mut found = BTreeMap::new();
        let properties = &self.project.runner.properties;
        let known: Vec<&str> = properties.keys().map(String::as_str).collect();
        for (key, value) in self.to.entries_called(node, "the project", "property", &known) {
            let property = &properties[&key.text];
            conform(value, &key.text, &property.shape, Hold::Value, &mut self.to);
            found.insert(key.text.clone(), json(value));
        }
        found
    }

    /// Reads tables as lists of rows: `{ employment_types: [{ greenhouse: Full-time, goco: Full-Time }] }`.
    fn tables(&mut self, node: &Node) -> BTreeMap<String, Arc<Table>> {
        let mut found = BTreeMap::new();
        let tables = &self.project.tables;
        let known: Vec<&str> = tables.tables.keys().map(String::as_str).collect();
        for (key, value) in self.to.entries_called(node, "the project", "table", &known) {
            let real = &tables.tables[&key.text];
            let Value::List(rows) = &value.value else {
                self.to.wrong_type(value, &format!("the table `{}`", key.text), "a list of rows");
                continue;
            };
            let columns: Vec<&str> = real.columns.iter().map(String::as_str).collect();
            let (of, mut read) = (format!("the table `{}`", key.text), Vec::new());
            for row in rows {
                let mut cells = vec![String::new(); columns.len()];
                for (column, cell) in self.to.entries_called(row, &of, "column", &columns) {
                    let at = columns.iter().position(|name| *name == column.text);
                    if let (Some(at), Some(text)) = (at, self.to.text(cell, "a cell")) {
                        cells[at] = text.into();
                    }
                }
                read.push(cells);
            }
            let (path, columns) = (real.path.clone(), real.columns.clone());
            found.insert(key.text.clone(), Arc::new(Table { path, columns, rows: read }));
        }
        found
    }

    /// Returns the step of that name; reports why there is none.
    pub(super) fn step(&mut self, text: &str, span: Span) -> Option<(Selector, Place<'a>)> {
        let error = match resolve(text, &self.places) {
            Ok((selector, place)) => return Some((selector, place.clone())),
            Err(error) => error,
        };
        let name = text.rsplit('.').next().unwrap_or(text);
        let name = name.split('[').next().unwrap_or(name);
        match error {
            Unresolved::Unreadable => {
                let message =
                    format!("`{text}` is not the name of a step, expected one such as `upload[0]`");
                self.to.error("unknown-step", span, message);
            }
            Unresolved::NoSuchStep => {
                let ids: Vec<&str> =
                    self.places.iter().filter_map(|place| place.step.id.as_deref()).collect();
                let message = format!("the recipe has no step `{name}`");
                self.to.unknown("unknown-step", span, message, name, "steps", &ids);
            }
            Unresolved::NotInLoop(of) => {
                let message = format!("`{name}` is not inside a loop `{of}`");
                self.to.error("unknown-step", span, message);
            }
            Unresolved::NoLoop => {
                let message = format!("`{name}` is in no loop, so it has no rounds");
                self.to.error("unknown-step", span, message);
            }
            Unresolved::TooManyRounds => {
                let message =
                    format!("`{text}` names more rounds than there are loops around `{name}`");
                self.to.error("unknown-step", span, message);
            }
        }
        None
    }

    /// Returns what the checker knows about the action of a step; `None` when it is none.
    pub(super) fn action(&self, place: &Place<'a>) -> Option<&'a ActionSpec> {
        let StepKind::Action(action) = &place.step.kind else { return None };
        self.catalogue.connectors.get(&action.connector)?.actions.get(&action.action)
    }

    /// Returns what a step answers with; `None` when it calls nothing.
    pub(super) fn answers(&self, place: &Place<'a>) -> Option<Answers<'a>> {
        Some(match &place.step.kind {
            StepKind::Action(action) => {
                Answers { who: Who::Action, output: Cow::Borrowed(&action.output) }
            }
            StepKind::Call(call) => {
                let called = self.project.recipes.get(&call.recipe);
                let output = if call.background {
                    Cow::Owned(job_shape())
                } else {
                    called.map_or_else(
                        || Cow::Owned(Shape::any()),
                        |one| Cow::Owned(one.output_shape.clone()),
                    )
                };
                Answers { who: Who::Recipe, output }
            }
            StepKind::WaitFor(ask) => {
                let output = Cow::Owned(Shape::of(Type::Object(ask.answer.clone())));
                Answers { who: Who::Person, output }
            }
            _ => return None,
        })
    }

    /// Returns what a step is called with, if it is called.
    pub(super) fn takes(&self, place: &Place<'a>) -> Option<Arc<Object>> {
        match &place.step.kind {
            StepKind::Action(_) => self.action(place).map(|spec| spec.input.clone()),
            StepKind::Call(call) => match &self.project.recipes.get(&call.recipe)?.start {
                Start::Called { input } => Some(input.clone()),
                Start::Trigger(_) => None,
            },
            _ => None,
        }
    }

    /// Reports something that must be there.
    pub(super) fn missing(&mut self, node: &Node, message: &str, cure: &str) {
        self.to.error("missing-key", node.span, message).help.push(cure.into());
    }
}
