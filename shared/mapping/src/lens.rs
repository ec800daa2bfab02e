//! Where an organization keeps what the product reads by other names: what it reads is calculated from the records as they are.

use std::collections::BTreeSet;

use domain::{FieldValue, Record};
use rules::{Expression, FieldRead, Inputs, Value};

use crate::deal::RecordQuery;
use crate::{Code, Deal, FieldNames, Stop};

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
    /// What the fields are called that are written.
    pub names: FieldNames,
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
        let fields = query.fields.clone();
        let seen: Vec<_> = self.counted(&fields).collect();
        let reads = needed(&seen, &self.read);
        replaced(&mut query, seen.iter().copied(), reads);
        query
    }

    /// An opportunity with what these reads ask of it beside what it is read for.
    pub(crate) fn asking(&self, mut query: RecordQuery, reads: &[FieldRead]) -> RecordQuery {
        let seen: Vec<_> = self.asked(reads).collect();
        add(&mut query, needed(&seen, reads));
        query
    }

    /// Such an opportunity as these reads see it, and why not.
    pub(crate) fn asked_of(&self, record: &Record, reads: &[FieldRead]) -> (Record, Vec<Stop>) {
        without_lines(record, self.asked(reads))
    }

    /// Of the opportunity and its account, what is seen otherwise of what these ask for.
    fn asked<'a>(&'a self, reads: &'a [FieldRead]) -> impl Iterator<Item = &'a Seen> {
        self.deal.iter().chain(&self.customer).filter(|seen| is_asked(reads, seen.field, is_of_deal))
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
            let (asked, others) = self
                .line
                .iter()
                .partition::<Vec<_>, _>(|seen| is_asked(&self.read, seen.field, |read| !is_of_deal(read)));
            let line = look(line, asked.into_iter(), &inputs, &place, &mut undecided_itself);
            look(&line, others.into_iter(), &inputs, &place, &mut undecided)
        });
        let lines: Vec<_> = lines.collect();
        // What a rule asks of decides whether there is a deal at all, so that comes first.
        let (asked, others) =
            self.customer.iter().partition::<Vec<_>, _>(|seen| is_asked(&self.read, seen.field, is_of_deal));
        let itself = self.deal.iter().chain(asked);
        let opportunity = look(raw, itself, &of_deal(), "", &mut undecided_itself);
        let opportunity = look(&opportunity, others.into_iter(), &of_deal(), "", &mut undecided);
        Deal { opportunity, lines, undecided_itself, undecided, ..deal }
    }

    /// An opportunity that was read without its lines, with these fields: as a deal of its own would be seen, as far as that counts.
    pub(crate) fn opportunity(&self, record: &Record, fields: &[&'static str]) -> (Record, Vec<Stop>) {
        without_lines(record, self.counted(fields))
    }

    /// Of the opportunity and its account, what is seen in place of these fields, and what conditions and rules ask of.
    fn counted<'a>(&'a self, fields: &'a [&'static str]) -> impl Iterator<Item = &'a Seen> + Clone {
        let seen = self.deal.iter().chain(&self.customer);
        seen.filter(|seen| fields.contains(&seen.field) || is_asked(&self.read, seen.field, is_of_deal))
    }

    /// An account that was read by itself, with its fields where an opportunity's record has them.
    pub(crate) fn account(&self, record: &Record) -> (Record, Vec<Stop>) {
        let mut undecided = Vec::new();
        let inputs = Inputs::default().record(ACCOUNT, record);
        (look(record, self.customer.iter(), &inputs, "", &mut undecided), undecided)
    }
}

/// Whether a field is one of the opportunity's record, and not of a line's.
fn is_of_deal(read: &FieldRead) -> bool {
    matches!(read.variable.as_str(), OPPORTUNITY | ACCOUNT)
}

/// Whether conditions or rules ask of a field that is seen otherwise.
fn is_asked(reads: &[FieldRead], field: &str, is_its: impl Fn(&FieldRead) -> bool) -> bool {
    reads.iter().any(|read| is_its(read) && read.record_path == field)
}

/// What these reads of an opportunity need: what is seen otherwise is not read, but by what it is seen.
fn needed(seen: &[&Seen], reads: &[FieldRead]) -> BTreeSet<String> {
    let is_seen = |read: &&FieldRead| seen.iter().any(|seen| seen.field == read.record_path);
    let plain = reads.iter().filter(|read| is_of_deal(read) && !is_seen(read));
    seen.iter().flat_map(|seen| seen.by.fields()).chain(plain).map(|read| read.record_path.clone()).collect()
}

/// An opportunity that was read without its lines, by what is seen of it otherwise; and why that cannot be decided.
fn without_lines<'a>(record: &Record, seen: impl Iterator<Item = &'a Seen>) -> (Record, Vec<Stop>) {
    let mut undecided = Vec::new();
    let inputs = Inputs::default().record(OPPORTUNITY, record).record(ACCOUNT, record);
    (look(record, seen, &inputs, "", &mut undecided), undecided)
}

fn replaced<'a>(query: &mut RecordQuery, seen: impl Iterator<Item = &'a Seen> + Clone, reads: BTreeSet<String>) {
    query.fields.retain(|field| !seen.clone().any(|seen| seen.field == *field));
    add(query, reads);
}

/// A field that is asked for twice is a query that fails.
fn add(query: &mut RecordQuery, reads: BTreeSet<String>) {
    for path in reads {
        let is_there = query.fields.iter().copied().chain(query.also.iter().map(String::as_str));
        if !is_there.into_iter().any(|field| field.eq_ignore_ascii_case(&path)) {
            query.also.push(path);
        }
    }
}

fn look<'a>(
    record: &Record,
    seen: impl Iterator<Item = &'a Seen>,
    inputs: &Inputs<'_>,
    place: &str,
    undecided: &mut Vec<Stop>,
) -> Record {
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
