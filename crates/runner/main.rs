//! The binary: reads the command line, does one command, and says by its exit code how it went.

#![expect(
    unreachable_pub,
    reason = "a binary exports nothing: `pub` here means that another module uses it"
)]

mod archive;
mod args;
mod audit;
mod backup;
mod catch_up;
mod check;
mod code;
mod completions;
mod connectors;
mod control;
mod demo;
mod deployment;
mod desk;
mod disk;
mod doctor;
mod exit;
mod forget;
mod hooks;
mod http;
mod init;
mod jobs;
mod live;
mod logs;
mod mask;
mod masked;
mod notify;
mod plan;
mod planned;
mod project;
mod random;
mod record;
mod references;
mod reload;
mod request;
mod restore;
mod run;
mod samples;
mod schema;
mod serve;
mod service;
mod show;
mod start;
mod status;
mod stop;
mod story;
mod terminal;
mod test;
mod tokens;
mod watch;

use std::{future::Future, process::ExitCode};

use clap::Parser;

use crate::{
    args::{Arguments, Command},
    exit::{Exit, Trouble},
};

#[global_allocator]
static MEMORY: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    terminal::set_color(arguments.color);
    match command(arguments) {
        Ok(exit) => exit.into(),
        Err(trouble) => {
            terminal::trouble(&trouble);
            trouble.exit.into()
        }
    }
}

fn command(Arguments { project, command, .. }: Arguments) -> Result<Exit, Trouble> {
    match command {
        Command::Init { dir } => init::run(&dir),
        Command::Demo { once } => wait(demo::run(once)),
        Command::Check(asked) => check::run(&project, &asked),
        Command::Completions { shell } => Ok(completions::run(shell)),
        Command::Schema(asked) => schema::run(&project, &asked),
        Command::Test(asked) => test::run(&project, &asked),
        Command::CatchUp(asked) => wait(catch_up::run(&project, asked)),
        Command::Plan(asked) => wait(plan::run(&project, asked)),
        Command::Run(asked) => wait(run::run(&project, asked)),
        Command::Start(asked) => wait(start::run(&project, asked)),
        Command::Stop { recipes } => wait(stop::run(&project, recipes)),
        Command::Forget(asked) => wait(forget::run(&project, &asked)),
        Command::Status { fail_on, output } => wait(status::run(&project, fail_on, output.format)),
        Command::Backup(asked) => wait(backup::run(&project, &asked.file)),
        Command::Restore(asked) => wait(restore::run(&project, &asked)),
        Command::Tokens(asked) => wait(tokens::run(&project, asked)),
        Command::Jobs(asked) => wait(jobs::run(&project, asked)),
        Command::Doctor { name, output } => wait(doctor::run(&project, name, output.format)),
    }
}

/// Runs a command that talks to a service or a vendor.
fn wait<T>(work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
    // Fails only when a provider is installed already, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Trouble::cannot(format!("cannot start the runtime: {error}")))?
        .block_on(work)
}
