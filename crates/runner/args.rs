//! The command line: what can be asked for, and what each thing is for.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::{backup, exit, forget, http::access::Role, record, restore, schema};

/// Run integration recipes written in YAML: nothing lost, nothing doubled
#[derive(Debug, Parser)]
#[command(name = "recipe-runner", version, after_help = exit::HELP, arg_required_else_help = true)]
#[command(after_long_help = exit::HELP, max_term_width = 100)]
pub struct Arguments {
    /// Use this project folder
    #[arg(long, global = true, env = "RECIPE_RUNNER_PROJECT", value_name = "DIR")]
    #[arg(default_value = ".", hide_env_values = true)]
    pub project: PathBuf,
    /// Colour the output
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How data is written to stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// One command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a project folder from the template, the hire sync included
    #[command(after_help = "Example:\n  recipe-runner init acme")]
    Init {
        /// The folder to make; must be empty or absent
        dir: PathBuf,
    },
    /// Show the hire sync at work, without any account
    #[command(
        after_help = "Example:\n  recipe-runner demo\n  recipe-runner demo --once   # for scripts: checks every field, then ends"
    )]
    Demo {
        /// Send one hire, compare every field of the new employee, and end
        #[arg(long)]
        once: bool,
    },
    /// Report every mistake in the project's files
    #[command(
        after_help = "Example:\n  recipe-runner check\n  recipe-runner check --fix\n  recipe-runner check --explain maybe-null\n  recipe-runner check --format github   # marks the lines of a pull request"
    )]
    Check(Check),
    /// Test recipes with the cases beside them, offline
    #[command(
        after_help = "Example:\n  recipe-runner test greenhouse-hired-to-goco --filter phone\n  recipe-runner test greenhouse-hired-to-goco --record --event hired.json"
    )]
    Test(Test),
    /// Show what a job would write, without writing it
    #[command(
        long_about = "Show what a job would write, without writing it\n\nReads are sent; writes are printed as the exact requests they would be. With --past nothing is sent at all.",
        after_help = "Example:\n  recipe-runner plan greenhouse-hired-to-goco --event examples/events/hire_candidate.json\n  recipe-runner plan greenhouse-hired-to-goco --past 20   # before a changed recipe is merged"
    )]
    Plan(Plan),
    /// Ask the vendor for events whose webhook never came, and make jobs of them
    #[command(
        after_help = "Example:\n  recipe-runner catch-up greenhouse-hired-to-goco --since 7d --dry-run\n  recipe-runner catch-up greenhouse-hired-to-goco --since 2027-01-04 --yes"
    )]
    CatchUp(crate::catch_up::Asked),
    /// Work one real job in the foreground, step by step
    #[command(
        after_help = "Example:\n  recipe-runner run greenhouse-hired-to-goco --event examples/events/hire_candidate.json"
    )]
    Run(crate::run::Asked),
    /// Switch recipes on and run the service
    #[command(
        long_about = "Switch recipes on and run the service\n\nWith names: switches those recipes on, and runs the service in the foreground unless one is running already.\nWithout names: runs the service with every recipe as it was left.",
        after_help = "Example:\n  recipe-runner start greenhouse-hired-to-goco\n  recipe-runner start --all --detach"
    )]
    Start(Start),
    /// Switch recipes off, or stop the service
    #[command(
        long_about = "Switch recipes off, or stop the service\n\nWith names: switches those recipes off. A step at work ends, jobs pause, webhooks are still answered and their jobs held.\nWithout names: stops the service; calls in flight end first.",
        after_help = "Example:\n  recipe-runner stop greenhouse-hired-to-goco\n  recipe-runner stop"
    )]
    Stop {
        /// The recipes to switch off; none stops the service
        #[arg(value_name = "RECIPE")]
        recipes: Vec<String>,
    },
    /// Forget a recipe whose file is gone
    #[command(long_about = forget::ABOUT, after_help = forget::EXAMPLE)]
    Forget(forget::Asked),
    /// Show the service, its recipes, and what needs attention
    #[command(
        after_help = "Example:\n  recipe-runner status\n  recipe-runner status --fail-on attention   # for monitoring"
    )]
    Status {
        /// End with exit code 1 when this is found
        #[arg(long, value_name = "WHAT")]
        fail_on: Option<FailOn>,
        #[command(flatten)]
        output: Output,
    },
    /// List, show and settle jobs
    #[command(subcommand)]
    Jobs(Jobs),
    /// Say who may open the pages and use the API
    #[command(subcommand)]
    Tokens(Tokens),
    /// Check connections, secrets, webhooks and the clock, each red line with its cure
    #[command(after_help = "Example:\n  recipe-runner doctor\n  recipe-runner doctor goco")]
    Doctor {
        /// A connection or a recipe; everything when left out
        name: Option<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Copy all that is stored to a file, while the service runs
    #[command(long_about = backup::ABOUT, after_help = backup::EXAMPLE)]
    Backup(backup::Asked),
    /// Put a backup back in place of what is stored
    #[command(long_about = restore::ABOUT, after_help = restore::EXAMPLE)]
    Restore(restore::Asked),
    /// Print a JSON Schema that editors complete and explain files with
    #[command(
        after_help = "Example:\n  recipe-runner schema --write\n\nThe first line of a file names its schema:\n  # yaml-language-server: $schema=../schemas/recipe.schema.json"
    )]
    Schema(schema::Asked),
    /// Print the completion script of a shell
    #[command(
        after_help = "Example:\n  recipe-runner completions bash > ~/.local/share/bash-completion/completions/recipe-runner"
    )]
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// How the answer is written.
#[derive(Debug, Clone, Copy, Args)]
pub struct Output {
    /// Write stdout for people or for programs
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

/// `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// Write the mistakes for people, for programs, for code scanning, or as annotations of GitHub Actions
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: CheckFormat,
    /// Put right what can only be meant in one way, and report the rest
    #[arg(long)]
    pub fix: bool,
    /// Say what a mistake means and how to put it right
    #[arg(long, value_name = "CODE", conflicts_with_all = ["fix", "format"])]
    pub explain: Option<String>,
}

/// How mistakes are written to stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// For people
    Text,
    /// For programs
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
}

/// `test`.
#[derive(Debug, Args)]
pub struct Test {
    /// The recipe to test; all when left out
    pub recipe: Option<String>,
    /// Test only the cases with this text in their name
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// `--junit`.
    #[arg(long, value_name = "FILE", help = "Write the results as JUnit XML as well")]
    pub junit: Option<PathBuf>,
    /// Name what no case reached: steps, branches, rounds, table rows
    #[arg(long)]
    pub coverage: bool,
    /// End with exit code 1 when less than this much was reached, in percent
    #[arg(long, value_name = "PERCENT", requires = "coverage")]
    pub fail_under: Option<usize>,
    /// Cut every case at each entry of its journal, go on from there, and demand the same
    #[arg(long)]
    pub crash: bool,
    /// Play the cases again whenever a file changes
    #[arg(long)]
    pub watch: bool,
    /// `--record` and what goes with it.
    #[command(flatten)]
    pub recording: record::Asked,
}

/// `plan`.
#[derive(Debug, Args)]
pub struct Plan {
    /// The recipe
    pub recipe: String,
    /// What to plan: a file with the raw body, or the number of a past job
    #[arg(long, value_name = "FILE|JOB", required_unless_present = "past")]
    pub event: Option<String>,
    /// Play the last finished jobs again on what their steps gave, and show what would differ
    #[arg(long, value_name = "N", conflicts_with = "event")]
    pub past: Option<u32>,
}

/// `start`.
#[derive(Debug, Args)]
pub struct Start {
    /// The recipes to switch on
    #[arg(value_name = "RECIPE")]
    pub recipes: Vec<String>,
    /// Switch every recipe on
    #[arg(long, conflicts_with = "recipes")]
    pub all: bool,
    /// Run in the background; return when it is ready
    #[arg(long)]
    pub detach: bool,
    /// This is the background process of `--detach`
    #[arg(long, hide = true)]
    pub detached: bool,
    /// Write logs for people or for programs; text on a terminal, JSON elsewhere, when left out
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<Format>,
    /// Log from this level on, such as `info`, `debug` or `engine=debug`
    #[arg(long, value_name = "FILTER", env = "RECIPE_RUNNER_LOG", default_value = "info")]
    pub log: String,
}

/// What `--fail-on` looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// A job needs attention, the service does not run, or its disk is full or nearly
    Attention,
}

/// `jobs`.
#[derive(Debug, Subcommand)]
pub enum Jobs {
    /// List jobs, newest first
    #[command(
        after_help = "Example:\n  recipe-runner jobs list --status failed\n  recipe-runner jobs list --search smith"
    )]
    List(List),
    /// Show a job: every step with its input, output, attempts and time
    #[command(
        after_help = "Example:\n  recipe-runner jobs show 42\n  recipe-runner jobs show 42 --step employee\n  recipe-runner jobs show 42 --requests   # of writes that are held"
    )]
    Show {
        /// The job's number
        job: i64,
        /// Show only steps at or under this path
        #[arg(long, value_name = "PATH")]
        step: Option<String>,
        /// Show only the exact requests that held writes would send; reads are sent for it
        #[arg(long, conflicts_with = "step")]
        requests: bool,
        #[command(flatten)]
        output: Output,
    },
    /// Have a failed job go on from the failed step
    #[command(after_help = "Example:\n  recipe-runner jobs retry 42")]
    Retry {
        /// The job's number
        job: i64,
        /// Go on with the newest version of the recipe
        #[arg(long)]
        newest: bool,
        /// Even though a later job of the same key has overtaken it
        #[arg(long)]
        force: bool,
    },
    /// End a job; a call in flight still ends
    #[command(after_help = "Example:\n  recipe-runner jobs cancel 42")]
    Cancel {
        /// The job's number
        job: i64,
    },
    /// Answer a question that a job asks (`wait_for`), or will ask
    #[command(
        after_help = "Example:\n  recipe-runner jobs answer 42 approval approved=true comment=\"start on Monday\"\n  recipe-runner jobs answer 42 approval --json '{\"approved\": true}'"
    )]
    Answer(Answer),
    /// Settle a write whose outcome nobody could find out, or one that is held (`writes: hold`)
    #[command(
        after_help = "Example:\n  recipe-runner jobs resolve 42 employee --happened --output '{\"id\": \"9001\"}'\n  recipe-runner jobs resolve 42 employee --not-happened"
    )]
    Resolve(Resolve),
}

/// `tokens`.
#[derive(Debug, Subcommand)]
pub enum Tokens {
    /// Make a token; its text is shown this once
    #[command(after_help = "Example:\n  recipe-runner tokens add 'Ann Lee' --role operator")]
    Add {
        /// Whose it is
        name: String,
        /// What it may
        #[arg(long, value_enum, default_value = "viewer")]
        role: Role,
    },
    /// List the tokens, without their texts
    #[command(after_help = "Example:\n  recipe-runner tokens list")]
    List(Output),
    /// Take a token back
    #[command(after_help = "Example:\n  recipe-runner tokens revoke 'Ann Lee'")]
    Revoke {
        /// Whose it is
        name: String,
    },
}

/// `jobs list`.
#[derive(Debug, Args)]
pub struct List {
    /// Only jobs of this recipe
    #[arg(long)]
    pub recipe: Option<String>,
    /// Only jobs that stand there
    #[arg(long, value_enum)]
    pub status: Option<JobStatus>,
    /// Only jobs with this text in their label, ids or e-mail addresses
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
    /// How many at most
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    pub limit: u32,
    /// Only jobs older than this one
    #[arg(long, value_name = "JOB")]
    pub before: Option<i64>,
    #[command(flatten)]
    pub output: Output,
}

/// Where a job can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum JobStatus {
    /// Accepted, not begun
    Queued,
    /// At work
    Running,
    /// Until a moment comes
    Waiting,
    /// Until a person decides
    NeedsAttention,
    /// Ended well
    Succeeded,
    /// Ended badly
    Failed,
    /// Nothing was to do
    Skipped,
    /// Ended by a person
    Cancelled,
}

/// `jobs answer`.
#[derive(Debug, Args)]
pub struct Answer {
    /// The job's number
    pub job: i64,
    /// The question: the step's path, such as `approval` or `documents[2].approval`
    pub step: String,
    /// The answer, field by field; each value is read as what the recipe declares
    #[arg(value_name = "NAME=VALUE", value_parser = field, required_unless_present = "json")]
    pub fields: Vec<(String, String)>,
    /// The whole answer, as JSON
    #[arg(long, value_name = "JSON", conflicts_with = "fields")]
    pub json: Option<String>,
}

fn field(text: &str) -> Result<(String, String), String> {
    let (name, value) =
        text.split_once('=').ok_or("write it as NAME=VALUE, such as `approved=true`")?;
    Ok((name.trim().into(), value.into()))
}

/// `jobs resolve`.
#[derive(Debug, Args)]
#[group(skip)]
pub struct Resolve {
    /// The job's number
    pub job: i64,
    /// The step's path, such as `employee` or `documents[2].upload`
    pub step: String,
    /// It happened, or is done elsewhere: it is not called again
    #[arg(long, group = "verdict", required_unless_present_any = ["not_happened", "give_up"])]
    pub happened: bool,
    /// It did not happen: it is called again; a held write is sent now
    #[arg(long, group = "verdict")]
    pub not_happened: bool,
    /// Give up on it, or do not want a held write: the step fails
    #[arg(long, group = "verdict")]
    pub give_up: bool,
    /// The step's output, as JSON, for the steps after it
    #[arg(long, value_name = "JSON", conflicts_with_all = ["not_happened", "give_up"])]
    pub output: Option<String>,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example_and_no_full_stop() {
        fn walk(command: &clap::Command) {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(
                !about.is_empty() && !about.ends_with('.'),
                "`{}`: {about}",
                command.get_name()
            );
            let mut leaf = true;
            for inner in command.get_subcommands() {
                leaf = false;
                walk(inner);
            }
            let example = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(!leaf || example.starts_with("Example:"), "`{}`", command.get_name());
            for argument in command.get_arguments() {
                let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(!help.is_empty() && !help.ends_with('.'), "{}: {help}", argument.get_id());
            }
        }
        walk(&Arguments::command());
    }

    #[test]
    fn a_verdict_is_needed_and_only_one() {
        let parse = |more: &[&str]| {
            let words = ["recipe-runner", "jobs", "resolve", "7", "employee"];
            Arguments::try_parse_from(words.iter().chain(more)).is_ok()
        };
        assert!(!parse(&[]));
        assert!(parse(&["--happened"]));
        assert!(parse(&["--happened", "--output", "{}"]));
        assert!(parse(&["--give-up"]));
        assert!(!parse(&["--give-up", "--happened"]));
        assert!(!parse(&["--not-happened", "--output", "{}"]));
    }

    #[test]
    fn an_answer_is_fields_or_json_and_not_both() {
        let parse = |more: &[&str]| {
            let words = ["recipe-runner", "jobs", "answer", "7", "approval"];
            Arguments::try_parse_from(words.iter().chain(more)).is_ok()
        };
        assert!(!parse(&[]));
        assert!(!parse(&["approved"]));
        assert!(parse(&["approved=true", "comment=a = b"]));
        assert!(parse(&["--json", "{}"]));
        assert!(!parse(&["approved=true", "--json", "{}"]));
    }

    #[test]
    fn the_project_is_global() {
        let words = ["recipe-runner", "status", "--project", "acme"];
        assert_eq!(Arguments::try_parse_from(words).unwrap().project, PathBuf::from("acme"));
    }
}
