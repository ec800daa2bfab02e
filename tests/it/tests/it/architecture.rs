//! What ARCHITECTURE.md promises and a compiler does not check.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The dependencies that a manifest names, without those of its tests.
fn dependencies(crate_dir: &str) -> BTreeSet<String> {
    let manifest = fs::read_to_string(root().join(crate_dir).join("Cargo.toml")).unwrap();
    let section = manifest.split("[dependencies]").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap();
    let names = section.lines().filter_map(|line| line.split_once(['.', ' ', '=']));
    names.map(|(name, _)| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !matches!(name.as_str(), "target" | "node_modules") && !name.starts_with('.') {
            sources(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

fn all_sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for dir in ["bench", "cli", "functions", "shared", "tests", "xtask"] {
        sources(&root().join(dir), &mut found);
    }
    found.into_iter().map(|path| (path.display().to_string(), fs::read_to_string(&path).unwrap())).collect()
}

#[test]
fn the_pure_crates_depend_on_nothing_that_does_anything() {
    let allowed: [(&str, &[&str]); 5] = [
        ("shared/domain", &["celes", "iso_currency", "jiff", "rust_decimal", "serde", "thiserror"]),
        ("shared/mapping", &["domain", "jiff", "rules", "rust_decimal", "serde", "sha2"]),
        ("shared/rules", &["cel", "domain", "jiff", "rust_decimal", "strsim"]),
        ("shared/workflow", &["domain", "jiff", "mapping", "planted", "rust_decimal", "serde", "thiserror"]),
        ("shared/configuration", &["domain", "jiff", "mapping", "rules", "rust_decimal", "sha2", "strsim", "toml"]),
    ];
    for (crate_dir, allowed) in allowed {
        let allowed: BTreeSet<_> = allowed.iter().map(|name| (*name).to_owned()).collect();
        let unexpected: Vec<_> = dependencies(crate_dir).difference(&allowed).cloned().collect();
        assert!(unexpected.is_empty(), "{crate_dir} depends on {unexpected:?}");
        assert!(root().join(crate_dir).join("clippy.toml").exists(), "{crate_dir} forbids no clock");
    }
}

/// The switch for planted bugs is turned on by the simulation and by nobody else.
#[test]
fn no_function_can_carry_a_planted_bug() {
    for dir in ["bench", "cli", "functions", "shared", "tests", "xtask"] {
        let mut manifests = vec![root().join(dir).join("Cargo.toml")];
        manifests.extend(fs::read_dir(root().join(dir)).unwrap().map(|entry| entry.unwrap().path().join("Cargo.toml")));
        for path in manifests.into_iter().filter(|path| {
            path.exists() && !path.ends_with("tests/sim/Cargo.toml") && !path.ends_with("tests/planted/Cargo.toml")
        }) {
            let manifest = fs::read_to_string(&path).unwrap();
            let turns_it_on = manifest.lines().any(|line| {
                let is_pass_through = line.starts_with("planted = [");
                line.contains("default = ")
                    || line.contains("\"planted\"")
                    || line.contains("/planted") && !is_pass_through
            });
            assert!(!turns_it_on, "{} turns planted bugs on", path.display());
        }
    }
}

#[test]
fn the_arrows_point_one_way() {
    let ours = [
        "domain",
        "mapping",
        "rules",
        "workflow",
        "stripe",
        "salesforce",
        "ledger",
        "queue",
        "platform",
        "intake",
        "outbound",
        "notify",
        "engine",
        "configuration",
        "deployment",
    ];
    let may: [(&str, &[&str]); 14] = [
        ("shared/rules", &["domain"]),
        ("shared/stripe", &["domain", "outbound"]),
        ("shared/salesforce", &["domain", "outbound"]),
        ("shared/queue", &["domain"]),
        ("shared/ledger", &["domain", "mapping", "workflow"]),
        ("shared/platform", &[]),
        ("shared/intake", &["platform", "queue"]),
        ("shared/notify", &["mapping", "outbound"]),
        ("shared/engine", &["domain", "mapping", "workflow", "stripe", "salesforce", "ledger", "notify", "queue"]),
        ("functions/stripe-webhook", &["domain", "intake", "platform", "queue", "stripe"]),
        ("functions/salesforce-events", &["domain", "intake", "mapping", "platform", "queue", "salesforce"]),
        (
            "shared/deployment",
            &[
                "configuration",
                "domain",
                "engine",
                "ledger",
                "mapping",
                "notify",
                "platform",
                "queue",
                "salesforce",
                "stripe",
            ],
        ),
        ("functions/retry-worker", &["deployment", "engine", "platform", "queue"]),
        ("functions/reconciler", &["deployment", "engine", "ledger", "platform"]),
    ];
    for (crate_dir, may) in may {
        for name in dependencies(crate_dir).iter().filter(|name| ours.contains(&name.as_str())) {
            assert!(may.contains(&name.as_str()), "{crate_dir} must not depend on {name}");
        }
    }
}

#[test]
fn there_is_no_float_and_no_unfinished_work() {
    // In pieces, so that this file does not find itself.
    let words = ["f6", "f3"].map(|half| half.to_owned() + if half == "f6" { "4" } else { "2" });
    let unfinished = ["TO", "FIX"].map(|half| half.to_owned() + if half == "TO" { "DO" } else { "ME" });
    for (path, source) in all_sources() {
        for (number, line) in source.lines().enumerate() {
            let is_word =
                |word: &str| line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|found| found == word);
            let bad = words.iter().chain(&unfinished).find(|word| is_word(word));
            assert!(bad.is_none(), "{path}:{}: {}", number + 1, line.trim());
        }
    }
}

#[test]
fn no_file_is_too_long_to_read() {
    for (path, source) in all_sources() {
        let lines = source.lines().count();
        assert!(lines <= 400, "{path} has {lines} lines: look for its second subject");
    }
}

#[test]
fn every_difference_is_explained_where_people_look() {
    let page = fs::read_to_string(root().join("docs/DIFFERENCES.md")).unwrap();
    for cause in engine::Cause::CODES {
        assert!(page.contains(&format!("`{cause}")), "docs/DIFFERENCES.md does not explain {cause}");
    }
}
