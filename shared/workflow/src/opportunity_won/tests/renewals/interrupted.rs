//! What may be under way, and what was not kept.

use super::*;
use crate::opportunity_won::renewal::Extended;

/// Once the request may be under way it is sent until it is answered; before that, the deal is asked first.
#[test]
fn there_is_no_way_back_from_a_renewal_that_may_be_under_way() {
    for (intent, name) in
        [(None, "claimed"), (Some(intent(None)), "claimed"), (Some(intent(Some(""))), "renewal_ready")]
    {
        let mut run = run(ready(there()));
        assert_eq!(run.customer_id().map(CustomerId::as_str), Some("cus_1"));
        assert!(!run.is_billed_later(), "it is not renewed yet");
        run.intents.extend(intent.map(|intent| (Operation::RenewSubscription, intent)));
        assert_eq!(run.resume().point(), name);
    }
    let done = run(record(extended(), written(&extended())));
    let total = planned(2).total;
    assert_eq!((done.is_billed_later(), done.billed().map(|(deal, _)| deal)), (true, Some(total)));
}

/// A note that was put back before is another one than the next.
#[test]
fn a_note_that_was_not_kept_is_no_reason_against_the_next_one() {
    let not_kept = ["Stripe_MRR__c", mapping::NOTE_CODE].map(str::to_owned).to_vec();
    let done = |not_kept: Vec<String>| {
        let Point::Renewal(renewal) = record(extended(), written(&extended())) else { panic!("it is done") };
        let Renewal::Done { extended } = *renewal else { panic!("{} goes on", renewal.name()) };
        Point::from(Renewal::Done { extended: Extended { not_kept, ..extended } })
    };
    let stopped = record(done(not_kept).resume(), Fact::DealRead(Box::new(sold(3))));
    let Point::Stopped { back_to, .. } = stopped else { panic!("{} goes on", stopped.name()) };
    assert_eq!(*back_to, done(vec!["Stripe_MRR__c".to_owned()]));
}

/// As with an invoice: what of the write-back was not kept is no reason to take the account's newer customer away.
#[test]
fn an_account_that_has_got_another_customer_since_a_renewal_keeps_it() {
    let Point::Renewal(renewal) = record(extended(), written(&extended())) else { panic!("it is done") };
    let Renewal::Done { extended } = *renewal else { panic!("{} goes on", renewal.name()) };
    let not_kept = vec!["Stripe_MRR__c".to_owned()];
    let point = Point::from(Renewal::Revisiting { extended: Extended { not_kept, ..extended } });
    let mut deal = sold(2);
    for (field, value) in [
        ("Stripe_Customer_Id__c", text("cus_1")),
        ("Renewal_Stripe_Sub_Id__c", text("sub_1")),
        ("Stripe_MRR__c", FieldValue::Number(1.into())),
    ] {
        deal.opportunity.set(field, value);
    }
    let writes = |account_names: &str| {
        let mut deal = deal.clone();
        deal.opportunity.set("Account.Stripe_Customer_Id__c", text(account_names));
        let point = record(point.clone(), Fact::DealRead(Box::new(deal)));
        match point.next() {
            Next::Call(Call::UpdateRecords { updates }) => updates.iter().any(|update| update.object == "Account"),
            _ => false,
        }
    };
    assert!(!writes("cus_1") && !writes("cus_2"));
}

/// A ledger that was restored has forgotten that it was renewed, and that it was told to end: the subscription and the opportunity have not.
#[test]
fn a_renewal_that_was_canceled_is_found_as_it_is() {
    let day = "2027-06-01";
    let mut deal = sold(2);
    deal.opportunity.set(mapping::CANCEL_ON, text(day));
    let (plan, _) = plan(&deal, &renewing()).expect("billable");
    let with = |seen: RenewableSeen| {
        let Point::CustomerKnown { customer_id, basket, .. } = known(2) else { panic!("it is known") };
        let point = Point::CustomerKnown {
            is_apart: false,
            plan: plan.clone(),
            customer_id,
            account_is_linked: false,
            interrupted: false,
            basket,
            is_charged: None,
        };
        record(point, Fact::RenewableSeen { found: vec![seen], at: at(NOW) })
    };
    let says = RenewableSeen { renewed_for: Some(plan.opportunity_id.clone()), ..renewed() };
    let ends = |ends_at: &str| RenewableSeen { ends_at: Some(at(&format!("{ends_at}T00:00:00Z"))), ..says.clone() };
    for (seen, next) in [(ends(day), "renewal_done"), (says.clone(), "ending_looking")] {
        let point = record(with(seen.clone()), catalogue(100));
        let point = record(point, Fact::RenewableSeen { found: vec![seen], at: at(NOW) });
        assert_eq!(point.name(), "renewal_extended");
        let revisiting = record(point.clone(), written(&point));
        let mut named = deal.clone();
        named.opportunity.set("Renewal_Stripe_Sub_Id__c", text(subscription_id().as_str()));
        assert_eq!(record(revisiting, Fact::DealRead(Box::new(named))).name(), next);
    }
    // One that it has not renewed is not canceled by it; nor is it renewed while its own deal says that it ends.
    assert_eq!(code(&with(there())), Some(Code::TermNotBillable));
}
