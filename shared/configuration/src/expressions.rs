//! Expressions where they stand in the file: with the variables of their key, and with what is wrong at its place.

use std::cell::OnceCell;
use std::ops::Range;

use mapping::{ACCOUNT, LINE, LINES, LineSource, OPPORTUNITY, PRODUCT};
use rules::{Expression, Schema, Scope, Type};

use crate::keys::Of;
use crate::problem::Problem;

/// What expressions are checked against. It is made when the first of them is met: most files have none, and it takes a while.
pub(crate) struct Expressions<'a> {
    text: &'a str,
    schema: OnceCell<Schema>,
    lines: LineSource,
}

impl<'a> Expressions<'a> {
    pub fn new(text: &'a str, lines: LineSource) -> Self {
        Self { text, schema: OnceCell::new(), lines }
    }

    /// What stands there in the file.
    pub fn written(&self, at: &Range<usize>) -> &'a str {
        self.text.get(at.clone()).unwrap_or_default()
    }

    /// `at` is where the text stands in the file, with its quotes.
    pub fn compile(
        &self,
        source: &str,
        of: Of,
        wanted: &Type,
        at: &Range<usize>,
        problems: &mut Vec<Problem>,
    ) -> Option<Expression> {
        let scope = self.scope(of);
        match Expression::compile(source, &scope, wanted) {
            Ok(expression) => Some(expression),
            Err(wrong) => {
                problems.extend(wrong.into_iter().map(|wrong| {
                    let place = self.place(source, at, &wrong.at);
                    Problem::new(wrong.code, place, wrong.message)
                }));
                None
            }
        }
    }

    fn scope(&self, of: Of) -> Scope<'_> {
        let scope = Scope::new(self.schema.get_or_init(Schema::standard));
        let scope = scope.record_below(ACCOUNT, "Account", "Account.");
        if of == Of::Account {
            return scope;
        }
        let scope = scope.record(OPPORTUNITY, "Opportunity");
        match of {
            Of::Account | Of::Opportunity => scope,
            Of::Deal => scope.records(LINES, self.lines.object()),
            Of::Line => {
                scope.record(LINE, self.lines.object()).record_below(PRODUCT, "Product2", self.lines.product_prefix())
            }
        }
    }

    /// Where a part of an expression stands in the file. Where the file writes it with escapes, it is the whole text.
    fn place(&self, source: &str, at: &Range<usize>, within: &Range<usize>) -> Range<usize> {
        match self.written(at).find(source).filter(|_| !source.is_empty()) {
            Some(start) => at.start + start + within.start..at.start + start + within.end.max(within.start + 1),
            None => at.clone(),
        }
    }
}
