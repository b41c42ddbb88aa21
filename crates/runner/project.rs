//! A project folder on disk: its files read into memory, and a fingerprint that tells when one has changed.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use recipe::{Diagnostic, ProjectFiles, Source, Span};

use crate::exit::Trouble;

/// The largest YAML file that is read; a recipe of a thousand steps is a tenth of it.
const LARGEST_YAML: u64 = 4 << 20;
/// The largest table that is read.
const LARGEST_TABLE: u64 = 16 << 20;

/// What was read of a project folder.
#[derive(Debug, Default)]
pub struct Folder {
    /// The files the checker wants.
    pub files: ProjectFiles,
    /// `recipes/NAME.test.yaml`, by path.
    pub tests: Vec<Arc<Source>>,
    /// Files that look as if they should be read and are not.
    pub overlooked: Vec<Diagnostic>,
}

/// Reads a project folder.
pub fn read(dir: &Path) -> Result<Folder, Trouble> {
    let mut folder = Folder::default();
    for file in list(dir)? {
        let Listed { path, shown, kind } = file;
        match kind {
            FileKind::Runner => folder.files.runner = Some(text(&path, &shown, LARGEST_YAML)?),
            FileKind::Connections => {
                folder.files.connections = Some(text(&path, &shown, LARGEST_YAML)?);
            }
            FileKind::Recipe => folder.files.recipes.push(text(&path, &shown, LARGEST_YAML)?),
            FileKind::Test => folder.tests.push(text(&path, &shown, LARGEST_YAML)?),
            FileKind::Table => folder.files.tables.push(text(&path, &shown, LARGEST_TABLE)?),
            FileKind::Overlooked(rename) => folder.overlooked.push(
                Diagnostic::warning(
                    "file-name",
                    &Source::new(shown.clone(), ""),
                    Span::default(),
                    format!("`{shown}` is not read"),
                )
                .help(format!("rename it to `{rename}`")),
            ),
        }
    }
    Ok(folder)
}

/// What tells one state of a folder from another without reading its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(Vec<(String, Option<SystemTime>, u64)>);

impl Fingerprint {
    /// Adds files that are named relative to the folder. One that is there already stays as it was.
    pub fn with(mut self, dir: &Path, files: &BTreeSet<PathBuf>) -> Self {
        for file in files {
            let shown = file.display().to_string();
            if !self.0.iter().any(|(known, ..)| *known == shown) {
                self.0.push(stamp(&dir.join(file), shown));
            }
        }
        self
    }

    /// Returns the files that are other than they were, that are new, or that are gone.
    pub fn changed_since(&self, before: &Self) -> BTreeSet<String> {
        let other = |one: &Self, other: &Self| {
            let differs = |file: &&(String, Option<SystemTime>, u64)| !other.0.contains(file);
            one.0.iter().filter(differs).map(|(shown, ..)| shown.clone()).collect::<BTreeSet<_>>()
        };
        &other(self, before) | &other(before, self)
    }
}

fn stamp(path: &Path, shown: String) -> (String, Option<SystemTime>, u64) {
    let metadata = fs::metadata(path).ok();
    let modified = metadata.as_ref().and_then(|metadata| metadata.modified().ok());
    (shown, modified, metadata.map_or(0, |metadata| metadata.len()))
}

/// Returns the folder's fingerprint.
pub fn fingerprint(dir: &Path) -> Result<Fingerprint, Trouble> {
    let files = list(dir)?.into_iter().map(|file| stamp(&file.path, file.shown));
    Ok(Fingerprint(files.collect()))
}

struct Listed {
    path: PathBuf,
    shown: String,
    kind: FileKind,
}

enum FileKind {
    Runner,
    Connections,
    Recipe,
    Test,
    Table,
    /// With the name it should have.
    Overlooked(String),
}

/// Lists the files of a project in a stable order.
fn list(dir: &Path) -> Result<Vec<Listed>, Trouble> {
    if !dir.is_dir() {
        return Err(Trouble::cannot(format!("there is no folder `{}`", dir.display()))
            .cure("name a project folder with `--project DIR`")
            .cure("or make one: `recipe-runner init DIR`"));
    }
    let mut listed = Vec::new();
    for (name, kind) in
        [("runner.yaml", FileKind::Runner), ("connections.yaml", FileKind::Connections)]
    {
        let path = dir.join(name);
        if path.is_file() {
            listed.push(Listed { path, shown: name.into(), kind });
        }
    }
    for name in ["runner.yml", "connections.yml"] {
        let path = dir.join(name);
        if path.is_file() {
            let kind = FileKind::Overlooked(name.replace(".yml", ".yaml"));
            listed.push(Listed { path, shown: name.into(), kind });
        }
    }
    let recipes = names_in(&dir.join("recipes"))?;
    if recipes.is_none() && listed.is_empty() {
        return Err(Trouble::cannot(format!("`{}` is no project folder", dir.display()))
            .cure("a project has a folder `recipes`; name the project with `--project DIR`")
            .cure("or make one: `recipe-runner init DIR`"));
    }
    for name in recipes.unwrap_or_default() {
        let kind = if name.strip_suffix(".test.yaml").is_some() {
            FileKind::Test
        } else if name.strip_suffix(".yaml").is_some() {
            FileKind::Recipe
        } else if let Some(stem) = name.strip_suffix(".yml") {
            FileKind::Overlooked(format!("recipes/{stem}.yaml"))
        } else {
            continue;
        };
        listed.push(Listed {
            path: dir.join("recipes").join(&name),
            shown: format!("recipes/{name}"),
            kind,
        });
    }
    for name in names_in(&dir.join("tables"))?.unwrap_or_default() {
        if Path::new(&name).extension().is_some_and(|extension| extension == "csv") {
            let path = dir.join("tables").join(&name);
            listed.push(Listed { path, shown: format!("tables/{name}"), kind: FileKind::Table });
        }
    }
    Ok(listed)
}

/// Returns the names of the visible files in a folder, sorted; `None` when there is no such folder.
fn names_in(dir: &Path) -> Result<Option<Vec<String>>, Trouble> {
    if !dir.is_dir() {
        return Ok(None);
    }
    let entries = fs::read_dir(dir).map_err(|error| Trouble::file("read", dir, &error))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| Trouble::file("read", dir, &error))?;
        if let Ok(name) = entry.file_name().into_string()
            && !name.starts_with('.')
            && entry.path().is_file()
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(Some(names))
}

fn text(path: &Path, shown: &str, largest: u64) -> Result<Arc<Source>, Trouble> {
    let length = fs::metadata(path).map_err(|error| Trouble::file("read", path, &error))?.len();
    if length > largest {
        return Err(Trouble::cannot(format!(
            "`{shown}` is {} MB long; at most {} MB are read",
            length >> 20,
            largest >> 20
        )));
    }
    let bytes = fs::read(path).map_err(|error| Trouble::file("read", path, &error))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let readable = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = readable.split(|byte| *byte == b'\n').count();
        Trouble::cannot(format!("`{shown}` is not UTF-8 text: line {line}"))
            .cure("save it as UTF-8; in a spreadsheet: \"CSV UTF-8\"")
    })?;
    // Spreadsheets begin UTF-8 files with a byte order mark; it is no part of the text.
    let text = text.strip_prefix('\u{feff}').map_or(text.clone(), ToOwned::to_owned);
    Ok(Source::new(shown, text))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        dir
    }

    #[test]
    fn every_file_goes_to_its_place() {
        let dir = folder(&[
            ("runner.yaml", b"listen: x"),
            ("connections.yaml", b"goco: {}"),
            ("recipes/b.yaml", b"b"),
            ("recipes/a.yaml", b"a"),
            ("recipes/a.test.yaml", b"cases"),
            ("recipes/c.yml", b"c"),
            ("recipes/.hidden.yaml", b"no"),
            ("recipes/README.md", b"no"),
            ("tables/types.csv", b"\xef\xbb\xbfx,y\n"),
        ]);
        let folder = read(dir.path()).unwrap();
        let paths = |sources: &[Arc<Source>]| {
            sources.iter().map(|source| source.path.clone()).collect::<Vec<_>>()
        };
        assert_eq!(paths(&folder.files.recipes), ["recipes/a.yaml", "recipes/b.yaml"]);
        assert_eq!(paths(&folder.tests), ["recipes/a.test.yaml"]);
        assert_eq!(folder.files.tables[0].text, "x,y\n");
        assert_eq!(folder.files.runner.unwrap().text, "listen: x");
        assert_eq!(folder.files.connections.unwrap().path, "connections.yaml");
        assert_eq!(folder.overlooked[0].message, "`recipes/c.yml` is not read");
    }

    #[test]
    fn what_is_no_project_is_said_so() {
        let dir = tempfile::tempdir().unwrap();
        let trouble = read(dir.path()).unwrap_err();
        assert!(trouble.message.ends_with("is no project folder"), "{trouble}");
        assert!(read(&dir.path().join("absent")).unwrap_err().message.starts_with("there is no"));
    }

    #[test]
    fn other_encodings_are_refused_with_the_line() {
        let dir = folder(&[("recipes/a.yaml", b"title: x\nlabel: \xe9\n")]);
        let trouble = read(dir.path()).unwrap_err();
        assert_eq!(trouble.message, "`recipes/a.yaml` is not UTF-8 text: line 2");
    }

    #[test]
    fn a_fingerprint_changes_with_a_file() {
        let dir = folder(&[("recipes/a.yaml", b"a")]);
        let before = fingerprint(dir.path()).unwrap();
        assert_eq!(before, fingerprint(dir.path()).unwrap());
        fs::write(dir.path().join("recipes/a.yaml"), b"ab").unwrap();
        let changed = fingerprint(dir.path()).unwrap();
        assert_ne!(before, changed);
        fs::write(dir.path().join("recipes/b.yaml"), b"").unwrap();
        assert_ne!(changed, fingerprint(dir.path()).unwrap());
    }
}
