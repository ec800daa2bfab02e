//! What came in for an invoice, as the invoice itself says it.

use domain::{Money, OpportunityId};
use mapping::{Amounts, Code, Received, Settings, Stop, StrayInvoices};

use super::whose::sought;
use super::{Point, Said};
use crate::{InvoiceSeen, InvoiceStatus};

/// Of the whole `status == paid` is the test: amounts say less, since an invoice may be settled out of band or by credit.
pub(super) fn came_in(
    said: Said,
    looks_first: bool,
    found: Option<OpportunityId>,
    seen: &InvoiceSeen,
    settings: &Settings,
) -> Point {
    let invoice_id = seen.invoice_id.clone();
    let named = seen.metadata.get("sf_opportunity_id").and_then(|id| OpportunityId::parse(id).ok());
    let looks_up = settings.stray_invoices == StrayInvoices::LookedUp;
    // What another integration wrote there is no more than a guess.
    let named = named.filter(|_| seen.is_ours || !looks_up);
    let paid_at = seen.paid_at.filter(|_| seen.status == InvoiceStatus::Paid);
    let is_said = match said {
        Said::Whole => paid_at.is_some() || planted!(PaidWithoutLooking),
        Said::Part => paid_at.is_some() || seen.status.is_sent() && seen.is_begun_to_be_paid(),
    };
    if !is_said {
        return Point::Unpaid { invoice_id, said };
    }
    let is_found = found.is_some();
    match found.or(named) {
        Some(_) if seen.is_given_up() && (!seen.is_credited_by_hand() || seen.is_paid_by_note()) => {
            let why = match seen.is_credited_by_hand() {
                true => "All of it is credited, and what was still due was paid by nobody but the credit note.",
                false => "What was paid is the customer's credit by now, and the deal is billed by another invoice.",
            };
            Point::stopped(invoice_id, Stop::not_billable(Code::InvoiceLinkedElsewhere, why))
        }
        Some(opportunity_id) => {
            let payment = received(opportunity_id, paid_at, seen, settings);
            let payment = Received { is_found, ..payment };
            // Rules ask of the opportunity, so it is read before anything is written.
            match looks_first || paid_at.is_some() && !settings.paid_rules.is_empty() {
                true => Point::Paid { payment },
                false => Point::Linked { payment, looked: false },
            }
        }
        // Those of a subscription that nobody here sold come by themselves.
        None if looks_up && seen.subscription_id.is_none() => sought(invoice_id, said, seen.customer_id.clone(), None),
        None => {
            let stop = Stop::not_billable(Code::NotOurs, "The invoice names no opportunity.");
            Point::stopped(invoice_id, stop)
        }
    }
}

/// What came in, as its opportunity is to say it.
fn received(
    opportunity_id: OpportunityId,
    paid_at: Option<jiff::Timestamp>,
    seen: &InvoiceSeen,
    settings: &Settings,
) -> Received {
    let paid_at = paid_at.or(planted!(PaidWithoutLooking).then_some(jiff::Timestamp::UNIX_EPOCH));
    let money = |minor_units| Money::from_minor_units(minor_units, seen.currency);
    Received {
        invoice_id: seen.invoice_id.clone(),
        opportunity_id,
        paid_at,
        amounts: Some(Amounts { paid: money(seen.received()), remaining: money(seen.amount_remaining) }),
        stage: settings.paid_stage.clone().filter(|_| paid_at.is_some()),
        won_stages: settings.won_stages.clone(),
        shows_status: settings.followed.shows_invoices(),
        customer_id: seen.customer_id.clone(),
        is_found: false,
        ruled: Default::default(),
        undecided: None,
    }
}
