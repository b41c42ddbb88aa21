//! `check --fix`: makes the changes that can only be meant in one way, and says each.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use recipe::{Diagnostic, Fix, Source};

use super::Checked;
use crate::{
    exit::Trouble,
    terminal::{self, FAINT, GOOD, count, paint},
};

/// How often the project is checked again: quoting an expression, for example, lets its own mistakes be seen.
const ROUNDS: usize = 10;

/// Fixes what can be fixed, until nothing is left that can; returns what the last check found.
pub fn run(
    dir: &Path,
    mut checked: Checked,
    again: impl Fn() -> Result<Checked, Trouble>,
) -> Result<Checked, Trouble> {
    let mut made = 0;
    for _ in 0..ROUNDS {
        let fixed = round(dir, &checked.diagnostics)?;
        if fixed == 0 {
            break;
        }
        made += fixed;
        checked = again()?;
    }
    if made == 0 {
        terminal::talk(paint(FAINT, "nothing to fix"));
    } else {
        terminal::talk(format!("{} {}", paint(GOOD, "fixed"), count(made, "mistake")));
    }
    Ok(checked)
}

/// Makes the fixes of one check; returns how many.
fn round(dir: &Path, diagnostics: &[Diagnostic]) -> Result<usize, Trouble> {
    let mut files: BTreeMap<&str, Vec<&Diagnostic>> = BTreeMap::new();
    for diagnostic in diagnostics.iter().filter(|one| one.fix.is_some()) {
        files.entry(&diagnostic.source.path).or_default().push(diagnostic);
    }
    let mut made = 0;
    for (name, found) in files {
        made += file(&dir.join(name), &found)?;
    }
    Ok(made)
}

fn file(path: &Path, found: &[&Diagnostic]) -> Result<usize, Trouble> {
    let on_disk = fs::read_to_string(path).map_err(|error| Trouble::file("read", path, &error))?;
    let shown = found.first().map(|one| one.source.clone());
    let Some(shown) = shown else { return Ok(0) };
    // A byte order mark is no part of the text that was checked, and stays.
    let (mark, text) = match on_disk.strip_prefix('\u{feff}') {
        Some(text) => ("\u{feff}", text),
        None => ("", on_disk.as_str()),
    };
    let source = Source::new(shown.path.clone(), text);
    let same = found.iter().copied().filter(|one| stands(one, &source));
    let (fixed, fixes) = recipe::fixed(&source, same);
    if fixes.is_empty() {
        return Ok(0);
    }
    write(path, &format!("{mark}{fixed}"))?;
    for fix in &fixes {
        terminal::talk(line(&source, fix));
    }
    Ok(fixes.len())
}

/// Whether what is to be changed is still what was checked; in `connections.yaml`, whether it was shown at all.
fn stands(diagnostic: &Diagnostic, source: &Source) -> bool {
    diagnostic.fix.as_ref().is_some_and(|fix| {
        let part = fix.span.start..fix.span.end;
        source.text.len() == diagnostic.source.text.len()
            && source
                .text
                .get(part.clone())
                .is_some_and(|old| diagnostic.source.text.get(part) == Some(old))
    })
}

fn line(source: &Arc<Source>, fix: &Fix) -> String {
    let (line, column) = source.line_col(fix.span.start);
    let old = &source.text[fix.span.start..fix.span.end];
    format!("{}:{line}:{column}: `{old}` → `{}`", source.path, fix.text)
}

/// Puts a new text in the place of a file's old one, all or nothing, with the rights that the file had.
fn write(path: &Path, text: &str) -> Result<(), Trouble> {
    let trouble = |error: &std::io::Error| Trouble::file("write", path, error);
    // What is behind a link is changed, not the link.
    let path: PathBuf = fs::canonicalize(path).map_err(|error| trouble(&error))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let rights = fs::metadata(&path).map_err(|error| trouble(&error))?.permissions();
    let mut new = tempfile::NamedTempFile::new_in(folder).map_err(|error| trouble(&error))?;
    new.write_all(text.as_bytes()).map_err(|error| trouble(&error))?;
    new.as_file().set_permissions(rights).map_err(|error| trouble(&error))?;
    new.persist(&path).map_err(|error| trouble(&error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::os::unix::fs::{PermissionsExt, symlink};

    use recipe::Span;

    use super::*;

    #[test]
    fn mark_rights_and_links_stay() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real.yaml"), dir.path().join("link.yaml"));
        fs::write(&real, "\u{feff}nmae: x # why\r\n").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&real, &link).unwrap();
        let source = Source::new("link.yaml", "nmae: x # why\r\n");
        let span = Span::new(0, 4);
        let wrong = Diagnostic::error("unknown-key", &source, span, "x")
            .fix(Some(Fix { span, text: "name".into() }));
        assert_eq!(round(dir.path(), std::slice::from_ref(&wrong)).unwrap(), 1);
        assert_eq!(fs::read_to_string(&real).unwrap(), "\u{feff}name: x # why\r\n");
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(round(dir.path(), &[wrong]).unwrap(), 0, "what has changed since is left alone");
    }
}
