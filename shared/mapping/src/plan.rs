//! The deal → what will be billed, frozen. Nothing that happens later changes a plan.

use domain::{AccountId, ContractId, Currency, CustomerId, Money, MoneyError, OpportunityId, Record};
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::activation::{contract_has_currency, contract_of};
use crate::cancellation::canceled_on;
use crate::customer::customer;
use crate::renewal::{is_renewal, renews};
use crate::rule::{is_asked_for, judge, something, with_discount};
use crate::settings::Settings;
use crate::stop::Refusals;
use crate::subscription::in_time;
use crate::tax::located;
use crate::terms::days_until_due;
use crate::update::INVOICE_ID;
use crate::{
    Code, Collection, CustomerDetails, Deal, MOST_PERIODS, PlanLine, Renewals, Renews, Stop, Subscription, TaxBehavior,
};

mod lines;

pub(crate) use lines::MOST_LINES;
use lines::{adds_up, divides, lines, term};

/// An invoice that is due later than after so many days is a typing mistake.
pub const LATEST_DUE: u32 = 365;

/// What will be billed. Two readings of a deal that give equal plans are the same deal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub opportunity_id: OpportunityId,
    pub account_id: AccountId,
    pub total: Money,
    pub days_until_due: u32,
    pub lines: Vec<PlanLine>,
    /// Up to which amount somebody has approved the deal, where its size asks for that.
    #[serde(default)]
    pub approved: Option<Money>,
    /// How Stripe calculates its tax, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<TaxBehavior>,
    #[serde(default, skip_serializing_if = "Collection::sends")]
    pub collection: Collection,
    /// The term of its recurring lines, if it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<Subscription>,
    /// The subscription that goes on with it, if it renews one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renews: Option<Renews>,
    /// The contract of its recurring lines, where that begins or renews the subscription.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract_id: Option<ContractId>,
    /// The contract is in another currency than the deal, and takes none of its amounts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub contract_is_in_another: bool,
    /// From which day on its subscription is not billed any more; of what was billed, as far as Stripe was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canceled_on: Option<Date>,
    /// The rules of the configuration that decided something of it, by their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_rules: Vec<String>,
    /// One of them says that what comes back is billed once, so a price that comes back is no mistake.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bills_once: bool,
}

/// The plan and whom it bills, or everything that stands in its way. A deal that does not ask to be billed is not criticised
/// for its address.
pub fn plan(deal: &Deal, settings: &Settings) -> Result<(Plan, CustomerDetails), Stop> {
    let Looked { planned, refusals, .. } = look_through(deal, settings, Reading::Again)?;
    refusals.or(planned)
}

pub(crate) type Planned = Option<(Plan, CustomerDetails)>;

/// What is known of a deal from what it says itself.
pub(crate) struct Looked {
    pub planned: Planned,
    pub refusals: Refusals,
    /// It has a subscription, for certain.
    pub recurs: bool,
}

/// What a deal is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// It may begin.
    ToBegin,
    /// It has, as far as anybody knows, and the days since then are no reason against it.
    Again,
}

pub(crate) fn look_through(deal: &Deal, settings: &Settings, reading: Reading) -> Result<Looked, Stop> {
    let opportunity = &deal.opportunity;
    let opportunity_id = opportunity
        .text("Id")
        .and_then(|id| OpportunityId::parse(id).ok())
        .ok_or_else(|| Stop::refused(Code::OpportunityNotFound, "The opportunity's id cannot be read."))?;
    asks_to_be_billed(opportunity, &deal.undecided_itself, settings)?;
    let judged = judge(deal, settings)?;
    let settings = &judged.settings(settings);
    let mut refusals = Refusals::default();
    refusals.extend(deal.undecided.iter().cloned());
    let currency = refusals.take(currency(opportunity, settings));
    let total = currency.and_then(|currency| refusals.take(total(opportunity, currency)));
    let account_id = refusals.take(account_of(opportunity));
    let details = customer(deal, settings, &mut refusals);
    if let Some(details) = details.as_ref().filter(|_| settings.tax.is_some()) {
        refusals.take(located(details));
    }
    let days_until_due = refusals.take(judged.days_until_due.map_or_else(|| days_until_due(deal, settings), Ok));
    let billed = refusals.take(lines(&deal.lines, currency, settings, judged.recurring(settings)));
    let term = billed.as_ref().and_then(|billed| refusals.take(term(billed, deal, settings)));
    if let Some(Some(term)) = term.as_ref().filter(|_| reading == Reading::ToBegin) {
        refusals.take(in_time(term, deal.read_at));
    }
    let recurs = matches!(term, Some(Some(_)));
    let lines = billed.and_then(|billed| billed.lines);
    if let (Some(lines), Some(total)) = (&lines, total) {
        refusals.take(adds_up(lines, total));
    }
    let (lines, total) = match (lines, total) {
        (Some(lines), Some(total)) => {
            let (lines, left) = judged.discounted(lines, total);
            refusals.take(something(left)).map(|left| (lines, left)).unzip()
        }
        others => others,
    };
    if let (Some(lines), Some(Some(term))) = (&lines, &term) {
        refusals.take(divides(lines, term));
    }
    let renews = match (&lines, &term) {
        (Some(_), Some(term)) => refusals.take(renews(opportunity, term.as_ref(), settings.proration)),
        _ => None,
    };
    let (
        Some(total),
        Some(account_id),
        Some(details),
        Some(lines),
        Some(days_until_due),
        Some(subscription),
        Some(renews),
    ) = (total, account_id, details, lines, days_until_due, term, renews)
    else {
        return Ok(Looked { planned: None, refusals, recurs });
    };
    let approved = opportunity.number("Stripe_Approved_Amount__c");
    let approved = approved.and_then(|amount| Money::from_major_units(amount, total.currency()).ok());
    let tax = settings.tax;
    let collection = if subscription.is_none() { settings.collection } else { Collection::SendInvoice };
    let contract_id = subscription.as_ref().and_then(|_| contract_of(deal, settings));
    let plan = Plan {
        opportunity_id,
        account_id,
        total,
        days_until_due,
        lines,
        approved,
        tax,
        collection,
        subscription,
        renews,
        contract_is_in_another: contract_id.is_some() && !contract_has_currency(deal, total.currency(), settings),
        contract_id,
        canceled_on: canceled_on(opportunity),
        bills_once: judged.bills_once,
        by_rules: judged.by,
    };
    Ok(Looked { planned: Some((plan, details)), refusals, recurs })
}

/// What the opportunity comes to, if it asks to be billed and its amount can be.
pub(crate) fn amount(opportunity: &Record, undecided: &[Stop], settings: &Settings) -> Result<Money, Stop> {
    asks_to_be_billed(opportunity, undecided, settings)?;
    with_discount(total(opportunity, currency(opportunity, settings)?)?, opportunity, settings)
}

/// What a deal comes to whatever else is wrong with it, if that can be told.
pub fn comes_to(deal: &Deal, settings: &Settings) -> Option<Money> {
    let opportunity = &deal.opportunity;
    let total = currency(opportunity, settings).and_then(|currency| total(opportunity, currency)).ok()?;
    with_discount(total, opportunity, settings).ok()
}

/// One that was paid since is won still. Whoever moves one there that was never billed has settled it otherwise.
fn is_won(opportunity: &Record, settings: &Settings) -> bool {
    let stage = opportunity.text("StageName");
    let is_paid = || settings.paid_stages().any(|paid| stage == Some(paid));
    stage.is_some_and(|stage| settings.has_won(stage)) || is_paid() && opportunity.text(INVOICE_ID).is_some()
}

/// The filter: `StageName = "Closed Won"` and `Amount > 0`, and `Type != "Renewal"` where nothing is renewed.
fn asks_to_be_billed(opportunity: &Record, undecided: &[Stop], settings: &Settings) -> Result<(), Stop> {
    if !is_won(opportunity, settings) {
        let message = format!("The opportunity's stage is not {}.", settings.won_stages.join(" or "));
        return Err(Stop::not_billable(Code::NotClosedWon, message));
    }
    // What comes to nothing is not taken for what is empty: nobody would hear of a deal that is left out by that.
    let mut refusals = Refusals::default();
    refusals.extend(undecided.iter().cloned());
    refusals.or(Some(()))?;
    if !is_asked_for(opportunity, settings)? {
        let message = "The configuration's won.when does not ask for a bill of this opportunity.";
        return Err(Stop::not_billable(Code::LeftOut, message));
    }
    // An amount that comes to nothing is no deal without an amount, which nobody would hear of.
    let mut refusals = Refusals::default();
    refusals.extend(undecided.iter().cloned());
    refusals.or(Some(()))?;
    if is_renewal(opportunity) && settings.renewals == Renewals::Off {
        return Err(Stop::not_billable(Code::Renewal, "Renewals are not billed as one-time deals."));
    }
    match opportunity.number("Amount") {
        // A number that no decimal holds is read as the text that Salesforce wrote.
        None if opportunity.text("Amount").is_some() => {
            Err(Stop::refused(Code::AmountTooLarge, "Correct the opportunity's amount: it cannot be billed."))
        }
        None => Err(Stop::not_billable(Code::AmountMissing, "The opportunity has no amount.")),
        Some(amount) if amount <= Decimal::ZERO => {
            Err(Stop::not_billable(Code::AmountNotPositive, "The opportunity's amount is not more than zero."))
        }
        Some(_) => Ok(()),
    }
}

pub(crate) fn currency(opportunity: &Record, settings: &Settings) -> Result<Currency, Stop> {
    if !settings.multi_currency {
        return Ok(settings.org_currency);
    }
    let code = opportunity.text("CurrencyIsoCode").unwrap_or_default();
    Currency::parse(code)
        .map_err(|_| Stop::refused(Code::CurrencyUnknown, "The opportunity's currency is not an ISO 4217 code."))
}

fn total(opportunity: &Record, currency: Currency) -> Result<Money, Stop> {
    let amount = opportunity.number("Amount").unwrap_or_default();
    Money::from_major_units(amount, currency).map_err(|why| {
        let code = match why {
            MoneyError::NotRepresentable { .. } => Code::AmountNotRepresentable,
            MoneyError::TooLarge { .. } | MoneyError::CurrencyMismatch(..) => Code::AmountTooLarge,
        };
        Stop::refused(code, format!("Correct the opportunity's amount: {why}."))
    })
}

/// The account that an opportunity bills.
pub fn account_of(opportunity: &Record) -> Result<AccountId, Stop> {
    opportunity
        .text("AccountId")
        .and_then(|id| AccountId::parse(id).ok())
        .ok_or_else(|| Stop::refused(Code::AccountMissing, "Give the opportunity an account: it is who is billed."))
}

/// The customer that the account already names. What is there and is no customer's id was typed by somebody, and is not
/// overwritten.
pub fn customer_named_by(opportunity: &Record) -> Result<Option<CustomerId>, Stop> {
    let named = opportunity.text("Account.Stripe_Customer_Id__c").map(CustomerId::parse).transpose();
    named.map_err(|_| {
        let message = "Stripe Customer Id on the account is not a customer's id (cus_…): correct or empty it.";
        Stop::refused(Code::CustomerIdMalformed, message)
    })
}

impl Plan {
    /// An approval does not change what is billed, and neither does who is told of it.
    pub fn plans_the_same_as(&self, other: &Self) -> bool {
        let billed = |plan: &Self| Self {
            approved: None,
            contract_id: None,
            contract_is_in_another: false,
            canceled_on: None,
            by_rules: Vec::new(),
            bills_once: false,
            ..plan.clone()
        };
        billed(self) == billed(other)
    }

    /// Whether somebody has approved an amount of this size.
    pub fn is_approved_for(&self, total: Money) -> bool {
        self.approved.is_some_and(|approved| approved.minor_units() >= total.minor_units())
    }

    /// In the line's own periods. `None` for what is billed once.
    pub fn term_of(&self, line: &PlanLine) -> Option<Subscription> {
        self.subscription.as_ref().and_then(|term| term.of(line))
    }

    /// What a line costs each of its periods; or once, where it does not come back.
    pub fn each(&self, line: &PlanLine) -> Money {
        let term = self.term_of(line);
        // A plan whose lines do not divide was refused.
        term.and_then(|term| term.each(line.amount)).unwrap_or(line.amount)
    }

    /// What its first invoice comes to if that is made then, in minor units: every period that has begun, and what is billed once.
    pub fn first_total(&self, at: Timestamp) -> i64 {
        let amount = |line: &PlanLine| {
            let begun = self.term_of(line).map_or(1, |term| term.begun(at));
            self.each(line).minor_units().saturating_mul(begun.into())
        };
        self.lines.iter().map(amount).fold(0, i64::saturating_add)
    }

    /// What is billed once, in minor units.
    pub fn sold_once(&self) -> i64 {
        let once = self.lines.iter().filter(|line| !line.recurring);
        once.map(|line| line.amount.minor_units()).fold(0, i64::saturating_add)
    }

    /// When a period of one of its lines begins, in their order.
    pub fn periods_begin(&self) -> impl Iterator<Item = Timestamp> {
        let terms = self.lines.iter().filter_map(|line| self.term_of(line));
        let shortest = terms.min_by_key(|term| term.every);
        let periods = shortest.as_ref().map_or(0, |term| term.periods.unwrap_or(MOST_PERIODS).min(MOST_PERIODS));
        (0..periods).filter_map(move |index| Some(shortest.as_ref()?.period(index).start))
    }

    /// What its recurring lines come to a month, for reports: what leaves a rest is rounded to the nearest minor unit, a half away from
    /// zero. Nothing is billed by it.
    pub fn monthly(&self) -> Option<Money> {
        let term = self.subscription.as_ref()?;
        // Of each interval a whole number makes a year.
        let yearly = |line: &PlanLine| {
            Some(Decimal::from(self.each(line).minor_units()) * Decimal::from(12 / term.of(line)?.every.months()))
        };
        let year = self.lines.iter().filter_map(yearly).fold(Decimal::ZERO, Decimal::saturating_add);
        let month = year / Decimal::from(12);
        let rounded = month.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
        let minor_units = i64::try_from(rounded).ok()?;
        Some(Money::from_minor_units(minor_units, self.total.currency()))
    }

    /// The same account, term, total, and amounts line by line. Where not one line is the same record, the deal was billed from another
    /// place than it is read from now, and only what the lines come to can be compared.
    pub fn bills_the_same_as(&self, other: &Self) -> bool {
        let is_from_elsewhere = self.lines.iter().all(|line| other.lines.iter().all(|there| there.key != line.key));
        let amounts = |plan: &Self| {
            let amount = |line: &PlanLine| {
                let key = Some(line.key.clone()).filter(|_| !is_from_elsewhere);
                let every = plan.term_of(line).map(|term| term.every);
                (key, line.amount.minor_units(), line.quantity.as_decimal(), every)
            };
            let mut amounts: Vec<_> = plan.lines.iter().map(amount).collect();
            amounts.sort();
            amounts
        };
        self.account_id == other.account_id
            && self.total == other.total
            && self.subscription == other.subscription
            && amounts(self) == amounts(other)
    }
}

#[cfg(test)]
mod tests;
