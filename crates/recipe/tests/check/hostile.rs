//! Texts made to hurt: each is refused with a place, quickly, and without a stack overflow.

#![expect(clippy::disallowed_methods, reason = "how long a refusal takes is what is tested")]

use std::time::{Duration, Instant};

use recipe::{ProjectFiles, Source, check, render};

use crate::support;

#[test]
fn bombs_are_refused_within_a_second() {
    let laughs: Vec<String> = (1..9)
        .map(|level| {
            format!("a{level}: &a{level} [{}]", vec![format!("*a{}", level - 1); 9].join(", "))
        })
        .collect();
    let nested: Vec<String> = (0..1000)
        .map(|depth| format!("{0}- if: true\n{0}  then:", " ".repeat(2 + depth * 2)))
        .collect();
    let keys: Vec<String> = (0..90_000).map(|number| format!("k{number}: 1")).collect();
    let bombs = [
        ("aliases", format!("a0: &a0 [lol]\n{}\n", laughs.join("\n"))),
        ("brackets", "[".repeat(200_000)),
        ("braces", "{a: ".repeat(50_000)),
        ("dashes", "- ".repeat(200_000)),
        ("steps in steps", format!("trigger: greenhouse.hired\nsteps:\n{}\n", nested.join("\n"))),
        ("ten megabytes", "x".repeat(10 << 20)),
        ("a megabyte of keys", keys.join("\n")),
        (
            "one long expression",
            format!("trigger: greenhouse.hired\nsteps:\n  - if: {}\n", "not ".repeat(100_000)),
        ),
        (
            "one long sum",
            format!("trigger: greenhouse.hired\nsteps:\n  - if: {}1\n", "1+".repeat(200_000)),
        ),
        ("one long template", format!("label: \"{}\"\n", "{{ 1 }}".repeat(50_000))),
    ];
    for (what, text) in bombs {
        let files = ProjectFiles {
            recipes: vec![Source::new("recipes/bomb.yaml", text)],
            ..ProjectFiles::default()
        };
        let begun = Instant::now();
        let (project, diagnostics) = check(&files, &support::catalogue());
        let drawn = render(&diagnostics, false);
        let taken = begun.elapsed();
        assert!(project.recipes.is_empty(), "{what}");
        assert!(!diagnostics.is_empty(), "{what}");
        assert!(drawn.len() < 100_000, "{what}: {} bytes of diagnostics", drawn.len());
        assert!(taken < Duration::from_secs(1), "{what} took {taken:?}");
    }
}

/// As many steps and variables as fit: checking must not take time by the square of them.
#[test]
fn a_very_long_recipe_is_checked_in_seconds() {
    let sets: Vec<String> =
        (0..3_500).map(|number| format!("  - set: {{ v{number}: {number} }}")).collect();
    let text = format!("trigger: webhook.received\nsteps:\n{}\n", sets.join("\n"));
    let files = ProjectFiles {
        recipes: vec![Source::new("recipes/long.yaml", text)],
        ..ProjectFiles::default()
    };
    let begun = Instant::now();
    let (project, diagnostics) = check(&files, &support::catalogue());
    let taken = begun.elapsed();
    assert!(diagnostics.is_empty(), "{}", render(&diagnostics, false));
    assert_eq!(project.recipes["long"].steps.len(), 3_500);
    assert!(taken < Duration::from_secs(4), "it took {taken:?}");
}

/// Mutilated recipes never panic, and are never accepted by way of a parser's slip.
#[test]
fn every_prefix_of_a_recipe_is_read_without_a_panic() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases/accepted/hire/recipe.yaml");
    let text = std::fs::read_to_string(path).expect("the case is part of the repository");
    let catalogue = support::catalogue();
    // Every seventh byte: prime to the indentation, so that all kinds of places are cut.
    for end in (0..text.len()).step_by(7).filter(|end| text.is_char_boundary(*end)) {
        for middle in ["", "\"", "{{", ": ", "\n\t", "]"] {
            let files = ProjectFiles {
                recipes: vec![Source::new(
                    "recipes/part.yaml",
                    format!("{}{middle}", &text[..end]),
                )],
                ..ProjectFiles::default()
            };
            let (project, diagnostics) = check(&files, &catalogue);
            let drawn = render(&diagnostics, true);
            assert_eq!(project.recipes.is_empty(), !drawn.is_empty(), "{end} {middle}");
        }
    }
}
