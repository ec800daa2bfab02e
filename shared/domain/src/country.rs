//! Countries: Salesforce holds names that people typed, Stripe takes ISO 3166 alpha-2 codes.

use std::fmt;

use celes::Country;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the billing country is neither an ISO 3166 code nor a country's name in English")]
pub struct UnknownCountry;

/// What people type that is neither a name nor a code of the standard, in the form that `plain` gives.
const ALSO_KNOWN_AS: [(&str, &str); 35] = [
    ("america", "US"),
    ("bolivia", "BO"),
    ("brunei", "BN"),
    ("caboverde", "CV"),
    ("czechrepublic", "CZ"),
    ("deutschland", "DE"),
    ("england", "GB"),
    ("eswatini", "SZ"),
    ("greatbritain", "GB"),
    ("holland", "NL"),
    ("iran", "IR"),
    ("ivorycoast", "CI"),
    ("korea", "KR"),
    ("macau", "MO"),
    ("macedonia", "MK"),
    ("moldova", "MD"),
    ("netherlands", "NL"),
    ("northernireland", "GB"),
    ("republicofkorea", "KR"),
    ("russia", "RU"),
    ("scotland", "GB"),
    ("southkorea", "KR"),
    ("swaziland", "SZ"),
    ("taiwan", "TW"),
    ("tanzania", "TZ"),
    ("turkey", "TR"),
    ("türkiye", "TR"),
    ("uk", "GB"),
    ("unitedkingdom", "GB"),
    ("unitedstates", "US"),
    ("unitedstatesofamerica", "US"),
    ("us", "US"),
    ("usa", "US"),
    ("venezuela", "VE"),
    ("vietnam", "VN"),
];

/// Without case, article, blanks and punctuation, so that "The Netherlands" and "Bosnia & Herzegovina" are found.
fn plain(name: &str) -> String {
    let lower = name.to_lowercase();
    lower.strip_prefix("the ").unwrap_or(&lower).chars().filter(|c| c.is_alphanumeric()).collect()
}

/// An ISO 3166 alpha-2 code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CountryCode([u8; 2]);

impl CountryCode {
    /// From a code of two or three letters, or an English name in any case.
    pub fn parse(text: &str) -> Result<Self, UnknownCountry> {
        let text = text.trim();
        let plain = plain(text);
        if let Some((_, code)) = ALSO_KNOWN_AS.iter().find(|(name, _)| *name == plain) {
            return Self::from_code(code);
        }
        let found = match text.len() {
            2 => Country::from_alpha2(text).ok(),
            3 => Country::from_alpha3(text).ok(),
            _ => Country::get_countries().into_iter().find(|country| self::plain(country.long_name) == plain),
        };
        found.ok_or(UnknownCountry).and_then(|country| Self::from_code(country.alpha2))
    }

    fn from_code(code: &str) -> Result<Self, UnknownCountry> {
        code.as_bytes().try_into().map(Self).map_err(|_| UnknownCountry)
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("parse admits ASCII letters only")
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for CountryCode {
    type Error = UnknownCountry;

    fn try_from(text: String) -> Result<Self, UnknownCountry> {
        Self::parse(&text)
    }
}

impl From<CountryCode> for String {
    fn from(country: CountryCode) -> String {
        country.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_codes_become_alpha_2() {
        for (text, expected) in [
            ("US", "US"),
            ("de", "DE"),
            ("DEU", "DE"),
            ("us", "US"),
            ("USA", "US"),
            ("United States", "US"),
            ("united states of america", "US"),
            ("Germany", "DE"),
            ("Deutschland", "DE"),
            ("United Kingdom", "GB"),
            ("UK", "GB"),
            ("The Netherlands", "NL"),
            ("Japan", "JP"),
            ("Kuwait", "KW"),
            ("South Korea", "KR"),
            ("Switzerland", "CH"),
            ("Czech Republic", "CZ"),
            ("France", "FR"),
            ("Canada", "CA"),
            ("Ireland", "IE"),
            ("Australia", "AU"),
            ("Brazil", "BR"),
            ("India", "IN"),
            ("Vietnam", "VN"),
            ("Türkiye", "TR"),
        ] {
            assert_eq!(CountryCode::parse(text).map(|c| c.to_string()), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_country_is_written_down_as_its_code() {
        let code = CountryCode::parse("Germany").expect("a country");
        let written = serde_json::to_string(&code).expect("written");
        assert_eq!(written, r#""DE""#);
        assert_eq!(serde_json::from_str::<CountryCode>(&written).expect("read"), code);
    }

    #[test]
    fn what_is_no_country_is_refused() {
        for text in ["", "Narnia", "X", "ZZ", "Europe", "U", "12"] {
            assert_eq!(CountryCode::parse(text), Err(UnknownCountry), "{text}");
        }
    }
}
