//! Our writes: all records or none, and what is read back in the same call.

use domain::{AccountId, FieldValue, OpportunityId, Record};
use jiff::{SignedDuration, Timestamp};
use salesforce::{Error, Update};

use rust_decimal::Decimal;

use super::fields::contract_of;
use super::soql::Query;
use super::{Automation, Contract, Opportunity, Salesforce, Standing, refused};
use crate::model::{Violation, count};

/// A deal that is written this often is written for ever: the history is cut there, and fails.
const RUNAWAY: u32 = 300;

/// So long a client waits for an answer.
const GIVEN_UP_AFTER: SignedDuration = SignedDuration::from_secs(10);

/// What fits `Stripe_Sync_Error__c`, the longest of the fields that we write.
const LONGEST: usize = 2000;

impl Salesforce {
    pub fn write(
        &mut self,
        now: Timestamp,
        updates: &[Update],
        read_back: &[String],
    ) -> Result<Vec<Vec<Record>>, Error> {
        let mut found = Vec::with_capacity(updates.len());
        for update in updates {
            if self.is_found(now, update)? {
                found.push(update);
            }
        }
        for update in &found {
            self.check(now, update)?;
        }
        for update in found {
            match (OpportunityId::parse(&update.id), AccountId::parse(&update.id)) {
                (Ok(id), _) => self.update_opportunity(now, &id, update),
                (_, Ok(id)) => self.update_account(now, &id, update),
                _ if update.object == "Task" => self.write_task(now, update),
                _ if update.object == "Case" => self.write_case(now, update),
                _ => self.update_contract(update),
            }
        }
        // The reading counts the call.
        self.read(now, read_back)
    }

    /// A write that holds a note arrives; it was sent at this moment, by somebody whose run another may have taken over since.
    pub fn note_arrives(&mut self, now: Timestamp, id: &str, sent_at: Timestamp, is_anothers: bool) {
        if let Some(opportunity) = OpportunityId::parse(id).ok().and_then(|id| self.opportunities.get_mut(&id)) {
            let is_overtaken = opportunity.note_sent.is_some_and(|latest| sent_at < latest);
            opportunity.note_is_late = is_overtaken || is_anothers || now.duration_since(sent_at) > GIVEN_UP_AFTER;
            opportunity.note_sent = opportunity.note_sent.max(Some(sent_at));
        }
    }

    /// The deal's own run reads it, and sees what has become of the note.
    pub fn note_is_read(&mut self, id: &str) {
        if let Some(opportunity) = OpportunityId::parse(id).ok().and_then(|id| self.opportunities.get_mut(&id)) {
            opportunity.note_is_late = false;
        }
    }

    /// Whether what is to be written only where something holds is.
    fn is_found(&mut self, now: Timestamp, update: &Update) -> Result<bool, Error> {
        let Some(query) = &update.only_where else { return Ok(true) };
        let parsed = Query::parse(query).map_err(|why| self.refuse(now, query, why))?;
        let found = parsed.run(&self.rows(&parsed.object)).map_err(|why| self.refuse(now, query, why))?;
        Ok(found.first().is_some_and(|record| record.text("Id") == Some(update.id.as_str())))
    }

    fn check(&mut self, now: Timestamp, update: &Update) -> Result<(), Error> {
        let missing = || refused(404, "NOT_FOUND", "The requested resource does not exist");
        let automation = match update.object.as_str() {
            "Opportunity" => {
                let found = OpportunityId::parse(&update.id).ok().and_then(|id| self.opportunities.get(&id));
                found.filter(|opportunity| !opportunity.is_deleted).ok_or_else(missing)?.automation
            }
            "Account" => {
                let found = AccountId::parse(&update.id).ok().and_then(|id| self.accounts.get(&id));
                found.map(|_| Automation::None).ok_or_else(missing)?
            }
            "Contract" => self.with_contract(&update.id).map(|_| Automation::None).ok_or_else(missing)?,
            "Task" | "Case" => self.check_case(update).map(|()| Automation::None)?,
            _ => return Err(missing()),
        };
        for (field, value) in &update.fields {
            if !is_ours(&update.object, field, value) {
                let detail = format!("{} {}.{field} is not ours to write like that", update.id, update.object);
                self.violations.push(Violation::new(now, "only_our_fields_are_written", detail));
                return Err(refused(400, "INVALID_FIELD", "no such column, or not of this type"));
            }
        }
        match automation {
            Automation::Refuses => Err(refused(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "The deal is locked.")),
            Automation::None | Automation::ChangesNote | Automation::DropsLink => Ok(()),
        }
    }

    fn update_opportunity(&mut self, now: Timestamp, id: &OpportunityId, update: &Update) {
        let Some(mut opportunity) = self.opportunities.get(id).cloned() else {
            return;
        };
        let before = opportunity.clone();
        for (field, value) in &update.fields {
            set(&mut opportunity, field, value);
        }
        opportunity.our_writes += 1;
        assert!(opportunity.our_writes < RUNAWAY, "{id} is written for ever");
        opportunity.modified = now;
        let has_changed = shown(&before) != shown(&opportunity) || before.standing != opportunity.standing;
        if has_changed {
            self.tell(now, id, true);
        } else {
            opportunity.idle_writes += 1;
            count(&mut self.facts, "an unchanged record was written");
        }
        self.watch(now, &before, &opportunity);
        self.opportunities.insert(id.clone(), opportunity);
    }

    /// What a write of ours must never do.
    fn watch(&mut self, now: Timestamp, before: &Opportunity, after: &Opportunity) {
        let mut violate = |rule, detail| self.violations.push(Violation::new(now, rule, detail));
        if before.payment_received && !after.payment_received {
            let replaced = before.invoice_id.as_ref().is_some_and(|named| self.voided.contains(named));
            // The write that names the one in its place, or one between the two, is under way for long, and the payment is known by now.
            let names_given_up = after.invoice_id.as_ref().is_some_and(|named| self.voided.contains(named));
            let is_late = before.invoice_id == after.invoice_id || names_given_up;
            match self.credits && (replaced || is_late) {
                true => count(
                    &mut self.facts,
                    if replaced { "a credited payment was unmarked" } else { "a payment was unmarked late" },
                ),
                false => violate("a_payment_is_never_taken_back", format!("{} is not paid any more", before.id)),
            }
        }
        match (&before.invoice_id, &after.invoice_id) {
            (Some(old), Some(_)) if self.voided.contains(old) => {}
            // What is written late must not stand for long.
            (Some(_), Some(new)) if self.voided.contains(new) => {
                count(&mut self.facts, "a void invoice was named late")
            }
            (Some(old), new) if new.as_ref() != Some(old) && !before.invoice_named_by_hand => {
                let new = new.as_deref().unwrap_or("none");
                violate("a_named_invoice_is_never_replaced", format!("{}: {old} became {new}", before.id));
            }
            _ => {}
        }
    }

    fn with_contract(&mut self, id: &str) -> Option<&mut Opportunity> {
        let mut there = self.opportunities.values_mut().filter(|one| !one.is_deleted);
        there.find(|one| one.contract != Contract::NotNeeded && contract_of(&one.id).as_str() == id)
    }

    fn update_contract(&mut self, update: &Update) {
        let Some(opportunity) = self.with_contract(&update.id) else { unreachable!("it was found a moment ago") };
        let names = &mut opportunity.contract_names;
        for (field, value) in &update.fields {
            match field.as_str() {
                "Stripe_Subscription_Id__c" => names.subscription_id = text_of(value),
                "Renewal_Stripe_Sub_Id__c" => names.renewal_id = text_of(value),
                name if set_standing(&mut names.standing, name, value) => {}
                _ => names.mrr = number_of(value),
            }
        }
    }

    fn update_account(&mut self, now: Timestamp, id: &AccountId, update: &Update) {
        if let Some(account) = self.accounts.get_mut(id) {
            for value in update.fields.values() {
                account.stripe_customer_id = text_of(value);
                account.modified = now;
            }
        }
    }
}

/// Which fields we write, and what they take.
fn is_ours(object: &str, field: &str, value: &FieldValue) -> bool {
    let is_text = match value {
        FieldValue::Text(text) => text.chars().count() <= LONGEST,
        FieldValue::Null => true,
        FieldValue::Number(_) | FieldValue::Boolean(_) => false,
    };
    let is_day = |value: &FieldValue| match value {
        FieldValue::Text(text) => text.parse::<jiff::civil::Date>().is_ok(),
        _ => false,
    };
    match (object, field) {
        ("Opportunity" | "Account", "Stripe_Customer_Id__c") => is_text,
        (
            "Opportunity",
            "Stripe_Invoice_Id__c"
            | "Stripe_Invoice_URL__c"
            | "Stripe_Invoice_PDF__c"
            | "Stripe_Subscription_Id__c"
            | "Renewal_Stripe_Sub_Id__c"
            | "Stripe_Sync_Status__c"
            | "Stripe_Invoice_Status__c"
            | "Stripe_Sync_Error__c",
        ) => is_text,
        ("Contract", "Stripe_Subscription_Id__c" | "Renewal_Stripe_Sub_Id__c") => is_text,
        ("Opportunity" | "Contract", "Stripe_MRR__c") => matches!(value, FieldValue::Number(_)),
        ("Opportunity" | "Contract", "Stripe_Subscription_Status__c" | "Stripe_Cancellation_Reason__c") => is_text,
        ("Opportunity" | "Contract", "Stripe_Current_MRR__c") => {
            matches!(value, FieldValue::Number(_) | FieldValue::Null)
        }
        ("Opportunity" | "Contract", "Stripe_Period_End__c") => is_day(value) || *value == FieldValue::Null,
        ("Opportunity", "Payment_Received__c" | "Stripe_Payment_Disputed__c") => {
            matches!(value, FieldValue::Boolean(_))
        }
        ("Task", "Subject" | "Description" | "WhatId" | "OwnerId" | "Status") => is_text,
        ("Case", "Subject" | "Description" | "Priority" | "AccountId" | "OwnerId" | "Status") => is_text,
        ("Task", "ActivityDate") => is_day(value),
        ("Opportunity", "Paid_Date__c") => is_day(value) || *value == FieldValue::Null,
        (
            "Opportunity",
            "Stripe_Amount_Paid__c"
            | "Stripe_Amount_Remaining__c"
            | "Stripe_Amount_Credited__c"
            | "Stripe_Amount_Refunded__c",
        ) => {
            matches!(value, FieldValue::Number(_) | FieldValue::Null)
        }
        _ => false,
    }
}

pub(super) fn text_of(value: &FieldValue) -> Option<String> {
    match value {
        FieldValue::Text(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        _ => None,
    }
}

fn number_of(value: &FieldValue) -> Option<Decimal> {
    match value {
        FieldValue::Number(number) => Some(*number),
        _ => None,
    }
}

fn set(opportunity: &mut Opportunity, field: &str, value: &FieldValue) {
    match field {
        "Stripe_Customer_Id__c" => opportunity.customer_id = text_of(value),
        "Stripe_Invoice_Id__c" => opportunity.invoice_id = text_of(value),
        "Stripe_Invoice_URL__c" if opportunity.automation == Automation::DropsLink => {}
        "Stripe_Invoice_URL__c" => opportunity.invoice_url = text_of(value),
        "Stripe_Invoice_PDF__c" => opportunity.invoice_pdf = text_of(value),
        "Stripe_Subscription_Id__c" => opportunity.subscription_id = text_of(value),
        "Stripe_MRR__c" => opportunity.mrr = number_of(value),
        "Renewal_Stripe_Sub_Id__c" => opportunity.renewal_id = text_of(value),
        "Stripe_Sync_Status__c" => opportunity.sync_code = text_of(value),
        "Stripe_Sync_Error__c" if opportunity.automation == Automation::ChangesNote => {
            opportunity.sync_message = text_of(value).map(|text| format!("{text} (see the wiki)"));
        }
        "Stripe_Sync_Error__c" => opportunity.sync_message = text_of(value),
        "Payment_Received__c" => opportunity.payment_received = *value == FieldValue::Boolean(true),
        "Paid_Date__c" => opportunity.paid_date = text_of(value),
        "Stripe_Invoice_Status__c" => opportunity.invoice_standing.status = text_of(value),
        "Stripe_Amount_Credited__c" => opportunity.invoice_standing.credited = number_of(value),
        "Stripe_Amount_Refunded__c" => opportunity.invoice_standing.refunded = number_of(value),
        "Stripe_Payment_Disputed__c" => {
            opportunity.invoice_standing.is_disputed = *value == FieldValue::Boolean(true);
        }
        "Stripe_Amount_Paid__c" => opportunity.amount_paid = number_of(value),
        "Stripe_Amount_Remaining__c" => opportunity.amount_remaining = number_of(value),
        _ => {
            set_standing(&mut opportunity.standing, field, value);
        }
    }
}

/// Whether it is one of these fields.
fn set_standing(standing: &mut Standing, field: &str, value: &FieldValue) -> bool {
    match field {
        "Stripe_Subscription_Status__c" => standing.status = text_of(value),
        "Stripe_Current_MRR__c" => standing.monthly = number_of(value),
        "Stripe_Period_End__c" => standing.period_end = text_of(value),
        "Stripe_Cancellation_Reason__c" => standing.cancellation = text_of(value),
        _ => return false,
    }
    true
}

/// The fields that we write.
fn shown(opportunity: &Opportunity) -> [Option<&str>; 9] {
    [
        opportunity.customer_id.as_deref(),
        opportunity.invoice_id.as_deref(),
        opportunity.invoice_url.as_deref(),
        opportunity.invoice_pdf.as_deref(),
        opportunity.subscription_id.as_deref(),
        opportunity.sync_code.as_deref(),
        opportunity.sync_message.as_deref(),
        opportunity.payment_received.then_some("true"),
        opportunity.paid_date.as_deref(),
    ]
}
