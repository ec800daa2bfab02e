//! What people are told of beside their records, where, and in which words.

use std::fmt;

use domain::{InvoiceId, Money, OpportunityId, Record, SubscriptionId};
use jiff::SignedDuration;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::afterwards::{Asked, Asking, Beside, Ruled, TellDecision, ask, reading};
use crate::customer::cut;
use crate::deal::{Filter, RecordQuery};
use crate::{Failure, Kind, Owner, Rule, Settings, Stop};

/// A place where people look, or what reaches them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A channel of Slack, through an incoming webhook.
    Slack,
    /// A topic of SNS, which passes it on by e-mail.
    Email,
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Slack => "slack",
            Self::Email => "email",
        })
    }
}

/// What people are told of, where they are told of anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notifications {
    pub channels: Vec<Channel>,
    pub wins: bool,
    /// Deals that are not billed until somebody mends something, and whatever else waits for a person.
    pub refusals: bool,
    pub failures: bool,
    pub digests: bool,
    /// For how long the same is not said again.
    pub window: SignedDuration,
    /// What is decided otherwise about some, in this order.
    pub rules: Vec<Rule<TellDecision>>,
    /// The organization's My Domain, without a slash at its end.
    pub salesforce_url: String,
    pub livemode: bool,
}

impl Notifications {
    /// Everything, once an hour.
    pub fn of_everything(channels: Vec<Channel>, salesforce_url: impl Into<String>, livemode: bool) -> Self {
        Self {
            channels,
            wins: true,
            refusals: true,
            failures: true,
            digests: true,
            window: SignedDuration::from_hours(1),
            rules: Vec::new(),
            salesforce_url: salesforce_url.into(),
            livemode,
        }
    }
}

impl Settings {
    /// Whether anything is done about an invoice that could not be collected.
    pub fn follows_failures(&self) -> bool {
        self.payment_cases.is_some() || self.notifications.as_ref().is_some_and(|policy| policy.failures)
    }
}

/// What there is to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tidings {
    /// A deal is billed.
    Won {
        opportunity_id: OpportunityId,
        /// What is sold, and what of it the invoice bills.
        total: Option<Money>,
        billed: Option<Money>,
        invoice_id: Option<InvoiceId>,
        subscription_id: Option<SubscriptionId>,
    },
    /// Something waits for a person.
    Stopped {
        opportunity_id: Option<OpportunityId>,
        subject: String,
        /// What the deal comes to, and its invoice, where that is known.
        total: Option<Money>,
        invoice_id: Option<InvoiceId>,
        stop: Box<Stop>,
    },
    /// A payment failed. How it stands by now is asked first.
    Failed {
        invoice_id: InvoiceId,
    },
    /// That is how it stands.
    Unpaid {
        failure: Box<Failure>,
    },
    Digest(Box<Digest>),
    /// It is over, or somebody else's.
    Nothing,
}

impl Tidings {
    /// Whoever has the hosted page's address sees the invoice, so it is neither for a whole channel nor kept.
    pub fn unpaid(failure: Failure) -> Self {
        Self::Unpaid { failure: Box::new(Failure { page: None, ..failure }) }
    }

    /// Whether it is told in that place, by the rules: of its deal, where that was read.
    pub fn hearing(&self, channel: Channel, deal: Option<Asking<'_>>, policy: &Notifications) -> Hearing {
        let about = match self {
            Self::Won { .. } => Some("wins"),
            Self::Stopped { .. } => Some("refusals"),
            Self::Failed { .. } | Self::Unpaid { .. } => Some("failures"),
            Self::Digest(_) | Self::Nothing => None,
        };
        let asked = match about.zip(deal) {
            Some((about, deal)) => ask(&policy.rules, deal, Beside::About(about)),
            None => Asked::nothing(),
        };
        let is_told = match asked.decided.last() {
            None => true,
            Some(TellDecision::Skip(_)) => false,
            Some(TellDecision::Channels(channels)) => channels.contains(&channel),
        };
        Hearing { is_told, remark: asked.remark(), ruled: asked.ruled }
    }

    pub fn opportunity_id(&self) -> Option<&OpportunityId> {
        match self {
            Self::Won { opportunity_id, .. } => Some(opportunity_id),
            Self::Stopped { opportunity_id, .. } => opportunity_id.as_ref(),
            Self::Unpaid { failure } => Some(&failure.opportunity_id),
            Self::Failed { .. } | Self::Digest(_) | Self::Nothing => None,
        }
    }
}

/// A day and its month until then, as the statement has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    pub day: Date,
    pub of_day: Totals,
    pub of_month: Totals,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// How many, and what they come to; one for each currency.
    pub deals: Vec<(u64, Money)>,
    pub invoices: Vec<(u64, Money)>,
    pub paid: Vec<(u64, Money)>,
    /// What of the deals is being billed right now, and what is billed by later invoices.
    pub under_way: Vec<(u64, Money)>,
    pub later: Vec<(u64, Money)>,
    /// How often the two sides differ, by the cause, the most frequent first.
    pub differences: Vec<(String, u64)>,
}

/// A message, whichever way it takes. It names customers.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// In one line.
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A name and what there is under it.
    pub facts: Vec<(String, String)>,
    /// Where to look, and the address.
    pub links: Vec<(String, String)>,
    /// What it is about, in ids and codes, for whoever looks for more: what it tells, and the run's key in the ledger.
    pub about: String,
    /// What else there is to know of it.
    pub remarks: Vec<String>,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("about", &self.about).finish_non_exhaustive()
    }
}

/// The longest title that both ways take: SNS allows a hundred characters.
const LONGEST_TITLE: usize = 99;

/// What the deal is called, and whose it is.
pub fn names_query(opportunity_id: &OpportunityId) -> RecordQuery {
    RecordQuery {
        object: "Opportunity",
        fields: vec!["Id", "Name", "Account.Name", "Owner.Name"],
        also: vec![],
        filter: vec![("Id", Filter::Is(opportunity_id.to_string()))],
        order_by: vec![],
        limit: Some(1),
    }
}

/// The same with what rules ask of it.
pub fn names_asking(opportunity_id: &OpportunityId, settings: &Settings) -> RecordQuery {
    let rules = settings.notifications.as_ref().map(|policy| policy.rules.as_slice()).unwrap_or_default();
    reading(names_query(opportunity_id), rules, &settings.lens)
}

/// What rules say of whether it is told there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hearing {
    pub is_told: bool,
    pub ruled: Ruled,
    /// Why others said nothing that were to. It is told then.
    pub remark: Option<String>,
}

impl Tidings {
    /// In words. `deal` is what was read of the opportunity, if there is one and it may be read. `is_doubted` is whether it may have been
    /// said before.
    pub fn message(
        &self,
        about: impl fmt::Display,
        deal: Option<&Record>,
        is_doubted: bool,
        policy: &Notifications,
    ) -> Option<Message> {
        let name = deal.and_then(|deal| deal.text("Name"));
        let named = |subject: &str| name.unwrap_or(subject).to_owned();
        let mut message = match self {
            Self::Won { opportunity_id, total, billed, invoice_id, subscription_id } => {
                let what = match (invoice_id, subscription_id) {
                    (Some(_), None) => "Invoice sent",
                    (Some(_), Some(_)) => "Subscription begun, first invoice sent",
                    (None, _) => "Subscription renewed",
                };
                let mut message = titled(what, &named(opportunity_id.as_str()));
                message.fact("Deal", total.as_ref());
                message.fact("Invoice", billed.as_ref().filter(|billed| Some(*billed) != total.as_ref()));
                message.stripe(policy, invoice_id.as_ref(), subscription_id.as_ref());
                message
            }
            Self::Stopped { subject, stop, total, invoice_id, .. } => {
                let is_account = subject.starts_with("001");
                let what = match stop.kind {
                    _ if is_account => "Not told to Stripe",
                    Kind::Refused => "Not billed",
                    Kind::Review | Kind::NotBillable => "Please decide",
                };
                let mut message = titled(what, &named(subject));
                message.text = Some(stop.message.clone());
                message.fact("Deal", total.as_ref());
                // What a deal has made, or what the run itself is about.
                let (invoice, subscription) = (InvoiceId::parse(subject).ok(), SubscriptionId::parse(subject).ok());
                message.stripe(policy, invoice_id.as_ref().or(invoice.as_ref()), subscription.as_ref());
                if is_account {
                    message.links.push(("Account".into(), format!("{}/{subject}", policy.salesforce_url)));
                }
                message.fact("What mends it", Some(stop.code.remedy()));
                message.fact("Code", Some(stop.code.as_str()));
                message.fact("Whose turn it is", whose_turn(stop.code.owner()));
                message
            }
            Self::Unpaid { failure } => {
                let what = if failure.overdue_since().is_some() { "Invoice overdue" } else { "Payment failed" };
                let mut message = titled(what, &named(failure.invoice_id.as_str()));
                message.text = Some(failure.description());
                message.fact("Due", Some(failure.remaining));
                message.stripe(policy, Some(&failure.invoice_id), None);
                message
            }
            Self::Digest(digest) => digest.message(),
            Self::Failed { .. } | Self::Nothing => return None,
        };
        if let Some(deal) = deal {
            message.fact("Account", deal.text("Account.Name"));
            message.fact("Owner", deal.text("Owner.Name"));
        }
        if let Some(opportunity_id) = self.opportunity_id() {
            let url = format!("{}/{opportunity_id}", policy.salesforce_url);
            message.links.insert(0, ("Opportunity".into(), url));
        }
        message.about = about.to_string();
        if is_doubted {
            message.remarks.push("This may have been said before: nobody answered then.".into());
        }
        if !policy.livemode {
            message.remarks.push("Test mode.".into());
        }
        Some(message)
    }
}

fn titled(what: &str, whose: &str) -> Message {
    Message { title: cut(&format!("{what}: {whose}"), LONGEST_TITLE), ..Message::default() }
}

fn whose_turn(owner: Owner) -> Option<&'static str> {
    match owner {
        Owner::Sales => Some("sales"),
        Owner::Finance => Some("finance"),
        Owner::Admin => Some("administrators"),
        Owner::Nobody => None,
    }
}

/// `https://dashboard.stripe.com/test/invoices/in_…` in test mode.
fn dashboard(policy: &Notifications, what: &str, id: &str) -> String {
    let mode = if policy.livemode { "" } else { "test/" };
    format!("https://dashboard.stripe.com/{mode}{what}/{id}")
}

impl Message {
    /// What stands below everything else.
    pub fn footer(&self) -> String {
        [&[format!("Closedwon: {}.", self.about)], self.remarks.as_slice()].concat().join(" ")
    }

    fn fact(&mut self, name: &str, value: Option<impl fmt::Display>) {
        self.facts.extend(value.map(|value| (name.to_owned(), value.to_string())));
    }

    fn stripe(&mut self, policy: &Notifications, invoice: Option<&InvoiceId>, subscription: Option<&SubscriptionId>) {
        let invoice = invoice.map(|id| ("Invoice at Stripe", dashboard(policy, "invoices", id.as_str())));
        let subscription =
            subscription.map(|id| ("Subscription at Stripe", dashboard(policy, "subscriptions", id.as_str())));
        let links = invoice.into_iter().chain(subscription);
        self.links.extend(links.map(|(name, url)| (name.to_owned(), url)));
    }
}

impl Digest {
    fn message(&self) -> Message {
        let mut message = titled("Billed and paid", &self.day.to_string());
        for (of, totals) in [("day", &self.of_day), ("month so far", &self.of_month)] {
            message.facts.push((format!("Won, {of}"), sums(&totals.deals)));
            message.facts.push((format!("Invoiced, {of}"), sums(&totals.invoices)));
            message.facts.push((format!("Paid, {of}"), sums(&totals.paid)));
            for (what, some) in [("Being billed", &totals.under_way), ("Billed later", &totals.later)] {
                if !some.is_empty() {
                    message.facts.push((format!("{what}, {of}"), sums(some)));
                }
            }
        }
        let said: Vec<_> =
            self.of_month.differences.iter().map(|(cause, count)| format!("{count} × {cause}")).collect();
        message.text = Some(match said.is_empty() {
            true => "Salesforce and Stripe agree on this month to the cent.".into(),
            false => format!("Where the two sides differ this month: {}.", cut(&said.join(", "), 2500)),
        });
        message
    }
}

/// `3 for 120.00 USD, 1 for 9.00 EUR`.
fn sums(sums: &[(u64, Money)]) -> String {
    let said: Vec<_> = sums.iter().map(|(count, money)| format!("{count} for {money}")).collect();
    if said.is_empty() { "none".into() } else { cut(&said.join(", "), 1900) }
}

#[cfg(test)]
mod tests;
