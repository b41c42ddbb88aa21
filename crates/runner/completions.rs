//! `completions`: the completion script of a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::{args::Arguments, exit::Exit, terminal};

/// Prints the script.
pub fn run(shell: Shell) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "recipe-runner", &mut script);
    terminal::data(String::from_utf8_lossy(&script).trim_end());
    Exit::Good
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_gets_a_script_that_knows_the_commands() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Elvish, Shell::PowerShell] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "recipe-runner", &mut script);
            let script = String::from_utf8_lossy(&script);
            assert!(script.contains("resolve") && script.contains("doctor"), "{shell}");
        }
    }
}
