//! Dates and times in the forms that Salesforce reads and writes.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

/// `2026-11-20T10:11:12.000+0000`: always UTC and always 28 characters, so that text order is time order.
pub fn datetime(now_ms: i64) -> String {
    format(now_ms, "%Y-%m-%dT%H:%M:%S.%3f+0000")
}

/// `2026-11-20T10:11:12.000Z`, as change events write it.
pub fn event_datetime(now_ms: i64) -> String {
    format(now_ms, "%Y-%m-%dT%H:%M:%S.%3fZ")
}

fn format(now_ms: i64, pattern: &str) -> String {
    let timestamp = Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::MAX);
    Offset::UTC.to_datetime(timestamp).strftime(pattern).to_string()
}

/// A datetime with its offset, in the form that is stored.
pub fn parse_datetime(text: &str) -> Option<String> {
    let timestamp = text.parse::<Timestamp>().ok().or_else(|| {
        let (local, offset) = text.split_at_checked(text.len().checked_sub(5)?)?;
        let offset = offset.strip_prefix(['+', '-']).is_some().then_some(offset)?;
        format!("{local}{}:{}", &offset[..3], &offset[3..]).parse().ok()
    })?;
    Some(datetime(timestamp.as_millisecond()))
}

/// A date in the form that is stored; a datetime loses its time, as it does for the vendor.
pub fn parse_date(text: &str) -> Option<String> {
    let date = match text.split_once('T') {
        Some((date, _)) => parse_datetime(text).map(|_| date)?,
        None => text,
    };
    (date.len() == 10).then(|| date.parse::<Date>().ok())?.map(|date| date.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datetimes_are_stored_in_one_form() {
        for (given, expected) in [
            ("2026-11-20T10:11:12Z", Some("2026-11-20T10:11:12.000+0000")),
            ("2026-11-20T10:11:12.345+0200", Some("2026-11-20T08:11:12.345+0000")),
            ("2026-11-20T10:11:12-05:00", Some("2026-11-20T15:11:12.000+0000")),
            ("2026-11-20", None),
            ("now", None),
            ("é", None),
        ] {
            assert_eq!(parse_datetime(given).as_deref(), expected, "{given}");
        }
    }

    #[test]
    fn dates_are_days() {
        for (given, expected) in [
            ("2026-11-20", Some("2026-11-20")),
            ("2026-11-20T23:59:59.000Z", Some("2026-11-20")),
            ("2026-02-30", None),
            ("20.11.2026", None),
        ] {
            assert_eq!(parse_date(given).as_deref(), expected, "{given}");
        }
    }
}
