//! The clients' words ↔ the business's words.

use std::collections::BTreeMap;

use jiff::Timestamp;
use mapping::{Code, Deal, Settings, Stop, TaxBehavior, Update, Withheld};
use queue::Parked;
use workflow::{
    Call, CreditAmount, CreditLine, Credited, Every, Fact, InvoiceSeen, InvoiceStatus, ItemSeen, LineSeen, PriceSeen,
    Refusal, RenewableSeen, SubscriptionSeen, TaxSeen, TaxStatus,
};

pub(crate) use read_back::read_back;
pub(crate) use soql::soql;

mod read_back;
mod soql;

use crate::write::LINE_KEY;
use crate::{Pace, Pause, Scope};

pub(crate) fn invoice(invoice: &stripe::Invoice, scope: &Scope) -> InvoiceSeen {
    InvoiceSeen {
        invoice_id: invoice.id.clone(),
        is_ours: scope.made(&invoice.metadata),
        customer_id: invoice.customer.clone(),
        status: invoice_status(invoice.status),
        currency: invoice.currency,
        subtotal: invoice.subtotal,
        total: invoice.total,
        amount_paid: invoice.amount_paid,
        amount_due: invoice.amount_due,
        amount_remaining: invoice.amount_remaining,
        credited: Credited { before: invoice.credited_before, after: invoice.credited_after, by_us: 0 },
        tax: tax(&invoice.tax),
        auto_advance: invoice.auto_advance,
        is_charged: invoice.is_charged,
        hosted_invoice_url: invoice.hosted_invoice_url.clone(),
        invoice_pdf: invoice.invoice_pdf.clone(),
        paid_at: invoice.paid_at,
        metadata: invoice.metadata.clone(),
        subscription_id: invoice.subscription.clone(),
        first_lines: invoice.lines.iter().map(line).collect(),
        has_more_lines: invoice.has_more_lines,
    }
}

pub(crate) fn invoice_status(status: stripe::InvoiceStatus) -> InvoiceStatus {
    match status {
        stripe::InvoiceStatus::Draft => InvoiceStatus::Draft,
        stripe::InvoiceStatus::Open => InvoiceStatus::Open,
        stripe::InvoiceStatus::Paid => InvoiceStatus::Paid,
        stripe::InvoiceStatus::Uncollectible => InvoiceStatus::Uncollectible,
        stripe::InvoiceStatus::Void => InvoiceStatus::Void,
        stripe::InvoiceStatus::Other => InvoiceStatus::Other,
    }
}

fn tax(tax: &stripe::Tax) -> TaxSeen {
    TaxSeen {
        on_top: tax.on_top,
        inside: tax.inside,
        status: match tax.status {
            None => TaxStatus::Off,
            Some(stripe::TaxStatus::Complete) => TaxStatus::Complete,
            Some(stripe::TaxStatus::RequiresLocationInputs) => TaxStatus::LocationMissing,
            Some(stripe::TaxStatus::Failed | stripe::TaxStatus::Other) => TaxStatus::Failed,
        },
    }
}

pub(crate) fn line(line: &stripe::InvoiceLine) -> LineSeen {
    LineSeen {
        key: line.metadata.get(LINE_KEY).cloned(),
        amount: line.amount,
        subscription_item: line.subscription_item.clone(),
        period_start: line.period_start,
    }
}

pub(crate) fn credited(line: stripe::CreditedLine) -> CreditLine {
    CreditLine {
        line_id: line.id,
        amount: match line.share {
            stripe::Share::Quantity(quantity) => CreditAmount::Quantity(quantity),
            stripe::Share::Amount(amount) => CreditAmount::Untaxed(amount),
        },
    }
}

pub(crate) fn price(price: &stripe::Price) -> PriceSeen {
    PriceSeen {
        price_id: price.id.clone(),
        product_id: price.product.clone(),
        is_active: price.active,
        currency: price.currency,
        unit_amount: price.unit_amount,
        every: match price.recurrence {
            stripe::Recurrence::Once => Every::Once,
            stripe::Recurrence::Months(months) => Every::Months(months),
            stripe::Recurrence::Other => Every::Other,
        },
        tax: match price.tax_behavior {
            stripe::TaxBehavior::Exclusive => Some(TaxBehavior::Exclusive),
            stripe::TaxBehavior::Inclusive => Some(TaxBehavior::Inclusive),
            stripe::TaxBehavior::Unspecified => None,
        },
    }
}

/// Which deal a renewed subscription goes on for, in its metadata.
pub(crate) const RENEWED_FOR: &str = "sf_renewal_opportunity_id";
pub(crate) const RENEWED_FROM: &str = "sf_renewal_first_day";
/// The deal that something of ours was billed for when it said this.
pub(crate) fn billed_for(metadata: &BTreeMap<String, String>, scope: &Scope) -> Option<domain::OpportunityId> {
    let named = metadata.get(RENEWED_FOR).or(metadata.get("sf_opportunity_id"));
    named.filter(|_| scope.made(metadata)).and_then(|id| domain::OpportunityId::parse(id).ok())
}

/// Since when the deal says that it is not billed any more.
pub(crate) const CANCELED_ON: &str = "sf_canceled_on";

/// What a renewal has sold once besides, in minor units; after it comes the deal. A mark of each deal's own, which no later renewal
/// overwrites.
pub(crate) const SOLD_ONCE: &str = "sf_sold_once_";

fn sold_once(metadata: &BTreeMap<String, String>) -> BTreeMap<domain::OpportunityId, i64> {
    let of = |(name, amount): (&String, &String)| {
        let id = domain::OpportunityId::parse(name.strip_prefix(SOLD_ONCE)?).ok()?;
        Some((id, amount.parse().ok()?))
    };
    metadata.iter().filter_map(of).collect()
}

pub(crate) fn renewable(
    subscription: &stripe::Subscription,
    items: &[stripe::SubscriptionItem],
    scope: &Scope,
) -> RenewableSeen {
    let renewed_for = subscription.metadata.get(RENEWED_FOR);
    RenewableSeen {
        subscription_id: subscription.id.clone(),
        is_ours: scope.made(&subscription.metadata),
        is_over: subscription.is_over,
        customer_id: subscription.customer.clone(),
        currency: subscription.currency,
        ends_at: subscription.ends_at,
        items: items.iter().map(item).collect(),
        begun_by: subscription.metadata.get("closedwon_run").cloned(),
        is_settled: false,
        begun_at: subscription.starts_at,
        oddity: subscription.oddity,
        sold_once: sold_once(&subscription.metadata),
        renewed_from: renewed_from(subscription),
        canceled_on: subscription.metadata.get(CANCELED_ON).and_then(|day| day.parse().ok()),
        renewed_for: renewed_for.and_then(|id| domain::OpportunityId::parse(id).ok()),
        last_invoice: subscription.latest_invoice.as_ref().map(|last| invoice(last, scope)),
    }
}

pub(crate) fn subscription(
    subscription: &stripe::Subscription,
    items: &[stripe::SubscriptionItem],
    first: Option<&stripe::Invoice>,
    scope: &Scope,
) -> SubscriptionSeen {
    SubscriptionSeen {
        subscription_id: subscription.id.clone(),
        is_over: subscription.is_over,
        has_run_out: subscription.has_run_out,
        items: items.iter().map(item).collect(),
        created: subscription.created,
        starts_at: subscription.starts_at,
        ends_at: subscription.ends_at,
        renewed_from: renewed_from(subscription),
        has_billed_more: first.map(|first| &first.id) != subscription.latest_invoice.as_ref().map(|latest| &latest.id),
        invoice: first.map(|first| invoice(first, scope)),
    }
}

pub(crate) fn item(item: &stripe::SubscriptionItem) -> ItemSeen {
    ItemSeen {
        item_id: item.id.clone(),
        price_id: item.price.id.clone(),
        product_id: item.price.product.clone(),
        unit_amount: item.price.unit_amount,
        quantity: item.quantity,
        months: match item.price.recurrence {
            stripe::Recurrence::Months(months) => Some(months),
            stripe::Recurrence::Once | stripe::Recurrence::Other => None,
        },
        period_start: item.period_start,
        period_end: item.period_end,
    }
}

/// The first day of the term that it was renewed for last.
fn renewed_from(subscription: &stripe::Subscription) -> Option<jiff::civil::Date> {
    subscription.metadata.get(RENEWED_FROM).and_then(|day| day.parse().ok())
}

pub(crate) fn tax_id(seen: stripe::TaxIdObject) -> mapping::TaxIdSeen {
    let stripe::TaxIdObject { id, kind, value } = seen;
    mapping::TaxIdSeen { id, kind, value }
}

pub(crate) fn deal(
    answers: Vec<Vec<domain::Record>>,
    withheld: Vec<Withheld>,
    settings: &Settings,
    read_at: Timestamp,
) -> Fact {
    let mut answers = answers.into_iter();
    let mut next = || answers.next().unwrap_or_default();
    let Some(opportunity) = next().into_iter().next() else {
        return Fact::RecordMissing;
    };
    let lines = next();
    let primary_contact = next().into_iter().next();
    let activated_contract = next().into_iter().next();
    let read = Deal { opportunity, lines, primary_contact, activated_contract, withheld, read_at, ..Deal::default() };
    Fact::DealRead(Box::new(settings.lens.through(read)))
}

pub(crate) fn update(update: &Update) -> salesforce::Update {
    salesforce::Update {
        object: update.object.to_owned(),
        id: update.id.clone(),
        fields: update.fields.iter().map(|(field, value)| ((*field).to_owned(), value.clone())).collect(),
        external_id: update.external_id.map(str::to_owned),
        only_where: update.condition().filter(|_| !planted!(WritesWherever)).as_ref().map(soql),
    }
}

pub(crate) fn parked(stop: &Stop, run: &str, at: Timestamp) -> Parked {
    Parked { code: stop.code.as_str().to_owned(), reason: stop.message.clone(), run: run.to_owned(), at }
}

/// What a failed call to Stripe means: a fact, or a reason to come back.
pub(crate) fn stripe_failure(call: &Call, error: &stripe::Error) -> Result<Fact, Pause> {
    match error {
        stripe::Error::Refused(refusal) if is_missing(refusal, call) => match call {
            Call::CreateInvoice { .. } | Call::CreateSubscription(_) => Ok(Fact::CustomerMissing),
            Call::CancelSubscription { .. } => Ok(Fact::SubscriptionCanceled),
            Call::ReadStanding { .. } => Ok(Fact::SubscriptionMissing),
            Call::ReadCustomer { .. }
            | Call::UpdateCustomer { .. }
            | Call::ReadPaymentMethod { .. }
            | Call::ReadTaxIds { .. }
            | Call::AddTaxId { .. } => Ok(Fact::CustomerMissing),
            Call::RemoveTaxId { .. } => Ok(Fact::TaxIdRemoved),
            Call::DeleteDraft { .. } => Ok(Fact::DraftDeleted),
            Call::ReadInvoice { .. }
            | Call::ReadCollecting { .. }
            | Call::ReadInvoiceStanding { .. }
            | Call::ReadLines { .. }
            | Call::AddLines { .. }
            | Call::HoldInvoice { .. }
            | Call::DisarmInvoice { .. }
            | Call::SendInvoice { .. }
            | Call::VoidInvoice { .. }
            | Call::ReadSettlement { .. }
            | Call::CreditInvoice(_) => Ok(Fact::InvoiceMissing),
            _ => Ok(refused(call, refusal)),
        },
        stripe::Error::Refused(refusal) => Ok(refused(call, refusal)),
        stripe::Error::IdempotencyMismatch { .. } => {
            let message = format!(
                "Stripe knows the idempotency key of {} with other parameters: compare the run's call log with the request \
                 in Stripe's dashboard before anything is sent again.",
                call.name()
            );
            Ok(Fact::Refused(Refusal { stop: Stop::review(Code::StripeIdempotencyMismatch, message) }))
        }
        _ if planted!(UnknownIsFinal) => {
            Ok(Fact::Refused(Refusal { stop: Stop::refused(Code::StripeRefused, error.to_string()) }))
        }
        _ => Err(stripe_pause(error)),
    }
}

/// The object that the call is about does not exist. One that it only mentions, a price of a line, is another matter.
fn is_missing(refusal: &stripe::Refusal, call: &Call) -> bool {
    let param = refusal.param.as_deref().unwrap_or_default();
    match call {
        Call::CreateInvoice { .. } | Call::CreateSubscription(_) => {
            refusal.code.as_deref() == Some("resource_missing") && param == "customer"
        }
        _ => refusal.status == 404 && !param.starts_with("lines"),
    }
}

fn refused(call: &Call, refusal: &stripe::Refusal) -> Fact {
    let named = refusal.code.as_deref().map(|code| format!(", code {code}")).unwrap_or_default();
    let param = refusal.param.as_deref().map(|param| format!(", parameter {param}")).unwrap_or_default();
    let message =
        format!("Stripe refused {}: {} (status {}{named}{param}).", call.name(), refusal.message, refusal.status);
    let code = match refusal.code.as_deref() {
        Some("customer_tax_location_invalid") => Code::TaxLocationUnknown,
        Some("tax_id_invalid" | "tax_id_prohibited") => Code::TaxIdInvalid,
        // Stripe gives it no code of its own.
        _ if refusal.message.starts_with("You cannot combine currencies on a single customer") => {
            Code::CurrenciesCombined
        }
        _ => Code::StripeRefused,
    };
    let message = match code {
        Code::CurrenciesCombined => format!(
            "Something is active for the Stripe customer in another currency, and Stripe takes one at a time: end or delete it. {message}"
        ),
        Code::TaxIdInvalid => format!("Correct Tax Id or Tax Id Type on the account. {message}"),
        _ => message,
    };
    Fact::Refused(Refusal { stop: Stop::refused(code, message) })
}

pub(crate) fn stripe_pause(error: &stripe::Error) -> Pause {
    match error {
        stripe::Error::NotAllowed { .. } => Pause::backoff("stripe_not_allowed", error),
        stripe::Error::NoEffect { .. } => Pause::backoff("stripe_busy", error),
        stripe::Error::Unknown { .. } => Pause::backoff("stripe_unknown_outcome", error),
        stripe::Error::Refused(_) | stripe::Error::IdempotencyMismatch { .. } => {
            Pause::backoff("stripe_refused", error)
        }
    }
}

/// When the rolling day of API calls has some room again.
pub(crate) const LIMIT_PAUSE: jiff::SignedDuration = jiff::SignedDuration::from_mins(30);

/// What a failed call to Salesforce means. Its writes set fields to values, so repeating one is always safe.
pub(crate) fn salesforce_failure(call: &Call, error: &salesforce::Error, now: Timestamp) -> Result<Fact, Pause> {
    let (message, error_code) = match error {
        salesforce::Error::Refused(refusal) => (&refusal.message, &refusal.error_code),
        // Everybody is let in: it is this record that may not be edited.
        salesforce::Error::NotAllowed { error_code, message }
            if does_without(call) && error_code.starts_with(NO_ACCESS) =>
        {
            (message, error_code)
        }
        _ => return Err(salesforce_pause(error, now)),
    };
    let message = format!("Salesforce refused {}: {message} ({error_code}).", call.name());
    Ok(Fact::Refused(Refusal { stop: Stop::refused(Code::SalesforceRefused, message) }))
}

/// `INSUFFICIENT_ACCESS_OR_READONLY`, `INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY`.
const NO_ACCESS: &str = "INSUFFICIENT_ACCESS";

/// Without the contract the deal's own record can be written all the same, and a task or a case is nothing that anything else waits for.
fn does_without(call: &Call) -> bool {
    let is_apart = |object: &str| matches!(object, "Contract" | "Task" | "Case");
    matches!(call, Call::UpdateRecords { updates } if updates.iter().any(|update| is_apart(update.object)))
}

pub(crate) fn salesforce_pause(error: &salesforce::Error, now: Timestamp) -> Pause {
    match error {
        salesforce::Error::Refused(_) => Pause::backoff("salesforce_refused", error),
        salesforce::Error::NotAllowed { .. } => Pause::backoff("salesforce_not_allowed", error),
        salesforce::Error::LimitReached { .. } => {
            let until = now.saturating_add(LIMIT_PAUSE).unwrap_or(now);
            Pause::new(Pace::NotBefore(until), "salesforce_limit_reached", error.to_string())
        }
        salesforce::Error::Busy { .. } => Pause::backoff("salesforce_busy", error),
        salesforce::Error::Unknown { .. } => Pause::backoff("salesforce_unknown_outcome", error),
    }
}

/// A second look at something that is known to exist, or to be gone. A refusal to show it says nothing about it.
pub(crate) fn read_again(call: &Call, error: &stripe::Error) -> Result<Fact, Pause> {
    match stripe_failure(call, error)? {
        Fact::Refused(why) => Err(Pause::backoff("stripe_refused", why.stop.message)),
        fact => Ok(fact),
    }
}

#[cfg(test)]
mod tests;
