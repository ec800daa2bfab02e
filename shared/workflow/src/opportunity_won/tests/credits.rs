//! A deal that is changed when it has been paid.

use mapping::{Amendments, Kind};

use super::amendments::{billed, code, looking, reread};
use super::*;
use crate::opportunity_won::amendment::{Credit, IfPaid, Payment};
use crate::{CreditAmount, CreditLine, Credited, MoneyIn, Settlement};

fn crediting() -> Settings {
    Settings { amendments: Amendments::CreditAndReissue, ..settings() }
}

/// Billed for three lines of ten, and paid.
fn paid() -> InvoiceSeen {
    InvoiceSeen { amount_paid: 3000, ..seen(InvoiceStatus::Paid, 3, 1000) }
}

/// Of the three thousand, so much came in, and the rest is still asked for.
fn paid_in_part(amount: i64) -> InvoiceSeen {
    InvoiceSeen {
        amount_paid: amount,
        amount_due: 3000,
        amount_remaining: 3000 - amount,
        ..seen(InvoiceStatus::Open, 3, 1000)
    }
}

fn credited(by_us: i64) -> InvoiceSeen {
    InvoiceSeen { credited: Credited { before: 0, after: 3000, by_us }, ..paid() }
}

fn with(payment: Payment, refused: Option<Stop>) -> Point {
    match looking(refused, false) {
        Point::Amending { invoice, plan, refused, is_untouched, .. } => {
            Point::Amending { invoice, plan, refused, is_untouched, payment }
        }
        point => panic!("{point:?}"),
    }
}

fn payment(credit: IfPaid, is_ticked: bool) -> Payment {
    Payment { credit, is_ticked, refused: None }
}

fn lines() -> Vec<CreditLine> {
    let line = |index| CreditLine { line_id: format!("il_{index}"), amount: CreditAmount::Quantity(1) };
    (0..3).map(line).collect()
}

fn settlement(money: MoneyIn) -> Settlement {
    Settlement { invoice: paid(), lines: Some(lines()), money, is_of_balance: true }
}

fn settling() -> Point {
    Point::Settling { invoice: billed(), plan: draft(2).plan }
}

fn to_credit(is_priced: bool) -> Point {
    let credit = Credit { amount: 3000, lines: lines() };
    Point::Crediting { invoice: billed(), plan: draft(2).plan, credit, is_priced }
}

fn after(point: Point, fact: Fact) -> Point {
    point.record(fact, &crediting()).expect("in order")
}

#[test]
fn what_is_paid_is_credited_only_where_that_is_wanted() {
    let ticked = || {
        let mut deal = deal(2);
        deal.opportunity.set("Payment_Received__c", FieldValue::Boolean(true));
        deal
    };
    for (policy, deal, expected) in [
        (Amendments::VoidAndReissue, deal(2), payment(IfPaid::Asks, false)),
        (Amendments::VoidAndReissue, ticked(), payment(IfPaid::Asks, true)),
        (Amendments::CreditAndReissue, deal(2), payment(IfPaid::Credits, false)),
        (Amendments::CreditAndReissue, ticked(), payment(IfPaid::Credits, true)),
    ] {
        let settings = Settings { amendments: policy, ..settings() };
        let Point::Amending { payment, .. } = reread(billed(), deal, &settings) else { panic!("{policy:?}") };
        assert_eq!(payment, expected, "{policy:?}");
    }
    let open = || seen(InvoiceStatus::Open, 3, 1000);
    let in_part = || InvoiceSeen { credited: Credited { before: 0, after: 1, by_us: 0 }, ..paid() };
    let lowered = || InvoiceSeen { credited: Credited { before: 1, after: 0, by_us: 0 }, ..paid() };
    for (of, seen, name, words) in [
        (payment(IfPaid::Asks, false), paid(), "stopped", "it is paid, or a part of it"),
        (payment(IfPaid::Credits, false), paid(), "settling", ""),
        (payment(IfPaid::Credits, true), paid(), "settling", ""),
        (payment(IfPaid::Credits, false), in_part(), "stopped", "it is paid, or a part of it"),
        (payment(IfPaid::Credits, false), lowered(), "stopped", "it is paid, or a part of it"),
        // It came by another way than Stripe, which knows nothing of it.
        (payment(IfPaid::Credits, true), open(), "stopped", "it is paid, or a part of it"),
        (payment(IfPaid::Asks, true), open(), "stopped", "it is paid, or a part of it"),
        (payment(IfPaid::Credits, false), paid_in_part(1200), "settling", ""),
        (payment(IfPaid::Asks, false), paid_in_part(1200), "stopped", "it is paid, or a part of it"),
        // By something else than Stripe.
        (payment(IfPaid::Credits, false), InvoiceSeen { amount_paid: 0, ..paid_in_part(1200) }, "settling", ""),
        (
            payment(IfPaid::Credits, false),
            InvoiceSeen { status: InvoiceStatus::Uncollectible, ..paid_in_part(1200) },
            "stopped",
            "a part of it is paid. Settle it by hand",
        ),
        (payment(IfPaid::Credits, true), paid_in_part(1200), "stopped", "it is paid, or a part of it"),
        (payment(IfPaid::Credits, false), open(), "amending", ""),
        (payment(IfPaid::Credits, false), credited(3000), "claimed", ""),
        (payment(IfPaid::Asks, false), credited(0), "claimed", ""),
        // There was nothing to pay, and there is nothing to credit.
        (
            payment(IfPaid::Credits, false),
            InvoiceSeen { total: 0, subtotal: 0, amount_paid: 0, ..paid() },
            "stopped",
            "it is paid",
        ),
    ] {
        let title = format!("{of:?} {:?} {:?}", seen.status, seen.credited);
        let point = after(with(of, None), Fact::InvoiceRead(seen));
        assert_eq!(point.name(), name, "{title}");
        let message = point.stop().map_or("", |stop| stop.message.as_str());
        assert!(message.contains(words), "{title}: {message}");
    }
}

/// It was paid between the look and the void, which may be hours: the deal is asked first.
#[test]
fn what_is_paid_before_it_is_voided_is_looked_at_anew() {
    let voiding = |credit| Point::Voiding { invoice: billed(), plan: draft(2).plan, payment: payment(credit, false) };
    assert_eq!(after(voiding(IfPaid::Credits), Fact::InvoiceRead(paid())).name(), "revisiting");
    assert_eq!(code(&after(voiding(IfPaid::Asks), Fact::InvoiceRead(paid()))), Some(Code::DealChangedAfterBilling));
    let refused_to = |credit| after(after(voiding(credit), refused()), Fact::InvoiceRead(paid()));
    assert_eq!(refused_to(IfPaid::Credits).name(), "revisiting");
    assert_eq!(code(&refused_to(IfPaid::Asks)), Some(Code::DealChangedAfterBilling));
}

#[test]
fn money_that_went_back_is_not_credited() {
    let Next::Call(Call::ReadSettlement { invoice_id }) = settling().next() else { panic!("{:?}", settling().next()) };
    assert_eq!(invoice_id.as_str(), INVOICE);
    let other_account = || {
        let mut plan = draft(2).plan;
        plan.account_id = domain::AccountId::parse("001000000000009AAA").expect("valid");
        Point::Settling { invoice: billed(), plan }
    };
    let in_dollars = || {
        let mut plan = draft(2).plan;
        plan.total = domain::Money::from_minor_units(2000, domain::Currency::parse("USD").expect("valid"));
        Point::Settling { invoice: billed(), plan }
    };
    let kept = || settlement(MoneyIn::Kept);
    for (point, seen, words) in [
        (settling(), settlement(MoneyIn::Refunded), "refunded"),
        (settling(), settlement(MoneyIn::Disputed), "disputed"),
        (settling(), settlement(MoneyIn::Unknown), "does not say whether the money is still here"),
        (settling(), settlement(MoneyIn::UnderWay), "a payment of it is under way"),
        // It owed two thousand before, and has paid one of the five that it was asked for.
        (
            settling(),
            Settlement {
                invoice: InvoiceSeen { amount_due: 5000, amount_remaining: 4000, ..paid_in_part(1000) },
                ..kept()
            },
            "asks for what the customer owed before",
        ),
        (settling(), Settlement { is_of_balance: false, ..kept() }, "has a balance in another currency"),
        (settling(), Settlement { lines: None, ..kept() }, "cannot be credited"),
        (other_account(), kept(), "another account"),
        (in_dollars(), kept(), "another currency"),
        (settling(), Settlement { invoice: seen(InvoiceStatus::Uncollectible, 3, 1000), ..kept() }, "written off"),
    ] {
        let point = after(point, Fact::SettlementRead(Box::new(seen)));
        let stop = point.stop().expect(words);
        assert!(stop.message.contains(words), "{words}: {}", stop.message);
        assert_eq!((stop.code, stop.kind), (Code::DealChangedAfterBilling, Kind::Review), "{words}");
        assert_eq!(point.invoice_id().map(InvoiceId::as_str), Some(INVOICE), "{words}: it is still the deal's");
    }
    let point = after(settling(), Fact::SettlementRead(Box::new(kept())));
    assert_eq!(point, to_credit(false));
    // Somebody credited it in this moment.
    let credited = Settlement { invoice: credited(0), ..kept() };
    assert_eq!(after(settling(), Fact::SettlementRead(Box::new(credited))).name(), "claimed");
    assert_eq!(code(&after(settling(), Fact::InvoiceMissing)), Some(Code::InvoiceChangedInStripe));
    let refused = after(settling(), refused());
    assert_eq!((code(&refused), refused.stop().map(|stop| stop.kind)), (Some(Code::StripeRefused), Some(Kind::Review)));
}

#[test]
fn a_deal_is_billed_anew_when_its_invoice_is_credited_and_not_before() {
    let (calls, point) = tell(to_credit(false), vec![priced()]);
    assert_eq!((calls, &point), (vec!["read_prices".to_owned()], &to_credit(true)));
    let archived = Fact::PricesRead(vec![PriceSeen { is_active: false, ..listed(1000) }]);
    let (_, kept) = tell(to_credit(false), vec![archived]);
    assert_eq!((code(&kept), kept.invoice_id().is_some()), (Some(Code::DealChangedAfterBilling), true));
    assert_eq!(code(&after(to_credit(false), refused())), Some(Code::StripeRefused));

    let Next::Call(Call::CreditInvoice(credit)) = point.next() else { panic!("{:?}", point.next()) };
    assert_eq!((credit.invoice_id.as_str(), credit.amount, credit.lines), (INVOICE, 3000, lines()));
    assert_eq!((credit.total.minor_units(), credit.is_approved), (2000, false));
    let done = |fact| after(to_credit(true), fact);
    assert_eq!(done(Fact::InvoiceRead(credited(3000))).name(), "claimed");
    assert_eq!(code(&done(Fact::InvoiceRead(paid()))), Some(Code::DealChangedAfterBilling), "it is not credited");
    assert_eq!(done(Fact::InvoiceNotVoided).name(), "revisiting");
    assert_eq!(code(&done(Fact::InvoiceMissing)), Some(Code::InvoiceChangedInStripe));
    let (ceiling, total) = (draft(1).plan.total, draft(2).plan.total);
    let waits = done(Fact::NotApproved { ceiling, total });
    assert_eq!((code(&waits), waits.invoice_id().is_some()), (Some(Code::ApprovalRequired), true));
    // Stripe says no: it is looked at once more, and not tried again.
    let looked = done(refused());
    assert_eq!(looked.name(), "amending");
    assert_eq!(after(looked.clone(), Fact::InvoiceRead(credited(0))).name(), "claimed");
    let told = after(looked, Fact::InvoiceRead(paid()));
    let stop = told.stop().expect("stopped");
    assert_eq!(stop.code, Code::StripeRefused);
    assert!(stop.message.contains("Credit invoice in_1 by hand, then send the event again"), "{}", stop.message);
}

/// What is still due is not given back. Where more came in between the look and the note, Stripe refuses it, and it is looked at anew.
#[test]
fn of_what_is_paid_in_part_so_much_is_given_back() {
    let read =
        |of: InvoiceSeen| Fact::SettlementRead(Box::new(Settlement { invoice: of, ..settlement(MoneyIn::Kept) }));
    let point = after(settling(), read(paid_in_part(1200)));
    let Point::Crediting { credit, .. } = &point else { panic!("{point:?}") };
    assert_eq!((credit.amount, &credit.lines), (1200, &lines()));
    let (_, priced) = tell(point, vec![priced()]);
    let given_up =
        InvoiceSeen { credited: Credited { before: 1800, after: 1200, by_us: 3000 }, amount_paid: 1200, ..paid() };
    assert_eq!(after(priced.clone(), Fact::InvoiceRead(given_up)).name(), "claimed");
    let looked = after(priced, refused());
    let seen = |of| after(looked.clone(), Fact::InvoiceRead(of));
    for more in [paid_in_part(1300), paid()] {
        assert_eq!(seen(more).name(), "revisiting");
    }
    let told = seen(paid_in_part(1200));
    let stop = told.stop().expect("it is refused for another reason");
    assert!(stop.code == Code::StripeRefused && stop.message.contains("Credit invoice in_1 by hand"), "{stop:?}");
    // What was to be voided, and is paid in part by now, is decided anew.
    let voiding = Point::Voiding { invoice: billed(), plan: draft(2).plan, payment: payment(IfPaid::Credits, false) };
    assert_eq!(after(voiding, Fact::InvoiceRead(paid_in_part(1))).name(), "revisiting");
}

#[test]
fn there_is_no_way_back_from_a_credit_that_may_be_under_way() {
    for (intent, name) in
        [(None, "revisiting"), (Some(intent(None)), "revisiting"), (Some(intent(Some(""))), "crediting")]
    {
        let mut run = run(to_credit(true));
        run.intents.extend(intent.map(|intent| (Operation::CreditInvoice, intent)));
        assert_eq!(run.resume().point(), name);
    }
    assert_eq!(run(settling()).resume().point(), "revisiting");
    assert_eq!(to_credit(true).resume().name(), "crediting");
}

/// Who credits by hand may bill by hand.
#[test]
fn what_a_person_credited_is_billed_anew_only_when_a_person_asks() {
    let looked = || run(with(payment(IfPaid::Credits, true), None));
    let by_hand = || Fact::InvoiceRead(credited(0));
    let stopped = looked().record(by_hand(), &crediting()).expect("in order");
    assert!(stopped.stop().expect("stopped").message.contains("credited by hand"), "{:?}", stopped.stop());
    let asked = Run { state: looked().state, ..stopped.asked_for() };
    let asked = asked.record(by_hand(), &crediting()).expect("in order");
    assert_eq!((asked.point(), asked.replaced.len(), asked.unmarks), ("claimed", 1, true));
    // Not even after a restore: what we credit says so.
    let restored = Some(crate::Restored { epoch: 1, since: jiff::Timestamp::UNIX_EPOCH });
    let restored = |by_us| {
        let run = Run { restored, ..looked() };
        run.record(Fact::InvoiceRead(credited(by_us)), &crediting()).expect("in order")
    };
    assert_eq!((restored(0).point(), restored(3000).point()), ("stopped", "claimed"));
    // Nor while ours is asked for, wherever it is seen; and what was marked before is not the next one's.
    let settling_run = || run(settling());
    let seen = || Fact::SettlementRead(Box::new(Settlement { invoice: credited(0), ..settlement(MoneyIn::Kept) }));
    let refused = || with(payment(IfPaid::Refused, true), Some(Stop::refused(Code::StripeRefused, "No.")));
    for (run, fact) in [
        (settling_run(), seen()),
        (run(to_credit(true)), by_hand()),
        (run(refused()), by_hand()),
        (run(looking(None, false)), by_hand()),
    ] {
        let kept = run.clone().record(fact.clone(), &crediting()).expect("in order");
        assert_eq!((kept.point(), kept.replaced.len()), ("stopped", 0), "{run:?}");
        assert!(kept.stop().expect("stopped").message.contains("credited by hand"), "{:?}", kept.stop());
        let asked = Run { asked: true, ..run }.record(fact, &crediting()).expect("in order");
        assert_eq!((asked.point(), asked.unmarks), ("claimed", true));
    }
    // A credit note that left nothing to pay says as much as one over what was paid.
    let before = InvoiceSeen { amount_paid: 0, credited: Credited { before: 3000, after: 0, by_us: 0 }, ..paid() };
    let kept = looked().record(Fact::InvoiceRead(before), &crediting()).expect("in order");
    assert!(kept.stop().expect("stopped").message.contains("credited by hand"), "{:?}", kept.stop());
    // Again and again.
    let often = Run { replacements: 5, ..looked() }.record(Fact::InvoiceRead(paid()), &crediting()).expect("in order");
    assert_eq!(often.point(), "stopped");
}

/// That the deal is marked as paid was said of the invoice before.
#[test]
fn the_one_in_its_place_is_not_paid_until_stripe_says_so() {
    let claimed = run(to_credit(true)).record(Fact::InvoiceRead(credited(3000)), &crediting()).expect("in order");
    assert_eq!((claimed.point(), claimed.unmarks), ("claimed", true));
    assert_eq!(claimed.replaced.iter().map(InvoiceId::as_str).collect::<Vec<_>>(), [INVOICE]);
    let second = || InvoiceId::parse("in_2").expect("valid");
    let ready = Draft { invoice_id: second(), ..draft(2) };
    let sent = |run: Run| {
        let run =
            Run { state: State::OpportunityWon(Point::Ready { draft: ready.clone(), interrupted: false }), ..run };
        let seen = InvoiceSeen { invoice_id: second(), ..seen(InvoiceStatus::Open, 2, 1000) };
        run.record(Fact::InvoiceRead(seen), &crediting()).expect("in order")
    };
    let fields = |run: &Run| match run.next() {
        Next::Call(Call::UpdateRecords { updates }) => updates[0].fields.clone(),
        next => panic!("{next:?}"),
    };
    let written = fields(&sent(claimed.clone()));
    assert_eq!(written.get("Payment_Received__c"), Some(&FieldValue::Boolean(false)));
    assert_eq!(written.get("Paid_Date__c"), Some(&FieldValue::Null));
    let never_paid = fields(&sent(Run { unmarks: false, ..claimed.clone() }));
    assert_eq!(never_paid.get("Payment_Received__c"), None);

    // Once it is named, what is marked is its own: it is not taken away again.
    let mut record = Record::default();
    never_paid.iter().for_each(|(field, value)| record.set(*field, value.clone()));
    record.set("Payment_Received__c", FieldValue::Boolean(true));
    record.set("Account.Stripe_Customer_Id__c", text("cus_1"));
    let interrupted = sent(claimed).resume();
    assert_eq!(interrupted.point(), "verifying");
    let verified = interrupted.clone().record(Fact::BillingRead(record.clone()), &crediting()).expect("in order");
    assert_eq!(verified.point(), "revisiting");
    // Nor if something else of it was not kept, and is written again.
    record.set("Stripe_Invoice_URL__c", FieldValue::Null);
    let again = interrupted.clone().record(Fact::BillingRead(record.clone()), &crediting()).expect("in order");
    assert_eq!((again.point(), fields(&again).get("Payment_Received__c")), ("sent", None));
    // While the one before is named, it is.
    record.set("Stripe_Invoice_Id__c", text(INVOICE));
    let again = interrupted.record(Fact::BillingRead(record), &crediting()).expect("in order");
    assert_eq!(fields(&again).get("Payment_Received__c"), Some(&FieldValue::Boolean(false)));
    // What was voided was never paid.
    let voiding = Point::Voiding { invoice: billed(), plan: draft(2).plan, payment: payment(IfPaid::Credits, false) };
    let voided = run(voiding).record(invoice(InvoiceStatus::Void, 3, 1000), &crediting()).expect("in order");
    assert_eq!((voided.point(), voided.unmarks), ("claimed", false));
}

/// After a restore, what was forgotten is found by what it did.
#[test]
fn a_forgotten_credit_is_found() {
    let restored = Some(crate::Restored { epoch: 1, since: jiff::Timestamp::UNIX_EPOCH });
    let doubting = |seen| {
        let point = Point::Doubting { invoice: billed(), stop: None, clears: false };
        let run = Run { restored, ..run(point) };
        run.record(Fact::InvoiceRead(seen), &crediting()).expect("in order")
    };
    assert_eq!((doubting(credited(3000)).point(), doubting(paid()).point()), ("claimed", "done"));
    assert!(doubting(credited(3000)).unmarks);
    let remembered = |seen| {
        let point = Point::Checking { draft: draft(3), stage: Stage::Gate {}, refused: None };
        let run = Run { restored, ..run(point) };
        run.record(Fact::InvoiceRead(seen), &crediting()).expect("in order")
    };
    let found = remembered(credited(3000));
    assert_eq!((found.point(), found.unmarks, found.replaced.len()), ("claimed", true, 1));
    assert_eq!(remembered(credited(0)).point(), "verifying", "somebody else's credit note is no replacement");
    // It is named still, and does not count any more.
    let named = |seen| {
        let stop = Stop::review(Code::AlreadyBilled, "It names one.");
        let invoice_id = InvoiceId::parse(INVOICE).expect("valid");
        after(Point::InvoiceNamed { plan: draft(3).plan, invoice_id, stop, noted: false }, Fact::InvoiceRead(seen))
    };
    let of_deal = |seen: InvoiceSeen| {
        let metadata = [("sf_opportunity_id".to_owned(), draft(3).plan.opportunity_id.to_string())].into();
        InvoiceSeen { metadata, is_ours: true, customer_id: Some(draft(3).customer_id), ..seen }
    };
    assert_eq!(named(of_deal(paid())).name(), "verifying");
    assert_eq!(code(&named(of_deal(credited(3000)))), Some(Code::AlreadyBilled));
}
