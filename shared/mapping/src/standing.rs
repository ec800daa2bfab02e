//! How a subscription stands, on the opportunities and contracts that name it.

use domain::{Currency, FieldValue, Money, OpportunityId, Record, SubscriptionId};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::activation::{CONTRACT_ID, contract_link};
use crate::customer::cut;
use crate::deal::{Filter, RecordQuery};
use crate::task::{STRIPE_ID, TASK};
use crate::update::{CONTRACT, SUBSCRIPTION_ID, Update, text};
use crate::{CancellationTask, RENEWAL_ID, Settings, Subscriptions};

/// Whether Salesforce is told how subscriptions stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Standings {
    Off,
    #[default]
    Mirrored,
}

impl Standings {
    /// As the configuration writes it.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            "mirrored" => Ok(Self::Mirrored),
            _ => Err("it must be off or mirrored".to_owned()),
        }
    }
}

impl Settings {
    /// Where nothing is a subscription there is nothing to tell, and the fields may not exist.
    pub fn mirrors_standings(&self) -> bool {
        self.standings == Standings::Mirrored && self.subscriptions != Subscriptions::Off
    }
}

pub const STATUS: &str = "Stripe_Subscription_Status__c";
/// What it bills a month now; what a deal was sold for stands in `MRR`.
pub const CURRENT_MRR: &str = "Stripe_Current_MRR__c";
pub const PERIOD_END: &str = "Stripe_Period_End__c";
pub const CANCELLATION: &str = "Stripe_Cancellation_Reason__c";

pub(crate) const MIRRORED: [&str; 4] = [STATUS, CURRENT_MRR, PERIOD_END, CANCELLATION];

/// What an earlier deal says whose subscription goes on for another one. The word is ours: Stripe has one subscription for both.
const RENEWED: &str = "renewed";

/// A subscription, as Salesforce is to say it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub subscription_id: SubscriptionId,
    /// The deal that it is billed for: the one that renewed it last, or the one that began it.
    pub opportunity_id: OpportunityId,
    /// It goes on for another deal than the one that began it.
    pub is_renewed: bool,
    /// In Stripe's words.
    pub status: String,
    pub is_over: bool,
    pub currency: Currency,
    /// `None` where it cannot be told: by usage, by the week, with a discount.
    pub monthly: Option<Money>,
    /// The first day that is not billed yet; of several frequencies, that of the next.
    pub period_end: Option<Date>,
    pub cancellation: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StandsOn {
    Opportunity,
    Contract,
}

/// A record that does not say it yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Untold {
    pub object: StandsOn,
    pub id: String,
    /// It is, or belongs to, the deal that the subscription is billed for.
    pub is_current: bool,
    /// An amount of the record is one in the subscription's currency.
    pub has_its_currency: bool,
}

/// The records that name a subscription, as Salesforce just answered them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Naming {
    pub opportunities: Vec<Record>,
    pub contracts: Vec<Record>,
    /// What somebody was asked to do for it.
    pub tasks: Vec<Record>,
}

impl Naming {
    /// Each query with its answer.
    pub fn of(answers: impl IntoIterator<Item = (RecordQuery, Vec<Record>)>) -> Self {
        let mut naming = Self::default();
        for (query, records) in answers {
            match query.object {
                CONTRACT => naming.contracts = records,
                TASK => naming.tasks = records,
                _ => naming.opportunities = records,
            }
        }
        naming
    }
}

/// Who is asked to look after a customer whose subscription has ended; nobody in particular, if nobody answers for the account any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub owner_id: Option<String>,
}

/// More deals than a subscription goes through in a lifetime.
const MOST: u32 = 200;

impl Standing {
    /// The opportunities, and the contracts where those begin subscriptions. The current deal is read whether it names the subscription
    /// or not.
    pub fn queries(&self, settings: &Settings) -> Vec<RecordQuery> {
        let named = || self.subscription_id.to_string();
        let currency = settings.multi_currency.then_some("CurrencyIsoCode");
        let fields = |link: Option<&'static str>| {
            let own = ["Id", SUBSCRIPTION_ID, RENEWAL_ID].into_iter();
            own.chain(MIRRORED).chain(link).chain(currency).collect()
        };
        let query = |object, link, filter| RecordQuery {
            object,
            fields: fields(link),
            also: vec![],
            filter: vec![filter],
            order_by: vec!["Id"],
            limit: Some(MOST),
        };
        let link = contract_link(settings);
        let either =
            Filter::IsOr(self.opportunity_id.to_string(), vec![(SUBSCRIPTION_ID, named()), (RENEWAL_ID, named())]);
        let mut opportunities = query("Opportunity", link.filter(|link| *link == CONTRACT_ID), ("Id", either));
        let asks = self.asks(settings);
        if asks {
            opportunities = settings.owners.reading(opportunities);
        }
        let task = RecordQuery {
            object: TASK,
            fields: vec!["Id"],
            also: vec![],
            filter: vec![(STRIPE_ID, Filter::Is(named()))],
            order_by: vec![],
            limit: Some(1),
        };
        let contracts = link.map(|link| {
            let either = Filter::IsOr(named(), vec![(RENEWAL_ID, named())]);
            query(CONTRACT, Some(link).filter(|link| *link != CONTRACT_ID), (SUBSCRIPTION_ID, either))
        });
        [opportunities].into_iter().chain(contracts).chain(asks.then_some(task)).collect()
    }

    fn asks(&self, settings: &Settings) -> bool {
        self.is_over && settings.cancellation_task == CancellationTask::Owner
    }

    /// Who is to be asked, where the deal names it and nobody was.
    pub fn asked(&self, naming: &Naming, settings: &Settings) -> Option<Asked> {
        let deal = self.deal(naming).filter(|deal| self.is_named_by(deal))?;
        let is_to_be_asked = self.asks(settings) && naming.tasks.is_empty();
        is_to_be_asked.then(|| Asked { owner_id: settings.owners.answers_for(deal).map(str::to_owned) })
    }

    /// A task of that day, at the opportunity. Its id is the subscription's, so there is one.
    pub fn task(&self, asked: &Asked, day: Date) -> Update {
        let why = self.cancellation.as_ref().map(|why| format!(" Stripe says: {why}")).unwrap_or_default();
        let description = format!(
            "Subscription {}, which was billed for this opportunity, is {} at Stripe, and nothing more is billed by it.{why}",
            self.subscription_id, self.status
        );
        let fields = [
            ("Subject", text(format!("Stripe subscription {} has ended", self.subscription_id))),
            ("Description", text(description)),
            ("WhatId", text(&self.opportunity_id)),
            ("ActivityDate", text(day)),
        ];
        let mut task = Update::once(TASK, STRIPE_ID, &self.subscription_id, fields);
        task.fields.extend(asked.owner_id.as_ref().map(|owner_id| ("OwnerId", text(owner_id))));
        task
    }

    /// The deal that it is billed for, among those that were read.
    pub fn deal<'a>(&self, naming: &'a Naming) -> Option<&'a Record> {
        naming.opportunities.iter().find(|record| record.text("Id") == Some(self.opportunity_id.as_str()))
    }

    pub fn is_named_by(&self, record: &Record) -> bool {
        [SUBSCRIPTION_ID, RENEWAL_ID].iter().any(|field| record.text(field) == Some(self.subscription_id.as_str()))
    }

    /// What does not say it, the deal that it is billed for and its contract first. An earlier deal is told that it was renewed once the later one
    /// names the subscription, and until then nothing. One that is to renew it some day names it as well, and is told nothing before it does.
    pub fn untold(&self, naming: &Naming, settings: &Settings) -> Vec<Untold> {
        let deal = self.deal(naming).filter(|deal| self.is_named_by(deal));
        let contract_id = deal.and_then(|deal| deal.text(CONTRACT_ID));
        let is_deal = |record: &Record| record.text("Id") == Some(self.opportunity_id.as_str());
        let is_deals = |record: &Record| match contract_link(settings) {
            Some(link) if link != CONTRACT_ID => record.text(link) == Some(self.opportunity_id.as_str()),
            _ => contract_id.is_some() && record.text("Id") == contract_id,
        };
        let opportunities = naming.opportunities.iter().map(|record| (StandsOn::Opportunity, record, is_deal(record)));
        let contracts = naming.contracts.iter().map(|record| (StandsOn::Contract, record, is_deals(record)));
        let mut untold = Vec::new();
        for (object, record, is_its) in opportunities.chain(contracts) {
            let has_begun_it = record.text(SUBSCRIPTION_ID) == Some(self.subscription_id.as_str());
            // Of one that was never renewed, whatever has begun it says how it stands.
            let is_current = is_its || has_begun_it && !self.is_renewed;
            let was_current = has_begun_it || record.text(STATUS).is_some();
            let is_told = is_current || was_current && deal.is_some();
            let Some(id) = record.text("Id").filter(|_| self.is_named_by(record) && is_told) else { continue };
            let has_its_currency = match settings.multi_currency {
                true => record.text("CurrencyIsoCode") == Some(self.currency.as_str()),
                false => self.currency == settings.org_currency,
            };
            let one = Untold { object, id: id.to_owned(), is_current, has_its_currency };
            if !self.update(&one).differences(record).is_empty() {
                untold.push(one);
            }
        }
        untold.sort_by_key(|one| !one.is_current);
        untold
    }

    /// What a record is told. Of an earlier deal nothing is billed any more: added up over all of them, it is what is billed.
    pub fn update(&self, untold: &Untold) -> Update {
        let object = match untold.object {
            StandsOn::Opportunity => "Opportunity",
            StandsOn::Contract => CONTRACT,
        };
        let nothing = || Money::from_minor_units(0, self.currency);
        let (status, monthly, period_end, cancellation) = match untold.is_current {
            true => (self.status.as_str(), self.monthly, self.period_end, self.cancellation.as_deref()),
            false => (RENEWED, Some(nothing()), None, None),
        };
        let monthly = monthly.filter(|_| untold.has_its_currency);
        Update::new(
            object,
            &untold.id,
            [
                (STATUS, text(cut(status, 40))),
                (CURRENT_MRR, monthly.map_or(FieldValue::Null, |money| FieldValue::Number(money.to_major_units()))),
                (PERIOD_END, period_end.map_or(FieldValue::Null, text)),
                (CANCELLATION, cancellation.map_or(FieldValue::Null, |why| text(cut_short(why)))),
            ],
        )
    }
}

/// What fits the field, however its length is counted. Salesforce keeps no blank at the end.
fn cut_short(text: &str) -> &str {
    let mut units = 0;
    let end = text.char_indices().find(|(_, c)| {
        units += c.len_utf16();
        units > 255
    });
    text[..end.map_or(text.len(), |(index, _)| index)].trim_end()
}

#[cfg(test)]
pub(crate) mod tests;
