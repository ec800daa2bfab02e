//! Call → the request that Stripe gets.

use std::collections::BTreeMap;

use domain::{Currency, LineItemId};
use jiff::civil::Date;
use mapping::{CustomerDetails, Proration, Quantity, TaxBehavior};
use stripe::{
    ChangedItem, Collected, CreateCreditNote, CreateCustomer, CreateInvoice, CreatePrice, CreateSubscription, End,
    InvoiceLineParams, Prorated, RenewSubscription, UpdateCustomer,
};
use workflow::{Call, CreditAmount, CreditLine, Extension, ItemChange, NewLine, Pricing, RunId};

use crate::Scope;
use crate::convert::{CANCELED_ON, RENEWED_FOR, RENEWED_FROM, SOLD_ONCE};

/// The metadata key that finds a line again, whatever happened in between.
pub(crate) const LINE_KEY: &str = "sf_line_id";

/// The metadata key that tells a customer for subscriptions in a currency from the one that its account names.
pub(crate) const CURRENCY: &str = "sf_currency";

/// The request of a call that an idempotency key protects; `None` for every other call.
pub(crate) fn write(call: &Call, run_id: &RunId, scope: &Scope) -> Option<stripe::Write> {
    Some(match call {
        Call::CreateCustomer { account_id, details } => {
            let metadata = scope.metadata(run_id, ("sf_account_id", account_id.as_str()));
            stripe::Write::create_customer(&customer(details, currency_of(run_id), metadata))
        }
        Call::UpdateCustomer { customer_id, news } => stripe::Write::update_customer(
            customer_id,
            &UpdateCustomer {
                name: news.name.clone(),
                email: news.email.clone(),
                phone: news.phone.clone(),
                address: news.address.clone(),
                shipping: news.shipping.clone(),
                exempt: news.exempt,
            },
        ),
        Call::AddTaxId { customer_id, tax_id } => stripe::Write::add_tax_id(customer_id, tax_id),
        Call::RemoveTaxId { customer_id, tax_id } => stripe::Write::remove_tax_id(customer_id, tax_id),
        Call::CreateInvoice { opportunity_id, customer_id, currency, days_until_due, automatic_tax, is_charged } => {
            let days_until_due = *days_until_due;
            without_a_constant(stripe::Write::create_invoice(&CreateInvoice {
                customer: customer_id.clone(),
                currency: *currency,
                collected: if *is_charged { Collected::Charged } else { Collected::Sent { days_until_due } },
                automatic_tax: *automatic_tax,
                metadata: scope.metadata(run_id, ("sf_opportunity_id", opportunity_id.as_str())),
            }))
        }
        Call::AddLines { invoice_id, lines, .. } => {
            let lines: Vec<_> = lines.iter().map(line_params).collect();
            stripe::Write::add_lines(invoice_id, &lines)
        }
        Call::SendInvoice { invoice_id, is_charged: true, .. } => stripe::Write::charge_invoice(invoice_id),
        Call::SendInvoice { invoice_id, .. } => stripe::Write::send_invoice(invoice_id),
        Call::VoidInvoice { invoice_id, .. } => stripe::Write::void_invoice(invoice_id),
        Call::CreditInvoice(credit) => stripe::Write::create_credit_note(&CreateCreditNote {
            invoice: credit.invoice_id.clone(),
            credit_amount: credit.amount,
            lines: credit.lines.iter().map(credited).collect(),
            metadata: scope.metadata(run_id, ("sf_opportunity_id", credit.opportunity_id.as_str())),
        }),
        Call::CreatePrice { price, .. } => stripe::Write::create_price(&CreatePrice {
            product: price.product_id.clone(),
            currency: price.currency,
            unit_amount: price.unit_amount,
            months: price.months,
            tax_behavior: price.tax.map(TaxBehavior::as_str),
            lookup_key: price.lookup_key(),
            metadata: [("closedwon_environment".to_owned(), scope.environment.clone())].into(),
        }),
        Call::CreateSubscription(new) => stripe::Write::create_subscription(&CreateSubscription {
            customer: new.customer_id.clone(),
            currency: new.plan.total.currency(),
            days_until_due: new.plan.days_until_due,
            automatic_tax: new.plan.tax.is_some(),
            starts_at: new.starts_at,
            ends_at: new.ends_at,
            items: new.items.iter().map(item).collect(),
            once: new.once.iter().map(line_params).collect(),
            metadata: scope.metadata(run_id, ("sf_opportunity_id", new.plan.opportunity_id.as_str())),
        }),
        Call::RenewSubscription(extension) => stripe::Write::renew_subscription(&renewal(extension)),
        Call::EndSubscription { subscription_id, on, at, .. } => {
            let end = at.map_or(stripe::End::Never, stripe::End::At);
            let day = on.map(|day| day.to_string()).unwrap_or_default();
            stripe::Write::end_subscription(subscription_id, end, &[(CANCELED_ON.to_owned(), day)].into())
        }
        Call::DisarmInvoice { invoice_id } => stripe::Write::disarm_invoice(invoice_id),
        Call::HoldInvoice { opportunity_id, invoice_id } => {
            let metadata = scope.metadata(run_id, ("sf_opportunity_id", opportunity_id.as_str()));
            stripe::Write::hold_invoice(invoice_id, &metadata)
        }
        _ => return None,
    })
}

fn credited(line: &CreditLine) -> stripe::CreditedLine {
    stripe::CreditedLine {
        id: line.line_id.clone(),
        share: match line.amount {
            CreditAmount::Quantity(quantity) => stripe::Share::Quantity(quantity),
            CreditAmount::Untaxed(amount) => stripe::Share::Amount(amount),
        },
    }
}

/// The subscription stays that of the deal which began it; which one it goes on for stands beside that.
pub(crate) fn renewal(extension: &Extension) -> RenewSubscription {
    let items = extension.items.iter().map(|change| match change {
        ItemChange::Keep { item_id, item: kept } => ChangedItem::Kept(item_id.clone(), item(kept)),
        ItemChange::Add { item: added } => ChangedItem::Added(item(added)),
        ItemChange::Drop { item_id } => ChangedItem::Dropped(item_id.clone()),
    });
    let metadata = [
        (RENEWED_FOR.to_owned(), extension.opportunity_id.to_string()),
        (RENEWED_FROM.to_owned(), extension.from.to_string()),
    ];
    let amounts = extension.once.iter().map(|sold| sold.line.amount.minor_units());
    let mark = || (format!("{SOLD_ONCE}{}", extension.opportunity_id), amounts.sum::<i64>().to_string());
    let sold_once = (!extension.once.is_empty()).then(mark);
    RenewSubscription {
        subscription: extension.subscription_id.clone(),
        days_until_due: extension.days_until_due,
        ends_at: match extension.ends_at {
            Some(ends_at) => Some(End::At(ends_at)),
            None => extension.had_end.then_some(End::Never),
        },
        items: items.collect(),
        once: extension.once.iter().map(line_params).collect(),
        starts_at: mapping::midnight(extension.from),
        proration: match extension.proration {
            Proration::None => None,
            Proration::AlwaysInvoice => Some(true),
            Proration::CreateProrations => Some(false),
        }
        .map(|is_invoiced| Prorated { at: mapping::midnight(prorated_from(extension)), is_invoiced }),
        automatic_tax: extension.automatic_tax,
        metadata: metadata.into_iter().chain(sold_once).collect(),
    }
}

/// It stands in the plan, so that the same change costs the same whenever it is made.
fn prorated_from(extension: &Extension) -> Date {
    if planted!(ProratesFromNow) {
        return extension.from.tomorrow().unwrap_or(extension.from);
    }
    extension.from
}

/// A value of metadata takes 500 characters, and there are at most twenty lines.
fn item(new: &workflow::NewItem) -> stripe::NewItem {
    let keys: Vec<_> = new.keys.iter().map(LineItemId::as_str).collect();
    stripe::NewItem {
        price: new.price_id.clone(),
        quantity: new.quantity,
        metadata: [(LINE_KEY.to_owned(), keys.join(" "))].into(),
    }
}

/// What the customer is for, if that is not everything.
fn currency_of(run_id: &RunId) -> Option<Currency> {
    match run_id {
        RunId::AccountCustomer { currency, .. } => *currency,
        RunId::OpportunityWon { .. }
        | RunId::InvoicePaid { .. }
        | RunId::PaymentFailed { .. }
        | RunId::InvoiceChanged { .. }
        | RunId::SubscriptionChanged { .. }
        | RunId::Notification { .. } => None,
    }
}

/// Who looks at an account's customers in Stripe's dashboard sees what each of them is for.
fn customer(
    details: &CustomerDetails,
    currency: Option<Currency>,
    mut metadata: BTreeMap<String, String>,
) -> CreateCustomer {
    metadata.extend(currency.map(|currency| (CURRENCY.to_owned(), currency.to_stripe())));
    CreateCustomer {
        description: currency.map(|currency| format!("Subscriptions in {currency}")),
        name: details.name.clone(),
        email: details.email.clone(),
        phone: details.phone.clone(),
        address: details.address.clone(),
        shipping: details.shipping.clone().map(|address| (details.name.clone(), address)),
        exempt: details.exempt,
        tax_id: details.tax_id.clone(),
        metadata,
    }
}

fn line_params(new: &NewLine) -> InvoiceLineParams {
    let line = &new.line;
    let currency = line.amount.currency();
    let tax_behavior = new.tax.map(TaxBehavior::as_str);
    let quantity = match line.quantity {
        Quantity::Whole(quantity) => stripe::Quantity::Whole(quantity),
        Quantity::Fraction(quantity) => stripe::Quantity::Fraction(quantity),
    };
    let (pricing, quantity, description) = match &new.pricing {
        Pricing::Catalogue(price) => (stripe::Pricing::Price(price.clone()), quantity, line.description.clone()),
        Pricing::Agreed { product_id, unit_amount } => {
            let product = product_id.clone();
            let unit_amount_decimal = *unit_amount;
            let pricing = stripe::Pricing::Product { product, currency, unit_amount_decimal, tax_behavior };
            (pricing, quantity, line.description.clone())
        }
        // The quantity does not divide the amount, so it is told in words.
        Pricing::AgreedForAll { product_id, amount } => {
            let product = product_id.clone();
            let unit_amount_decimal = amount.minor_units().into();
            let pricing = stripe::Pricing::Product { product, currency, unit_amount_decimal, tax_behavior };
            let description = format!("{} (quantity {})", line.description, line.quantity.as_decimal());
            (pricing, stripe::Quantity::Whole(1), description)
        }
    };
    InvoiceLineParams {
        description: description.chars().take(500).collect(),
        metadata: [(LINE_KEY.to_owned(), line.key.to_string())].into(),
        quantity,
        pricing,
    }
}

/// Stripe's own defaults are others.
fn without_a_constant(write: stripe::Write) -> stripe::Write {
    let replaced = |right, wrong| stripe::Write { body: write.body.replace(right, wrong), ..write.clone() };
    if planted!(LetsStripeAdvance) {
        return replaced("auto_advance=false", "auto_advance=true");
    }
    if planted!(TakesPendingItems) {
        return replaced("pending_invoice_items_behavior=exclude", "pending_invoice_items_behavior=include");
    }
    write
}
