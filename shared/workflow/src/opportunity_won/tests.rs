use domain::{Currency, CustomerId, FieldValue, InvoiceId, Money, Record};
use mapping::Deal;

use super::*;
use crate::{
    Every, Intent, InvoiceSeen, InvoiceStatus, LineSeen, Operation, PriceSeen, Refusal, Run, RunId, State, Status,
};

mod amendments;
mod collections;
mod contracts;
mod credits;
mod customers;
mod echoes;
mod interrupted;
mod judgements;
mod preflight;
mod renewals;
mod subscriptions;
mod taxes;

const INVOICE: &str = "in_1";
const OPPORTUNITY: &str = "006000000000001AAA";

fn text(value: &str) -> FieldValue {
    FieldValue::Text(value.into())
}

fn number(value: i64) -> FieldValue {
    FieldValue::Number(value.into())
}

fn settings() -> Settings {
    Settings::new(Currency::parse("EUR").expect("valid"))
}

fn opportunity_id() -> OpportunityId {
    OpportunityId::parse(OPPORTUNITY).expect("valid")
}

fn run(point: Point) -> Run {
    let organization_id = domain::OrganizationId::parse("00D000000000001EAA").expect("valid");
    let id = RunId::OpportunityWon { organization_id, opportunity_id: opportunity_id() };
    Run::new(id, State::OpportunityWon(point))
}

/// A write that may be under way, while it has its body.
fn intent(body: Option<&str>) -> Intent {
    Intent {
        generation: 0,
        epoch: 0,
        key: "cw1_1".into(),
        path: "/v1/invoices".into(),
        body: body.map(str::to_owned),
        first_sent: jiff::Timestamp::UNIX_EPOCH,
        last_sent: jiff::Timestamp::UNIX_EPOCH,
        replays_error: false,
        ambiguous: false,
    }
}

/// Lines of ten euros each.
fn deal(lines: i64) -> Deal {
    let mut opportunity = Record::default();
    for (path, value) in [
        ("Id", text(OPPORTUNITY)),
        ("StageName", text("Closed Won")),
        ("Amount", number(lines * 10)),
        ("AccountId", text("001000000000001AAA")),
        ("Account.Name", text("Acme")),
        ("Account.Billing_Email__c", text("ap@acme.example")),
    ] {
        opportunity.set(path, value);
    }
    let lines = (0..lines)
        .map(|index| {
            let mut line = Record::default();
            for (path, value) in [
                ("Id", text(&line_key(index))),
                ("Quantity", number(1)),
                ("ListPrice", number(10)),
                ("TotalPrice", number(10)),
                ("Product2.Stripe_Price_Id__c", text("price_1")),
            ] {
                line.set(path, value);
            }
            line
        })
        .collect();
    Deal { opportunity, lines, primary_contact: None, ..Deal::default() }
}

fn line_key(index: i64) -> String {
    domain::LineItemId::parse(&format!("00k{index:012}")).expect("valid").to_string()
}

fn seen(status: InvoiceStatus, lines: i64, amount: i64) -> InvoiceSeen {
    InvoiceSeen {
        invoice_id: InvoiceId::parse(INVOICE).expect("valid"),
        is_ours: true,
        customer_id: CustomerId::parse("cus_1").ok(),
        status,
        currency: Currency::parse("EUR").expect("valid"),
        subtotal: lines * amount,
        total: lines * amount,
        amount_paid: 0,
        amount_due: 0,
        amount_remaining: 0,
        credited: Default::default(),
        tax: Default::default(),
        auto_advance: false,
        is_charged: false,
        hosted_invoice_url: (status != InvoiceStatus::Draft).then(|| "https://invoice.example/1".to_owned()),
        invoice_pdf: (status != InvoiceStatus::Draft).then(|| "https://invoice.example/1.pdf".to_owned()),
        paid_at: None,
        metadata: Default::default(),
        subscription_id: None,
        first_lines: lines_seen(lines.min(10), amount),
        has_more_lines: lines > 10,
    }
}

fn lines_seen(lines: i64, amount: i64) -> Vec<LineSeen> {
    (0..lines)
        .map(|index| LineSeen { key: Some(line_key(index)), amount, subscription_item: None, period_start: None })
        .collect()
}

fn customer_known() -> Fact {
    Fact::CustomerKnown { customer_id: CustomerId::parse("cus_1").expect("valid"), is_apart: false }
}

fn refused() -> Fact {
    Fact::Refused(Refusal { stop: Stop::refused(Code::StripeRefused, "No.") })
}

fn written() -> Fact {
    let record = |fields: &[(&str, FieldValue)]| {
        let mut record = Record::default();
        fields.iter().for_each(|(path, value)| record.set(*path, value.clone()));
        record
    };
    Fact::RecordsUpdated(vec![
        record(&[
            ("Stripe_Customer_Id__c", text("cus_1")),
            ("Stripe_Invoice_Id__c", text(INVOICE)),
            ("Stripe_Invoice_URL__c", text("https://invoice.example/1")),
            ("Stripe_Invoice_PDF__c", text("https://invoice.example/1.pdf")),
        ]),
        record(&[("Stripe_Customer_Id__c", text("cus_1"))]),
    ])
}

/// Answers each call with the next fact, and tells which calls were made.
fn tell(point: Point, facts: Vec<Fact>) -> (Vec<String>, Point) {
    let mut calls = Vec::new();
    let mut point = point;
    for fact in facts {
        calls.push(match point.next() {
            Next::Call(Call::AddLines { batch, lines, .. }) => format!("add_lines {batch}: {}", lines.len()),
            Next::Call(call) => call.name().to_owned(),
            Next::EnsureCustomer(_) => "ensure_customer".to_owned(),
            next => panic!("{} had ended: {next:?}", point.name()),
        });
        point = point.record(fact, &settings()).expect("in order");
    }
    (calls, point)
}

fn claimed() -> Point {
    Point::Claimed { opportunity_id: opportunity_id() }
}

/// The price of the catalogue that every line names, and what it is at.
fn listed(unit_amount: i64) -> PriceSeen {
    PriceSeen {
        price_id: domain::PriceId::parse("price_1").expect("valid"),
        product_id: domain::ProductId::parse("prod_1").ok(),
        is_active: true,
        currency: Currency::parse("EUR").ok(),
        unit_amount: Some(unit_amount.into()),
        every: Every::Once,
        tax: None,
    }
}

fn priced() -> Fact {
    Fact::PricesRead(vec![listed(1000)])
}

fn draft(lines: i64) -> Draft {
    let (plan, _) = plan(&deal(lines), &settings()).expect("billable");
    let Fact::CustomerKnown { customer_id, .. } = customer_known() else { unreachable!() };
    Draft {
        once: Basket::new(&plan, &[listed(1000)]).expect("priced").once,
        plan,
        customer_id,
        invoice_id: InvoiceId::parse(INVOICE).expect("valid"),
        is_charged: false,
        account_is_linked: false,
        started: None,
    }
}

fn read(lines: i64) -> Fact {
    Fact::DealRead(Box::new(deal(lines)))
}

fn invoice(status: InvoiceStatus, lines: i64, amount: i64) -> Fact {
    Fact::InvoiceRead(seen(status, lines, amount))
}

#[test]
fn a_won_deal_is_billed_and_says_so() {
    let (calls, point) = tell(
        claimed(),
        vec![
            read(3),
            priced(),
            customer_known(),
            invoice(InvoiceStatus::Draft, 0, 0),
            invoice(InvoiceStatus::Draft, 3, 1000),
            invoice(InvoiceStatus::Open, 3, 1000),
            written(),
        ],
    );
    let expected = [
        "read_deal",
        "read_prices",
        "ensure_customer",
        "create_invoice",
        "add_lines 0: 3",
        "send_invoice",
        "update_records",
    ];
    assert_eq!(calls, expected);
    assert_eq!((point.name(), point.status()), ("done", Status::Done));
    assert_eq!(point.invoice_id().map(InvoiceId::as_str), Some(INVOICE));
}

#[test]
fn lines_go_in_batches_of_a_hundred() {
    let drafted = Point::Drafted { draft: draft(120), batch: 0 };
    let (calls, point) =
        tell(drafted, vec![invoice(InvoiceStatus::Draft, 100, 1000), invoice(InvoiceStatus::Draft, 120, 1000)]);
    assert_eq!(calls, ["add_lines 0: 100", "add_lines 1: 20"]);
    assert_eq!(point.name(), "ready");
}

#[test]
fn hidden_lines_of_a_negotiated_deal_are_all_looked_at() {
    let mut draft = draft(12);
    draft.plan.lines[11].negotiated = true;
    let drafted = Point::Drafted { draft, batch: 0 };
    let mut two_cancel_out = lines_seen(12, 1000);
    two_cancel_out[10].amount += 5;
    two_cancel_out[11].amount -= 5;
    let (calls, point) = tell(drafted, vec![invoice(InvoiceStatus::Draft, 12, 1000), Fact::LinesRead(two_cancel_out)]);
    assert_eq!(calls, ["add_lines 0: 12", "read_lines"]);
    assert_eq!(point.name(), "abandoning");
}

#[test]
fn what_does_not_equal_the_plan_is_never_sent() {
    type Change = fn(&mut InvoiceSeen);
    let wrong: [(&str, Change); 9] = [
        ("a foreign line", |seen| seen.first_lines[0].key = None),
        ("a line twice", |seen| seen.first_lines[1].key = seen.first_lines[0].key.clone()),
        ("a missing line", |seen| drop(seen.first_lines.pop())),
        ("tax on top", |seen| seen.total += 1),
        ("a discount", |seen| seen.subtotal -= 1),
        ("another currency", |seen| seen.currency = Currency::parse("USD").expect("valid")),
        ("advanced by Stripe", |seen| seen.auto_advance = true),
        ("another amount", |seen| seen.first_lines[0].amount += 1),
        ("two other amounts", |seen| {
            seen.first_lines[0].amount += 1;
            seen.first_lines[1].amount -= 1;
        }),
    ];
    for (what, change) in wrong {
        let mut filled = seen(InvoiceStatus::Draft, 3, 1000);
        change(&mut filled);
        let (_, point) = tell(Point::Drafted { draft: draft(3), batch: 0 }, vec![Fact::InvoiceRead(filled)]);
        assert_eq!(point.name(), "abandoning", "{what}");
        let (calls, point) = tell(point, vec![Fact::DraftDeleted, written(), Fact::Reported]);
        assert_eq!(calls, ["delete_draft", "update_records", "report"], "{what}");
        assert_eq!(point.stop().map(|stop| stop.code), Some(Code::InvoiceDiffersFromDeal), "{what}");
        assert_eq!((point.status(), point.invoice_id()), (Status::Rejected, None), "{what}");
    }
}

#[test]
fn a_deal_that_does_not_ask_to_be_billed_ends_quietly() {
    let mut lost = deal(1);
    lost.opportunity.set("StageName", text("Closed Lost"));
    let (calls, point) = tell(claimed(), vec![Fact::DealRead(Box::new(lost))]);
    assert_eq!(calls, ["read_deal"]);
    assert_eq!((point.status(), point.stop().map(|stop| stop.code)), (Status::Rejected, Some(Code::NotClosedWon)));
    assert_eq!(point.next(), Next::End(End::Stopped(point.stop().expect("stopped").clone())));
}

#[test]
fn a_refusal_is_told_once_and_reported() {
    let mut broken = deal(1);
    broken.opportunity.set("Account.BillingCountry", text("Narnia"));
    let read = |deal: &Deal| Fact::DealRead(Box::new(deal.clone()));
    let (calls, point) = tell(claimed(), vec![read(&broken), priced(), refused(), Fact::Reported]);
    // Salesforce did not take the note; the report goes out all the same.
    assert_eq!(calls, ["read_deal", "read_prices", "update_records", "report"]);
    let stop = point.stop().expect("stopped").clone();
    broken.opportunity.set("Stripe_Sync_Status__c", text(stop.code.as_str()));
    broken.opportunity.set("Stripe_Sync_Error__c", text(&stop.message));
    let (calls, _) = tell(point.resume(), vec![read(&broken), priced(), Fact::Reported]);
    assert_eq!(calls, ["read_deal", "read_prices", "report"]);
}

#[test]
fn an_invoice_that_somebody_else_made_is_never_overwritten() {
    let mut billed = deal(1);
    billed.opportunity.set("Stripe_Invoice_Id__c", text("in_byhand"));
    let others = [
        Fact::InvoiceMissing,
        refused(),
        Fact::InvoiceRead(InvoiceSeen { is_ours: false, ..named(InvoiceStatus::Open, OPPORTUNITY) }),
        Fact::InvoiceRead(InvoiceSeen { customer_id: None, ..named(InvoiceStatus::Open, OPPORTUNITY) }),
        Fact::InvoiceRead(named(InvoiceStatus::Open, "006000000000002AAA")),
        Fact::InvoiceRead(named(InvoiceStatus::Draft, OPPORTUNITY)),
        Fact::InvoiceRead(named(InvoiceStatus::Void, OPPORTUNITY)),
    ];
    for other in others {
        let (calls, point) = tell(claimed(), vec![Fact::DealRead(Box::new(billed.clone())), other]);
        assert_eq!(calls, ["read_deal", "read_invoice"]);
        assert_eq!(point.stop().map(|stop| stop.code), Some(Code::AlreadyBilled));
        assert_eq!(point.invoice_id(), None);
    }
    let sent = Point::Sent { invoice: draft(1).into_invoice(&seen(InvoiceStatus::Open, 1, 1000)), interrupted: false };
    let mut record = Record::default();
    record.set("Stripe_Invoice_Id__c", text("in_byhand"));
    let (calls, point) = tell(sent.resume(), vec![Fact::BillingRead(record)]);
    assert_eq!(calls, ["read_billing"]);
    assert_eq!(point.stop().map(|stop| stop.code), Some(Code::AlreadyBilled));
}

fn named(status: InvoiceStatus, opportunity: &str) -> InvoiceSeen {
    let metadata = [("sf_opportunity_id".to_owned(), opportunity.to_owned())].into();
    InvoiceSeen { metadata, ..seen(status, 1, 1000) }
}

/// The ledger was restored from a backup, and the deal's invoice had been sent since.
#[test]
fn an_invoice_of_the_deals_own_is_taken_up_again() {
    let mut billed = deal(1);
    billed.opportunity.set("Stripe_Invoice_Id__c", text(INVOICE));
    let read = || vec![Fact::DealRead(Box::new(billed.clone()))];
    for status in [InvoiceStatus::Open, InvoiceStatus::Paid] {
        let mut facts = read();
        facts.push(Fact::InvoiceRead(named(status, OPPORTUNITY)));
        let (calls, point) = tell(claimed(), facts);
        assert_eq!(calls, ["read_deal", "read_invoice"]);
        assert!(matches!(point, Point::Verifying { .. }), "{point:?}");
        assert_eq!(point.invoice_id().map(InvoiceId::as_str), Some(INVOICE));
    }
    let mut facts = read();
    facts.push(Fact::InvoiceRead(InvoiceSeen { total: 999, ..named(InvoiceStatus::Open, OPPORTUNITY) }));
    let (_, point) = tell(claimed(), facts);
    assert_eq!(point.stop().map(|stop| stop.code), Some(Code::InvoiceDiffersFromDeal));
}

#[test]
fn an_invoice_above_the_ceiling_waits_for_an_approval_and_is_then_sent_as_it_is() {
    let ready = Point::Ready { draft: draft(1), interrupted: false };
    let ceiling = Money::from_minor_units(999, Currency::parse("EUR").expect("valid"));
    let (_, point) = tell(ready, vec![Fact::NotApproved { ceiling, total: ceiling }, written(), Fact::Reported]);
    assert_eq!(point.stop().map(|stop| stop.code), Some(Code::ApprovalRequired));
    assert_eq!(point.status(), Status::Review);
    for (approved, is_enough) in [(None, false), (Some("9.99"), false), (Some("10.00"), true), (Some("20"), true)] {
        let mut deal = deal(1);
        if let Some(approved) = approved {
            deal.opportunity.set("Stripe_Approved_Amount__c", FieldValue::Number(approved.parse().expect("a decimal")));
        }
        let facts = vec![Fact::InvoiceRead(seen(InvoiceStatus::Draft, 1, 1000)), Fact::DealRead(Box::new(deal))];
        let (calls, point) = tell(point.clone().resume(), facts);
        assert_eq!(calls, ["read_invoice", "read_deal"]);
        let Next::Call(Call::SendInvoice { is_approved, total, .. }) = point.next() else {
            panic!("{point:?}");
        };
        assert_eq!((is_approved, total.minor_units()), (is_enough, 1000), "{approved:?}");
    }
}

#[test]
fn a_write_back_that_salesforce_does_not_keep_is_reviewed_and_the_invoice_stays() {
    let sent = Point::Sent { invoice: draft(1).into_invoice(&seen(InvoiceStatus::Open, 1, 1000)), interrupted: false };
    let (_, point) = tell(sent, vec![Fact::RecordsUpdated(vec![Record::default(), Record::default()])]);
    assert_eq!(point.stop().map(|stop| stop.code), Some(Code::WriteBackDiffers));
    assert_eq!(point.invoice_id().map(InvoiceId::as_str), Some(INVOICE));
    let (_, point) = tell(point, vec![written(), Fact::Reported]);
    assert_eq!(point.status(), Status::Review);
}
