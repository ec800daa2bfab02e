//! Expressions where they stand in the file: with the variables of their key, and with what is wrong at its place.

use std::cell::OnceCell;
use std::ops::Range;

use mapping::{ABOUT, ACCOUNT, FieldOwner, INVOICE, LINE, LINES, LineSource, OPPORTUNITY, OWNERSHIP, PRODUCT};
use rules::{Expression, FAILED_INVOICE, FieldRead, PAID_INVOICE, Schema, Scope, Type, Weight};

use crate::escapes;
use crate::keys::Of;
use crate::problem::Problem;

/// What expressions are checked against. It is made when the first of them is met: most files have none, and it takes a while.
pub(crate) struct Expressions<'a> {
    text: &'a str,
    standard: OnceCell<Schema>,
    /// What the organization says of itself, where it was asked.
    organization: Option<&'a Schema>,
    lines: LineSource,
    /// What people are told of.
    news: Vec<&'static str>,
}

const WRITTEN_TO: [&str; 3] = ["Account", "Contract", "Opportunity"];
const STAMPS: [&str; 3] = ["LastModifiedById", "LastModifiedDate", "SystemModstamp"];

/// What Salesforce changes with an opportunity's stage.
const OF_STAGES: [&str; 6] = [
    "ForecastCategory",
    "ForecastCategoryName",
    "LastStageChangeDate",
    "LastStageChangeInDays",
    "Probability",
    "StageName",
];

/// What notification rules can ask about.
pub(crate) const NEWS: [&str; 3] = ["wins", "refusals", "failures"];

/// Of a variable that there is, and not for this key.
fn known_elsewhere(key: &str, variable: &str) -> Option<String> {
    let where_to = match variable {
        OPPORTUNITY => "an account is also read without a deal",
        LINES => "all lines of a deal are known where won.rules ask and in terms.days_until_due, but for discounts",
        LINE | PRODUCT => {
            "one line is known below [line], and won.rules ask of lines, as in lines.exists(l, l.Quantity > 1)"
        }
        INVOICE => "Stripe's invoice is known where failures.rules and payments.rules ask",
        ABOUT => "what people are told of is known where notifications.rules ask",
        "today" | "now" => "what is decided of a deal is the same on each day. Compare with date(\"2026-01-31\")",
        _ => return None,
    };
    Some(format!("{key} knows no {variable}: {where_to}."))
}

impl<'a> Expressions<'a> {
    pub fn new(text: &'a str, organization: Option<&'a Schema>, lines: LineSource, news: Vec<&'static str>) -> Self {
        Self { text, standard: OnceCell::new(), organization, lines, news }
    }

    fn schema(&self) -> &Schema {
        self.organization.unwrap_or_else(|| self.standard.get_or_init(Schema::standard))
    }

    /// What stands there in the file.
    pub fn written(&self, at: &Range<usize>) -> &'a str {
        self.text.get(at.clone()).unwrap_or_default()
    }

    /// `at` is where the text stands in the file, with its quotes.
    pub fn compile(
        &self,
        key: &str,
        source: &str,
        of: Of,
        wanted: &Type,
        at: &Range<usize>,
        (problems, warnings): (&mut Vec<Problem>, &mut Vec<Problem>),
    ) -> Option<Expression> {
        let told = |wrong: &rules::Problem| {
            let elsewhere = Some(source.get(wrong.at.clone()).unwrap_or_default())
                .filter(|_| wrong.code == "unknown_variable")
                .and_then(|variable| known_elsewhere(key, variable));
            let message = elsewhere.unwrap_or_else(|| wrong.message.clone());
            Problem::new(wrong.code, self.place(source, at, &wrong.at), message)
        };
        match Expression::compile(source, &self.scope(of), wanted) {
            Ok(expression) => {
                warnings.extend(expression.warnings().iter().map(told));
                Some(expression)
            }
            Err(wrong) => {
                let (errors, others): (Vec<_>, Vec<_>) = wrong.iter().partition(|one| one.weight == Weight::Error);
                problems.extend(errors.into_iter().map(told));
                warnings.extend(others.into_iter().map(told));
                None
            }
        }
    }

    /// Those fields that an expression reads that Closedwon writes itself, by docs/OWNERSHIP.md.
    pub fn own_writes(&self, by: &Expression) -> Vec<String> {
        self.those(by, |object, field| {
            // Whoever writes a record changes these of it.
            if WRITTEN_TO.contains(&object) && STAMPS.contains(&field) {
                return true;
            }
            let mut rows = OWNERSHIP.iter().filter(|row| row.owner != FieldOwner::Salesforce && row.object == object);
            rows.any(|row| row.fields.contains(&field))
        })
    }

    /// Those that are an opportunity's stage, or go with it.
    pub fn stages(&self, by: &Expression) -> Vec<String> {
        self.those(by, |object, field| object == "Opportunity" && OF_STAGES.contains(&field))
    }

    /// The fields that this holds of, as the expression writes them.
    fn those(&self, by: &Expression, holds: impl Fn(&str, &str) -> bool) -> Vec<String> {
        let is_it = |read: &&FieldRead| {
            self.object_of(read).zip(read.path.rsplit('.').next()).is_some_and(|(object, field)| holds(object, field))
        };
        by.fields().filter(is_it).map(|read| format!("{}.{}", read.variable, read.path)).collect()
    }

    /// The object that has a field that an expression reads; `None` where nobody knows.
    pub fn object_of(&self, read: &FieldRead) -> Option<&str> {
        let start = match read.variable.as_str() {
            OPPORTUNITY => "Opportunity",
            ACCOUNT => "Account",
            PRODUCT => "Product2",
            _ => self.lines.object(),
        };
        self.schema().object_of(start, &read.path)
    }

    fn scope(&self, of: Of) -> Scope<'_> {
        let scope = Scope::new(self.schema());
        let scope = scope.record_below(ACCOUNT, "Account", "Account.");
        if of == Of::Account {
            return scope;
        }
        let scope = scope.record(OPPORTUNITY, "Opportunity");
        match of {
            Of::Account | Of::Opportunity => scope,
            Of::Failure => scope.record(INVOICE, FAILED_INVOICE).words("invoice.status", &["open", "uncollectible"]),
            Of::Payment => scope.record(INVOICE, PAID_INVOICE),
            Of::News => scope.value(ABOUT, Type::Text).words(ABOUT, &self.news),
            Of::Deal => scope.records(LINES, self.lines.object()),
            Of::Line => {
                scope.record(LINE, self.lines.object()).record_below(PRODUCT, "Product2", self.lines.product_prefix())
            }
        }
    }

    /// Where a part of an expression stands in the file.
    fn place(&self, source: &str, at: &Range<usize>, part: &Range<usize>) -> Range<usize> {
        let within = escapes::within(self.written(at), source, part);
        within.map_or_else(|| at.clone(), |within| at.start + within.start..at.start + within.end)
    }
}
