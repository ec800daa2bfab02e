//! What is no TOML, in words for whoever wrote it.

use std::ops::Range;

use crate::problem::Problem;

/// The first mistake of each line: what follows from it there is seldom another one.
pub(crate) fn problems<'a>(text: &str, told: impl Iterator<Item = (&'a str, Option<Range<usize>>)>) -> Vec<Problem> {
    let mut problems: Vec<(Range<usize>, Problem)> = Vec::new();
    let mut told: Vec<_> = told.map(|(words, at)| (words, at.unwrap_or(0..0))).collect();
    told.sort_by_key(|(_, at)| at.start);
    for (words, at) in told {
        let line = line(text, at.start);
        if problems.iter().any(|(other, _)| *other == line) {
            continue;
        }
        let found = text.get(at.clone()).filter(|found| !found.is_empty());
        let found = found.or_else(|| text[line.start..].get(at.start - line.start..)?.get(..1)).unwrap_or_default();
        let before = text.get(line.start..at.start).unwrap_or_default();
        let message = sentence(words, (before, found.trim_end()), &text[line.clone()], &text[..line.end]);
        let message = message.unwrap_or_else(|| {
            let words = words.trim_end_matches('.').replace('\n', ": ");
            format!("This is no TOML: {words}.")
        });
        problems.push((line, Problem::new("not_toml", at, message)));
    }
    problems.into_iter().map(|(_, problem)| problem).collect()
}

/// The line that this byte stands in.
fn line(text: &str, at: usize) -> Range<usize> {
    let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let end = text[at..].find('\n').map_or(text.len(), |length| at + length);
    start..end
}

/// What to do about it, where the parser's words do not say.
fn sentence(words: &str, (before, found): (&str, &str), line: &str, until: &str) -> Option<String> {
    let begins = |mark: &str| line.trim_start().starts_with(mark);
    if ["<<<<<<<", "=======", ">>>>>>>"].into_iter().any(begins) {
        return Some(
            "Git left this mark where two changes meet: choose between them, and take the marks away.".to_owned(),
        );
    }
    if begins("//") {
        return Some("A comment begins with #.".to_owned());
    }
    if begins("{") {
        return Some("This is no TOML, and looks like JSON: write [section], and below it key = value.".to_owned());
    }
    let first = words.lines().next().unwrap_or_default();
    let sentence = match first.split(", expected").next().unwrap_or_default() {
        "duplicate key" if begins("[") => format!("[{found}] stands here again: write all its keys below one of them."),
        "duplicate key" => format!("{found} stands here again: leave one of them out."),
        "string values must be quoted" if found.is_empty() => "A value is missing after the =.".to_owned(),
        "string values must be quoted" if found.starts_with(['“', '”', '„', '‘', '’', '«']) => {
            "These quotation marks are not TOML's: write \" or '.".to_owned()
        }
        "string values must be quoted" => word(found, &line[before.len()..]),
        "invalid boolean" => format!("Write {} in small letters.", found.to_lowercase()),
        "invalid unquoted key" | "key with no value" if line.split('=').next().is_some_and(|key| key.contains(':')) => {
            "Write = between a key and its value, and no colon; and a section as [section].".to_owned()
        }
        "key with no value" if line.contains('=') => {
            "A key is one word, followed by = and its value: write _ where there is a space.".to_owned()
        }
        "key with no value" => "A key is followed by = and its value.".to_owned(),
        "invalid unquoted key" => {
            format!("{found} cannot stand in a key: write letters, digits and _, then = and the value.")
        }
        "unquoted keys cannot be empty" => "A name is missing here.".to_owned(),
        "invalid basic string" if line.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\r')) => {
            "There is a control character in this text: take it away.".to_owned()
        }
        "invalid basic string" => "This text does not end: close it with \" in the same line.".to_owned(),
        "invalid literal string" => "This text does not end: close it with ' in the same line.".to_owned(),
        "invalid multi-line basic string" => unclosed(until, "\"\"\""),
        "invalid multi-line literal string" => unclosed(until, "'''"),
        "missing escaped value" => {
            "A backslash in \"…\" means something: write two of them for one, or the text in '…'.".to_owned()
        }
        "unclosed array" => "This list does not end: close it with ].".to_owned(),
        "unclosed inline table" => "This table does not end: close it with }.".to_owned(),
        "unclosed table" => "The name of this section does not end: close it with ].".to_owned(),
        "unclosed array table" => "The name of this list does not end: close it with ]].".to_owned(),
        "extra comma in array" | "extra comma in inline table" => "There is a comma too many here.".to_owned(),
        "missing comma between array elements" => "A comma is missing before this.".to_owned(),
        "unexpected leading zero" => "A number is written without zeros before it.".to_owned(),
        "unexpected key or value" if found.starts_with(',') => {
            "A comma cannot stand here: a number with decimals is written with a point.".to_owned()
        }
        "unexpected key or value" if before.ends_with('\'') && line[before.len()..].contains('\'') => {
            "The text ended with the ' before this: write \"…\" around the whole.".to_owned()
        }
        "unexpected key or value" if before.ends_with('"') && line[before.len()..].contains('"') => {
            "The text ended with the \" before this: write '…' around the whole, and \"…\" around texts in it."
                .to_owned()
        }
        "unexpected key or value" => "One line has one key and its value: write this into the next one.".to_owned(),
        "recursion limit" => "This is nested too deep to be read: write it flatter.".to_owned(),
        "carriage return must be followed by newline" => {
            "There is a carriage return without a line feed here: end lines with a line feed.".to_owned()
        }
        first if first.starts_with("cannot extend value of type") => {
            format!("{found} has a value already, and there is nothing below it: leave one of them out.")
        }
        _ => return None,
    };
    Some(sentence)
}

/// Whether a value without quotes looks like one.
fn is_expression(value: &str) -> bool {
    let value = value.split([',', '}', '#']).next().unwrap_or_default();
    let begins = |name: &&str| value.strip_prefix(*name).is_some_and(|rest| rest.starts_with('.'));
    ["==", "!=", "&&", "||", ">", "<"].iter().any(|sign| value.contains(sign))
        || ["opportunity", "account", "line", "lines", "product", "invoice"].iter().any(begins)
}

/// Something that stands where a value is to be.
fn word(found: &str, value: &str) -> String {
    let is_number = found.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    match found.to_ascii_lowercase().as_str() {
        "yes" | "on" | "y" => "Write true.".to_owned(),
        "no" | "n" => "Write false.".to_owned(),
        _ if is_expression(value) => {
            "An expression stands in quotes: write '…' around the whole, and \"…\" around texts in it.".to_owned()
        }
        _ if is_number && found.contains(' ') => {
            format!("{found} is more than one value: write one in a line, and a text in quotes.")
        }
        _ if is_number || found == "h" => "A number is written without a unit, and a text in quotes.".to_owned(),
        _ => format!("A text stands in quotes: write \"{found}\"."),
    }
}

/// A text of several lines is told by where it begins: that it does not end is seen only at the file's end.
fn unclosed(until: &str, quotes: &str) -> String {
    let lines = until.rfind(quotes).map(|start| until[..start].matches('\n').count() + 1);
    let begins = lines.map_or_else(String::new, |line| format!(" that begins in line {line}"));
    format!("The text{begins} does not end: close it with {quotes}.")
}
