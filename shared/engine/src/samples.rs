//! What the tests are about, where it does not matter what exactly it is: one opportunity of one account, billed for ten.

use std::collections::BTreeMap;

use domain::{AccountId, Currency, CustomerId, InvoiceId, Money, OpportunityId, OrganizationId};
use jiff::Timestamp;
use mapping::{Plan, Stop};
use workflow::opportunity_won::{Invoice, Point};
use workflow::{Intent, Run, RunId, State};

pub(crate) fn organization_id() -> OrganizationId {
    OrganizationId::parse("00D000000000001EAA").expect("valid")
}

pub(crate) fn opportunity_id() -> OpportunityId {
    OpportunityId::parse("006000000000001AAA").expect("valid")
}

pub(crate) fn account_id() -> AccountId {
    AccountId::parse("001000000000001AAA").expect("valid")
}

pub(crate) fn customer_id() -> CustomerId {
    CustomerId::parse("cus_1").expect("valid")
}

pub(crate) fn invoice_id(id: &str) -> InvoiceId {
    InvoiceId::parse(id).expect("valid")
}

pub(crate) fn money(minor_units: i64, currency: &str) -> Money {
    Money::from_minor_units(minor_units, Currency::parse(currency).expect("valid"))
}

pub(crate) fn run_of(opportunity_id: OpportunityId) -> RunId {
    RunId::OpportunityWon { organization_id: organization_id(), opportunity_id }
}

pub(crate) fn deal(point: Point) -> Run {
    Run::new(run_of(opportunity_id()), State::OpportunityWon(point))
}

pub(crate) fn claimed() -> Point {
    Point::Claimed { opportunity_id: opportunity_id() }
}

/// Everybody was told of it.
pub(crate) fn stopped(opportunity_id: OpportunityId, stop: Stop, back_to: Point) -> Point {
    Point::Stopped { opportunity_id, stop, told: true, reported: true, back_to: Box::new(back_to) }
}

pub(crate) fn billed(opportunity_id: OpportunityId, invoice_id: InvoiceId, total: Money) -> Invoice {
    let plan = Plan {
        opportunity_id,
        account_id: account_id(),
        total,
        days_until_due: 30,
        lines: Vec::new(),
        approved: None,
        tax: None,
        collection: Default::default(),
        subscription: None,
        renews: None,
        contract_id: None,
        contract_is_in_another: false,
        canceled_on: None,
        by_rules: Vec::new(),
        bills_once: false,
    };
    Invoice {
        plan,
        customer_id: customer_id(),
        invoice_id,
        account_is_linked: true,
        hosted_invoice_url: None,
        invoice_pdf: None,
        subscription: None,
        unmarks: false,
        not_kept: Vec::new(),
        contract: Default::default(),
    }
}

/// As Stripe answers it: ours in nothing but its id.
pub(crate) fn invoice(
    id: InvoiceId,
    status: stripe::InvoiceStatus,
    total: Money,
    created: Timestamp,
) -> stripe::Invoice {
    stripe::Invoice {
        id,
        status,
        customer: None,
        currency: total.currency(),
        subtotal: total.minor_units(),
        total: total.minor_units(),
        tax: stripe::Tax::default(),
        amount_due: total.minor_units(),
        amount_paid: 0,
        amount_remaining: total.minor_units(),
        credited_before: 0,
        credited_after: 0,
        auto_advance: false,
        is_charged: false,
        livemode: false,
        created,
        hosted_invoice_url: None,
        invoice_pdf: None,
        number: None,
        paid_at: None,
        metadata: Default::default(),
        subscription: None,
        is_first: false,
        lines: Vec::new(),
        has_more_lines: false,
    }
}

/// It was sent once, then.
pub(crate) fn intent(sent: Timestamp) -> Intent {
    Intent {
        generation: 0,
        epoch: 0,
        key: "cw1_".into(),
        path: "/v1/invoices".into(),
        body: Some(String::new()),
        first_sent: sent,
        last_sent: sent,
        replays_error: false,
        ambiguous: false,
    }
}

pub(crate) fn scope() -> crate::Scope {
    let stripe_account_id = Some("acct_1".into());
    crate::Scope { environment: "test".into(), stripe_account_id, organization_id: organization_id(), livemode: false }
}

/// One that has billed nothing yet.
pub(crate) fn subscription(id: &str, metadata: BTreeMap<String, String>) -> stripe::Subscription {
    stripe::Subscription {
        id: domain::SubscriptionId::parse(id).expect("valid"),
        customer: None,
        currency: Currency::parse("USD").expect("valid"),
        status: "active".into(),
        is_over: false,
        has_run_out: false,
        oddity: None,
        is_collection_paused: false,
        has_discount: false,
        cancellation: stripe::CancellationDetails::default(),
        metadata,
        created: Timestamp::UNIX_EPOCH,
        starts_at: None,
        ends_at: None,
        items: vec![],
        has_more_items: false,
        latest_invoice: None,
    }
}
