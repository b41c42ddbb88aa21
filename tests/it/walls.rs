//! The walls of `ARCHITECTURE.md`: who may depend on whom, read from `cargo metadata`.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

/// Each crate with the crates of ours that it may name, and the outside crates that it must not name.
const WALLS: &[(&str, &[&str], &[&str])] = &[
    ("recipe", &[], &["tokio", "reqwest", "rusqlite", "axum", "clap"]),
    ("connector", &["recipe"], &["rusqlite", "axum", "clap"]),
    ("connector-greenhouse", &["connector"], &["reqwest", "rusqlite", "axum", "clap", "tokio"]),
    ("connector-goco", &["connector"], &["reqwest", "rusqlite", "axum", "clap", "tokio"]),
    ("connector-standard", &["connector"], &["reqwest", "rusqlite", "axum", "clap"]),
    ("engine", &["recipe", "connector"], &["reqwest", "axum", "clap"]),
    ("sandbox", &["connector"], &["reqwest", "rusqlite", "clap"]),
    (
        "recipe-runner",
        &[
            "recipe",
            "connector",
            "engine",
            "sandbox",
            "connector-greenhouse",
            "connector-goco",
            "connector-standard",
        ],
        &["reqwest", "rusqlite"],
    ),
];

/// Crates that nothing of ours may reach, not even through others.
const NEVER_REACHED: &[(&str, &[&str])] = &[
    ("recipe", &["tokio", "reqwest", "rusqlite", "axum"]),
    ("connector", &["rusqlite"]),
    ("connector-greenhouse", &["rusqlite"]),
    ("connector-goco", &["rusqlite"]),
    ("connector-standard", &["rusqlite"]),
];

#[test]
fn every_crate_names_only_what_its_wall_allows() {
    let metadata = metadata();
    let ours: BTreeSet<&str> = WALLS.iter().map(|wall| wall.0).collect();
    let mut breaches = Vec::new();
    for (name, allowed, forbidden) in WALLS {
        for dependency in direct(&metadata, name) {
            let of_ours = ours.contains(dependency.as_str());
            if of_ours && !allowed.contains(&dependency.as_str())
                || forbidden.contains(&dependency.as_str())
            {
                breaches.push(format!("{name} must not name {dependency}"));
            }
        }
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn every_package_of_the_workspace_has_a_wall() {
    let metadata = metadata();
    let walled: BTreeSet<&str> = WALLS.iter().map(|wall| wall.0).collect();
    let members: BTreeSet<&str> = metadata["workspace_members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| name_of(&metadata, id))
        .collect();
    assert_eq!(walled, members);
}

#[test]
fn heavy_crates_are_not_reached_through_others() {
    let metadata = metadata();
    let edges = normal_edges(&metadata);
    for (name, forbidden) in NEVER_REACHED {
        let mut reached = BTreeSet::new();
        let mut open = vec![(*name).to_string()];
        while let Some(next) = open.pop() {
            if reached.insert(next.clone()) {
                open.extend(edges.get(&next).into_iter().flatten().cloned());
            }
        }
        assert!(reached.len() > 1, "{name} reaches nothing at all: the graph was not read");
        for one in *forbidden {
            assert!(!reached.contains(*one), "{name} reaches {one}");
        }
    }
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn name_of<'a>(metadata: &'a Value, id: &Value) -> &'a str {
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().find(|package| &package["id"] == id).unwrap()["name"].as_str().unwrap()
}

/// Returns the normal (not dev, not build) dependencies that a package names.
fn direct(metadata: &Value, name: &str) -> Vec<String> {
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages
        .iter()
        .find(|package| package["name"] == name && package["source"].is_null())
        .unwrap();
    let dependencies = package["dependencies"].as_array().unwrap().iter();
    dependencies
        .filter(|dependency| dependency["kind"].is_null())
        .map(|dependency| dependency["name"].as_str().unwrap().to_string())
        .collect()
}

fn normal_edges(metadata: &Value) -> BTreeMap<String, Vec<String>> {
    let mut edges = BTreeMap::new();
    for node in metadata["resolve"]["nodes"].as_array().unwrap() {
        let from = name_of(metadata, &node["id"]).to_string();
        let normal = |dependency: &&Value| {
            dependency["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"].is_null())
        };
        let to = node["deps"].as_array().unwrap().iter().filter(normal);
        let names: Vec<String> = to.map(|one| name_of(metadata, &one["pkg"]).to_string()).collect();
        edges.entry(from).or_insert_with(Vec::new).extend(names);
    }
    edges
}
