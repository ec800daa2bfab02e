//! What is wrong with a file, and where.

use std::fmt::{self, Write};
use std::ops::Range;

/// One thing that is wrong, in a sentence that a person can act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub code: &'static str,
    pub message: String,
    /// In bytes of the file.
    pub at: Range<usize>,
    /// Both from 1; columns are characters.
    pub line: usize,
    pub column: usize,
}

impl Problem {
    pub(crate) fn new(code: &'static str, at: Range<usize>, message: impl Into<String>) -> Self {
        // What it says of the file it has from there.
        let message = message.into().chars().map(visible).collect();
        Self { code, message, at, line: 1, column: 1 }
    }

    /// With its line and column in this text.
    pub(crate) fn placed(mut self, text: &str) -> Self {
        let before = &text[..floor(text, self.at.start)];
        let line = before.rsplit('\n').next().unwrap_or_default();
        self.line = before.matches('\n').count() + 1;
        self.column = line.chars().count() + 1;
        self
    }
}

/// The last boundary of a character that is not behind it.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.line, self.column, self.code, self.message)
    }
}

/// All of them for a person, each with its line of the file.
pub fn report(name: &str, text: &str, problems: &[Problem]) -> String {
    let mut report = String::new();
    for problem in problems {
        let line = text.lines().nth(problem.line - 1).unwrap_or_default();
        let (indent, number) = (problem.column - 1, problem.line);
        let rest = line.chars().count().saturating_sub(indent).max(1);
        let end = floor(text, problem.at.end).max(floor(text, problem.at.start));
        let marked = text[floor(text, problem.at.start)..end].chars().count().clamp(1, rest);
        // Tabs are kept, so that the marks stand below what they mark.
        let blank: String = line.chars().take(indent).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let margin = number.to_string().len();
        let _ = writeln!(report, "{name}:{problem}");
        let line: String = line.chars().map(visible).collect();
        let _ = writeln!(report, "{number} | {line}");
        let _ = writeln!(report, "{:margin$} | {blank}{}", "", "^".repeat(marked));
    }
    report
}

/// A control character would tell a terminal to do something, or turn the line around: what is shown is its picture.
fn visible(c: char) -> char {
    match u32::from(c) {
        code @ 0..0x20 if c != '\t' => char::from_u32(0x2400 + code).unwrap_or(c),
        0x7F => '␡',
        0x80..0xA0 | 0x200E..=0x200F | 0x202A..=0x202E | 0x2066..=0x2069 => '\u{FFFD}',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_stands_below_its_line() {
        let text = "[won]\nstages = 3\n";
        let problem = Problem::new("wrong_type", 15..16, "It is to be a list.").placed(text);
        assert_eq!((problem.line, problem.column), (2, 10));
        let expected = "closedwon.toml:2:10: wrong_type: It is to be a list.\n2 | stages = 3\n  |          ^\n";
        assert_eq!(report("closedwon.toml", text, &[problem]), expected);
    }

    #[test]
    fn places_are_characters_and_are_found_everywhere() {
        let text = "a = 'ü'\nb = 'ä' é";
        for at in 0..text.len() + 3 {
            let problem = Problem::new("x", at..at + 2, "").placed(text);
            assert!(problem.line <= 2 && problem.column <= 10, "{problem:?}");
            assert!(report("f", text, &[problem]).contains('^'));
        }
        assert_eq!(Problem::new("x", 18..19, "").placed(text).column, 9);
    }
}
