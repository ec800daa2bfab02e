//! States and provinces: people write their names, and Stripe takes the codes of ISO 3166-2.

use crate::CountryCode;

/// Of the countries whose addresses are written with a code. Elsewhere the text stays as it is.
const UNITED_STATES: &[(&str, &str)] = &[
    ("AL", "alabama"),
    ("AK", "alaska"),
    ("AZ", "arizona"),
    ("AR", "arkansas"),
    ("CA", "california"),
    ("CO", "colorado"),
    ("CT", "connecticut"),
    ("DE", "delaware"),
    ("DC", "district of columbia"),
    ("FL", "florida"),
    ("GA", "georgia"),
    ("HI", "hawaii"),
    ("ID", "idaho"),
    ("IL", "illinois"),
    ("IN", "indiana"),
    ("IA", "iowa"),
    ("KS", "kansas"),
    ("KY", "kentucky"),
    ("LA", "louisiana"),
    ("ME", "maine"),
    ("MD", "maryland"),
    ("MA", "massachusetts"),
    ("MI", "michigan"),
    ("MN", "minnesota"),
    ("MS", "mississippi"),
    ("MO", "missouri"),
    ("MT", "montana"),
    ("NE", "nebraska"),
    ("NV", "nevada"),
    ("NH", "new hampshire"),
    ("NJ", "new jersey"),
    ("NM", "new mexico"),
    ("NY", "new york"),
    ("NC", "north carolina"),
    ("ND", "north dakota"),
    ("OH", "ohio"),
    ("OK", "oklahoma"),
    ("OR", "oregon"),
    ("PA", "pennsylvania"),
    ("PR", "puerto rico"),
    ("RI", "rhode island"),
    ("SC", "south carolina"),
    ("SD", "south dakota"),
    ("TN", "tennessee"),
    ("TX", "texas"),
    ("UT", "utah"),
    ("VT", "vermont"),
    ("VA", "virginia"),
    ("WA", "washington"),
    ("WV", "west virginia"),
    ("WI", "wisconsin"),
    ("WY", "wyoming"),
];

const CANADA: &[(&str, &str)] = &[
    ("AB", "alberta"),
    ("BC", "british columbia"),
    ("MB", "manitoba"),
    ("NB", "new brunswick"),
    ("NL", "newfoundland and labrador"),
    ("NS", "nova scotia"),
    ("NT", "northwest territories"),
    ("NU", "nunavut"),
    ("ON", "ontario"),
    ("PE", "prince edward island"),
    ("QC", "quebec"),
    ("QC", "québec"),
    ("SK", "saskatchewan"),
    ("YT", "yukon"),
];

const AUSTRALIA: &[(&str, &str)] = &[
    ("ACT", "australian capital territory"),
    ("NSW", "new south wales"),
    ("NT", "northern territory"),
    ("QLD", "queensland"),
    ("SA", "south australia"),
    ("TAS", "tasmania"),
    ("VIC", "victoria"),
    ("WA", "western australia"),
];

/// The code of a state or province, from its name or its code in any case; anything else as it was written. A region that is not
/// known is no reason not to bill.
pub fn region(country: Option<CountryCode>, text: &str) -> String {
    let text = text.trim();
    let regions = match country.as_ref().map(CountryCode::as_str) {
        Some("US") => UNITED_STATES,
        Some("CA") => CANADA,
        Some("AU") => AUSTRALIA,
        _ => &[],
    };
    let lower = text.to_lowercase();
    let found = regions.iter().find(|(code, name)| *name == lower || code.eq_ignore_ascii_case(text));
    found.map_or_else(|| text.to_owned(), |(code, _)| (*code).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_codes_where_addresses_have_them() {
        for (country, text, expected) in [
            ("US", "California", "CA"),
            ("US", " new york ", "NY"),
            ("US", "tx", "TX"),
            ("CA", "Québec", "QC"),
            ("CA", "ONTARIO", "ON"),
            ("AU", "New South Wales", "NSW"),
            // The same letters elsewhere are something else.
            ("DE", "CA", "CA"),
            ("DE", "Bayern", "Bayern"),
            ("GB", "Northern Territory", "Northern Territory"),
            ("US", "Ontario", "Ontario"),
        ] {
            assert_eq!(region(CountryCode::parse(country).ok(), text), expected, "{text} in {country}");
        }
        assert_eq!(region(None, " California"), "California");
    }

    #[test]
    fn every_code_and_every_name_is_there_once() {
        for (regions, count) in [(UNITED_STATES, 52), (CANADA, 14), (AUSTRALIA, 8)] {
            let names: std::collections::BTreeSet<_> = regions.iter().map(|(_, name)| name).collect();
            assert_eq!((names.len(), regions.len()), (count, count));
            assert!(regions.iter().all(|(_, name)| *name == name.to_lowercase()));
            assert!(regions.iter().all(|(code, _)| code.bytes().all(|c| c.is_ascii_uppercase())));
        }
    }
}
