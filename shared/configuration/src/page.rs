//! docs/CONFIGURATION.md: every key, as the table of keys says it.

use std::fmt::Write;

use crate::fields::written;
use mapping::{LineField, LineSource};

use crate::keys::{ALL_RULES, Asks, Field, Key, Kind, Of, SECTIONS, Section, VERSION};
use crate::tree::expressed;
use crate::words::wanted;

/// A file that has most of it, which a test reads.
pub(crate) const EXAMPLE: &str = include_str!("../../../docs/closedwon.example.toml");

/// The page, whole.
pub fn page() -> String {
    let mut page = include_str!("page.md")
        .replace("{version}", &VERSION.to_string())
        .replace("{contents}\n", &contents())
        .replace("{decisions}\n", &decisions())
        .replace("{variables}\n", &variables())
        .replace("{example}", EXAMPLE);
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

fn contents() -> String {
    let chapters = ["A complete example", "Rules", "Expressions", "Fields of your own"].map(str::to_owned);
    let sections = SECTIONS.iter().map(|section| format!("[{}]", section.name));
    let link = |title: String| {
        let anchor: String = title.to_lowercase().replace(' ', "-").chars().filter(|c| !"[]".contains(*c)).collect();
        format!("- [{}](#{anchor})\n", title.replace('[', "\\[").replace(']', "\\]"))
    };
    chapters.into_iter().chain(sections).map(link).collect()
}

/// One table for each kind of rules.
fn decisions() -> String {
    let row = |key: &Key| {
        let (name, wanted, says, example) = (key.name, wanted(key.kind), key.says, key.example);
        format!("| `{name}` | {wanted} | {says} | `{name} = {example}` |\n")
    };
    let table = |asks: &Asks| {
        let rows: String = asks.decisions.iter().map(row).collect();
        format!(
            "`[[{}.rules]]`, about {}:\n\n| decision | type | what it means | example |\n|---|---|---|---|\n{rows}",
            asks.section, asks.what
        )
    };
    ALL_RULES.map(table).join("\n")
}

/// The keys that have the same variables, together.
fn variables() -> String {
    let of_sections = SECTIONS.iter().flat_map(|section| {
        section.keys.iter().map(move |key| (format!("{}.{}", section.name, key.name), expressed(key.kind)))
    });
    let of_rules = ALL_RULES.into_iter().flat_map(|asks| {
        let named = move |key: &Key| (format!("{} of {}.rules", key.name, asks.section), expressed(key.kind));
        asks.decisions.iter().map(named)
    });
    let of_keys = of_sections.chain(of_rules).filter_map(|(name, of)| Some((name, of?.0)));
    let asked = ALL_RULES.into_iter().map(|asks| (format!("when of {}.rules", asks.section), asks.of));
    let keys: Vec<_> = of_keys.chain(asked).collect();
    let row = |(of, variables): (Of, &str)| {
        let names: Vec<_> = keys.iter().filter(|(_, one)| *one == of).map(|(name, _)| name.clone()).collect();
        format!("| {} | {variables} |\n", names.join(", "))
    };
    let rows = [
        (Of::Account, "`account`"),
        (Of::Opportunity, "`opportunity`, `account`"),
        (Of::Deal, "`opportunity`, `account`, `lines`"),
        (Of::Line, "`opportunity`, `account`, `line`, `product`"),
        (Of::Payment, "`opportunity`, `account`, `invoice`"),
        (Of::Failure, "`opportunity`, `account`, `invoice`"),
        (Of::News, "`opportunity`, `account`, `about`"),
    ];
    rows.map(row).concat()
}

/// What is read where the file says nothing.
fn package_field(field: Field) -> String {
    match field {
        Field::Opportunity(field) => format!("the opportunity's `{field}`"),
        Field::Account(field) => format!("the account's `{}`", field.trim_start_matches("Account.")),
        Field::Line(LineField::Description) => "the line's own text, or the product's name".to_owned(),
        Field::Line(field) => {
            let of = |lines: LineSource| format!("`{}` of {}", lines.field(field), lines.object());
            [LineSource::OpportunityProducts, LineSource::CpqQuote, LineSource::Orders].map(of).join(", ")
        }
    }
}

fn of_key(page: &mut String, section: &Section, key: &Key) {
    let _ = write!(page, "\n### {}.{}\n\n{}\n\n", section.name, key.name, key.says);
    let _ = writeln!(page, "- type: {}", wanted(key.kind));
    if let Kind::Choice(choices) | Kind::Choices(choices) = key.kind {
        for (word, meaning) in choices {
            let _ = writeln!(page, "  - `{word}`: {meaning}");
        }
    }
    match key.default {
        "" if let Kind::Reads { field, .. } = key.kind => {
            let _ = writeln!(page, "- default: {}", package_field(field));
        }
        "" => page.push_str("- default: none\n"),
        default => {
            let _ = writeln!(page, "- default: `{default}`");
        }
    }
    let _ = writeln!(page, "- example:\n\n  ```toml\n  [{}]\n  {} = {}\n  ```", section.name, key.name, key.example);
}
