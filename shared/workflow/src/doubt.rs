//! Whether what Salesforce says may be overwritten yet by a request that is under way.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Whether a write may be under way whose answer nobody has seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    #[default]
    None,
    /// Since a moment that is not known.
    Since,
    Until(Timestamp),
}

impl Doubt {
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }

    /// When everything has just been read. A request may be under way for so long.
    pub(crate) fn at(self, now: Timestamp, longest: SignedDuration) -> Self {
        match self {
            Self::Since => Self::Until(now.saturating_add(longest).unwrap_or(Timestamp::MAX)),
            Self::Until(until) if now >= until => Self::None,
            doubt => doubt,
        }
    }

    pub(crate) fn until(self) -> Option<Timestamp> {
        match self {
            Self::Until(until) => Some(until),
            Self::None | Self::Since => None,
        }
    }
}
