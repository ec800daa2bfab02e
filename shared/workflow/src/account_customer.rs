//! One Stripe customer for one Salesforce account, or for its subscriptions in a currency. It is a run of its own, so that two deals of one
//! account that are won in the same second end at one customer.

mod newcomer;

use domain::{AccountId, CustomerId, TaxIdId};
use jiff::Timestamp;
use mapping::{Code, CustomerDetails, Stop, TaxIdNews, Told};
use newcomer::has_tax_id_news;
use serde::{Deserialize, Serialize};

use crate::{Call, End, Fact, Next, OutOfOrder, Status};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// Salesforce names a customer, or a deal doubts the account's own: look whether it is there, and whose it is.
    Named {
        account_id: AccountId,
        details: CustomerDetails,
        customer_id: CustomerId,
        doubted: bool,
        #[serde(default)]
        told: Option<Told>,
    },
    /// Nobody knows of a customer: make one.
    Unknown { account_id: AccountId, details: CustomerDetails },
    /// Salesforce says something else of the customer than Stripe was last told: tell it before anything is billed.
    Updating {
        account_id: AccountId,
        details: CustomerDetails,
        customer_id: CustomerId,
        told: Option<Told>,
        /// Tax ids of which it was decided before that they go.
        #[serde(default)]
        going: Vec<TaxIdId>,
    },
    /// That is told, and what is left is the tax id, which is an object of its own: the account's is added, then the one before it taken away.
    TaxId { account_id: AccountId, details: CustomerDetails, customer_id: CustomerId, told: Told, step: TaxIdStep },
    /// Stripe does not take it. The account keeps its customer, and is not billed.
    Untold {
        customer_id: CustomerId,
        told: Option<Told>,
        /// How old in Salesforce what was refused is.
        modified_at: Option<Timestamp>,
        /// What was refused, where Stripe did: the same is not told again because something else of the account has changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refused: Option<Told>,
        stop: Stop,
        /// Whether a person is told of it here. Of what a deal met the deal tells.
        #[serde(default, skip_serializing_if = "Letter::is_none")]
        letter: Letter,
    },
    /// The end: the account's customer, and what Stripe was told of it. One that a person linked was told nothing, and is not: it may
    /// be other accounts' as well. Another takes its place only when Stripe does not know it any more.
    Known {
        customer_id: CustomerId,
        #[serde(default)]
        told: Option<Told>,
    },
    /// Stripe does not take the customer as it is described.
    Stopped { account_id: AccountId, stop: Stop },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Letter {
    #[default]
    None,
    Owed,
    Sent,
}

impl Letter {
    fn is_none(&self) -> bool {
        *self == Self::None
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaxIdStep {
    /// Which ones the customer has: a person may have added it. Of some it was decided before that they go.
    Looking {
        #[serde(default)]
        going: Vec<TaxIdId>,
    },
    /// What is left to do: to add first, then to remove one by one.
    Changing(TaxIdNews),
}

impl TaxIdStep {
    /// Those that were to be taken away.
    fn going(self) -> Vec<TaxIdId> {
        match self {
            Self::Looking { going } => going,
            Self::Changing(news) => news.remove,
        }
    }
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
            (Some(customer_id), _) => Self::Named { account_id, details, customer_id, doubted: true, told: None },
            (None, Some(customer_id)) => Self::Named { account_id, details, customer_id, doubted: false, told: None },
            (None, None) => Self::Unknown { account_id, details },
        }
    }

    pub fn next(&self) -> Next {
        match self {
            Self::Named { customer_id, .. } => Next::Call(Call::ReadCustomer { customer_id: customer_id.clone() }),
            Self::Unknown { account_id, details } => {
                Next::Call(Call::CreateCustomer { account_id: account_id.clone(), details: details.clone() })
            }
            Self::Updating { customer_id, details, told, .. } => {
                let news = details.news_since(told.as_ref()).unwrap_or_default();
                Next::Call(Call::UpdateCustomer { customer_id: customer_id.clone(), news })
            }
            Self::TaxId { customer_id, step, .. } => {
                let customer_id = customer_id.clone();
                match step {
                    TaxIdStep::Looking { .. } => Next::Call(Call::ReadTaxIds { customer_id }),
                    TaxIdStep::Changing(TaxIdNews { add: Some(tax_id), .. }) => {
                        Next::Call(Call::AddTaxId { customer_id, tax_id: tax_id.clone() })
                    }
                    TaxIdStep::Changing(TaxIdNews { add: None, remove }) => match remove.first() {
                        Some(tax_id) => Next::Call(Call::RemoveTaxId { customer_id, tax_id: tax_id.clone() }),
                        None => Next::End(End::Done),
                    },
                }
            }
            Self::Known { .. } => Next::End(End::Done),
            Self::Untold { stop, letter: Letter::Owed, .. } => Next::Call(Call::Report { stop: stop.clone() }),
            Self::Untold { stop, .. } | Self::Stopped { stop, .. } => Next::End(End::Stopped(stop.clone())),
        }
    }

    pub fn record(self, fact: Fact) -> Result<Self, OutOfOrder> {
        match (self, fact) {
            (Self::Named { account_id, details, told, doubted, .. }, Fact::CustomerRead { customer_id, metadata }) => {
                let owner = metadata.get("sf_account_id").map(String::as_str);
                // Nobody's but the deal's own run asks for one of these.
                let is_apart = metadata.get("sf_currency").filter(|_| !doubted && !details.is_for_news);
                if let Some(currency) = is_apart {
                    let message = format!(
                        "The account names Stripe customer {customer_id}, which is for its subscriptions in {} alone: empty Stripe Customer Id on \
                         the account to have its own found or made.",
                        currency.to_uppercase()
                    );
                    let stop = Stop::refused(Code::CustomerBelongsElsewhere, message);
                    return Ok(Self::Stopped { account_id, stop });
                }
                Ok(match (owner, told) {
                    // It was linked by a person, who wrote its id on the account.
                    (None, _) => Self::Known { customer_id, told: None },
                    (Some(owner), told) if owner == account_id.as_str() => {
                        Self::up_to_date(account_id, details, customer_id, told, Vec::new())
                    }
                    (Some(_), _) => {
                        let message = format!(
                            "The account names Stripe customer {customer_id}, which was made for another account: correct \
                         Stripe Customer Id on the account, or empty it to have a new customer made."
                        );
                        let stop = Stop::refused(Code::CustomerBelongsElsewhere, message);
                        Self::Stopped { account_id, stop }
                    }
                })
            }
            // Whoever bills the next deal finds that it is gone, and makes another of what is said then. Until then it counts as told.
            (
                Self::Named { details, customer_id, .. }
                | Self::Updating { details, customer_id, .. }
                | Self::TaxId { details, customer_id, .. },
                Fact::CustomerMissing,
            ) if details.is_for_news => Ok(Self::Known { customer_id, told: Some(details.told(None)) }),
            (Self::Untold { customer_id, told, modified_at, refused, stop, letter: Letter::Owed }, Fact::Reported) => {
                Ok(Self::Untold { customer_id, told, modified_at, refused, stop, letter: Letter::Sent })
            }
            // The named one is deleted, or the one that was just made is.
            (
                Self::Named { account_id, details, .. }
                | Self::Updating { account_id, details, .. }
                | Self::TaxId { account_id, details, .. }
                | Self::Unknown { account_id, details },
                Fact::CustomerMissing,
            ) => Ok(Self::Unknown { account_id, details }),
            (Self::Unknown { details, .. }, Fact::CustomerCreated { customer_id }) => {
                Ok(Self::Known { customer_id, told: Some(details.told(None)) })
            }
            // It may have been made from what an earlier deal said.
            (Self::Unknown { account_id, details }, Fact::CustomerFound { customer_id }) => {
                Ok(Self::up_to_date(account_id, details, customer_id, None, Vec::new()))
            }
            (Self::Updating { account_id, details, customer_id, told, going }, Fact::CustomerUpdated) => {
                let told = details.told_by_news(told.as_ref());
                Ok(match Self::up_to_date(account_id, details.clone(), customer_id, Some(told), going) {
                    Self::Known { customer_id, told } => {
                        Self::Known { customer_id, told: Some(details.told(told.as_ref())) }
                    }
                    point => point,
                })
            }
            (
                Self::TaxId { account_id, details, customer_id, told, step: TaxIdStep::Looking { going } },
                Fact::TaxIdsRead(there),
            ) => {
                let mut news = details.tax_id_news(&told, &there, &going);
                if planted!(KeepsFormerTaxIds) {
                    news.remove.clear();
                }
                Ok(Self::changing(account_id, details, customer_id, told, news))
            }
            (
                Self::TaxId { account_id, details, customer_id, told, step: TaxIdStep::Changing(news) },
                Fact::TaxIdAdded,
            ) => {
                // Whoever says something else while the others go takes this one away as well.
                let told = details.told_tax_id(told);
                Ok(Self::changing(account_id, details, customer_id, told, TaxIdNews { add: None, ..news }))
            }
            (
                Self::TaxId { account_id, details, customer_id, told, step: TaxIdStep::Changing(mut news) },
                Fact::TaxIdRemoved,
            ) => {
                news.remove.remove(0);
                Ok(Self::changing(account_id, details, customer_id, told, news))
            }
            (Self::TaxId { details, customer_id, told, .. }, Fact::Refused(why)) => {
                let told = Some(told.without_tax_id());
                Ok(Self::untold(&details, customer_id, told, why.stop))
            }
            (Self::Updating { details, customer_id, told, going, .. }, Fact::Refused(why)) => {
                let told = if going.is_empty() { told } else { told.map(Told::without_tax_id) };
                Ok(Self::untold(&details, customer_id, told, why.stop))
            }
            (Self::Named { account_id, .. } | Self::Unknown { account_id, .. }, Fact::Refused(why)) => {
                Ok(Self::Stopped { account_id, stop: why.stop })
            }
            (point, fact) => Err(OutOfOrder { point: point.name(), fact: fact.name() }),
        }
    }

    fn untold(details: &CustomerDetails, customer_id: CustomerId, told: Option<Told>, stop: Stop) -> Self {
        let refused = Some(details.told(told.as_ref()));
        let letter = if details.is_for_news { Letter::Owed } else { Letter::None };
        Self::Untold { customer_id, told, modified_at: details.modified_at, refused, stop, letter }
    }

    /// What its account says is not to be told, as it is: nobody's deal asks for it, and a person has to mend it all the same.
    pub fn unreadable(customer_id: CustomerId, modified_at: Timestamp, stop: Stop) -> Self {
        let (modified_at, letter) = (Some(modified_at), Letter::Owed);
        Self::Untold { customer_id, told: None, modified_at, refused: None, stop, letter }
    }

    /// What an account says that changed by itself, to the customer that it has.
    pub fn for_news(account_id: AccountId, details: CustomerDetails, customer_id: CustomerId) -> Self {
        Self::Named { account_id, details, customer_id, doubted: false, told: None }
    }

    /// Its tax ids, one step on.
    fn changing(
        account_id: AccountId,
        details: CustomerDetails,
        customer_id: CustomerId,
        told: Told,
        news: TaxIdNews,
    ) -> Self {
        match news.is_none() {
            true => Self::Known { customer_id, told: Some(details.told(Some(&told))) },
            false => Self::TaxId { account_id, details, customer_id, told, step: TaxIdStep::Changing(news) },
        }
    }

    /// One that is there, and is told what is new. Of one of ours of whom nothing is remembered, everything is.
    fn up_to_date(
        account_id: AccountId,
        details: CustomerDetails,
        customer_id: CustomerId,
        told: Option<Told>,
        going: Vec<TaxIdId>,
    ) -> Self {
        match told {
            Some(told) if details.news_since(Some(&told)).is_some() => {
                Self::Updating { account_id, details, customer_id, told: Some(told), going }
            }
            Some(told) if has_tax_id_news(&details, &told) || !going.is_empty() => {
                Self::TaxId { account_id, details, customer_id, told, step: TaxIdStep::Looking { going } }
            }
            Some(told) => Self::Known { customer_id, told: Some(told) },
            told => Self::Updating { account_id, details, customer_id, told, going },
        }
    }

    /// A person asks for it once more: what was refused may be taken now, and if not, that is said once more.
    pub(crate) fn asked_for(self) -> Self {
        match self {
            Self::Untold { customer_id, told, modified_at, stop, .. } => {
                Self::Untold { customer_id, told, modified_at, refused: None, stop, letter: Letter::None }
            }
            point => point,
        }
    }

    /// Whether its customer was told what the account said then, or something newer.
    pub fn was_told_since(&self, at: Timestamp) -> bool {
        matches!(self, Self::Known { told: Some(told), .. } if told.modified_at() >= Some(at))
    }

    /// Whoever takes it up brings along what it needs.
    pub fn resume(self) -> Self {
        self
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Named { .. } => "named",
            Self::Unknown { .. } => "unknown",
            Self::Updating { .. } => "updating",
            Self::TaxId { step: TaxIdStep::Looking { .. }, .. } => "tax_ids_looking",
            Self::TaxId { step: TaxIdStep::Changing(TaxIdNews { add: Some(_), .. }), .. } => "tax_id_adding",
            Self::TaxId { step: TaxIdStep::Changing(TaxIdNews { add: None, .. }), .. } => "tax_id_removing",
            Self::Untold { .. } => "untold",
            Self::Known { .. } => "known",
            Self::Stopped { .. } => "stopped",
        }
    }

    pub fn status(&self) -> Status {
        match self {
            Self::Named { .. } | Self::Unknown { .. } | Self::Updating { .. } | Self::TaxId { .. } => Status::Open,
            Self::Known { .. } => Status::Done,
            Self::Untold { letter: Letter::Owed, .. } => Status::Open,
            Self::Untold { .. } | Self::Stopped { .. } => Status::Rejected,
        }
    }

    pub fn stop(&self) -> Option<&Stop> {
        match self {
            Self::Untold { stop, .. } | Self::Stopped { stop, .. } => Some(stop),
            _ => None,
        }
    }

    pub fn customer_id(&self) -> Option<&CustomerId> {
        match self {
            Self::Known { customer_id, .. }
            | Self::Updating { customer_id, .. }
            | Self::TaxId { customer_id, .. }
            | Self::Untold { customer_id, .. } => Some(customer_id),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
