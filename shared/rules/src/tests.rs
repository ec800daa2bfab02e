mod fuzz;
mod laws;
mod properties;
mod right;
mod typical;
mod undecided;
mod wrong;

use domain::{FieldValue, Record};
use jiff::civil::date;

use crate::{Expression, Inputs, Problem, Schema, Scope, Type, Value, Weight};

pub(super) fn scope(schema: &Schema) -> Scope<'_> {
    Scope::new(schema)
        .record("opportunity", "Opportunity")
        .record_below("account", "Account", "Account.")
        .record("line", "OpportunityLineItem")
        .record_below("product", "Product2", "Product2.")
        .records("lines", "OpportunityLineItem")
        .records_below("products", "Product2", "Product2.")
        .value("today", Type::Date)
        .value("now", Type::DateTime)
}

pub(super) fn compiled(source: &str, wanted: &Type) -> Result<Expression, Vec<Problem>> {
    let schema = Schema::standard();
    Expression::compile(source, &scope(&schema), wanted)
}

fn record(fields: &[(&str, FieldValue)]) -> Record {
    let mut record = Record::default();
    for (path, value) in fields {
        record.set(*path, value.clone());
    }
    record
}

fn text(text: &str) -> FieldValue {
    FieldValue::Text(text.to_owned())
}

fn number(number: &str) -> FieldValue {
    FieldValue::Number(number.parse().expect("a number"))
}

pub(super) struct Deal {
    opportunity: Record,
    lines: Vec<Record>,
}

pub(super) fn deal() -> Deal {
    let opportunity = record(&[
        ("Name", text(" Acme renewal ")),
        ("StageName", text("Closed Won")),
        ("Amount", number("12000.50")),
        ("Probability", number("90")),
        ("CloseDate", text("2026-03-31")),
        ("CreatedDate", text("2026-01-31T10:00:00.000+0000")),
        ("IsWon", FieldValue::Boolean(true)),
        ("IsPrivate", FieldValue::Boolean(false)),
        ("NextStep", FieldValue::Null),
        ("Description", text("  ")),
        ("TotalOpportunityQuantity", number("0")),
        ("Tier__c", text("Gold")),
        ("Score__c", number("7")),
        ("Go_Live__c", text("2026-04-01")),
        ("Flag__c", FieldValue::Boolean(true)),
        ("Empty__c", FieldValue::Null),
        ("Account.Name", text("Acme")),
        ("Account.BillingCountry", text("Germany")),
        ("Account.Billing_Email__c", text("ap@acme.test")),
        ("Account.CSM__r.Email", text("csm@example.test")),
        ("Owner.Email", text("rep@example.test")),
        ("RecordType.DeveloperName", text("New_Business")),
        ("Parent__r.Deeper__r.Rank__c", number("3")),
    ]);
    let line = |total: &str, quantity: &str, family: &str, discount: FieldValue| {
        record(&[
            ("TotalPrice", number(total)),
            ("Quantity", number(quantity)),
            ("Discount", discount),
            ("Product2.Family", text(family)),
            ("ServiceDate", text("2026-04-01")),
        ])
    };
    let lines = vec![
        line("100", "2", "Software", FieldValue::Null),
        line("250.25", "1", "Services", number("5")),
        line("0", "5", "Software", number("100")),
    ];
    Deal { opportunity, lines }
}

impl Deal {
    pub(super) fn inputs(&self) -> Inputs<'_> {
        let noon = "2026-02-15T12:00:00Z".parse().expect("a time");
        Inputs::default()
            .record("opportunity", &self.opportunity)
            .record("account", &self.opportunity)
            .record("line", &self.lines[0])
            .record("product", &self.lines[0])
            .records("lines", &self.lines)
            .records("products", &self.lines)
            .value("today", Value::Date(date(2026, 2, 15)))
            .value("now", Value::DateTime(noon))
    }
}

pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Text(text) => format!("{text:?}"),
        Value::Number(number) => number.to_string(),
        Value::Boolean(is_true) => is_true.to_string(),
        Value::Date(date) => date.to_string(),
        Value::DateTime(at) => at.to_string(),
    }
}

pub(super) fn evaluated(source: &str) -> String {
    let expression = compiled(source, &Type::Any).unwrap_or_else(|problems| panic!("{source}: {problems:?}"));
    match expression.evaluate(&deal().inputs()) {
        Ok(value) => shown(&value),
        Err(why) => format!("undecided: {why}"),
    }
}
