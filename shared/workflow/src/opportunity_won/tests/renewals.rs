//! Deals that renew a subscription.

use domain::{OpportunityId, SubscriptionId, SubscriptionItemId};
use jiff::Timestamp;
use mapping::{Kind, Plan, Renewals, Subscriptions};

use super::*;
use crate::{Every, ItemChange, ItemSeen, PriceSeen, RenewableSeen};

mod fit;
mod inside;
mod interrupted;
mod once;

fn at(time: &str) -> Timestamp {
    time.parse().expect("a time")
}

/// In the last month before the renewal's term.
const NOW: &str = "2027-02-10T12:00:00Z";

fn renewing() -> Settings {
    Settings { subscriptions: Subscriptions::ClosedWon, renewals: Renewals::Extend, ..settings() }
}

/// Lines of 12.00 for a year from the first of March, by the month.
fn sold(lines: i64) -> Deal {
    let mut deal = deal(lines);
    for line in &mut deal.lines {
        line.set("Product2.Stripe_Billing_Frequency__c", text("Monthly"));
        line.set("TotalPrice", FieldValue::Number(12.into()));
    }
    let fields = [
        ("Type", text("Renewal")),
        ("Amount", FieldValue::Number((12 * lines).into())),
        ("Stripe_Start_Date__c", text("2027-03-01")),
        ("Stripe_Term_Months__c", FieldValue::Number(12.into())),
    ];
    fields.into_iter().for_each(|(field, value)| deal.opportunity.set(field, value));
    deal.read_at = at(NOW);
    deal
}

fn planned(lines: i64) -> Plan {
    plan(&sold(lines), &renewing()).expect("billable").0
}

fn subscription_id() -> SubscriptionId {
    SubscriptionId::parse("sub_1").expect("valid")
}

fn item(number: usize, price: &str, quantity: i64) -> ItemSeen {
    ItemSeen {
        item_id: SubscriptionItemId::parse(&format!("si_{number}")).expect("valid"),
        price_id: domain::PriceId::parse(price).expect("valid"),
        product_id: domain::ProductId::parse(&format!("prod_{number}")).ok(),
        unit_amount: None,
        quantity: Some(quantity),
        months: Some(1),
        period_start: at("2027-02-01T00:00:00Z"),
        period_end: at("2027-03-01T00:00:00Z"),
    }
}

fn there() -> RenewableSeen {
    RenewableSeen {
        subscription_id: subscription_id(),
        is_ours: true,
        is_over: false,
        customer_id: CustomerId::parse("cus_1").ok(),
        currency: Currency::parse("EUR").expect("valid"),
        ends_at: Some(at("2027-03-01T00:00:00Z")),
        items: vec![item(1, "price_old", 1)],
        begun_by: None,
        is_settled: true,
        begun_at: Some(at("2026-03-01T00:00:00Z")),
        oddity: None,
        renewed_from: None,
        canceled_on: None,
        sold_once: Default::default(),
        renewed_for: None,
        last_invoice: None,
    }
}

fn record(point: Point, fact: Fact) -> Point {
    point.record(fact, &renewing()).expect("in order")
}

fn known(lines: i64) -> Point {
    let customer_id = CustomerId::parse("cus_1").expect("valid");
    let basket = Basket::default();
    Point::CustomerKnown {
        is_apart: false,
        plan: planned(lines),
        customer_id,
        account_is_linked: false,
        interrupted: false,
        basket,
        is_charged: None,
    }
}

fn found(seen: Vec<RenewableSeen>) -> Point {
    record(known(2), Fact::RenewableSeen { found: seen, at: at(NOW) })
}

/// The price that every line names, of this product and this much a month.
fn catalogue(unit_amount: i64) -> Fact {
    Fact::PricesRead(vec![PriceSeen {
        price_id: planned(1).lines[0].price.clone(),
        product_id: domain::ProductId::parse("prod_1").ok(),
        is_active: true,
        currency: Currency::parse("EUR").ok(),
        unit_amount: Some(unit_amount.into()),
        every: Every::Months(1),
        tax: None,
    }])
}

fn ready(seen: RenewableSeen) -> Point {
    record(found(vec![seen]), catalogue(100))
}

fn code(point: &Point) -> Option<Code> {
    point.stop().map(|stop| stop.code)
}

/// What is there at the price stays, what has another price of the same product keeps its item, the rest comes and goes.
#[test]
fn items_are_matched_by_price_then_by_product() {
    let changes = |items: Vec<ItemSeen>| -> Vec<String> {
        let point = ready(RenewableSeen { items, ..there() });
        let Next::Call(Call::RenewSubscription(extension)) = point.next() else {
            panic!("{} renews nothing", point.name())
        };
        let total = extension.total.minor_units();
        assert_eq!((total, extension.ends_at, extension.had_end), (2400, Some(at("2028-03-01T00:00:00Z")), true));
        let changes = extension.items.iter().map(|change| match change {
            ItemChange::Keep { item_id, item } => format!("{item_id} {} {}", item.price_id, item.quantity),
            ItemChange::Add { item } => format!("new {} {}", item.price_id, item.quantity),
            ItemChange::Drop { item_id } => format!("{item_id} goes"),
        });
        changes.collect()
    };
    let price = planned(1).lines[0].price.to_string();
    // Two lines at one price are one item.
    assert_eq!(changes(vec![item(1, &price, 3)]), [format!("si_1 {price} 2")]);
    assert_eq!(changes(vec![item(1, "price_old", 3)]), [format!("si_1 {price} 2")]);
    assert_eq!(changes(vec![item(2, "price_old", 3)]), [format!("new {price} 2"), "si_2 goes".to_owned()]);
    assert_eq!(
        changes(vec![item(1, "price_old", 3), item(2, &price, 1)]),
        [format!("si_2 {price} 2"), "si_1 goes".to_owned()]
    );
}

fn renewed() -> RenewableSeen {
    let price = planned(1).lines[0].price.to_string();
    RenewableSeen { items: vec![item(1, &price, 2)], ends_at: Some(at("2028-03-01T00:00:00Z")), ..there() }
}

#[test]
fn what_it_has_become_is_compared_with_the_deal() {
    let becomes = |seen: RenewableSeen| record(ready(there()), Fact::SubscriptionRenewed(Box::new(seen)));
    let point = becomes(renewed());
    assert_eq!((point.name(), point.subscription_id()), ("renewal_extended", Some(&subscription_id())));
    let total = planned(2).total;
    assert_eq!(point.billed(), Some((total, domain::Money::from_minor_units(0, total.currency()))));
    let mut more = renewed();
    more.items.push(item(2, "price_else", 1));
    let mut late = renewed();
    late.items[0].period_end = at("2027-04-01T00:00:00Z");
    assert_eq!(code(&becomes(late.clone())), Some(Code::RenewalDiffers), "the next period had begun");
    let resumed = ready(there()).resume();
    assert_eq!(record(resumed, Fact::SubscriptionRenewed(Box::new(late))).name(), "renewal_extended");
    let mut fewer = renewed();
    fewer.items[0].quantity = Some(1);
    let to_end = RenewableSeen { canceled_on: "2027-06-01".parse().ok(), ..renewed() };
    assert_eq!(code(&becomes(to_end)), Some(Code::RenewalDiffers), "its own deal said so in that moment");
    for seen in
        [more, fewer, RenewableSeen { ends_at: None, ..renewed() }, RenewableSeen { is_over: true, ..renewed() }]
    {
        let point = becomes(seen);
        let stop = point.stop().expect("a person looks");
        assert_eq!((stop.kind, stop.code), (Kind::Review, Code::RenewalDiffers));
    }
}

/// A ledger that was restored has forgotten it, and the subscription says so itself: it is looked at and not changed again.
#[test]
fn what_says_that_it_was_renewed_is_only_looked_at() {
    let says = RenewableSeen { renewed_for: Some(planned(1).opportunity_id), ..renewed() };
    let point = ready(says.clone());
    let Next::Call(Call::FindRenewed { named, .. }) = point.next() else { panic!("{} renews it again", point.name()) };
    assert_eq!(named, Some(subscription_id()));
    let seen = |found: Vec<RenewableSeen>| record(point.clone(), Fact::RenewableSeen { found, at: at(NOW) });
    assert_eq!(seen(vec![says]).name(), "renewal_extended");
    assert_eq!(seen(vec![]).name(), "claimed");
}

/// Two workers made the agreed price at once, and after a restore the other one is found. What it costs is what was agreed all the same.
#[test]
fn a_price_that_was_made_twice_is_the_agreed_one_after_an_interruption() {
    let with = |unit_amount: i64, months: u32| {
        let mut seen = renewed();
        let other = item(1, "price_other", 2);
        seen.items = vec![ItemSeen { unit_amount: Some(unit_amount.into()), months: Some(months), ..other }];
        Fact::SubscriptionRenewed(Box::new(seen))
    };
    let plan = planned(2);
    let agreed = plan.each(&plan.lines[0]).minor_units();
    let resumed = || ready(there()).resume();
    assert_eq!(record(resumed(), with(agreed, 1)).name(), "renewal_extended");
    let without = Fact::SubscriptionRenewed(Box::new(RenewableSeen { items: vec![], ..renewed() }));
    for (point, fact) in [
        (ready(there()), with(agreed, 1)),
        (resumed(), with(agreed + 1, 1)),
        (resumed(), with(agreed, 3)),
        (resumed(), without),
    ] {
        assert_eq!(code(&record(point, fact)), Some(Code::RenewalDiffers));
    }
}

fn extended() -> Point {
    record(ready(there()), Fact::SubscriptionRenewed(Box::new(renewed())))
}

fn written(point: &Point) -> Fact {
    let Next::Call(Call::UpdateRecords { updates }) = point.next() else { panic!("{} writes nothing", point.name()) };
    let kept = updates.iter().map(|update| {
        let mut record = domain::Record::default();
        update.fields.iter().for_each(|(field, value)| record.set(*field, value.clone()));
        record
    });
    Fact::RecordsUpdated(kept.collect())
}

/// Salesforce names it, and the deal is read once more before the end: it may have been edited since it was read.
#[test]
fn a_renewal_ends_when_salesforce_names_it_and_the_deal_is_what_it_was() {
    let point = extended();
    let Next::Call(Call::UpdateRecords { updates }) = point.next() else { panic!("nothing is written") };
    assert_eq!(updates[0].fields["Renewal_Stripe_Sub_Id__c"], text("sub_1"));
    assert_eq!(updates[1].fields["Stripe_Customer_Id__c"], text("cus_1"));
    assert_eq!(record(point.clone(), written(&point)).name(), "renewal_done");
    let revisiting = || record(extended().resume(), written(&extended()));
    let read = |deal: Deal| record(revisiting(), Fact::DealRead(Box::new(deal)));
    let done = read(sold(2));
    assert_eq!((done.name(), done.status()), ("renewal_done", Status::Done));
    let mut noted = sold(2);
    noted.opportunity.set(mapping::NOTE_CODE, text("renewal_over"));
    let clearing = read(noted);
    assert_eq!((clearing.name(), clearing.status()), ("renewal_clearing", Status::Open));
    assert_eq!(record(clearing.clone(), written(&clearing)).name(), "renewal_done");
    let mut lost = sold(2);
    lost.opportunity.set("StageName", text("Closed Lost"));
    for changed in [lost, sold(3)] {
        let point = read(changed);
        assert_eq!(code(&point), Some(Code::DealChangedAfterBilling));
        assert_eq!(point.subscription_id(), Some(&subscription_id()));
    }
    // Renewals are switched off again: only the amount can be compared.
    let off = |amount: i64| {
        let mut deal = sold(2);
        deal.opportunity.set("Amount", FieldValue::Number(amount.into()));
        revisiting().record(Fact::DealRead(Box::new(deal)), &Settings { renewals: Renewals::Off, ..renewing() })
    };
    assert_eq!(off(24).expect("in order").name(), "renewal_done");
    assert_eq!(code(&off(25).expect("in order")), Some(Code::DealChangedAfterBilling));
    // It cannot be billed as it is now, and comes to what it was renewed for.
    let mut unbillable = sold(2);
    unbillable.opportunity.set("Account.Billing_Email__c", FieldValue::Null);
    assert_eq!(read(unbillable.clone()).name(), "renewal_done");
    unbillable.opportunity.set("Amount", FieldValue::Number(25.into()));
    assert_eq!(code(&read(unbillable)), Some(Code::DealChangedAfterBilling));
}

/// Somebody names another one when it is renewed: which of the two is right is a person's to say.
#[test]
fn a_renewal_that_names_another_subscription_afterwards_is_told() {
    let done = record(extended(), written(&extended()));
    let read = |point: Point, named: &str| {
        let mut deal = sold(2);
        deal.opportunity.set("Renewal_Stripe_Sub_Id__c", text(named));
        record(point.resume(), Fact::DealRead(Box::new(deal)))
    };
    assert_eq!(read(done.clone(), "sub_1").name(), "renewal_done");
    let stopped = read(done, "sub_7");
    let stop = stopped.stop().expect("a person is told").clone();
    assert_eq!((stop.kind, stop.code), (Kind::Review, Code::RenewalDiffers));
    assert!(stop.message.contains("sub_7") && stop.message.contains("sub_1"), "{}", stop.message);
    assert_eq!(read(stopped, "sub_1").name(), "renewal_done", "it is set back");
}

#[test]
fn what_salesforce_does_not_keep_is_told() {
    let Fact::RecordsUpdated(mut records) = written(&extended()) else { panic!("it was written") };
    records[0].set("Renewal_Stripe_Sub_Id__c", FieldValue::Null);
    let point = record(extended(), Fact::RecordsUpdated(records));
    let stop = point.stop().expect("a person looks").clone();
    assert_eq!((stop.kind, stop.code), (Kind::Review, Code::WriteBackDiffers));
    assert!(stop.message.contains("Renewal_Stripe_Sub_Id__c"), "{}", stop.message);
    // It is read before it is written again, and a person may ask for that.
    assert_eq!(point.clone().resume().name(), "renewal_revisiting");
    let again = |deal: Deal| record(point.clone().resume(), Fact::DealRead(Box::new(deal)));
    assert_eq!(again(sold(2)).name(), "renewal_extended", "it lacks more than was not kept");
    let mut kept = sold(2);
    for field in ["Stripe_Customer_Id__c", "Account.Stripe_Customer_Id__c"] {
        kept.opportunity.set(field, text("cus_1"));
    }
    let Next::Call(Call::UpdateRecords { updates }) = extended().next() else { panic!("it is to be written") };
    kept.opportunity.set("Stripe_MRR__c", updates[0].fields["Stripe_MRR__c"].clone());
    assert_eq!(code(&again(kept.clone())), Some(Code::WriteBackDiffers));
    kept.opportunity.set("Renewal_Stripe_Sub_Id__c", text("sub_1"));
    assert_eq!(again(kept).name(), "renewal_done");
    assert_eq!(point.clone().asked_for().resume().name(), "renewal_extended");
}

/// Before the change is sent an interruption begins with the deal; after it, with what may have been done.
#[test]
fn an_interrupted_renewal_goes_on_where_nothing_is_lost() {
    let refused = || Fact::Refused(Refusal { stop: Stop::refused(Code::StripeRefused, "no") });
    let unsettled = found(vec![RenewableSeen { is_settled: false, ..there() }]);
    assert!(matches!(unsettled.next(), Next::Wait(stop) if stop.code == Code::RenewalUnsettled));
    for (point, resumed) in [
        (unsettled, "claimed"),
        (found(vec![there()]), "claimed"),
        (record(found(vec![there()]), catalogue(99)), "claimed"),
        (ready(there()), "renewal_ready"),
    ] {
        assert_eq!(point.clone().resume().name(), resumed, "{}", point.name());
        let stopped = record(point, refused());
        assert_eq!((code(&stopped), stopped.resume().name()), (Some(Code::StripeRefused), "claimed"));
    }
    let revisiting = || record(ready(there()).resume(), Fact::SubscriptionRenewed(Box::new(renewed())));
    let revisiting = || record(revisiting(), written(&extended()));
    let done = record(extended(), written(&extended()));
    for (point, resumed) in
        [(extended(), "renewal_extended"), (revisiting(), "renewal_revisiting"), (done, "renewal_revisiting")]
    {
        assert_eq!(point.clone().resume().name(), resumed, "{}", point.name());
    }
    for point in [extended(), revisiting()] {
        let gone = record(point.clone(), Fact::RecordMissing);
        assert_eq!((code(&gone), gone.subscription_id()), (Some(Code::OpportunityNotFound), Some(&subscription_id())));
        let refused = record(point, refused());
        assert_eq!(refused.stop().map(|stop| stop.kind), Some(Kind::Review));
    }
    let anew = record(ready(there()), Fact::SubscriptionNotRenewed);
    assert_eq!(anew.name(), "claimed");
    let total = planned(2).total;
    let above = record(ready(there()), Fact::NotApproved { ceiling: total, total });
    assert_eq!(code(&above), Some(Code::ApprovalRequired));
}

/// What was agreed and is in no catalogue is found or made first.
#[test]
fn prices_are_found_or_made_before_it_is_renewed() {
    let point = record(found(vec![there()]), catalogue(99));
    assert!(matches!(point.next(), Next::Call(Call::FindPrices { .. })), "{}", point.name());
    let point = record(point, Fact::PricesRead(vec![]));
    let Next::Call(Call::CreatePrice { price, .. }) = point.next() else { panic!("{} makes none", point.name()) };
    let made = PriceSeen {
        price_id: domain::PriceId::parse("price_made").expect("valid"),
        product_id: Some(price.product_id.clone()),
        is_active: true,
        currency: Some(price.currency),
        unit_amount: Some(price.unit_amount),
        every: Every::Months(price.months),
        tax: price.tax,
    };
    assert_eq!(record(point.clone(), Fact::PriceCreated(made.clone())).name(), "renewal_ready");
    let other = PriceSeen { unit_amount: Some(1.into()), ..made };
    assert_eq!(code(&record(point, Fact::PriceCreated(other))), Some(Code::StripeRefused));
    let Fact::PricesRead(mut archived) = catalogue(100) else { panic!("prices") };
    archived[0].is_active = false;
    assert_eq!(code(&record(found(vec![there()]), Fact::PricesRead(archived))), Some(Code::LinesNotBillable));
}

/// Which subscription it is stands in Salesforce, or is looked for; and a renewal does not wait for its first day before that.
#[test]
fn the_subscription_is_asked_for_at_once() {
    let point = record(Point::Claimed { opportunity_id: planned(1).opportunity_id }, Fact::DealRead(Box::new(sold(2))));
    assert_eq!(point.name(), "planned");
    let Next::Call(Call::FindRenewed { named, customer_id }) = known(2).next() else { panic!("it is not asked for") };
    assert_eq!((named, customer_id.as_str()), (None, "cus_1"));
    let mut named = sold(2);
    named.opportunity.set("Renewal_Stripe_Sub_Id__c", text("sub_7"));
    let plan = plan(&named, &renewing()).expect("billable").0;
    let renews = plan.renews.expect("it renews one");
    assert_eq!(renews.subscription_id.map(|id| id.to_string()).as_deref(), Some("sub_7"));
}
