//! Salesforce, over its model.

use std::rc::Rc;

use domain::Record;
use salesforce::{Answers, Error, Update};

use super::{Outcome, Process, Request};
use crate::faults::{Fault, Operation};
use crate::world::Sim;

#[derive(Clone)]
pub struct SalesforcePort(pub Rc<Process>);

type Answer = Result<Vec<Vec<Record>>, Error>;

impl Outcome for Answer {
    fn label(&self) -> &'static str {
        match self {
            Ok(_) => "ok",
            Err(Error::Refused(_)) => "refused",
            Err(Error::NotAllowed { .. }) => "not allowed",
            Err(Error::LimitReached { .. }) => "limit reached",
            Err(Error::Busy { .. }) => "busy",
            Err(Error::Unknown { .. }) => "unknown",
        }
    }
}

fn unknown() -> Answer {
    Err(Error::Unknown { reason: "no answer in time".to_owned() })
}

/// What this side's own faults are answered with. They all come before any effect.
fn refusal(fault: Option<Fault>) -> Result<(), Error> {
    let busy = |code: &str| Err(Error::Busy { error_code: code.to_owned() });
    match fault {
        Some(Fault::LockedRow) => busy("UNABLE_TO_LOCK_ROW"),
        Some(Fault::SalesforceOutage) => busy("HTTP_503"),
        Some(Fault::DailyLimit) => Err(Error::LimitReached { error_code: "REQUEST_LIMIT_EXCEEDED".to_owned() }),
        Some(Fault::TokenExpired) => Err(Error::NotAllowed {
            error_code: "INVALID_SESSION_ID".to_owned(),
            message: "Session expired or invalid".to_owned(),
        }),
        _ => Ok(()),
    }
}

/// The record that a query or an update is about.
fn id_in(query: &str) -> String {
    query.split('\'').nth(1).unwrap_or_default().to_owned()
}

impl SalesforcePort {
    async fn call(
        &self,
        operation: Operation,
        about: String,
        effect: impl FnOnce(&Rc<Sim>) -> Answer + 'static,
    ) -> Answer {
        let request = Request { operation, about, unknown };
        self.0.call(request, move |sim, fault| refusal(fault).and_then(|()| effect(sim))).await
    }
}

impl engine::Salesforce for SalesforcePort {
    /// There is always enough: what waits for more is the same code as what waits for an answer.
    fn usage(&self) -> Option<salesforce::ApiUsage> {
        None
    }

    async fn read(&self, queries: &[String]) -> Answer {
        let queries = queries.to_vec();
        let is_list = |query: &String| query.contains("SystemModstamp, Id LIMIT") || query.contains(" IN (");
        let operation = match &queries[..] {
            [first, ..] if first.contains("Stripe_Current_MRR__c") => Operation::ReadNaming,
            [_, second, ..] if second.contains(" FROM Case ") => Operation::ReadCase,
            [_, second, ..] if second.contains(" FROM Account ") => Operation::ReadBilling,
            [query] if query.contains(" Owner.Name") => Operation::ReadNames,
            [query] if is_list(query) => Operation::ListDeals,
            [_] => Operation::ReadBilling,
            _ => Operation::ReadDeal,
        };
        let about = queries.first().map(|query| id_in(query)).unwrap_or_default();
        let (number, deal) = (self.0.number, about.clone());
        self.call(operation, about, move |sim| {
            let mut models = sim.models.borrow_mut();
            if operation == Operation::ReadDeal {
                models.read_by(sim.now(), number, &deal);
                models.salesforce.note_is_read(&deal);
            }
            models.salesforce.read(sim.now(), &queries)
        })
        .await
    }

    /// Its user may edit whatever is written.
    async fn read_with_access(&self, queries: &[String], objects: &[&str]) -> Result<Answers, Error> {
        let records = self.read(queries).await?;
        let written = mapping::written(&self.0.sim.settings);
        let asked = written.into_iter().filter(|written| objects.contains(&written.object));
        let names = |written: mapping::Written| written.fields.iter().map(ToString::to_string).collect();
        Ok(Answers { records, editable: asked.map(|written| (written.object.to_owned(), names(written))).collect() })
    }

    async fn write(&self, updates: &[Update], read_back: &[String]) -> Answer {
        let (updates, read_back) = (updates.to_vec(), read_back.to_vec());
        let sets = |field: &str| updates.iter().any(|update| update.fields.contains_key(field));
        // The write-back of an invoice in the place of one that was paid says that it is not.
        let is_of_failure = updates.iter().any(|update| update.object == "Case" || update.id.contains("in_"));
        let operation = if is_of_failure {
            Operation::WriteCase
        } else if sets("Stripe_Invoice_URL__c") {
            Operation::WriteBack
        } else if sets("Payment_Received__c") {
            Operation::MarkPaid
        } else if sets("Stripe_Current_MRR__c") || sets("Subject") {
            Operation::WriteStanding
        } else {
            Operation::WriteNote
        };
        let about = updates.first().map(|update| update.id.clone()).unwrap_or_default();
        let (id, sent_at, number) = (about.clone(), self.0.sim.now(), self.0.number);
        self.call(operation, about, move |sim| {
            if !sim.holds_account_of(&id) {
                return Err(Error::Busy { error_code: "UNABLE_TO_LOCK_ROW".to_owned() });
            }
            let is_anothers = sim.table.borrow().is_run_of_another(&id, &format!("request{number}/"));
            let salesforce = &mut sim.models.borrow_mut().salesforce;
            if !matches!(operation, Operation::MarkPaid | Operation::WriteStanding | Operation::WriteCase) {
                salesforce.note_arrives(sim.now(), &id, sent_at, is_anothers);
            }
            salesforce.write(sim.now(), &updates, &read_back)
        })
        .await
    }
}
