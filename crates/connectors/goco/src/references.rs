//! Departments, locations, job titles and employment types: exact labels out of one or several names.
//!
//! GoCo's help centre (help.goco.io, "How does the Greenhouse integration work? What data syncs with it?") says that
//! location and department travel only when the value is the same on both sides, and that a job title must exist and
//! match exactly. Which JSON the lists are is not public; see `ref_label_pointers` and `list_pointers`.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{Arc, MutexGuard},
};

use connector::{
    Action, Call, Failure, View,
    jiff::{SignedDuration, Timestamp},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::{
    connection::Goco,
    json::{Id, dotted, first_at},
    lists::List,
    settings::{Labels, RefStyle},
};

/// Which entry is meant.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MatchNames {
    /// A name, or a list of names of which the first that GoCo has is taken. Nothing, or an empty list, gives nothing.
    #[serde(default)]
    #[schemars(example = "{{ event.job.departments | pluck('name') }}", example = ["Engineering", "Product"])]
    pub names: Names,
    /// What happens when GoCo has none of the names: `warn` (the default for departments and locations), `fail` (the
    /// default for job titles and employment types) or `ignore`.
    #[serde(default)]
    pub if_missing: Option<IfMissing>,
}

/// One or several names, trimmed, empty ones dropped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names(pub Vec<String>);

/// What happens when GoCo has none of the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IfMissing {
    /// Goes on without it, with a warning.
    Warn,
    /// Fails.
    Fail,
    /// Goes on without it.
    Ignore,
}

/// The entry that matches, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Matched {
    /// Its id.
    pub id: Option<String>,
    /// Its label, as GoCo spells it.
    pub label: Option<String>,
}

/// Returns the action `match_department`.
pub(crate) fn department() -> Action {
    async fn run(goco: Arc<Goco>, call: Call, input: MatchNames) -> Result<Matched, Failure> {
        goco.matched(&call, Kind::Department, &input).await
    }
    Action::read("match_department", "Finds the department with exactly that label", run)
}

/// Returns the action `match_location`.
pub(crate) fn location() -> Action {
    async fn run(goco: Arc<Goco>, call: Call, input: MatchNames) -> Result<Matched, Failure> {
        goco.matched(&call, Kind::Location, &input).await
    }
    Action::read("match_location", "Finds the location with exactly that label", run)
}

/// Returns the action `match_job_title`.
pub(crate) fn job_title() -> Action {
    async fn run(goco: Arc<Goco>, call: Call, input: MatchNames) -> Result<Matched, Failure> {
        goco.matched(&call, Kind::JobTitle, &input).await
    }
    Action::read("match_job_title", "Finds the job title with exactly that label", run)
}

/// Returns the action `match_employment_type`.
pub(crate) fn employment_type() -> Action {
    async fn run(goco: Arc<Goco>, call: Call, input: MatchNames) -> Result<Matched, Failure> {
        goco.matched(&call, Kind::EmploymentType, &input).await
    }
    Action::read(
        "match_employment_type",
        "Finds the employment type with exactly that label, where the connection knows a list of them",
        run,
    )
}

/// The lists that were read, and when each was.
pub(crate) type Kept = BTreeMap<Kind, (Timestamp, Arc<Vec<Reference>>)>;

/// A kind of reference list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Department,
    Location,
    JobTitle,
    EmploymentType,
}

/// An entry of a reference list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) id: Id,
    pub(crate) label: String,
}

impl Kind {
    /// Returns its name for people.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Department => "department",
            Self::Location => "location",
            Self::JobTitle => "job title",
            Self::EmploymentType => "employment type",
        }
    }

    /// Returns its name in settings and codes.
    fn key(self) -> &'static str {
        match self {
            Self::Department => "department",
            Self::Location => "location",
            Self::JobTitle => "job_title",
            Self::EmploymentType => "employment_type",
        }
    }

    fn if_missing(self) -> IfMissing {
        match self {
            Self::Department | Self::Location => IfMissing::Warn,
            Self::JobTitle | Self::EmploymentType => IfMissing::Fail,
        }
    }

    /// Returns where a person adds one.
    fn cure(self) -> &'static str {
        match self {
            Self::Department | Self::Location => {
                "Add it in GoCo under Company › Locations & Departments"
            }
            Self::JobTitle => "Add the job title in GoCo",
            Self::EmploymentType => "Use one of GoCo's employment types",
        }
    }
}

impl Goco {
    /// Returns the list of a kind, if the connection knows one.
    fn list_of(&self, kind: Kind) -> Option<List> {
        let paths = &self.settings.paths;
        let (resource, setting, path) = match kind {
            Kind::Department => ("departments", "paths.departments", &paths.departments),
            Kind::Location => ("locations", "paths.locations", &paths.locations),
            Kind::JobTitle => ("job_titles", "paths.job_titles", &paths.job_titles),
            Kind::EmploymentType => {
                ("employment_types", "paths.employment_types", paths.employment_types.as_ref()?)
            }
        };
        Some(List { resource, setting, path: self.path(path, "") })
    }

    /// Returns the entries of a kind: those kept, unless they are too old or `fresh` ones are wanted.
    pub(crate) async fn references(
        &self,
        call: &Call,
        kind: Kind,
        fresh: bool,
    ) -> Result<Arc<Vec<Reference>>, Failure> {
        let now = call.clock.now();
        if !fresh && let Some((read_at, kept)) = self.kept().get(&kind) {
            let age = SignedDuration::from_secs(self.settings.matching.cache_seconds.into());
            if now.duration_since(*read_at) < age {
                return Ok(kept.clone());
            }
        }
        let Some(list) = self.list_of(kind) else { return self.configured_types() };
        let entries = self.list(call, &list).await?;
        let read: Option<Vec<Reference>> =
            entries.iter().map(|entry| self.reference(entry)).collect();
        let read = Arc::new(read.ok_or_else(|| {
            Failure::permanent(
                "unexpected_answer",
                format!("an entry in GoCo's list of {}s has no id or no label", kind.words()),
            )
            .hint("Set `fields.id` and `ref_label_pointers` of the connection to where GoCo's answer has them.")
        })?);
        self.kept().insert(kind, (now, read.clone()));
        Ok(read)
    }

    /// Returns what an employee's property is set to: the id in GoCo's own JSON type, or the label.
    ///
    /// `given` is the id as recipes see it; for an employment type, which recipes know by its label, the label.
    pub(crate) async fn reference_value(
        &self,
        call: &Call,
        kind: Kind,
        given: &str,
    ) -> Result<Value, Failure> {
        let styles = &self.settings.ref_style;
        let style = match kind {
            Kind::Department => styles.department,
            Kind::Location => styles.location,
            Kind::JobTitle => styles.job_title,
            Kind::EmploymentType if styles.employment_type == RefStyle::Label => {
                return Ok(Value::from(given));
            }
            Kind::EmploymentType => styles.employment_type,
        };
        for fresh in [false, true] {
            let entries = self.references(call, kind, fresh).await?;
            let found = entries.iter().find(|entry| match kind {
                Kind::EmploymentType => self.same_label(&entry.label, given),
                _ => entry.id.text() == given,
            });
            if let Some(found) = found {
                return Ok(match style {
                    RefStyle::Id => found.id.value().clone(),
                    RefStyle::Label => Value::from(found.label.as_str()),
                });
            }
        }
        Err(Failure::permanent(
            "not_found",
            format!("GoCo has no {} with the id `{given}`", kind.words()),
        )
        .hint(format!("Take the id from `match_{}`.", kind.key())))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().expect("no panic while the lock is held")
    }

    async fn matched(
        &self,
        call: &Call,
        kind: Kind,
        input: &MatchNames,
    ) -> Result<Matched, Failure> {
        let nothing = Matched { id: None, label: None };
        let names = &input.names.0;
        if names.is_empty() {
            return Ok(nothing);
        }
        let was_kept = self.kept().contains_key(&kind);
        let mut entries = self.references(call, kind, false).await?;
        let mut sorted = self.sort(names, &entries);
        if sorted.found.is_empty() && was_kept {
            // Somebody may have added it a moment ago and pressed retry.
            entries = self.references(call, kind, true).await?;
            sorted = self.sort(names, &entries);
        }
        if let Some(first) = sorted.found.first() {
            if let Some(other) = sorted.found.iter().find(|other| other.id != first.id) {
                call.warn(
                    format!("several_{}s", kind.key()),
                    format!(
                        "several of the {}s are in GoCo, and `{}` was taken, not `{}`. Change it in GoCo if that is \
                         not the right one.",
                        kind.words(),
                        first.label,
                        other.label
                    ),
                );
            }
            return Ok(Matched { id: Some(first.id.text()), label: Some(first.label.clone()) });
        }
        let (message, cure) = missing(kind, names, &sorted.ambiguous, &entries);
        match input.if_missing.unwrap_or(kind.if_missing()) {
            IfMissing::Ignore => Ok(nothing),
            IfMissing::Warn => {
                call.warn(
                    format!("{}_not_found", kind.key()),
                    format!("{message}, so it was left out. {cure}"),
                );
                Ok(nothing)
            }
            IfMissing::Fail => Err(Failure::permanent("not_found", message).hint(cure)),
        }
    }

    /// Sorts names into those with exactly one entry, in their order, and those with several.
    fn sort<'a>(&self, names: &'a [String], entries: &'a [Reference]) -> Sorted<'a> {
        let mut sorted = Sorted { found: Vec::new(), ambiguous: Vec::new() };
        for name in names {
            let mut same = entries.iter().filter(|entry| self.same_label(&entry.label, name));
            match (same.next(), same.next()) {
                (Some(only), None) => sorted.found.push(only),
                (Some(_), Some(_)) => sorted.ambiguous.push(name),
                (None, _) => {}
            }
        }
        sorted
    }

    fn same_label(&self, one: &str, other: &str) -> bool {
        match self.settings.matching.labels {
            Labels::Exact => one.trim() == other.trim(),
            Labels::IgnoreCase => one.trim().to_lowercase() == other.trim().to_lowercase(),
        }
    }

    fn reference(&self, entry: View<'_>) -> Option<Reference> {
        let pointers = &self.settings.ref_label_pointers;
        let label = first_at(entry, pointers, "", |label| label.as_str().map(str::to_owned))?;
        let id = Id::read(dotted(entry, &self.field(&self.settings.fields.id))?)?;
        Some(Reference { id, label })
    }

    /// Returns the employment types of the settings, whose ids are their labels.
    fn configured_types(&self) -> Result<Arc<Vec<Reference>>, Failure> {
        let types = &self.settings.employment_types;
        if types.is_empty() {
            return Err(Failure::permanent(
                "not_configured",
                "this connection knows no list of employment types",
            )
            .hint("Set `employment_types` of the connection to the words GoCo uses, or leave this step out."));
        }
        let reference = |label: &String| {
            Id::read(View::Text(label)).map(|id| Reference { id, label: label.clone() })
        };
        Ok(Arc::new(types.iter().filter_map(reference).collect()))
    }
}

/// Names sorted by what GoCo has of them.
struct Sorted<'a> {
    found: Vec<&'a Reference>,
    ambiguous: Vec<&'a String>,
}

/// Says that GoCo has none of the names, and what to do about it.
fn missing(
    kind: Kind,
    names: &[String],
    ambiguous: &[&String],
    entries: &[Reference],
) -> (String, String) {
    let words = kind.words();
    if let Some(name) = ambiguous.first() {
        return (
            format!("GoCo has several {words}s called `{name}`, and nobody can say which is meant"),
            "Rename or remove all but one of them in GoCo.".into(),
        );
    }
    let message = match names {
        [name] => format!("GoCo has no {words} `{name}`"),
        _ => format!("GoCo has none of the {words}s {}", quoted(names.iter())),
    };
    let near = near(names, entries);
    let has =
        if near.is_empty() { String::new() } else { format!(" GoCo has {}.", quoted(near.iter())) };
    let cure = format!(
        "{}, or correct the name where it comes from; both must be written alike.{has}",
        kind.cure()
    );
    (message, cure)
}

/// Returns the labels nearest to the names, or all when there are few.
fn near(names: &[String], entries: &[Reference]) -> Vec<String> {
    const FEW: usize = 5;
    let mut labels: Vec<(f64, &str)> = entries
        .iter()
        .map(|entry| {
            let label = entry.label.to_lowercase();
            let near = names.iter().map(|name| strsim::jaro_winkler(&name.to_lowercase(), &label));
            (near.fold(0.0, f64::max), entry.label.as_str())
        })
        .collect();
    labels.sort_by(|one, other| other.0.total_cmp(&one.0));
    labels.truncate(FEW);
    labels.into_iter().map(|(_, label)| label.to_owned()).collect()
}

fn quoted<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let wrong = || serde::de::Error::custom("expected text or a list of texts");
        let texts = match Value::deserialize(from)? {
            Value::Null => Vec::new(),
            Value::String(text) => vec![text],
            Value::Array(items) => items
                .into_iter()
                .filter(|item| !item.is_null())
                .map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong))
                .collect::<Result<_, _>>()?,
            _ => return Err(wrong()),
        };
        let texts = texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty());
        Ok(Self(texts.map(str::to_owned).collect()))
    }
}

impl JsonSchema for Names {
    fn schema_name() -> Cow<'static, str> {
        "Names".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string" },
            { "type": "array", "items": { "type": ["string", "null"] } },
            { "type": "null" },
        ] })
    }
}
