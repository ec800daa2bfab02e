use domain::SubscriptionId;
use mapping::{Code, Stop};
use workflow::opportunity_won::Point;

use super::*;
use crate::samples::{self, billed, claimed, deal, invoice, invoice_id, money, opportunity_id, stopped};

fn subscription_id(name: &str) -> SubscriptionId {
    SubscriptionId::parse(name).expect("valid")
}

fn billed_by(name: &str) -> Option<Run> {
    let total = money(1000, "EUR");
    let mut invoice = billed(opportunity_id(), invoice_id("in_1"), total);
    invoice.subscription = Some((subscription_id(name), total));
    Some(deal(Point::Done { invoice }))
}

#[test]
fn only_what_nobody_will_come_back_to_is_taken_away() {
    let refused = || Some(deal(stopped(opportunity_id(), Stop::refused(Code::NoLines, "x"), claimed())));
    let draft = Some(InvoiceStatus::Draft);
    for (what, run, is_over, latest, age_s, expected) in [
        ("it is the deal's own", billed_by("sub_1"), false, draft, 9000, Verdict::InOrder),
        ("the deal has another one", billed_by("sub_2"), false, draft, 900, Verdict::Orphan),
        ("the deal is refused", refused(), false, draft, 900, Verdict::Orphan),
        ("it never billed anything", refused(), false, None, 900, Verdict::Orphan),
        ("it may still be taken up", billed_by("sub_2"), false, draft, 899, Verdict::InOrder),
        ("it is being worked on", Some(deal(claimed())), false, draft, 9000, Verdict::InOrder),
        ("the ledger has forgotten the run", None, false, draft, 9000, Verdict::InOrder),
        ("it is over", billed_by("sub_2"), true, draft, 9000, Verdict::InOrder),
        ("it is over and void", billed_by("sub_2"), true, Some(InvoiceStatus::Void), 9000, Verdict::InOrder),
        ("it is over, and a customer has it", refused(), true, Some(InvoiceStatus::Open), 9000, Verdict::Second),
        ("a customer has its invoice", billed_by("sub_2"), false, Some(InvoiceStatus::Open), 9000, Verdict::Second),
        ("and has paid it", refused(), false, Some(InvoiceStatus::Paid), 9000, Verdict::Second),
    ] {
        let now = Timestamp::from_second(10_000).expect("in range");
        let created = now.saturating_sub(SignedDuration::from_secs(age_s)).expect("in range");
        let first = |status| {
            let invoice = invoice(invoice_id("in_1"), status, money(1000, "EUR"), created);
            let subscription = domain::SubscriptionId::parse("sub_1").ok();
            Box::new(stripe::Invoice { subscription, is_first: true, ..invoice })
        };
        let mut subscription = Subscription {
            is_over,
            created,
            latest_invoice: latest.map(first),
            ..samples::subscription("sub_1", Default::default())
        };
        assert_eq!(judge(&subscription, run.as_ref(), now), expected, "{what}");
        // The draft of a later period is nobody's first invoice, and that of a change in the same minute is none either.
        if let (Some(invoice), Verdict::Orphan) = (&mut subscription.latest_invoice, &expected) {
            invoice.is_first = false;
            assert_eq!(judge(&subscription, run.as_ref(), now), Verdict::Second, "{what}, and it billed on");
        }
    }
}
