//! The books balance: whatever a deal is made of, what Stripe would bill for it is what Salesforce says it comes to, to the minor
//! unit; or the deal is refused, for a reason that an independent sum confirms.
//!
//! `BOOKS=10000000 cargo test -p workflow --test books` plays more of them.

#![allow(clippy::unwrap_used, reason = "a sum that cannot be done is a failed test")]

mod case;

use std::collections::BTreeMap;

use case::{CURRENCIES, Case, Line, Random, rounded};
use domain::{
    Currency, CustomerId, FieldValue, InvoiceId, LineItemId, Money, OpportunityId, PriceId, ProductId, Record,
};
use mapping::{Code, Deal, LineSource, Settings};
use rust_decimal::Decimal;
use workflow::opportunity_won::Point;
use workflow::{Call, Every, Fact, InvoiceSeen, InvoiceStatus, LineSeen, NewLine, Next, PriceSeen, Pricing};

/// As Salesforce answers it.
fn deal(case: &Case) -> Deal {
    let text = |text: &str| FieldValue::Text(text.to_owned());
    let record = |fields: Vec<(&str, FieldValue)>| {
        let mut record = Record::default();
        fields.into_iter().for_each(|(path, value)| record.set(path, value));
        record
    };
    let opportunity = record(vec![
        ("Id", text("006000000000001AAA")),
        ("StageName", text("Closed Won")),
        ("Amount", FieldValue::Number(case.amount)),
        ("CurrencyIsoCode", text(case.currency.as_str())),
        ("AccountId", text("001000000000001AAA")),
        ("Account.Name", text("Acme")),
        ("Account.Billing_Email__c", text("ap@acme.example")),
    ]);
    let line = |(index, line): (usize, &Line)| {
        record(vec![
            ("Id", text(&format!("00k{index:012}"))),
            ("Quantity", FieldValue::Number(line.quantity)),
            ("ListPrice", FieldValue::Number(line.list_price)),
            ("TotalPrice", FieldValue::Number(line.total)),
            ("Product2.Stripe_Price_Id__c", text(&format!("price_{index}"))),
        ])
    };
    Deal {
        opportunity,
        lines: case.lines.iter().enumerate().map(line).collect(),
        primary_contact: None,
        ..Deal::default()
    }
}

/// Stripe, as far as sums go: a price for one times the quantity, rounded to a minor unit.
struct Stripe<'a> {
    case: &'a Case,
    lines: BTreeMap<String, i64>,
    status: InvoiceStatus,
}

impl Stripe<'_> {
    fn amount_of(&self, new: &NewLine) -> i64 {
        let quantity = new.line.quantity.as_decimal();
        let exact = match &new.pricing {
            Pricing::Catalogue(price) => {
                let index: usize = price.as_str().strip_prefix("price_").unwrap().parse().unwrap();
                rounded(self.case.lines[index].catalogue * quantity, 0)
            }
            Pricing::Agreed { unit_amount, .. } => {
                assert!(unit_amount.scale() <= 12, "Stripe takes twelve decimals: {unit_amount}");
                unit_amount.checked_mul(quantity).unwrap()
            }
            Pricing::AgreedForAll { amount, .. } => Decimal::from(amount.minor_units()),
        };
        assert!(exact.fract().is_zero(), "an agreed price is never rounded: {exact}");
        i64::try_from(exact).unwrap()
    }

    fn seen(&self) -> InvoiceSeen {
        let total = self.lines.values().sum();
        InvoiceSeen {
            amount_paid: 0,
            amount_due: 0,
            amount_remaining: 0,
            credited: Default::default(),
            invoice_id: InvoiceId::parse("in_1").unwrap(),
            is_ours: true,
            customer_id: CustomerId::parse("cus_1").ok(),
            status: self.status,
            currency: self.case.currency,
            subtotal: total,
            total,
            tax: Default::default(),
            auto_advance: false,
            is_charged: false,
            hosted_invoice_url: None,
            invoice_pdf: None,
            paid_at: None,
            metadata: BTreeMap::new(),
            subscription_id: None,
            first_lines: self.seen_lines().into_iter().take(10).collect(),
            has_more_lines: self.lines.len() > 10,
        }
    }

    fn seen_lines(&self) -> Vec<LineSeen> {
        let seen = |(key, amount): (&String, &i64)| LineSeen {
            key: Some(key.clone()),
            amount: *amount,
            subscription_item: None,
            period_start: None,
        };
        self.lines.iter().map(seen).collect()
    }

    fn answer(&mut self, call: Call) -> Fact {
        match call {
            Call::ReadDeal { .. } => Fact::DealRead(Box::new(deal(self.case))),
            Call::CreateInvoice { currency, .. } => {
                assert_eq!(currency, self.case.currency);
                Fact::InvoiceRead(self.seen())
            }
            Call::AddLines { lines, .. } => {
                for line in lines {
                    self.lines.insert(line.line.key.to_string(), self.amount_of(&line));
                }
                Fact::InvoiceRead(self.seen())
            }
            Call::ReadPrices { price_ids } => {
                let price = |price_id: PriceId| {
                    let index: usize = price_id.as_str().strip_prefix("price_").unwrap().parse().unwrap();
                    PriceSeen {
                        price_id,
                        product_id: ProductId::parse("prod_1").ok(),
                        is_active: true,
                        currency: Some(self.case.currency),
                        unit_amount: Some(self.case.lines[index].catalogue),
                        every: Every::Once,
                        tax: None,
                    }
                };
                Fact::PricesRead(price_ids.into_iter().map(price).collect())
            }
            Call::ReadLines { .. } => Fact::LinesRead(self.seen_lines()),
            Call::SendInvoice { total, .. } => {
                assert_eq!(total, Money::from_minor_units(self.seen().total, self.case.currency));
                self.status = InvoiceStatus::Open;
                Fact::InvoiceRead(self.seen())
            }
            call => panic!("{call:?}"),
        }
    }
}

/// What the deal is billed for, after a look at each line; or the codes of its refusal.
fn billed(case: &Case, settings: &Settings) -> Result<i64, Vec<Code>> {
    let opportunity_id = OpportunityId::parse("006000000000001AAA").unwrap();
    let mut point = Point::Claimed { opportunity_id };
    let mut stripe = Stripe { case, lines: BTreeMap::new(), status: InvoiceStatus::Draft };
    loop {
        if let Some(stop) = point.stop() {
            assert!(stripe.lines.is_empty(), "everything is known before anything is written: {stop:?}");
            return Err(std::iter::once(stop.code).chain(stop.also.iter().copied()).collect());
        }
        if stripe.status == InvoiceStatus::Open {
            for (index, line) in case.lines.iter().enumerate() {
                let key = LineItemId::parse(&format!("00k{index:012}")).unwrap();
                let amount = Decimal::from(stripe.lines[key.as_str()]);
                assert_eq!(amount, line.total * case.minor_units_in_one(), "line {index} of {}", case.currency);
            }
            return Ok(stripe.lines.values().sum());
        }
        let fact = match point.next() {
            Next::Call(call) => stripe.answer(call),
            Next::EnsureCustomer(_) => {
                Fact::CustomerKnown { customer_id: CustomerId::parse("cus_1").unwrap(), is_apart: false }
            }
            next => panic!("{next:?}"),
        };
        point = point.record(fact, settings).unwrap();
    }
}

#[derive(Debug, Default)]
struct Tally {
    billed: u64,
    refused: BTreeMap<Code, u64>,
    currencies: BTreeMap<String, u64>,
}

fn play(from: u64, to: u64) -> Tally {
    let currencies: Vec<&str> = CURRENCIES.split_whitespace().collect();
    let org_currency = Currency::parse("USD").unwrap();
    let line_source = LineSource::OpportunityProducts;
    let settings = Settings { multi_currency: true, line_source, ..Settings::new(org_currency) };
    let mut tally = Tally::default();
    for seed in from..to {
        let case = Case::generate(&mut Random(seed), &currencies);
        let (found, expected) = (billed(&case, &settings), case.judged());
        assert_eq!(found, expected, "deal {seed}: {} {}", case.amount, case.currency);
        match found {
            Ok(_) => {
                tally.billed += 1;
                *tally.currencies.entry(case.currency.to_string()).or_default() += 1;
            }
            Err(codes) => codes.into_iter().for_each(|code| *tally.refused.entry(code).or_default() += 1),
        }
    }
    tally
}

#[test]
#[allow(clippy::disallowed_methods, reason = "how many deals are played is no matter of what is billed")]
fn what_is_billed_is_what_the_deal_comes_to_or_nothing() {
    let deals: u64 = std::env::var("BOOKS").ok().map_or(1_000_000, |deals| deals.parse().unwrap());
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let part = deals.div_ceil(threads);
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let playing: Vec<_> =
            (0..threads).map(|n| scope.spawn(move || play(n * part, deals.min((n + 1) * part)))).collect();
        playing.into_iter().map(|playing| playing.join().unwrap()).collect()
    });
    let billed: u64 = tallies.iter().map(|tally| tally.billed).sum();
    let mut refused: BTreeMap<Code, u64> = BTreeMap::new();
    let mut currencies: BTreeMap<String, u64> = BTreeMap::new();
    for tally in tallies {
        tally.refused.into_iter().for_each(|(code, count)| *refused.entry(code).or_default() += count);
        tally.currencies.into_iter().for_each(|(currency, count)| *currencies.entry(currency).or_default() += count);
    }
    println!("books: deals={deals} billed={billed} currencies={} refused={refused:?}", currencies.len());
    // A test of sums that seldom come to anything would say nothing.
    assert!(billed > deals / 2 && currencies.len() == CURRENCIES.split_whitespace().count());
    let needed =
        [Code::AmountNotRepresentable, Code::LinesNotBillable, Code::AmountDiffersFromLines, Code::TooManyLines];
    assert!(deals < 100_000 || needed.iter().all(|code| refused.contains_key(code)), "{refused:?}");
}
