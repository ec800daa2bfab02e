//! From text to CEL's syntax tree, and back from a node to its place in the text.
//!
//! The parser's answer has no positions, and its refusals have all of them. So where a place is asked for, the same text is
//! parsed once more with a parenthesis too many, and the nodes have the ids that they had before.

mod places;
mod words;

use std::ops::Range;

use cel::common::ast::IdedExpr;
use cel::parser::PrattParser;
use cel::parser::pratt_parser::{Lexer, Token, TokenKind};

use crate::problem::{Problem, Weight};

pub(crate) use places::Places;

/// An expression of a configuration file fits on a screen. Longer ones cost more than they say.
pub(crate) const MOST_BYTES: usize = 4_000;
/// Chains of operators and fields are as deep as they are long, and bounding one bounds the other.
pub(crate) const MOST_TOKENS: usize = 1_000;
const DEEPEST: u16 = 32;
/// The parser does not count `a ? b : c ? d : e` as depth.
const MOST_QUESTIONS: usize = 40;
/// Macros multiply nodes. This is far above what so many tokens can come to.
const MOST_NODES: usize = 10_000;
/// The code of a number that may be meant as a thousand times as much.
pub const THOUSANDS: &str = "thousands";

/// As many digits as the parser keeps of every number with a point.
const MOST_DIGITS: usize = 15;

/// An expression, and the tokens that it was read from.
pub(crate) struct Parsed<'s> {
    pub source: &'s str,
    pub tokens: Vec<Token>,
    pub root: IdedExpr,
}

fn parser() -> PrattParser {
    PrattParser::new()
        .max_recursion_depth(DEEPEST)
        .max_expression_node_count(MOST_NODES)
        .enable_variadic_operator_asts(true)
}

pub(crate) fn parse(source: &str) -> Result<Parsed<'_>, Vec<Problem>> {
    if source.len() > MOST_BYTES {
        let message =
            format!("The expression has {} bytes, and {MOST_BYTES} are the most. Make it shorter.", source.len());
        return Err(vec![error("too_long", 0..source.len(), message)]);
    }
    let tokens = tokens(source)?;
    let root = parser().parse(source).map_err(|errors| words::problems(source, &tokens, &errors.errors))?;
    Ok(Parsed { source, tokens, root })
}

/// What the expression is made of, without spaces and comments, where the parser can be trusted with it.
fn tokens(source: &str) -> Result<Vec<Token>, Vec<Problem>> {
    let mut lexer = Lexer::new(source);
    let mut tokens = Vec::new();
    let mut problems = Vec::new();
    loop {
        let token = lexer.lex();
        match token.kind {
            TokenKind::TokEnd => break,
            TokenKind::TokWhitespace | TokenKind::TokComment => {}
            TokenKind::TokError => {
                let told = lexer.get_error().map_or("", |error| error.message.as_str());
                let at = whole_characters(source, token.start..token.end);
                problems.push(error("syntax", at.clone(), words::of_token(told, &source[at])));
                break;
            }
            _ => tokens.push(token),
        }
    }
    for token in tokens.iter().filter(|token| token.kind == TokenKind::TokFloat) {
        let text = &source[token.start..token.end];
        let digits = text.split(['e', 'E']).next().unwrap_or_default().chars().filter(char::is_ascii_digit);
        if digits.skip_while(|digit| *digit == '0').count() > MOST_DIGITS {
            let message =
                format!("{text} has more than {MOST_DIGITS} digits, which are not kept exactly: write fewer.");
            problems.push(error("number_too_long", token.start..token.end, message));
        }
    }
    problems.extend(tokens.windows(2).enumerate().filter_map(|(index, pair)| {
        let before = index.checked_sub(1).and_then(|before| tokens.get(before));
        double_sign(before, &pair[0], &pair[1])
    }));
    if tokens.is_empty() && problems.is_empty() {
        problems.push(error(
            "empty",
            0..source.len(),
            "There is no expression here: write one, such as opportunity.Amount.",
        ));
    }
    if tokens.len() > MOST_TOKENS {
        let message = "The expression has too many parts: write it in fewer, for example with a list after in.";
        problems.push(error("too_long", 0..source.len(), message));
    }
    let questions = tokens.iter().filter(|token| token.kind == TokenKind::TokQuestion);
    if let Some(question) = questions.clone().nth(MOST_QUESTIONS) {
        let message = format!("The expression has more than {MOST_QUESTIONS} choices with ?: write fewer.");
        problems.push(error("too_deep", question.start..question.end, message));
    }
    if problems.is_empty() { Ok(tokens) } else { Err(problems) }
}

/// "10.000" is ten here, and ten thousand to whoever writes a point between thousands. Nobody ends decimals with a zero by themselves.
pub(crate) fn thousands(parsed: &Parsed<'_>) -> impl Iterator<Item = Problem> {
    let floats = parsed.tokens.iter().filter(|token| token.kind == TokenKind::TokFloat);
    floats.filter_map(|token| {
        let text = &parsed.source[token.start..token.end];
        let (whole, decimals) = text.split_once('.')?;
        let is_grouped = decimals.len() == 3 && decimals.bytes().all(|digit| digit.is_ascii_digit());
        (is_grouped && decimals.ends_with('0') && (1..=3).contains(&whole.len()) && whole != "0").then(|| {
            let shorter = text.trim_end_matches('0').trim_end_matches('.');
            let message =
                format!("A point stands before decimals: write {whole}{decimals} or {shorter}, whichever you mean.");
            Problem { code: THOUSANDS, weight: Weight::Warning, at: token.start..token.end, message }
        })
    })
}

/// The parser leaves out two signs that undo each other, and with them the question of what they stand before.
fn double_sign(before: Option<&Token>, one: &Token, other: &Token) -> Option<Problem> {
    let is_sign = one.kind == other.kind && matches!(one.kind, TokenKind::TokExclamation | TokenKind::TokMinus);
    let is_between_values = one.kind == TokenKind::TokMinus && before.is_some_and(ends_a_value);
    (is_sign && !is_between_values).then(|| {
        let message = format!("Two {} in a row undo each other: take both away.", one.kind.as_str());
        error("double_sign", one.start..other.end, message)
    })
}

/// Whether what follows it is an operator, if anything.
fn ends_a_value(token: &Token) -> bool {
    use TokenKind::*;
    let ends = [TokIdent, TokInt, TokUint, TokFloat, TokString, TokBytes, TokNull, TokTrue, TokFalse];
    ends.contains(&token.kind) || [TokRightParen, TokRightBracket, TokRightBrace].contains(&token.kind)
}

/// The range, as far as it has to reach to hold no half of a character.
fn whole_characters(source: &str, range: Range<usize>) -> Range<usize> {
    let mut start = range.start.min(source.len());
    while !source.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = range.end.clamp(start, source.len());
    while !source.is_char_boundary(end) {
        end += 1;
    }
    start..end
}

pub(crate) fn error(code: &'static str, at: Range<usize>, message: impl Into<String>) -> Problem {
    Problem { code, weight: Weight::Error, at, message: message.into() }
}
