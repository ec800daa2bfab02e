//! What was written to Salesforce, and whether it holds it.

use domain::Record;
use mapping::{
    Code, InvoiceLinks, NOTE_CODE, NOTE_FIELDS, Stop, Update, account_names_another, invoice_written_back, no_note,
    unpaid,
};

use super::contract::ContractWrite;
use super::{Invoice, Point, contract, ending};

/// As it is written. That a deal is not marked as paid any more comes and goes with the name of its invoice, so that whoever sees the
/// name need not ask: by then it may be marked for the one that it names.
pub(super) fn written(invoice: &Invoice) -> Vec<Update> {
    let updates = write_back(invoice);
    if invoice.unmarks { unpaid(updates) } else { updates }
}

pub(super) fn write_back(invoice: &Invoice) -> Vec<Update> {
    invoice.contract.of(all_updates(invoice))
}

fn all_updates(invoice: &Invoice) -> Vec<Update> {
    invoice_written_back(
        &invoice.plan,
        &invoice.customer_id,
        &invoice.invoice_id,
        InvoiceLinks { page: invoice.hosted_invoice_url.as_deref(), pdf: invoice.invoice_pdf.as_deref() },
        invoice.subscription.as_ref().map(|(id, _)| id),
        invoice.account_is_linked,
    )
}

/// With the contract, if there is one, it was not to be: what the deal's own record says matters more.
pub(super) fn not_taken(point: Point, stop: Stop) -> Point {
    match point {
        Point::Sent { invoice, interrupted }
            if invoice.contract != ContractWrite::Without && invoice.plan.contract_id.is_some() =>
        {
            Point::Sent { invoice: Invoice { contract: ContractWrite::Without, ..invoice }, interrupted }
        }
        // Then it was not the contract's fault, and the next attempt is for both.
        Point::Sent { invoice, interrupted } => {
            let invoice = Invoice { contract: ContractWrite::With, ..invoice };
            Point::Sent { invoice, interrupted }.stopped(Stop::review(stop.code, stop.message))
        }
        point => point.stopped(Stop::review(stop.code, stop.message)),
    }
}

/// After an interruption the deal may have been edited since it was read, so it is read once more.
fn done(invoice: Invoice, interrupted: bool) -> Point {
    if interrupted { Point::Revisiting { invoice } } else { Point::Done { invoice } }
}

/// What the records do not hold of what was written to them.
pub(crate) fn not_kept(updates: &[Update], records: &[Record]) -> Vec<String> {
    let missing = Record::default();
    let pairs = updates.iter().enumerate();
    let differences = pairs.flat_map(|(index, update)| {
        let differences = update.differences(records.get(index).unwrap_or(&missing));
        differences.into_iter().map(|field| contract::named(update, field)).collect::<Vec<_>>()
    });
    differences.collect()
}

pub(super) fn written_back(invoice: Invoice, interrupted: bool, records: &[Record]) -> Point {
    let mut not_kept = not_kept(&write_back(&invoice), records);
    not_kept.extend(invoice.contract.left_out(&all_updates(&invoice)));
    let invoice = Invoice { contract: invoice.contract.written(), ..invoice };
    let is_told = records.first().is_none_or(|opportunity| ending::is_told(&invoice, opportunity));
    if not_kept.is_empty() || planted!(BelievesSalesforce) {
        return done(with_notes_only(invoice), interrupted || !is_told);
    }
    let invoice = Invoice { not_kept, ..invoice };
    if is_told { not_kept_again(invoice) } else { Point::Revisiting { invoice } }
}

/// Everything but a note that was put back is kept now.
fn with_notes_only(mut invoice: Invoice) -> Invoice {
    invoice.not_kept.retain(|field| NOTE_FIELDS.contains(&field.as_str()));
    invoice
}

/// Salesforce does not keep all that it was to be told, and nobody but the run knows.
pub(super) fn keeps_less(invoice: &Invoice) -> bool {
    invoice.not_kept.iter().any(|field| !NOTE_FIELDS.contains(&field.as_str()))
}

/// Where something puts the note back, it is not taken away for every event: taking it away is itself an edit.
pub(super) fn cleared(invoice: Invoice, records: &[Record]) -> Point {
    let kept_back = not_kept(&[no_note(&invoice.plan.opportunity_id)], records);
    let not_kept = invoice.not_kept.into_iter().chain(kept_back).collect();
    Point::Done { invoice: Invoice { not_kept, ..invoice } }
}

/// The note of what was wrong once, unless it was put back when we took it away.
pub(super) fn carries_old_note(opportunity: &Record, not_kept: &[String]) -> bool {
    opportunity.text(NOTE_CODE).is_some() && !not_kept.iter().any(|field| field == NOTE_CODE)
}

pub(super) fn not_kept_again(invoice: Invoice) -> Point {
    let stop = not_kept_stop(&invoice);
    Point::Sent { invoice, interrupted: true }.stopped(stop)
}

fn not_kept_stop(invoice: &Invoice) -> Stop {
    let message = format!(
        "Invoice {} is sent, but Salesforce does not keep {}: check whether the integration user may edit \
         them, and triggers or flows that change these fields; then send the event again.",
        invoice.invoice_id,
        invoice.not_kept.join(", ")
    );
    Stop::review(Code::WriteBackDiffers, message)
}

/// The write-back was interrupted: it may have happened, somebody may have written something else, or it is still to do.
pub(super) fn verified(invoice: Invoice, record: &Record) -> Point {
    // Once it names this one, what is marked is its own payment.
    let is_named = record.text("Stripe_Invoice_Id__c") == Some(invoice.invoice_id.as_str());
    let mut invoice = Invoice { unmarks: invoice.unmarks && !is_named, ..invoice };
    // Its account was written with that. One that names another customer since has got it from a later deal, or from a person.
    invoice.account_is_linked |= is_named && account_names_another(record, &invoice.customer_id);
    if !contract::is_any_contracts(&invoice.not_kept) {
        invoice.not_kept.extend(invoice.contract.left_out(&all_updates(&invoice)));
    }
    match record.text("Stripe_Invoice_Id__c") {
        Some(id) if id != invoice.invoice_id.as_str() => {
            let message = format!(
                "Invoice {} is sent for this deal, and the opportunity meanwhile names another one: decide which is \
                 right, void the other, and correct Stripe Invoice Id.",
                invoice.invoice_id
            );
            Point::Sent { invoice, interrupted: true }.stopped(Stop::review(Code::AlreadyBilled, message))
        }
        _ if invoice.contract == ContractWrite::Owed => Point::Sent { invoice, interrupted: true },
        // It was not written, or not kept, and nobody asks for it.
        _ if contract::is_any_contracts(&invoice.not_kept) && is_all_but_notes(&write_back(&invoice), record) => {
            if !ending::is_told(&invoice, record) {
                return Point::Revisiting { invoice };
            }
            let stop = not_kept_stop(&invoice);
            Point::Sent { invoice, interrupted: true }.stopped_unless_noted(stop, record)
        }
        _ if holds(&invoice, record) || planted!(BelievesInWriteBack) => done(with_notes_only(invoice), true),
        _ if is_what_was_not_kept(&write_back(&invoice), &invoice.not_kept, record)
            && !planted!(InsistsOnItsFields) =>
        {
            match ending::is_told(&invoice, record) {
                true => not_kept_again(invoice),
                false => Point::Revisiting { invoice },
            }
        }
        _ => Point::Sent { invoice, interrupted: true },
    }
}

fn holds(invoice: &Invoice, record: &Record) -> bool {
    write_back(invoice).iter().all(|update| update.holds_in(record))
}

/// A note of ours may stand there, which a write-back would take away.
pub(super) fn is_all_but_notes(updates: &[Update], record: &Record) -> bool {
    updates.iter().flat_map(|update| update.missing_in(record)).all(|field| NOTE_FIELDS.contains(&field))
}

/// Nothing is missing but what Salesforce did not keep the last time.
pub(super) fn is_what_was_not_kept(updates: &[Update], not_kept: &[String], record: &Record) -> bool {
    let missing = updates.iter().flat_map(|update| update.missing_in(record));
    let mut missing = missing.filter(|field| !NOTE_FIELDS.contains(field)).peekable();
    missing.peek().is_some() && missing.all(|field| not_kept.iter().any(|not_kept| not_kept == field))
}

/// What Salesforce did not keep, but for a note that it put back: the next one is another one.
pub(super) fn but_notes(not_kept: Vec<String>) -> Vec<String> {
    not_kept.into_iter().filter(|field| !NOTE_FIELDS.contains(&field.as_str())).collect()
}
