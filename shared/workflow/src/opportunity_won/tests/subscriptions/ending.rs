//! Subscriptions that are to end before their term does.

use mapping::CANCEL_ON;

use super::*;
use crate::{Intent, RenewableSeen};

/// A year by the quarter, sold once more with what the opportunity says of its end.
fn said(on: Option<&str>) -> Deal {
    let mut deal = sold(3);
    deal.opportunity.set(CANCEL_ON, on.map_or(FieldValue::Null, text));
    deal
}

/// The deal is billed; and Stripe was told this of its end.
fn billed(told: Option<&str>) -> Point {
    let mut invoice = held().into_invoice(&first_invoice(InvoiceStatus::Open));
    invoice.plan.canceled_on = told.map(|day| day.parse().expect("a day"));
    Point::Done { invoice }
}

fn asked(told: Option<&str>, on: Option<&str>) -> Point {
    record(billed(told).resume(), Fact::DealRead(Box::new(said(on))))
}

/// In its first quarter.
fn there() -> RenewableSeen {
    let seen = super::begun(InvoiceStatus::Draft);
    RenewableSeen {
        subscription_id: subscription_id(),
        is_ours: true,
        is_over: false,
        customer_id: CustomerId::parse("cus_1").ok(),
        currency: Currency::parse("EUR").expect("valid"),
        ends_at: seen.ends_at,
        items: seen.items,
        begun_by: None,
        is_settled: true,
        begun_at: seen.starts_at,
        oddity: None,
        renewed_from: None,
        canceled_on: None,
        sold_once: Default::default(),
        renewed_for: None,
        last_invoice: None,
    }
}

fn until(day: &str) -> RenewableSeen {
    RenewableSeen { ends_at: Some(at(&format!("{day}T00:00:00Z"))), ..there() }
}

fn look(point: Point, seen: RenewableSeen, now: &str) -> Point {
    record(point, Fact::RenewableSeen { found: vec![seen], at: at(now) })
}

/// It is looked at, told, and looked for in Salesforce once more, since a note of before may stand there.
#[test]
fn it_ends_with_a_period_that_is_not_billed() {
    let point = asked(None, Some("2027-04-01"));
    assert_eq!(point.status(), Status::Open);
    let (customer_id, named) = (CustomerId::parse("cus_1").expect("valid"), Some(subscription_id()));
    assert_eq!(point.next(), Next::Call(Call::FindRenewed { customer_id, named }));
    assert_eq!(
        (point.invoice_id().map(ToString::to_string), point.subscription_id()),
        (Some("in_1".into()), Some(&subscription_id()))
    );
    let ready = look(point, there(), NOW);
    let ends_at = Some(at("2027-04-01T00:00:00Z"));
    let (on, latest) = ("2027-04-01".parse().ok(), at("2027-03-31T23:00:00Z"));
    assert_eq!(
        ready.next(),
        Next::Call(Call::EndSubscription { subscription_id: subscription_id(), on, at: ends_at, latest })
    );
    let told = record(ready, Fact::SubscriptionRenewed(Box::new(until("2027-04-01"))));
    assert_eq!(told.name(), "revisiting");
    let done = record(told, Fact::DealRead(Box::new(said(Some("2027-04-01")))));
    assert_eq!(done.name(), "done");
    // Another event changes nothing; and without the day it goes on until its term ends.
    assert_eq!(record(done.clone().resume(), Fact::DealRead(Box::new(said(Some("2027-04-01"))))), done);
    let back = record(done.resume(), Fact::DealRead(Box::new(said(None))));
    let ready = look(back, until("2027-04-01"), NOW);
    let of_term = Some(at("2028-01-01T00:00:00Z"));
    assert_eq!(
        ready.next(),
        Next::Call(Call::EndSubscription { subscription_id: subscription_id(), on: None, at: of_term, latest }),
        "not after it would have ended"
    );
    let told = record(ready, Fact::SubscriptionRenewed(Box::new(there())));
    assert_eq!(record(told, Fact::DealRead(Box::new(said(None)))), billed(None));
}

#[test]
fn it_ends_then_or_the_reason_is_told() {
    let other = OpportunityId::parse("006000000000009AAA").ok();
    let over = |ends_at: &str| RenewableSeen { is_over: true, ..until(ends_at) };
    let refused = Some(Code::CancellationNotPossible);
    type Case = (
        &'static str,
        Option<&'static str>,
        Option<&'static str>,
        RenewableSeen,
        &'static str,
        Result<&'static str, &'static str>,
    );
    let cases: Vec<Case> = vec![
        ("the next quarter", None, Some("2027-04-01"), there(), NOW, Ok("ending_ready")),
        ("a later one", None, Some("2027-10-01"), there(), NOW, Ok("ending_ready")),
        (
            "another one than before",
            Some("2027-10-01"),
            Some("2027-07-01"),
            until("2027-10-01"),
            NOW,
            Ok("ending_ready"),
        ),
        ("its term's end", None, Some("2028-01-01"), there(), NOW, Ok("revisiting")),
        ("it ends then already", None, Some("2027-04-01"), until("2027-04-01"), NOW, Ok("revisiting")),
        ("it is over already", None, Some("2027-04-01"), over("2027-04-01"), "2027-04-02T00:00:00Z", Ok("revisiting")),
        ("inside a quarter", None, Some("2027-05-01"), there(), NOW, Err("2027-04-01 or a later one")),
        ("its first day", None, Some("2027-01-01"), there(), NOW, Err("is billed until 2027-04-01")),
        ("before it", None, Some("2026-10-01"), there(), NOW, Err("inside a period")),
        ("after it", None, Some("2028-04-01"), there(), NOW, Err("ends before 2028-04-01")),
        ("within the hour", None, Some("2027-04-01"), there(), "2027-03-31T23:30:00Z", Err("too late")),
        (
            "another deal has renewed it",
            None,
            Some("2027-04-01"),
            RenewableSeen { renewed_for: other, ..there() },
            NOW,
            Err("Opportunity 006000000000009AAA has renewed"),
        ),
        (
            "it is to go on within the hour",
            Some("2027-04-01"),
            None,
            until("2027-04-01"),
            "2027-03-31T23:30:00Z",
            Err("too late"),
        ),
        (
            "it is to go on, and is over",
            Some("2027-04-01"),
            None,
            over("2027-04-01"),
            "2027-04-02T00:00:00Z",
            Err("goes on no more"),
        ),
    ];
    for (what, told, on, seen, now, expected) in cases {
        let point = look(asked(told, on), seen, now);
        match expected {
            Ok(name) => assert_eq!(point.name(), name, "{what}"),
            Err(sentence) => {
                assert_eq!(code(&point), refused, "{what}");
                let stop = point.stop().expect("it stands still");
                assert!(stop.message.contains(sentence), "{what}: {}", stop.message);
                // It is asked once more with the next event, and until then the deal is what was billed.
                assert_eq!(point.clone().resume(), billed(told).resume(), "{what}");
                assert_eq!(point.invoice_id(), billed(told).invoice_id());
            }
        }
    }
}

/// Of several frequencies, nothing may be billed any more, whatever it is billed by.
#[test]
fn each_frequency_ends_with_a_period() {
    let mut deal = sold(3);
    for (line, frequency) in deal.lines.iter_mut().zip(["Semiannual", "Quarterly"]) {
        line.set("Product2.Stripe_Billing_Frequency__c", text(frequency));
    }
    let (mut planned, _) = plan(&deal, &selling()).expect("billable");
    planned.canceled_on = None;
    let invoice = Draft { plan: planned, ..held() }.into_invoice(&first_invoice(InvoiceStatus::Open));
    for (on, expected) in [("2027-04-01", Some(Code::CancellationNotPossible)), ("2027-07-01", None)] {
        deal.opportunity.set(CANCEL_ON, text(on));
        let done = Point::Done { invoice: invoice.clone() };
        let point = record(done.resume(), Fact::DealRead(Box::new(deal.clone())));
        let mut seen = there();
        let other = ItemSeen {
            item_id: item_id(1),
            months: Some(6),
            period_end: at("2027-07-01T00:00:00Z"),
            ..seen.items[0].clone()
        };
        seen.items.push(other);
        assert_eq!(code(&look(point, seen, NOW)), expected, "{on}");
    }
}

/// Whatever Stripe answers: nobody believes that it ends when it does not.
#[test]
fn what_stripe_does_not_say_is_not_done() {
    let ready = || look(asked(None, Some("2027-04-01")), there(), NOW);
    let otherwise = record(ready(), Fact::SubscriptionRenewed(Box::new(there())));
    assert_eq!(code(&otherwise), Some(Code::InvoiceChangedInStripe));
    assert_eq!(code(&record(ready(), refused())), Some(Code::StripeRefused));
    let unknown = record(asked(None, Some("2027-04-01")), Fact::RenewableSeen { found: vec![], at: at(NOW) });
    assert_eq!(code(&unknown), Some(Code::InvoiceChangedInStripe));
    assert_eq!(record(ready(), Fact::SubscriptionNotRenewed).name(), "revisiting", "it is asked anew");
    // Where nothing was sent it is asked anew; where it may have been, its key leads to it.
    let run = |intents: &[Operation]| Run {
        intents: intents.iter().map(|operation| (*operation, Intent { ambiguous: true, ..intent(Some("")) })).collect(),
        ..run(ready())
    };
    assert_eq!(run(&[]).resume().point(), "revisiting");
    assert_eq!(run(&[Operation::EndSubscription]).resume().point(), "ending_ready");
    assert_eq!(run_of(asked(None, Some("2027-04-01"))).resume().point(), "revisiting");
}

fn run_of(point: Point) -> Run {
    run(point)
}

/// A deal that says so before it is billed says two things.
#[test]
fn what_has_not_begun_is_not_canceled() {
    let point = record(claimed(), Fact::DealRead(Box::new(said(Some("2027-04-01")))));
    let point = record(point, Fact::PricesRead(vec![catalogue(250, Every::Months(3))]));
    assert_eq!(code(&point), Some(Code::TermNotBillable));
    // What nothing recurs of is not canceled.
    let mut once = deal(2);
    once.opportunity.set(CANCEL_ON, text("2027-04-01"));
    let point = record(claimed(), Fact::DealRead(Box::new(once)));
    assert_eq!(code(&record(point, Fact::PricesRead(vec![catalogue(1000, Every::Once)]))), None);
}

/// After a restore the opportunity names the invoice of a subscription that ends sooner than its term.
#[test]
fn what_a_restore_forgot_is_the_deals_own() {
    for (on, ends_at, is_its) in [
        (Some("2027-04-01"), "2027-04-01", true),
        (Some("2027-07-01"), "2027-04-01", false),
        (Some("2027-04-01"), "2028-01-01", true),
    ] {
        let mut seen = InvoiceSeen { is_ours: true, ..first_invoice(InvoiceStatus::Open) };
        seen.metadata.insert("sf_opportunity_id".into(), opportunity_id().to_string());
        let mut deal = said(on);
        deal.opportunity.set("Stripe_Invoice_Id__c", text("in_1"));
        let named = record(claimed(), Fact::DealRead(Box::new(deal)));
        let named = record(named, Fact::InvoiceRead(seen));
        assert_eq!(named.name(), "subscription_named");
        let there = SubscriptionSeen { ends_at: until(ends_at).ends_at, ..super::begun(InvoiceStatus::Open) };
        let point = record(named, Fact::SubscriptionRead(Box::new(there)));
        assert_eq!(point.name() == "verifying", is_its, "{on:?} {ends_at}: {}", point.name());
    }
}

/// What is read back of a write-back: everything that was written is kept but these fields, and the opportunity says this day.
fn read_back(point: &Point, lost: &[&'static str], on: Option<&str>) -> Fact {
    let Next::Call(Call::UpdateRecords { updates }) = point.next() else { panic!("{} writes nothing", point.name()) };
    let kept = updates.iter().map(|update| {
        let mut record = domain::Record::default();
        let kept = update.fields.iter().filter(|(field, _)| !lost.contains(field));
        kept.for_each(|(field, value)| record.set(*field, value.clone()));
        record
    });
    let mut records: Vec<_> = kept.collect();
    assert!(updates[0].read_back().fields.contains(&CANCEL_ON));
    records[0].set(CANCEL_ON, on.map_or(FieldValue::Null, text));
    Fact::RecordsUpdated(records)
}

/// It is canceled while its first invoice is on its way, and no other event tells of that: what is read back does.
#[test]
fn what_is_said_while_it_is_billed_is_told_when_it_is() {
    let on = Some("2027-04-01");
    let draft_seen = first_invoice(InvoiceStatus::Draft);
    let comparing = Point::Comparing { draft: held(), seen: draft_seen, stage: crate::opportunity_won::Stage::Gate {} };
    let ready = record(comparing, Fact::DealRead(Box::new(said(on))));
    assert_eq!(ready.name(), "ready");
    let sent = record(ready, Fact::InvoiceRead(first_invoice(InvoiceStatus::Open)));
    let written = record(sent.clone(), read_back(&sent, &[], on));
    assert_eq!(written.name(), "revisiting");
    assert_eq!(record(written, Fact::DealRead(Box::new(said(on)))).name(), "ending_looking");
    assert_eq!(
        record(sent.clone(), read_back(&sent, &[], None)).name(),
        "done",
        "nothing is read once more for nothing"
    );
}

/// What Salesforce does not keep of the write-back is told, and does not stand in the way of the end: neither when it is written nor later.
#[test]
fn what_is_not_kept_does_not_keep_it_from_ending() {
    let lost = ["Stripe_MRR__c"];
    let sent = Point::Sent { invoice: held().into_invoice(&first_invoice(InvoiceStatus::Open)), interrupted: false };
    let stopped = record(sent.clone(), read_back(&sent, &lost, None));
    assert_eq!(code(&stopped), Some(Code::WriteBackDiffers));
    let on = Some("2027-04-01");
    let verifying = stopped.resume();
    assert_eq!(verifying.name(), "verifying");
    // Later somebody cancels: the billing is read, and the field is still not kept.
    let Fact::RecordsUpdated(mut records) = read_back(&sent, &lost, on) else { panic!("it was written") };
    records[0].set("Account.Stripe_Customer_Id__c", text("cus_1"));
    let again = record(verifying, Fact::BillingRead(records[0].clone()));
    let at_once = record(sent.clone(), read_back(&sent, &lost, on));
    for point in [again, at_once] {
        assert_eq!(point.name(), "revisiting");
        let ending = record(point, Fact::DealRead(Box::new(said(on))));
        let told = record(look(ending.clone(), there(), NOW), Fact::SubscriptionRenewed(Box::new(until("2027-04-01"))));
        assert_eq!(told.name(), "verifying", "what is not kept is still to be told");
        let stopped = record(told, Fact::BillingRead(records[0].clone()));
        assert_eq!(code(&stopped), Some(Code::WriteBackDiffers));
        // A day that cannot be is said, and then it is looked at both again.
        let refused = look(ending, RenewableSeen { items: vec![], ..until("2027-07-01") }, "2027-03-31T23:59:00Z");
        assert_eq!((code(&refused), refused.resume().name()), (Some(Code::CancellationNotPossible), "verifying"));
    }
}

/// Where subscriptions are off nobody reads the day, and that is not that it was taken back.
#[test]
fn what_is_not_read_was_not_taken_back() {
    let mut unread = said(None);
    unread.lines[0].set("Product2.Stripe_Price_Id__c", FieldValue::Null);
    let again = |settings: &Settings| {
        let point = billed(Some("2027-04-01")).resume();
        point.record(Fact::DealRead(Box::new(unread.clone())), settings).expect("in order")
    };
    assert_eq!(again(&Settings { subscriptions: Subscriptions::Off, ..selling() }).name(), "done");
    assert_eq!(again(&selling()).name(), "ending_looking");
}

/// Another deal renewed it between the look and the change.
#[test]
fn who_renewed_it_in_that_moment_is_told() {
    let ready = look(asked(None, Some("2027-04-01")), there(), NOW);
    let renewed_for = OpportunityId::parse("006000000000009AAA").ok();
    let seen = RenewableSeen { renewed_for, ..until("2027-04-01") };
    let point = record(ready, Fact::SubscriptionRenewed(Box::new(seen)));
    assert_eq!(code(&point), Some(Code::InvoiceChangedInStripe));
}
