//! docs/CONFIGURATION.md: every key, as the table of keys says it.

use std::fmt::Write;

use crate::keys::{Key, Kind, SECTIONS, Section, VERSION};
use crate::words::wanted;

/// The page, whole.
pub fn page() -> String {
    let mut page = include_str!("page.md").replace("{version}", &VERSION.to_string());
    for section in SECTIONS {
        let _ = write!(page, "\n## [{}]\n\n{}\n", section.name, section.says);
        for key in section.keys {
            of_key(&mut page, section, key);
        }
    }
    page
}

fn of_key(page: &mut String, section: &Section, key: &Key) {
    let _ = write!(page, "\n### {}.{}\n\n{}\n\n", section.name, key.name, key.says);
    let _ = writeln!(page, "- type: {}", wanted(key.kind));
    if let Kind::Choice(choices) | Kind::Choices(choices) = key.kind {
        for (word, meaning) in choices {
            let _ = writeln!(page, "  - `{word}`: {meaning}");
        }
    }
    let _ = writeln!(page, "- default: `{}`", key.default);
    let _ = writeln!(page, "- example:\n\n  ```toml\n  [{}]\n  {} = {}\n  ```", section.name, key.name, key.example);
}
