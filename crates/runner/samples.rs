//! Samples: bodies in the project's own files that a recipe can be tried with. `examples/events/` holds some, and what the
//! cases beside the recipe begin with are others.

use std::{fs, path::Path};

use recipe::{EventFrom, Source};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    code::Code,
    exit::Trouble,
    mask,
    service::{Service, unknown_recipe},
};

/// Where a project keeps bodies to try.
pub const FOLDER: &str = "examples/events";
/// How many samples are offered of a recipe.
const MOST: usize = 40;
/// How large a sample may be; a hire with a hundred attachments is a fifth of it.
const LARGEST: u64 = 1 << 20;

/// A body that a recipe can be tried with.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// Its name: the path of its file in the project, or a called recipe's case.
    pub name: String,
    /// The label that its job would have.
    pub label: String,
}

/// A sample with its body.
struct Found {
    name: String,
    body: Vec<u8>,
}

impl Service {
    /// Returns what a recipe can be tried with, by name: only what it would make a job of.
    pub async fn samples(&self, recipe: &str) -> Result<Vec<Sample>, Trouble> {
        let paths = self.masking(recipe).map(|one| one.settings.mask.clone()).unwrap_or_default();
        let mut samples = Vec::new();
        for Found { name, body } in self.found(recipe).await? {
            let Some(mut label) = self.engine.labels(recipe, &body).into_iter().next() else {
                continue;
            };
            let mut hidden = self.hidden_in_body(recipe, &paths, &body);
            mask::longest_first(&mut hidden);
            mask::hide_text(&mut label, &hidden);
            samples.push(Sample { name, label });
        }
        Ok(samples)
    }

    /// Returns the body of a sample.
    pub(crate) async fn sample(&self, recipe: &str, name: &str) -> Result<Vec<u8>, Trouble> {
        // By its name among those there are: nothing outside the project can be named.
        let found = self.found(recipe).await?.into_iter().find(|one| one.name == name);
        found.map(|one| one.body).ok_or_else(|| {
            Trouble::of(Code::NoSample, format!("`{recipe}` has no sample `{name}`"))
                .cure(format!("samples are files in `{FOLDER}/`, one body each"))
        })
    }

    async fn found(&self, recipe: &str) -> Result<Vec<Found>, Trouble> {
        let project = self.engine.deployment().project.clone();
        let known = self.engine.recipe(recipe);
        let known = known.ok_or_else(|| {
            if project.recipe_names.iter().any(|name| name == recipe) {
                self.never_good(recipe)
            } else {
                unknown_recipe(recipe, project.recipe_names.iter().map(String::as_str))
            }
        })?;
        let catalogue = connector::catalogue(&self.engine.deployment().connectors);
        let (dir, recipe) = (self.dir.clone(), recipe.to_owned());
        let found = tokio::task::spawn_blocking(move || {
            let mut found = of_folder(&dir);
            let test = format!("recipes/{recipe}.test.yaml");
            if let Ok(text) = fs::read_to_string(dir.join(&test)) {
                let source = Source::new(test, text);
                let (cases, _) = recipe::read_cases(&source, &known, &catalogue, &project);
                let called = known.trigger().is_none();
                for case in cases.map(|cases| cases.cases).unwrap_or_default() {
                    let one = match case.event.from {
                        EventFrom::File { path, .. } => of_file(&dir, path),
                        // A decoded event is no body, unless the recipe is called: then it is the input itself.
                        EventFrom::Payload(input) if called => {
                            Some(Found { name: case.name, body: input.to_string().into_bytes() })
                        }
                        EventFrom::Payload(_) => None,
                    };
                    found.extend(one);
                }
            }
            found.sort_by(|one, other| one.name.cmp(&other.name));
            found.dedup_by(|one, other| one.name == other.name);
            found.truncate(MOST);
            found
        });
        found.await.map_err(|error| Trouble::cannot(error.to_string()))
    }
}

/// Returns the files of the folder of samples.
fn of_folder(dir: &Path) -> Vec<Found> {
    let entries = fs::read_dir(dir.join(FOLDER)).into_iter().flatten();
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter_map(|name| of_file(dir, format!("{FOLDER}/{name}"))).collect()
}

/// Returns a file that is no larger than a sample may be.
fn of_file(dir: &Path, name: String) -> Option<Found> {
    let path = dir.join(&name);
    let about = fs::metadata(&path).ok()?;
    (about.is_file() && about.len() <= LARGEST)
        .then(|| fs::read(&path).ok())
        .flatten()
        .map(|body| Found { name, body })
}
