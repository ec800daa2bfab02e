//! How the deals come, what is lost of them, and how they come home.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::deals::{Deal, Deals};
use super::killer::{Stage, writes_lines};
use crate::aws::text;
use crate::failure::{Failure, Result};
use crate::progress::Progress;
use crate::random::Random;
use crate::stack::Stack;

/// Deals are held back for so long at most, so that there is work while there are kills.
const SOLD_WITHIN: Duration = Duration::from_secs(100);

/// How many messages may wait before more deals are won. Enough to lose some when the queue is purged, few enough to leave
/// the machine its breath.
const BACKLOG: u64 = 20;

/// From the last kill on: the lease of a dead worker lasts a minute, and its message is hidden for six times the worker's
/// timeout, which is 30 seconds here.
const HOME_WITHIN: Duration = Duration::from_secs(300);

/// A death over the lines of an invoice costs ten minutes more. The killer avoids it, but cannot rule it out.
const HOME_AFTER_QUIET_WITHIN: Duration = Duration::from_secs(960);

/// Twenty deals take some seconds; a slow machine gets its time.
const FIRST_WITHIN: Duration = Duration::from_secs(60);

/// How many deals are won in one transaction at most.
const MOST_AT_ONCE: usize = 12;

/// How many deals are won right before the queue is purged, and how many of them must wait there by then.
const LOST_AT_ONCE: usize = 20;
const LEAST_LOST: u64 = 8;
const WAITS_WITHIN: Duration = Duration::from_secs(5);

/// The schedule's quarter of an hour, for people who wait.
const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// A sweep sees what an earlier one has set right as changed once more; two or three of them settle that.
const LAST_SWEEPS: usize = 6;

pub struct Flow<'a> {
    stack: &'a Stack,
    stage: &'a Stage,
    progress: Progress,
    deals: &'a Deals,
    /// What is not won yet. The last one comes first.
    waiting: Vec<&'a Deal>,
    /// Messages that were on the work queue when it was purged.
    pub purged: u64,
    /// Events that the reconciler put on the work queue.
    pub requeued: u64,
    /// Messages that were sent back from the dead-letter queue.
    pub redriven: usize,
}

impl<'a> Flow<'a> {
    pub fn new(stack: &'a Stack, stage: &'a Stage, deals: &'a Deals, progress: Progress) -> Self {
        Self { stack, stage, progress, deals, waiting: Vec::new(), purged: 0, requeued: 0, redriven: 0 }
    }

    /// Wins one deal of every early account, and waits until they are billed. From then on no deal of these accounts waits
    /// for another one to make their customer; a deal that waits like that when the queue is purged would be looked after
    /// a quarter of an hour later at the earliest.
    pub fn sell_first(&mut self, random: &mut Random) -> Result<()> {
        let (mut early, mut late, mut first) = (Vec::new(), Vec::new(), Vec::new());
        for deal in &self.deals.deals {
            let is_first = !first.iter().any(|first: &&Deal| first.account == deal.account);
            match self.deals.is_early(deal.account) {
                true if is_first => first.push(deal),
                true => early.push(deal),
                false => late.push(deal),
            }
        }
        random.shuffle(&mut early);
        random.shuffle(&mut late);
        self.waiting = late;
        self.waiting.append(&mut early);
        self.win(&first)?;
        let deadline = Instant::now() + FIRST_WITHIN;
        while self.without_invoice()? > self.waiting.len() || !self.work_queue_depth()?.is_empty() {
            if Instant::now() >= deadline {
                return Err(Failure::new("the first deals were not billed, and nothing was killed yet"));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    /// Wins the other deals in bursts, no faster than workers are killed over them. The queue is purged when all deals of
    /// the early accounts are won. Then come the others, whose customers are still to be made.
    pub fn sell(&mut self, most_killed: usize, random: &mut Random) -> Result<()> {
        let all = self.waiting.len();
        let late = self.waiting.iter().filter(|deal| !self.deals.is_early(deal.account)).count();
        let deadline = Instant::now() + SOLD_WITHIN;
        let mut next_sweep = all / 4;
        while !self.waiting.is_empty() {
            let won = all - self.waiting.len();
            if won >= next_sweep {
                self.sweep();
                next_sweep += all / 4;
            }
            let killed = self.stage.workers.load(Ordering::Relaxed);
            let is_ahead = won * most_killed > (killed + most_killed / 3) * all && Instant::now() < deadline;
            if Instant::now() > deadline + SOLD_WITHIN {
                return Err(Failure::new(format!("{} deals wait for workers that do not come", self.waiting.len())));
            }
            if is_ahead || self.work_queue_depth()?.visible > BACKLOG {
                std::thread::sleep(Duration::from_millis(100));
                continue;
            }
            let early = self.waiting.len().saturating_sub(late);
            let burst = match early {
                0 => random.index(MOST_AT_ONCE) + 1,
                // So many at once that most of them have to wait.
                1..=LOST_AT_ONCE => early,
                more => (random.index(MOST_AT_ONCE) + 1).min(more - LOST_AT_ONCE),
            };
            let burst = self.waiting.split_off(self.waiting.len().saturating_sub(burst));
            self.win(&burst)?;
            if early == burst.len() {
                self.purge()?;
            }
            std::thread::sleep(Duration::from_millis(random.between(20, 500)));
        }
        // The last ones are killed over as well.
        while self.work_queue_depth()?.visible > 0 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    fn win(&self, deals: &[&Deal]) -> Result<()> {
        let won = deals.iter().map(|deal| json!({ "id": deal.opportunity, "StageName": "Closed Won" }));
        self.stack.sandbox.salesforce()?.update_all("Opportunity", won.collect())?;
        self.stage.bursts.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Takes everything from the work queue, once some of it waits there.
    fn purge(&mut self) -> Result<()> {
        let deadline = Instant::now() + WAITS_WITHIN;
        let mut depth = self.work_queue_depth()?;
        while depth.visible < LEAST_LOST && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
            depth = self.work_queue_depth()?;
        }
        self.stack.aws().purge(self.stack.outputs.get("WorkQueueUrl")?)?;
        self.purged = depth.visible + depth.in_flight + depth.delayed;
        self.progress.say(format_args!("the work queue was purged of {} messages", self.purged));
        Ok(())
    }

    /// One pass of the reconciler, which may be killed over it.
    fn sweep(&mut self) -> Option<Value> {
        self.stage.is_sweeping.store(true, Ordering::Relaxed);
        let name = self.stack.outputs.get("ReconcilerFunctionName");
        let pass = name.and_then(|name| self.stack.aws().invoke(name, &json!({ "pass": "sweep" })));
        self.stage.is_sweeping.store(false, Ordering::Relaxed);
        match pass {
            Ok(summary) => {
                self.requeued += summary["requeued"].as_u64().unwrap_or(0);
                Some(summary)
            }
            Err(failure) => {
                self.progress.say(format_args!("a pass of the reconciler came to nothing: {failure}"));
                None
            }
        }
    }

    /// Lets the reconciler find what was lost and the queue bring back what was interrupted, until there is nothing left
    /// to do. What is not right then is a violation.
    pub fn bring_home(&mut self) -> Result<Vec<String>> {
        let started = Instant::now();
        let mut swept_at: Option<Instant> = None;
        let mut is_quiet_needed = false;
        loop {
            let refused = self.redrive()?;
            if !refused.is_empty() {
                return Ok(refused);
            }
            let missing = self.without_invoice()?;
            let open = self.stack.aws().open_runs(self.stack.outputs.get("LedgerTableName")?)?;
            let is_empty = self.work_queue_depth()?.is_empty();
            if missing == 0 && open.is_empty() && is_empty {
                return self.last_sweeps();
            }
            is_quiet_needed |= open.iter().any(writes_lines) && started.elapsed() > HOME_WITHIN / 2;
            let within = if is_quiet_needed { HOME_AFTER_QUIET_WITHIN } else { HOME_WITHIN };
            if started.elapsed() > within {
                let (seconds, open) = (within.as_secs(), open.len());
                return Ok(vec![format!(
                    "after {seconds} s {missing} deals have no invoice and {open} runs are open; is the queue empty: {is_empty}"
                )]);
            }
            let is_work_left = missing > 0 || !open.is_empty();
            if is_work_left && swept_at.is_none_or(|at| at.elapsed() >= SWEEP_EVERY) {
                self.sweep();
                swept_at = Some(Instant::now());
                self.progress.say(format_args!("{missing} deals have no invoice yet, {} runs are open", open.len()));
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// The reconciler agrees that there is nothing left to do, and that both sides are equal.
    fn last_sweeps(&mut self) -> Result<Vec<String>> {
        let mut last = None;
        for _ in 0..LAST_SWEEPS {
            last = self.sweep();
            let is_quiet = last.as_ref().is_some_and(|summary| {
                summary["finished"] == json!(true) && summary["requeued"] == 0 && summary["differences"] == 0
            });
            if is_quiet {
                return Ok(Vec::new());
            }
            crate::story::wait_until_quiet(self.stack)?;
        }
        Ok(vec![format!("the reconciler still finds something: {last:?}")])
    }

    /// Sends back what was received too often, as an operator would. What a function refused has a reason, and none of these
    /// deals gives one.
    fn redrive(&mut self) -> Result<Vec<String>> {
        let aws = self.stack.aws();
        let (dead_letters, work) =
            (self.stack.outputs.get("DeadLetterQueueUrl")?, self.stack.outputs.get("WorkQueueUrl")?);
        let mut refused = Vec::new();
        for message in aws.receive(dead_letters)? {
            let body = text(&message, "Body")?;
            let envelope: Value = serde_json::from_str(body).unwrap_or_default();
            if envelope["event"].is_null() || !envelope["parked"].is_null() {
                refused.push(format!("the dead-letter queue holds {body}"));
                continue;
            }
            aws.send_message(work, body)?;
            aws.delete_message(dead_letters, text(&message, "ReceiptHandle")?)?;
            self.redriven += 1;
        }
        Ok(refused)
    }

    fn without_invoice(&self) -> Result<usize> {
        let accounts: Vec<String> = self.deals.accounts.iter().map(|account| format!("'{}'", account.id)).collect();
        let soql = format!(
            "SELECT Id FROM Opportunity WHERE Stripe_Invoice_Id__c = null AND AccountId IN ({})",
            accounts.join(",")
        );
        Ok(self.stack.sandbox.salesforce()?.query(&soql)?.len())
    }

    fn work_queue_depth(&self) -> Result<crate::aws::Depth> {
        self.stack.work()
    }
}
