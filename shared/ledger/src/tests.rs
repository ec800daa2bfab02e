//! What the ledger promises, over a table in memory. The same promises are kept over DynamoDB in `tests/it`, and against every
//! fault in the simulation.

mod kept;
mod saving;
mod taking;
mod turns;

use domain::{AccountId, Currency, CustomerId, InvoiceId, Money, OpportunityId, OrganizationId};
use jiff::Timestamp;
use mapping::{Code, Plan, Stop};
use workflow::opportunity_won::{Draft, Point, Stage};
use workflow::{Intent, Operation, Run, RunId, State, Status};

use crate::attributes::{get_number, get_text};
use crate::memory::Memory;
use crate::{Begun, CallEntry, Claim, Held, Ledger, LedgerError, Release, Reopen};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_793_577_600 + seconds).expect("in range")
}

fn organization_id() -> OrganizationId {
    OrganizationId::parse("00D000000000001EAA").expect("valid")
}

fn run_id(number: u32) -> RunId {
    let opportunity_id = OpportunityId::parse(&format!("006{number:012}")).expect("valid");
    RunId::OpportunityWon { organization_id: organization_id(), opportunity_id }
}

fn invoice_id() -> InvoiceId {
    InvoiceId::parse("in_1").expect("valid")
}

fn claimed(number: u32) -> Run {
    let RunId::OpportunityWon { opportunity_id, .. } = run_id(number) else { unreachable!() };
    Run::new(run_id(number), State::OpportunityWon(Point::Claimed { opportunity_id }))
}

fn plan() -> Plan {
    Plan {
        opportunity_id: OpportunityId::parse("006000000000001AAA").expect("valid"),
        account_id: AccountId::parse("001000000000001AAA").expect("valid"),
        total: Money::from_minor_units(1000, Currency::parse("EUR").expect("valid")),
        days_until_due: 30,
        lines: vec![],
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
    }
}

/// A run that has its draft.
fn drafted(number: u32, invoice: &str) -> Run {
    let draft = Draft {
        plan: plan(),
        customer_id: CustomerId::parse("cus_1").expect("valid"),
        invoice_id: InvoiceId::parse(invoice).expect("valid"),
        is_charged: false,
        account_is_linked: false,
        once: Vec::new(),
        started: None,
    };
    let point = Point::Checking { draft, stage: Stage::Lines { batch: 0 }, refused: None };
    Run { state: State::OpportunityWon(point), ..claimed(number) }
}

fn stopped(stop: Stop) -> Run {
    let RunId::OpportunityWon { opportunity_id, .. } = run_id(1) else { unreachable!() };
    let back_to = Box::new(Point::Claimed { opportunity_id: opportunity_id.clone() });
    let point = Point::Stopped { opportunity_id, stop, told: true, reported: true, back_to };
    Run { state: State::OpportunityWon(point), ..claimed(1) }
}

/// A customer's run at its goal.
fn known() -> Run {
    let account_id = AccountId::parse("001000000000001AAA").expect("valid");
    let id = RunId::AccountCustomer { organization_id: organization_id(), account_id, livemode: false, currency: None };
    let customer_id = CustomerId::parse("cus_1").expect("valid");
    Run::new(id, State::AccountCustomer(workflow::account_customer::Point::Known { customer_id, told: None }))
}

fn intent() -> Intent {
    Intent {
        generation: 0,
        epoch: 0,
        key: "cw1_1".into(),
        path: "/v1/invoices".into(),
        body: Some("currency=eur".into()),
        first_sent: at(0),
        last_sent: at(0),
        replays_error: false,
        ambiguous: false,
    }
}

/// For ninety seconds from then.
fn claim(owner: &str, reopen: Reopen, seconds: i64) -> Claim {
    let lease_until = at(seconds + 90);
    Claim { owner: owner.into(), reopen, now: at(seconds), lease_until, restored: None }
}

fn event(id: &str) -> Reopen {
    Reopen::ForNewEvent(id.into())
}

async fn held(ledger: &Ledger<&Memory>, run: Run, claim: &Claim) -> Held {
    match ledger.begin(run, claim).await.expect("available") {
        Begun::Held(held) => *held,
        other => panic!("{other:?}"),
    }
}

/// The run as it was left by somebody who gave it back.
async fn left(ledger: &Ledger<&Memory>, run: Run, seconds: i64) -> Held {
    let mut held =
        held(ledger, Run { answered: vec![], ..run.clone() }, &claim("first", Reopen::Always, seconds)).await;
    ledger.save(&mut held, run, &[], Release::Now, at(seconds)).await.expect("saved");
    held
}
