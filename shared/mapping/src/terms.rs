//! Payment terms in words → days.

use crate::rule::days_by;
use crate::{Code, Deal, LATEST_DUE, Settings, Stop};

/// Within how many days the invoice is to be paid: what was agreed with the lines, else what the company decided once. Words that
/// are not understood are not guessed: they were agreed.
pub(crate) fn days_until_due(deal: &Deal, settings: &Settings) -> Result<u32, Stop> {
    let names = settings.line_source.names();
    let terms = names.payment_terms.and_then(|field| deal.lines.first()?.text(field));
    let Some(terms) = terms else {
        let by = settings.days_until_due_by.as_ref();
        return by.map_or(Ok(settings.days_until_due), |by| days_by(by, deal, "terms.days_until_due"));
    };
    days(terms).ok_or_else(|| {
        let terms = crate::customer::cut(terms, 60);
        let message =
            format!("The quote's payment terms are {terms}: use Net and a number of days, or Due on Receipt.");
        Stop::refused(Code::PaymentTermsUnknown, message)
    })
}

/// `Net 30`, `Net30`, `net-30`, `Due on Receipt`.
fn days(terms: &str) -> Option<u32> {
    let lower = terms.to_ascii_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| c.is_whitespace() || c == '-').filter(|word| !word.is_empty()).collect();
    let days = match words[..] {
        ["due", "on" | "upon", "receipt"] => 0,
        ["net", days] | ["net", days, "days"] => days.parse().ok()?,
        [net] | [net, "days"] => net.strip_prefix("net")?.parse().ok()?,
        _ => return None,
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
            // What is not understood is not made into a number.
            ("Net 1/15", None),
            ("Net 1-5", None),
            ("Net 1.5", None),
            ("", None),
            ("2/10 Net 30", None),
            ("30", None),
            ("Custom", None),
        ] {
            assert_eq!(days(terms), expected, "{terms}");
        }
    }
}
