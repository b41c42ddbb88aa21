//! How fast recipe-runner is, and what a job costs: against a hand-written loop, against the clock, as things grow.
//!
//! `cargo bench --bench speed` prints every table; `-- --smoke` takes small sizes and fails when a limit is broken; names
//! of parts (`-- loop growth`) take those alone. The service is the real binary, the vendor the sandbox's GoCo in this
//! process, every request HTTP over loopback, and every commit is synced to the disk. What a hire
//! allocates is counted by `cargo nextest run --features crash-points --test allocations --no-capture`: an allocator that
//! counts would make the hand-written loop slower, which is another process of this binary.
#![expect(clippy::unwrap_used, reason = "a measurement may panic")]
#![expect(clippy::print_stdout, reason = "the tables are what it is for")]
#![expect(clippy::disallowed_methods, reason = "it measures real time")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]
#![expect(clippy::cast_possible_truncation, reason = "figures for people")]
#![expect(clippy::cast_sign_loss, reason = "figures for people")]

mod acknowledgement;
mod bare;
mod cost;
mod event;
mod growth;
mod history;
mod load;
mod overload;
mod pages;
mod process;
mod race;
mod recipes;
mod scenarios;
mod table;
mod vendor;

use std::process::ExitCode;

/// How large everything is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) smoke: bool,
}

impl Size {
    /// Returns the first for the whole measurement, the second for the smoke test.
    pub(crate) fn of<T>(self, whole: T, smoke: T) -> T {
        if self.smoke { smoke } else { whole }
    }
}

type Part = fn(Size) -> bool;

/// The parts, by name; each says whether its limits hold.
const PARTS: [(&str, Part); 10] = [
    ("loop", race::run),
    ("quiet", race::quiet),
    ("acknowledgement", acknowledgement::run),
    ("latency", race::latency),
    ("cost", cost::run),
    ("rounds", growth::rounds),
    ("growth", growth::run),
    ("scenarios", scenarios::run),
    ("overload", overload::run),
    ("pages", pages::run),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [word, folder, vendor] = words.as_slice()
        && word == "bare"
    {
        bare::serve(folder.as_ref(), vendor);
        return ExitCode::SUCCESS;
    }
    let size = Size { smoke: words.iter().any(|word| word == "--smoke") };
    let names: Vec<&String> = words.iter().filter(|word| !word.starts_with("--")).collect();
    if let Some(unknown) = names.iter().find(|name| PARTS.iter().all(|(part, _)| part != **name)) {
        println!("there is no part `{unknown}`; parts: {}", PARTS.map(|(name, _)| name).join(", "));
        return ExitCode::FAILURE;
    }
    let mut good = true;
    for (name, part) in PARTS {
        if names.is_empty() || names.iter().any(|asked| *asked == name) {
            let began = std::time::Instant::now();
            let held = part(size);
            println!("\n({name}: {:.0} s)", began.elapsed().as_secs_f64());
            good &= held;
        }
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
