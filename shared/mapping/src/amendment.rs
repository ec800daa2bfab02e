//! What becomes of an invoice whose deal is changed after it was sent.

/// What the organization lets happen by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Amendments {
    /// A person is told, and decides.
    #[default]
    Review,
    /// An invoice that nothing is paid of is voided, and the deal billed anew.
    VoidAndReissue,
}

impl Amendments {
    /// As the configuration writes it.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "review" => Ok(Self::Review),
            "void_and_reissue" => Ok(Self::VoidAndReissue),
            _ => Err("it must be review or void_and_reissue".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_one_of_its_names() {
        assert_eq!(Amendments::parse("review"), Ok(Amendments::default()));
        assert_eq!(Amendments::parse("void_and_reissue"), Ok(Amendments::VoidAndReissue));
        for text in ["", "void", "Review", "revision"] {
            assert!(Amendments::parse(text).is_err(), "{text}");
        }
    }
}
