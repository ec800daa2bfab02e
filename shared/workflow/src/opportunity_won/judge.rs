//! What a reading of the deal, or of what Salesforce holds, means for the run.

use domain::{InvoiceId, Money, OpportunityId, Record};
use mapping::{Code, Deal, Kind, Plan, Settings, Stop, plan, sync_note};

use super::{Draft, Invoice, Point, Stage, amendment, ending, preflight, written};
use crate::{InvoiceSeen, InvoiceStatus};

pub(super) fn claim(opportunity_id: OpportunityId, deal: &Deal, settings: &Settings) -> Point {
    let claimed = Point::Claimed { opportunity_id: opportunity_id.clone() };
    let planned = match deal.opportunity.text("Stripe_Invoice_Id__c") {
        None => preflight::begin(opportunity_id, deal, settings),
        Some(invoice_id) => plan(deal, settings).and_then(|(plan, _)| already_named(plan, deal, invoice_id)),
    };
    planned.unwrap_or_else(|stop| claimed.stopped_unless_noted(stop, &deal.opportunity))
}

/// Somebody billed it by hand, or another deployment did. Overwriting their id would bill it twice.
fn already_named(plan: Plan, deal: &Deal, invoice_id: &str) -> Result<Point, Stop> {
    let message = format!(
        "The opportunity already names Stripe invoice {}. If the deal is not billed yet, empty Stripe Invoice Id and send \
         the event again.",
        invoice_id.chars().take(60).collect::<String>()
    );
    let stop = Stop::review(Code::AlreadyBilled, message);
    let Ok(invoice_id) = InvoiceId::parse(invoice_id) else { return Err(stop) };
    let noted = sync_note(&plan.opportunity_id, &stop).differences(&deal.opportunity).is_empty();
    Ok(Point::InvoiceNamed { plan, invoice_id, stop, noted })
}

/// The invoice that the opportunity names although the run made none: after a restore of the ledger, the run itself had
/// made it. Any other is somebody else's, or another deal's that was copied.
pub(super) fn invoice_named(plan: Plan, stop: Stop, noted: bool, seen: &InvoiceSeen) -> Point {
    let is_for_deal = seen.metadata.get("sf_opportunity_id").is_some_and(|id| id == plan.opportunity_id.as_str());
    let is_sent = matches!(seen.status, InvoiceStatus::Open | InvoiceStatus::Paid) && !seen.is_given_up();
    match &seen.customer_id {
        Some(customer_id) if is_sent && (seen.is_ours && is_for_deal || planted!(AdoptsForeignInvoice)) => {
            let (customer_id, invoice_id) = (customer_id.clone(), seen.invoice_id.clone());
            after_pivot(
                Draft {
                    plan,
                    customer_id,
                    invoice_id,
                    // It was written with the invoice's own name, and what it names since is another matter.
                    account_is_linked: true,
                    is_charged: false,
                    started: None,
                    once: Vec::new(),
                },
                seen,
            )
            .verifying()
        }
        _ => Point::claimed(plan).stopped_noted(stop, noted),
    }
}

/// Above the ceiling. An approval is an edit of the deal, which brings the run back to the draft.
pub(super) fn not_approved(draft: Draft, ceiling: Money, total: Money) -> Point {
    let stop = above(&draft.plan, ceiling, total);
    let stage = Stage::Gate {};
    Point::looking(draft, stage, None).stopped(stop)
}

pub(super) fn above(plan: &Plan, ceiling: Money, total: Money) -> Stop {
    let what = if total == plan.total { "The deal's" } else { "An invoice of the deal over" };
    let message = format!(
        "{what} {total} is above {ceiling}, the most that is sent without an approval: whoever may approve it fills in Stripe \
         Approved Amount on the opportunity."
    );
    Stop::review(Code::ApprovalRequired, message)
}

/// What an invoice that is no draft means: it was sent, or somebody took it out of our hands. A person who has decided
/// sends the event again, and the invoice is looked at again.
pub(super) fn after_pivot(draft: Draft, seen: &InvoiceSeen) -> Point {
    let (invoice_id, total) = (draft.invoice_id.clone(), draft.plan.total);
    let stop = match seen.status {
        InvoiceStatus::Open | InvoiceStatus::Paid if draft.comes_to(seen) => {
            return Point::Sent { invoice: draft.into_invoice(seen), interrupted: false };
        }
        InvoiceStatus::Open | InvoiceStatus::Paid => Stop::review(
            Code::InvoiceDiffersFromDeal,
            format!(
                "Stripe invoice {invoice_id} is sent and does not come to the deal's {total}: compare them, then void the \
                 invoice or write a credit note."
            ),
        ),
        _ => Stop::review(
            Code::InvoiceChangedInStripe,
            format!(
                "Stripe invoice {invoice_id} was voided or written off while the deal was being billed: decide whether the \
                 deal is to be billed, and by which invoice."
            ),
        ),
    };
    Point::Checking { draft, stage: Stage::Gate {}, refused: None }.stopped(stop)
}

/// What has become of the invoice while we were away, or since Stripe refused something about it.
pub(super) fn checked(draft: Draft, stage: Stage, refused: Option<Stop>, seen: InvoiceSeen) -> Point {
    match (seen.status, refused) {
        // Stripe would send it by itself.
        (InvoiceStatus::Draft, None) if stage == Stage::Holding => Point::Holding { draft, interrupted: true },
        (InvoiceStatus::Draft, refused) if stage == Stage::Deleting => {
            let message = match draft.subscription_id() {
                None => format!("Stripe does not let us delete the draft {}: delete it by hand.", draft.invoice_id),
                Some(id) => format!("Stripe does not let us cancel the subscription {id}: cancel it by hand."),
            };
            let code = refused.map_or(Code::StripeRefused, |stop| stop.code);
            Point::Abandoning { draft, stop: None }.stopped(Stop::review(code, message))
        }
        (InvoiceStatus::Draft, Some(stop)) => abandon(draft, Some(stop)),
        (InvoiceStatus::Draft, None) => Point::Comparing { draft, seen, stage },
        // Finalized, but Stripe said no to sending it: the customer may never have got it.
        (InvoiceStatus::Open, Some(stop)) => {
            let message = format!("Invoice {} is finalized, and not sent. {}", draft.invoice_id, stop.message);
            Point::Checking { draft, stage, refused: None }.stopped(Stop::review(stop.code, message))
        }
        // Our own sending, whose answer was lost, or somebody who finalized it by hand. Under the same key it is sent once.
        (InvoiceStatus::Open, None) => match after_pivot(draft.clone(), &seen) {
            // A subscription's that we had not begun to send, Stripe has sent, and it need not be mailed again.
            sent @ Point::Sent { .. } if draft.started.is_some() && stage != Stage::Sending => sent.verifying(),
            Point::Sent { .. } => Point::Ready { draft, interrupted: true },
            stopped => stopped,
        },
        _ => after_pivot(draft, &seen).verifying(),
    }
}

/// The draft is not to be sent. A subscription that has billed a later period as well is not canceled for that: the next one
/// would bill that period again.
pub(super) fn abandon(draft: Draft, stop: Option<Stop>) -> Point {
    let Some(started) = &draft.started else {
        return Point::Abandoning { draft, stop };
    };
    if planted!(CancelsArmed) {
        return Point::Abandoning { draft, stop };
    }
    if !started.has_billed_more {
        return Point::Disarming { draft, stop };
    }
    let why = stop.map_or("the deal or its account was edited".to_owned(), |stop| stop.message);
    let message = format!(
        "Stripe subscription {} has billed a later period, and its first invoice {} is not sent ({why}): settle what they bill by \
         hand.",
        started.subscription_id, draft.invoice_id
    );
    let stop = Stop::review(Code::DealChangedAfterBilling, message);
    Point::Checking { draft, stage: Stage::Gate {}, refused: None }.stopped(stop)
}

/// Stripe does not know the invoice any more. A draft that was never to be sent is made again; one whose sending may be
/// under way cannot vanish, unless it was deleted by hand just then or the key belongs to another account.
pub(super) fn gone(draft: Draft, stage: &Stage) -> Point {
    let invoice_id = draft.invoice_id.clone();
    // A subscription's draft cannot be deleted, and the subscription may be there.
    if let Some(subscription_id) = draft.subscription_id() {
        let message = format!(
            "Stripe does not know invoice {invoice_id} of subscription {subscription_id}: look whether the key is of the right \
             account, and cancel the subscription before the event is sent again."
        );
        let stop = Stop::review(Code::InvoiceChangedInStripe, message);
        return Point::Checking { draft, stage: stage.clone(), refused: None }.stopped(stop);
    }
    let claimed = Point::claimed(draft.plan);
    if *stage != Stage::Sending {
        return claimed;
    }
    let message = format!(
        "Stripe does not know invoice {invoice_id}, which was about to be sent: if the customer did not get it, and the key \
         is of the right account, send the event again to have it made anew."
    );
    claimed.stopped(Stop::review(Code::InvoiceChangedInStripe, message))
}

pub(super) fn not_found(opportunity_id: OpportunityId) -> Point {
    let message = "The opportunity is deleted, or the integration user cannot see it: check its sharing.";
    let stop = Stop::refused(Code::OpportunityNotFound, message);
    let back_to = Box::new(Point::Claimed { opportunity_id: opportunity_id.clone() });
    // There is no record to leave a note on.
    Point::Stopped { opportunity_id, stop, told: true, reported: false, back_to }
}

/// The opportunity names no invoice, or this one.
pub(super) fn names_only(opportunity: &Record, draft: &Draft) -> bool {
    opportunity.text("Stripe_Invoice_Id__c").is_none_or(|id| id == draft.invoice_id.as_str())
}

/// Whether what was billed is still what the deal says. Who gets the next invoice, by when, and under which name does not
/// change what this one was for.
pub(super) fn revisited(invoice: Invoice, deal: &Deal, settings: &Settings) -> Point {
    let is_same = match plan(deal, settings) {
        Ok((plan, _)) => plan.bills_the_same_as(&invoice.plan),
        Err(stop) if stop.kind == Kind::NotBillable => false,
        // It could not be billed today, but its amount is the one that was.
        Err(_) => mapping::comes_to(deal, settings) == Some(invoice.plan.total),
    };
    if let Some(ending) = ending::of_invoice(&invoice, &deal.opportunity, settings).filter(|_| is_same) {
        return ending;
    }
    if is_same && written::keeps_less(&invoice) {
        return written::not_kept_again(invoice);
    }
    if is_same || planted!(IgnoresLaterEdits) {
        return if written::carries_old_note(&deal.opportunity, &invoice.not_kept) {
            Point::Clearing { invoice }
        } else {
            Point::Done { invoice }
        };
    }
    amendment::changed(Invoice { not_kept: written::but_notes(invoice.not_kept), ..invoice }, deal, settings)
}
