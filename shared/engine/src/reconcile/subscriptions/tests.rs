use domain::{AccountId, Currency, CustomerId, InvoiceId, Money, OrganizationId, SubscriptionId};
use mapping::{Code, Plan, Stop};
use stripe::Invoice;
use workflow::{State, opportunity_won};

use super::*;

fn opportunity_id() -> OpportunityId {
    OpportunityId::parse("006000000000001AAA").expect("valid")
}

fn subscription_id(name: &str) -> SubscriptionId {
    SubscriptionId::parse(name).expect("valid")
}

fn run(point: opportunity_won::Point) -> Option<Run> {
    let organization_id = OrganizationId::parse("00D000000000001EAA").expect("valid");
    let id = RunId::OpportunityWon { organization_id, opportunity_id: opportunity_id() };
    Some(Run::new(id, State::OpportunityWon(point)))
}

fn claimed() -> opportunity_won::Point {
    opportunity_won::Point::Claimed { opportunity_id: opportunity_id() }
}

fn stopped(stop: Stop) -> Option<Run> {
    let (opportunity_id, back_to) = (opportunity_id(), Box::new(claimed()));
    run(opportunity_won::Point::Stopped { opportunity_id, stop, told: true, reported: true, back_to })
}

fn billed_by(name: &str) -> Option<Run> {
    let total = Money::from_minor_units(1000, Currency::parse("EUR").expect("valid"));
    let plan = Plan {
        opportunity_id: opportunity_id(),
        account_id: AccountId::parse("001000000000001AAA").expect("valid"),
        total,
        days_until_due: 30,
        lines: vec![],
        approved: None,
        tax: None,
        subscription: None,
    };
    let invoice = opportunity_won::Invoice {
        plan,
        customer_id: CustomerId::parse("cus_1").expect("valid"),
        invoice_id: InvoiceId::parse("in_1").expect("valid"),
        account_is_linked: true,
        hosted_invoice_url: None,
        subscription: Some((subscription_id(name), total)),
        not_kept: Vec::new(),
    };
    run(opportunity_won::Point::Done { invoice })
}

fn invoice(status: InvoiceStatus) -> Box<Invoice> {
    Box::new(Invoice {
        id: InvoiceId::parse("in_1").expect("valid"),
        status,
        customer: None,
        currency: Currency::parse("EUR").expect("valid"),
        subtotal: 1000,
        total: 1000,
        tax: stripe::Tax::default(),
        amount_due: 1000,
        amount_paid: 0,
        amount_remaining: 1000,
        auto_advance: false,
        livemode: false,
        created: Timestamp::UNIX_EPOCH,
        hosted_invoice_url: None,
        number: None,
        paid_at: None,
        metadata: Default::default(),
        subscription: None,
        lines: Vec::new(),
        has_more_lines: false,
    })
}

#[test]
fn only_what_nobody_will_come_back_to_is_taken_away() {
    let refused = || stopped(Stop::refused(Code::NoLines, "x"));
    let draft = Some(InvoiceStatus::Draft);
    for (what, run, is_over, latest, age_s, expected) in [
        ("it is the deal's own", billed_by("sub_1"), false, draft, 9000, Verdict::InOrder),
        ("the deal has another one", billed_by("sub_2"), false, draft, 900, Verdict::Orphan),
        ("the deal is refused", refused(), false, draft, 900, Verdict::Orphan),
        ("it never billed anything", refused(), false, None, 900, Verdict::Orphan),
        ("it may still be taken up", billed_by("sub_2"), false, draft, 899, Verdict::InOrder),
        ("it is being worked on", run(claimed()), false, draft, 9000, Verdict::InOrder),
        ("the ledger has forgotten the run", None, false, draft, 9000, Verdict::InOrder),
        ("it is over", billed_by("sub_2"), true, draft, 9000, Verdict::InOrder),
        ("it is over and void", billed_by("sub_2"), true, Some(InvoiceStatus::Void), 9000, Verdict::InOrder),
        ("it is over, and a customer has it", refused(), true, Some(InvoiceStatus::Open), 9000, Verdict::Second),
        ("a customer has its invoice", billed_by("sub_2"), false, Some(InvoiceStatus::Open), 9000, Verdict::Second),
        ("and has paid it", refused(), false, Some(InvoiceStatus::Paid), 9000, Verdict::Second),
    ] {
        let now = Timestamp::from_second(10_000).expect("in range");
        let subscription = Subscription {
            id: subscription_id("sub_1"),
            customer: None,
            is_over,
            metadata: Default::default(),
            created: now.saturating_sub(SignedDuration::from_secs(age_s)).expect("in range"),
            starts_at: None,
            ends_at: None,
            items: Vec::new(),
            has_more_items: false,
            latest_invoice: latest.map(invoice),
        };
        let mut subscription = subscription;
        if let Some(invoice) = &mut subscription.latest_invoice {
            invoice.created = subscription.created;
        }
        assert_eq!(judge(&subscription, run.as_ref(), now), expected, "{what}");
        // The draft of a later period is nobody's first invoice.
        if let (Some(invoice), Verdict::Orphan) = (&mut subscription.latest_invoice, &expected) {
            invoice.created = now.saturating_add(SignedDuration::from_hours(30 * 24)).expect("in range");
            assert_eq!(judge(&subscription, run.as_ref(), now), Verdict::Second, "{what}, and it billed on");
        }
    }
}
