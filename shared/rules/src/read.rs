//! How numbers, dates and times are read from text, and written to it.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// `2026-01-31`, and nothing else.
pub(crate) fn date(text: &str) -> Option<Date> {
    let is_plain = text.len() == 10 && text.bytes().all(|c| c.is_ascii_digit() || c == b'-');
    if is_plain { text.parse().ok() } else { None }
}

/// `2026-01-31T10:00:00Z`, or as Salesforce writes it: `2026-01-31T10:00:00.000+0000`.
pub(crate) fn date_time(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text).ok())
}

/// `-12.50`: digits, with a point before decimals.
pub(crate) fn number(text: &str) -> Option<Decimal> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_plain = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.ends_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|c| c.is_ascii_digit() || c == b'.');
    if is_plain { Decimal::from_str_exact(text).ok() } else { None }
}

/// To how many decimals a number can be rounded.
pub(crate) fn places(number: Decimal) -> Option<u32> {
    number.to_u32().filter(|places| number.is_integer() && *places <= Decimal::MAX_SCALE)
}

/// Without zeros that say nothing: how a number was calculated does not show.
pub(crate) fn number_as_text(number: Decimal) -> String {
    number.normalize().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_so() {
        for (text, is_date) in [
            ("2026-01-31", true),
            ("2026-02-30", false),
            ("20260131", false),
            ("2026-1-31", false),
            ("2026-01-31T00:00:00Z", false),
            ("", false),
        ] {
            assert_eq!(date(text).is_some(), is_date, "{text}");
        }
        for (text, read) in [
            ("2026-01-31T10:00:00Z", Some("2026-01-31T10:00:00Z")),
            ("2026-01-31T10:00:00.000+0000", Some("2026-01-31T10:00:00Z")),
            ("2026-01-31T10:00:00.250+0200", Some("2026-01-31T08:00:00.25Z")),
            ("2026-01-31T10:00:00+02:00", Some("2026-01-31T08:00:00Z")),
            ("2026-01-31T10:00:00", None),
            ("2026-01-31", None),
        ] {
            assert_eq!(date_time(text).map(|at| at.to_string()).as_deref(), read, "{text}");
        }
        for (text, read) in [
            ("12.50", Some("12.50")),
            ("-0.1", Some("-0.1")),
            ("1_000", None),
            ("1,000", None),
            ("1e3", None),
            ("+1", None),
            (".5", None),
            ("5.", None),
            ("1.2.3", None),
            ("", None),
            ("-", None),
            ("79228162514264337593543950335", Some("79228162514264337593543950335")),
            ("79228162514264337593543950336", None),
            ("0.00000000000000000000000000001", None),
        ] {
            assert_eq!(number(text).map(|number| number.to_string()).as_deref(), read, "{text}");
        }
    }

    #[test]
    fn numbers_round_to_whole_places() {
        let places = |text: &str| super::places(text.parse().expect("a number"));
        assert_eq!([places("0"), places("2.0"), places("28")], [Some(0), Some(2), Some(28)]);
        assert_eq!([places("-1"), places("29"), places("0.5")], [None; 3]);
    }
}
