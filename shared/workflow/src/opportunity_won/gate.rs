//! The equality gate: nothing is sent that does not equal the plan, line by line and to the minor unit.

use std::collections::BTreeMap;

use mapping::Plan;

use super::{Correction, Draft};
use crate::{InvoiceSeen, InvoiceStatus, LineSeen};

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Gate {
    Equal,
    /// The sums are right, but not every line was answered, and those that were not may have to be seen.
    LinesHidden,
    /// These lines came to another amount than agreed: the catalogue's price is not the deal's.
    Correctable(Vec<Correction>),
    /// Something is there that nobody planned, or something is missing.
    Different,
}

pub(super) fn is_our_empty_draft(draft: &Draft, seen: &InvoiceSeen) -> bool {
    seen.status == InvoiceStatus::Draft
        && !seen.auto_advance
        && seen.currency == draft.plan.total.currency()
        && seen.first_lines.is_empty()
}

pub(super) fn compare(plan: &Plan, seen: &InvoiceSeen) -> Gate {
    if seen.status != InvoiceStatus::Draft || seen.auto_advance || seen.currency != plan.total.currency() {
        return Gate::Different;
    }
    let sums_are_equal = seen.subtotal == plan.total.minor_units() && seen.total == plan.total.minor_units();
    let lines = compare_lines(plan, &seen.first_lines, !seen.has_more_lines);
    match lines {
        Lines::Equal if sums_are_equal && !seen.has_more_lines => Gate::Equal,
        // The hidden lines are at list price here and there. That two of them differ, and by opposite amounts, would take
        // two wrong prices in the catalogue; where a price was negotiated, every line is looked at.
        Lines::Equal if sums_are_equal && !plan.lines.iter().any(|line| line.negotiated) => Gate::Equal,
        Lines::Equal | Lines::Unequal(_) if seen.has_more_lines => Gate::LinesHidden,
        Lines::Unequal(corrections) => Gate::Correctable(corrections),
        Lines::Equal | Lines::Foreign => Gate::Different,
    }
}

enum Lines {
    Equal,
    Unequal(Vec<Correction>),
    Foreign,
}

fn compare_lines(plan: &Plan, seen: &[LineSeen], all: bool) -> Lines {
    let mut planned: BTreeMap<&str, usize> =
        plan.lines.iter().enumerate().map(|(index, line)| (line.key.as_str(), index)).collect();
    let mut corrections = Vec::new();
    for line in seen {
        // A line without our key, or with one that was seen before, was added by somebody else or twice.
        let Some(index) = line.key.as_deref().and_then(|key| planned.remove(key)) else {
            return Lines::Foreign;
        };
        if line.amount != plan.lines[index].amount.minor_units() {
            let Some(product_id) = line.product_id.clone() else {
                return Lines::Foreign;
            };
            corrections.push(Correction { line_id: line.id.clone(), index, product_id });
        }
    }
    if all && !planned.is_empty() {
        return Lines::Foreign;
    }
    if corrections.is_empty() { Lines::Equal } else { Lines::Unequal(corrections) }
}
