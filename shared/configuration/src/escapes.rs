//! Where each part of a text stands in the file, which may have written it with escapes.

use std::ops::Range;

/// For each byte of the text that was read, and for its end, its offset in `written`, the same with its quotes. `None` where that is not
/// the text that was read.
pub(crate) fn offsets(written: &str, read: &str) -> Option<Vec<usize>> {
    let quotes = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quotes| written.starts_with(quotes))?;
    let end = written.strip_suffix(quotes).filter(|inside| inside.len() >= quotes.len())?.len();
    let mut at = quotes.len();
    if quotes.len() == 3 {
        // A line break right after the quotes is none of the text.
        at += ["\r\n", "\n"].into_iter().find(|line_break| written[at..].starts_with(line_break)).map_or(0, str::len);
    }
    let mut text = String::new();
    let mut offsets = Vec::new();
    while at < end {
        let rest = &written[at..end];
        let (length, stands_for) = match quotes.starts_with('"') && rest.starts_with('\\') {
            true => escape(rest)?,
            false => rest.chars().next().map(|c| (c.len_utf8(), Some(c)))?,
        };
        if let Some(c) = stands_for {
            text.push(c);
            // Each byte of what stands there as it is has its own.
            let is_plain = length == c.len_utf8() && rest.starts_with(c);
            offsets.extend((0..c.len_utf8()).map(|byte| at + if is_plain { byte } else { 0 }));
        }
        at += length;
    }
    offsets.push(end);
    (text == read).then_some(offsets)
}

/// How long it is, and what it stands for, if anything.
fn escape(rest: &str) -> Option<(usize, Option<char>)> {
    let code = |digits: usize| {
        let code = rest.get(2..2 + digits)?;
        Some((2 + digits, Some(char::from_u32(u32::from_str_radix(code, 16).ok()?)?)))
    };
    let plain = |c| Some((2, Some(c)));
    match rest.chars().nth(1)? {
        'b' => plain('\u{8}'),
        't' => plain('\t'),
        'n' => plain('\n'),
        'f' => plain('\u{c}'),
        'r' => plain('\r'),
        'e' => plain('\u{1b}'),
        c @ ('"' | '\\') => plain(c),
        'x' => code(2),
        'u' => code(4),
        'U' => code(8),
        // At the end of a line it takes away what is blank up to the next word.
        ' ' | '\t' | '\r' | '\n' => {
            Some((1 + rest[1..].len() - rest[1..].trim_start_matches([' ', '\t', '\r', '\n']).len(), None))
        }
        _ => None,
    }
}

/// A part of the text, in bytes of what is written.
pub(crate) fn within(written: &str, read: &str, part: &Range<usize>) -> Option<Range<usize>> {
    let offsets = offsets(written, read)?;
    let start = *offsets.get(part.start)?;
    let end = *offsets.get(part.end)?;
    Some(start..end.max(start + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_where_it_is_written() {
        for (written, read, part, found) in [
            (r#""a == b""#, "a == b", "b", "b"),
            (r#""a == \"b\" && c""#, "a == \"b\" && c", "c", "c"),
            (r#""a == \"b\"""#, "a == \"b\"", "\"b\"", r#"\"b\""#),
            (r#""\u00fc + \U0001F600x + y""#, "ü + 😀x + y", "y", "y"),
            (r#""\xfc + y""#, "ü + y", "ü", "\\xfc"),
            ("'ü + y'", "ü + y", "y", "y"),
            ("'''\na\n  b'''", "a\n  b", "b", "b"),
            ("'''\r\na b'''", "a b", "b", "b"),
            ("\"\"\"\na \\\n   b\"\"\"", "a b", "b", "b"),
            ("\"\"\"a\\t\\\\ b\"\"\"", "a\t\\ b", "b", "b"),
            ("\"\"\"a \"b\" c\"\"\"", "a \"b\" c", "c", "c"),
        ] {
            let start = read.find(part).expect(part);
            let place = within(written, read, &(start..start + part.len())).expect(written);
            assert_eq!(&written[place], found, "{written}");
        }
    }

    #[test]
    fn what_was_not_read_from_there_has_no_place() {
        for (written, read) in [("12.5", "12.5"), ("'a'", "b"), ("\"", ""), ("\"\"\"", ""), (r#""\q""#, "q"), ("", "")]
        {
            assert_eq!(within(written, read, &(0..0)), None, "{written}");
        }
        // What is missing at the end of an expression stands at its end.
        assert_eq!(within("'ab'", "ab", &(2..2)), Some(3..4));
    }
}
