//! One recipe with its project and its cases, to try changed texts of it on.

use std::{
    fs,
    path::{Path, PathBuf},
};

use connector::Connector;
use engine::simulate::{Bench, Tested, lines, test};
use recipe::{Catalogue, Diagnostic, ProjectFiles, Source};

/// What became of a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The check has so many things to say.
    Refused(usize),
    /// A case fails.
    Failed,
    /// Nobody noticed.
    Survived,
}

/// A recipe that is right and whose cases hold.
pub(super) struct Trial {
    folder: PathBuf,
    name: String,
    files: ProjectFiles,
    cases: String,
    connectors: Vec<Connector>,
    catalogue: Catalogue,
}

impl Trial {
    pub(super) fn new(folder: &Path, name: &str) -> Self {
        let mut connectors = vec![connector_greenhouse::connector(), connector_goco::connector()];
        connectors.extend(connector_standard::connectors());
        let trial = Self {
            folder: folder.to_owned(),
            name: name.to_owned(),
            files: read(folder),
            cases: fs::read_to_string(folder.join(format!("recipes/{name}.test.yaml"))).unwrap(),
            catalogue: connector::catalogue(&connectors),
            connectors,
        };
        let played = trial
            .play(trial.text(), false)
            .unwrap_or_else(|wrong| panic!("{name}: {}", recipe::render(&wrong, false)));
        assert_eq!(played.failures(), 0, "{}", lines(&played));
        trial
    }

    /// The recipe as it is shipped.
    pub(super) fn text(&self) -> &str {
        let path = self.path();
        &self.files.recipes.iter().find(|source| source.path == path).unwrap().text
    }

    /// Tries a changed text.
    pub(super) fn fate(&self, text: &str) -> Fate {
        match self.play(text, true) {
            Err(wrong) => Fate::Refused(wrong.len()),
            Ok(played) if played.failures() > 0 => Fate::Failed,
            Ok(_) => Fate::Survived,
        }
    }

    fn path(&self) -> String {
        format!("recipes/{}.yaml", self.name)
    }

    /// Plays the cases of a text, perhaps only up to the first that fails; an error is what the check says.
    fn play(&self, text: &str, stops: bool) -> Result<Tested, Vec<Diagnostic>> {
        let mut files = self.files.clone();
        let path = self.path();
        for source in &mut files.recipes {
            if source.path == path {
                *source = Source::new(path.clone(), text);
            }
        }
        let (project, diagnostics) = recipe::check(&files, &self.catalogue);
        if !diagnostics.is_empty() {
            return Err(diagnostics);
        }
        let recipe = &project.recipes[&self.name];
        let source = Source::new(format!("recipes/{}.test.yaml", self.name), self.cases.as_str());
        let (cases, diagnostics) = recipe::read_cases(&source, recipe, &self.catalogue, &project);
        if !diagnostics.is_empty() {
            return Err(diagnostics);
        }
        let read = |path: &str| fs::read(self.folder.join(path)).map_err(|error| error.to_string());
        let bench = Bench::new(&project, &self.connectors, &read);
        let mut cases = cases.unwrap();
        if !stops {
            return Ok(test(&cases, recipe, &bench, None));
        }
        let all = std::mem::take(&mut cases.cases);
        let mut tested = test(&cases, recipe, &bench, None);
        for case in all {
            cases.cases = vec![case];
            tested = test(&cases, recipe, &bench, None);
            if tested.failures() > 0 {
                break;
            }
        }
        Ok(tested)
    }
}

fn read(folder: &Path) -> ProjectFiles {
    let one =
        |name: &str| fs::read_to_string(folder.join(name)).ok().map(|text| Source::new(name, text));
    let all = |inner: &str, ending: &str| {
        let entries = fs::read_dir(folder.join(inner)).into_iter().flatten();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|name| name.ends_with(ending) && !name.ends_with(".test.yaml"))
            .collect();
        names.sort();
        names.iter().filter_map(|name| one(&format!("{inner}/{name}"))).collect()
    };
    ProjectFiles {
        runner: one("runner.yaml"),
        connections: one("connections.yaml"),
        recipes: all("recipes", ".yaml"),
        tables: all("tables", ".csv"),
    }
}
