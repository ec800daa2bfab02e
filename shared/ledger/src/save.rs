//! Saving what came of a call, and what is to be done next, in one transaction.

use std::time::Duration;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{CancellationReason, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use jiff::{SignedDuration, Timestamp};
use workflow::{Run, Status};

use crate::attributes::{Item, number, text};
use crate::item::{self, Held, Registers, StoredRun};
use crate::{CallEntry, Ledger, LedgerError, unavailable};

/// When an open run that nobody holds is looked at, if nothing else brings it back.
const CHECK_AFTER: SignedDuration = SignedDuration::from_mins(15);

/// Transactions on one run conflict only with a holder that has just lost it, so a few tries are plenty.
const CONFLICT_TRIES: u32 = 4;

/// What becomes of the lease with this save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// The run stays ours.
    Keep,
    /// The run is free at once.
    Now,
    /// The run is free at once and waits for the other side.
    Waiting,
}

impl Ledger {
    /// When this returns, the run stands in the table as given, with its call log and links. On an error the table may
    /// hold it or not; the holder must stop, and the next one reads what is there.
    pub async fn save(
        &self,
        held: &mut Held,
        run: Run,
        calls: &[CallEntry],
        release: Release,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        let old = &held.stored;
        let registers = Registers::of(&run);
        written_once(old.registers.customer_id.as_deref(), registers.customer_id.as_deref())?;
        written_once(old.registers.invoice_id.as_deref(), registers.invoice_id.as_deref())?;
        let mut chain = old.chain.clone();
        let mut others = Vec::new();
        for call in calls {
            let (entry, next) = chain.append(&run.id, call)?;
            others.push(put(&self.table, entry).condition_expression("attribute_not_exists(pk)"));
            chain = next;
        }
        let link = new_link(&old.registers, &registers);
        if let Some(stripe_id) = &link {
            // Guarded against: one invoice serving two deals.
            others.push(
                put(&self.table, item::link(stripe_id, &run.id, now)?)
                    .condition_expression("attribute_not_exists(pk) OR run = :run")
                    .expression_attribute_values(":run", text(run.id.to_string())),
            );
        }
        let is_open = run.status() == Status::Open;
        let stored = StoredRun {
            status: run.status().as_str().to_owned(),
            run,
            version: old.version + 1,
            lease_until: if release == Release::Keep { old.lease_until } else { now },
            waiting_since: match release {
                Release::Waiting => old.waiting_since.or(Some(now)),
                // A failure while it waits must not make it wait from the beginning.
                Release::Keep | Release::Now => old.waiting_since.filter(|_| is_open),
            },
            updated_at: now,
            chain,
            registers,
            ..old.clone()
        };
        let check_at = now.saturating_add(CHECK_AFTER).unwrap_or(now).max(stored.lease_until);
        let own = self.conditional(&held.stored, stored.write(check_at)?);
        self.transact(own, others, &stored, link).await?;
        held.stored = stored;
        held.is_new = false;
        Ok(())
    }

    /// Guarded against: a holder that was frozen past its lease and goes on as if nothing had happened; and two saves of
    /// one register.
    fn conditional(&self, old: &StoredRun, new: Item) -> aws_sdk_dynamodb::types::builders::PutBuilder {
        let register = |name: &str, stored: &Option<String>| match stored {
            Some(_) => format!("{name} = :{name}"),
            None => format!("attribute_not_exists({name})"),
        };
        let condition = format!(
            "fence = :fence AND version = :version AND #owner = :owner AND {} AND {}",
            register("stripe_customer_id", &old.registers.customer_id),
            register("stripe_invoice_id", &old.registers.invoice_id)
        );
        let mut put = put(&self.table, new)
            .condition_expression(condition)
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":fence", number(old.fence))
            .expression_attribute_values(":version", number(old.version))
            .expression_attribute_values(":owner", text(&old.owner));
        if let Some(id) = &old.registers.customer_id {
            put = put.expression_attribute_values(":stripe_customer_id", text(id));
        }
        if let Some(id) = &old.registers.invoice_id {
            put = put.expression_attribute_values(":stripe_invoice_id", text(id));
        }
        put
    }

    async fn transact(
        &self,
        own: aws_sdk_dynamodb::types::builders::PutBuilder,
        others: Vec<aws_sdk_dynamodb::types::builders::PutBuilder>,
        stored: &StoredRun,
        link: Option<String>,
    ) -> Result<(), LedgerError> {
        let build = |put: aws_sdk_dynamodb::types::builders::PutBuilder| {
            put.build()
                .map(|put| TransactWriteItem::builder().put(put).build())
                .map_err(|error| unavailable("building the transaction", &error))
        };
        let items = std::iter::once(own).chain(others).map(build).collect::<Result<Vec<_>, _>>()?;
        let mut tries = 0;
        loop {
            tries += 1;
            let sent = self.client.transact_write_items().set_transact_items(Some(items.clone())).send().await;
            let Err(error) = sent else { return Ok(()) };
            let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) = error.as_service_error() else {
                return Err(unavailable("saving the run", &error));
            };
            match judge(canceled.cancellation_reasons(), stored, link.as_deref()) {
                Canceled::IsOurs => return Ok(()),
                Canceled::Conflict if tries < CONFLICT_TRIES => {
                    tokio::time::sleep(Duration::from_millis(40) * tries).await;
                }
                Canceled::Conflict => return Err(unavailable("saving the run", &error)),
                Canceled::Failed(error) => return Err(error),
            }
        }
    }
}

fn put(table: &str, item: Item) -> aws_sdk_dynamodb::types::builders::PutBuilder {
    Put::builder()
        .table_name(table)
        .set_item(Some(item))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
}

enum Canceled {
    /// The transaction had succeeded before, and its answer was lost.
    IsOurs,
    Conflict,
    Failed(LedgerError),
}

fn judge(reasons: &[CancellationReason], stored: &StoredRun, link: Option<&str>) -> Canceled {
    let failed = |index: usize| {
        reasons
            .get(index)
            .filter(|reason| reason.code() == Some("ConditionalCheckFailed"))
            .map(CancellationReason::item)
    };
    if let Some(old) = failed(0) {
        let ours = old.is_some_and(|old| {
            old.get("owner") == Some(&text(&stored.owner)) && old.get("version") == Some(&number(stored.version))
        });
        return if ours { Canceled::IsOurs } else { Canceled::Failed(LedgerError::Lost) };
    }
    // The link, if there is one, is the last action.
    if let Some(link) = link.filter(|_| failed(reasons.len().saturating_sub(1)).is_some()) {
        return Canceled::Failed(LedgerError::LinkTaken(link.to_owned()));
    }
    if reasons.iter().any(|reason| reason.code() == Some("TransactionConflict")) {
        return Canceled::Conflict;
    }
    let codes: Vec<_> = reasons.iter().filter_map(CancellationReason::code).collect();
    Canceled::Failed(LedgerError::Unavailable(format!("the transaction was canceled: {}", codes.join(", "))))
}

/// A register may be set, or given up after its draft was deleted; it may not change from one id to another.
fn written_once(stored: Option<&str>, given: Option<&str>) -> Result<(), LedgerError> {
    match (stored, given) {
        (Some(stored), Some(given)) if stored != given => {
            Err(LedgerError::RegisterChanged { stored: stored.into(), given: given.into() })
        }
        _ => Ok(()),
    }
}

/// An invoice leads back to one deal. Customers have no link: several accounts may share one that was made by hand.
fn new_link(old: &Registers, new: &Registers) -> Option<String> {
    if old.invoice_id.is_none() { new.invoice_id.clone() } else { None }
}
