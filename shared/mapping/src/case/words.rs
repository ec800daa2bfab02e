//! What is said of an invoice that was not collected.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{Dues, Failure, LINK};
use crate::customer::cut;

impl Failure {
    /// Nobody was asked by Stripe to charge anything: the customer was sent it, and has not paid.
    pub(crate) fn overdue_since(&self) -> Option<Date> {
        self.due_on.filter(|_| self.dues == Dues::Open && self.attempts == 0 && self.reason.is_none())
    }

    pub(super) fn subject(&self) -> String {
        match self.overdue_since() {
            Some(_) => format!("Stripe invoice {} is overdue", self.name()),
            None => format!("Stripe could not collect invoice {}", self.name()),
        }
    }

    pub(super) fn name(&self) -> &str {
        self.number.as_deref().unwrap_or(self.invoice_id.as_str())
    }

    /// In one line: what Salesforce makes of the ends of lines differs by where they come from.
    pub fn description(&self) -> String {
        let Self { invoice_id, opportunity_id, remaining, .. } = self;
        let number = self.number.as_ref().map(|number| format!(" {number}")).unwrap_or_default();
        let mut said = match self.dues {
            Dues::GivenUp => format!(
                "Invoice{number} ({invoice_id}) is marked uncollectible at Stripe: {remaining} of it was never paid."
            ),
            _ => match self.overdue_since() {
                Some(day) => {
                    format!("Invoice{number} ({invoice_id}) was due on {day}, and {remaining} of it is not paid.")
                }
                None => format!("Stripe could not collect {remaining} for invoice{number} ({invoice_id})."),
            },
        };
        said.push_str(&format!(" It bills opportunity {opportunity_id}."));
        if self.attempts > 0 {
            said.push_str(&format!(" Attempts of Stripe's own so far: {}.", self.attempts));
        }
        match self.next_attempt.filter(|_| self.dues == Dues::Open) {
            Some(at) => said.push_str(&format!(" The next is on {} (UTC).", TimeZone::UTC.to_datetime(at).date())),
            None if self.overdue_since().is_some() => {}
            None => said.push_str(" Stripe does not try again by itself."),
        }
        if let Some(reason) = &self.reason {
            said.push_str(&format!(" Why it failed: {reason}."));
        }
        if let Some(remark) = &self.remark {
            said.push_str(&format!(" How it is looked after was not decided by all rules: {remark}"));
        }
        if let Some(page) = &self.page {
            said.push_str(&format!("{LINK}{page}"));
        }
        // Salesforce takes `@{` for the beginning of a reference to another part of the same call.
        cut(&said.replace("@{", "@ {"), 32_000)
    }
}
