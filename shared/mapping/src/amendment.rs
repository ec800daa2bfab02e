//! What becomes of an invoice whose deal is changed after it was sent.

/// What the organization lets happen by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Amendments {
    /// A person is told, and decides.
    #[default]
    Review,
    /// An invoice that nothing is paid of is voided, and the deal billed anew.
    VoidAndReissue,
    /// That; and one that is paid is credited to the customer's balance, which pays for the one in its place as far as it reaches.
    CreditAndReissue,
}

impl Amendments {
    /// As the configuration writes it.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "review" => Ok(Self::Review),
            "void_and_reissue" => Ok(Self::VoidAndReissue),
            "credit_and_reissue" => Ok(Self::CreditAndReissue),
            _ => Err("it must be review, void_and_reissue or credit_and_reissue".to_owned()),
        }
    }

    /// A deal that is changed may be billed by another invoice than it was.
    pub fn reissues(self) -> bool {
        match self {
            Self::Review => false,
            Self::VoidAndReissue | Self::CreditAndReissue => true,
        }
    }

    pub fn credits(self) -> bool {
        self == Self::CreditAndReissue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_one_of_its_names() {
        assert_eq!(Amendments::parse("review"), Ok(Amendments::default()));
        assert_eq!(Amendments::parse("void_and_reissue"), Ok(Amendments::VoidAndReissue));
        assert_eq!(Amendments::parse("credit_and_reissue"), Ok(Amendments::CreditAndReissue));
        let may = |policy: Amendments| (policy.reissues(), policy.credits());
        assert_eq!(may(Amendments::Review), (false, false));
        assert_eq!(may(Amendments::VoidAndReissue), (true, false));
        assert_eq!(may(Amendments::CreditAndReissue), (true, true));
        for text in ["", "void", "Review", "revision"] {
            assert!(Amendments::parse(text).is_err(), "{text}");
        }
    }
}
