//! One Stripe customer for one Salesforce account. It is a run of its own, so that two deals of one account that are won
//! in the same second end at one customer.

use domain::{AccountId, CustomerId};
use mapping::{Code, CustomerDetails, Stop};
use serde::{Deserialize, Serialize};

use crate::{Call, End, Fact, Next, OutOfOrder, Status};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// Salesforce names a customer: look whether it is there, and whose it is.
    Named { account_id: AccountId, details: CustomerDetails, customer_id: CustomerId, doubted: bool },
    /// Nobody knows of a customer: make one.
    Unknown { account_id: AccountId, details: CustomerDetails },
    /// The end: the account's customer. It changes only when Stripe does not know it any more.
    Known { customer_id: CustomerId },
    /// Stripe does not take the customer as it is described.
    Stopped { account_id: AccountId, stop: Stop },
}

impl Point {
    /// `gone` is the customer that Stripe was just heard not to know any more.
    pub fn new(
        account_id: AccountId,
        details: CustomerDetails,
        named_by_salesforce: Option<CustomerId>,
        gone: Option<CustomerId>,
    ) -> Self {
        match (gone, named_by_salesforce) {
            (Some(customer_id), _) => Self::Named { account_id, details, customer_id, doubted: true },
            (None, Some(customer_id)) => Self::Named { account_id, details, customer_id, doubted: false },
            (None, None) => Self::Unknown { account_id, details },
        }
    }

    pub fn next(&self) -> Next {
        match self {
            Self::Named { customer_id, .. } => Next::Call(Call::ReadCustomer { customer_id: customer_id.clone() }),
            Self::Unknown { account_id, details } => {
                Next::Call(Call::CreateCustomer { account_id: account_id.clone(), details: details.clone() })
            }
            Self::Known { .. } => Next::End(End::Done),
            Self::Stopped { stop, .. } => Next::End(End::Stopped(stop.clone())),
        }
    }

    pub fn record(self, fact: Fact) -> Result<Self, OutOfOrder> {
        match (self, fact) {
            (Self::Named { account_id, .. }, Fact::CustomerRead { customer_id, metadata }) => {
                // A customer without our metadata was linked by a person, who wrote its id on the account.
                let belongs = metadata.get("sf_account_id").is_none_or(|owner| owner == account_id.as_str());
                Ok(if belongs {
                    Self::Known { customer_id }
                } else {
                    let message = format!(
                        "The account names Stripe customer {customer_id}, which was made for another account: correct \
                         Stripe Customer Id on the account, or empty it to have a new customer made."
                    );
                    let stop = Stop::refused(Code::CustomerBelongsElsewhere, message);
                    Self::Stopped { account_id, stop }
                })
            }
            // The named one is deleted, or the one that was just made is.
            (
                Self::Named { account_id, details, .. } | Self::Unknown { account_id, details },
                Fact::CustomerMissing,
            ) => Ok(Self::Unknown { account_id, details }),
            (Self::Unknown { .. }, Fact::CustomerCreated { customer_id }) => Ok(Self::Known { customer_id }),
            (Self::Named { account_id, .. } | Self::Unknown { account_id, .. }, Fact::Refused(why)) => {
                Ok(Self::Stopped { account_id, stop: why.stop })
            }
            (point, fact) => Err(OutOfOrder { point: point.name(), fact: fact.name() }),
        }
    }

    /// Whether a deal that comes along now may say anew whom the customer is for. One that is settled stays, unless the deal
    /// doubts this very one; one that may be under way is waited for.
    pub(crate) fn gives_way_to(&self, newcomer: &Self, is_under_way: bool) -> bool {
        match (self, newcomer) {
            _ if planted!(NewcomersBeginAnew) => true,
            (Self::Known { customer_id }, Self::Named { customer_id: doubted, .. }) => customer_id == doubted,
            (Self::Known { .. }, _) => false,
            // A doubt is cleared up first: whoever comes along without it has only not heard of it.
            (Self::Named { doubted: true, .. }, _) => false,
            (Self::Named { .. } | Self::Unknown { .. }, _) => !is_under_way,
            (Self::Stopped { .. }, _) => true,
        }
    }

    /// Whoever takes it up brings along what it needs.
    pub fn resume(self) -> Self {
        self
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Named { .. } => "named",
            Self::Unknown { .. } => "unknown",
            Self::Known { .. } => "known",
            Self::Stopped { .. } => "stopped",
        }
    }

    pub fn status(&self) -> Status {
        match self {
            Self::Named { .. } | Self::Unknown { .. } => Status::Open,
            Self::Known { .. } => Status::Done,
            Self::Stopped { .. } => Status::Rejected,
        }
    }

    pub fn stop(&self) -> Option<&Stop> {
        match self {
            Self::Stopped { stop, .. } => Some(stop),
            _ => None,
        }
    }

    pub fn customer_id(&self) -> Option<&CustomerId> {
        match self {
            Self::Known { customer_id } => Some(customer_id),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(customer_id: &str, doubted: bool) -> Point {
        let Point::Unknown { account_id, details } = unknown() else { unreachable!() };
        Point::Named { account_id, details, customer_id: CustomerId::parse(customer_id).expect("valid"), doubted }
    }

    fn unknown() -> Point {
        let email = domain::BillingEmail::parse("ap@acme.example").expect("valid");
        let details = CustomerDetails { name: "Acme".into(), email, phone: None, address: None };
        Point::Unknown { account_id: AccountId::parse("001000000000001AAA").expect("valid"), details }
    }

    fn read(owner: Option<&str>) -> Fact {
        let owner = owner.map(|owner| ("sf_account_id".to_owned(), owner.to_owned()));
        Fact::CustomerRead {
            customer_id: CustomerId::parse("cus_1").expect("valid"),
            metadata: owner.into_iter().collect(),
        }
    }

    /// A customer without our metadata was linked by a person.
    #[test]
    fn a_customer_that_salesforce_names_is_taken_unless_it_is_anothers() {
        for (owner, expected) in [
            (None, Ok("cus_1")),
            (Some("001000000000001AAA"), Ok("cus_1")),
            (Some("001000000000002AAA"), Err(Code::CustomerBelongsElsewhere)),
        ] {
            let point = named("cus_1", false).record(read(owner)).expect("in order");
            assert_eq!(point.customer_id().map(CustomerId::as_str), expected.ok());
            assert_eq!(point.stop().map(|stop| stop.code), expected.err());
            assert_eq!(point.status(), if expected.is_ok() { Status::Done } else { Status::Rejected });
            assert_eq!(point.name(), if expected.is_ok() { "known" } else { "stopped" });
        }
        let gone = named("cus_1", false).record(Fact::CustomerMissing).expect("in order");
        assert_eq!(
            (gone.name(), gone.status(), gone.customer_id(), gone.stop()),
            ("unknown", Status::Open, None, None)
        );
        let late = gone.record(Fact::Reported).expect_err("out of order");
        assert_eq!((late.point, late.fact), ("unknown", "reported"));
        assert_eq!(named("cus_1", false).name(), "named");
    }

    #[test]
    fn who_may_say_anew_whom_the_customer_is_for() {
        let known = Point::Known { customer_id: CustomerId::parse("cus_1").expect("valid") };
        for (there, newcomer, under_way, expected) in [
            (&known, named("cus_1", true), false, true),
            (&known, named("cus_2", true), false, false),
            (&known, unknown(), false, false),
            (&unknown(), named("cus_1", false), false, true),
            (&unknown(), named("cus_1", false), true, false),
            (&named("cus_1", false), unknown(), false, true),
            (&named("cus_1", false), unknown(), true, false),
            (&named("cus_1", true), unknown(), false, false),
            (&named("cus_1", true), named("cus_2", false), false, false),
        ] {
            assert_eq!(there.gives_way_to(&newcomer, under_way), expected, "{there:?} {newcomer:?} {under_way}");
        }
    }
}
