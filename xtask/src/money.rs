//! Amounts as integers. Salesforce writes decimals and Stripe minor units; nothing here is ever a float.

/// `"1234.5"` with two decimals is `123450`. None if it is no decimal, or has more digits than the currency.
pub fn minor_units(decimal: &str, decimals: usize) -> Option<i64> {
    let (negative, digits) = match decimal.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, decimal),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    if whole.is_empty()
        || fraction.len() > decimals
        || !(whole.bytes().chain(fraction.bytes())).all(|c| c.is_ascii_digit())
    {
        return None;
    }
    let magnitude: i64 = format!("{whole}{fraction:0<decimals$}").parse().ok()?;
    Some(if negative { -magnitude } else { magnitude })
}

/// `123450` with two decimals is `"1234.50"`.
pub fn plain(minor_units: u64, decimals: usize) -> String {
    let digits = format!("{minor_units:0>width$}", width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    let point = if decimals > 0 { "." } else { "" };
    format!("{whole}{point}{fraction}")
}

/// `123450` with two decimals is `"1,234.50"`.
pub fn shown(minor_units: i64, decimals: usize) -> String {
    let digits = format!("{:0>width$}", minor_units.unsigned_abs(), width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if minor_units < 0 { "-" } else { "" };
    let point = if decimals > 0 { "." } else { "" };
    format!("{sign}{grouped}{point}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_become_minor_units() {
        for (decimal, decimals, expected) in [
            ("1234.5", 2, Some(123_450)),
            ("1234.50", 2, Some(123_450)),
            ("0.01", 2, Some(1)),
            ("-3", 2, Some(-300)),
            ("5000", 0, Some(5000)),
            ("5000.0", 0, Some(5000)),
            ("1.234", 3, Some(1234)),
            ("1.234", 2, None),
            ("1e3", 2, None),
            ("", 2, None),
        ] {
            assert_eq!(minor_units(decimal, decimals), expected, "{decimal} with {decimals}");
        }
    }

    #[test]
    fn minor_units_are_shown_with_thousands() {
        assert_eq!(shown(123_456_789, 2), "1,234,567.89");
        assert_eq!(shown(5, 2), "0.05");
        assert_eq!(plain(5, 2), "0.05");
        assert_eq!(plain(123_456, 2), "1234.56");
        assert_eq!(shown(5000, 0), "5,000");
        assert_eq!(shown(-100, 2), "-1.00");
    }
}
