use domain::{AccountId, FieldValue, OpportunityId, OrganizationId, Record};
use mapping::{Code, CustomerDetails, NOTE_MESSAGE};

use super::*;
use crate::{Call, account_customer, invoice_paid};

fn organization_id() -> OrganizationId {
    OrganizationId::parse("00D000000000001EAA").expect("valid")
}

fn invoice_id() -> InvoiceId {
    InvoiceId::parse("in_1").expect("valid")
}

fn account_id() -> AccountId {
    AccountId::parse("001000000000001AAA").expect("valid")
}

fn opportunity_id() -> OpportunityId {
    OpportunityId::parse("006000000000001AAA").expect("valid")
}

fn details(name: &str) -> CustomerDetails {
    let email = domain::BillingEmail::parse("ap@acme.example").expect("valid");
    CustomerDetails::new(name.into(), email)
}

fn customer(name: &str) -> Run {
    let id = RunId::AccountCustomer {
        organization_id: organization_id(),
        account_id: account_id(),
        livemode: false,
        currency: None,
    };
    Run::new(id, State::AccountCustomer(account_customer::Point::new(account_id(), details(name), None, None)))
}

fn won() -> Run {
    let id = RunId::OpportunityWon { organization_id: organization_id(), opportunity_id: opportunity_id() };
    Run::new(id, State::OpportunityWon(opportunity_won::Point::Claimed { opportunity_id: opportunity_id() }))
}

fn paid() -> Run {
    let id = RunId::InvoicePaid { organization_id: organization_id(), invoice_id: invoice_id() };
    Run::new(id, State::InvoicePaid(invoice_paid::Point::claimed(invoice_id(), true)))
}

fn intent(generation: u32) -> Intent {
    Intent {
        generation,
        epoch: 0,
        key: "cw1_1".into(),
        path: "/v1/invoices".into(),
        body: Some("currency=eur".into()),
        first_sent: Timestamp::UNIX_EPOCH,
        last_sent: Timestamp::UNIX_EPOCH,
        replays_error: false,
        ambiguous: false,
    }
}

/// These are keys of the ledger, and a ledger is for ever.
#[test]
fn a_run_has_the_same_name_for_ever() {
    let live = RunId::AccountCustomer {
        organization_id: organization_id(),
        account_id: account_id(),
        livemode: true,
        currency: None,
    };
    let of_usd = RunId::AccountCustomer {
        organization_id: organization_id(),
        account_id: account_id(),
        livemode: true,
        currency: domain::Currency::parse("USD").ok(),
    };
    for (id, workflow, subject, key) in [
        (
            won().id,
            "opportunity_won",
            "006000000000001AAA",
            "run#00D000000000001EAA:006000000000001AAA:opportunity_won:1",
        ),
        (paid().id, "invoice_paid", "in_1", "run#00D000000000001EAA:in_1:invoice_paid:1"),
        (
            customer("Acme").id,
            "account_customer",
            "001000000000001AAA",
            "customer#00D000000000001EAA:001000000000001AAA:any:test",
        ),
        (live, "account_customer", "001000000000001AAA", "customer#00D000000000001EAA:001000000000001AAA:any:live"),
        (of_usd, "account_customer", "001000000000001AAA", "customer#00D000000000001EAA:001000000000001AAA:usd:live"),
    ] {
        assert_eq!((id.workflow(), id.subject(), id.to_string().as_str()), (workflow, subject, key));
    }
    let statuses = [Status::Open, Status::Done, Status::Rejected, Status::Review].map(Status::as_str);
    assert_eq!(statuses, ["open", "done", "rejected", "review"]);
    assert_eq!([won().point(), paid().point(), customer("Acme").point()], ["claimed", "claimed", "unknown"]);
}

#[test]
fn a_run_says_what_it_settled_on() {
    let customer_id = CustomerId::parse("cus_1").expect("valid");
    let known = account_customer::Point::Known { customer_id: customer_id.clone(), told: None };
    let known = Run { state: State::AccountCustomer(known), ..customer("Acme") };
    assert_eq!((known.customer_id(), known.invoice_id()), (Some(&customer_id), None));
    assert_eq!((paid().customer_id(), paid().invoice_id()), (None, None));
    assert_eq!((won().customer_id(), won().invoice_id()), (None, None));
    assert_eq!(won().epoch(), 0);
    let restored = Restored { epoch: 7, since: Timestamp::UNIX_EPOCH };
    assert_eq!(Run { restored: Some(restored), ..won() }.epoch(), 7);
}

/// An operation that certainly did nothing gets another key; a draft that is gone takes its keys with it.
#[test]
fn a_key_is_put_aside_with_what_it_stood_for() {
    let began = || {
        let mut run = won();
        for (operation, generation) in
            [(Operation::CreateCustomer, 0), (Operation::CreateInvoice, 3), (Operation::SendInvoice, 0)]
        {
            run.intents.insert(operation, intent(generation));
        }
        run
    };
    let mut run = began();
    run.retire(Operation::CreateInvoice);
    assert_eq!(run.generations, BTreeMap::from([(Operation::CreateInvoice, 4)]));
    assert!(!run.intents.contains_key(&Operation::CreateInvoice) && run.intents.len() == 2);
    run.retire(Operation::AddLines { batch: 0 });
    assert_eq!(run.generations.len(), 1, "what was never begun has no next time");

    let draft_is_gone = began().record(Fact::InvoiceMissing, &settings());
    assert!(draft_is_gone.is_err(), "a run that has no draft cannot lose it");
    let mut run = began();
    run.retire_invoice_operations();
    assert_eq!(run.intents.into_keys().collect::<Vec<_>>(), [Operation::CreateCustomer]);
    assert_eq!(run.generations.into_keys().collect::<Vec<_>>(), [Operation::CreateInvoice, Operation::SendInvoice]);
}

fn settings() -> Settings {
    let org_currency = domain::Currency::parse("EUR").expect("valid");
    Settings::new(org_currency)
}

/// The customer that its account names is gone at Stripe: the key that made it would answer with the one that is gone.
#[test]
fn a_customer_that_is_gone_takes_its_key_with_it() {
    let mut run = customer("Acme");
    run.intents.insert(Operation::CreateCustomer, intent(0));
    let run = run.record(Fact::CustomerMissing, &settings()).expect("in order");
    assert!(run.intents.is_empty());
    assert_eq!(run.generations, BTreeMap::from([(Operation::CreateCustomer, 1)]));
}

/// Whoever comes along with fresher details is heard, unless a customer may be under way.
#[test]
fn a_newcomer_is_heard_unless_a_customer_is_under_way() {
    let name_of = |run: &Run| match run.next() {
        Next::Call(Call::CreateCustomer { details, .. }) => details.name,
        next => panic!("{next:?}"),
    };
    assert_eq!(name_of(&customer("Acme").take_up(customer("Acme AG"))), "Acme AG");
    let mut under_way = customer("Acme");
    under_way.intents.insert(Operation::CreateCustomer, intent(0));
    assert_eq!(name_of(&under_way.clone().take_up(customer("Acme AG"))), "Acme");
    let taken = under_way.clone().take_up(customer("Acme AG"));
    assert_eq!(taken.intents, under_way.intents, "what was begun goes on");
    under_way.intents.values_mut().for_each(Intent::settle);
    assert_eq!(name_of(&under_way.take_up(customer("Acme AG"))), "Acme AG");
}

/// Whatever the account's run is about, that there is another one for a currency is remembered.
#[test]
fn the_currencies_of_other_customers_come_together() {
    let currency = |code: &str| domain::Currency::parse(code).expect("valid");
    let mut there = customer("Acme");
    there.apart.insert(currency("EUR"));
    let mut brought = customer("Acme");
    brought.apart.insert(currency("USD"));
    let run = there.take_up(brought);
    assert_eq!(run.apart, [currency("EUR"), currency("USD")].into());
    let kept = serde_json::to_string(&run).expect("writable");
    assert_eq!(serde_json::from_str::<Run>(&kept).expect("readable"), run);
    let before = serde_json::to_value(customer("Acme")).expect("writable");
    assert_eq!(before.get("apart"), None, "as it ever was");
}

#[test]
fn an_event_is_answered_once_and_the_last_twenty_are_remembered() {
    let mut run = won();
    assert!(!run.has_answered("evt_1"));
    run.answer("evt_1");
    run.answer("evt_1");
    assert!(run.has_answered("evt_1") && !run.has_answered("evt_2"));
    assert_eq!(run.answered, ["evt_1"]);
    for number in 2..=21 {
        run.answer(&format!("evt_{number}"));
    }
    assert!(!run.has_answered("evt_1") && run.has_answered("evt_2") && run.has_answered("evt_21"));
    assert_eq!(run.answered.len(), ANSWERED_KEPT);
}

/// What a write-back takes away may be written once more; and a number that is nothing is not stored.
#[test]
fn a_write_back_makes_room_for_one_more_note() {
    use opportunity_won::{Invoice, Point};
    let total = domain::Money::from_minor_units(1000, settings().org_currency);
    let plan = mapping::Plan {
        opportunity_id: opportunity_id(),
        account_id: account_id(),
        total,
        days_until_due: 30,
        lines: Vec::new(),
        approved: None,
        tax: None,
        collection: Default::default(),
        subscription: None,
        renews: None,
        contract_id: None,
        contract_is_in_another: false,
        canceled_on: None,
        by_rules: Vec::new(),
        bills_once: false,
    };
    let invoice = Invoice {
        plan,
        customer_id: CustomerId::parse("cus_1").expect("valid"),
        invoice_id: invoice_id(),
        account_is_linked: true,
        hosted_invoice_url: None,
        invoice_pdf: None,
        subscription: None,
        unmarks: false,
        not_kept: Vec::new(),
        contract: Default::default(),
    };
    let mut run = Run { state: State::OpportunityWon(Point::Sent { invoice, interrupted: true }), ..won() };
    (run.notes_written, run.noted) = (2, Some(Stop::refused(Code::NoLines, "It has none.")));
    let mut kept = Record::default();
    kept.set("Stripe_Customer_Id__c", FieldValue::Text("cus_1".into()));
    kept.set("Stripe_Invoice_Id__c", FieldValue::Text("in_1".into()));
    kept.set(NOTE_MESSAGE, FieldValue::Null);
    let run = run.record(Fact::RecordsUpdated(vec![kept]), &settings()).expect("in order");
    assert_eq!((run.point(), run.notes_written, run.noted, run.note_kept), ("revisiting", 1, None, None));
    assert_eq!([0, 1, 2].map(|number| is_zero(&number)), [true, false, false]);
}

/// What was parked for a person is not parked again for the same cause, and is when a person asks.
#[test]
fn a_stop_is_remembered_as_parked_until_a_person_asks() {
    let run = won().record(Fact::DealRead(Box::default()), &settings()).expect("in order");
    assert_eq!(run.stop().map(|stop| stop.code), Some(Code::OpportunityNotFound));
    let told = run.record(Fact::RecordsUpdated(vec![]), &settings()).expect("in order");
    let parked = told.record(Fact::Reported, &settings()).expect("in order");
    assert_eq!(parked.parked.as_ref(), parked.stop());
    assert_eq!(parked.status(), Status::Rejected);
    assert_eq!(parked.asked_for().parked, None);
}

/// Whoever was to write the note may have died before it could say that it had, and enough of them had been written before. The next one,
/// if it is the one from before, would count as the one that stands there.
#[test]
fn what_stands_there_is_not_known_after_a_write_that_may_have_happened() {
    let mut deal = mapping::Deal::default();
    for (field, value) in [("Id", "006000000000001AAA"), ("StageName", "Closed Won"), ("Amount", "1e99")] {
        deal.opportunity.set(field, FieldValue::Text(value.into()));
    }
    let noted = Stop::review(Code::ApprovalRequired, "Approve it.");
    let run = Run { noted: Some(noted.clone()), notes_written: 3, ..won() };
    let refused = run.record(Fact::DealRead(Box::new(deal)), &settings()).expect("in order");
    assert!(matches!(refused.next(), Next::Call(Call::UpdateRecords { .. })));
    assert_eq!((refused.noted.as_ref(), refused.clone().resume().noted), (Some(&noted), None));
    let told = refused.record(Fact::RecordsUpdated(vec![Record::default()]), &settings()).expect("in order");
    assert_eq!(told.noted.as_ref(), told.stop());
    assert_eq!(told.clone().resume().noted, told.noted);
}

/// Nobody counts a deal as not billed that waits for its contract.
#[test]
fn a_deal_that_waits_says_for_what() {
    use opportunity_won::Point;
    let point = |point: Point| Run { state: State::OpportunityWon(point), ..won() };
    let stopped = |code: Code| {
        let (opportunity_id, stop) = (opportunity_id(), Stop::refused(code, "."));
        let back_to = Box::new(Point::Claimed { opportunity_id: opportunity_id.clone() });
        point(Point::Stopped { opportunity_id, stop, told: false, reported: false, back_to })
    };
    let scheduled = Point::Scheduled { opportunity_id: opportunity_id(), starts_at: Timestamp::UNIX_EPOCH };
    for (run, is_billed_later, waits_for_contract) in [
        (won(), false, false),
        (paid(), false, false),
        (customer("Acme"), false, false),
        (stopped(Code::ContractNotActivated), true, true),
        (stopped(Code::NoLines), false, false),
        (point(scheduled), true, false),
    ] {
        let says = (run.is_billed_later(), run.waits_for_contract());
        assert_eq!(says, (is_billed_later, waits_for_contract), "{}", run.point());
        assert_eq!(run.billed(), None);
    }
}

/// By the queue's clock alone: it has looked since, and it has told what it saw.
#[test]
fn what_was_queued_before_the_look_is_told() {
    let invoice_id = domain::InvoiceId::parse("in_1").expect("valid");
    let organization_id = OrganizationId::parse("00D000000000001EAA").expect("valid");
    let at = |millis: i64| Timestamp::from_millisecond(1_793_577_600_000 + millis).expect("in range");
    let id = RunId::InvoiceChanged { organization_id, invoice_id: invoice_id.clone() };
    let watch = crate::invoice_changed::Watch::new(invoice_id.clone());
    let done = State::InvoiceChanged(crate::invoice_changed::Point::Done { watch });
    let run = Run::new(id.clone(), done);
    assert!(!run.has_told(at(0)), "nobody has looked");
    let run = run.taken(Some(at(5000)));
    for (queued_ms, is_told) in [(0, true), (3999, true), (4000, false), (5000, false), (6000, false)] {
        assert_eq!(run.has_told(at(queued_ms)), is_told, "{queued_ms}");
    }
    // A message that comes again was taken earlier, or nobody knows when.
    let again = run.clone().taken(Some(at(1000))).taken(None);
    assert_eq!(again.taken_at, Some(at(5000)));
    // It is under way: what it will tell was seen before or after, nobody knows.
    let claimed = State::InvoiceChanged(crate::invoice_changed::Point::claimed(invoice_id, None));
    assert!(!Run { state: claimed, ..run }.has_told(at(0)));
}
