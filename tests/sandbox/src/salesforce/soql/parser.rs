//! Tokens to a `Query`, by recursive descent.

use super::lexer::{self, Token};
use super::{Filter, Literal, Operator, Order, Query, Scope, Select, Values};
use crate::salesforce::error::{self, ApiError};
use crate::salesforce::json::decimal;
use crate::salesforce::time;

/// The vendor's limits on the text of a query, and on how many records may be skipped.
const MAX_LENGTH: usize = 100_000;
const MAX_OFFSET: usize = 2_000;
/// Deeper than any real condition, and shallow enough for any stack.
const MAX_DEPTH: usize = 50;

const CLAUSES: &[&str] = &["FROM", "WHERE", "LIMIT", "OFFSET", "AND", "OR", "NOT", "IN", "LIKE", "SELECT"];

pub fn parse(soql: &str) -> Result<Query, ApiError> {
    if soql.len() > MAX_LENGTH {
        let code = "QUERY_TOO_COMPLICATED";
        return Err(ApiError::new(400, code, "SOQL statements cannot be longer than 100000 characters."));
    }
    let mut parser = Parser { tokens: lexer::tokens(soql)?, at: 0, depth: 0 };
    let query = parser.query(true)?;
    match parser.peek() {
        None => Ok(query),
        Some(_) => Err(parser.unexpected()),
    }
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn query(&mut self, is_outer: bool) -> Result<Query, ApiError> {
        self.keyword("SELECT")?;
        let mut select = vec![self.select(is_outer)?];
        while self.skip_mark(",") {
            select.push(self.select(is_outer)?);
        }
        if select.len() > 1 && select.contains(&Select::Count) {
            return Err(error::malformed_query("COUNT() must be the only element in the select list"));
        }
        self.keyword("FROM")?;
        let from = self.name()?.join(".");
        let scope = if is_outer && self.skip_keyword("USING") { Some(self.scope()?) } else { None };
        let filter = if self.skip_keyword("WHERE") { Some(self.any_of()?) } else { None };
        let mut order = Vec::new();
        if self.skip_keyword("ORDER") {
            self.keyword("BY")?;
            order.push(self.order()?);
            while self.skip_mark(",") {
                order.push(self.order()?);
            }
        }
        let limit = if self.skip_keyword("LIMIT") { Some(self.count()?) } else { None };
        let offset = if self.skip_keyword("OFFSET") { self.count()? } else { 0 };
        if offset > MAX_OFFSET {
            let message = format!("Maximum SOQL offset allowed is {MAX_OFFSET}");
            return Err(ApiError::new(400, "NUMBER_OUTSIDE_VALID_RANGE", message));
        }
        Ok(Query { select, from, scope, filter, order, limit, offset })
    }

    fn select(&mut self, is_outer: bool) -> Result<Select, ApiError> {
        if is_outer && self.skip_mark("(") {
            let child = self.query(false)?;
            self.mark(")")?;
            return Ok(Select::Child(Box::new(child)));
        }
        let path = self.name()?;
        if self.skip_mark("(") {
            let is_label = matches!(path.as_slice(), [function] if function.eq_ignore_ascii_case("toLabel"));
            let labelled = if is_label { Some(self.name()?) } else { None };
            self.mark(")")?;
            return match (labelled, path.as_slice()) {
                (Some(path), _) => Ok(Select::Label(path)),
                (None, [function]) if function.eq_ignore_ascii_case("COUNT") && is_outer => Ok(Select::Count),
                _ => Err(error::malformed_query(format!("unknown function {}", path.join(".")))),
            };
        }
        Ok(Select::Path(path))
    }

    /// The vendor has more of them, which nobody here uses.
    fn scope(&mut self) -> Result<Scope, ApiError> {
        self.keyword("SCOPE")?;
        if self.skip_keyword("mine") {
            return Ok(Scope::Mine);
        }
        self.keyword("everything").map(|()| Scope::Everything)
    }

    fn order(&mut self) -> Result<Order, ApiError> {
        let path = self.name()?;
        let descending = self.skip_keyword("DESC");
        if !descending {
            self.skip_keyword("ASC");
        }
        let mut nulls_last = false;
        if self.skip_keyword("NULLS") {
            nulls_last = self.skip_keyword("LAST");
            if !nulls_last {
                self.keyword("FIRST")?;
            }
        }
        Ok(Order { path, descending, nulls_last })
    }

    /// `a OR b`, or `a AND b`; the vendor refuses to guess which binds closer where both stand side by side.
    fn any_of(&mut self) -> Result<Filter, ApiError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(ApiError::new(400, "QUERY_TOO_COMPLICATED", "The condition is nested too deeply."));
        }
        let first = self.condition()?;
        let (connective, other) = if self.is_keyword("OR") { ("OR", "AND") } else { ("AND", "OR") };
        let mut parts = vec![first];
        while self.skip_keyword(connective) {
            parts.push(self.condition()?);
        }
        if self.is_keyword(other) {
            return Err(self.unexpected());
        }
        self.depth -= 1;
        if parts.len() == 1 {
            return parts.pop().ok_or_else(|| self.unexpected());
        }
        Ok(if connective == "OR" { Filter::Or(parts) } else { Filter::And(parts) })
    }

    fn condition(&mut self) -> Result<Filter, ApiError> {
        if self.skip_keyword("NOT") {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return Err(ApiError::new(400, "QUERY_TOO_COMPLICATED", "The condition is nested too deeply."));
            }
            let inner = self.condition()?;
            self.depth -= 1;
            return Ok(Filter::Not(Box::new(inner)));
        }
        if self.skip_mark("(") {
            let inner = self.any_of()?;
            self.mark(")")?;
            return Ok(inner);
        }
        let path = self.name()?;
        let negated = self.skip_keyword("NOT");
        if negated || self.is_keyword("IN") {
            self.keyword("IN")?;
            return Ok(Filter::In { path, negated, values: self.values()? });
        }
        let operator = self.operator()?;
        let value = self.literal()?;
        if operator == Operator::Like && !matches!(value, Literal::Text(_)) {
            let code = "INVALID_QUERY_FILTER_OPERATOR";
            return Err(ApiError::new(400, code, "the LIKE operator takes a string"));
        }
        Ok(Filter::Compare { path, operator, value })
    }

    fn values(&mut self) -> Result<Values, ApiError> {
        self.mark("(")?;
        let values = if self.is_keyword("SELECT") {
            Values::Query(Box::new(self.query(false)?))
        } else {
            let mut values = vec![self.literal()?];
            while self.skip_mark(",") {
                values.push(self.literal()?);
            }
            Values::List(values)
        };
        self.mark(")")?;
        Ok(values)
    }

    fn operator(&mut self) -> Result<Operator, ApiError> {
        if self.skip_keyword("LIKE") {
            return Ok(Operator::Like);
        }
        let operator = match self.peek() {
            Some(Token::Mark("=")) => Operator::Equal,
            Some(Token::Mark("!=")) => Operator::NotEqual,
            Some(Token::Mark("<")) => Operator::Less,
            Some(Token::Mark("<=")) => Operator::LessOrEqual,
            Some(Token::Mark(">")) => Operator::Greater,
            Some(Token::Mark(">=")) => Operator::GreaterOrEqual,
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(operator)
    }

    fn literal(&mut self) -> Result<Literal, ApiError> {
        let literal = match self.peek() {
            Some(Token::Text(text)) => Literal::Text(text.clone()),
            Some(Token::Word(word)) => bare_literal(word).ok_or_else(|| self.unexpected())?,
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(literal)
    }

    fn count(&mut self) -> Result<usize, ApiError> {
        let count = match self.peek() {
            Some(Token::Word(word)) => word.parse().ok(),
            _ => None,
        };
        let count = count.ok_or_else(|| self.unexpected())?;
        self.at += 1;
        Ok(count)
    }

    /// A dotted name.
    fn name(&mut self) -> Result<Vec<String>, ApiError> {
        let Some(Token::Word(word)) = self.peek() else {
            return Err(self.unexpected());
        };
        let is_name =
            |part: &str| part.starts_with(|c: char| c.is_ascii_alphabetic()) && !part.contains([':', '+', '-']);
        let path: Vec<String> = word.split('.').map(str::to_owned).collect();
        let is_clause = CLAUSES.iter().any(|clause| clause.eq_ignore_ascii_case(word));
        if is_clause || !path.iter().all(|part| is_name(part)) {
            return Err(self.unexpected());
        }
        self.at += 1;
        Ok(path)
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn is_keyword(&self, keyword: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword))
    }

    fn skip_keyword(&mut self, keyword: &str) -> bool {
        let found = self.is_keyword(keyword);
        self.at += usize::from(found);
        found
    }

    fn keyword(&mut self, keyword: &str) -> Result<(), ApiError> {
        if self.skip_keyword(keyword) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn skip_mark(&mut self, mark: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Mark(next)) if *next == mark);
        self.at += usize::from(found);
        found
    }

    fn mark(&mut self, mark: &str) -> Result<(), ApiError> {
        if self.skip_mark(mark) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn unexpected(&self) -> ApiError {
        match self.tokens.get(self.at) {
            None => error::malformed_query("unexpected token: <EOF>"),
            Some((at, token)) => {
                let token = match token {
                    Token::Word(word) => word.as_str(),
                    Token::Text(_) => "a string",
                    Token::Mark(mark) => mark,
                };
                error::malformed_query(format!("unexpected token: '{token}' at Row:1:Column:{}", at + 1))
            }
        }
    }
}

fn bare_literal(word: &str) -> Option<Literal> {
    match word.to_ascii_lowercase().as_str() {
        "null" => return Some(Literal::Null),
        "true" => return Some(Literal::Bool(true)),
        "false" => return Some(Literal::Bool(false)),
        _ => {}
    }
    let is_number = word.trim_start_matches(['-', '+']).starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if !is_number {
        return None;
    }
    if let Some(number) = decimal(word.trim_start_matches('+')) {
        return Some(Literal::Number(number));
    }
    if word.contains('T') {
        return time::parse_datetime(word).map(Literal::DateTime);
    }
    time::parse_date(word).map(Literal::Date)
}
