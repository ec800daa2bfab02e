//! What a deal comes to, worked out from the record by another road than the product's: nothing here calls it.

use std::collections::BTreeMap;

use domain::{AccountId, Currency, LineItemId};
use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::salesforce::{Account, Contract, Line, Opportunity, Term};
use super::stripe::day_after;

/// What an invoice of the deal must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    pub account_id: AccountId,
    pub currency: Currency,
    /// Minor units, here and below.
    pub total: i64,
    pub lines: BTreeMap<LineItemId, BilledLine>,
    /// Of its recurring lines, if it has any.
    pub term: Option<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BilledLine {
    pub amount: i64,
    pub quantity: Decimal,
    /// The price of the catalogue that it names.
    pub price: String,
    pub is_recurring: bool,
    /// In months, where it is not the term's.
    pub every: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It does not ask to be billed.
    NotAsked,
    /// It asks, and a person has to mend something first. The amount is the deal's, if it has one that can be billed.
    Unbillable {
        amount: Option<i64>,
    },
    Billable(Bill),
}

impl Bill {
    /// The first days of the periods of a line that an invoice bills which is made then; none where it is billed once.
    pub fn periods_begun(&self, line: &BilledLine, at: Timestamp) -> Option<Vec<Timestamp>> {
        let term = self.term.as_ref().filter(|_| line.is_recurring)?;
        let starts = (0u32..).map(|index| day_after(term.start, index * line.every.unwrap_or(term.every)));
        Some(starts.take_while(|start| *start <= at).collect())
    }

    /// What of a line one of its periods bills.
    pub fn each(&self, line: &BilledLine) -> i64 {
        let term = self.term.as_ref().filter(|_| line.is_recurring);
        let (every, months) = term.map_or((1, 1), |term| rhythm(term, line.every));
        line.amount * every / months
    }

    /// What the first invoice comes to that is made then; `None` before the term begins.
    pub fn first_total(&self, at: Timestamp) -> Option<i64> {
        if self.term.as_ref().is_some_and(|term| day_after(term.start, 0) > at) {
            return None;
        }
        let begun = |line: &BilledLine| self.periods_begun(line, at).map_or(1, |begun| begun.len() as i64);
        Some(self.lines.values().map(|line| self.each(line) * begun(line)).sum())
    }
}

/// The months of a period of such a line, and those that its amount is for.
fn rhythm(term: &Term, every: Option<u32>) -> (i64, i64) {
    let every = every.unwrap_or(term.every);
    (every.into(), term.periods.map_or(every, |_| term.months()).into())
}

impl Judgement {
    pub fn bill(&self) -> Option<&Bill> {
        match self {
            Self::Billable(bill) => Some(bill),
            Self::NotAsked | Self::Unbillable { .. } => None,
        }
    }
}

/// The currencies of this world: how many decimals, and what the last amount must be a multiple of.
const CURRENCIES: [(&str, u32, i64); 4] = [("USD", 2, 1), ("EUR", 2, 1), ("JPY", 0, 1), ("KWD", 3, 10)];

pub fn exponent(currency: &str) -> Option<u32> {
    CURRENCIES.iter().find(|(code, ..)| *code == currency).map(|(_, exponent, _)| *exponent)
}

fn minor_units(amount: Decimal, currency: &str) -> Option<i64> {
    let (_, exponent, step) = CURRENCIES.iter().find(|(code, ..)| *code == currency)?;
    let scaled = amount.checked_mul(Decimal::from(10i64.pow(*exponent)))?;
    let minor = scaled.is_integer().then(|| scaled.to_i64()).flatten()?;
    (minor % step == 0 && minor.abs() < 1_000_000_000_000).then_some(minor)
}

const COUNTRIES: [&str; 5] = ["Germany", "United States", "Japan", "KW", "The Netherlands"];

/// `currency` is the organization's where records have none of their own.
pub fn judge(opportunity: &Opportunity, account: Option<&Account>, currency: &str) -> Judgement {
    let is_asked = opportunity.stage == "Closed Won"
        && opportunity.kind.as_deref() != Some("Renewal")
        && opportunity.amount.is_some_and(|amount| amount > Decimal::ZERO);
    if !is_asked {
        return Judgement::NotAsked;
    }
    let has_term = opportunity.term.is_some() && opportunity.lines.iter().any(|line| line.is_recurring);
    if has_term && opportunity.contract == Contract::Draft {
        return Judgement::NotAsked;
    }
    let amount = opportunity.amount.and_then(|amount| minor_units(amount, currency));
    let bill = amount.and_then(|total| {
        let account = account.filter(|account| can_be_billed(account, opportunity))?;
        let currency_id = Currency::parse(currency).ok()?;
        let lines: Option<BTreeMap<_, _>> = opportunity.lines.iter().map(|line| billed(line, currency)).collect();
        let lines = lines.filter(|lines| (1..=250).contains(&lines.len()))?;
        let adds_up = lines.values().map(|line| line.amount).sum::<i64>() == total;
        let term = opportunity.term.clone().filter(|_| lines.values().any(|line| line.is_recurring));
        let step = CURRENCIES.iter().find(|(code, ..)| *code == currency).map_or(1, |(_, _, step)| *step);
        let divides = |line: &BilledLine| {
            let (every, months) = term.as_ref().map_or((1, 1), |term| rhythm(term, line.every));
            !line.is_recurring || line.amount * every % (months * step) == 0
        };
        let divides = lines.values().all(divides);
        (adds_up && divides).then(|| Bill { account_id: account.id.clone(), currency: currency_id, total, lines, term })
    });
    bill.map_or(Judgement::Unbillable { amount }, Judgement::Billable)
}

pub(super) fn is_country(name: Option<&str>) -> bool {
    name.is_none_or(|name| COUNTRIES.contains(&name))
}

fn can_be_billed(account: &Account, opportunity: &Opportunity) -> bool {
    let email = account.billing_email.as_ref().or(opportunity.contact_email.as_ref());
    let has_address = email.is_some_and(|email| email.contains('@') && !email.contains(' '));
    let country_is_known = is_country(account.country.as_deref());
    let customer_is_one = account.stripe_customer_id.as_deref().is_none_or(|id| id.starts_with("cus_"));
    !account.name.is_empty() && has_address && country_is_known && customer_is_one
}

fn billed(line: &Line, currency: &str) -> Option<(LineItemId, BilledLine)> {
    let amount = line.total.and_then(|total| minor_units(total, currency))?;
    let price = line.price.clone().filter(|price| price.starts_with("price_"))?;
    let line_is_sane = line.quantity > Decimal::ZERO;
    line_is_sane.then(|| {
        (
            line.id.clone(),
            BilledLine { amount, quantity: line.quantity, price, is_recurring: line.is_recurring, every: line.every },
        )
    })
}
