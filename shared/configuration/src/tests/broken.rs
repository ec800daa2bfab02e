//! What people get wrong in the file, with what they are told: `broken/*.txt`, for reading. A case is a name, a file, and after the arrow
//! exactly what is reported of it. New cases are written into those files without their answers.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

const PAGES: [&str; 6] = ["toml", "keys", "values", "rules", "afterwards", "expressions"];

/// What stands between a file and its report.
const ARROW: &str = "-->\n";

pub(super) struct Case {
    page: &'static str,
    name: String,
    pub file: String,
}

fn path(page: &str) -> String {
    format!("{}/src/tests/broken/{page}.txt", env!("CARGO_MANIFEST_DIR"))
}

fn cases_of(page: &'static str) -> Vec<Case> {
    let text = std::fs::read_to_string(path(page)).expect("it is there");
    let cases = text.split("## ").filter(|case| !case.is_empty());
    let case = |case: &str| {
        let (name, rest) = case.split_once('\n').expect("a name and a file");
        let file = rest.split_once(ARROW).map_or(rest, |(file, _)| file);
        Case { page, name: name.to_owned(), file: unpictured(file) }
    };
    cases.map(case).collect()
}

pub(super) fn cases() -> impl Iterator<Item = Case> {
    PAGES.into_iter().flat_map(cases_of)
}

/// Control characters are written as their pictures: `␍` for a carriage return.
fn unpictured(file: &str) -> String {
    let of_picture = |c: char| match u32::from(c) {
        picture @ 0x2400..=0x241F => char::from_u32(picture - 0x2400).unwrap_or(c),
        _ => c,
    };
    file.chars().map(of_picture).collect()
}

fn pictured(text: &str) -> String {
    let picture = |c: char| match u32::from(c) {
        code @ 0..0x20 if c != '\n' => char::from_u32(0x2400 + code).unwrap_or(c),
        _ => c,
    };
    text.chars().map(picture).collect()
}

fn problems(case: &Case) -> Vec<Problem> {
    Configuration::read(&case.file).err().unwrap_or_default()
}

fn page_of(page: &'static str) -> String {
    let told = |case: Case| {
        let report = report(FILE_NAME, &case.file, &problems(&case));
        format!("## {}\n{}{ARROW}{}\n", case.name, pictured(&case.file), pictured(&report))
    };
    cases_of(page).into_iter().map(told).collect()
}

/// With `WRITE_DOCS=1` it writes the answers.
#[test]
fn what_is_wrong_is_told_where_it_stands() {
    for page in PAGES {
        let path = path(page);
        let told = page_of(page);
        #[allow(clippy::disallowed_methods, reason = "a test writes the page")]
        if std::env::var_os("WRITE_DOCS").is_some() {
            std::fs::write(&path, &told).expect("writable");
        }
        let there = std::fs::read_to_string(&path).expect("it is there");
        assert!(there == told, "{path} is out of date: WRITE_DOCS=1 cargo test -p configuration broken");
    }
}

/// Who reads one has to know which mistake it is.
#[test]
fn each_mistake_has_words_of_its_own() {
    let mut names = BTreeSet::new();
    let mut told: BTreeMap<Vec<String>, String> = BTreeMap::new();
    for case in cases() {
        let messages = problems(&case).into_iter().map(|problem| problem.message).collect();
        if let Some(other) = told.insert(messages, case.name.clone()) {
            panic!("{}: {other:?} and {:?} are told the same", case.page, case.name);
        }
        assert!(names.insert(case.name.clone()), "{:?} stands there twice", case.name);
    }
    assert!(names.len() >= 100, "{}", names.len());
}

#[test]
fn problems_are_sentences_at_places() {
    for case in cases() {
        let problems = problems(&case);
        assert!(!problems.is_empty() && problems.is_sorted_by_key(|problem| problem.at.start), "{}", case.name);
        for problem in problems {
            assert!(problem.message.ends_with(['.', '?']), "{}: {}", case.name, problem.message);
            assert!(problem.code.bytes().all(|c| c.is_ascii_lowercase() || c == b'_'), "{}", problem.code);
            assert!(case.file.get(problem.at.clone()).is_some(), "{}: {:?}", case.name, problem.at);
            assert!(problem.line <= case.file.lines().count() + 1, "{}: {problem}", case.name);
        }
    }
}
