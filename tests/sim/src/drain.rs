//! A month's invoices are paid within seconds, and Stripe tells of each payment twice. How long it takes until Salesforce says so, with both
//! vendors' limits enforced; and how long a deal or a failed payment waits meanwhile.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use domain::{AccountId, Currency, InvoiceId, InvoicePaymentId, LineItemId, OpportunityId, PriceId, ProductId};
use jiff::Timestamp;
use mapping::CasePolicy;
use rust_decimal::Decimal;

use crate::executor::timestamp;
use crate::limits::{Limits, STRIPE_PER_SECOND};
use crate::model::salesforce::{Account, Line, Opportunity};
use crate::model::stripe::{Price, StripeEvent, Tells};
use crate::options::Mode;
use crate::random::Random;
use crate::run::{Plan, START_MS, begin, plan_act};
use crate::scenario::{Act, Scenario, opportunity};
use crate::worker::Workers;
use crate::world::Sim;

/// Deals of one account. Two writes that hang on one account at once are one too many.
const DEALS_EACH: u64 = 5;

/// While the backlog lasts, a deal is won or a payment fails, in turn, each so often.
const FIRST_EVERY_MS: u64 = 1000;

/// How many workers each queue has: what `template.yaml` says is enough for all that Stripe takes.
const WORKERS: usize = 30;

/// How far apart deals are won before, so that none waits.
const WON_EVERY_MS: u64 = 400;

const HOUR_MS: i64 = 60 * 60 * 1000;

/// What a backlog came to.
#[derive(Debug)]
pub struct Drained {
    pub payments: u64,
    pub took_ms: i64,
    /// At the endpoint that is asked most.
    pub asked: u64,
    pub all_asked: u64,
    pub refused: u64,
    pub writes: u64,
    pub locked: u64,
    /// Messages that were given back, by the code.
    pub given_back: BTreeMap<&'static str, u64>,
    /// How many went first, and how long all but one in a hundred of them waited.
    pub firsts: usize,
    pub p99_ms: i64,
    /// What is not as it should be.
    pub wrong: Vec<String>,
}

impl Drained {
    /// Of what Stripe takes at that endpoint in the time, how much was used; in thousandths.
    pub fn used(&self) -> i64 {
        i64::try_from(self.asked * 1_000_000).unwrap_or(i64::MAX) / i64::from(STRIPE_PER_SECOND) / self.took_ms.max(1)
    }

    /// What both sides did not take, in thousandths of what they were asked.
    pub fn refused(&self) -> (u64, u64) {
        (self.refused * 1000 / self.all_asked.max(1), self.locked * 1000 / self.writes.max(1))
    }

    /// What was promised of it.
    pub fn violations(&self) -> Vec<String> {
        let mut violations = self.wrong.clone();
        let mut expect = |holds: bool, what: String| violations.extend((!holds).then_some(what));
        let (too_many, locked) = self.refused();
        expect(self.used() >= 950, format!("{} thousandths of what Stripe takes were used", self.used()));
        expect(too_many < 10, format!("{too_many} thousandths of the requests to Stripe were too many"));
        expect(locked < 10, format!("{locked} thousandths of the writes to Salesforce met another one"));
        expect(self.p99_ms < 10_000, format!("what goes first waited for {} ms", self.p99_ms));
        violations
    }
}

impl fmt::Display for Drained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = |thousandths: i64| format!("{}.{}", thousandths / 10, thousandths % 10);
        let Self { payments, took_ms, asked, all_asked, refused, writes, locked, firsts, p99_ms, .. } = self;
        writeln!(f, "{payments} payments, each told of twice, are on their opportunities after {} s", took_ms / 1000)?;
        writeln!(
            f,
            "  Stripe      {asked} requests at the endpoint that is asked most: {} % of what it takes",
            tenths(self.used())
        )?;
        writeln!(f, "              {refused} of {all_asked} requests were too many")?;
        writeln!(f, "  Salesforce  {locked} of {writes} writes met another one of the same account")?;
        let given_back: Vec<_> = self.given_back.iter().map(|(code, times)| format!("{times} {code}")).collect();
        writeln!(f, "  given back  {}", given_back.join(", "))?;
        write!(f, "  goes first  {firsts} deals and failed payments; 99 of 100 were taken up within {p99_ms} ms")
    }
}

/// Whose deals they are, in this order: of which payments come in at once; of which one fails meanwhile; and, as many, which are won then.
struct Deals {
    paid: u64,
    first: u64,
}

impl Deals {
    fn all(&self) -> u64 {
        self.billed() + self.first
    }

    /// So many are billed before.
    fn billed(&self) -> u64 {
        self.paid + self.first
    }
}

fn parsed<T, E: fmt::Debug>(prefix: &str, number: u64, parse: impl FnOnce(&str) -> Result<T, E>) -> T {
    parse(&format!("{prefix}gK0{number:09}")).expect("fifteen characters")
}

fn deal(number: u64) -> OpportunityId {
    parsed("006", number + 1, OpportunityId::parse)
}

fn scenario(deals: &Deals) -> Scenario {
    let start = timestamp(START_MS);
    let mut scenario = Scenario::empty("EUR");
    scenario.settings.payment_cases = Some(CasePolicy::default());
    scenario.models.stripe.payments_fail = true;
    let price = PriceId::parse("price_1").expect("a prefix and a digit");
    let listed = Price {
        product: ProductId::parse("prod_1").expect("a prefix and a digit"),
        currency: Currency::parse("EUR").expect("a currency"),
        unit_amount: 1000.into(),
        is_active: true,
        months: None,
        lookup_key: None,
    };
    scenario.models.stripe.catalogue.prices.insert(price.clone(), listed);
    for number in 0..deals.all() {
        let account_id = parsed("001", number / DEALS_EACH + 1, AccountId::parse);
        if number % DEALS_EACH == 0 {
            let email = format!("ap@customer{number}.example");
            scenario.models.salesforce.add_account(Account {
                id: account_id.clone(),
                name: format!("Customer {number}"),
                billing_email: Some(email.clone()),
                country: Some("Germany".into()),
                stripe_customer_id: None,
                customer_named_by_hand: false,
                modified: Timestamp::UNIX_EPOCH,
                emails: vec![(Timestamp::UNIX_EPOCH, email)],
                tax_ids: vec![],
            });
        }
        let mut entered = opportunity(1, account_id, "EUR".into(), start);
        entered.id = deal(number);
        entered.amount = Some(Decimal::from(30));
        entered.lines = vec![Line {
            id: parsed("00k", number + 1, LineItemId::parse),
            quantity: Decimal::from(3),
            list_price: Some(Decimal::from(10)),
            total: Some(Decimal::from(30)),
            product: "Product 1".into(),
            price: Some(price.to_string()),
            is_recurring: false,
            every: None,
        }];
        scenario.models.salesforce.add_opportunity(entered);
    }
    scenario
}

/// Plays it, with requests that wait for their turn or without.
pub fn drain(payments: u64, are_waited_for: bool) -> Drained {
    // More of what goes first than any backlog lasts.
    let deals = Deals { paid: payments, first: payments / 20 + 60 };
    let limits = Limits::new(are_waited_for);
    let sim = begin(Plan::new(1, Mode::Calm), Random::new(1), scenario(&deals), None, Some(limits));
    *sim.workers.borrow_mut() = Workers::of(WORKERS);
    let mut wrong = Vec::new();
    bill(&sim, &deals, &mut wrong);
    let began_ms = sim.now_ms();
    pay_all(&sim, &deals);
    while sim.now_ms() < began_ms + 8 * HOUR_MS && (sim.now_ms() < began_ms + 10_000 || !is_drained(&sim)) {
        // The clock stands where nothing happens.
        sim.after(500, |_| {});
        sim.run_until(sim.now_ms() + 500);
    }
    let took_ms = sim.now_ms() - began_ms;
    let mut drained = measured(&sim, payments, took_ms);
    sim.run_until(sim.now_ms() + 26 * HOUR_MS);
    check(&sim, &deals, &mut wrong);
    sim.end();
    drained.wrong = wrong;
    drained
}

/// What is to be paid is billed, and nothing is under way any more.
fn bill(sim: &Rc<Sim>, deals: &Deals, wrong: &mut Vec<String>) {
    for number in 0..deals.billed() {
        let at = timestamp(sim.now_ms() + millis(number * WON_EVERY_MS));
        plan_act(sim, at, Act::Win(deal(number)));
    }
    sim.run_until(START_MS + millis(deals.billed() * WON_EVERY_MS) + HOUR_MS);
    let billed = (0..deals.billed()).filter(|number| invoice(sim, *number).is_some()).count() as u64;
    if billed != deals.billed() {
        wrong.push(format!("{billed} deals were billed before"));
    }
    let mut limits = sim.limits.as_ref().expect("it has limits").borrow_mut();
    limits.are_enforced = true;
    limits.waits.clear();
    limits.given_back.clear();
}

/// All within two seconds; and while that is worked off, something that goes first, again and again.
fn pay_all(sim: &Rc<Sim>, deals: &Deals) {
    for number in 0..deals.paid {
        let invoice_id = invoice(sim, number).expect("it was billed");
        let delay_ms = sim.between(0, 2000);
        sim.after(delay_ms, move |sim| {
            sim.models.borrow_mut().stripe.pay(sim.now(), &invoice_id);
            sim.settle();
            // And of the payment itself, which the invoice's event makes superfluous.
            let payment = invoice_id.as_str().replacen("in_", "inpay_", 1);
            let tells = Tells::PaidPart(InvoicePaymentId::parse(&payment).expect("a prefix and digits"));
            sim.tell_of_stripe(&StripeEvent { id: format!("evt_{payment}"), tells, at: sim.now() });
        });
    }
    for turn in 0..2 * deals.first {
        let (failing, won) = (deals.paid + turn / 2, deals.billed() + turn / 2);
        sim.after(3000 + millis(turn * FIRST_EVERY_MS), move |sim| {
            if is_drained(sim) {
                return;
            }
            match invoice(sim, failing).filter(|_| turn % 2 == 0) {
                Some(invoice_id) => {
                    sim.models.borrow_mut().stripe.fail_payment(sim.now(), &invoice_id);
                    sim.settle();
                }
                None => plan_act(sim, sim.now(), Act::Win(deal(won))),
            }
        });
    }
}

/// No payment is left that somebody was told of. What is won meanwhile makes more of what comes by the thousand, and that is not counted.
fn is_drained(sim: &Rc<Sim>) -> bool {
    !sim.bulk.borrow().bodies().any(|body| body.contains("invoice_paid") || body.contains("payment_received"))
}

fn measured(sim: &Rc<Sim>, payments: u64, took_ms: i64) -> Drained {
    let limits = sim.limits.as_ref().expect("it has limits").borrow();
    let mut waits: Vec<_> = limits.waits.iter().map(|wait| wait.taken_ms - wait.at_ms).collect();
    waits.sort_unstable();
    Drained {
        payments,
        took_ms,
        asked: limits.answered.values().copied().max().unwrap_or(0),
        all_asked: limits.answered.values().sum(),
        refused: limits.refused.values().sum(),
        writes: limits.writes,
        locked: limits.locked,
        given_back: limits.given_back.clone(),
        firsts: waits.len(),
        p99_ms: waits.get(waits.len() * 99 / 100).copied().unwrap_or(i64::MAX),
        wrong: Vec::new(),
    }
}

/// Nothing is lost.
fn check(sim: &Rc<Sim>, deals: &Deals, wrong: &mut Vec<String>) {
    let models = sim.models.borrow();
    let is_paid =
        |number: &u64| models.salesforce.opportunity(&deal(*number)).is_some_and(|deal| deal.payment_received);
    let paid = (0..deals.paid).filter(is_paid).count() as u64;
    if paid != deals.paid {
        wrong.push(format!("{paid} opportunities say that they are paid"));
    }
    let is_unbilled = |deal: &&Opportunity| deal.stage == "Closed Won" && deal.invoice_id.is_none();
    let unbilled = models.salesforce.opportunities().filter(is_unbilled).count();
    let (failed, cases) = (models.stripe.failures().count(), models.salesforce.cases().count());
    if unbilled > 0 || failed != cases {
        wrong.push(format!("{unbilled} deals are not billed, and of {failed} failed payments {cases} have a case"));
    }
    let left = sim.queue.borrow().len() + sim.bulk.borrow().len();
    let dead = sim.queue.borrow().dead.len() + sim.bulk.borrow().dead.len();
    if left + dead > 0 {
        wrong.push(format!("{left} messages are left, and {dead} are dead letters"));
    }
    wrong.extend(models.violations.iter().take(5).map(ToString::to_string));
}

fn invoice(sim: &Rc<Sim>, number: u64) -> Option<InvoiceId> {
    let models = sim.models.borrow();
    let named = models.salesforce.opportunity(&deal(number)).and_then(|deal| deal.invoice_id.clone());
    named.and_then(|id| InvoiceId::parse(&id).ok())
}

fn millis(millis: u64) -> i64 {
    i64::try_from(millis).expect("a history lasts days")
}

/// Prints what it came to.
pub fn print(payments: u64) -> bool {
    let drained = drain(payments, true);
    println!("{drained}");
    let violations = drained.violations();
    for violation in &violations {
        println!("VIOLATED {violation}");
    }
    println!("sim: drain={payments} violations={}", violations.len());
    violations.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backlog_drains_as_fast_as_stripe_allows_and_what_goes_first_does_not_wait() {
        // What begins and what ends weighs more in a small one: a backlog of ten thousand events is played by `sim --drain 5000`.
        let drained = drain(600, true);
        assert!(drained.used() >= 900 && drained.refused().0 < 10 && drained.p99_ms < 10_000, "{drained}");
        assert!(drained.firsts > 10, "{drained}");
        assert_eq!(drained.wrong, Vec::<String>::new());
    }

    /// Without it, the harness sees requests that are too many; and nothing is lost all the same.
    #[test]
    fn without_waiting_for_turns_much_is_refused() {
        let drained = drain(600, false);
        assert!(drained.refused().0 >= 10, "{drained}");
        assert_eq!(drained.wrong, Vec::<String>::new());
    }
}
