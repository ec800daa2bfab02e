//! Both sides, with everything that can be wrong between them.

use domain::Currency;
use mapping::{Code, Stop};
use workflow::State;
use workflow::opportunity_won::Point;

use super::*;
use crate::samples::{self, money};

const DAY: i64 = 86_400;
const NOON: i64 = 1_795_392_000 + DAY + DAY / 2;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOON + seconds).expect("valid")
}

/// Yesterday, where noon is today's.
fn yesterday() -> Range<Timestamp> {
    at(-DAY - DAY / 2)..at(-DAY / 2)
}

fn opportunity_id(number: usize) -> OpportunityId {
    OpportunityId::parse(&format!("006{number:012}")).expect("valid")
}

fn invoice_id(name: &str) -> InvoiceId {
    samples::invoice_id(&format!("in_{name}"))
}

fn invoice(name: &str, amount: Money, status: InvoiceStatus) -> Invoice {
    let paid_at = (status == InvoiceStatus::Paid).then(|| at(-7200));
    Invoice { paid_at, ..samples::invoice(invoice_id(name), status, amount, at(-DAY + 60)) }
}

fn deal(number: usize, amount: Money) -> DealSeen {
    DealSeen {
        opportunity_id: opportunity_id(number),
        modified_at: at(-DAY),
        stage_since: at(-DAY),
        amount: Ok(amount),
        names_invoice: None,
        is_marked_paid: false,
    }
}

fn run(number: usize, point: Point, age_s: i64) -> KnownRun {
    let id = samples::run_of(opportunity_id(number));
    KnownRun { run: Run::new(id, State::OpportunityWon(point)), created_at: at(-age_s), updated_at: at(-age_s) }
}

fn claimed(number: usize) -> Point {
    Point::Claimed { opportunity_id: opportunity_id(number) }
}

fn stopped(number: usize, stop: Stop) -> Point {
    samples::stopped(opportunity_id(number), stop, claimed(number))
}

fn billed(number: usize, invoice: &str, total: Money) -> Point {
    Point::Done { invoice: samples::billed(opportunity_id(number), invoice_id(invoice), total) }
}

/// The same, by a subscription whose first invoice bills only a part of it.
fn subscribed(number: usize, invoice: &str, total: Money, first: i64) -> Point {
    let Point::Done { mut invoice } = billed(number, invoice, total) else { unreachable!() };
    let subscription_id = domain::SubscriptionId::parse("sub_1").expect("valid");
    invoice.subscription = Some((subscription_id, Money::from_minor_units(first, total.currency())));
    Point::Done { invoice }
}

impl Sides {
    fn with_deal(mut self, deal: DealSeen) -> Self {
        self.deals.insert(deal.opportunity_id.clone(), deal);
        self
    }

    fn with_invoice(mut self, number: usize, invoice: Invoice) -> Self {
        self.invoices.insert(invoice.id.clone(), (opportunity_id(number), invoice));
        self
    }

    fn with_run(mut self, number: usize, run: KnownRun) -> Self {
        self.runs.insert(opportunity_id(number), run);
        self
    }
}

fn causes(sides: &Sides) -> Vec<String> {
    sides.books(&yesterday(), at(0)).differences.into_iter().map(|difference| difference.cause).collect()
}

/// A deal of 10.00 with what is said of it.
fn one(deal_of: impl FnOnce(DealSeen) -> DealSeen) -> Sides {
    Sides::default().with_deal(deal_of(deal(1, money(1000, "USD"))))
}

#[test]
fn a_deal_with_its_invoice_is_in_order() {
    for (status, is_marked_paid) in [(InvoiceStatus::Open, false), (InvoiceStatus::Paid, true)] {
        let sides = one(|deal| DealSeen { names_invoice: Some("in_1".into()), is_marked_paid, ..deal })
            .with_invoice(1, invoice("1", money(1000, "USD"), status));
        assert_eq!(sides.unexplained(&yesterday()), [], "nobody has to be asked");
        let books = sides.books(&yesterday(), at(0));
        assert_eq!((books.differences, books.difference_count), (vec![], 0));
        assert_eq!(books.deals, books.invoices);
        assert_eq!(books.paid.0.is_empty(), !is_marked_paid);
    }
}

#[test]
fn a_deal_without_an_invoice_says_why() {
    let review = || stopped(1, Stop::review(Code::DealChangedAfterBilling, "x"));
    let refused = || stopped(1, Stop::refused(Code::NoLines, "x"));
    let not_billable = || stopped(1, Stop::not_billable(Code::NotClosedWon, "x"));
    let done = || billed(1, "1", money(1000, "USD"));
    for (point, expected) in [
        (review(), "review:deal_changed_after_billing"),
        (refused(), "refused:no_lines"),
        (not_billable(), "not_billed_yet"),
        (claimed(1), "not_billed_yet"),
        (done(), "not_at_stripe"),
    ] {
        let sides = one(|deal| deal).with_run(1, run(1, point, 7200));
        assert_eq!(sides.unexplained(&yesterday()), [opportunity_id(1)]);
        assert_eq!(causes(&sides), [expected]);
    }
    assert_eq!(causes(&one(|deal| deal)), ["not_billed_yet"], "nobody has heard of it");
    let voided = one(|deal| deal).with_run(1, run(1, done(), 7200));
    let voided = voided.with_invoice(1, invoice("1", money(1000, "USD"), InvoiceStatus::Void));
    assert_eq!(causes(&voided), ["void_at_stripe"]);
    let drafted = one(|deal| deal).with_invoice(1, invoice("1", money(1000, "USD"), InvoiceStatus::Draft));
    assert_eq!(causes(&drafted), ["not_billed_yet"]);
    let unbillable = one(|deal| DealSeen { amount: Err(Stop::refused(Code::AmountTooLarge, "x")), ..deal });
    assert_eq!(causes(&unbillable), ["refused:amount_too_large"]);
}

/// Of a contract that nobody makes a person hears after a week; of a term that has not begun, nobody.
#[test]
fn a_deal_that_waits_for_its_contract_is_told_after_a_week() {
    let waiting = || stopped(1, Stop::not_billable(Code::ContractNotActivated, "x"));
    let scheduled = || Point::Scheduled { opportunity_id: opportunity_id(1), starts_at: at(DAY) };
    let week = 7 * DAY;
    for (point, age_s, is_told) in
        [(waiting(), week, false), (waiting(), week + 1, true), (scheduled(), week + 1, false), (claimed(1), DAY, true)]
    {
        let sides = one(|deal| DealSeen { stage_since: at(-age_s), ..deal }).with_run(1, run(1, point, 7200));
        let books = sides.books(&(at(-2 * week)..at(0)), at(0));
        assert_eq!(books.difference_count == 1, is_told, "{:?}", books.differences);
        assert_eq!(books.later == books.deals, !is_told);
    }
}

#[test]
fn what_began_less_than_an_hour_ago_is_under_way_and_no_difference() {
    let under_way = |sides: &Sides, time: &Range<Timestamp>| {
        let books = sides.books(time, at(0));
        assert_eq!(books.difference_count, books.differences.len());
        (books.under_way == books.deals, books.difference_count)
    };
    let time = yesterday();
    let open = |age_s| one(|deal| deal).with_run(1, run(1, claimed(1), age_s));
    assert_eq!(under_way(&open(3599), &time), (true, 0));
    assert_eq!(under_way(&open(3600), &time), (false, 1));
    // A run that stopped is not under way, however young.
    let stop = Stop::refused(Code::NoLines, "x");
    let young = one(|deal| deal).with_run(1, run(1, stopped(1, stop), 60));
    assert_eq!(under_way(&young, &time), (false, 1));
    // Won a moment ago, and the callout is still to come.
    let today = at(-DAY / 2)..at(DAY / 2);
    assert_eq!(under_way(&one(|deal| DealSeen { stage_since: at(-3599), ..deal }), &today), (true, 0));
    assert_eq!(under_way(&one(|deal| DealSeen { stage_since: at(-3600), ..deal }), &today), (false, 1));
    // Paid a moment ago, and the event is still to come.
    let mut paid = invoice("1", money(1000, "USD"), InvoiceStatus::Paid);
    for (paid_at, expected) in [(at(-3599), 0), (at(-3600), 1)] {
        paid.paid_at = Some(paid_at);
        let sides = one(|deal| DealSeen { names_invoice: Some("in_1".into()), ..deal }).with_invoice(1, paid.clone());
        assert_eq!(causes(&sides).len(), expected);
    }
}

#[test]
fn an_invoice_that_says_something_else_than_its_deal_is_told() {
    let named = |deal| DealSeen { names_invoice: Some("in_1".into()), ..deal };
    let sent = |amount| invoice("1", amount, InvoiceStatus::Open);
    for amount in [money(999, "USD"), money(1000, "EUR")] {
        assert_eq!(causes(&one(named).with_invoice(1, sent(amount))), ["amount_differs"]);
    }
    let reviewed = stopped(1, Stop::review(Code::DealChangedAfterBilling, "x"));
    let reviewed = one(named).with_invoice(1, sent(money(999, "USD"))).with_run(1, run(1, reviewed, 7200));
    assert_eq!(causes(&reviewed), ["review:deal_changed_after_billing"]);
    assert_eq!(causes(&one(|deal| deal).with_invoice(1, sent(money(1000, "USD")))), ["invoice_not_named"]);
    let paid = invoice("1", money(1000, "USD"), InvoiceStatus::Paid);
    assert_eq!(causes(&one(named).with_invoice(1, paid)), ["paid_not_marked"]);
    let marked = one(|deal| named(DealSeen { is_marked_paid: true, ..deal }));
    assert_eq!(causes(&marked.with_invoice(1, sent(money(1000, "USD")))), ["marked_not_paid"]);
    let second = one(named).with_invoice(1, sent(money(1000, "USD")));
    let second = second.with_invoice(1, invoice("2", money(1000, "USD"), InvoiceStatus::Paid));
    assert_eq!(second.unexplained(&yesterday()), [opportunity_id(1)]);
    let second = second.with_run(1, run(1, billed(1, "1", money(1000, "USD")), 7200));
    let books = second.books(&yesterday(), at(0));
    assert_eq!(books.differences[0].cause, "second_invoice");
    assert_eq!(books.differences[0].invoice_id, Some(invoice_id("2")));
}

/// The periods that have not begun are no difference; an invoice that is not what the first one should be is.
#[test]
fn what_a_subscription_bills_later_is_told_apart() {
    let sides = |total: i64| {
        one(|deal| DealSeen { names_invoice: Some("in_1".into()), ..deal })
            .with_invoice(1, invoice("1", money(total, "USD"), InvoiceStatus::Open))
            .with_run(1, run(1, subscribed(1, "1", money(1000, "USD"), 250), 7200))
    };
    let books = sides(250).books(&yesterday(), at(0));
    let sum = |sums: &ledger::Sums| sums.0.values().map(|sum| sum.minor_units).sum::<i64>();
    assert_eq!((sum(&books.deals), sum(&books.invoices), sum(&books.later)), (1000, 250, 750));
    assert_eq!(books.difference_count, 0);
    for wrong in [251, 1000] {
        assert_eq!(causes(&sides(wrong)), ["amount_differs"]);
    }
    // Of another invoice than the run's own nothing comes later.
    let other = one(|deal| DealSeen { names_invoice: Some("in_2".into()), ..deal })
        .with_invoice(1, invoice("2", money(250, "USD"), InvoiceStatus::Open))
        .with_run(1, run(1, subscribed(1, "1", money(1000, "USD"), 250), 7200));
    assert_eq!(causes(&other), ["amount_differs"]);
    // A term that has not begun is not billed yet, and that is no difference however old the deal is.
    let scheduled = Point::Scheduled { opportunity_id: opportunity_id(1), starts_at: at(DAY) };
    let books = one(|deal| deal).with_run(1, run(1, scheduled, 100_000)).books(&yesterday(), at(0));
    assert_eq!((sum(&books.deals), sum(&books.later), books.difference_count), (1000, 1000, 0));
}

#[test]
fn an_invoice_without_a_won_deal_counts_in_the_time_it_was_made_in() {
    let sent = invoice("1", money(1000, "USD"), InvoiceStatus::Open);
    let lost = Err(Stop::not_billable(Code::NotClosedWon, "x"));
    for sides in [Sides::default(), one(|deal| DealSeen { amount: lost.clone(), ..deal })] {
        assert_eq!(causes(&sides.with_invoice(1, sent.clone())), ["invoice_without_deal"]);
    }
    let earlier = Invoice { created: at(-3 * DAY), ..sent.clone() };
    assert_eq!(causes(&Sides::default().with_invoice(1, earlier)), [""; 0]);
    // The deal was won on another day, and so the invoice is of that day.
    let of_another_day = one(|deal| DealSeen { stage_since: at(-3 * DAY), ..deal }).with_invoice(1, sent);
    let books = of_another_day.books(&yesterday(), at(0));
    assert_eq!((books.deals, books.invoices, books.difference_count), Default::default());
}

#[test]
fn a_deal_that_does_not_ask_to_be_billed_is_in_no_book() {
    for code in [Code::Renewal, Code::AmountMissing, Code::AmountNotPositive] {
        let sides = one(|deal| DealSeen { amount: Err(Stop::not_billable(code, "x")), ..deal });
        assert_eq!(sides.books(&yesterday(), at(0)), Books::default());
        assert_eq!(sides.unexplained(&yesterday()), []);
    }
    // One that a rule leaves out is one of them, until somebody edits it.
    let stop = || Stop::not_billable(Code::SkippedByRule, "x");
    let skipped = |age_s| one(|deal| deal).with_run(1, run(1, stopped(1, stop()), age_s));
    assert_eq!(skipped(DAY - 60).books(&yesterday(), at(0)), Books::default());
    assert_eq!(causes(&skipped(DAY + 3600)), ["not_billed_yet"]);
}

/// Causes that are not about amounts: what the sides say of one another.
const OF_WORDS: [&str; 3] = ["paid_not_marked", "marked_not_paid", "invoice_not_named"];

/// A number that looks like chance, the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % limit).expect("small")
    }

    fn amount(&mut self) -> Money {
        let currency = ["USD", "EUR", "JPY", "KWD"][self.below(4)];
        money(i64::try_from(self.below(3)).expect("small") * 1230 + 10, currency)
    }
}

fn anything(dice: &mut Dice) -> Sides {
    let mut sides = Sides::default();
    for number in 0..1 + dice.below(6) {
        let mut deal = deal(number, dice.amount());
        match dice.below(8) {
            0 => deal.amount = Err(Stop::refused(Code::AmountTooLarge, "x")),
            1 => deal.amount = Err(Stop::not_billable(Code::Renewal, "x")),
            2 => deal.stage_since = at(-3 * DAY),
            _ => {}
        }
        deal.is_marked_paid = dice.below(2) == 0;
        let amount = deal.amount.clone();
        for copy in 0..dice.below(3) {
            let total = amount.clone().ok().filter(|_| dice.below(3) > 0).unwrap_or_else(|| dice.amount());
            let status =
                [InvoiceStatus::Open, InvoiceStatus::Paid, InvoiceStatus::Void, InvoiceStatus::Draft][dice.below(4)];
            let name = format!("{number}x{copy}");
            deal.names_invoice = Some(format!("in_{name}")).filter(|_| dice.below(2) == 0);
            sides = sides.with_invoice(number, invoice(&name, total, status));
        }
        let point = match dice.below(7) {
            5 => subscribed(number, &format!("{number}x0"), amount.clone().unwrap_or(money(10, "USD")), 10),
            6 => Point::Scheduled { opportunity_id: opportunity_id(number), starts_at: at(DAY) },
            0 => claimed(number),
            1 => stopped(number, Stop::review(Code::AlreadyBilled, "x")),
            2 => stopped(number, Stop::refused(Code::NoLines, "x")),
            _ => billed(number, &format!("{number}x0"), money(10, "USD")),
        };
        let age_s = [60, 7200][dice.below(2)];
        sides = sides.with_run(number, run(number, point, age_s));
        if dice.below(10) > 0 {
            sides = sides.with_deal(deal);
        }
    }
    sides
}

#[test]
fn the_differences_explain_the_sums_to_the_minor_unit() {
    let mut dice = Dice(1);
    let mut seen = BTreeSet::new();
    for _ in 0..20_000 {
        let books = anything(&mut dice).books(&yesterday(), at(0));
        let mut left: BTreeMap<Currency, i64> = BTreeMap::new();
        let mut add = |currency, minor_units: i64| *left.entry(currency).or_default() += minor_units;
        for (sums, sign) in [(&books.deals, 1), (&books.under_way, -1), (&books.later, -1), (&books.invoices, -1)] {
            sums.0.iter().for_each(|(currency, sum)| add(*currency, sign * sum.minor_units));
        }
        for difference in books.differences.iter().filter(|found| !OF_WORDS.contains(&found.cause.as_str())) {
            for (amount, sign) in [(difference.in_salesforce, -1), (difference.at_stripe, 1)] {
                amount.into_iter().for_each(|amount| add(amount.currency, sign * amount.minor_units));
            }
        }
        assert!(left.values().all(|left| *left == 0), "{left:?} is left of {books:#?}");
        if !books.later.0.is_empty() && !books.invoices.0.is_empty() {
            seen.insert("a subscription".to_owned());
        }
        seen.extend(books.differences.into_iter().map(|found| found.cause));
    }
    let rare = [
        "a subscription",
        "amount_differs",
        "invoice_without_deal",
        "second_invoice",
        "void_at_stripe",
        "not_at_stripe",
    ];
    assert!(rare.iter().all(|cause| seen.contains(*cause)), "only {seen:?} happened");
}

/// The event of a deal may be lost after a walk has come by.
#[test]
fn a_deal_that_nothing_tells_of_is_unheard_of() {
    let stop = |stop: fn(Code, &'static str) -> Stop| Err(stop(Code::AmountTooLarge, "x"));
    let sent = || invoice("1", money(1000, "USD"), InvoiceStatus::Open);
    for (sides, seconds, is_unheard_of) in [
        (one(|deal| deal), 0, true),
        (one(|deal| DealSeen { amount: stop(Stop::refused), ..deal }), 0, true),
        (one(|deal| deal), -DAY + 1, false),
        (one(|deal| DealSeen { amount: stop(Stop::not_billable), ..deal }), 0, false),
        (one(|deal| DealSeen { stage_since: at(-2 * DAY), ..deal }), 0, false),
        (one(|deal| deal).with_run(1, run(1, claimed(1), 60)), 0, false),
        (one(|deal| deal).with_invoice(1, sent()), 0, false),
    ] {
        assert_eq!(!sides.unheard_of(&yesterday(), at(seconds)).is_empty(), is_unheard_of, "{sides:?}");
    }
}

/// What was credited is nothing that the deal is billed by, whatever it comes to; the run says whether something took its place.
#[test]
fn what_was_credited_and_replaced_is_not_in_the_books() {
    let credited = || Invoice { credited_after: 1000, ..invoice("1", money(1000, "USD"), InvoiceStatus::Paid) };
    let replacing = |run: KnownRun| KnownRun { run: Run { replaced: vec![invoice_id("1")], ..run.run }, ..run };
    let named = |deal| DealSeen { names_invoice: Some("in_2".into()), ..deal };
    let second = || invoice("2", money(1000, "USD"), InvoiceStatus::Open);
    let sides = || one(named).with_invoice(1, credited()).with_invoice(1, second());
    assert_eq!(sides().unexplained(&yesterday()), [opportunity_id(1)]);
    let known = sides().with_run(1, replacing(run(1, billed(1, "2", money(1000, "USD")), 7200)));
    assert_eq!(causes(&known), [""; 0]);
    // It comes to what the deal comes to, and is not what bills it.
    let alone = one(|deal| DealSeen { names_invoice: Some("in_1".into()), is_marked_paid: true, ..deal });
    let alone = alone.with_invoice(1, credited());
    assert_eq!(alone.unexplained(&yesterday()), [opportunity_id(1)]);
    let refused = stopped(1, Stop::refused(Code::BillingEmailMissing, "x"));
    assert_eq!(causes(&alone.with_run(1, replacing(run(1, refused, 7200)))), ["refused:billing_email_missing"]);
    // Nobody paid what a note over what was still due has closed.
    let closed = || Invoice { credited_before: 600, credited_after: 400, ..credited() };
    for is_marked_paid in [true, false] {
        let named = one(|deal| DealSeen { names_invoice: Some("in_1".into()), is_marked_paid, ..deal });
        let sides = named.with_invoice(1, closed()).with_run(1, run(1, billed(1, "1", money(1000, "USD")), 7200));
        assert_eq!(causes(&sides), ["credited_at_stripe"], "{is_marked_paid}");
        assert!(sides.books(&yesterday(), at(0)).paid.0.is_empty());
    }
    // Its deal is lost: nothing is owed.
    let lost = || one(|deal| DealSeen { amount: Err(Stop::not_billable(Code::NotClosedWon, "x")), ..deal });
    let lost = lost().with_invoice(1, credited());
    assert_eq!(lost.unexplained(&yesterday()), [opportunity_id(1)]);
    let reviewed = stopped(1, Stop::review(Code::DealChangedAfterBilling, "x"));
    assert_eq!(causes(&lost.with_run(1, replacing(run(1, reviewed, 7200)))), [""; 0]);
}
