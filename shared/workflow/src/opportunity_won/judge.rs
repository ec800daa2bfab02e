//! What a reading of the deal, or of what Salesforce holds, means for the run.

use domain::{OpportunityId, Record};
use mapping::{Code, Deal, Settings, Stop, Update, customer_named_by, invoice_written_back, plan};

use super::{Draft, Invoice, Point};

pub(super) fn claim(opportunity_id: OpportunityId, deal: &Deal, settings: &Settings) -> Point {
    let claimed = Point::Claimed { opportunity_id };
    match plan(deal, settings) {
        Err(stop) => claimed.stopped_unless_noted(stop, &deal.opportunity),
        Ok((plan, details)) => match deal.opportunity.text("Stripe_Invoice_Id__c") {
            None => Point::Planned { plan, details, named_by_salesforce: customer_named_by(&deal.opportunity) },
            // Somebody billed it by hand, or another deployment did. Overwriting their id would bill it twice.
            Some(invoice_id) => {
                let message = format!(
                    "The opportunity already names Stripe invoice {}. If the deal is not billed yet, empty Stripe Invoice \
                     Id and send the event again.",
                    invoice_id.chars().take(60).collect::<String>()
                );
                claimed.stopped_unless_noted(Stop::review(Code::AlreadyBilled, message), &deal.opportunity)
            }
        },
    }
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

pub(super) fn write_back(invoice: &Invoice) -> Vec<Update> {
    invoice_written_back(
        &invoice.plan,
        &invoice.customer_id,
        &invoice.invoice_id,
        invoice.hosted_invoice_url.as_deref(),
    )
}

pub(super) fn written_back(invoice: Invoice, records: &[Record]) -> Point {
    let updates = write_back(&invoice);
    let missing = Record::default();
    let differences: Vec<_> = updates
        .iter()
        .enumerate()
        .flat_map(|(index, update)| update.differences(records.get(index).unwrap_or(&missing)))
        .collect();
    if differences.is_empty() {
        return Point::Done { invoice };
    }
    let message = format!(
        "Invoice {} is sent, but Salesforce does not keep {}: check field-level security for the integration user, and \
         triggers or flows that change these fields.",
        invoice.invoice_id,
        differences.join(", ")
    );
    Point::Sent { invoice }.stopped(Stop::review(Code::WriteBackDiffers, message))
}

/// The write-back was interrupted: it may have happened, somebody may have written something else, or it is still to do.
pub(super) fn verified(invoice: Invoice, record: &Record) -> Point {
    match record.text("Stripe_Invoice_Id__c") {
        Some(id) if id != invoice.invoice_id.as_str() => {
            let message = format!(
                "Invoice {} is sent for this deal, and the opportunity meanwhile names another one: decide which is \
                 right, void the other, and correct Stripe Invoice Id.",
                invoice.invoice_id
            );
            Point::Sent { invoice }.stopped(Stop::review(Code::AlreadyBilled, message))
        }
        _ if write_back(&invoice).iter().all(|update| update.holds_in(record)) => Point::Done { invoice },
        _ => Point::Sent { invoice },
    }
}

pub(super) fn revisited(invoice: Invoice, deal: &Deal, settings: &Settings) -> Point {
    match plan(deal, settings) {
        Ok((plan, _)) if plan == invoice.plan => Point::Done { invoice },
        _ => {
            let message = format!(
                "The deal changed after invoice {} was sent for {}: void it and bill again, write a credit note, or set \
                 the deal back.",
                invoice.invoice_id, invoice.plan.total
            );
            let stop = Stop::review(Code::DealChangedAfterBilling, message);
            Point::Done { invoice }.stopped_unless_noted(stop, &deal.opportunity)
        }
    }
}
