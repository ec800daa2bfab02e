//! The business's queries, in Salesforce's language.

use std::borrow::Cow;

use mapping::{FieldNames, Filter, RecordQuery};
use salesforce::soql::{Literal, Op, Select};

/// As Salesforce is asked, in the organization's names.
pub fn soql(query: &RecordQuery, names: &FieldNames) -> String {
    let own = |field| names.own(query.object, field);
    // A field that is asked for twice, in whatever case, is a query that fails.
    let mut fields: Vec<_> = Vec::new();
    for field in query.fields.iter().copied().chain(query.also.iter().map(String::as_str)).map(own) {
        if !fields.iter().any(|there: &Cow<'_, str>| there.eq_ignore_ascii_case(&field)) {
            fields.push(field);
        }
    }
    let mut select = Select::from(query.object).fields(&fields.iter().map(AsRef::as_ref).collect::<Vec<_>>());
    for (field, filter) in &query.filter {
        let field = own(field);
        let field = field.as_ref();
        select = match filter {
            Filter::Is(text) => select.filter(field, Op::Eq, Literal::Text(text.clone())),
            Filter::OneOfOrNamed(texts, other) => select.one_of_or_named(field, texts, &own(other)),
            Filter::IsOr(text, others) => {
                let others: Vec<_> = others.iter().map(|(other, text)| (own(other), text.clone())).collect();
                select.is_or(field, text, &others)
            }
            Filter::IsEmpty => select.filter(field, Op::Eq, Literal::Null),
            Filter::IsAny => select.filter(field, Op::NotEq, Literal::Null),
            Filter::IsFalseOrEmpty(other) => select.is_false_or_empty(field, &own(other)),
            Filter::IsFalseOrNot(other, text) => select.is_false_or_not(field, &own(other), text),
            Filter::IsEmptyOrLess(than) => select.is_empty_or_less(field, *than),
            Filter::IsTrue => select.filter(field, Op::Eq, Literal::Boolean(true)),
            Filter::IsFalse => select.filter(field, Op::Eq, Literal::Boolean(false)),
            Filter::OneOf(texts) => select.one_of(field, texts),
            Filter::AtLeast(time) => select.filter(field, Op::AtLeast, Literal::DateTime(*time)),
            Filter::After(time, id) => select.after(field, Literal::DateTime(*time), id),
        };
    }
    for field in &query.order_by {
        select = select.order_by(&own(field));
    }
    match query.limit {
        Some(limit) => select.limit(limit).to_string(),
        None => select.to_string(),
    }
}
