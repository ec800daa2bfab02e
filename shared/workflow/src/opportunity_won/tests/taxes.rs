//! An invoice that Stripe adds tax to, or finds it in.

use mapping::TaxBehavior;

use super::*;
use crate::opportunity_won::judge;
use crate::{TaxSeen, TaxStatus};

fn taxed(tax: Option<TaxBehavior>) -> Draft {
    let mut draft = draft(1);
    draft.plan.tax = tax;
    draft
}

fn with_tax(status: InvoiceStatus, on_top: i64, inside: i64, tax: TaxStatus) -> InvoiceSeen {
    let seen = seen(status, 1, 1000);
    InvoiceSeen { total: seen.total + on_top, tax: TaxSeen { on_top, inside, status: tax }, ..seen }
}

#[test]
fn nothing_is_sent_whose_tax_is_not_as_it_was_meant() {
    use TaxBehavior::{Exclusive, Inclusive};
    for (tax, on_top, inside, status, expected) in [
        (Some(Exclusive), 190, 0, TaxStatus::Complete, None),
        (Some(Inclusive), 0, 160, TaxStatus::Complete, None),
        // Where nothing is collected.
        (Some(Exclusive), 0, 0, TaxStatus::Complete, None),
        (Some(Inclusive), 0, 0, TaxStatus::Complete, None),
        (Some(Exclusive), 0, 160, TaxStatus::Complete, Some(Code::TaxBehaviorDiffers)),
        (Some(Inclusive), 190, 0, TaxStatus::Complete, Some(Code::TaxBehaviorDiffers)),
        (Some(Exclusive), 0, 0, TaxStatus::LocationMissing, Some(Code::TaxLocationUnknown)),
        (Some(Exclusive), 0, 0, TaxStatus::Failed, Some(Code::TaxNotCalculated)),
        (Some(Inclusive), 0, 0, TaxStatus::Off, Some(Code::TaxNotCalculated)),
        (None, 0, 0, TaxStatus::Off, None),
        // Somebody added a tax rate by hand, or the account has a default one.
        (None, 190, 0, TaxStatus::Off, Some(Code::InvoiceDiffersFromDeal)),
    ] {
        let point = Point::through_gate(taxed(tax), with_tax(InvoiceStatus::Draft, on_top, inside, status));
        let found = match &point {
            Point::Ready { .. } => None,
            Point::Abandoning { stop: Some(stop), .. } => Some(stop.code),
            other => panic!("{}", other.name()),
        };
        assert_eq!(found, expected, "{tax:?} {on_top} {inside} {status:?}");
    }
}

#[test]
fn what_was_sent_is_compared_without_the_tax_that_was_added() {
    for (tax, on_top, inside, is_sent) in [
        (Some(TaxBehavior::Exclusive), 190, 0, true),
        (Some(TaxBehavior::Inclusive), 0, 160, true),
        (Some(TaxBehavior::Inclusive), 190, 0, false),
        (None, 190, 0, false),
    ] {
        let seen = with_tax(InvoiceStatus::Open, on_top, inside, TaxStatus::Complete);
        assert_eq!(taxed(tax).comes_to(&seen), is_sent, "{tax:?}");
        assert_eq!(judge::after_pivot(taxed(tax), &seen).name(), if is_sent { "sent" } else { "stopped" });
    }
}

#[test]
fn tax_is_asked_for_with_the_draft() {
    for tax in [None, Some(TaxBehavior::Exclusive)] {
        let customer_id = CustomerId::parse("cus_1").expect("valid");
        let plan = taxed(tax).plan;
        let point = Point::CustomerKnown {
            is_apart: false,
            plan,
            customer_id,
            account_is_linked: true,
            interrupted: false,
            basket: Basket::default(),
            is_charged: None,
        };
        let Next::Call(Call::CreateInvoice { automatic_tax, .. }) = point.next() else { panic!("{}", point.name()) };
        assert_eq!(automatic_tax, tax.is_some());
    }
}
