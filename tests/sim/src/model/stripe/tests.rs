//! What the product relies on, asked of the model with the requests that the client makes. The facts are Stripe's own:
//! docs.stripe.com/api/idempotent_requests, /api/invoices, /search.

use std::collections::BTreeMap;

use domain::{BillingEmail, Currency};
use stripe::{
    Answer, CreateCustomer, CreateInvoice, InvoiceLineParams, InvoiceStatus, Pricing, Quantity, Reply, UnknownReason,
};

use super::*;

mod keys;
mod lines;
mod objects;
mod standings;

fn at(minutes: i64) -> Timestamp {
    let start = Timestamp::from_second(1_800_000_000).expect("in range");
    start.saturating_add(SignedDuration::from_mins(minutes)).expect("in range")
}

fn metadata(key: &str, value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(key.to_owned(), value.to_owned())])
}

fn customer_for(account: &str) -> Write {
    Write::create_customer(&CreateCustomer {
        description: None,
        name: "Acme".into(),
        email: BillingEmail::parse("ap@acme.example").ok(),
        phone: Some("+49 30 1234567".into()),
        address: Some(domain::Address {
            country: domain::CountryCode::parse("DE").ok(),
            city: Some("Berlin".into()),
            ..Default::default()
        }),
        shipping: None,
        exempt: None,
        tax_id: domain::TaxId::parse(None, "DE123456789").ok(),
        metadata: metadata("sf_account_id", account),
    })
}

fn invoice_for(customer: &CustomerId) -> Write {
    Write::create_invoice(&CreateInvoice {
        customer: customer.clone(),
        currency: eur(),
        collected: stripe::Collected::Sent { days_until_due: 30 },
        automatic_tax: false,
        metadata: metadata("sf_opportunity_id", "006"),
    })
}

fn eur() -> Currency {
    Currency::parse("EUR").expect("valid")
}

fn line(key: &str, quantity: Quantity, pricing: Pricing) -> InvoiceLineParams {
    InvoiceLineParams { description: "Support".into(), metadata: metadata("sf_line_id", key), quantity, pricing }
}

fn price(id: &str) -> Pricing {
    Pricing::Price(PriceId::parse(id).expect("valid"))
}

/// A catalogue of one product at ten euros, one that is inactive, and one in dollars.
fn stripe() -> Stripe {
    let mut stripe = Stripe::default();
    for (id, currency, is_active) in [("price_1", "EUR", true), ("price_off", "EUR", false), ("price_usd", "USD", true)]
    {
        let price = Price {
            months: None,
            lookup_key: None,
            product: ProductId::parse("prod_1").expect("valid"),
            currency: Currency::parse(currency).expect("valid"),
            unit_amount: Decimal::from(1000),
            is_active,
        };
        stripe.catalogue.prices.insert(PriceId::parse(id).expect("valid"), price);
    }
    stripe
}

fn customer_of(reply: Result<Reply, Error>) -> stripe::Customer {
    match reply.expect("it is made").answer {
        Answer::Customer(customer) => customer,
        other => panic!("no customer: {other:?}"),
    }
}

fn invoice_of(reply: Result<Reply, Error>) -> stripe::Invoice {
    match reply.expect("it is done").answer {
        Answer::Invoice(invoice) => *invoice,
        other => panic!("no invoice: {other:?}"),
    }
}

/// A customer, and a draft of one line of ten euros.
fn with_draft(stripe: &mut Stripe) -> stripe::Invoice {
    let customer = customer_of(stripe.write(at(0), &customer_for("001"), "customer"));
    let draft = invoice_of(stripe.write(at(0), &invoice_for(&customer.id), "invoice"));
    let lines = [line("00k1", Quantity::Whole(1), price("price_1"))];
    invoice_of(stripe.write(at(0), &Write::add_lines(&draft.id, &lines), "lines"))
}

/// Status, code and parameter of a refusal.
fn refusal<T: std::fmt::Debug>(outcome: Result<T, Error>) -> (u16, Option<String>, Option<String>) {
    match outcome {
        Err(Error::Refused(refusal)) => (refusal.status, refusal.code, refusal.param),
        other => panic!("not refused: {other:?}"),
    }
}

fn rules(stripe: &Stripe) -> Vec<&'static str> {
    stripe.violations.iter().map(|violation| violation.rule).collect()
}
