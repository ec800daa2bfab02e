//! The harness; all orders are played by the command.

use std::collections::BTreeSet;

use super::*;

/// Of each end so many are left of the 20,160.
const EVERY: usize = 499;

#[test]
fn every_order_is_another_one() {
    let orders = orders();
    assert_eq!(orders.len(), 20_160);
    assert_eq!(orders.iter().collect::<BTreeSet<_>>().len(), 20_160);
    let sorted = |order: &Order| {
        let mut order = *order;
        order.sort_unstable();
        order
    };
    assert!(orders.iter().all(|order| sorted(order) == FIRST));
}

#[test]
fn whatever_is_told_in_whatever_order_the_objects_decide() {
    let sum = exhaust(EVERY, None);
    assert!(sum.orders > 4 * 40, "{}", sum.orders);
    let failed: Vec<_> = sum.failed.iter().map(|(telling, why)| format!("{telling}: {why}")).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

/// What is not told, a case that is believed in, a payment that is believed: each of them shows in some order.
#[test]
fn what_is_wrong_shows() {
    for bug in [Bug::LeavesInvoicesUntold, Bug::BelievesFailures, Bug::PaidWithoutLooking, Bug::AsksNobody] {
        let sum = exhaust(EVERY, Some(bug));
        assert!(!sum.failed.is_empty(), "{bug:?} does not show in {} orders", sum.orders);
    }
}
