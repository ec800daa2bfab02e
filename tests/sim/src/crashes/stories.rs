//! The stories whose processes die: small, and each through another part of the workflows.

use domain::{AccountId, Currency, LineItemId, OpportunityId, PriceId, ProductId};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use mapping::Standings;
use rust_decimal::Decimal;

use crate::model::Models;
use crate::model::salesforce::{Account, Line, Opportunity, Term};
use crate::model::stripe::Price;
use crate::queue::DeadLetter;
use crate::scenario::{Act, Scenario, opportunity};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Story {
    /// A deal with a negotiated line is won, billed and paid: the deal's run, the account's and the payment's.
    Billed,
    /// A deal that cannot be billed is refused, mended two days later, billed and paid.
    Refused,
    /// A deal is edited while it is being billed, and once more when it is.
    Edited,
    /// Nobody tells of the deal, nor of its payment: the reconciler finds both.
    Missed,
    /// A deal that is sold for a year, of which a month has gone by: one line at the catalogue's price, one at another, and one that
    /// is billed once. Its subscription is begun, and the first invoice paid.
    Begun,
    /// The same year, in quarters, with one line by the month.
    BegunMixed,
    /// The account's customer was sold something in dollars by hand, so the year gets a customer of its own.
    BegunApart,
    /// It is edited while its subscription is begun, so that another takes its place.
    BegunAnew,
    /// A month's subscription is begun, and before the month is over another deal renews it: at one price that is there, at one that is
    /// to be made, and without its third item.
    Renewed,
    /// A quarter's subscription is begun a month late, and another deal renews it from then on, with the same changes: what is left of
    /// the quarter is invoiced at once.
    Changed,
    /// A deal is edited when it is billed: its invoice is voided, and another takes its place and is paid.
    Replaced,
    /// A deal is edited when it is paid: what was paid is credited, and the invoice in its place asks for the difference.
    Credited,
    /// The account names a customer of ours of whom nobody remembers what it was told, and which has another tax id and address of e-mail
    /// than the account: it is told everything before the deal is billed.
    Retold,
    /// The year is begun, and its deal told how it stands; days later it is canceled by hand, and the deal is told that.
    Told,
    /// A payment of the deal's invoice fails, and days later one comes in: a case is opened and closed.
    Failed,
}

const TAX_ID: &str = "DE100000001";
const FORMER_TAX_ID: &str = "DE100000002";

impl Story {
    pub const ALL: &'static [Story] = &[
        Self::Billed,
        Self::Refused,
        Self::Edited,
        Self::Missed,
        Self::Begun,
        Self::BegunMixed,
        Self::BegunApart,
        Self::BegunAnew,
        Self::Replaced,
        Self::Credited,
        Self::Renewed,
        Self::Changed,
        Self::Retold,
        Self::Told,
        Self::Failed,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Billed => "billed",
            Self::Refused => "refused",
            Self::Edited => "edited",
            Self::Missed => "missed",
            Self::Begun => "begun",
            Self::BegunMixed => "begun-mixed",
            Self::BegunApart => "begun-apart",
            Self::BegunAnew => "begun-anew",
            Self::Replaced => "replaced",
            Self::Credited => "credited",
            Self::Renewed => "renewed",
            Self::Changed => "changed",
            Self::Retold => "retold",
            Self::Told => "told",
            Self::Failed => "failed",
        }
    }

    /// The reconciler is no workflow, and its passes are many: each of its crash points is tried alone.
    pub fn has_pairs(self) -> bool {
        self != Self::Missed
    }

    /// Now and later, once and twice. What no event tells of is neither.
    pub fn variants(self) -> usize {
        if self == Self::Missed { 1 } else { 4 }
    }

    /// Whether events arrive at all.
    pub fn is_told(self) -> bool {
        self != Self::Missed
    }

    pub fn scenario(self, start: Timestamp) -> Scenario {
        let mut scenario = Scenario::empty("EUR");
        let account_id = AccountId::parse("001gK0000000001").expect("fifteen characters");
        let deal = OpportunityId::parse("006gK0000000001").expect("fifteen characters");
        scenario.models.salesforce.add_account(Account {
            id: account_id.clone(),
            name: "Acme".into(),
            billing_email: Some("ap@acme.example".into()),
            country: Some(if self == Self::Refused { "Narnia" } else { "Germany" }.into()),
            stripe_customer_id: None,
            customer_named_by_hand: false,
            modified: Timestamp::UNIX_EPOCH,
            emails: vec![(Timestamp::UNIX_EPOCH, "ap@acme.example".into())],
            tax_ids: vec![],
        });
        if self == Self::Retold {
            let customer =
                scenario.models.stripe.make_forgotten_customer(Timestamp::UNIX_EPOCH, &account_id, FORMER_TAX_ID);
            scenario.models.salesforce.edit_account(Timestamp::UNIX_EPOCH, &account_id, |account| {
                account.stripe_customer_id = Some(customer.to_string());
                account.customer_named_by_hand = false;
                account.tax_ids = vec![(Timestamp::UNIX_EPOCH, Some(TAX_ID.to_owned()))];
            });
        }
        enter_deal(&mut scenario.models, account_id.clone(), start);
        // The others are about how a deal is billed, and have moments enough.
        scenario.settings.standings = if self == Self::Told { Standings::Mirrored } else { Standings::Off };
        if matches!(self, Self::Begun | Self::BegunMixed | Self::BegunApart | Self::BegunAnew | Self::Told) {
            scenario.settings.subscriptions = mapping::Subscriptions::ClosedWon;
            sell_for_a_year(&mut scenario.models, start);
        }
        if self == Self::BegunApart {
            let (stripe, dollars) = (&mut scenario.models.stripe, Currency::parse("USD").expect("a currency"));
            let made = stripe.make_own_customer_with_subscription(Timestamp::UNIX_EPOCH, &account_id, dollars);
            scenario.models.salesforce.name_customer(&account_id, &made);
        }
        if self == Self::BegunMixed {
            sell_in_quarters(&mut scenario.models);
        }
        if matches!(self, Self::Renewed | Self::Changed) {
            scenario.settings.subscriptions = mapping::Subscriptions::ClosedWon;
            scenario.settings.renewals = mapping::Renewals::Extend;
            scenario.models.salesforce.renews = true;
            match self {
                Self::Changed => sell_for_a_quarter_and_change(&mut scenario.models, start),
                _ => sell_for_a_month_and_more(&mut scenario.models, start),
            }
        }
        if self == Self::Failed {
            scenario.settings.payment_cases = Some(mapping::CasePolicy::default());
            scenario.models.stripe.payments_fail = true;
        }
        if self == Self::Replaced {
            scenario.settings.amendments = mapping::Amendments::VoidAndReissue;
            scenario.models.amends = true;
        }
        if self == Self::Credited {
            scenario.settings.amendments = mapping::Amendments::CreditAndReissue;
            (scenario.models.amends, scenario.models.credits) = (true, true);
            scenario.models.salesforce.credits = true;
        }
        let at = |seconds: i64| start.saturating_add(SignedDuration::from_secs(seconds)).expect("a history lasts days");
        let moment = |milliseconds: i64| {
            start.saturating_add(SignedDuration::from_millis(milliseconds)).expect("a history lasts days")
        };
        let mut acts = vec![(at(10), Act::Win(deal.clone()))];
        let edit = |total: i64| Act::EditLine { deal: deal.clone(), line: 0, total: Decimal::from(total) };
        match self {
            Self::Billed | Self::Missed | Self::Begun | Self::BegunMixed | Self::BegunApart | Self::Retold => {}
            // Two deaths, a day each, and then two more.
            Self::Failed => acts.push((at(3600), Act::FailPayment { deal: deal.clone(), tries: 5 })),
            Self::Told => acts.push((at(60 * 3600), Act::CancelSubscription { deal: deal.clone(), tries: 1 })),
            Self::Replaced => acts.push((at(600), edit(31))),
            Self::Credited => {
                acts.extend([(at(300), Act::Pay { deal: deal.clone(), tries: 2 }), (at(600), edit(31))]);
            }
            // After two deaths of the first deal, a day each, it is billed; and five days are left for two more.
            Self::Renewed | Self::Changed => acts.push((at(72 * 3600), Act::Win(second()))),
            Self::BegunAnew => acts.push((moment(13_900), edit(372))),
            Self::Refused => acts.push((at(52 * 3600), Act::MendAccount { account: account_id, deal: deal.clone() })),
            // In the middle of the run, which begins within five seconds and takes one; and hours after it.
            Self::Edited => {
                acts.extend([(moment(13_000), edit(31)), (moment(13_900), edit(32)), (at(5 * 3600), edit(40))])
            }
        }
        let first_try = match self {
            Self::Refused => 53 * 3600,
            Self::Failed => 66 * 3600,
            _ => 3600,
        };
        acts.push((at(first_try), Act::Pay { deal, tries: 10 }));
        scenario.acts = acts;
        scenario
    }

    /// What must have come of it beside what must always be true. A payment that waits for its deal for longer than a day is put
    /// before a person, and the reconciler, which most stories do without, takes it up again.
    pub fn ends_well(self, models: &Models, letters: &[DeadLetter]) -> Result<(), String> {
        let waits_in_vain = letters
            .iter()
            .any(|letter| matches!(letter.code.as_deref(), Some("invoice_not_linked" | "invoice_linked_elsewhere")));
        let deal = models.salesforce.opportunities().next().ok_or("there is no deal")?;
        match self {
            Self::Edited => Ok(()),
            Self::Failed if !models.salesforce.cases().next().is_some_and(|(_, case)| case.is_closed) => {
                Err("there is no case, or it is open".to_owned())
            }
            Self::Told if deal.standing.status.as_deref() != Some("canceled") => {
                Err(format!("it is told that it is {:?}", deal.standing))
            }
            Self::Renewed | Self::Changed => {
                let differences = models.stripe.subscriptions().map(|one| one.differences.len()).sum::<usize>();
                if differences != usize::from(self == Self::Changed) {
                    return Err(format!("{differences} invoices bill a difference"));
                }
                let renewal = models.salesforce.opportunity(&second()).ok_or("there is no renewal")?;
                match &renewal.renewal_id {
                    Some(_) => Ok(()),
                    None => Err(format!("it is not renewed: {:?}", renewal.sync_code)),
                }
            }
            Self::BegunApart if models.stripe.customers().filter(|one| one.currency() == Some("eur")).count() != 1 => {
                Err("it is not one customer's of its own".to_owned())
            }
            Self::Retold if models.stripe.customers().any(|customer| !customer.has_only(TAX_ID)) => {
                Err("a customer has another tax id, or none".to_owned())
            }
            _ if deal.invoice_id.is_some() && (deal.payment_received || waits_in_vain && self.is_told()) => Ok(()),
            _ => Err(format!("invoice {:?}, paid {}, {:?}", deal.invoice_id, deal.payment_received, deal.sync_code)),
        }
    }
}

/// Three lines: at list price, at a fractional quantity, and negotiated.
fn enter_deal(models: &mut Models, account_id: AccountId, start: Timestamp) {
    let mut lines = Vec::new();
    for (number, list, quantity, total) in [(1, 1000, "3", "30"), (2, 400, "2.5", "10"), (3, 250, "4", "8.20")] {
        let price = PriceId::parse(&format!("price_{number}")).expect("a prefix and a digit");
        models.stripe.catalogue.prices.insert(
            price.clone(),
            Price {
                product: ProductId::parse(&format!("prod_{number}")).expect("a prefix and a digit"),
                currency: Currency::parse("EUR").expect("a currency"),
                unit_amount: list.into(),
                is_active: true,
                months: None,
                lookup_key: None,
            },
        );
        lines.push(Line {
            id: LineItemId::parse(&format!("00kgK000000000{number}")).expect("fifteen characters"),
            quantity: quantity.parse().expect("a number"),
            list_price: Some(Decimal::new(list, 2)),
            total: Some(total.parse().expect("a number")),
            product: format!("Product {number}"),
            price: Some(price.to_string()),
            is_recurring: false,
            every: None,
        });
    }
    let mut deal = opportunity(1, account_id, "EUR".into(), start);
    deal.amount = Some(lines.iter().filter_map(|line| line.total).sum());
    deal.lines = lines;
    models.salesforce.add_opportunity(deal);
}

/// The first line by the month at the catalogue's price, the third by the month at another; the second is billed once.
fn sell_for_a_year(models: &mut Models, start: Timestamp) {
    for price in models.stripe.catalogue.prices.values_mut().take(1) {
        price.months = Some(1);
    }
    let mut deal = models.salesforce.opportunities().next().cloned().expect("it was entered");
    let first = start.saturating_add(SignedDuration::from_hours(-40 * 24)).expect("a history is not the first thing");
    let start = TimeZone::UTC.to_datetime(first).date();
    deal.term = Some(Term { start, every: 1, periods: Some(12), stub: 0 });
    for line in [0, 2] {
        deal.lines[line].is_recurring = true;
        deal.lines[line].total = deal.lines[line].total.map(|total| total * Decimal::from(12));
    }
    deal.amount = Some(deal.lines.iter().filter_map(|line| line.total).sum());
    models.salesforce.add_opportunity(deal);
}

/// The year that it is sold for, with the first line by the month.
fn sell_in_quarters(models: &mut Models) {
    let mut deal = models.salesforce.opportunities().next().cloned().expect("it was entered");
    deal.term = deal.term.map(|term| Term { every: 3, periods: Some(4), ..term });
    deal.lines[0].every = Some(1);
    models.salesforce.add_opportunity(deal);
}

fn second() -> OpportunityId {
    OpportunityId::parse("006gK0000000002").expect("fifteen characters")
}

/// Two lines by the quarter, of which forty days have gone by, and the deal that changes them from its second month on.
fn sell_for_a_quarter_and_change(models: &mut Models, start: Timestamp) {
    sell_for_a_year(models, start);
    let mut deal = models.salesforce.opportunities().next().cloned().expect("it was entered");
    let first = deal.term.as_ref().map(|term| term.start).expect("it is sold for a year");
    deal.term = Some(Term { start: first, every: 3, periods: Some(1), stub: 0 });
    let next = first.checked_add(jiff::Span::new().months(1)).expect("a history is of this century");
    let term = Term { start: next, every: 3, periods: Some(0), stub: 2 };
    renew_with(models, deal, term, |total, index| {
        total * Decimal::from(if index == 0 { 2 } else { 4 }) / Decimal::from(3)
    });
}

/// Two lines by the month for a month that is over in eight days, and the deal that goes on with them for a quarter: the first as it was,
/// the other at another price.
fn sell_for_a_month_and_more(models: &mut Models, start: Timestamp) {
    sell_for_a_year(models, start);
    let mut deal = models.salesforce.opportunities().next().cloned().expect("it was entered");
    let first = start.saturating_add(SignedDuration::from_hours(-22 * 24)).expect("a history is not the first thing");
    let first = TimeZone::UTC.to_datetime(first).date();
    deal.term = Some(Term { start: first, every: 1, periods: Some(1), stub: 0 });
    let next = first.checked_add(jiff::Span::new().months(1)).expect("a history is of this century");
    let term = Term { start: next, every: 1, periods: Some(3), stub: 0 };
    renew_with(models, deal, term, |total, index| total * Decimal::from(if index == 0 { 3 } else { 6 }));
}

/// For this term, and without the second line.
fn renew_with(models: &mut Models, mut deal: Opportunity, term: Term, costs: impl Fn(Decimal, usize) -> Decimal) {
    let mut renewal = deal.clone();
    renewal.id = second();
    renewal.kind = Some("Renewal".into());
    renewal.term = Some(term);
    renewal.lines.remove(1);
    for (index, line) in renewal.lines.iter_mut().enumerate() {
        line.id = LineItemId::parse(&format!("00kgK000000010{index}")).expect("fifteen characters");
        line.total = line.total.map(|total| costs(total, index));
    }
    for one in [&mut deal, &mut renewal] {
        one.amount = Some(one.lines.iter().filter_map(|line| line.total).sum());
    }
    models.salesforce.add_opportunity(deal);
    models.salesforce.add_opportunity(renewal);
}
