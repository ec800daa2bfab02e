//! Where no deal names something of Stripe's, it is looked for who does: by its own id, and then by its customer.

use domain::{AccountId, CustomerId};
use mapping::{Lost, Search, Stop, Whereabouts};
use serde::{Deserialize, Serialize};

use crate::{Call, Fact};

/// How far that has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seek {
    lost: Lost,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer_id: Option<CustomerId>,
    step: Step,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    /// Who names it?
    ById,
    /// Nobody does. Which account does its customer say that it is of?
    WhoseCustomer,
    /// That one, or none.
    ByCustomer { account_id: Option<AccountId> },
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
        Self { lost, customer_id, step: Step::ById }
    }

    pub(crate) fn call(&self) -> Call {
        match (&self.step, &self.customer_id) {
            (Step::WhoseCustomer, Some(customer_id)) => Call::ReadCustomer { customer_id: customer_id.clone() },
            _ => Call::LookUp { search: Box::new(self.search()) },
        }
    }

    fn search(&self) -> Search {
        let lost = self.lost.clone();
        match &self.step {
            Step::ByCustomer { account_id } => {
                Search { lost, customer_id: self.customer_id.clone(), account_id: account_id.clone() }
            }
            Step::ById | Step::WhoseCustomer => Search { lost, customer_id: None, account_id: None },
        }
    }

    pub(crate) fn record(self, fact: Fact) -> Sought {
        let at = |step| Sought::On(Self { step, ..self.clone() });
        match (&self.step, fact) {
            (Step::ById, Fact::LookedUp(found)) if found.named_by.is_empty() && self.customer_id.is_some() => {
                at(Step::WhoseCustomer)
            }
            (Step::ById | Step::ByCustomer { .. }, Fact::LookedUp(found)) => Sought::Ended(self.search(), *found),
            (Step::WhoseCustomer, Fact::CustomerRead { metadata, .. }) => {
                let account_id = metadata.get("sf_account_id").and_then(|id| AccountId::parse(id).ok());
                at(Step::ByCustomer { account_id })
            }
            (Step::WhoseCustomer, Fact::CustomerMissing) => at(Step::ByCustomer { account_id: None }),
            (_, Fact::Refused(why)) => Sought::Refused(Stop::review(why.stop.code, why.stop.message)),
            _ => Sought::OutOfOrder,
        }
    }
}

/// Why a person is told at last: that it was waited for, and what is known.
pub(crate) fn in_vain(waited: &Stop, search: &Search, whereabouts: &Whereabouts) -> Stop {
    besides(waited, &whereabouts.said(search))
}

/// The same where the search itself was refused.
pub(crate) fn besides(waited: &Stop, words: &str) -> Stop {
    Stop::review(waited.code, format!("{} {words}", waited.message))
}

#[cfg(test)]
mod tests {
    use domain::{InvoiceId, Record};
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

    fn nothing() -> Fact {
        Fact::LookedUp(Box::default())
    }

    fn on(seek: Seek, fact: Fact) -> Seek {
        let Sought::On(seek) = seek.record(fact) else { panic!("it goes on") };
        seek
    }

    #[test]
    fn it_is_looked_for_by_its_id_and_then_by_its_customer() {
        for (fact, account) in [
            (customer("001000000000001AAA"), Some("001000000000001AAA")),
            (customer("nobody"), None),
            (Fact::CustomerMissing, None),
        ] {
            let Call::LookUp { search } = seek(Some("cus_1")).call() else { panic!("it is looked up") };
            assert_eq!(search.customer_id, None, "that is asked only where nobody names it");
            let asked = on(seek(Some("cus_1")), nothing());
            assert_eq!(asked.call().name(), "read_customer");
            let Call::LookUp { search } = on(asked, fact).call() else { panic!("it is looked up") };
            assert_eq!(search.customer_id.as_ref().map(|id| id.as_str()), Some("cus_1"));
            assert_eq!(search.account_id.map(|id| id.to_string()).as_deref(), account);
        }
    }

    #[test]
    fn it_ends_with_what_is_known() {
        let Sought::Ended(search, found) = seek(None).record(nothing()) else { panic!("there is nobody to ask") };
        let waited = Stop::review(Code::InvoiceNotLinked, "It names none.");
        let stop = in_vain(&waited, &search, &found);
        assert_eq!(stop.message, "It names none. No opportunity names the invoice.");
        let mut named = Record::default();
        named.set("Id", domain::FieldValue::Text("006000000000001AAA".into()));
        let named = Fact::LookedUp(Box::new(Whereabouts::of(vec![vec![named]])));
        assert!(matches!(seek(Some("cus_1")).record(named), Sought::Ended(_, found) if found.owner().is_some()));
        let last = on(on(seek(Some("cus_1")), nothing()), Fact::CustomerMissing);
        assert!(matches!(last.record(nothing()), Sought::Ended(search, _) if search.customer_id.is_some()));
        let refused = Fact::Refused(Refusal { stop: Stop::refused(Code::SalesforceRefused, "No.") });
        assert!(matches!(seek(None).record(refused), Sought::Refused(stop) if stop.code == Code::SalesforceRefused));
        assert!(matches!(on(seek(Some("cus_1")), nothing()).record(nothing()), Sought::OutOfOrder));
        assert!(matches!(seek(None).record(Fact::CustomerMissing), Sought::OutOfOrder));
    }
}
