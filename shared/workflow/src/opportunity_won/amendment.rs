//! The deal was changed after its invoice was sent.
//!
//! A person is told, unless the organization lets it be billed anew. Then an invoice that nothing is paid of is voided first, and
//! only when Stripe says that it is void the deal is billed as if it never had been: there are never two that count. One that
//! is paid is credited to the customer's balance in the same way, where the organization lets that happen; what the balance pays of the
//! next one is not asked for again. So is one that is paid in part: the note takes what is still due, and the balance gets what was paid. One
//! that was refunded or disputed is a person's business.

use domain::{InvoiceId, SubscriptionId};
use mapping::{Code, Deal, Findings, Kind, PAID, Plan, Renewals, Settings, Stop, plan, preflight};
use serde::{Deserialize, Serialize};

use super::basket::Basket;
use super::{Invoice, Point, judge};
use crate::{Call, CreditLine, Fact, InvoiceSeen, InvoiceStatus, MoneyIn, NewCredit, PriceSeen, Settlement};

/// What is to become of an invoice that turns out to be paid, or a part of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    pub credit: IfPaid,
    /// Salesforce says that it is. What came by another way than Stripe would be asked for twice.
    pub is_ticked: bool,
    /// What Stripe refused to give back of it, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<i64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IfPaid {
    /// A person decides.
    #[default]
    Asks,
    Credits,
    /// Stripe did not let us.
    Refused,
}

/// A credit note that was decided on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    pub amount: i64,
    pub lines: Vec<CreditLine>,
}

pub(super) fn changed(invoice: Invoice, deal: &Deal, settings: &Settings) -> Point {
    let policy = settings.amendments;
    let what_to_do = match preflight(deal, settings).and_then(Findings::finish) {
        _ if let Some((id, _)) = &invoice.subscription => of_subscription(id, &invoice.plan, deal, settings),
        Ok(((plan, _), _)) if policy.reissues() && is_once(&invoice, &plan) => {
            let credit = if policy.credits() { IfPaid::Credits } else { IfPaid::Asks };
            let payment = Payment { credit, is_ticked: deal.opportunity.is_true(PAID), refused: None };
            return Point::Amending { invoice, plan, refused: None, is_untouched: false, payment };
        }
        Err(stop) if policy.reissues() && stop.kind != Kind::NotBillable => unbillable(&stop),
        _ => "void it and bill again, write a credit note, or set the deal back.".to_owned(),
    };
    let stop = stop(&invoice, &what_to_do);
    Point::Done { invoice }.stopped_unless_noted(stop, &deal.opportunity)
}

const IS_PAID: &str =
    "it is paid, or a part of it. Write a credit note or bill the difference by hand, or set the deal back.";

/// That it was edited does not say from which day on: a deal of its own does.
fn of_subscription(id: &SubscriptionId, billed: &Plan, deal: &Deal, settings: &Settings) -> String {
    match plan(deal, settings) {
        Err(stop) if stop.kind == Kind::NotBillable => format!(
            "it does not ask to be billed any more, and Stripe subscription {id} goes on. Set the deal back, and fill in Stripe Cancel On; or end \
             the subscription by hand, with what is to be given back."
        ),
        Err(stop) => unbillable(&stop),
        Ok(_) => {
            // A renewal has one frequency, and so has what it renews.
            let has_one_frequency = billed.lines.iter().all(|line| line.every.is_none());
            let sell = match settings.renewals == Renewals::Extend && has_one_frequency {
                true => {
                    "sell what is to be billed instead by an opportunity of type Renewal, which begins on the day from which on it counts"
                }
                false => "change the subscription by hand",
            };
            format!("Stripe subscription {id} bills what it was before. Set the deal back, and {sell}.")
        }
    }
}

fn unbillable(stop: &Stop) -> String {
    format!("it cannot be billed as it is now. {}", stop.message)
}

/// A subscription is not voided: what of its term is billed, and what is still to come, is a person's business.
fn is_once(invoice: &Invoice, plan: &Plan) -> bool {
    invoice.subscription.is_none() && plan.subscription.is_none()
}

fn stop(invoice: &Invoice, what_to_do: &str) -> Stop {
    let (invoice_id, total) = (&invoice.invoice_id, invoice.plan.total);
    let message = format!("The deal changed after invoice {invoice_id} was sent for {total}: {what_to_do}");
    Stop::review(Code::DealChangedAfterBilling, message)
}

pub(super) fn credit(invoice: &Invoice, plan: &Plan, credit: &Credit) -> Call {
    Call::CreditInvoice(Box::new(NewCredit {
        opportunity_id: plan.opportunity_id.clone(),
        invoice_id: invoice.invoice_id.clone(),
        amount: credit.amount,
        lines: credit.lines.clone(),
        total: plan.total,
        is_approved: plan.is_approved_for(plan.total),
    }))
}

/// The transitions of a deal that is billed anew. Its invoice is void or credited before there is a second; until then it is the one that
/// counts.
pub(super) fn record(point: Point, fact: Fact, _: &Settings) -> Result<Point, Box<(Point, Fact)>> {
    Ok(match (point, fact) {
        // What only Stripe knows of its products stands in the way before the void, too.
        (Point::Amending { invoice, plan, payment, .. }, Fact::PricesRead(prices)) => {
            if_priced(invoice, plan, &prices, |invoice, plan| Point::Voiding { invoice, plan, payment })
        }
        (Point::Amending { invoice, plan, refused, payment, .. }, Fact::InvoiceRead(now)) => {
            seen(invoice, plan, refused, payment, &now)
        }
        // It was paid before. What is to become of that is decided by what the deal says now.
        (Point::Voiding { invoice, payment, .. }, Fact::InvoiceRead(now))
            if payment.credit == IfPaid::Credits && is_creditable(&now) =>
        {
            Point::Revisiting { invoice }
        }
        (Point::Voiding { invoice, .. }, Fact::InvoiceRead(now)) => voided(invoice, &now),
        (Point::Voiding { invoice, .. } | Point::Crediting { invoice, .. }, Fact::InvoiceNotVoided) => {
            Point::Revisiting { invoice }
        }
        (Point::Voiding { invoice, plan, payment }, Fact::Refused(why)) => {
            Point::Amending { invoice, plan, refused: Some(why.stop), is_untouched: false, payment }
        }
        (
            Point::Voiding { invoice, plan, .. } | Point::Crediting { invoice, plan, .. },
            Fact::NotApproved { ceiling, total },
        ) => {
            let stop = judge::above(&plan, ceiling, total);
            Point::Done { invoice }.stopped(stop)
        }

        // Paid: the money is looked at, and the prices, and then all of it is credited.
        (Point::Settling { invoice, plan }, Fact::SettlementRead(settlement)) => settled(invoice, plan, *settlement),
        (Point::Crediting { invoice, plan, credit, is_priced: false }, Fact::PricesRead(prices)) => {
            let go_on = |invoice, plan| Point::Crediting { invoice, plan, credit, is_priced: true };
            if_priced(invoice, plan, &prices, go_on)
        }
        (Point::Crediting { invoice, .. }, Fact::InvoiceRead(now)) => voided(invoice, &now),
        (Point::Crediting { invoice, plan, credit, is_priced: true }, Fact::Refused(why)) => {
            let payment = Payment { credit: IfPaid::Refused, refused: Some(credit.amount), ..Payment::default() };
            Point::Amending { invoice, plan, refused: Some(why.stop), is_untouched: false, payment }
        }

        (Point::Doubting { invoice, .. }, Fact::InvoiceRead(now)) if now.is_given_up() => voided(invoice, &now),
        (Point::Doubting { invoice, stop: Some(stop), .. }, Fact::InvoiceRead(_)) => {
            Point::Sent { invoice, interrupted: true }.stopped(stop)
        }
        (Point::Doubting { invoice, stop: None, clears: true }, Fact::InvoiceRead(_)) => Point::Clearing { invoice },
        (Point::Doubting { invoice, stop: None, clears: false }, Fact::InvoiceRead(_)) => Point::Done { invoice },
        (
            Point::Amending { invoice, .. }
            | Point::Voiding { invoice, .. }
            | Point::Settling { invoice, .. }
            | Point::Crediting { invoice, .. }
            | Point::Doubting { invoice, .. },
            Fact::InvoiceMissing,
        ) => missing(invoice),
        (
            Point::Amending { invoice, .. }
            | Point::Settling { invoice, .. }
            | Point::Crediting { invoice, .. }
            | Point::Doubting { invoice, .. },
            Fact::Refused(why),
        ) => Point::Done { invoice }.stopped(Stop::review(why.stop.code, why.stop.message)),
        unknown => return Err(Box::new(unknown)),
    })
}

/// Its products have prices, or it keeps the invoice that it has.
fn if_priced(invoice: Invoice, plan: Plan, prices: &[PriceSeen], go_on: impl FnOnce(Invoice, Plan) -> Point) -> Point {
    match Basket::new(&plan, prices) {
        Ok(_) => go_on(invoice, plan),
        Err(why) => kept(invoice, &unbillable(&why)),
    }
}

/// What has become of the invoice that was sent for what the deal was before.
fn seen(invoice: Invoice, plan: Plan, refused: Option<Stop>, payment: Payment, seen: &InvoiceSeen) -> Point {
    let is_paid = is_creditable(seen);
    let is_unsure = payment.is_ticked && seen.status == InvoiceStatus::Open;
    let is_unpaid = seen.status == InvoiceStatus::Open && seen.is_untouched();
    let refused = match refused {
        None if planted!(BillsBeside) => return Point::claimed(plan),
        None if is_unpaid && !payment.is_ticked => {
            return Point::Amending { invoice, plan, refused, is_untouched: true, payment };
        }
        None if is_paid && payment.credit == IfPaid::Credits && !is_unsure => {
            return Point::Settling { invoice, plan };
        }
        // It was to be voided, and that may be long ago.
        Some(_) if is_paid && payment.credit == IfPaid::Credits => return Point::Revisiting { invoice },
        // More of it was paid since.
        Some(_) if is_paid && payment.refused.is_some_and(|asked| asked != seen.settled()) => {
            return Point::Revisiting { invoice };
        }
        None if is_unpaid => return kept(invoice, IS_PAID),
        None => return voided(invoice, seen),
        Some(why) => why,
    };
    let by_hand = match payment.credit {
        IfPaid::Refused if is_paid => "Credit",
        _ if is_unpaid => "Void",
        _ => return voided(invoice, seen),
    };
    let message =
        format!("{} {by_hand} invoice {} by hand, then send the event again.", refused.message, invoice.invoice_id);
    Point::Done { invoice }.stopped(Stop::review(refused.code, message))
}

/// It is paid, or a part of it, and nothing of it is credited.
fn is_creditable(seen: &InvoiceSeen) -> bool {
    let is_paid = match seen.status {
        InvoiceStatus::Paid => true,
        InvoiceStatus::Open => seen.is_begun_to_be_paid() && !planted!(LeavesWhatIsPaidInPart),
        _ => false,
    };
    is_paid && seen.total > 0 && seen.credited.is_nothing()
}

/// What was paid is credited if it is still here, and if it can pay for what is billed in its place.
fn settled(invoice: Invoice, plan: Plan, settlement: Settlement) -> Point {
    let Settlement { invoice: now, lines, money, is_of_balance } = settlement;
    if !is_creditable(&now) {
        return voided(invoice, &now);
    }
    let why_not = match (money, lines) {
        (MoneyIn::Refunded, _) if !planted!(CreditsWhatWentBack) => {
            "what was paid of it was refunded, or a part of that."
        }
        (MoneyIn::Disputed, _) => "its payment is disputed.",
        (MoneyIn::UnderWay, _) => "a payment of it is under way: when that has come or failed, send the event again.",
        (MoneyIn::Unknown, _) => "it is paid by a way that does not say whether the money is still here.",
        _ if plan.account_id != invoice.plan.account_id => "it is paid, and the deal belongs to another account now.",
        _ if plan.total.currency() != now.currency => "it is paid, and the deal is in another currency now.",
        _ if !is_of_balance => {
            "it is paid, and its customer is deleted at Stripe, or has a balance in another currency."
        }
        _ if now.settled() <= 0 => "it is paid in part, and asks for what the customer owed before as well.",
        (_, None) => "it is paid, and one of its lines cannot be credited.",
        (_, Some(lines)) => {
            let credit = Credit { amount: now.settled(), lines };
            return Point::Crediting { invoice, plan, credit, is_priced: false };
        }
    };
    kept(invoice, &format!("{why_not} Write a credit note or bill the difference by hand, or set the deal back."))
}

/// It is void or credited, by us or by somebody else, and the deal is billed anew; or it is not, and why is told.
fn voided(invoice: Invoice, seen: &InvoiceSeen) -> Point {
    let what_to_do = match seen.status {
        _ if planted!(BelievesInVoids) => return Point::claimed(invoice.plan),
        _ if seen.is_given_up() => return Point::claimed(invoice.plan),
        InvoiceStatus::Uncollectible if seen.amount_paid > 0 => {
            "it was written off, and a part of it is paid. Settle it by hand, or set the deal back."
        }
        InvoiceStatus::Uncollectible => "it was written off. Void it and send the event again, or set the deal back.",
        InvoiceStatus::Open if seen.amount_paid == 0 => {
            "a part of it is credited. Void it and send the event again, or set the deal back."
        }
        _ => IS_PAID,
    };
    kept(invoice, what_to_do)
}

/// The invoice stays, and a person is told why.
fn kept(invoice: Invoice, what_to_do: &str) -> Point {
    let stop = stop(&invoice, what_to_do);
    Point::Done { invoice }.stopped(stop)
}

fn missing(invoice: Invoice) -> Point {
    let message = format!(
        "The deal changed, and Stripe does not know its invoice {}: look whether the key is of the right account.",
        invoice.invoice_id
    );
    Point::Done { invoice }.stopped(Stop::review(Code::InvoiceChangedInStripe, message))
}

impl Point {
    /// It keeps its invoice although it was changed.
    pub(crate) fn kept(self, what_to_do: &str) -> Self {
        match self {
            Self::Amending { invoice, .. }
            | Self::Voiding { invoice, .. }
            | Self::Settling { invoice, .. }
            | Self::Crediting { invoice, .. } => kept(invoice, what_to_do),
            point => point,
        }
    }

    /// The same stop, of a deal whose invoice does not count any more. That it does not ask to be billed any more is nobody's business but
    /// for that.
    pub(crate) fn without_its_invoice(self, given_up: &InvoiceId, is_named: bool) -> Self {
        match self {
            Self::Stopped { stop, back_to, .. } if stop.kind == Kind::NotBillable && is_named => {
                let message = format!(
                    "Invoice {given_up} was voided or credited because the deal was changed, and now it does not ask to be billed: if that \
                     is right, empty Stripe Invoice Id, and Payment Received if it is ticked."
                );
                back_to.stopped(Stop::review(Code::DealChangedAfterBilling, message))
            }
            Self::Stopped { opportunity_id, mut stop, told, reported, back_to } if stop.needs_person() => {
                stop.message =
                    format!("{} Invoice {given_up} is void or credited, and the customer has no other.", stop.message);
                Self::Stopped { opportunity_id, stop, told, reported, back_to }
            }
            point => point,
        }
    }

    /// Its invoice took the place of one that was paid, and Salesforce may name that one.
    pub(crate) fn unmarking(mut self) -> Self {
        if let Self::Sent { invoice, interrupted: false } | Self::Verifying { invoice } = &mut self {
            invoice.unmarks = !planted!(LeavesTheTick);
        }
        self
    }

    /// After a restore the opportunity names another invoice: this one may have been replaced since.
    pub(crate) fn doubted(self) -> Self {
        match self {
            Self::Done { invoice } => Self::Doubting { invoice, stop: None, clears: false },
            Self::Clearing { invoice } => Self::Doubting { invoice, stop: None, clears: true },
            Self::Stopped { opportunity_id, stop, told, reported, back_to } => match *back_to {
                Self::Sent { invoice, .. } if stop.code == Code::AlreadyBilled => {
                    Self::Doubting { invoice, stop: Some(stop), clears: false }
                }
                point => Self::Stopped { opportunity_id, stop, told, reported, back_to: Box::new(point) },
            },
            point => point,
        }
    }

    /// What was billed has to be written back once more.
    pub(crate) fn naming_again(self) -> Self {
        match self {
            Self::Done { invoice } | Self::Clearing { invoice } => Self::Verifying { invoice },
            point => point,
        }
    }
}
