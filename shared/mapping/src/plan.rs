//! The deal → what will be billed, frozen. Nothing that happens later changes a plan.

use std::collections::BTreeSet;

use domain::{AccountId, ContractId, Currency, CustomerId, Money, MoneyError, OpportunityId, Record};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::activation::{contract_has_currency, contract_of};
use crate::customer::customer;
use crate::line::line;
use crate::renewal::{is_renewal, renews};
use crate::stop::Refusals;
use crate::subscription::subscription;
use crate::tax::located;
use crate::terms::days_until_due;
use crate::{
    Amendments, Code, Collection, CustomerDetails, Deal, Interval, LineSource, PlanLine, Proration, Renewals, Renews,
    ShippingAddress, Stop, Subscription, Subscriptions, TaxBehavior,
};

/// "250 invoice items per invoice": docs.stripe.com, changelog 2016-02-22.
pub(crate) const MOST_LINES: u32 = 250;

/// Of `items` and of `add_invoice_items`: docs.stripe.com, api/subscriptions/create.
const MOST_ITEMS: usize = 20;

/// An invoice that is due later than after so many days is a typing mistake.
pub const LATEST_DUE: u32 = 365;

/// What the organization decided once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The organization has several currencies, so each record has a `CurrencyIsoCode`.
    pub multi_currency: bool,
    /// The currency of every record where it has not.
    pub org_currency: Currency,
    pub days_until_due: u32,
    pub line_source: LineSource,
    /// Stripe calculates tax: on top of the amounts, or inside them.
    pub tax: Option<TaxBehavior>,
    pub subscriptions: Subscriptions,
    pub amendments: Amendments,
    pub renewals: Renewals,
    pub proration: Proration,
    pub shipping: ShippingAddress,
    pub collection: Collection,
}

impl Settings {
    /// As they are where nothing else is decided.
    pub fn new(org_currency: Currency) -> Self {
        Self {
            multi_currency: false,
            org_currency,
            days_until_due: 30,
            line_source: LineSource::default(),
            tax: None,
            subscriptions: Subscriptions::default(),
            amendments: Amendments::default(),
            renewals: Renewals::default(),
            proration: Proration::default(),
            shipping: ShippingAddress::default(),
            collection: Collection::default(),
        }
    }
}

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
}

/// The plan and whom it bills, or everything that stands in its way. A deal that does not ask to be billed is not criticised
/// for its address.
pub fn plan(deal: &Deal, settings: &Settings) -> Result<(Plan, CustomerDetails), Stop> {
    let (planned, refusals) = look_through(deal, settings)?;
    refusals.or(planned)
}

pub(crate) type Planned = Option<(Plan, CustomerDetails)>;

pub(crate) fn look_through(deal: &Deal, settings: &Settings) -> Result<(Planned, Refusals), Stop> {
    let opportunity = &deal.opportunity;
    let opportunity_id = opportunity
        .text("Id")
        .and_then(|id| OpportunityId::parse(id).ok())
        .ok_or_else(|| Stop::refused(Code::OpportunityNotFound, "The opportunity's id cannot be read."))?;
    asks_to_be_billed(opportunity, settings)?;
    let mut refusals = Refusals::default();
    let currency = refusals.take(currency(opportunity, settings));
    let total = currency.and_then(|currency| refusals.take(total(opportunity, currency)));
    let account_id = refusals.take(account_of(opportunity));
    let details = customer(deal, settings, &mut refusals);
    if let Some(details) = details.as_ref().filter(|_| settings.tax.is_some()) {
        refusals.take(located(details));
    }
    let days_until_due = refusals.take(days_until_due(&deal.lines, settings.line_source.names(), settings));
    let billed = refusals.take(lines(&deal.lines, currency, settings));
    let term = billed.as_ref().and_then(|billed| refusals.take(term(billed, deal, settings)));
    let lines = billed.and_then(|billed| billed.lines);
    if let (Some(lines), Some(total)) = (&lines, total) {
        refusals.take(adds_up(lines, total));
    }
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
        return Ok((None, refusals));
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
    };
    Ok((Some((plan, details)), refusals))
}

/// What the opportunity comes to, if it asks to be billed and its amount can be.
pub(crate) fn amount(opportunity: &Record, settings: &Settings) -> Result<Money, Stop> {
    asks_to_be_billed(opportunity, settings)?;
    total(opportunity, currency(opportunity, settings)?)
}

/// The filter: `StageName = "Closed Won"` and `Amount > 0`, and `Type != "Renewal"` where nothing is renewed.
fn asks_to_be_billed(opportunity: &Record, settings: &Settings) -> Result<(), Stop> {
    if opportunity.text("StageName") != Some("Closed Won") {
        return Err(Stop::not_billable(Code::NotClosedWon, "The opportunity's stage is not Closed Won."));
    }
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

fn currency(opportunity: &Record, settings: &Settings) -> Result<Currency, Stop> {
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

/// The lines of a deal that can be billed, and how often the recurring ones are.
struct Billed<'a> {
    /// `None` without a currency.
    lines: Option<Vec<PlanLine>>,
    recurring: Vec<&'a Record>,
    every: BTreeSet<Interval>,
}

/// Every line, or one refusal that lists every line that is wrong: nobody wants to mend them one visit at a time.
fn lines<'a>(records: &'a [Record], currency: Option<Currency>, settings: &Settings) -> Result<Billed<'a>, Stop> {
    let source = settings.line_source;
    let names = source.names();
    let may_be_more = records.len() >= source.most_read() as usize;
    let records: Vec<_> = records.iter().filter(|record| !names.is_included(record)).collect();
    if records.is_empty() {
        return Err(Stop::refused(Code::NoLines, source.without_lines()));
    }
    if may_be_more || records.len() > MOST_LINES as usize {
        return Err(Stop::refused(
            Code::TooManyLines,
            format!("A Stripe invoice takes at most {MOST_LINES} lines: split the deal into several opportunities."),
        ));
    }
    let mut lines = Vec::with_capacity(records.len());
    let mut problems = Vec::new();
    let (mut recurring, mut every) = (Vec::new(), BTreeSet::new());
    for (index, record) in records.iter().enumerate() {
        match line(record, names, currency, index + 1, settings.subscriptions) {
            Ok((line, None)) => lines.push(line),
            Ok((line, Some(interval))) => {
                lines.push(line);
                recurring.push(*record);
                every.insert(interval);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(Stop::refused(Code::LinesNotBillable, format!("Mend these products: {}.", problems.join("; "))));
    }
    few_enough(records.len(), recurring.len())?;
    Ok(Billed { lines: lines.into_iter().collect(), recurring, every })
}

/// A subscription takes less than an invoice does.
fn few_enough(all: usize, recurring: usize) -> Result<(), Stop> {
    let once = all - recurring;
    if recurring == 0 || (recurring <= MOST_ITEMS && once <= MOST_ITEMS) {
        return Ok(());
    }
    let message = format!(
        "A Stripe subscription takes at most {MOST_ITEMS} recurring lines and {MOST_ITEMS} one-time lines: split the deal \
         into several opportunities."
    );
    Err(Stop::refused(Code::TooManyLines, message))
}

/// The term of the recurring lines, if there are any.
fn term(billed: &Billed, deal: &Deal, settings: &Settings) -> Result<Option<Subscription>, Stop> {
    let Some(every) = billed.every.first().copied() else { return Ok(None) };
    if billed.every.len() > 1 {
        let names: Vec<_> = billed.every.iter().map(|every| every.as_str()).collect();
        let message = format!(
            "The products are billed {}: give them one billing frequency, or sell them by opportunities of their own.",
            names.join(" and ")
        );
        return Err(Stop::refused(Code::FrequenciesMixed, message));
    }
    let names = settings.line_source.names();
    subscription(every, &deal.opportunity, &billed.recurring, names, deal.read_at).map(Some)
}

/// What does not divide would be billed a cent off.
fn divides(lines: &[PlanLine], term: &Subscription) -> Result<(), Stop> {
    let problems: Vec<_> = lines
        .iter()
        .filter(|line| line.recurring && term.each(line.amount).is_none())
        .map(|line| format!("{} costs {} over the term", crate::customer::cut(&line.description, 60), line.amount))
        .collect();
    if problems.is_empty() {
        return Ok(());
    }
    let parts = match term.stub {
        0 => format!("{} equal parts", term.periods.unwrap_or(1)),
        _ => format!("months, of which {} come to a whole amount", term.every.months()),
    };
    let message = format!("Give these products totals that divide into {parts}: {}.", problems.join("; "));
    Err(Stop::refused(Code::AmountNotDivisible, message))
}

/// Salesforce keeps `Amount` equal to the sum of the lines. Where it is not, somebody's automation wrote one of them,
/// and which is right is not ours to guess.
fn adds_up(lines: &[PlanLine], total: Money) -> Result<(), Stop> {
    let zero = Money::from_minor_units(0, total.currency());
    let sum = lines.iter().try_fold(zero, |sum, line| sum.checked_add(line.amount));
    match sum {
        Ok(sum) if sum == total => Ok(()),
        Ok(sum) => Err(Stop::refused(
            Code::AmountDiffersFromLines,
            format!("The products add up to {sum}, the opportunity's amount is {total}: make them equal."),
        )),
        Err(why) => Err(Stop::refused(Code::AmountTooLarge, format!("Correct the products' prices: {why}."))),
    }
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
        let billed =
            |plan: &Self| Self { approved: None, contract_id: None, contract_is_in_another: false, ..plan.clone() };
        billed(self) == billed(other)
    }

    /// Whether somebody has approved an amount of this size.
    pub fn is_approved_for(&self, total: Money) -> bool {
        self.approved.is_some_and(|approved| approved.minor_units() >= total.minor_units())
    }

    /// What is billed every period, and what is billed once.
    pub fn each_and_once(&self) -> (i64, i64) {
        let each = |line: &PlanLine| self.subscription.as_ref().and_then(|term| term.each(line.amount));
        let sum = |recurring: bool| {
            let lines = self.lines.iter().filter(|line| line.recurring == recurring);
            let amounts = lines.map(|line| if recurring { each(line) } else { Some(line.amount) });
            amounts.flatten().map(Money::minor_units).fold(0i64, i64::saturating_add)
        };
        (sum(true), sum(false))
    }

    /// What its recurring lines come to a month, for reports: what leaves a rest is rounded to the nearest minor unit, a half away from
    /// zero. Nothing is billed by it.
    pub fn monthly(&self) -> Option<Money> {
        let months = Decimal::from(self.subscription.as_ref()?.every.months());
        let (each, _) = self.each_and_once();
        let rounded = (Decimal::from(each) / months).round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
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
                (key, line.amount.minor_units(), line.quantity.as_decimal())
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
