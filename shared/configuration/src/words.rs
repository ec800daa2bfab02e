//! What values are called, and what they were taken for.

use toml::de::DeValue;

use crate::keys::{Kind, Reads};
use crate::near::did_you_mean;

pub(crate) fn word(name: &str, text: &str, choices: &[(&str, &str)]) -> Result<String, String> {
    let words = || choices.iter().map(|(word, _)| *word);
    match words().find(|word| *word == text) {
        Some(word) => Ok(word.to_owned()),
        None => Err(format!("{name} is {text:?}: it must be {}.{}", either(words()), did_you_mean(text, words()))),
    }
}

pub(crate) fn plain(name: &str, text: &str, most: usize) -> Result<String, (&'static str, String)> {
    if text.chars().any(char::is_control) {
        return Err((
            "not_plain",
            format!("{name} has a line break or another control character in it: take it away."),
        ));
    }
    match text.chars().count() {
        long if long > most => {
            Err(("too_long", format!("{name} has {long} characters, and {most} are the most: shorten it.")))
        }
        _ => Ok(text.trim().to_owned()),
    }
}

/// In the words of TOML.
pub(crate) fn kind_of(value: &DeValue) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(float) if float.as_str().ends_with("inf") || float.as_str().ends_with("nan") => "no number",
        DeValue::Float(float) if !float.as_str().contains('.') => "a number with an exponent",
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
        Kind::WholeOrExpression { least, most, unit } => {
            format!("a whole number of {unit}, from {least} to {most}, or an expression that comes to one")
        }
        Kind::PercentOrExpression => "a number from 0 to below 100, or an expression that comes to one".to_owned(),
        Kind::Condition(_) => "an expression in quotes that is true or false".to_owned(),
        Kind::Reads { value, .. } => {
            let value = match value {
                Reads::Text => "a text",
                Reads::Number => "a number",
                Reads::Date => "a date",
            };
            format!("an expression in quotes that comes to {value}")
        }
        Kind::Rules(_) => "a list of rules".to_owned(),
        Kind::Users => "a list of fields that name a user, in quotes".to_owned(),
        Kind::Currency => "a currency's code, in quotes".to_owned(),
        Kind::QueueId => "the id of a queue, in quotes".to_owned(),
    }
}

/// What is easily taken for the other.
pub(crate) fn hint(kind: Kind, value: &DeValue) -> String {
    match (kind, value) {
        (Kind::Whole { .. } | Kind::Flag, DeValue::String(_)) => " Leave the quotes out.",
        (Kind::Condition(_), DeValue::Boolean(_)) => " Leave it out where it holds for every deal.",
        (Kind::Rules(asks), DeValue::Table(_)) => {
            return format!(" Write it in double brackets: [[{}.rules]].", asks.section);
        }
        (Kind::Texts { .. } | Kind::Choices(_) | Kind::Users, DeValue::String(_)) => " Write it in brackets.",
        (Kind::Reads { value: Reads::Date, .. }, DeValue::Datetime(_)) => " Write 'date(\"2026-01-31\")'.",
        (Kind::Reads { .. }, DeValue::Integer(_) | DeValue::Float(_)) => " Put it in quotes.",
        (_, DeValue::Table(_)) => " It is a key with its value, and nothing stands below it.",
        _ => "",
    }
    .to_owned()
}

pub(crate) fn either(words: impl IntoIterator<Item = impl Into<String>>) -> String {
    joined(words, "or")
}

pub(crate) fn listed(words: impl IntoIterator<Item = impl Into<String>>) -> String {
    joined(words, "and")
}

fn joined(words: impl IntoIterator<Item = impl Into<String>>, last: &str) -> String {
    let words: Vec<String> = words.into_iter().map(Into::into).collect();
    match words.split_last() {
        Some((one, rest)) if !rest.is_empty() => format!("{} {last} {one}", rest.join(", ")),
        Some((one, _)) => one.clone(),
        None => String::new(),
    }
}
