//! The equality gate: nothing is sent that does not equal the plan, line by line and to the minor unit.

use std::collections::BTreeMap;

use mapping::{Code, Plan, Stop, TaxBehavior};

use super::subscription::of_period;
use super::{Draft, Point, Stage, judge};
use crate::{InvoiceSeen, InvoiceStatus, LineSeen, TaxStatus};

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Gate {
    Equal,
    /// The sums are right, but not every line was answered, and those that were not may have to be seen.
    LinesHidden,
    /// It is the deal, and its tax is not what it should be.
    Untaxed(Stop),
    /// Something is there that nobody planned, or something is missing.
    Different,
}

pub(super) fn is_our_empty_draft(draft: &Draft, seen: &InvoiceSeen) -> bool {
    seen.status == InvoiceStatus::Draft
        && !seen.auto_advance
        && seen.currency == draft.plan.total.currency()
        && seen.first_lines.is_empty()
}

pub(super) fn compare(draft: &Draft, seen: &InvoiceSeen) -> Gate {
    let (plan, expected) = (&draft.plan, draft.expected());
    let subtotal = expected.values().fold(0i64, |sum, amount| sum.saturating_add(*amount));
    if seen.subscription_id.as_ref() != draft.subscription_id() {
        return Gate::Different;
    }
    if seen.status != InvoiceStatus::Draft || seen.auto_advance || seen.currency != plan.total.currency() {
        return Gate::Different;
    }
    // Somebody changed how it is collected: what was meant to be sent would be charged, or what was meant to be charged sent.
    if draft.started.is_none() && seen.is_charged != draft.is_charged {
        return Gate::Different;
    }
    if seen.subtotal != subtotal || !lines_are_equal(&expected, &seen.first_lines, !seen.has_more_lines) {
        return Gate::Different;
    }
    // Only lines that are equal say anything about the tax.
    if let Some(stop) = untaxed(plan, seen) {
        return Gate::Untaxed(stop);
    }
    if without_added_tax(plan, seen) != subtotal {
        return Gate::Different;
    }
    // The hidden lines are at list price here and there. That two of them differ, and by opposite amounts, would take
    // two wrong prices in the catalogue; where a price was negotiated, every line is looked at.
    match seen.has_more_lines && plan.lines.iter().any(|line| line.negotiated) {
        true => Gate::LinesHidden,
        false => Gate::Equal,
    }
}

/// What the invoice comes to without the tax that Stripe added.
pub(super) fn without_added_tax(plan: &Plan, seen: &InvoiceSeen) -> i64 {
    let added = if plan.tax == Some(TaxBehavior::Exclusive) { seen.tax.on_top } else { 0 };
    seen.total.saturating_sub(added)
}

/// Why an invoice that asked for tax must not be sent.
fn untaxed(plan: &Plan, seen: &InvoiceSeen) -> Option<Stop> {
    let behavior = plan.tax?;
    let (code, message) = match seen.tax.status {
        TaxStatus::Complete if planned_otherwise(behavior, seen) == 0 => return None,
        TaxStatus::Complete => (
            Code::TaxBehaviorDiffers,
            format!(
                "Amounts are billed with tax.calculation {}, and a price of this deal is the other way round: correct the tax behavior \
                 of the products' prices at Stripe.",
                behavior.as_str()
            ),
        ),
        TaxStatus::LocationMissing => (
            Code::TaxLocationUnknown,
            "Stripe cannot tell where the customer is taxed: complete the account's billing address.".to_owned(),
        ),
        TaxStatus::Off | TaxStatus::Failed => (
            Code::TaxNotCalculated,
            "Stripe did not calculate the tax: look at Stripe Tax in Stripe's dashboard, then send the event again."
                .to_owned(),
        ),
    };
    Some(Stop::refused(code, message))
}

/// Tax of the other kind.
fn planned_otherwise(behavior: TaxBehavior, seen: &InvoiceSeen) -> i64 {
    match behavior {
        TaxBehavior::Exclusive => seen.tax.inside,
        TaxBehavior::Inclusive => seen.tax.on_top,
    }
}

fn lines_are_equal(expected: &BTreeMap<String, i64>, seen: &[LineSeen], all: bool) -> bool {
    let mut missing = expected.clone();
    for line in seen {
        let key = match (&line.subscription_item, line.period_start) {
            (Some(item_id), Some(start)) => Some(of_period(item_id, start)),
            _ => line.key.clone(),
        };
        // A line without our key, or with one that was seen before, was added by somebody else or twice.
        if key.and_then(|key| missing.remove(&key)) != Some(line.amount) {
            return false;
        }
    }
    !all || missing.is_empty()
}

impl Point {
    /// The only way to `Ready`: the draft equals the plan, line by line.
    pub(super) fn through_gate(draft: Draft, seen: InvoiceSeen) -> Self {
        // A repeated answer shows the invoice as it is now. One that was sent meanwhile is no draft that differs.
        if seen.status != InvoiceStatus::Draft {
            return judge::checked(draft, Stage::Gate {}, None, seen);
        }
        match compare(&draft, &seen) {
            _ if planted!(GateIsOpen) => Self::Ready { draft, interrupted: false },
            Gate::Equal => Self::Ready { draft, interrupted: false },
            Gate::LinesHidden => Self::Filled { draft, seen },
            Gate::Untaxed(stop) => judge::abandon(draft, Some(stop)),
            Gate::Different if !draft.is_priced() => judge::abandon(draft, None),
            Gate::Different => {
                let message = "The draft at Stripe does not come to the deal's amounts: compare the products' Stripe \
                               prices, and tax rates or discounts of the Stripe account, with the opportunity's products.";
                judge::abandon(draft, Some(Stop::refused(Code::InvoiceDiffersFromDeal, message)))
            }
        }
    }

    /// Goes on where the run was interrupted, with the invoice as it was just seen.
    pub(super) fn continued(draft: Draft, seen: InvoiceSeen, stage: Stage) -> Self {
        match stage {
            Stage::Holding => Self::Holding { draft, interrupted: false },
            Stage::Lines { .. } if !draft.is_priced() => judge::abandon(draft, None),
            Stage::Lines { batch } => Self::Drafted { draft, batch },
            Stage::Gate {} | Stage::Sending | Stage::Deleting | Stage::Canceling => Self::through_gate(draft, seen),
        }
    }
}
