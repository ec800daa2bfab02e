//! Which configuration file something was decided under.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The SHA-256 of the file's bytes, as 64 small hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConfigurationHash(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no SHA-256 in 64 hexadecimal digits")]
pub struct NoHash;

impl ConfigurationHash {
    pub fn parse(text: &str) -> Result<Self, NoHash> {
        let is_digit = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
        match text.len() == 64 && text.bytes().all(is_digit) {
            true => Ok(Self(text.to_owned())),
            false => Err(NoHash),
        }
    }

    pub fn of(digest: &[u8; 32]) -> Self {
        Self(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ConfigurationHash {
    type Error = NoHash;

    fn try_from(text: String) -> Result<Self, NoHash> {
        Self::parse(&text)
    }
}

impl From<ConfigurationHash> for String {
    fn from(hash: ConfigurationHash) -> Self {
        hash.0
    }
}

impl fmt::Display for ConfigurationHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_its_digits() {
        let hash = ConfigurationHash::of(&[0xab; 32]);
        assert_eq!(hash.as_str(), "ab".repeat(32));
        assert_eq!(ConfigurationHash::parse(hash.as_str()), Ok(hash));
        for text in ["", "ab", &"AB".repeat(32), &"zz".repeat(32), &"ab".repeat(33)] {
            assert_eq!(ConfigurationHash::parse(text), Err(NoHash), "{text}");
        }
    }
}
