//! The file's text → values of the right types, and everything that is not one.

use std::ops::Range;

use domain::{Currency, QueueId};
use mapping::LineSource;
use rules::{Schema, Type};
use rust_decimal::Decimal;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::expressions::{Expressions, NEWS};
use crate::fields::FIELDS;
use crate::keys::{Key, Kind, Of, Reads, SECTIONS, Section, VERSION};
use crate::near::near;
use crate::problem::Problem;
use crate::spelling;
use crate::values::{Found, Value, Values};
use crate::words::{either, hint, kind_of, listed, plain, wanted, word};

type Item<'a> = Spanned<DeValue<'a>>;
type Table<'a> = DeTable<'a>;

pub(crate) fn tree(
    text: &str,
    organization: Option<&Schema>,
    is_judged: bool,
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<Problem>,
) -> Values {
    let (document, errors) = DeTable::parse_recoverable(text);
    // What the parser makes of the rest of a broken file is not criticised.
    if !errors.is_empty() {
        problems.extend(spelling::problems(text, errors.iter().map(|error| (error.message(), error.span()))));
        return Values::default();
    }
    let news = if is_judged { told_of(document.get_ref()) } else { NEWS.to_vec() };
    let expressions = Expressions::new(text, organization, lines_from(document.get_ref()), news);
    let mut reader = Reader { expressions, asks_of_lines: Vec::new(), values: Values::default(), problems, warnings };
    // Expressions go by them, wherever they stand.
    if let Some(DeValue::Table(table)) = document.get_ref().get(FIELDS).map(Spanned::get_ref) {
        reader.values.names = reader.fields(table);
    }
    for (name, item) in document.get_ref() {
        match (name.get_ref().as_ref(), item.get_ref()) {
            ("version", _) => reader.version(item),
            (FIELDS, DeValue::Table(_)) => {}
            (name_of, DeValue::Table(table)) if let Some(section) = section(name_of) => {
                for (key, item) in table {
                    reader.read(section, key, item);
                }
            }
            (name_of, other) if section(name_of).is_some() || name_of == FIELDS => {
                let kind = kind_of(other);
                let message =
                    format!("{name_of} is a section: write [{name_of}], and its keys below it. This is {kind}.");
                reader.wrong("wrong_type", item.span(), message);
            }
            (name_of, _) => reader.wrong("unknown_section", name.span(), unknown_section(name_of)),
        }
    }
    reader.values
}

/// What people are told of, before anything is asked of it. Where that is none of it, it is told of elsewhere.
fn told_of(document: &Table) -> Vec<&'static str> {
    let Some(DeValue::Array(items)) = peek(document, "notifications", "about") else { return NEWS.to_vec() };
    let is = |item: &Item, word: &str| matches!(item.get_ref(), DeValue::String(text) if text.trim().eq_ignore_ascii_case(word));
    let told: Vec<_> = NEWS.into_iter().filter(|word| items.iter().any(|item| is(item, word))).collect();
    if told.is_empty() { NEWS.to_vec() } else { told }
}

/// What a line is, before anything is said of its fields. Where that is none, it is told of elsewhere.
fn lines_from(document: &Table) -> LineSource {
    match peek(document, "won", "lines_from") {
        Some(DeValue::String(text)) => LineSource::parse(text).unwrap_or_default(),
        _ => LineSource::default(),
    }
}

fn peek<'t, 'a>(document: &'t Table<'a>, section: &str, key: &str) -> Option<&'t DeValue<'a>> {
    match document.get(section)?.get_ref() {
        DeValue::Table(section) => section.get(key).map(Spanned::get_ref),
        _ => None,
    }
}

fn section(name: &str) -> Option<&'static Section> {
    SECTIONS.iter().find(|section| section.name == name)
}

/// The sections that have such a key.
fn sections_of(name: &str) -> Vec<&'static str> {
    let has = |section: &&Section| section.keys.iter().any(|key| key.name == name);
    SECTIONS.iter().filter(has).map(|section| section.name).collect()
}

/// A key that stands outside of its section is not far from being right.
fn unknown_section(name: &str) -> String {
    match sections_of(name).as_slice() {
        [] => {}
        sections if name == "rules" => {
            let sections = either(sections.iter().map(|section| format!("[[{section}.{name}]]")));
            return format!("{name} stands in no section: write {sections}.");
        }
        sections => {
            let sections = either(sections.iter().map(|section| format!("[{section}]")));
            return format!("{name} stands in no section: write it below {sections}.");
        }
    }
    if let Some((section_of, _)) = name.split_once('.').filter(|(section_of, _)| section(section_of).is_some()) {
        return format!("In quotes {name} is one name: write it without them, or below [{section_of}].");
    }
    let names = || SECTIONS.iter().map(|section| section.name).chain([FIELDS, "version"]);
    match near(name, names()) {
        Some(near) => format!("There is no {name}. Did you mean {near}?"),
        None => format!("There is no {}: the file has {}.", shown(name), listed(names())),
    }
}

/// A name without letters is seen by its quotes.
fn shown(name: &str) -> String {
    if name.trim().is_empty() || name.contains(char::is_control) { format!("{name:?}") } else { name.to_owned() }
}

fn unknown_key(section: &Section, name: &str) -> String {
    let here = section.keys.iter().map(|key| key.name);
    if let Some(near) = near(name, here.clone()) {
        return format!("[{}] has no {name}. Did you mean {near}?", section.name);
    }
    match sections_of(name).as_slice() {
        [] if name == "version" => {
            format!("[{}] has no version: it stands at the top, before every section.", section.name)
        }
        [] => format!("[{}] has no {}: it has {}.", section.name, shown(name), listed(here)),
        others => {
            let others = either(others.iter().map(|other| format!("[{other}]")));
            format!("[{}] has no {name}: it belongs below {others}.", section.name)
        }
    }
}

/// Notes what is wrong, and goes on.
pub(crate) struct Reader<'a, 'p> {
    pub expressions: Expressions<'a>,
    /// Where the expressions of rules stand that ask of lines.
    pub asks_of_lines: Vec<Range<usize>>,
    pub values: Values,
    pub problems: &'p mut Vec<Problem>,
    pub warnings: &'p mut Vec<Problem>,
}

impl Reader<'_, '_> {
    pub fn wrong(&mut self, code: &'static str, at: Range<usize>, message: impl Into<String>) {
        self.problems.push(Problem::new(code, at, message));
    }

    fn version(&mut self, item: &Item) {
        match item.get_ref() {
            DeValue::Integer(number) if number.to_string() == VERSION.to_string() => {}
            DeValue::Integer(number) => {
                let message =
                    format!("This release reads files of version {VERSION}, and this one is of version {number}.");
                self.wrong("unknown_version", item.span(), message);
            }
            other => {
                let message =
                    format!("version is a whole number, and this is {}: write version = {VERSION}.", kind_of(other));
                self.wrong("wrong_type", item.span(), message);
            }
        }
    }

    fn read(&mut self, section: &'static Section, name: &Spanned<DeString>, item: &Item) {
        let Some(key) = section.keys.iter().find(|key| key.name == name.get_ref().as_ref()) else {
            return self.wrong("unknown_key", name.span(), unknown_key(section, name.get_ref()));
        };
        let full = format!("{}.{}", section.name, key.name);
        if let Some(value) = self.value(&full, key, item) {
            self.values.set(section, key, Found { value, at: item.span() });
        }
    }

    pub fn value(&mut self, name: &str, key: &Key, item: &Item) -> Option<Value> {
        match (key.kind, item.get_ref()) {
            (Kind::Rules(asks), DeValue::Array(rules)) => Some(Value::Rules(self.rules(rules, asks, 0))),
            (Kind::Users, DeValue::Array(items)) => self.users(name, items),
            (Kind::Choices(_) | Kind::Texts { .. }, DeValue::Array(items)) => self.texts(name, key.kind, items, item),
            (kind, DeValue::String(text)) if let Some((of, wanted)) = expressed(kind) => {
                if let Some(number) = with_unit(kind, text) {
                    let message = format!("{name} is {text:?}: write {number}, without quotes and without a unit.");
                    self.wrong("not_plain", item.span(), message);
                    return None;
                }
                let expression = self.expression(name, text, of, &wanted, item)?;
                self.in_range(name, kind, &expression, item).then_some(Value::Expression(expression))
            }
            (Kind::PercentOrExpression, DeValue::Integer(_) | DeValue::Float(_)) => {
                let number = self.expressions.written(&item.span()).replace('_', "");
                let is_right = |percent: &Decimal| (Decimal::ZERO..Decimal::ONE_HUNDRED).contains(percent);
                let Some(percent) = number.parse::<Decimal>().ok().filter(is_right) else {
                    let message = format!("{name} is from 0 to below 100, and not {number}.");
                    self.wrong("out_of_range", item.span(), message);
                    return None;
                };
                // In short: nobody means thousands here.
                let number = percent.normalize().to_string();
                self.expression(name, &number, Of::Opportunity, &Type::Number, item).map(Value::Expression)
            }
            (kind, value) => match plain_value(name, kind, key.default, value) {
                Ok(value) => Some(value),
                Err((code, message)) => {
                    self.wrong(code, item.span(), message);
                    None
                }
            },
        }
    }

    fn texts(&mut self, name: &str, kind: Kind, items: &[Item], whole: &Item) -> Option<Value> {
        let found = self.problems.len();
        let mut texts = Vec::new();
        for item in items {
            let text = match (kind, item.get_ref()) {
                (Kind::Choices(choices), DeValue::String(text)) => {
                    word(name, text, choices).map_err(|message| ("not_a_choice", message))
                }
                (Kind::Texts { most }, DeValue::String(text)) if !text.trim().is_empty() => plain(name, text, most),
                (_, DeValue::String(_)) => Err(("empty", format!("{name} has an empty text in it: leave it out."))),
                (_, other) => {
                    let message = format!("{name} is a list of texts, and one of them is {}.", kind_of(other));
                    Err(("wrong_type", message))
                }
            };
            match text {
                Ok(text) if texts.contains(&text) => {
                    self.wrong("twice", item.span(), format!("{name} has {text:?} twice: leave one out."));
                }
                Ok(text) => texts.push(text),
                Err((code, message)) => self.wrong(code, item.span(), message),
            }
        }
        if items.is_empty() && matches!(kind, Kind::Texts { .. }) {
            self.wrong("empty", whole.span(), format!("{name} is an empty list: name at least one."));
        }
        (self.problems.len() == found).then_some(Value::Texts(texts))
    }
}

/// The number in `30 days` and in `10%`, where a number is meant.
fn with_unit(kind: Kind, text: &str) -> Option<&str> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|end| *end > 0)?;
    let unit = text[end..].trim();
    let is_number = matches!(kind, Kind::WholeOrExpression { .. } | Kind::PercentOrExpression);
    (is_number && (unit == "%" || unit.chars().all(char::is_alphabetic))).then_some(&text[..end])
}

/// The variables and the type of a text that is an expression.
pub(crate) fn expressed(kind: Kind) -> Option<(Of, Type)> {
    match kind {
        Kind::WholeOrExpression { .. } => Some((Of::Deal, Type::Number)),
        Kind::PercentOrExpression => Some((Of::Opportunity, Type::Number)),
        Kind::Condition(of) => Some((of, Type::Boolean)),
        Kind::Reads { of, value, .. } => Some((
            of,
            match value {
                Reads::Text => Type::Text,
                Reads::Number => Type::Number,
                Reads::Date => Type::Date,
            },
        )),
        _ => None,
    }
}

/// What is no list and no expression.
fn plain_value(name: &str, kind: Kind, default: &str, value: &DeValue) -> Result<Value, (&'static str, String)> {
    match (kind, value) {
        (Kind::Flag, DeValue::Boolean(flag)) => Ok(Value::Flag(*flag)),
        (
            Kind::Whole { least, most, unit } | Kind::WholeOrExpression { least, most, unit },
            DeValue::Integer(number),
        ) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) if (least..=most).contains(&number) => Ok(Value::Whole(number)),
            _ => Err(("out_of_range", format!("{name} is from {least} to {most} {unit}, and not {number}."))),
        },
        (Kind::Choice(choices), DeValue::String(text)) => {
            word(name, text, choices).map(Value::Text).map_err(|message| ("not_a_choice", message))
        }
        (Kind::Text { most }, DeValue::String(text)) => match plain(name, text, most) {
            Ok(text) if text.is_empty() && default != "\"\"" => {
                Err(("empty", format!("{name} is empty: give it a value, or leave the line out.")))
            }
            text => text.map(Value::Text),
        },
        (Kind::Currency, DeValue::String(text)) => match Currency::parse(text) {
            Ok(currency) => Ok(Value::Text(currency.to_string())),
            Err(_) => Err((
                "not_a_currency",
                format!("{name} is {text:?}: it must be a code of ISO 4217 that Stripe bills in, such as EUR."),
            )),
        },
        (Kind::QueueId, DeValue::String(text)) if text.trim().is_empty() && default == "\"\"" => {
            Ok(Value::Text(String::new()))
        }
        (Kind::QueueId, DeValue::String(text)) => match QueueId::parse(text.trim()) {
            Ok(id) => Ok(Value::Text(id.to_string())),
            Err(why) => Err(("not_an_id", format!("{name} is {text:?}, and not the id of a queue (00G…): {why}."))),
        },
        (kind, other) => Err((
            "wrong_type",
            format!("{name} is {}, and this is {}.{}", wanted(kind), kind_of(other), hint(kind, other)),
        )),
    }
}
