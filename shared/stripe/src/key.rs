//! The API key.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidApiKey {
    #[error("it is blank, or there is a blank or a line break in it")]
    Blank,
    #[error("it is a full key (sk_…): make a restricted key (rk_…) with the permissions that the README lists")]
    FullAccess,
    #[error("a restricted key is rk_live_ or rk_test_ and then letters, digits and underscores")]
    NotAKey,
}

/// A restricted key: what leaks from here can bill, and cannot pay out.
#[derive(Clone)]
pub struct ApiKey(SecretString);

impl ApiKey {
    pub fn parse(text: &str) -> Result<Self, InvalidApiKey> {
        let key = Self::parse_allowing_full_access(text)?;
        if text.starts_with("sk_") { Err(InvalidApiKey::FullAccess) } else { Ok(key) }
    }

    /// For tools that a person runs with their own key.
    pub fn parse_allowing_full_access(text: &str) -> Result<Self, InvalidApiKey> {
        if text.is_empty() || text.chars().any(char::is_whitespace) {
            return Err(InvalidApiKey::Blank);
        }
        let known = ["rk_live_", "rk_test_", "sk_live_", "sk_test_"];
        let is_key = |rest: &str| !rest.is_empty() && rest.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
        if known.iter().any(|prefix| text.strip_prefix(prefix).is_some_and(is_key)) {
            Ok(Self(SecretString::from(text)))
        } else {
            Err(InvalidApiKey::NotAKey)
        }
    }

    pub fn is_live(&self) -> bool {
        self.0.expose_secret().get(2..8) == Some("_live_")
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_restricted_keys_are_taken() {
        assert_eq!(ApiKey::parse("rk_live_1").map(|key| key.is_live()), Ok(true));
        assert_eq!(ApiKey::parse("rk_test_1").map(|key| key.is_live()), Ok(false));
        assert_eq!(ApiKey::parse("sk_live_1").err(), Some(InvalidApiKey::FullAccess));
        assert_eq!(ApiKey::parse("rk_test_1\n").err(), Some(InvalidApiKey::Blank));
        for text in ["whsec_1", "rk_test_", "rk_test_a-b", "rk_test_\"abc\"", "rk_test_ä", "rk_test_a\u{7f}"] {
            assert_eq!(ApiKey::parse(text).err(), Some(InvalidApiKey::NotAKey), "{text}");
        }
        assert_eq!(format!("{:?}", ApiKey::parse("rk_test_1")), "Ok(ApiKey(…))");
    }
}
