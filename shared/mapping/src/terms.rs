//! Payment terms in words → days.

use domain::Record;

use crate::source::Names;
use crate::{Code, Settings, Stop};

/// Longer than this is a typing mistake.
const LATEST_DUE: u32 = 365;

/// Within how many days the invoice is to be paid: what was agreed with the lines, else what the company decided once. Words that
/// are not understood are not guessed: they were agreed.
pub(crate) fn days_until_due(lines: &[Record], names: &Names, settings: &Settings) -> Result<u32, Stop> {
    let terms = names.payment_terms.and_then(|field| lines.first()?.text(field));
    let Some(terms) = terms else { return Ok(settings.days_until_due) };
    days(terms).ok_or_else(|| {
        let terms = crate::customer::cut(terms, 60);
        let message =
            format!("The quote's payment terms are {terms}: use Net and a number of days, or Due on Receipt.");
        Stop::refused(Code::PaymentTermsUnknown, message)
    })
}

/// `Net 30`, `Net30`, `net-30`, `Due on Receipt`.
fn days(terms: &str) -> Option<u32> {
    let plain: String = terms.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let days = match plain.as_str() {
        "dueonreceipt" | "dueuponreceipt" => 0,
        plain => plain.strip_prefix("net")?.trim_end_matches("days").parse().ok()?,
    };
    (days <= LATEST_DUE).then_some(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_days_or_are_not_understood() {
        for (terms, expected) in [
            ("Net 30", Some(30)),
            ("Net30", Some(30)),
            ("NET-45 days", Some(45)),
            ("Net 0", Some(0)),
            ("Net 365", Some(365)),
            ("Due on receipt", Some(0)),
            ("Due Upon Receipt", Some(0)),
            ("Net 366", None),
            ("Net", None),
            ("Net 30 EOM", None),
            ("2/10 Net 30", None),
            ("30", None),
            ("Custom", None),
        ] {
            assert_eq!(days(terms), expected, "{terms}");
        }
    }
}
