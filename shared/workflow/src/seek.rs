//! Where no deal names something of Stripe's, it is looked for who does: by its own id, and by its customer.

use domain::{AccountId, CustomerId};
use mapping::{Lost, Search, Stop, Whereabouts};
use serde::{Deserialize, Serialize};

use crate::{Call, Fact};

/// How far that has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seek {
    search: Search,
    /// The customer said which account it is of, or that it is of none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    has_asked: bool,
}

/// What a fact makes of it.
pub(crate) enum Sought {
    On(Seek),
    Ended(Search, Whereabouts),
    Refused(Stop),
    /// The fact is of something else.
    OutOfOrder,
}

impl Seek {
    pub(crate) fn new(lost: Lost, customer_id: Option<CustomerId>) -> Self {
        Self { has_asked: customer_id.is_none(), search: Search { lost, customer_id, account_id: None } }
    }

    pub(crate) fn call(&self) -> Call {
        match &self.search.customer_id {
            Some(customer_id) if !self.has_asked => Call::ReadCustomer { customer_id: customer_id.clone() },
            _ => Call::LookUp { search: Box::new(self.search.clone()) },
        }
    }

    pub(crate) fn record(mut self, fact: Fact) -> Sought {
        match (fact, self.has_asked) {
            (Fact::CustomerRead { metadata, .. }, false) => {
                self.search.account_id = metadata.get("sf_account_id").and_then(|id| AccountId::parse(id).ok());
                Sought::On(Self { has_asked: true, ..self })
            }
            (Fact::CustomerMissing, false) => Sought::On(Self { has_asked: true, ..self }),
            (Fact::LookedUp(whereabouts), true) => Sought::Ended(self.search, *whereabouts),
            (Fact::Refused(why), _) => Sought::Refused(Stop::review(why.stop.code, why.stop.message)),
            _ => Sought::OutOfOrder,
        }
    }
}

/// Why a person is told at last: that it was waited for, and what is known.
pub(crate) fn in_vain(waited: &Stop, search: &Search, whereabouts: &Whereabouts) -> Stop {
    Stop::review(waited.code, format!("{} {}", waited.message, whereabouts.said(search)))
}

#[cfg(test)]
mod tests {
    use domain::InvoiceId;
    use mapping::Code;

    use super::*;
    use crate::Refusal;

    fn seek(customer: Option<&str>) -> Seek {
        let lost = Lost::Invoice(InvoiceId::parse("in_1").expect("valid"));
        Seek::new(lost, customer.map(|id| CustomerId::parse(id).expect("valid")))
    }

    fn customer(account: &str) -> Fact {
        let metadata = [("sf_account_id".to_owned(), account.to_owned())].into();
        Fact::CustomerRead { customer_id: CustomerId::parse("cus_1").expect("valid"), metadata }
    }

    fn on(seek: Seek, fact: Fact) -> Seek {
        let Sought::On(seek) = seek.record(fact) else { panic!("it goes on") };
        seek
    }

    #[test]
    fn the_customer_is_asked_first_and_says_whose_it_is() {
        for (fact, account) in [
            (customer("001000000000001AAA"), Some("001000000000001AAA")),
            (customer("nobody"), None),
            (Fact::CustomerMissing, None),
        ] {
            let asked = seek(Some("cus_1"));
            assert_eq!(asked.call().name(), "read_customer");
            let Call::LookUp { search } = on(asked, fact).call() else { panic!("it is looked up") };
            assert_eq!(search.account_id.map(|id| id.to_string()).as_deref(), account);
        }
        assert_eq!(seek(None).call().name(), "look_up", "there is nobody to ask");
    }

    #[test]
    fn it_ends_with_what_is_known() {
        let Sought::Ended(search, found) = seek(None).record(Fact::LookedUp(Box::default())) else { panic!("it ends") };
        let waited = Stop::review(Code::InvoiceNotLinked, "It names none.");
        let stop = in_vain(&waited, &search, &found);
        assert_eq!(stop.message, "It names none. No opportunity names the invoice.");
        let refused = Fact::Refused(Refusal { stop: Stop::refused(Code::SalesforceRefused, "No.") });
        assert!(matches!(seek(None).record(refused), Sought::Refused(stop) if stop.code == Code::SalesforceRefused));
        assert!(matches!(seek(Some("cus_1")).record(Fact::LookedUp(Box::default())), Sought::OutOfOrder));
        assert!(matches!(seek(None).record(Fact::CustomerMissing), Sought::OutOfOrder));
    }
}
