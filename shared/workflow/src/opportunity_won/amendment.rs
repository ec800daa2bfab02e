//! The deal was changed after its invoice was sent.
//!
//! A person is told, unless the organization lets it be billed anew. Then an invoice that nothing is paid of is voided first, and
//! only when Stripe says that it is void the deal is billed as if it never had been: there are never two that count. One that
//! is paid, in whole or in part, is a person's business: what is owed then is a difference, or is owed to the customer.

use domain::InvoiceId;
use mapping::{Amendments, Code, Deal, Findings, Kind, PAID, Plan, Settings, Stop, preflight};

use super::basket::Basket;
use super::{Invoice, Point, judge};
use crate::{Fact, InvoiceSeen, InvoiceStatus};

pub(super) fn changed(invoice: Invoice, deal: &Deal, settings: &Settings) -> Point {
    let is_paid_by_hand = deal.opportunity.is_true(PAID);
    let what_to_do = match (settings.amendments, preflight(deal, settings).and_then(Findings::finish)) {
        (Amendments::VoidAndReissue, Ok(_)) if is_paid_by_hand => IS_PAID.to_owned(),
        (Amendments::VoidAndReissue, Ok(((plan, _), _))) if is_once(&invoice, &plan) => {
            return Point::Amending { invoice, plan, refused: None, is_untouched: false };
        }
        (Amendments::VoidAndReissue, Err(stop)) if stop.kind != Kind::NotBillable => unbillable(&stop),
        _ => "void it and bill again, write a credit note, or set the deal back.".to_owned(),
    };
    let stop = stop(&invoice, &what_to_do);
    Point::Done { invoice }.stopped_unless_noted(stop, &deal.opportunity)
}

const IS_PAID: &str =
    "it is paid, or a part of it. Write a credit note or bill the difference by hand, or set the deal back.";

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

/// The transitions of a deal that is billed anew. Its invoice is void before there is a second; until then it is the one that counts.
pub(super) fn record(point: Point, fact: Fact) -> Result<Point, Box<(Point, Fact)>> {
    Ok(match (point, fact) {
        // What only Stripe knows of its products stands in the way before the void, too.
        (Point::Amending { invoice, plan, .. }, Fact::PricesRead(prices)) => match Basket::new(&plan, &prices) {
            Ok(_) => Point::Voiding { invoice, plan },
            Err(why) => kept(invoice, &unbillable(&why)),
        },
        (Point::Amending { invoice, plan, refused, .. }, Fact::InvoiceRead(now)) => seen(invoice, plan, refused, &now),
        (Point::Voiding { invoice, .. }, Fact::InvoiceRead(now)) => voided(invoice, &now),
        (Point::Voiding { invoice, .. }, Fact::InvoiceNotVoided) => Point::Revisiting { invoice },
        (Point::Voiding { invoice, plan }, Fact::Refused(why)) => {
            Point::Amending { invoice, plan, refused: Some(why.stop), is_untouched: false }
        }
        (Point::Voiding { invoice, plan }, Fact::NotApproved { ceiling, total }) => {
            let stop = judge::above(&plan, ceiling, total);
            Point::Done { invoice }.stopped(stop)
        }
        (Point::Doubting { invoice, .. }, Fact::InvoiceRead(now)) if now.status == InvoiceStatus::Void => {
            voided(invoice, &now)
        }
        (Point::Doubting { invoice, stop: Some(stop), .. }, Fact::InvoiceRead(_)) => {
            Point::Sent { invoice, interrupted: true }.stopped(stop)
        }
        (Point::Doubting { invoice, stop: None, clears: true }, Fact::InvoiceRead(_)) => Point::Clearing { invoice },
        (Point::Doubting { invoice, stop: None, clears: false }, Fact::InvoiceRead(_)) => Point::Done { invoice },
        (
            Point::Amending { invoice, .. } | Point::Voiding { invoice, .. } | Point::Doubting { invoice, .. },
            Fact::InvoiceMissing,
        ) => missing(invoice),
        (Point::Amending { invoice, .. } | Point::Doubting { invoice, .. }, Fact::Refused(why)) => {
            Point::Done { invoice }.stopped(Stop::review(why.stop.code, why.stop.message))
        }
        unknown => return Err(Box::new(unknown)),
    })
}

/// What has become of the invoice that was sent for what the deal was before.
fn seen(invoice: Invoice, plan: Plan, refused: Option<Stop>, seen: &InvoiceSeen) -> Point {
    match refused {
        None if planted!(BillsBeside) => Point::claimed(plan),
        None if seen.status == InvoiceStatus::Open && seen.is_untouched() => {
            Point::Amending { invoice, plan, refused, is_untouched: true }
        }
        Some(why) if seen.status == InvoiceStatus::Open && seen.is_untouched() => {
            let message =
                format!("{} Void invoice {} by hand, then send the event again.", why.message, invoice.invoice_id);
            Point::Done { invoice }.stopped(Stop::review(why.code, message))
        }
        _ => voided(invoice, seen),
    }
}

/// It is void, by us or by somebody else, and the deal is billed anew; or it is not, and why is told.
fn voided(invoice: Invoice, seen: &InvoiceSeen) -> Point {
    let what_to_do = match seen.status {
        _ if planted!(BelievesInVoids) => return Point::claimed(invoice.plan),
        InvoiceStatus::Void if seen.amount_paid == 0 => return Point::claimed(invoice.plan),
        InvoiceStatus::Uncollectible => "it was written off. Void it and send the event again, or set the deal back.",
        InvoiceStatus::Open if seen.amount_paid == 0 => {
            "a part of it is credited. Void it and send the event again, write another credit note, or set the deal back."
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
            Self::Amending { invoice, .. } => kept(invoice, what_to_do),
            point => point,
        }
    }

    /// The same stop, of a deal whose invoice was voided. That it does not ask to be billed any more is nobody's business but for that.
    pub(crate) fn without_its_invoice(self, void: &InvoiceId, is_named: bool) -> Self {
        match self {
            Self::Stopped { stop, back_to, .. } if stop.kind == Kind::NotBillable && is_named => {
                let message = format!(
                    "Invoice {void} was voided because the deal was changed, and now it does not ask to be billed: if that is \
                     right, empty Stripe Invoice Id."
                );
                back_to.stopped(Stop::review(Code::DealChangedAfterBilling, message))
            }
            Self::Stopped { opportunity_id, mut stop, told, reported, back_to } if stop.needs_person() => {
                stop.message = format!("{} Invoice {void} is void, and the customer has no other.", stop.message);
                Self::Stopped { opportunity_id, stop, told, reported, back_to }
            }
            point => point,
        }
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
