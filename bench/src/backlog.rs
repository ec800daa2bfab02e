//! The backlog: what comes in, and who works it off, in the system's own time.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use it::{Env, Message, Random};
use sandbox::Handle;
use sandbox::wire::Service;

use crate::check;
use crate::deals::Deals;
use crate::drained::{Drained, Wait};
use crate::given_back::GivenBack;
use crate::plan::{Plan, WORKERS};

/// All payments come in within that, in any order; or as fast as the sandbox takes them, which also has the workers to answer.
const PAID_WITHIN: Duration = Duration::from_secs(2);

/// While the backlog lasts, a deal is won or a payment fails, in turn, each so often.
const FIRST_EVERY: Duration = Duration::from_secs(1);

/// How long a write of Salesforce's holds the account that its record hangs on.
const HELD_MS: i64 = 100;

/// What an event source that polls all the time needs to see a message.
const POLLED: Duration = Duration::from_millis(5);

const LOOKED_AT: Duration = Duration::from_millis(200);

/// More than any plan asks of Salesforce in a day. What is measured is how fast it is asked.
const CALLS_A_DAY: u64 = 10_000_000;

/// Plays it in real time, and says what it came to.
pub async fn drain(plan: &Plan) -> Drained {
    let mut env = Env::with(plan.options()).await;
    env.sandbox.salesforce.with(|org| org.set_daily_api_limit(CALLS_A_DAY));
    let deals = Deals::bill(&env, plan).await;
    limit(&env, Some(plan));
    let given_back = GivenBack::default();
    let heard = given_back.listen();
    let backlog = Backlog::new(&env, &deals);
    let (.., took) = tokio::join!(
        backlog.work_off("work"),
        backlog.work_off("bulk"),
        backlog.tell(&env.sandbox.stripe),
        backlog.tell(&env.sandbox.salesforce),
        backlog.something_goes_first(),
        backlog.lasts(plan),
    );
    drop(heard);
    let (waits, came) = (backlog.waits.into_inner(), backlog.came.get());
    let mut drained = Drained { given_back: given_back.by_code(), ..Drained::new(plan, took, waits) };
    drained.count(&env);
    limit(&env, None);
    env.settle_for_days().await;
    drained.wrong = check::wrong(&env, &deals, came);
    // What is left was told of, and is no reason to end without saying what came of the rest.
    env.expect_dead_letters();
    env.sqs.purge();
    drained
}

fn limit(env: &Env, plan: Option<&Plan>) {
    env.sandbox.stripe.with(|stripe| stripe.limit_endpoints(plan.map(|plan| u32::from(plan.stripe_takes))));
    env.sandbox.salesforce.with(|org| org.hold_rows(plan.map(|_| HELD_MS)));
}

struct Backlog<'a> {
    env: &'a Env,
    deals: &'a Deals,
    /// How many vendors are telling of something, which may be a payment.
    telling: Cell<u8>,
    is_over: Cell<bool>,
    waits: RefCell<Vec<Wait>>,
    /// How often something came that goes first.
    came: Cell<usize>,
}

impl<'a> Backlog<'a> {
    fn new(env: &'a Env, deals: &'a Deals) -> Self {
        Self {
            env,
            deals,
            telling: Cell::new(0),
            is_over: Cell::new(false),
            waits: RefCell::default(),
            came: Cell::new(0),
        }
    }

    /// One queue's event source, which hands out one message an invocation, and its workers.
    async fn work_off(&self, queue: &str) {
        let mut idle: Vec<_> = (0..WORKERS).map(|_| self.env.another_process()).collect();
        let mut busy = FuturesUnordered::new();
        while !self.is_over.get() || !busy.is_empty() {
            while !self.is_over.get() && !idle.is_empty() {
                let Some(message) = self.env.sqs.receive_from(queue, 1).pop() else { break };
                self.taken(&message);
                let Some(process) = idle.pop() else { break };
                busy.push(async move {
                    self.env.invoke_process(&process, vec![message]).await;
                    process
                });
            }
            tokio::select! {
                Some(process) = busy.next() => idle.push(process),
                () = tokio::time::sleep(POLLED) => {}
            }
        }
    }

    /// One vendor tells its door of everything, one after the other, as fast as that takes it.
    async fn tell<S: Service>(&self, vendor: &Handle<S>) {
        while !self.is_over.get() {
            let deliveries = vendor.take_deliveries();
            self.telling.update(|telling| telling + 1);
            for delivery in &deliveries {
                self.env.post(delivery).await;
                tokio::task::yield_now().await;
            }
            self.telling.update(|telling| telling - 1);
            if deliveries.is_empty() {
                tokio::time::sleep(POLLED).await;
            }
        }
    }

    fn taken(&self, message: &Message) {
        if let Some(taken_at_ms) = message.first_received_at_ms.filter(|_| message.receives == 1) {
            let is_first = message.queue == "work";
            self.waits.borrow_mut().push(Wait { is_first, waited_ms: taken_at_ms - message.sent_at_ms });
        }
    }

    /// A payment that fails and a deal that is won, in turn, until nothing is left of either.
    async fn something_goes_first(&self) {
        for (failing, later) in self.deals.failing.iter().zip(&self.deals.later) {
            for is_failure in [true, false] {
                tokio::time::sleep(FIRST_EVERY).await;
                if self.is_over.get() {
                    return;
                }
                match is_failure {
                    true => {
                        let fails = |stripe: &mut sandbox::stripe::Stripe| {
                            stripe.attempt_fails(&failing.invoice, "InsufficientFunds", None);
                        };
                        self.env.sandbox.stripe.with(fails);
                    }
                    false => self.env.close(later),
                }
                self.came.set(self.came.get() + 1);
            }
        }
    }

    /// Everything is paid, and then waited for; how long that took.
    async fn lasts(&self, plan: &Plan) -> Duration {
        let began = Instant::now();
        self.pay_all(began).await;
        eprintln!("bench: all is paid after {} ms", began.elapsed().as_millis());
        loop {
            tokio::time::sleep(LOOKED_AT).await;
            if !self.is_waiting() || began.elapsed() >= plan.longest {
                break;
            }
        }
        self.is_over.set(true);
        began.elapsed()
    }

    async fn pay_all(&self, began: Instant) {
        let paid = &self.deals.paid;
        let each = PAID_WITHIN / u32::try_from(paid.len().max(1)).unwrap_or(u32::MAX);
        for (turn, index) in (0..).zip(shuffled(paid.len())) {
            let early = (each * turn).saturating_sub(began.elapsed());
            if !early.is_zero() {
                tokio::time::sleep(early).await;
            }
            self.env.sandbox.stripe.with(|stripe| stripe.pay_on_page(&paid[index].invoice));
            // Nothing in there waits for anything.
            tokio::task::yield_now().await;
        }
    }

    /// A payment is left that somebody was or is to be told of. What is won meanwhile makes more of what comes by the thousand, and that is not counted.
    fn is_waiting(&self) -> bool {
        let is_payment = |message: &Message| {
            message.queue == "bulk"
                && ["invoice_paid", "payment_received"].iter().any(|name| message.body.contains(name))
        };
        self.telling.get() > 0 || self.env.sqs.has(is_payment)
    }
}

/// Deals of one account are not paid one after the other.
fn shuffled(many: usize) -> Vec<usize> {
    let mut random = Random::new(1);
    let mut order: Vec<_> = (0..many).collect();
    for last in (1..many).rev() {
        order.swap(last, random.index(last + 1));
    }
    order
}
