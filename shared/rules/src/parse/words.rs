//! What the parser says, in words for whoever wrote the expression.

use cel::parser::ParseError;
use cel::parser::pratt_parser::{Token, TokenKind};

use super::{DEEPEST, ends_a_value, error, whole_characters};
use crate::problem::Problem;

/// What the lexer could not read.
pub(super) fn of_token(told: &str, text: &str) -> String {
    if told.contains("unterminated") {
        return "This text does not end: close it with the quotation mark that it begins with.".to_owned();
    }
    match text {
        "&" => "Write && for \"and\".".to_owned(),
        "|" => "Write || for \"or\".".to_owned(),
        _ if text.starts_with(['“', '”', '„', '‘', '’', '«', '»']) => {
            "These quotation marks mean nothing here: write \" or '.".to_owned()
        }
        _ if told.contains("literal") => format!("{text} is no number: write digits, with a point before decimals."),
        _ => format!("{text} means nothing here: take it away, or write it in quotation marks if it is text."),
    }
}

/// Every problem once, at its place, in the order of the text.
pub(super) fn problems(source: &str, tokens: &[Token], errors: &[ParseError]) -> Vec<Problem> {
    let mut problems: Vec<Problem> = errors.iter().map(|error| problem(source, tokens, error)).collect();
    // Where the parser gave up, nothing else that it says is true.
    if let Some(given_up) = problems.iter().find(|problem| problem.code == "too_deep") {
        return vec![given_up.clone()];
    }
    problems.sort_by_key(|problem| (problem.at.start, problem.at.end));
    // What follows from a mistake is seldom another one.
    problems.dedup_by(|next, kept| next.at == kept.at);
    // After what another language has in its place nothing else is true, either.
    let foreign = (0..tokens.len()).find_map(|at| Some((&tokens[at], foreign(source, &tokens[..at], &tokens[at..])?)));
    let Some((token, message)) = foreign.filter(|_| !problems.is_empty()) else { return problems };
    problems.retain(|problem| problem.at.end <= token.start && !problem.at.is_empty());
    problems.push(error("syntax", token.start..token.end, message));
    problems
}

/// What to write for the first of the tokens from here on, if it is another language's.
fn foreign(source: &str, before: &[Token], from: &[Token]) -> Option<String> {
    use TokenKind::{TokComma, TokEqual, TokFloat, TokIdent, TokLeftBracket, TokLeftParen, TokRightParen};
    let (first, after) = from.split_first()?;
    let text = |token: &Token| &source[token.start..token.end];
    let follows = |sign: &str| before.last().is_some_and(|one| one.end == first.start && text(one) == sign);
    let leads = |sign: &str| after.first().is_some_and(|one| first.end == one.start && text(one) == sign);
    let is_word = |word: &str| first.kind == TokIdent && text(first).eq_ignore_ascii_case(word);
    let is_in = |token: &Token| text(token).eq_ignore_ascii_case("in");
    let ends_a_value = before.last().is_some_and(ends_a_value);
    Some(match text(first) {
        ">" if follows("<") => "Write != for \"is not\".".to_owned(),
        "=" if follows("==") => "Write == to compare.".to_owned(),
        "=" if follows("!=") => "Write != for \"is not\".".to_owned(),
        "=" if leads(">") => "Write >=.".to_owned(),
        "=" if leads("<") => "Write <=.".to_owned(),
        _ if first.kind == TokFloat
            && after.first().is_some_and(|next| next.kind == TokFloat && first.end == next.start) =>
        {
            "A number has one point, before its decimals: take the others away.".to_owned()
        }
        _ if first.kind == TokEqual => "Write == to compare.".to_owned(),
        _ if is_word("like") && ends_a_value => {
            "Write x.contains(\"a\"), x.startsWith(\"a\") or x.endsWith(\"a\").".to_owned()
        }
        _ if is_word("and") && ends_a_value => "Write && for \"and\".".to_owned(),
        _ if is_word("or") && ends_a_value => "Write || for \"or\".".to_owned(),
        _ if is_word("not") && ends_a_value && after.first().is_some_and(is_in) => {
            "Write !(x in [\"a\", \"b\"]).".to_owned()
        }
        "IN" | "In" if ends_a_value => {
            "Write in in small letters, and a list in brackets: x in [\"a\", \"b\"].".to_owned()
        }
        _ if is_word("not") && !ends_a_value => "Write ! for \"not\".".to_owned(),
        "if" => "Write condition ? x : y.".to_owned(),
        "," if first.kind == TokComma => {
            let open = before.iter().rposition(|one| one.kind == TokLeftParen)?;
            let is_list = open.checked_sub(1).is_some_and(|of| text(&before[of]) == "in");
            let is_open = !before[open..].iter().any(|one| matches!(one.kind, TokRightParen | TokLeftBracket));
            (is_list && is_open).then(|| "A list stands in brackets: write in [\"a\", \"b\"].".to_owned())?
        }
        _ => return None,
    })
}

fn problem(source: &str, tokens: &[Token], told: &ParseError) -> Problem {
    let offset = told.source_info.as_ref().and_then(|info| info.offset_for(told.expr_id));
    let start = offset.map_or_else(|| offset_of(source, told.pos), |(start, _)| start as usize).min(source.len());
    let token = tokens.iter().find(|token| token.start <= start && start < token.end);
    let at = whole_characters(source, token.map_or(start..start, |token| token.start..token.end));
    let found = &source[at.clone()];
    let (code, message) = match told.msg.as_str() {
        msg if msg.contains("recursion limit") => {
            let message = format!("The expression is nested more than {DEEPEST} deep: write it flatter.");
            return error("too_deep", 0..source.len(), message);
        }
        msg if msg.contains("exceeds limit") => {
            ("too_long", "The expression has too many macros: write it with fewer.".to_owned())
        }
        msg if msg.contains("has() macro") => {
            ("has_takes_a_field", "has takes a field: write has(opportunity.Amount).".to_owned())
        }
        msg if msg.contains("simple name") => {
            let message =
                "The first thing in the parentheses is a name for each one: write lines.exists(l, l.Quantity > 0).";
            ("macro_takes_a_name", message.to_owned())
        }
        msg if msg.contains("reserved identifier") => {
            ("syntax", format!("{found} is a word that is kept for CEL itself."))
        }
        msg if msg.contains("int literal") => {
            ("number_too_large", "This number is too large: at most nineteen digits can be written.".to_owned())
        }
        msg if msg.contains("double literal") => ("number_too_large", "This number is too large to be one.".to_owned()),
        msg if msg.contains("unescape") || msg.contains("code point") => {
            ("syntax", "A backslash in this text means nothing: write two of them for one.".to_owned())
        }
        msg if msg.contains('`') || msg.contains("quoted identifier") => {
            ("syntax", "Fields are written without quotation marks: opportunity.Amount.".to_owned())
        }
        msg if msg.contains(".?") || msg.contains("syntax '?'") => {
            ("not_supported", "There are no optional fields here: write default(x, y), or has(x).".to_owned())
        }
        msg => ("syntax", unexpected(msg, token.map(|token| token.kind), found)),
    };
    error(code, at, message)
}

fn unexpected(msg: &str, kind: Option<TokenKind>, found: &str) -> String {
    let wanted = [(")", "')'"), ("]", "']'"), ("}", "'}'"), (":", "':'")];
    let wanted = wanted
        .iter()
        .find(|(_, told)| msg.contains(&format!("expecting {told}")) || msg.contains(&format!("expected {told}")));
    match (wanted, kind) {
        (Some((sign, _)), None) => format!("The expression ends where {sign} is missing."),
        (Some((sign, _)), Some(_)) => format!("Here {sign} is missing, and there is {found}."),
        (None, None) => "The expression ends where something is missing.".to_owned(),
        (None, Some(TokenKind::TokRightParen)) if msg.contains("<EOF>") => {
            "This parenthesis closes nothing.".to_owned()
        }
        (None, Some(TokenKind::TokComma)) if msg.contains("<EOF>") => {
            "A comma means nothing here: numbers are written without one, and with a point before decimals.".to_owned()
        }
        (None, Some(_)) if msg.contains("<EOF>") => {
            format!("The expression is over before {found}: an operator such as && or + is missing.")
        }
        (None, Some(_)) => {
            format!("{found} cannot stand here: a value, a field or a parenthesis is missing before it.")
        }
    }
}

/// The parser counts lines and bytes in a line from one.
fn offset_of(source: &str, (line, column): (isize, isize)) -> usize {
    let lines = source.split_inclusive('\n').take(usize::try_from(line - 1).unwrap_or(0));
    lines.map(str::len).sum::<usize>() + usize::try_from(column - 1).unwrap_or(0)
}
