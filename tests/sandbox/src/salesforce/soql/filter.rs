//! Whether a record meets a condition. A missing value equals only null; it is neither smaller nor larger than anything.

use std::cmp::Ordering;

use super::bind::{BoundValues, Condition, Path};
use super::{Literal, Operator};
use crate::salesforce::json::Json;
use crate::salesforce::org::Org;
use crate::salesforce::store::Record;

/// The value at the end of a path; nothing if it, or a parent on the way, is null.
pub fn value<'a>(org: &'a Org, record: &'a Record, path: &Path) -> Option<&'a Json> {
    let mut record = record;
    for (field, object) in &path.hops {
        record = org.store.get(object, record.get(field)?.text()?)?;
    }
    record.get(&path.field).filter(|value| !value.is_null())
}

pub fn holds(org: &Org, record: &Record, condition: &Condition) -> bool {
    match condition {
        Condition::And(parts) => parts.iter().all(|part| holds(org, record, part)),
        Condition::Or(parts) => parts.iter().any(|part| holds(org, record, part)),
        Condition::Not(inner) => !holds(org, record, inner),
        Condition::Compare { path, operator, value: literal } => {
            compare(value(org, record, path), *operator, literal, path.case_sensitive)
        }
        Condition::In { path, negated, values } => {
            let found = value(org, record, path);
            let among = match values {
                BoundValues::List(literals) => {
                    literals.iter().any(|literal| compare(found, Operator::Equal, literal, path.case_sensitive))
                }
                BoundValues::Query { path, query } => {
                    found.is_some() && super::run::matching(org, query, false).any(|row| value(org, row, path) == found)
                }
            };
            among != *negated
        }
    }
}

fn compare(found: Option<&Json>, operator: Operator, literal: &Literal, case_sensitive: bool) -> bool {
    let Some(found) = found else {
        // A checkbox is never null, so what is left is: null differs from every value but null.
        return match operator {
            Operator::Equal => *literal == Literal::Null,
            Operator::NotEqual => *literal != Literal::Null,
            _ => false,
        };
    };
    if let (Operator::Like, Json::Text(text), Literal::Text(pattern)) = (operator, found, literal) {
        return like(&text.to_lowercase(), &pattern.to_lowercase());
    }
    let Some(ordering) = ordering(found, literal, case_sensitive) else {
        return operator == Operator::NotEqual;
    };
    match operator {
        Operator::Equal => ordering == Ordering::Equal,
        Operator::NotEqual => ordering != Ordering::Equal,
        Operator::Less => ordering == Ordering::Less,
        Operator::LessOrEqual => ordering != Ordering::Greater,
        Operator::Greater => ordering == Ordering::Greater,
        Operator::GreaterOrEqual => ordering != Ordering::Less,
        Operator::Like => false,
    }
}

fn ordering(found: &Json, literal: &Literal, case_sensitive: bool) -> Option<Ordering> {
    match (found, literal) {
        (Json::Number(number), Literal::Number(literal)) => Some(number.cmp(literal)),
        (Json::Bool(value), Literal::Bool(literal)) => Some(value.cmp(literal)),
        (Json::Text(text), Literal::Text(literal)) if !case_sensitive => {
            Some(text.to_lowercase().cmp(&literal.to_lowercase()))
        }
        (Json::Text(text), Literal::Text(literal) | Literal::Date(literal) | Literal::DateTime(literal)) => {
            Some(text.cmp(literal))
        }
        _ => None,
    }
}

/// `%` stands for anything, `_` for one character, and a backslash takes either by its word.
fn like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut wanted = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        wanted.push(match c {
            '%' => Wanted::Anything,
            '_' => Wanted::One,
            '\\' => chars.next().map_or(Wanted::Char('\\'), Wanted::Char),
            c => Wanted::Char(c),
        });
    }
    // Greedy with one place to come back to: linear in the text for each pattern, whatever the pattern is.
    let (mut at, mut next, mut back) = (0, 0, None);
    while at < text.len() {
        match wanted.get(next) {
            Some(Wanted::Anything) => {
                back = Some((at, next));
                next += 1;
            }
            Some(Wanted::One) => (at, next) = (at + 1, next + 1),
            Some(Wanted::Char(c)) if *c == text[at] => (at, next) = (at + 1, next + 1),
            _ => match &mut back {
                Some((tried, anything)) => {
                    *tried += 1;
                    (at, next) = (*tried, *anything + 1);
                }
                None => return false,
            },
        }
    }
    wanted[next..].iter().all(|wanted| matches!(wanted, Wanted::Anything))
}

enum Wanted {
    Anything,
    One,
    Char(char),
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn like_knows_its_wildcards() {
        for (text, pattern, expected) in [
            ("acme", "acme", true),
            ("acme", "ac%", true),
            ("acme", "%me", true),
            ("acme", "a_me", true),
            ("acme", "a_e", false),
            ("acme", "%", true),
            ("", "%", true),
            ("", "_", false),
            ("abcabd", "%abd", true),
            ("100%", "100\\%", true),
            ("1000", "100\\%", false),
            ("acme", "cme", false),
        ] {
            assert_eq!(like(text, pattern), expected, "{text} LIKE {pattern}");
        }
    }
}
