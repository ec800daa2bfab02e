//! Stripe's invoices, in Stripe's names. What is money there is a decimal number of the currency's major unit, as Salesforce has amounts.

use super::{FAILED_INVOICE, NOTHING, PAID_INVOICE, Table};

pub(super) const TABLES: &[Table] = &[
    Table {
        object: FAILED_INVOICE,
        texts: &["failure_code", "status"],
        numbers: &["amount_remaining", "attempt_count"],
        dates: &["due_date"],
        ..NOTHING
    },
    Table { object: PAID_INVOICE, numbers: &["amount_paid"], ..NOTHING },
];
