//! The note of a stop is an edit of the opportunity, and an edit may come back as an event. That must end somewhere.

use std::cell::RefCell;

use super::*;

/// Answers the run's calls until it ends; which calls it made.
fn ends(mut run: Run, mut answer: impl FnMut(&Call) -> Fact) -> (Vec<&'static str>, Run) {
    let mut calls = Vec::new();
    loop {
        match run.next() {
            Next::Call(call) => {
                calls.push(call.name());
                assert!(calls.len() < 20, "{calls:?}");
                run = run.record(answer(&call), &settings()).expect("in order");
            }
            Next::End(_) => return (calls, run),
            next => panic!("{next:?}"),
        }
    }
}

/// The opportunity as Salesforce holds it, and what something of the company's own does to it after each write. The invoice is a draft
/// above the ceiling.
struct Org {
    record: RefCell<Record>,
    own: fn(&mut Record),
}

impl Org {
    fn with(own: fn(&mut Record)) -> Self {
        Self { record: RefCell::new(Record::default()), own }
    }

    fn set(&self, field: &str, value: FieldValue) {
        self.record.borrow_mut().set(field, value);
    }

    fn write(&self, updates: &[mapping::Update]) -> Fact {
        let path = |update: &mapping::Update, field: &str| match update.object {
            "Opportunity" => field.to_owned(),
            object => format!("{object}.{field}"),
        };
        let mut record = self.record.borrow_mut();
        for update in updates {
            update.fields.iter().for_each(|(field, value)| record.set(path(update, field), value.clone()));
        }
        (self.own)(&mut record);
        let read_back = |update: &mapping::Update| {
            let mut seen = Record::default();
            for field in update.fields.keys() {
                seen.set(*field, record.get(&path(update, field)).cloned().unwrap_or(FieldValue::Null));
            }
            seen
        };
        Fact::RecordsUpdated(updates.iter().map(read_back).collect())
    }

    fn answer(&self, call: &Call) -> Fact {
        match call {
            Call::UpdateRecords { updates } => self.write(updates),
            Call::ReadBilling { .. } => Fact::BillingRead(self.record.borrow().clone()),
            Call::ReadDeal { .. } => {
                let mut deal = deal(1);
                self.record.borrow().iter().for_each(|(path, value)| deal.opportunity.set(path, value.clone()));
                Fact::DealRead(Box::new(deal))
            }
            Call::ReadInvoice { .. } => Fact::InvoiceRead(seen(InvoiceStatus::Draft, 1, 1000)),
            Call::SendInvoice { .. } => {
                let ceiling = Money::from_minor_units(999, Currency::parse("EUR").expect("valid"));
                Fact::NotApproved { ceiling, total: ceiling }
            }
            Call::Report { .. } => Fact::Reported,
            call => panic!("{call:?}"),
        }
    }

    fn ends(&self, run: Run) -> (Vec<&'static str>, Run) {
        ends(run, |call| self.answer(call))
    }
}

/// Field-level security takes one field away from every write.
fn without_the_link(record: &mut Record) {
    record.set("Stripe_Invoice_URL__c", FieldValue::Null);
}

#[test]
fn a_write_back_that_is_not_kept_is_not_written_again_for_its_own_echo() {
    let org = Org::with(without_the_link);
    let invoice = draft(1).into_invoice(&seen(InvoiceStatus::Open, 1, 1000));
    let (calls, stopped) = org.ends(run(Point::Sent { invoice, interrupted: false }));
    assert_eq!(calls, ["update_records", "update_records", "report"]);
    let stop = stopped.stop().cloned();
    assert_eq!(stop.as_ref().map(|stop| stop.code), Some(Code::WriteBackDiffers));
    for _ in 0..3 {
        let (calls, again) = org.ends(stopped.clone().resume());
        assert_eq!((calls, again.stop().cloned()), (vec!["read_billing"], stop.clone()));
    }
    // A person has mended it and sends the event again, or has not.
    let (calls, _) = org.ends(stopped.clone().asked_for().resume());
    assert_eq!(calls, ["read_billing", "update_records", "update_records", "report"]);
}

/// A stop that needs no reading of the deal, as of an invoice that was voided.
#[test]
fn the_same_stop_is_said_once_until_the_goal_is_reached() {
    let voided = |call: &Call| match call {
        Call::ReadInvoice { .. } => Fact::InvoiceRead(seen(InvoiceStatus::Void, 1, 1000)),
        Call::Report { .. } => Fact::Reported,
        _ => written(),
    };
    let (calls, stopped) = ends(run(Point::Ready { draft: draft(1), interrupted: false }.resume()), voided);
    assert_eq!(calls, ["read_invoice", "update_records", "report"]);
    let (calls, stopped) = ends(stopped.resume(), voided);
    assert_eq!(calls, ["read_invoice"]);
    // Another cause is said.
    let differs = |call: &Call| match call {
        Call::ReadInvoice { .. } => Fact::InvoiceRead(seen(InvoiceStatus::Paid, 1, 999)),
        call => voided(call),
    };
    let (calls, stopped) = ends(stopped.resume(), differs);
    assert_eq!(calls, ["read_invoice", "update_records", "report"]);
    // A person who sends the event again is told again; the note stands there.
    let (calls, _) = ends(stopped.asked_for().resume(), differs);
    assert_eq!(calls, ["read_invoice", "report"]);
}

const LOOKS: [&str; 3] = ["read_invoice", "read_deal", "send_invoice"];
const LOOKS_AND_TELLS: [&str; 4] = ["read_invoice", "read_deal", "send_invoice", "update_records"];

fn above_the_ceiling(org: &Org) -> Run {
    let (calls, stopped) = org.ends(run(Point::Ready { draft: draft(1), interrupted: false }));
    assert_eq!(calls, ["send_invoice", "update_records", "report"]);
    stopped
}

/// Something of the company's own adds to every note. To put it right again would be an edit for each look, without end.
#[test]
fn a_note_that_somebody_added_to_is_left_as_it_is() {
    let org = Org::with(|record| {
        let note = record.text(mapping::NOTE_MESSAGE).map(str::to_owned);
        record.set(mapping::NOTE_MESSAGE, text(&format!("[to finance] {}", note.unwrap_or_default())));
    });
    let mut stopped = above_the_ceiling(&org);
    for _ in 0..3 {
        let (calls, again) = org.ends(stopped.resume());
        assert_eq!(calls, LOOKS);
        stopped = again;
    }
    // Whoever takes it away gets it once more.
    org.set(mapping::NOTE_CODE, FieldValue::Null);
    assert_eq!(org.ends(stopped.resume()).0, LOOKS_AND_TELLS);
}

/// A note that does not stay is written a few times, whether it goes at once or later; and again for a person who asks.
#[test]
fn a_note_that_does_not_stay_is_not_fought_over() {
    let takes_it_away = |record: &mut Record| record.set(mapping::NOTE_CODE, FieldValue::Null);
    for goes_at_once in [true, false] {
        let org = Org::with(if goes_at_once { takes_it_away } else { |_| () });
        let mut stopped = above_the_ceiling(&org);
        for look in 0..6 {
            takes_it_away(&mut org.record.borrow_mut());
            let (calls, again) = org.ends(stopped.resume());
            assert_eq!(calls.len() == LOOKS_AND_TELLS.len(), look < 2, "{look}: {calls:?}");
            stopped = again;
        }
        let (calls, _) = org.ends(stopped.asked_for().resume());
        assert_eq!(calls, ["read_invoice", "read_deal", "send_invoice", "update_records", "report"]);
    }
}

/// A write that was given up lands after the note about it: a write-back takes it away, an older note says something else.
#[test]
fn a_note_that_a_late_write_replaced_is_written_again() {
    type Late = fn(&Org);
    let takes_it_away: Late = |org| org.set(mapping::NOTE_CODE, FieldValue::Null);
    let says_something_else: Late = |org| org.set(mapping::NOTE_MESSAGE, text("Of another day."));
    for late in [takes_it_away, says_something_else] {
        let org = Org::with(without_the_link);
        let invoice = draft(1).into_invoice(&seen(InvoiceStatus::Open, 1, 1000));
        let (_, stopped) = org.ends(run(Point::Sent { invoice, interrupted: false }));
        let (calls, stopped) = org.ends(stopped.resume());
        assert_eq!(calls, ["read_billing"]);
        late(&org);
        let (calls, stopped) = org.ends(stopped.resume());
        assert_eq!(calls, ["read_billing", "update_records"]);
        assert_eq!(org.ends(stopped.resume()).0, ["read_billing"]);
    }
}

/// The deal was edited after its invoice, and set back: it is right, and the opportunity must not go on saying otherwise.
#[test]
fn a_note_that_is_not_true_any_more_is_taken_away_once() {
    let invoice = draft(1).into_invoice(&seen(InvoiceStatus::Open, 1, 1000));
    let edited = |call: &Call| match call {
        Call::ReadDeal { .. } => Fact::DealRead(Box::new(deal(2))),
        Call::Report { .. } => Fact::Reported,
        _ => written(),
    };
    let (calls, stopped) = ends(run(Point::Done { invoice }.resume()), edited);
    assert_eq!(calls, ["read_deal", "update_records", "report"]);
    assert_eq!(stopped.stop().map(|stop| stop.code), Some(Code::DealChangedAfterBilling));
    let set_back = |keeps_note: bool| {
        move |call: &Call| {
            let mut deal = deal(1);
            deal.opportunity.set("Stripe_Sync_Status__c", text("deal_changed_after_billing"));
            match call {
                Call::ReadDeal { .. } => Fact::DealRead(Box::new(deal)),
                Call::UpdateRecords { updates } => {
                    assert_eq!(updates, &[mapping::no_note(&opportunity_id())]);
                    Fact::RecordsUpdated(vec![if keeps_note { deal.opportunity } else { Record::default() }])
                }
                call => panic!("{call:?}"),
            }
        }
    };
    let (calls, done) = ends(stopped.clone().resume(), set_back(false));
    assert_eq!((calls, done.status()), (vec!["read_deal", "update_records"], Status::Done));
    // Where something of the company's own puts it back, that is not fought.
    let (_, done) = ends(stopped.resume(), set_back(true));
    let (calls, done) = ends(done.resume(), set_back(true));
    assert_eq!((calls, done.status()), (vec!["read_deal"], Status::Done));
}

/// Something put a note back once. The next one is another one, and is taken away when its cause is over.
#[test]
fn a_new_note_is_taken_away_whatever_became_of_the_one_before() {
    let invoice = draft(1).into_invoice(&seen(InvoiceStatus::Open, 1, 1000));
    let invoice = Invoice { not_kept: vec![mapping::NOTE_CODE.to_owned()], ..invoice };
    let mut noted = deal(1);
    noted.opportunity.set(mapping::NOTE_CODE, text("deal_changed_after_billing"));
    let read = |deal: &Deal| vec![Fact::DealRead(Box::new(deal.clone()))];
    let revisiting = || Point::Revisiting { invoice: invoice.clone() };
    // It is the one that was put back.
    let (_, point) = tell(revisiting(), read(&noted));
    assert!(matches!(point, Point::Done { .. }), "{point:?}");
    let mut reopened = deal(1);
    reopened.opportunity.set("StageName", text("Negotiation"));
    let mut facts = read(&reopened);
    facts.extend([written(), Fact::Reported]);
    let (_, stopped) = tell(revisiting(), facts);
    assert_eq!(stopped.stop().map(|stop| stop.code), Some(Code::DealChangedAfterBilling));
    let (_, point) = tell(stopped.resume(), read(&noted));
    assert!(matches!(point, Point::Clearing { .. }), "{point:?}");
}

/// The opportunity as it is read, with everything that this writes but the link, and an account that names this customer.
fn written_but_for_the_link(invoice: &Invoice, account_names: Option<&str>) -> Record {
    let mut record = Record::default();
    let mut updates = crate::opportunity_won::written::written(invoice);
    assert_eq!(updates.pop().map(|update| update.object), Some("Account"));
    updates[0].fields.iter().for_each(|(field, value)| record.set(*field, value.clone()));
    record.set("Stripe_Invoice_URL__c", FieldValue::Null);
    record.set(mapping::NOTE_CODE, text("write_back_differs"));
    record.set("Account.Stripe_Customer_Id__c", account_names.map_or(FieldValue::Null, text));
    record
}

/// Its customer was deleted, and a later deal has given the account another one. What this deal's write-back did not keep is no reason to give
/// it back the old one, which the other deal would undo: two such deals wrote for ever.
#[test]
fn an_account_that_has_got_another_customer_keeps_it() {
    let invoice = Invoice {
        not_kept: vec!["Stripe_Invoice_URL__c".to_owned()],
        ..draft(1).into_invoice(&seen(InvoiceStatus::Open, 1, 1000))
    };
    let verified = |record: Record| {
        let point = Point::Verifying { invoice: invoice.clone() };
        point.record(Fact::BillingRead(record), &settings()).expect("in order")
    };
    assert_eq!(verified(written_but_for_the_link(&invoice, Some("cus_1"))).name(), "stopped");
    assert_eq!(verified(written_but_for_the_link(&invoice, Some("cus_2"))).name(), "stopped");
    assert_eq!(verified(written_but_for_the_link(&invoice, None)).name(), "sent", "it has none any more");
    // Nothing was written yet, and it names the one before.
    let mut before = written_but_for_the_link(&invoice, Some("cus_0"));
    before.set("Stripe_Invoice_Id__c", FieldValue::Null);
    let point = verified(before);
    let Next::Call(Call::UpdateRecords { updates }) = point.next() else { panic!("{} writes nothing", point.name()) };
    assert_eq!(updates[1].fields["Stripe_Customer_Id__c"], text("cus_1"));
}
