//! The file's text → values of the right types, and everything that is not one.

use std::ops::Range;

use domain::{Currency, QueueId};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::keys::{Key, Kind, SECTIONS, Section, VERSION};
use crate::near::{did_you_mean, near};
use crate::problem::Problem;
use crate::values::{Found, Value, Values};

type Item<'a> = Spanned<DeValue<'a>>;

pub(crate) fn tree(text: &str, problems: &mut Vec<Problem>) -> Values {
    let (document, errors) = DeTable::parse_recoverable(text);
    // What the parser makes of the rest of a broken file is not criticised.
    if !errors.is_empty() {
        problems.extend(errors.iter().map(|error| {
            let message = format!("This is no TOML: {}.", error.message().trim_end_matches('.').replace('\n', ": "));
            Problem::new("not_toml", error.span().unwrap_or(0..0), message)
        }));
        return Values::default();
    }
    let mut values = Values::default();
    for (name, item) in document.get_ref() {
        match (name.get_ref().as_ref(), item.get_ref()) {
            ("version", _) => version(item, problems),
            (name_of, DeValue::Table(table)) if let Some(section) = section(name_of) => {
                for (key, item) in table {
                    read(section, key, item, &mut values, problems);
                }
            }
            (name_of, other) if section(name_of).is_some() => {
                let message = format!(
                    "{name_of} is a section: write [{name_of}], and its keys below it. This is {}.",
                    kind_of(other)
                );
                problems.push(Problem::new("wrong_type", item.span(), message));
            }
            (name_of, _) => problems.push(Problem::new("unknown_section", name.span(), unknown_section(name_of))),
        }
    }
    values
}

fn section(name: &str) -> Option<&'static Section> {
    SECTIONS.iter().find(|section| section.name == name)
}

fn version(item: &Item, problems: &mut Vec<Problem>) {
    let is_known = matches!(item.get_ref(), DeValue::Integer(number) if number.to_string() == VERSION.to_string());
    if !is_known {
        let message = format!("This release reads version = {VERSION} of the file, and no other.");
        problems.push(Problem::new("unknown_version", item.span(), message));
    }
}

/// A key that stands outside of its section is not far from being right.
fn unknown_section(name: &str) -> String {
    let of_key = SECTIONS.iter().find(|section| section.keys.iter().any(|key| key.name == name));
    if let Some(section) = of_key {
        return format!("{name} stands in no section: write it below [{}].", section.name);
    }
    let names = || SECTIONS.iter().map(|section| section.name).chain(["version"]);
    match near(name, names()) {
        Some(near) => format!("There is no {name}. Did you mean {near}?"),
        None => format!("There is no {name}: the file has {}.", listed(names())),
    }
}

fn read(
    section: &'static Section,
    name: &Spanned<toml::de::DeString>,
    item: &Item,
    values: &mut Values,
    problems: &mut Vec<Problem>,
) {
    let Some(key) = section.keys.iter().find(|key| key.name == name.get_ref().as_ref()) else {
        problems.push(Problem::new("unknown_key", name.span(), unknown_key(section, name.get_ref())));
        return;
    };
    if let Some(value) = value(section, key, item, problems) {
        values.set(section, key, Found { value, at: item.span() });
    }
}

fn unknown_key(section: &Section, name: &str) -> String {
    let here = section.keys.iter().map(|key| key.name);
    if let Some(near) = near(name, here.clone()) {
        return format!("[{}] has no {name}. Did you mean {near}?", section.name);
    }
    let elsewhere = SECTIONS.iter().find(|other| other.keys.iter().any(|key| key.name == name));
    match elsewhere {
        Some(other) => format!("[{}] has no {name}: it belongs below [{}].", section.name, other.name),
        None => format!("[{}] has no {name}: it has {}.", section.name, listed(here)),
    }
}

fn value(section: &Section, key: &Key, item: &Item, problems: &mut Vec<Problem>) -> Option<Value> {
    let name = format!("{}.{}", section.name, key.name);
    let mut wrong = |code, at: Range<usize>, message: String| {
        problems.push(Problem::new(code, at, message));
        None
    };
    match (key.kind, item.get_ref()) {
        (Kind::Flag, DeValue::Boolean(flag)) => Some(Value::Flag(*flag)),
        (Kind::Whole { least, most, unit }, DeValue::Integer(number)) => {
            match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) if (least..=most).contains(&number) => Some(Value::Whole(number)),
                _ => wrong(
                    "out_of_range",
                    item.span(),
                    format!("{name} is from {least} to {most} {unit}, and not {number}."),
                ),
            }
        }
        (Kind::Choice(choices), DeValue::String(text)) => match word(&name, text, choices) {
            Ok(word) => Some(Value::Text(word)),
            Err(message) => wrong("not_a_choice", item.span(), message),
        },
        (Kind::Text { most }, DeValue::String(text)) => match plain(&name, text, most) {
            Ok(text) if text.is_empty() && key.default != "\"\"" => {
                wrong("empty", item.span(), format!("{name} is empty: give it a value, or leave the line out."))
            }
            Ok(text) => Some(Value::Text(text)),
            Err((code, message)) => wrong(code, item.span(), message),
        },
        (Kind::Currency, DeValue::String(text)) => match Currency::parse(text) {
            Ok(currency) => Some(Value::Text(currency.to_string())),
            Err(_) => wrong(
                "not_a_currency",
                item.span(),
                format!("{name} is {text:?}: it must be a code of ISO 4217 that Stripe bills in, such as EUR."),
            ),
        },
        (Kind::QueueId, DeValue::String(text)) if text.trim().is_empty() => Some(Value::Text(String::new())),
        (Kind::QueueId, DeValue::String(text)) => match QueueId::parse(text.trim()) {
            Ok(id) => Some(Value::Text(id.to_string())),
            Err(why) => wrong("not_an_id", item.span(), format!("{name} is not the id of a queue (00G…): {why}.")),
        },
        (Kind::Choices(_) | Kind::Texts { .. }, DeValue::Array(items)) => {
            let found = problems.len();
            let mut texts = Vec::new();
            for item in items {
                let text = match (key.kind, item.get_ref()) {
                    (Kind::Choices(choices), DeValue::String(text)) => {
                        word(&name, text, choices).map_err(|message| ("not_a_choice", message))
                    }
                    (Kind::Texts { most }, DeValue::String(text)) if !text.trim().is_empty() => {
                        plain(&name, text, most)
                    }
                    (_, DeValue::String(_)) => Err(("empty", format!("{name} has an empty text in it: leave it out."))),
                    (_, other) => {
                        Err(("wrong_type", format!("{name} is a list of texts, and this is {}.", kind_of(other))))
                    }
                };
                match text {
                    Ok(text) if texts.contains(&text) => {
                        problems.push(Problem::new(
                            "twice",
                            item.span(),
                            format!("{name} has {text:?} twice: leave one out."),
                        ));
                    }
                    Ok(text) => texts.push(text),
                    Err((code, message)) => problems.push(Problem::new(code, item.span(), message)),
                }
            }
            if items.is_empty() && matches!(key.kind, Kind::Texts { .. }) {
                let message = format!("{name} is an empty list: name at least one.");
                problems.push(Problem::new("empty", item.span(), message));
            }
            (problems.len() == found).then_some(Value::Texts(texts))
        }
        (kind, other) => {
            let message = format!("{name} is {}, and this is {}.{}", wanted(kind), kind_of(other), hint(kind, other));
            wrong("wrong_type", item.span(), message)
        }
    }
}

fn word(name: &str, text: &str, choices: &[(&str, &str)]) -> Result<String, String> {
    let words = || choices.iter().map(|(word, _)| *word);
    match words().find(|word| *word == text) {
        Some(word) => Ok(word.to_owned()),
        None => Err(format!("{name} is {text:?}: it must be {}.{}", either(words()), did_you_mean(text, words()))),
    }
}

fn plain(name: &str, text: &str, most: usize) -> Result<String, (&'static str, String)> {
    if text.chars().any(char::is_control) {
        return Err(("not_plain", format!("{name} has a line break or another control character in it.")));
    }
    match text.chars().count() {
        long if long > most => Err(("too_long", format!("{name} has {long} characters: {most} at most."))),
        _ => Ok(text.trim().to_owned()),
    }
}

/// In the words of TOML.
fn kind_of(value: &DeValue) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

pub(crate) fn wanted(kind: Kind) -> String {
    match kind {
        Kind::Flag => "true or false".to_owned(),
        Kind::Whole { least, most, unit } => format!("a whole number of {unit}, from {least} to {most}"),
        Kind::Choice(choices) => format!("a text, {}", either(choices.iter().map(|(word, _)| *word))),
        Kind::Choices(choices) => format!("a list of texts, any of {}", listed(choices.iter().map(|(word, _)| *word))),
        Kind::Text { .. } => "a text".to_owned(),
        Kind::Texts { .. } => "a list of texts".to_owned(),
        Kind::Currency => "a currency's code, as a text".to_owned(),
        Kind::QueueId => "the id of a queue, as a text".to_owned(),
    }
}

/// What is easily taken for the other.
fn hint(kind: Kind, value: &DeValue) -> &'static str {
    match (kind, value) {
        (Kind::Whole { .. } | Kind::Flag, DeValue::String(_)) => " Leave the quotes out.",
        (Kind::Texts { .. } | Kind::Choices(_), DeValue::String(_)) => " Write it in brackets.",
        _ => "",
    }
}

fn either<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    joined(words, "or")
}

fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    joined(words, "and")
}

fn joined<'a>(words: impl IntoIterator<Item = &'a str>, last: &str) -> String {
    let words: Vec<_> = words.into_iter().collect();
    match words.split_last() {
        Some((one, rest)) if !rest.is_empty() => format!("{} {last} {one}", rest.join(", ")),
        Some((one, _)) => (*one).to_owned(),
        None => String::new(),
    }
}
