//! Words, strings and marks. Positions are kept for the message of a syntax error.

use crate::salesforce::error::{self, ApiError};

#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    /// A keyword, a dotted name, a number or a date: whatever is neither quoted nor a mark.
    Word(String),
    Text(String),
    Mark(&'static str),
}

const MARKS: &[&str] = &["!=", "<>", "<=", ">=", "=", "<", ">", "(", ")", ","];

pub fn tokens(soql: &str) -> Result<Vec<(usize, Token)>, ApiError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = soql[at..].chars().next() {
        let rest = &soql[at..];
        if c.is_whitespace() {
            at += c.len_utf8();
        } else if c == '\'' {
            let (text, length) = text(rest)?;
            tokens.push((at, Token::Text(text)));
            at += length;
        } else if let Some(mark) = MARKS.iter().find(|mark| rest.starts_with(**mark)) {
            tokens.push((at, Token::Mark(if *mark == "<>" { "!=" } else { mark })));
            at += mark.len();
        } else {
            let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
            if end == 0 {
                return Err(error::malformed_query(format!("line 1:{at} no viable alternative at character '{c}'")));
            }
            tokens.push((at, Token::Word(rest[..end].to_owned())));
            at += end;
        }
    }
    Ok(tokens)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.:+-".contains(c)
}

/// The content of a quoted string and the length of its source.
fn text(rest: &str) -> Result<(String, usize), ApiError> {
    let mut content = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' => return Ok((content, at + 1)),
            '\\' => match chars.next().map(|(_, escaped)| escaped) {
                Some('n' | 'N') => content.push('\n'),
                Some('r' | 'R') => content.push('\r'),
                Some('t' | 'T') => content.push('\t'),
                Some('b' | 'B') => content.push('\u{8}'),
                Some('f' | 'F') => content.push('\u{c}'),
                Some(quoted @ ('\'' | '"' | '\\')) => content.push(quoted),
                // Only LIKE gives these a meaning, so the backslash stays for it.
                Some(wildcard @ ('_' | '%')) => content.extend(['\\', wildcard]),
                _ => {
                    return Err(error::malformed_query("Illegal string literal: invalid escape sequence"));
                }
            },
            _ => content.push(c),
        }
    }
    Err(error::malformed_query("unexpected end of query: a string literal is not closed"))
}
