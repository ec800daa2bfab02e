//! Where an organization keeps what the product reads by other names: what it reads is calculated from the records as they are.

use std::collections::BTreeSet;

use domain::{FieldValue, Record};
use rules::{Expression, FieldRead, Inputs, Value};

use crate::deal::RecordQuery;
use crate::{Code, Deal, Stop};

/// The variables of expressions, as the configuration writes them.
pub const OPPORTUNITY: &str = "opportunity";
pub const ACCOUNT: &str = "account";
pub const LINE: &str = "line";
pub const PRODUCT: &str = "product";
pub const LINES: &str = "lines";

/// Where the account's fields stand in an opportunity's record.
pub(crate) const THROUGH_OPPORTUNITY: &str = "Account.";

/// A field that the product reads, and what is read in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its path in the record: `Account.Billing_Email__c`.
    pub field: &'static str,
    /// As the configuration calls it: `customer.email`.
    pub key: String,
    pub by: Expression,
}

/// All of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lens {
    /// Of the opportunity itself.
    pub deal: Vec<Seen>,
    /// Of its account. These know nothing of the opportunity: an account is read by itself, too.
    pub customer: Vec<Seen>,
    /// Of each line, by its own fields and its product's, the opportunity's and the account's.
    pub line: Vec<Seen>,
    /// What rules and conditions read beside that, of the opportunity with its account, and of the lines.
    pub read: Vec<FieldRead>,
}

impl Lens {
    /// What of an opportunity and its account is read: this in place of what is seen otherwise, and what is needed for that.
    pub(crate) fn of_opportunity(&self, mut query: RecordQuery) -> RecordQuery {
        let seen = || self.deal.iter().chain(&self.customer);
        let reads = seen().chain(&self.line).flat_map(|seen| seen.by.fields()).chain(&self.read);
        let reads: BTreeSet<_> = reads.filter(|read| is_of_deal(read)).map(|read| read.record_path.clone()).collect();
        replaced(&mut query, seen(), reads);
        query
    }

    /// The same of many at once, which are read without their lines.
    pub(crate) fn of_opportunities(&self, mut query: RecordQuery) -> RecordQuery {
        let is_read = query.fields.clone();
        let of_deal = || self.deal.iter().filter(|seen| is_read.contains(&seen.field));
        let reads = of_deal().flat_map(|seen| seen.by.fields()).chain(&self.read);
        let reads: BTreeSet<_> = reads.filter(|read| is_of_deal(read)).map(|read| read.record_path.clone()).collect();
        replaced(&mut query, of_deal(), reads);
        query
    }

    /// The same of accounts that are read by themselves.
    pub(crate) fn of_account(&self, mut query: RecordQuery) -> RecordQuery {
        let by_itself = |path: &str| path.trim_start_matches(THROUGH_OPPORTUNITY).to_owned();
        let reads: BTreeSet<_> =
            self.customer.iter().flat_map(|seen| seen.by.fields()).map(|read| by_itself(&read.record_path)).collect();
        query.fields.retain(|field| !self.customer.iter().any(|seen| by_itself(seen.field) == *field));
        add(&mut query, reads);
        query
    }

    pub(crate) fn of_lines(&self, mut query: RecordQuery) -> RecordQuery {
        let reads = self.line.iter().flat_map(|seen| seen.by.fields()).chain(&self.read);
        let reads: BTreeSet<_> = reads.filter(|read| !is_of_deal(read)).map(|read| read.record_path.clone()).collect();
        replaced(&mut query, self.line.iter(), reads);
        query
    }

    /// The deal as the product reads it. What cannot be decided is a reason against it.
    pub fn through(&self, deal: Deal) -> Deal {
        if self.deal.is_empty() && self.customer.is_empty() && self.line.is_empty() {
            return deal;
        }
        let (mut undecided_itself, mut undecided) = (deal.undecided_itself.clone(), deal.undecided.clone());
        let raw = &deal.opportunity;
        let of_deal = || Inputs::default().record(OPPORTUNITY, raw).record(ACCOUNT, raw);
        let lines = deal.lines.iter().enumerate().map(|(index, line)| {
            let inputs = of_deal().record(LINE, line).record(PRODUCT, line);
            let place = format!(" of line {}", index + 1);
            look(line, &self.line, &inputs, &place, &mut undecided)
        });
        let lines: Vec<_> = lines.collect();
        let opportunity = look(raw, &self.deal, &of_deal(), "", &mut undecided_itself);
        let opportunity = look(&opportunity, &self.customer, &of_deal(), "", &mut undecided);
        Deal { opportunity, lines, undecided_itself, undecided, ..deal }
    }

    /// An opportunity that was read without its lines.
    pub(crate) fn opportunity(&self, record: &Record) -> (Record, Vec<Stop>) {
        let mut undecided = Vec::new();
        let inputs = Inputs::default().record(OPPORTUNITY, record).record(ACCOUNT, record);
        let read: Vec<_> = self.deal.iter().filter(|seen| is_there(record, seen)).cloned().collect();
        (look(record, &read, &inputs, "", &mut undecided), undecided)
    }

    /// An account that was read by itself, with its fields where an opportunity's record has them.
    pub(crate) fn account(&self, record: &Record) -> (Record, Vec<Stop>) {
        let mut undecided = Vec::new();
        let inputs = Inputs::default().record(ACCOUNT, record);
        (look(record, &self.customer, &inputs, "", &mut undecided), undecided)
    }
}

/// Whether a field is one of the opportunity's record, and not of a line's.
fn is_of_deal(read: &FieldRead) -> bool {
    matches!(read.variable.as_str(), OPPORTUNITY | ACCOUNT)
}

/// Everything that it needs was read, if anything of it was.
fn is_there(record: &Record, seen: &Seen) -> bool {
    seen.by.fields().all(|read| record.get(&read.record_path).is_some())
}

fn replaced<'a>(query: &mut RecordQuery, seen: impl Iterator<Item = &'a Seen> + Clone, reads: BTreeSet<String>) {
    query.fields.retain(|field| !seen.clone().any(|seen| seen.field == *field));
    add(query, reads);
}

/// A field that is asked for twice is a query that fails.
fn add(query: &mut RecordQuery, reads: BTreeSet<String>) {
    let is_new = |path: &String| !query.fields.iter().any(|field| field == path) && !query.also.contains(path);
    let new: Vec<_> = reads.into_iter().filter(is_new).collect();
    query.also.extend(new);
}

fn look(record: &Record, seen: &[Seen], inputs: &Inputs<'_>, place: &str, undecided: &mut Vec<Stop>) -> Record {
    let mut looked = record.clone();
    for one in seen {
        let value = match one.by.evaluate(inputs) {
            Ok(value) => field_value(value),
            Err(why) => {
                let message = format!("{}{place} comes to nothing: {why}", one.key);
                undecided.push(Stop::refused(Code::RuleUndecided, message));
                FieldValue::Null
            }
        };
        looked.set(one.field, value);
    }
    looked
}

/// As Salesforce would have written it.
fn field_value(value: Value) -> FieldValue {
    match value {
        Value::Null => FieldValue::Null,
        Value::Text(text) => FieldValue::Text(text),
        Value::Number(number) => FieldValue::Number(number),
        Value::Boolean(flag) => FieldValue::Boolean(flag),
        Value::Date(date) => FieldValue::Text(date.to_string()),
        Value::DateTime(at) => FieldValue::Text(at.to_string()),
    }
}
