//! Where in the text a node stands.

use std::collections::BTreeMap;
use std::ops::Range;

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, SourceInfo};
use cel::parser::pratt_parser::TokenKind;

use super::{Parsed, parser, whole_characters};

/// The places of an expression's nodes, by their ids.
pub(crate) struct Places {
    ranges: BTreeMap<u64, Range<usize>>,
    all: Range<usize>,
}

impl Places {
    pub fn of(parsed: &Parsed<'_>) -> Self {
        let all = 0..parsed.source.len();
        // The line feed ends a comment that the expression may end with.
        let refused = parser().parse(&format!("{}\n)", parsed.source));
        let info = refused.err().and_then(|refused| refused.errors.into_iter().find_map(|error| error.source_info));
        let mut places = Self { ranges: BTreeMap::new(), all };
        if let Some(info) = info {
            Finder { parsed, info: &info, places: &mut places }.find(&parsed.root);
        }
        places
    }

    /// The whole expression where nothing better is known.
    pub fn get(&self, id: u64) -> Range<usize> {
        self.ranges.get(&id).unwrap_or(&self.all).clone()
    }
}

struct Finder<'a, 's> {
    parsed: &'a Parsed<'s>,
    info: &'a SourceInfo,
    places: &'a mut Places,
}

impl Finder<'_, '_> {
    fn find(&mut self, node: &IdedExpr) -> Range<usize> {
        let token = self.token(node.id);
        let range = match &node.expr {
            Expr::Unspecified | Expr::Ident(_) => token,
            Expr::Literal(literal) => {
                let is_number = matches!(literal, LiteralValue::Int(_) | LiteralValue::Double(_));
                // The sign of a negative number is the node, and the number is the next token.
                let is_negative = is_number && self.text(&token) == "-";
                let end = if is_negative { self.after(token.end).end } else { token.end };
                token.start..end
            }
            Expr::Select(select) if select.test => {
                let operand = self.find(&select.operand);
                let whole = token.start..self.closing(token.end);
                let field = self.last_before(whole.end - 1);
                operand.start.min(field.start)..field.end
            }
            Expr::Select(select) => {
                let operand = self.find(&select.operand);
                operand.start..self.after(token.end).end
            }
            Expr::Call(call) => {
                let parts = call.target.as_deref().into_iter().chain(&call.args);
                let parts: Vec<_> = parts.map(|part| self.find(part)).collect();
                let start = parts.iter().map(|part| part.start).fold(token.start, usize::min);
                let end = parts.iter().map(|part| part.end).fold(token.end, usize::max);
                // The parser names operators with their signs, and no function has one in its name.
                let is_operator = call.func_name.contains(|c: char| c.is_ascii_punctuation() && !"_.".contains(c));
                let is_closed = !is_operator || self.text(&token) == "[";
                start..if is_closed { self.closing(token.start) } else { end }
            }
            Expr::List(list) => {
                for element in &list.elements {
                    self.find(element);
                }
                token.start..self.closing(token.start)
            }
            Expr::Map(map) => {
                self.entries(map.entries.iter().map(|entry| &entry.expr));
                token.start..self.closing(token.start)
            }
            Expr::Struct(message) => {
                self.entries(message.entries.iter().map(|entry| &entry.expr));
                token.start..self.closing(token.end)
            }
            Expr::Comprehension(all) => {
                let range = self.find(&all.iter_range);
                self.find(&all.loop_step);
                range.start..self.closing(token.start)
            }
        };
        let range = self.with_parentheses(range);
        self.places.ranges.insert(node.id, range.clone());
        range
    }

    fn entries<'e>(&mut self, entries: impl Iterator<Item = &'e EntryExpr>) {
        for entry in entries {
            match entry {
                EntryExpr::StructField(field) => {
                    self.find(&field.value);
                }
                EntryExpr::MapEntry(entry) => {
                    self.find(&entry.key);
                    self.find(&entry.value);
                }
            }
        }
    }

    fn token(&self, id: u64) -> Range<usize> {
        let (start, end) = self.info.offset_for(id).unwrap_or((0, 0));
        whole_characters(self.parsed.source, start as usize..end as usize)
    }

    fn text(&self, range: &Range<usize>) -> &str {
        &self.parsed.source[range.clone()]
    }

    /// The first token from there on.
    fn after(&self, offset: usize) -> Range<usize> {
        let token = self.parsed.tokens.iter().find(|token| token.start >= offset);
        token.map_or(offset..offset, |token| token.start..token.end)
    }

    /// The last token that ends there or before.
    fn last_before(&self, offset: usize) -> Range<usize> {
        let token =
            self.parsed.tokens.iter().rev().find(|token| token.end <= offset && token.kind == TokenKind::TokIdent);
        token.map_or(offset..offset, |token| token.start..token.end)
    }

    /// The end of what the first opening sign from there on opens.
    fn closing(&self, from: usize) -> usize {
        let mut open = 0_usize;
        for token in self.parsed.tokens.iter().filter(|token| token.start >= from) {
            match token.kind {
                TokenKind::TokLeftParen | TokenKind::TokLeftBracket | TokenKind::TokLeftBrace => open += 1,
                TokenKind::TokRightParen | TokenKind::TokRightBracket | TokenKind::TokRightBrace => {
                    open = open.saturating_sub(1);
                    if open == 0 {
                        return token.end;
                    }
                }
                _ => {}
            }
        }
        self.parsed.source.len()
    }

    /// A range that ends inside of parentheses or begins there is widened to hold both of them.
    fn with_parentheses(&self, range: Range<usize>) -> Range<usize> {
        let (mut unopened, mut unclosed) = (0_usize, 0_usize);
        let inside = |start: usize, end: usize| start >= range.start && end <= range.end;
        for token in self.parsed.tokens.iter().filter(|token| inside(token.start, token.end)) {
            match token.kind {
                TokenKind::TokLeftParen => unclosed += 1,
                TokenKind::TokRightParen if unclosed > 0 => unclosed -= 1,
                TokenKind::TokRightParen => unopened += 1,
                _ => {}
            }
        }
        let opening = self.parsed.tokens.iter().rev().filter(|token| token.end <= range.start);
        let closing = self.parsed.tokens.iter().filter(|token| token.start >= range.end);
        let start = opening.take(unopened).last().map_or(range.start, |token| token.start);
        let end = closing.take(unclosed).last().map_or(range.end, |token| token.end);
        start..end
    }
}
