//! Expressions where the file writes them, and what is judged of them though they can be read.

use mapping::LINES;
use rules::{Expression, THOUSANDS, Type};
use rust_decimal::Decimal;
use toml::Spanned;
use toml::de::DeValue;

use crate::keys::{Kind, Of};
use crate::problem::Problem;
use crate::tree::Reader;
use crate::values::Placed;
use crate::words::listed;

type Item<'a> = Spanned<DeValue<'a>>;

impl Reader<'_, '_> {
    pub fn expression(&mut self, name: &str, text: &str, of: Of, wanted: &Type, item: &Item) -> Option<Expression> {
        if text.trim().is_empty() {
            self.wrong("empty", item.span(), format!("{name} is empty: write an expression, or leave the line out."));
            return None;
        }
        let mut warnings = Vec::new();
        let told = (&mut *self.problems, &mut warnings);
        let expression = self.expressions.compile(name, text, of, wanted, &item.span(), told);
        let (numbers, others): (Vec<_>, Vec<_>) = warnings.into_iter().partition(|warning| warning.code == THOUSANDS);
        self.warnings.extend(others);
        self.values.judged.extend(numbers);
        let expression = expression?;
        if expression.variables().any(|variable| variable == LINES) {
            self.asks_of_lines.push(item.span());
        }
        // A number that is written as one may be one for all.
        let is_constant = expression.variables().next().is_none() && *wanted == Type::Boolean;
        if is_constant {
            let message = format!(
                "{name} asks of no field, so it is the same for every deal: name a field. What is to be so for all is no condition: leave it out, \
                 and write what a rule decides at a key of its own, such as terms.days_until_due."
            );
            self.wrong("constant", item.span(), message);
            return None;
        }
        self.own(name, &expression, of, item);
        Some(expression)
    }

    /// What a deal is planned by is not what Closedwon writes: billed, it would be another deal, and its invoice wrong.
    fn own(&mut self, name: &str, by: &Expression, of: Of, item: &Item) {
        let renamed = by.fields().map(|read| &read.record_path).filter_map(|path| {
            let package = self.values.names.package("Opportunity", path);
            (package != path.as_str()).then(|| (path.clone(), package.into_owned()))
        });
        let renamed: Vec<_> = renamed.collect();
        if !of.is_planned() {
            // What is read is called by the package's name when it is asked.
            for (path, package) in renamed {
                let message = format!(
                    "{name} reads {path}, which [fields] names: write {package}, as everywhere else in the file."
                );
                self.wrong("own_name", item.span(), message);
            }
            return;
        }
        let stages = self.expressions.stages(by).into_iter();
        self.values.asks_of_stage.extend(stages.map(|what| Placed { name: name.to_owned(), what, at: item.span() }));
        let renamed = renamed.into_iter().map(|(path, package)| format!("{path} ({package})"));
        let own: Vec<_> = self.expressions.own_writes(by).into_iter().chain(renamed).collect();
        if own.is_empty() {
            return;
        }
        let is_invoice = |field: &String| field.contains("Stripe_Invoice_Id__c");
        let message = format!(
            "{name} reads {}, which Closedwon writes itself, so a deal would be another one once it is billed: read a field that people fill in. \
             Rules of payments, failures and notifications may ask of it.{}",
            listed(own.iter().map(String::as_str)),
            if own.iter().any(is_invoice) { " A deal that names an invoice already is not billed anyway." } else { "" }
        );
        self.values.judged.push(Problem::new("reads_own_write", item.span(), message));
    }

    /// A number that is the same for every deal is no better for standing in quotes.
    pub fn in_range(&mut self, name: &str, kind: Kind, by: &Expression, item: &Item) -> bool {
        if by.variables().next().is_some() {
            return true;
        }
        let Ok(rules::Value::Number(number)) = by.evaluate(&rules::Inputs::default()) else { return true };
        let wrong = match kind {
            Kind::WholeOrExpression { least, most, unit } => {
                let is_right = number.is_integer() && (Decimal::from(least)..=Decimal::from(most)).contains(&number);
                (!is_right)
                    .then(|| format!("{name} is a whole number from {least} to {most} {unit}, and not {number}."))
            }
            Kind::PercentOrExpression => {
                let is_right = (Decimal::ZERO..Decimal::ONE_HUNDRED).contains(&number);
                (!is_right).then(|| format!("{name} is from 0 to below 100, and not {number}."))
            }
            _ => None,
        };
        let is_right = wrong.is_none();
        if let Some(message) = wrong {
            self.wrong("out_of_range", item.span(), message);
        }
        is_right
    }
}
