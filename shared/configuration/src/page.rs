//! docs/CONFIGURATION.md: every key, as the table of keys says it.

use std::fmt::Write;

use crate::fields::written;
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
    page.push_str(
        "\n## [fields.…]\n\nHow your organization calls the fields that Closedwon writes, where they are not those of the package: each by the package's name, \
         with the API name of a field of yours of the same type. Everything else in the file, expressions too, goes by the package's names.\n",
    );
    for (section, _, fields) in written() {
        let _ = write!(page, "\n### [fields.{section}]\n\n");
        for field in fields {
            let _ = writeln!(page, "- `{field}`");
        }
    }
    page.push_str("\n```toml\n[fields.opportunity]\nStripe_Invoice_Id__c = \"Rechnung__c\"\n```\n");
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
