//! Each state of an invoice, its run and its deal, and what follows from it.

use domain::Money;
use mapping::{Code, Stop};
use workflow::opportunity_won::Point;
use workflow::{State, invoice_paid};

use super::*;
use crate::samples::{self, claimed, opportunity_id};

const NOW: i64 = 1_795_392_000;
const OURS: &str = "in_ours";

fn at(seconds_ago: i64) -> Timestamp {
    Timestamp::from_second(NOW - seconds_ago).expect("valid")
}

fn run_id(opportunity: &str) -> RunId {
    samples::run_of(OpportunityId::parse(opportunity).expect("valid"))
}

fn usd(minor_units: i64) -> Money {
    samples::money(minor_units, "USD")
}

fn invoice(status: InvoiceStatus) -> Invoice {
    samples::invoice(samples::invoice_id(OURS), status, usd(1000), at(7200))
}

fn point_of(invoice_id: &str) -> Point {
    Point::Done { invoice: samples::billed(opportunity_id(), samples::invoice_id(invoice_id), usd(1000)) }
}

fn run(point: Point) -> Option<Run> {
    Some(samples::deal(point))
}

fn done(invoice_id: &str) -> Option<Run> {
    run(point_of(invoice_id))
}

fn open() -> Option<Run> {
    run(claimed())
}

fn stopped(stop: Stop, back_to: Point) -> Option<Run> {
    run(samples::stopped(opportunity_id(), stop, back_to))
}

fn closed_without_invoice() -> Option<Run> {
    stopped(Stop::not_billable(Code::NotClosedWon, "x"), claimed())
}

fn answered(run: Option<Run>, id: &str) -> Option<Run> {
    run.map(|mut run| {
        run.answer(id);
        run
    })
}

fn deal(names: Option<&str>, minor_units: i64, is_marked_paid: bool) -> Option<DealSeen> {
    Some(DealSeen {
        opportunity_id: opportunity_id(),
        modified_at: at(60),
        stage_since: at(9000),
        amount: Ok(usd(minor_units)),
        names_invoice: names.map(str::to_owned),
        is_marked_paid,
    })
}

fn lost() -> Option<DealSeen> {
    let stop = Stop::not_billable(Code::NotClosedWon, "x");
    deal(Some(OURS), 1000, false).map(|deal| DealSeen { amount: Err(stop), ..deal })
}

/// What is judged; the rest of it stays the same.
struct Case {
    invoice: Invoice,
    run: Option<Run>,
    link: Option<RunId>,
    payment: Option<Run>,
    deal: Option<DealSeen>,
    restored: Option<Restored>,
}

impl Case {
    fn new(status: InvoiceStatus, run: Option<Run>, deal: Option<DealSeen>) -> Self {
        Self { invoice: invoice(status), run, link: None, payment: None, deal, restored: None }
    }

    /// What is asked of all that is known.
    fn ask<A>(&self, question: impl FnOnce(Truth<'_>) -> A) -> A {
        let (opportunity_id, run_id) = (opportunity_id(), run_id("006000000000001AAA"));
        question(Truth {
            invoice: &self.invoice,
            opportunity_id: &opportunity_id,
            run_id: &run_id,
            run: self.run.as_ref(),
            link: self.link.as_ref(),
            payment: self.payment.as_ref(),
            deal: self.deal.as_ref(),
            restored: self.restored,
            now: at(0),
        })
    }

    fn verdicts(&self) -> Vec<String> {
        let name = |verdict| match verdict {
            Verdict::Mend { id, event } => format!("{} {id}", event.name()),
            Verdict::Orphan => "orphan".to_owned(),
            Verdict::Differs(difference) => difference.cause,
        };
        self.ask(|truth| truth.judge()).into_iter().map(name).collect()
    }

    fn difference(&self) -> Difference {
        let Verdict::Differs(difference) = self.ask(|truth| truth.differs(Cause::VoidAtStripe)) else { unreachable!() };
        difference
    }
}

/// The run's subscription bills 7.50 of the deal later.
fn subscribed(run: Option<Run>) -> Option<Run> {
    run.map(|mut run| {
        if let State::OpportunityWon(Point::Done { invoice }) = &mut run.state {
            invoice.subscription = domain::SubscriptionId::parse("sub_1").ok().map(|id| (id, usd(250)));
        }
        run
    })
}

#[test]
fn a_subscriptions_first_invoice_is_a_part_of_its_deal() {
    let case = |total: i64, amount: i64| {
        let mut case = Case::new(Open, subscribed(done(OURS)), deal(Some(OURS), amount, false));
        case.invoice.total = total;
        case.verdicts().len()
    };
    assert_eq!((case(250, 1000), case(251, 1000), case(250, 1001), case(1000, 1000)), (0, 1, 1, 1));
    // A draft of a subscription cannot be deleted.
    let mut draft = Case::new(Draft, closed_without_invoice(), None);
    assert_eq!(draft.verdicts(), ["orphan"]);
    draft.invoice.subscription = domain::SubscriptionId::parse("sub_1").ok();
    assert_eq!(draft.verdicts(), [""; 0]);
}

use InvoiceStatus::{Draft, Open, Paid, Uncollectible, Void};

#[test]
fn what_is_right_needs_nothing() {
    for (status, run, deal) in [
        (Open, done(OURS), deal(Some(OURS), 1000, false)),
        (Paid, done(OURS), deal(Some(OURS), 1000, true)),
        (Uncollectible, done(OURS), deal(Some(OURS), 1000, false)),
        // Somebody decided, and the deal says so.
        (Void, done(OURS), deal(None, 1000, false)),
        (Void, done(OURS), lost()),
        (Void, done("in_newer"), deal(Some("in_newer"), 1000, false)),
        (Void, None, None),
        // It lies before a person with its reason.
        (Open, stopped(Stop::review(Code::DealChangedAfterBilling, "x"), point_of(OURS)), deal(Some(OURS), 900, false)),
        // It is being worked on.
        (Open, open(), deal(None, 1000, false)),
        (Draft, open(), deal(None, 1000, false)),
        // Somebody will come back to it.
        (Draft, stopped(Stop::review(Code::ApprovalRequired, "x"), point_of(OURS)), deal(None, 1000, false)),
    ] {
        let case = Case::new(status, run, deal);
        assert_eq!(case.verdicts(), [""; 0], "{status:?} {:?}", case.run.map(|run| run.point()));
    }
}

/// Tax that was added is not the deal's; tax that is inside is.
#[test]
fn a_deal_is_compared_before_added_tax() {
    for (total, on_top, inside, is_right) in [(1190, 190, 0, true), (1000, 0, 160, true), (1190, 0, 190, false)] {
        let mut case = Case::new(Open, done(OURS), deal(Some(OURS), 1000, false));
        case.invoice.total = total;
        case.invoice.tax = stripe::Tax { on_top, inside, status: None };
        assert_eq!(case.verdicts().is_empty(), is_right, "{total}");
    }
}

#[test]
fn a_draft_that_nobody_points_to_is_an_orphan_when_it_is_old_enough_and_its_run_is_closed() {
    let mut case = Case::new(Draft, closed_without_invoice(), None);
    assert_eq!(case.verdicts(), ["orphan"]);
    case.run = done("in_other");
    assert_eq!(case.verdicts(), ["orphan"]);
    case.link = Some(run_id("006000000000001AAA"));
    assert_eq!(case.verdicts(), ["orphan"], "the link of a draft that was given up stays");
    case.link = Some(run_id("006000000000002AAA"));
    assert_eq!(case.verdicts(), ["invoice_linked_elsewhere"]);
    case.link = None;
    case.run = None;
    assert_eq!(case.verdicts(), ["opportunity_changed draft:in_ours"], "a restored ledger deletes nothing");
    case.run = closed_without_invoice();
    case.invoice.created = at(3599);
    assert_eq!(case.verdicts(), [""; 0], "it may be a minute old");
}

#[test]
fn an_invoice_that_no_run_knows_is_found_again_only_where_that_makes_no_second_one() {
    let mut case = Case::new(Open, None, deal(None, 1000, false));
    assert_eq!(case.verdicts(), ["invoice_without_run"]);
    case.deal = None;
    assert_eq!(case.verdicts(), ["invoice_without_run"]);
    case.deal = deal(Some(OURS), 1000, false);
    assert_eq!(case.verdicts(), ["opportunity_changed found:in_ours:0"]);
    case.run = answered(closed_without_invoice(), "found:in_ours:0");
    assert_eq!(case.verdicts(), ["invoice_without_run"], "asked once, and it is as it was");
    case.deal = deal(None, 1000, false);
    case.restored = Some(Restored { epoch: 2, since: at(9000) });
    assert_eq!(case.verdicts(), ["opportunity_changed found:in_ours:2"]);
    case.restored = Some(Restored { epoch: 2, since: at(100) });
    assert_eq!(case.verdicts(), ["invoice_without_run"], "it is older than what was lost");
    case.run = done("in_other");
    assert_eq!(case.verdicts(), ["second_invoice"]);
}

#[test]
fn a_billed_deal_that_says_something_else_is_looked_at_once_and_differs_then() {
    let edited = format!("sweep:006000000000001AAA:{}", (NOW - 60) * 1000);
    for (deal, then) in [(deal(Some(OURS), 900, false), "amount_differs"), (lost(), "invoice_without_deal")] {
        let mut case = Case::new(Open, done(OURS), deal);
        assert_eq!(case.verdicts(), [format!("opportunity_changed {edited}")]);
        case.run = answered(case.run, &edited);
        assert_eq!(case.verdicts(), [then]);
    }
    let other_currency = samples::money(1000, "EUR");
    let euros = deal(Some(OURS), 1000, false).map(|deal| DealSeen { amount: Ok(other_currency), ..deal });
    assert_eq!(Case::new(Open, done(OURS), euros).verdicts().len(), 1);
    for (deal, expected) in [
        (None, "invoice_without_deal"),
        (deal(None, 1000, false), "invoice_not_named"),
        (deal(Some("in_byhand"), 1000, false), "invoice_not_named"),
    ] {
        assert_eq!(Case::new(Open, done(OURS), deal).verdicts(), [expected]);
    }
    let voided = Case::new(Void, done(OURS), deal(Some(OURS), 1000, false));
    assert_eq!(voided.verdicts(), ["void_at_stripe"]);
    // The person who reads it finds both sides in it.
    let difference = voided.difference();
    assert_eq!(difference.opportunity_id, Some(opportunity_id()));
    assert_eq!(difference.in_salesforce, Some(usd(1000).into()));
    // It is not what the deal was billed by, or nobody means it any more.
    for (run, deal) in [
        (done("in_other"), deal(Some(OURS), 1000, false)),
        (closed_without_invoice(), deal(Some(OURS), 1000, false)),
        (done(OURS), deal(None, 1000, false)),
        (done(OURS), None),
    ] {
        assert_eq!(Case::new(Void, run, deal).verdicts(), [] as [&str; 0]);
    }
    // It was replaced, and is listed as it was before.
    let mut replaced = done("in_other").expect("a run");
    replaced.replaced.push(samples::invoice_id(OURS));
    assert_eq!(Case::new(Open, Some(replaced), deal(Some("in_other"), 1000, false)).verdicts(), [] as [&str; 0]);
}

fn payment(point: invoice_paid::Point) -> Option<Run> {
    let RunId::OpportunityWon { organization_id, .. } = run_id("006000000000001AAA") else { return None };
    let id = RunId::InvoicePaid { organization_id, invoice_id: samples::invoice_id(OURS) };
    Some(Run::new(id, State::InvoicePaid(point)))
}

#[test]
fn a_payment_is_brought_back_and_what_cannot_be_is_told() {
    let mut case = Case::new(Paid, done(OURS), deal(Some(OURS), 1000, false));
    assert_eq!(case.verdicts(), ["invoice_paid paid:in_ours"]);
    let invoice_id = samples::invoice_id(OURS);
    case.payment = payment(invoice_paid::Point::claimed(invoice_id.clone(), true));
    assert_eq!(case.verdicts(), [""; 0], "it is under way");
    let stop = Stop::review(Code::WriteBackDiffers, "x");
    case.payment = payment(invoice_paid::Point::Stopped { invoice_id, stop, reported: true });
    assert_eq!(case.verdicts(), ["paid_not_marked"]);
    assert_eq!(Case::new(Open, done(OURS), deal(Some(OURS), 1000, true)).verdicts(), ["marked_not_paid"]);
    // Whatever else is wrong with the deal, its payment counts.
    let review = stopped(Stop::review(Code::DealChangedAfterBilling, "x"), point_of(OURS));
    let case = Case::new(Paid, review, deal(Some(OURS), 900, false));
    assert_eq!(case.verdicts(), ["invoice_paid paid:in_ours"]);
}

#[test]
fn a_payment_that_waited_for_its_deal_is_taken_up_once_when_the_deal_is_there() {
    let invoice_id = samples::invoice_id(OURS);
    let mut case = Case::new(InvoiceStatus::Paid, done(OURS), deal(Some(OURS), 1000, false));
    let stop = Stop::review(Code::InvoiceNotLinked, "x");
    let point = invoice_paid::Point::Stopped { invoice_id: invoice_id.clone(), stop, reported: true };
    let organization_id = samples::organization_id();
    let mut waited = Run::new(RunId::InvoicePaid { organization_id, invoice_id }, State::InvoicePaid(point));
    case.payment = Some(waited.clone());
    assert_eq!(case.verdicts(), ["invoice_paid linked:in_ours"]);
    waited.answer("linked:in_ours");
    case.payment = Some(waited);
    assert_eq!(case.verdicts(), ["paid_not_marked"]);
    // While the deal does not name it, there is nothing to take up.
    case.deal = deal(None, 1000, false);
    case.payment.as_mut().expect("it is there").answered.clear();
    assert_eq!(case.verdicts(), ["invoice_not_named"]);
}

/// Where an invoice took the place of one that was paid, a write that comes late may take its own mark away.
#[test]
fn a_mark_that_is_taken_away_from_a_reissued_deal_is_put_back_once_for_each_state_of_it() {
    let invoice_id = samples::invoice_id(OURS);
    let reissued = |run: Option<Run>| run.map(|run| Run { unmarks: true, ..run });
    let mut case = Case::new(InvoiceStatus::Paid, reissued(done(OURS)), deal(Some(OURS), 1000, false));
    let paid = mapping::Received {
        invoice_id: invoice_id.clone(),
        opportunity_id: opportunity_id(),
        paid_at: Some(at(7200)),
        amounts: None,
        stage: None,
        won_stages: vec![mapping::WON.to_owned()],
        shows_status: false,
        customer_id: None,
        is_found: false,
        ruled: Default::default(),
        undecided: None,
    };
    case.payment = payment(invoice_paid::Point::Done { payment: paid });
    let id = format!("unmarked:in_ours:{}", at(60).as_millisecond());
    assert_eq!(case.verdicts(), [format!("invoice_paid {id}")]);
    case.payment.as_mut().expect("it is there").answer(&id);
    assert_eq!(case.verdicts(), ["paid_not_marked"]);
    case.deal = deal(Some(OURS), 1000, false).map(|deal| DealSeen { modified_at: at(30), ..deal });
    assert_eq!(case.verdicts(), [format!("invoice_paid unmarked:in_ours:{}", at(30).as_millisecond())]);
    // Any other deal's mark was taken away by somebody else.
    case.run = done(OURS);
    assert_eq!(case.verdicts(), ["paid_not_marked"]);
}

/// Until the one in its place is named, Salesforce names what was credited, and nobody asks whether that is paid.
#[test]
fn of_what_was_replaced_nobody_asks_whether_it_is_paid() {
    let replaced = |run: Option<Run>| run.map(|run| Run { replaced: vec![samples::invoice_id(OURS)], ..run });
    for status in [InvoiceStatus::Open, InvoiceStatus::Paid] {
        for is_marked_paid in [true, false] {
            let run = replaced(done("in_other"));
            let case = Case::new(status, run, deal(Some(OURS), 1000, is_marked_paid));
            assert_eq!(case.verdicts(), [""; 0], "{status:?} {is_marked_paid}");
        }
    }
}

/// A write-back or a mark of the one before came late, and nobody saw it.
#[test]
fn a_deal_that_names_what_was_replaced_is_looked_at_once_for_each_state_of_it() {
    let replacing = || {
        let mut run = done(OURS).expect("a run");
        run.replaced.push(samples::invoice_id("in_before"));
        run
    };
    let id = changed_id(&deal(None, 1000, false).expect("a deal"));
    let case =
        |run: Run, names: &str| Case::new(InvoiceStatus::Open, Some(run), deal(Some(names), 1000, true)).verdicts();
    assert_eq!(case(replacing(), "in_before"), [format!("opportunity_changed {id}")]);
    assert_eq!(case(answered(Some(replacing()), &id).expect("a run"), "in_before"), ["invoice_not_named"]);
    assert_eq!(case(replacing(), "in_another"), ["invoice_not_named"]);
    assert_eq!(case(replacing(), OURS), ["marked_not_paid"]);
}

/// Who credits by hand what a deal is billed by has taken its bill away.
#[test]
fn a_deal_whose_own_invoice_is_credited_is_told() {
    let mut case = Case::new(InvoiceStatus::Paid, done(OURS), deal(Some(OURS), 1000, true));
    assert_eq!(case.verdicts(), [""; 0]);
    case.invoice.credited_after = 1000;
    assert_eq!(case.verdicts(), ["credited_at_stripe"]);
    // What a note over what was still due has closed is paid by nobody, and marked by nobody.
    for is_marked_paid in [true, false] {
        let mut closed = Case::new(InvoiceStatus::Paid, done(OURS), deal(Some(OURS), 1000, is_marked_paid));
        (closed.invoice.credited_before, closed.invoice.credited_after) = (600, 400);
        assert_eq!(closed.verdicts(), ["credited_at_stripe"], "{is_marked_paid}");
    }
    // A note over a part of it leaves the rest to be paid.
    let mut lowered = Case::new(InvoiceStatus::Paid, done(OURS), deal(Some(OURS), 1000, false));
    lowered.invoice.credited_before = 600;
    assert_eq!(lowered.verdicts().len(), 1, "it is to be marked");
    // One that stopped after its credit has said so itself.
    let given_up = closed_without_invoice().map(|run| Run { replaced: vec![samples::invoice_id(OURS)], ..run });
    case.run = given_up;
    assert_eq!(case.verdicts(), [""; 0]);
}
