//! Cases and tasks: what somebody is to look after. They are made by what they are about, so there is one of each.

use domain::FieldValue;
use jiff::Timestamp;
use salesforce::{Error, Update};

use super::fields::{OWNER, optional, text};
use super::writes::text_of;
use super::{Salesforce, refused};
use crate::model::Violation;

/// More than the looks at any of them.
const MOST_WRITES: u32 = 40;

#[derive(Debug, Clone, Default)]
pub struct Case {
    pub description: Option<String>,
    pub priority: Option<String>,
    pub is_closed: bool,
    pub is_closed_by_hand: bool,
    pub made_at: Option<Timestamp>,
    writes: u32,
}

#[derive(Debug, Clone)]
pub struct Task {
    pub made_at: Timestamp,
    pub is_closed: bool,
    writes: u32,
}

pub(super) fn case_id(about: &str) -> String {
    format!("500{about}")
}

pub(super) fn task_id(about: &str) -> String {
    format!("00T{about}")
}

impl Case {
    pub(super) fn field(&self, about: &str, path: &str) -> Option<FieldValue> {
        Some(match path {
            "Id" => text(case_id(about)),
            "Stripe_Invoice_Id__c" => text(about),
            "IsClosed" => FieldValue::Boolean(self.is_closed),
            "Status" => text(if self.is_closed { "Closed" } else { "New" }),
            "Description" => optional(self.description.as_ref()),
            "Priority" => optional(self.priority.as_ref()),
            "OwnerId" => text(OWNER),
            "Owner.IsActive" => FieldValue::Boolean(true),
            // Of the rest of what it says nothing is kept.
            "Subject" | "AccountId" => FieldValue::Null,
            _ => return None,
        })
    }
}

impl Task {
    pub(super) fn field(&self, about: &str, path: &str) -> Option<FieldValue> {
        Some(match path {
            "Id" => text(task_id(about)),
            "Stripe_Id__c" => text(about),
            "IsClosed" => FieldValue::Boolean(self.is_closed),
            "Status" => text(if self.is_closed { "Completed" } else { "Not Started" }),
            // Of what it says nothing is kept.
            "Subject" | "Description" | "WhatId" | "ActivityDate" | "OwnerId" => FieldValue::Null,
            _ => return None,
        })
    }
}

impl Salesforce {
    pub fn cases(&self) -> impl Iterator<Item = (&str, &Case)> {
        self.cases.iter().map(|(about, case)| (about.as_str(), case))
    }

    pub fn case(&self, about: &str) -> Option<&Case> {
        self.cases.get(about)
    }

    pub fn tasks(&self) -> impl Iterator<Item = (&str, &Task)> {
        self.tasks.iter().map(|(about, task)| (about.as_str(), task))
    }

    pub fn close_case_by_hand(&mut self, about: &str) -> bool {
        let case = self.cases.get_mut(about).filter(|case| !case.is_closed);
        let Some(case) = case else { return false };
        (case.is_closed, case.is_closed_by_hand) = (true, true);
        true
    }

    /// Whether there is such a thing, or it may be made.
    pub(super) fn check_case(&self, update: &Update) -> Result<(), Error> {
        let is_there = match (update.object.as_str(), update.external_id.as_deref()) {
            ("Case", Some("Stripe_Invoice_Id__c")) | ("Task", Some("Stripe_Id__c")) => true,
            ("Case", None) => self.cases.keys().any(|about| case_id(about) == update.id),
            ("Task", None) => self.tasks.keys().any(|about| task_id(about) == update.id),
            _ => false,
        };
        if is_there { Ok(()) } else { Err(refused(404, "NOT_FOUND", "The requested resource does not exist")) }
    }

    pub(super) fn write_case(&mut self, now: Timestamp, update: &Update) {
        let about = update.id.trim_start_matches("500").to_owned();
        let case = self.cases.entry(about.clone()).or_default();
        case.writes += 1;
        case.made_at.get_or_insert(now);
        let is_written_for_ever = case.writes > MOST_WRITES;
        for (field, value) in &update.fields {
            match field.as_str() {
                "Description" => case.description = text_of(value),
                "Priority" => case.priority = text_of(value),
                "Status" => case.is_closed = text_of(value).as_deref() == Some("Closed"),
                _ => {}
            }
        }
        self.watch_writes(now, &about, is_written_for_ever);
    }

    pub(super) fn write_task(&mut self, now: Timestamp, update: &Update) {
        let about = update.id.trim_start_matches("00T").to_owned();
        let task = self.tasks.entry(about.clone()).or_insert(Task { made_at: now, is_closed: false, writes: 0 });
        task.writes += 1;
        let is_written_for_ever = task.writes > 5;
        if let Some(status) = update.fields.iter().find(|(field, _)| *field == "Status") {
            task.is_closed = text_of(status.1).as_deref() == Some("Completed");
        }
        self.watch_writes(now, &about, is_written_for_ever);
    }

    fn watch_writes(&mut self, now: Timestamp, about: &str, is_written_for_ever: bool) {
        if is_written_for_ever {
            let detail = format!("what is about {about} is written again and again");
            self.violations.push(Violation::new(now, "writes_are_bounded", detail));
        }
    }
}
