//! What goes wrong: at the vendors, in AWS, with the process. And the work that it hits.

use std::pin::pin;
use std::rc::Rc;

use engine::PassKind;
use futures::future::join_all;
use it::{Disturbance, Worked};
use sandbox::{Fault, FaultRule};

use super::history::History;

/// Far longer than the clients wait here.
const TOO_LATE_MS: u64 = 2_500;

const HTML: &str = "<html><body>welcome</body></html>";

/// What these vendors answer in words of their own, beside what the sandbox knows by itself.
const STRIPE_SAYS: [(u16, &str); 4] = [
    (200, HTML),
    (502, "Bad Gateway"),
    (504, ""),
    (429, r#"{"error":{"type":"invalid_request_error","code":"lock_timeout","message":"This object is locked."}}"#),
];

const SALESFORCE_SAYS: [(u16, &str); 4] = [
    (200, HTML),
    (401, r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#),
    (503, r#"[{"message":"The server is unavailable","errorCode":"SERVER_UNAVAILABLE"}]"#),
    (500, r#"[{"message":"unable to obtain exclusive access","errorCode":"UNABLE_TO_LOCK_ROW"}]"#),
];

const STRIPE_WRITES: [&str; 4] = ["/v1/customers", "/v1/invoices", "/v1/invoices/*/add_lines", "/v1/invoices/*/send"];

impl History {
    pub fn stripe_fails(&mut self) {
        let fault = self.fault(&STRIPE_SAYS);
        let rule = match self.random.chance(60) {
            true => FaultRule::once("POST", self.random.pick(&STRIPE_WRITES), fault),
            false => self.anywhere(fault),
        };
        let rule = self.at_some_time(rule);
        self.line(format!("Stripe will fail: {rule:?}"));
        self.env.sandbox.stripe.inject(rule);
    }

    pub fn salesforce_fails(&mut self) {
        let fault = self.fault(&SALESFORCE_SAYS);
        let rule = match self.random.below(10) {
            0 => FaultRule::once("POST", "/services/oauth2/token", fault),
            1..5 => FaultRule::once("POST", "/services/data/**", fault).body_contains("PATCH"),
            _ => self.anywhere(fault),
        };
        let rule = self.at_some_time(rule);
        self.line(format!("Salesforce will fail: {rule:?}"));
        self.env.sandbox.salesforce.inject(rule);
    }

    pub fn aws_fails(&mut self) {
        let (skip, disturbance) = (self.random.below(15), self.random.pick(&Disturbance::ALL));
        self.env.aws.disturb(u32::try_from(skip).unwrap(), disturbance);
        self.line(format!("AWS will fail after {skip} requests: {disturbance:?}"));
    }

    fn fault(&mut self, says: &[(u16, &str)]) -> Fault {
        match self.random.below(11) {
            0 => Fault::RateLimited,
            1 => Fault::ServerError,
            2 => Fault::ServerErrorStored,
            3 => Fault::ServerErrorAfterCommit,
            4 => Fault::UnavailableHtml,
            5 => Fault::Slow { delay_ms: if self.random.chance(50) { 20 } else { TOO_LATE_MS } },
            6 => Fault::HalfBody,
            7 => Fault::AnswerLost,
            8 => Fault::ConnectionRefused { for_ms: 20 + self.random.below(40) },
            9 => Fault::InUse,
            _ => {
                let (status, body) = self.random.pick(says);
                Fault::Status { status, body: body.to_owned() }
            }
        }
    }

    fn anywhere(&mut self, fault: Fault) -> FaultRule {
        FaultRule { method: None, ..FaultRule::once("", "/**", fault) }
    }

    fn at_some_time(&mut self, rule: FaultRule) -> FaultRule {
        let times = match &rule.fault {
            Fault::Slow { .. } | Fault::ConnectionRefused { .. } => 1,
            // Now and then it lasts.
            _ if self.random.chance(8) => 20,
            _ => self.random.between(1, 3),
        };
        let skip = self.random.below(5);
        rule.skip(u32::try_from(skip).unwrap()).times(u32::try_from(times).unwrap())
    }

    /// Time passes until there is something to do, or not.
    fn wait_for_work(&mut self) {
        let now = self.env.clock.now_ms();
        if let Some(next) = self.env.sqs.next_visible_ms().filter(|next| *next > now && self.random.chance(60)) {
            self.env.clock.advance(u32::try_from(next - now).unwrap());
        }
    }

    pub async fn work(&mut self) {
        self.wait_for_work();
        let most = self.random.between(1, 10);
        let worked = self.env.work(usize::try_from(most).unwrap()).await;
        self.line(format!("work on at most {most}: {worked:?}"));
    }

    pub async fn work_in_parallel(&mut self) {
        self.wait_for_work();
        let messages = self.env.sqs.receive(4);
        self.line(format!("work on {} at once", messages.len()));
        if messages.len() > 1 {
            self.notes.count("worked in parallel");
        }
        let with_a_pass = self.random.chance(25);
        let work = join_all(messages.into_iter().map(|message| self.env.invoke(vec![message])));
        if with_a_pass {
            futures::join!(work, self.env.reconcile(PassKind::Sweep));
        } else {
            work.await;
        }
    }

    pub async fn work_and_die(&mut self) {
        self.wait_for_work();
        let moment = self.random.below(40);
        self.env.fuse.arm(moment);
        let worked = self.env.work(3).await;
        self.env.fuse.disarm();
        self.line(format!("work, to die at moment {moment}: {worked:?}"));
        if worked == Worked::Died {
            self.notes.count("died");
            // What it was about is taken up when the lease is over, or when Stripe has forgotten the key.
            if self.random.chance(40) {
                self.notes.count("died, and a day passed");
                self.pass_time(25 * 3600, 25 * 3600);
            }
        }
    }

    /// A process stands still past its lease, and others do its work. It goes on before ten minutes are over, which is how
    /// long a request is taken to be under way at most.
    pub async fn work_and_freeze(&mut self) {
        self.wait_for_work();
        let messages = self.env.sqs.receive(1);
        if messages.is_empty() {
            return;
        }
        let moment = self.random.below(40);
        self.line(format!("work, to freeze at moment {moment}"));
        self.env.fuse.freeze_at(moment);
        let env = Rc::clone(&self.env);
        let mut invocation = pin!(env.invoke(messages));
        let has_frozen = tokio::select! {
            biased;
            () = env.fuse.frozen() => true,
            _ = &mut invocation => false,
        };
        env.fuse.disarm();
        if !has_frozen {
            return;
        }
        self.notes.count("froze");
        self.pass_time(100, 560);
        if self.random.chance(50) {
            self.meddle();
        }
        while self.env.work(3).await == Worked::Something {}
        self.line("    others have worked, and it goes on".to_owned());
        env.fuse.thaw();
        invocation.await;
    }

    pub async fn reconcile(&mut self) {
        let kind = if self.random.chance(30) { PassKind::Deep } else { PassKind::Sweep };
        if self.random.chance(25) {
            self.env.fuse.arm(self.random.below(80));
        }
        let found = self.env.fuse.until_blown(self.env.reconcile(kind)).await;
        self.env.fuse.disarm();
        let Some(found) = found else {
            self.notes.count("died in a pass");
            return self.line(format!("{kind:?}: it died"));
        };
        self.notes.count_times("found by a pass", found.requeued);
        self.notes.count_times("orphan collected", found.orphans_deleted);
        let pauses: Vec<_> = found.pauses.iter().map(|(part, pause)| format!("{part} {}", pause.code)).collect();
        let (requeued, deleted) = (found.requeued, found.orphans_deleted);
        self.line(format!("{kind:?}: {requeued} put on the queue, {deleted} orphans deleted, {pauses:?}"));
    }
}
