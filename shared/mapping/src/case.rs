//! What becomes of an invoice that Stripe could not collect: a case in Salesforce, and a task where it is unpaid still after a while.

mod care;
mod words;

pub use care::{Care, CasePolicy};
use domain::{InvoiceId, Money, OpportunityId, Record};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::Settings;
use crate::afterwards::reading;
use crate::customer::cut;
use crate::deal::{Filter, RecordQuery};
use crate::task::{STRIPE_ID, TASK};
use crate::update::{INVOICE_ID, Update, text};

const CASE: &str = "Case";
pub const IS_CLOSED: &str = "IsClosed";

const LINK: &str = " The customer can pay here: ";

const MEDIUM: &str = "Medium";
const HIGH: &str = "High";

/// The prefix of a user's id. What a queue owns has no owner who could have left.
const USER: &str = "005";

/// How the collection of an invoice of ours stands.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub invoice_id: InvoiceId,
    /// The deal that it bills.
    pub opportunity_id: OpportunityId,
    pub dues: Dues,
    pub remaining: Money,
    /// Stripe's own.
    pub attempts: u32,
    pub next_attempt: Option<Timestamp>,
    pub number: Option<String>,
    pub page: Option<String>,
    pub reason: Option<String>,
    /// The day on which it was due, where that has gone by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_on: Option<Date>,
    /// What else there is to know of how it is looked after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

/// Whoever has the hosted page's address sees the invoice and the customer's name, so it is left out.
impl std::fmt::Debug for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Failure")
            .field("invoice_id", &self.invoice_id)
            .field("dues", &self.dues)
            .field("remaining", &self.remaining)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dues {
    /// Somebody is to pay it.
    Open,
    /// Nobody is expected to any more. Somebody may all the same.
    GivenUp,
    /// It is paid, or void: nothing is due, for ever.
    Settled,
    /// It is not sent, or in a state that is not known.
    Unknown,
}

impl Dues {
    pub fn is_unpaid(self) -> bool {
        matches!(self, Self::Open | Self::GivenUp)
    }
}

/// What Salesforce has about it, as it was just read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaseSeen {
    pub opportunity: Option<Record>,
    pub case: Option<Record>,
    pub task: Option<Record>,
    /// Why what rules ask of the opportunity could not be read.
    pub unread: Option<String>,
}

impl CaseSeen {
    /// Each query with its answer.
    pub fn of(answers: impl IntoIterator<Item = (RecordQuery, Vec<Record>)>, unread: Option<String>) -> Self {
        let mut seen = Self { unread, ..Self::default() };
        for (query, records) in answers {
            let first = records.into_iter().next();
            match query.object {
                CASE => seen.case = first,
                TASK => seen.task = first,
                _ => seen.opportunity = first,
            }
        }
        seen
    }
}

/// What is known of what was made before, whether it is there still or not: what a person takes away stays away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Had {
    pub case: bool,
    pub task: bool,
    /// The case's priority was raised. It is raised once.
    pub raised: bool,
    /// Whom the case was given to last. Who has it otherwise was given it by a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<String>,
}

/// What is to be done in Salesforce.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dunning {
    pub case: Option<CaseStep>,
    pub task: Option<TaskStep>,
    /// Who has the case, or is given it, where Salesforce does not take the queue that a rule names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub else_to: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseStep {
    Open {
        account_id: Option<String>,
        owner_id: Option<String>,
        is_high: bool,
    },
    /// Its owner only where that one has left.
    Change {
        case_id: String,
        owner_id: Option<String>,
        raises: bool,
    },
    Close {
        case_id: String,
        status: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStep {
    Make { about: String, owner_id: Option<String> },
    Close { task_id: String },
}

impl Dunning {
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// A case that is refused for whom it was to be given to (who has left a moment ago, or may not have cases), given to another: instead of a
    /// rule's queue to whoever has it without the rule, and instead of a person to the queue.
    pub fn given_on(&self, settings: &Settings) -> Option<Self> {
        let mut given = self.clone();
        let next = given.else_to.take().or_else(|| {
            let queue_id = settings.payment_cases.as_ref()?.queue_id.as_ref();
            queue_id.map(ToString::to_string)
        });
        let next = next?;
        let is_new = |owner_id: &&mut Option<String>| owner_id.as_ref().is_some_and(|owner_id| *owner_id != next);
        let owner_id = match given.case.as_mut()? {
            CaseStep::Open { owner_id, .. } | CaseStep::Change { owner_id, .. } => Some(owner_id).filter(is_new)?,
            CaseStep::Close { .. } => return None,
        };
        *owner_id = Some(next);
        Some(given)
    }

    /// What has been made, once it is done.
    pub fn done(&self, had: Had) -> Had {
        let raises = match &self.case {
            Some(CaseStep::Open { is_high, .. }) => *is_high,
            Some(CaseStep::Change { raises, .. }) => *raises,
            _ => false,
        };
        let given = match &self.case {
            Some(CaseStep::Open { owner_id, .. } | CaseStep::Change { owner_id, .. }) => owner_id.clone(),
            _ => None,
        };
        Had {
            case: had.case || self.case.is_some(),
            task: had.task || self.task.is_some(),
            raised: had.raised || raises,
            owner_id: given.or(had.owner_id),
        }
    }
}

impl Failure {
    /// The opportunity with whoever answers for its account, the case and the task.
    pub fn queries(&self, settings: &Settings) -> Vec<RecordQuery> {
        let one = |object, fields, field, id: String| RecordQuery {
            object,
            fields,
            also: vec![],
            filter: vec![(field, Filter::Is(id))],
            order_by: vec![],
            limit: Some(1),
        };
        let opportunity = one("Opportunity", vec!["Id", "AccountId"], "Id", self.opportunity_id.to_string());
        let opportunity = settings.owners.reading(opportunity);
        let case = vec!["Id", IS_CLOSED, "Description", "Priority", "OwnerId", "Owner.IsActive"];
        vec![
            opportunity,
            one(CASE, case, INVOICE_ID, self.invoice_id.to_string()),
            one(TASK, vec!["Id", IS_CLOSED], STRIPE_ID, self.invoice_id.to_string()),
        ]
    }

    /// The same with what rules ask of the opportunity.
    pub fn asking(&self, settings: &Settings) -> Vec<RecordQuery> {
        let rules = settings.payment_cases.as_ref().map(|policy| policy.rules.as_slice()).unwrap_or_default();
        let mut queries = self.queries(settings);
        queries[0] = reading(queries[0].clone(), rules, &settings.lens);
        queries
    }

    /// What is to be done, so that Salesforce says how it stands. What a person closed, or took away, stays so.
    pub fn dunning(&self, seen: &CaseSeen, had: &Had, is_follow_up_due: bool, care: &Care) -> Dunning {
        let id = |record: &Record| record.text("Id").map(str::to_owned);
        let is_open = |record: &&Record| !record.is_true(IS_CLOSED);
        let (case, task) = (seen.case.as_ref(), seen.task.as_ref());
        if self.dues == Dues::Settled {
            let status = care.closed_status.clone();
            return Dunning {
                case: case.filter(is_open).and_then(id).map(|case_id| CaseStep::Close { case_id, status }),
                task: task.filter(is_open).and_then(id).map(|task_id| TaskStep::Close { task_id }),
                else_to: None,
            };
        }
        if !self.dues.is_unpaid() || care.ruled.skipped.is_some() {
            return Dunning::default();
        }
        let deal = seen.opportunity.as_ref();
        let asks = is_follow_up_due && !had.task && task.is_none();
        let task = deal.filter(|_| asks).map(|deal| TaskStep::Make {
            about: case.and_then(id).unwrap_or_else(|| self.opportunity_id.to_string()),
            owner_id: works_still(case).or(care.owners.answers_for(deal)).map(str::to_owned),
        });
        let case = match case {
            None => deal.filter(|_| !had.case).map(|deal| self.opened(deal, care)),
            Some(case) => Some(case).filter(is_open).and_then(|case| self.changed(case, deal, had, care)),
        };
        let else_to = match (&case, seen.case.as_ref(), deal) {
            (Some(CaseStep::Open { owner_id: Some(_), .. }), _, Some(deal)) if care.first_queue_id.is_some() => {
                given_without_rule(deal, care)
            }
            (Some(CaseStep::Change { owner_id: Some(_), .. }), Some(case), Some(deal))
                if care.first_queue_id.is_some() =>
            {
                match has_left(case) {
                    true => given_without_rule(deal, care),
                    false => case.text("OwnerId").map(str::to_owned),
                }
            }
            _ => None,
        };
        Dunning { case, task, else_to }
    }

    fn opened(&self, deal: &Record, care: &Care) -> CaseStep {
        CaseStep::Open {
            account_id: deal.text("AccountId").map(str::to_owned),
            owner_id: given_to(deal, care),
            is_high: self.is_high(care),
        }
    }

    fn changed(&self, case: &Record, deal: Option<&Record>, had: &Had, care: &Care) -> Option<CaseStep> {
        let raises = self.is_high(care) && !had.raised && case.text("Priority") == Some(MEDIUM);
        // A rule may come to hold with a later attempt. Whom a person gave it to keeps it.
        let has_it = case.text("OwnerId").filter(|owner_id| had.owner_id.as_deref() == Some(*owner_id));
        let moves = care.first_queue_id.as_ref().zip(has_it).map(|(queue_id, has_it)| (queue_id.to_string(), has_it));
        let owner_id = match deal.filter(|_| has_left(case)) {
            Some(deal) => given_to(deal, care),
            None => moves.and_then(|(queue_id, has_it)| (queue_id != has_it).then_some(queue_id)),
        };
        // Stripe may show the same page under another address each time that it is asked.
        let before_link = |said: &str| said.split(LINK).next().unwrap_or_default().trim().to_owned();
        let is_told = case.text("Description").map(before_link) == Some(before_link(&self.description()));
        let case_id = case.text("Id")?.to_owned();
        (!is_told || raises || owner_id.is_some()).then_some(CaseStep::Change { case_id, owner_id, raises })
    }

    fn is_high(&self, care: &Care) -> bool {
        self.attempts >= care.high_from_attempt
    }

    /// A task is due on that day. What comes late, from a process that stood still, changes nothing that is closed.
    pub fn updates(&self, dunning: &Dunning, day: Date) -> Vec<Update> {
        let case = dunning.case.as_ref().map(|step| self.case(step));
        let task = dunning.task.as_ref().map(|step| self.task(step, day));
        case.into_iter().chain(task).collect()
    }

    fn case(&self, step: &CaseStep) -> Update {
        match step {
            CaseStep::Open { account_id, owner_id, is_high } => {
                let fields = [
                    ("Subject", text(cut(&self.subject(), 255))),
                    ("Description", text(self.description())),
                    ("Priority", text(if *is_high { HIGH } else { MEDIUM })),
                ];
                let mut case = Update::once(CASE, INVOICE_ID, &self.invoice_id, fields);
                case.fields.extend(account_id.as_ref().map(|account_id| ("AccountId", text(account_id))));
                case.fields.extend(owner_id.as_ref().map(|owner_id| ("OwnerId", text(owner_id))));
                case
            }
            CaseStep::Change { case_id, owner_id, raises } => {
                let mut case = while_open(CASE, case_id, ("Description", text(self.description())));
                case.fields.extend(raises.then(|| ("Priority", text(HIGH))));
                case.fields.extend(owner_id.as_ref().map(|owner_id| ("OwnerId", text(owner_id))));
                case
            }
            CaseStep::Close { case_id, status } => while_open(CASE, case_id, ("Status", text(status))),
        }
    }

    fn task(&self, step: &TaskStep, day: Date) -> Update {
        match step {
            TaskStep::Make { about, owner_id } => {
                let fields = [
                    ("Subject", text(cut(&format!("Stripe invoice {} is unpaid still", self.name()), 255))),
                    ("Description", text(self.description())),
                    ("WhatId", text(about)),
                    ("ActivityDate", text(day)),
                ];
                let mut task = Update::once(TASK, STRIPE_ID, &self.invoice_id, fields);
                task.fields.extend(owner_id.as_ref().map(|owner_id| ("OwnerId", text(owner_id))));
                task
            }
            TaskStep::Close { task_id } => while_open(TASK, task_id, ("Status", text("Completed"))),
        }
    }
}

/// Written only where it is not closed when the write arrives, however late that is.
fn while_open(object: &'static str, id: &str, field: (&'static str, domain::FieldValue)) -> Update {
    let mut update = Update::new(object, id, [field]);
    update.also_read = vec!["Id", IS_CLOSED];
    update.only_where = vec![(IS_CLOSED, Filter::IsFalse)];
    update
}

/// The queue that a rule names; else whoever answers for the account; else the queue; else the opportunity's owner. If there is nobody,
/// Salesforce takes whoever writes.
fn given_to(deal: &Record, care: &Care) -> Option<String> {
    let first = care.first_queue_id.as_ref().map(ToString::to_string);
    first.or_else(|| given_without_rule(deal, care))
}

fn given_without_rule(deal: &Record, care: &Care) -> Option<String> {
    let account = care.owners.of_account(deal).map(str::to_owned);
    let queue = || care.queue_id.as_ref().map(ToString::to_string);
    account.or_else(queue).or_else(|| care.owners.answers_for(deal).map(str::to_owned))
}

/// A case of somebody who has left can be edited by nobody but an administrator: `INACTIVE_OWNER_OR_USER`.
fn has_left(case: &Record) -> bool {
    let is_users = case.text("OwnerId").is_some_and(|owner_id| owner_id.starts_with(USER));
    is_users && case.get("Owner.IsActive") == Some(&domain::FieldValue::Boolean(false))
}

/// The user who has the case, if one has it and works there still.
fn works_still(case: Option<&Record>) -> Option<&str> {
    let owner_id = case?.text("OwnerId").filter(|owner_id| owner_id.starts_with(USER))?;
    case?.is_true("Owner.IsActive").then_some(owner_id)
}

#[cfg(test)]
pub(crate) mod tests;
