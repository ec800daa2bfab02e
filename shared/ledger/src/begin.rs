//! Taking a run: make it if it does not exist, or take it over when nobody holds it.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use jiff::Timestamp;
use workflow::{Run, Status};

use crate::attributes::{Item, number, text};
use crate::item::{Chain, Held, Registers, StoredRun};
use crate::{Ledger, LedgerError, unavailable};

/// Who wants the run, and until when.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Unique to this attempt: it is how our own write is recognised when its answer was lost.
    pub owner: String,
    pub reopen: Reopen,
    pub now: Timestamp,
    pub lease_until: Timestamp,
}

/// When an ended run is taken up again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reopen {
    /// For an event that it has not answered yet.
    ForNewEvent(String),
    /// Unless it has reached its goal.
    UnlessDone,
    /// In any case: a person sent the event again.
    Always,
}

impl Reopen {
    fn takes_up(&self, run: &Run) -> bool {
        match (run.status(), self) {
            (Status::Open, _) | (_, Self::Always) => true,
            (_, Self::ForNewEvent(event_id)) => !run.has_answered(event_id),
            (status, Self::UnlessDone) => status != Status::Done,
        }
    }
}

#[derive(Debug)]
pub enum Begun {
    /// The run is ours.
    Held(Box<Held>),
    /// Somebody else holds it.
    Busy { until: Timestamp },
    /// The run has ended, and this event gives no reason to take it up again.
    Answered(Box<Run>),
}

impl Ledger {
    /// When this returns `Held`, the run exists and no other holder's save will succeed. `new` is the run to make if
    /// there is none.
    pub async fn begin(&self, new: Run, claim: &Claim) -> Result<Begun, LedgerError> {
        let key = new.id.to_string();
        let fresh = StoredRun {
            status: new.status().as_str().to_owned(),
            run: new,
            fence: 1,
            version: 1,
            owner: claim.owner.clone(),
            lease_until: claim.lease_until,
            attempts: 1,
            waiting_since: None,
            created_at: claim.now,
            updated_at: claim.now,
            chain: Chain::default(),
            registers: Registers::default(),
        };
        // Crash guarded against: two deliveries of one event at once. Only one of them makes the item.
        let made = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(fresh.write(claim.lease_until)?))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match old_item(made.map(drop))? {
            Put::Done => Ok(Begun::Held(Box::new(Held { stored: fresh, is_new: true }))),
            Put::Exists(old) => {
                let old = StoredRun::read(&key, &old)?;
                // The answer to our own put was lost, and the SDK's second attempt found the first one's item.
                if old.owner == claim.owner && old.version == 1 {
                    return Ok(Begun::Held(Box::new(Held { stored: old, is_new: true })));
                }
                self.take_over(old, claim).await
            }
        }
    }

    async fn take_over(&self, old: StoredRun, claim: &Claim) -> Result<Begun, LedgerError> {
        if !claim.reopen.takes_up(&old.run) {
            return Ok(Begun::Answered(Box::new(old.run)));
        }
        if old.lease_until > claim.now {
            return Ok(Begun::Busy { until: old.lease_until });
        }
        let mut run = old.run;
        // Whatever the last holder sent, it sent before its lease ended.
        let last_held = old.lease_until.max(old.updated_at).min(claim.now);
        for intent in run.intents.values_mut().filter(|intent| intent.is_open()) {
            intent.last_sent = intent.last_sent.max(last_held);
        }
        let taken = StoredRun {
            run,
            fence: old.fence + 1,
            version: old.version + 1,
            owner: claim.owner.clone(),
            lease_until: claim.lease_until,
            attempts: old.attempts + 1,
            updated_at: claim.now,
            ..old
        };
        // Crash guarded against: two workers find the same expired lease. The fence lets one of them through.
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(taken.write(claim.lease_until)?))
            .condition_expression("fence = :fence AND version = :version")
            .expression_attribute_values(":fence", number(taken.fence - 1))
            .expression_attribute_values(":version", number(taken.version - 1))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match old_item(put.map(drop))? {
            Put::Done => Ok(Begun::Held(Box::new(Held { stored: taken, is_new: false }))),
            // The answer to our own put was lost, and the SDK's second attempt found the first one's item.
            Put::Exists(now)
                if now.get("owner") == Some(&text(&claim.owner))
                    && now.get("version") == Some(&number(taken.version)) =>
            {
                Ok(Begun::Held(Box::new(Held { stored: taken, is_new: false })))
            }
            Put::Exists(now) => {
                let now = StoredRun::read(&taken.run.id.to_string(), &now)?;
                Ok(Begun::Busy { until: now.lease_until.max(claim.now) })
            }
        }
    }
}

enum Put {
    Done,
    Exists(Item),
}

fn old_item(put: Result<(), SdkError<PutItemError>>) -> Result<Put, LedgerError> {
    match put {
        Ok(()) => Ok(Put::Done),
        Err(error) => match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => match failed.item() {
                Some(item) => Ok(Put::Exists(item.clone())),
                None => Err(LedgerError::Unavailable("a condition failed without the old item".into())),
            },
            _ => Err(unavailable("taking the run", &error)),
        },
    }
}
