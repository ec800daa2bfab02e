//! The books balance: whatever a deal is made of, what Stripe would bill for it is what Salesforce says it comes to, to the minor
//! unit; or the deal is refused, for a reason that an independent sum confirms.
//!
//! `BOOKS=10000000 cargo test -p workflow --test books` plays more of them.

#![allow(clippy::unwrap_used, reason = "a sum that cannot be done is a failed test")]

mod case;
mod stripe;

use std::collections::{BTreeMap, BTreeSet};

use case::{Billed, CURRENCIES, Case, Line, Random, frequency};
use domain::{Currency, CustomerId, FieldValue, OpportunityId, Record};
use jiff::Timestamp;
use mapping::{Code, Deal, LineSource, Settings, Subscriptions};
use stripe::Stripe;
use workflow::opportunity_won::Point;
use workflow::{Call, Fact, Next};

/// When every deal is read.
fn now() -> Timestamp {
    "2027-06-15T12:00:00Z".parse().unwrap()
}

/// As Salesforce answers it.
fn deal(case: &Case) -> Deal {
    let text = |text: &str| FieldValue::Text(text.to_owned());
    let record = |fields: Vec<(&str, FieldValue)>| {
        let mut record = Record::default();
        fields.into_iter().for_each(|(path, value)| record.set(path, value));
        record
    };
    let mut opportunity = record(vec![
        ("Id", text("006000000000001AAA")),
        ("StageName", text("Closed Won")),
        ("Amount", FieldValue::Number(case.amount)),
        ("CurrencyIsoCode", text(case.currency.as_str())),
        ("AccountId", text("001000000000001AAA")),
        ("Account.Name", text("Acme")),
        ("Account.Billing_Email__c", text("ap@acme.example")),
    ]);
    if let Some(term) = case.term {
        let start = term.starts(jiff::tz::TimeZone::UTC.to_datetime(now()).date());
        opportunity.set("Stripe_Start_Date__c", text(&start.to_string()));
        let months = term.months.map_or(FieldValue::Null, |months| FieldValue::Number(months.into()));
        opportunity.set("Stripe_Term_Months__c", months);
    }
    let line = |(index, line): (usize, &Line)| {
        let frequency = line.every.map_or(FieldValue::Null, |every| text(frequency(every)));
        record(vec![
            ("Id", text(stripe::key(index).as_str())),
            ("Quantity", FieldValue::Number(line.quantity)),
            ("ListPrice", FieldValue::Number(line.list_price)),
            ("TotalPrice", FieldValue::Number(line.total)),
            ("Product2.Stripe_Price_Id__c", text(&format!("price_{}", line.product))),
            ("Product2.Stripe_Billing_Frequency__c", frequency),
        ])
    };
    Deal { opportunity, lines: case.lines.iter().enumerate().map(line).collect(), read_at: now(), ..Deal::default() }
}

/// What the deal is billed, after a look at each line; or the codes of its refusal.
fn billed(case: &Case, settings: &Settings) -> Result<Billed, Vec<Code>> {
    let opportunity_id = OpportunityId::parse("006000000000001AAA").unwrap();
    let mut point = Point::Claimed { opportunity_id };
    let mut stripe = Stripe::new(case);
    loop {
        if let Some(stop) = point.stop() {
            assert!(stripe.is_untouched(), "everything is known before anything is written: {stop:?}");
            return Err(std::iter::once(stop.code).chain(stop.also.iter().copied()).collect());
        }
        if let Some(billed) = stripe.billed() {
            return Ok(billed);
        }
        let fact = match point.next() {
            Next::Call(Call::ReadDeal { .. }) => Fact::DealRead(Box::new(deal(case))),
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
    /// Of those, by a subscription; and with lines that are billed by several frequencies.
    subscriptions: u64,
    mixed: u64,
    refused: BTreeMap<Code, u64>,
    currencies: BTreeMap<String, u64>,
}

fn play(from: u64, to: u64) -> Tally {
    let currencies: Vec<&str> = CURRENCIES.split_whitespace().collect();
    let org_currency = Currency::parse("USD").unwrap();
    let line_source = LineSource::OpportunityProducts;
    let settings = Settings {
        multi_currency: true,
        line_source,
        subscriptions: Subscriptions::ClosedWon,
        ..Settings::new(org_currency)
    };
    let mut tally = Tally::default();
    for seed in from..to {
        let case = Case::generate(&mut Random(seed), &currencies);
        let (found, expected) = (billed(&case, &settings), case.judged());
        assert_eq!(found, expected, "deal {seed}: {} {}", case.amount, case.currency);
        match found {
            Ok(_) => {
                tally.billed += 1;
                let frequencies: BTreeSet<_> = case.lines.iter().filter_map(|line| line.every).collect();
                tally.subscriptions += u64::from(!frequencies.is_empty());
                tally.mixed += u64::from(frequencies.len() > 1);
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
    let subscriptions: u64 = tallies.iter().map(|tally| tally.subscriptions).sum();
    let mixed: u64 = tallies.iter().map(|tally| tally.mixed).sum();
    let mut refused: BTreeMap<Code, u64> = BTreeMap::new();
    let mut currencies: BTreeMap<String, u64> = BTreeMap::new();
    for tally in tallies {
        tally.refused.into_iter().for_each(|(code, count)| *refused.entry(code).or_default() += count);
        tally.currencies.into_iter().for_each(|(currency, count)| *currencies.entry(currency).or_default() += count);
    }
    println!(
        "books: deals={deals} billed={billed} subscriptions={subscriptions} mixed={mixed} currencies={} refused={refused:?}",
        currencies.len()
    );
    // A test of sums that seldom come to anything would say nothing.
    assert!(subscriptions > deals / 8 && mixed > deals / 20, "{subscriptions} with {mixed} of {deals}");
    assert!(billed > deals / 2 && currencies.len() == CURRENCIES.split_whitespace().count());
    let needed = [
        Code::AmountNotRepresentable,
        Code::LinesNotBillable,
        Code::AmountDiffersFromLines,
        Code::TooManyLines,
        Code::TermNotBillable,
        Code::AmountNotDivisible,
    ];
    assert!(deals < 100_000 || needed.iter().all(|code| refused.contains_key(code)), "{refused:?}");
}
