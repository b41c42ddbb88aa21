//! What each mistake is, in a sentence or two; its example and cure are drawn from the gallery of rejected recipes.

use std::{collections::BTreeMap, fmt::Write, fs, path::Path, process::Command};

const GALLERY: &str = "crates/recipe/tests/cases/rejected";

/// Each code with what it means and why it is a mistake. The cure stands in the drawing below it.
const MEANINGS: &[(&str, &str)] = &[
    (
        "anchor",
        "YAML can name a value and repeat it elsewhere. Recipes cannot: what a step does should stand where the step stands.",
    ),
    (
        "bad-duration",
        "A duration is a number and a unit. Without the unit, nobody knows whether seconds or hours are meant.",
    ),
    (
        "bad-name",
        "Names of recipes, steps, variables and properties are parts of paths, addresses and expressions, so they have lower-case letters, digits and `_` only (recipes also `-`).",
    ),
    (
        "bad-setting",
        "A setting of the trigger has the right type, and its connector says that it cannot be: a timetable that never comes, for example.",
    ),
    (
        "bad-table",
        "A table is a CSV file whose first row names the columns, each once, and whose other rows have a value for each.",
    ),
    (
        "braces",
        "Some keys, such as `when` and `if`, always hold an expression. There `{{ }}` says nothing; around a part of the expression it is wrong.",
    ),
    ("call-cycle", "Recipes that call each other in a circle would never end."),
    (
        "constant-only",
        "This value is needed before there is an event, or names something in the recipe, so it cannot be computed.",
    ),
    ("duplicate-id", "Two steps have the same `id`. What refers to it could mean either."),
    (
        "duplicate-key",
        "A map has the same key twice. YAML would keep one of them and drop the other without a word.",
    ),
    (
        "duplicate-name",
        "Two cases of a test file have the same name. Reports and `--filter` could not tell them apart; give each a name of its own.",
    ),
    ("empty-value", "An input is there, but its value is empty, and the action needs one."),
    (
        "file-name",
        "A file looks as if it belonged to the project, but its name is not one that is read.",
    ),
    (
        "indentation",
        "YAML knows by the indentation what belongs to what. This line begins where nothing can begin, or a tab stands where spaces must.",
    ),
    (
        "invalid-value",
        "A constant inside an expression has the right type, but cannot be what the function takes: a path that is none, a number out of range. Write one of the form that the message shows.",
    ),
    (
        "leading-zero",
        "YAML reads `0123` as the number 123, and the zero is gone. Ids and postal codes are text, so they need quotes.",
    ),
    (
        "literal-secret",
        "A secret stands in `connections.yaml` itself. Files are copied, shared and committed; refer to a variable of the environment or to a file.",
    ),
    (
        "may-fail-in-finally",
        "What stands in `finally` reports how the job ended, so it may not fail itself. This expression fails when a value is missing or of another type.",
    ),
    (
        "maybe-null",
        "A value may be null here: an optional field, the first of an empty list, the output of a step that may not have been worked. Where it is needed, say what to do then.",
    ),
    (
        "merge-key",
        "YAML can copy the keys of another map with `<<`. Recipes cannot: what a step does should stand where the step stands.",
    ),
    (
        "missing-connection",
        "The action needs a connection, and there is none for its connector, or there are several and none is chosen.",
    ),
    (
        "missing-input",
        "An action, a trigger or a connection lacks a value that it cannot do without.",
    ),
    ("missing-key", "A key that a recipe, a step or a case cannot do without is not there."),
    ("missing-value", "A key is there, but nothing stands behind it."),
    (
        "missing-zone",
        "A moment is the same everywhere, but its date, its weekday and how it is written are not: they are asked for without saying where.",
    ),
    (
        "never-equal",
        "Two values are compared that can never be the same, so the condition is always false (or always true). Mostly one is text and the other a number, or a word is misspelt.",
    ),
    (
        "no-answer",
        "Only the sender of `webhook.received` reads what it is answered. This trigger's does not.",
    ),
    (
        "no-catch-up",
        "Only some vendors can be asked for events that were missed. This trigger's cannot.",
    ),
    (
        "no-effect",
        "A part of the recipe does nothing: nothing can come of it, or nothing reads it.",
    ),
    (
        "no-leading-key",
        "Each step says by one key what it does, such as `action` or `if`. This one has none of them.",
    ),
    (
        "not-callable",
        "A recipe is started by its trigger or called by others, not both: its expressions see an `event` or an `input`.",
    ),
    (
        "not-supported",
        "The expression uses something that other template languages have and recipes do not.",
    ),
    (
        "number-too-large",
        "YAML would read this as a number and lose its last digits. Mostly it is an id, and ids are text.",
    ),
    (
        "quotes-in-quotes",
        "A text in quotes ends at the next quote of the same kind, so one inside it ends it early.",
    ),
    (
        "reserved-name",
        "The name has a meaning of its own in expressions, and a step or variable would hide it.",
    ),
    (
        "second-document",
        "`---` begins another document in the same file, and a file holds one recipe.",
    ),
    (
        "set-side-by-side",
        "Rounds that run side by side end in any order, so a variable that each of them sets would hold whichever came last. `collect` keeps what every round gives, in the order of the items.",
    ),
    (
        "step-failed",
        "Not found by the check, but drawn in the same way: a step of a job failed, and this is its line in the version of the recipe that the job has. The words under the line are the code of the failure, the help says what to do about it.",
    ),
    ("step-later", "An expression uses a step that is worked after it, so there is no output yet."),
    (
        "step-other-round",
        "A step inside a loop has an output in each round. Outside the loop, or in another round, it is not known which is meant.",
    ),
    (
        "stop-in-finally",
        "`finally` is worked when the job has ended already, so there is nothing to stop.",
    ),
    (
        "syntax",
        "An expression cannot be read: something is missing, left open, or in a place where it has no meaning.",
    ),
    (
        "tag",
        "YAML reads a word that begins with `!` as a tag, which changes how the value is read. Recipes have none.",
    ),
    (
        "too-deep",
        "Lists and maps stand inside each other more than 32 levels deep. Nobody writes that by hand, and it makes readers fall over.",
    ),
    ("too-large", "The file is larger than any recipe that people write: 1 MB, or 20 000 values."),
    (
        "too-long",
        "An expression or text with expressions is longer, or nested deeper, than anything that can be read.",
    ),
    (
        "trigger-and-input",
        "A recipe is started by its trigger or called by others, not both: its expressions see an `event` or an `input`.",
    ),
    ("two-leading-keys", "Each step does one thing, named by one key. This one has two of them."),
    (
        "undeclared-field",
        "A hint: the recipe uses fields that no connector can know, because a company or a sender made them, and nothing says what they hold. It runs, and a wrong name or type comes to light only in a job. Where they are declared, the check knows them.",
    ),
    ("unknown-action", "The connector has no action of this name."),
    ("unknown-column", "The table has no column of this name."),
    ("unknown-connection", "No entry of this name stands in `connections.yaml`."),
    ("unknown-connector", "There is no connector of this name."),
    (
        "unknown-field",
        "The value has no field of this name: an input that the action does not take, or a part of the event or of a step's output that does not exist.",
    ),
    ("unknown-filter", "There is no filter of this name. [functions.md](functions.md) lists them."),
    (
        "unknown-function",
        "There is no function of this name. [functions.md](functions.md) lists them.",
    ),
    (
        "unknown-key",
        "The map has a key that nothing reads. Mostly it is misspelt, or stands one level too deep or too high.",
    ),
    (
        "unknown-name",
        "An expression begins with a name that means nothing here. Some names exist in some places only: `error` in `catch`, `outcome` in `finally`.",
    ),
    (
        "unknown-path",
        "A path that is to be masked leads nowhere, so what it should hide would be shown.",
    ),
    (
        "unknown-recipe",
        "Neither a `call` nor a file of tests can be about a recipe that is not there.",
    ),
    ("unknown-step", "There is no step with this `id`."),
    ("unknown-table", "There is no table of this name in `tables/`."),
    ("unknown-test", "There is no test of this name after `is`."),
    ("unknown-time-zone", "The time zone is not one of the IANA list, such as `Europe/Berlin`."),
    ("unknown-trigger", "The connector has no trigger of this name."),
    (
        "unknown-type",
        "What a recipe takes, what a person answers and what a property holds have one of a few types.",
    ),
    ("unknown-word", "The key takes one of a few words, and this is none of them."),
    (
        "unquoted-expression",
        "To YAML, `{{ x }}` without quotes is a map inside a map. With quotes it is the text that the recipe language reads.",
    ),
    ("unreachable", "Steps stand behind one that always ends the job, so they are never worked."),
    (
        "unsafe-retry",
        "The step writes, nobody can look up whether it did, and a second attempt might do it twice. Say what an unknown outcome means.",
    ),
    (
        "wrong-arguments",
        "A function or filter is given too much, too little, or something it has no name for.",
    ),
    (
        "wrong-connection",
        "The connection belongs to another connector, or the connector needs none.",
    ),
    (
        "wrong-type",
        "A value is of another type than is wanted. Numbers and text never turn into each other by themselves, and a list is never its first item.",
    ),
    (
        "wrong-value",
        "A value in a test file cannot be: a reply that the action never gives, an expectation that never holds.",
    ),
    ("yaml-syntax", "The text is not YAML, or not YAML that says what was meant."),
];

/// A failed step as `jobs show` and `run` draw it; the check has no example of it.
const STEP_FAILED: &str = "\
error[step-failed]: `goco.match_job_title` at `job_title`: GoCo has no job title `Wizard`
  --> recipes/greenhouse-hired-to-goco.yaml:58:5
   |
58 |   - id: job_title
   |     ^^^^^^^^^^^^^ not_found
   = help: add the title in GoCo, then retry the job";

/// Returns the page: each code once, with the shortest drawing that there is of it.
pub(crate) fn page() -> String {
    let mut drawings: BTreeMap<String, String> = BTreeMap::new();
    for drawing in gallery().into_iter().chain(of_files()).chain([STEP_FAILED.to_owned()]) {
        let code = code_of(&drawing);
        let shown = drawings.entry(code.to_owned()).or_insert_with(|| drawing.clone());
        let rank = |drawing: &str| (!drawing.contains("= help"), drawing.len(), drawing.to_owned());
        if rank(&drawing) < rank(shown) {
            *shown = drawing;
        }
    }
    let mut page = format!(
        "# What the check finds\n\n`recipe-runner check` names each mistake by a code, shows its place and says the cure. \
         What each one means, with an example; `recipe-runner check --explain CODE` prints the same.\n\n{}",
        crate::reference::MADE
    );
    for (code, meaning) in MEANINGS {
        let drawing = drawings
            .remove(*code)
            .unwrap_or_else(|| panic!("no recipe of {GALLERY} shows `{code}`: add one"));
        write!(page, "\n## {code}\n\n{meaning}\n\n```text\n{drawing}\n```\n").unwrap();
    }
    assert!(
        drawings.is_empty(),
        "say in tests/it/mistakes.rs what these mean: {:?}",
        drawings.keys()
    );
    page
}

#[test]
fn every_code_of_the_program_has_an_entry() {
    let mut codes: Vec<String> = Vec::new();
    for (file, text) in crate::tidy::sources() {
        let path = file.to_string_lossy();
        // The engine's codes are those of failures, which `jobs show` explains by their hints.
        if !path.contains("/tests")
            && (path.contains("crates/recipe/src") || path.contains("crates/runner"))
        {
            codes.extend(codes_in(text.split("#[cfg(test)]\nmod ").next().unwrap_or("")));
        }
    }
    codes.sort();
    codes.dedup();
    assert!(codes.len() > 60, "{codes:?}");
    let missing: Vec<_> =
        codes.iter().filter(|code| !MEANINGS.iter().any(|(known, _)| known == code)).collect();
    assert!(
        missing.is_empty(),
        "say in tests/it/mistakes.rs what these mean, and add a recipe to {GALLERY} that shows each: {missing:?}"
    );
    let gone: Vec<_> = MEANINGS
        .iter()
        .map(|(code, _)| *code)
        .filter(|code| !codes.iter().any(|known| known == code))
        .collect();
    assert!(gone.is_empty(), "nothing has these codes any more: {gone:?}");
    assert!(MEANINGS.is_sorted_by_key(|(code, _)| *code));
}

/// Returns the literals that stand where a diagnostic takes its code.
fn codes_in(text: &str) -> Vec<String> {
    const MAKERS: [&str; 8] = [
        "error(",
        "warning(",
        "hint(",
        "report(",
        "report_at(",
        "warn(",
        "unknown(",
        "leads_nowhere(",
    ];
    let mut codes = Vec::new();
    for maker in MAKERS {
        for (at, _) in text.match_indices(maker) {
            let mut rest = text[at + maker.len()..].trim_start();
            // `if form == Form::Filter { "one" } else { "other" }`
            let choice = rest.starts_with("if ");
            if choice {
                let end = rest.find(',').unwrap_or(rest.len());
                for (_, word) in
                    rest[..end].split('"').enumerate().filter(|(index, _)| index % 2 == 1)
                {
                    codes.push(word.to_owned());
                }
                continue;
            }
            rest = rest.strip_prefix("to,").unwrap_or(rest).trim_start();
            if let Some((word, _)) = rest.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
                codes.push(word.to_owned());
            }
        }
    }
    codes.retain(|code| {
        !code.is_empty() && code.bytes().all(|next| next.is_ascii_lowercase() || next == b'-')
    });
    codes
}

/// The drawings of the gallery.
fn gallery() -> Vec<String> {
    let gallery = Path::new(env!("CARGO_MANIFEST_DIR")).join(GALLERY);
    let mut all = Vec::new();
    for entry in fs::read_dir(gallery).unwrap() {
        let expected = fs::read_to_string(entry.unwrap().path().join("expected.txt")).unwrap();
        all.extend(drawings_in(&expected));
    }
    all
}

/// What the program says of what the gallery cannot hold: a wrong name, tests without a recipe, a connector's own check.
fn of_files() -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let recipes = dir.path().join("recipes");
    fs::create_dir(&recipes).unwrap();
    fs::write(recipes.join("hire.yml"), "steps: []\n").unwrap();
    fs::write(recipes.join("hire.test.yaml"), "cases: []\n").unwrap();
    // Only a real connector knows what a timetable is.
    let nightly = "\
trigger:
  on: schedule.due
  with: { cron: 0 25 * * *, zone: Europe/Berlin }
steps:
  - action: log.write
    with: { message: Good night }
";
    fs::write(recipes.join("nightly.yaml"), nightly).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_recipe-runner"))
        .args(["check", "--project"])
        .arg(dir.path())
        .output()
        .unwrap();
    drawings_in(&String::from_utf8(output.stdout).unwrap())
}

fn drawings_in(text: &str) -> Vec<String> {
    let begins =
        |one: &&str| ["error[", "warning[", "hint["].iter().any(|begin| one.starts_with(begin));
    text.split("\n\n").map(str::trim_end).filter(begins).map(str::to_owned).collect()
}

fn code_of(drawing: &str) -> &str {
    let code = drawing.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    code.expect("a drawing begins with its code").0
}
