//! What is done about an invoice that was sent and is wrong: credit notes and revisions.

use super::Account;
use serde_json::Value;

impl Account {
    fn open_of(&mut self, amount: i64) -> String {
        let invoice = self.draft_of(amount);
        self.post(&format!("/v1/invoices/{invoice}/send"), "").ok();
        invoice
    }

    fn invoice(&mut self, id: &str) -> Value {
        self.get(&format!("/v1/invoices/{id}")).ok()
    }
}

/// docs.stripe.com/invoicing/integration/programmatic-credit-notes: 20.00 of 100.00.
#[test]
fn a_credit_note_lowers_what_is_due() {
    let mut account = Account::new();
    let invoice = account.open_of(10_000);
    let body = format!(
        "invoice={invoice}&lines[0][type]=custom_line_item&lines[0][description]=Late&lines[0][quantity]=1&lines[0][unit_amount]=2000"
    );
    let previewed = account.get(&format!("/v1/credit_notes/preview?{body}")).ok();
    assert_eq!((&previewed["total"], account.invoice(&invoice)["amount_due"].as_i64()), (&2000.into(), Some(10_000)));
    let mut note = Value::Null;
    let events = account.events_of(|account| note = account.post("/v1/credit_notes", &body).ok());
    assert_eq!(events[..2], ["credit_note.created", "invoice.updated"]);
    assert_eq!((&note["type"], &note["status"]), (&"pre_payment".into(), &"issued".into()));
    assert!(note["number"].as_str().is_some_and(|number| number.ends_with("-0001-CN-01")), "{}", note["number"]);
    let lowered = account.invoice(&invoice);
    for (name, amount) in
        [("amount_due", 8000), ("amount_remaining", 8000), ("pre_payment_credit_notes_amount", 2000), ("total", 10_000)]
    {
        assert_eq!(lowered[name], amount, "{name}");
    }
    let too_much = account.post("/v1/credit_notes", &format!("invoice={invoice}&amount=8001"));
    assert_eq!((too_much.status, too_much.param()), (400, "amount"));

    let void = format!("/v1/credit_notes/{}/void", note["id"].as_str().expect("an id"));
    assert_eq!(account.post(&void, "").ok()["status"], "void");
    assert_eq!(account.invoice(&invoice)["amount_due"], 10_000);
    assert_eq!(account.post(&void, "").status, 400);
    // All of it: nothing is left to pay.
    let events = account
        .events_of(|account| drop(account.post("/v1/credit_notes", &format!("invoice={invoice}&amount=10000")).ok()));
    assert!(events.contains(&"invoice.paid".to_owned()), "{events:?}");
    let paid = account.invoice(&invoice);
    assert_eq!((&paid["status"], &paid["amount_paid"]), (&"paid".into(), &0.into()));
}

#[test]
fn of_a_paid_invoice_it_says_what_becomes_of_the_money() {
    let mut account = Account::new();
    let invoice = account.open_of(500);
    account.post(&format!("/v1/invoices/{invoice}/pay"), "payment_method=pm_card_visa").ok();
    let short = account
        .post("/v1/credit_notes", &format!("invoice={invoice}&amount=500&credit_amount=200&out_of_band_amount=299"));
    assert!(short.message().contains("must equal"), "{}", short.message());
    let note = account
        .post("/v1/credit_notes", &format!("invoice={invoice}&amount=500&credit_amount=200&out_of_band_amount=300"))
        .ok();
    assert_eq!((&note["type"], &note["post_payment_amount"]), (&"post_payment".into(), &500.into()));
    let paid = account.invoice(&invoice);
    assert_eq!(
        (&paid["status"], &paid["post_payment_credit_notes_amount"], &paid["amount_due"]),
        (&"paid".into(), &500.into(), &500.into())
    );
    let customer = account.get(&format!("/v1/customers/{}", paid["customer"].as_str().expect("an id"))).ok();
    assert_eq!(customer["balance"], -200);
}

/// A part of a line by its quantity, never more than was billed, and a negative line is credited negatively.
#[test]
fn lines_are_credited_by_amount_or_by_quantity() {
    let mut account = Account::new();
    let price = account.create("/v1/prices", "currency=usd&unit_amount=3000&product_data[name]=Seat");
    let invoice = account.draft("usd");
    account
        .post(
            &format!("/v1/invoices/{invoice}/add_lines"),
            &format!("lines[0][pricing][price]={price}&lines[0][quantity]=4&lines[1][amount]=-5000"),
        )
        .ok();
    account.post(&format!("/v1/invoices/{invoice}/send"), "").ok();
    let lines = account.stripe.invoice_lines(&invoice);
    let (seats, discount) = (lines[0]["id"].as_str().expect("an id"), lines[1]["id"].as_str().expect("an id"));
    let of = |line: &str, what: &str| {
        format!("invoice={invoice}&lines[0][type]=invoice_line_item&lines[0][invoice_line_item]={line}&{what}")
    };
    assert_eq!(account.post("/v1/credit_notes", &of(seats, "lines[0][quantity]=5")).param(), "lines[0][quantity]");
    assert_eq!(account.post("/v1/credit_notes", &of(seats, "lines[0][amount]=12001")).param(), "lines[0][amount]");
    assert_eq!(account.post("/v1/credit_notes", &of(discount, "")).status, 400, "the total of a note is positive");
    let both = of(
        seats,
        &format!("lines[0][quantity]=2&lines[1][type]=invoice_line_item&lines[1][invoice_line_item]={discount}"),
    );
    let note = account.post("/v1/credit_notes", &both).ok();
    assert_eq!((&note["total"], &note["lines"]["data"][0]["amount"]), (&1000.into(), &6000.into()));
    assert_eq!(account.invoice(&invoice)["amount_due"], 6000);
}

/// What was credited once is not credited again, by whichever note.
#[test]
fn a_line_is_credited_once() {
    let mut account = Account::new();
    let invoice = account.draft_of(1000);
    account.post(&format!("/v1/invoices/{invoice}/add_lines"), "lines[0][amount]=1000").ok();
    account.post(&format!("/v1/invoices/{invoice}/send"), "").ok();
    let line = account.stripe.invoice_lines(&invoice)[0]["id"].as_str().expect("an id").to_owned();
    let body = format!(
        "invoice={invoice}&lines[0][type]=invoice_line_item&lines[0][invoice_line_item]={line}&lines[0][amount]=600"
    );
    account.post("/v1/credit_notes", &body).ok();
    assert_eq!(account.post("/v1/credit_notes", &body).param(), "lines[0][amount]");
    let negative = account
        .post("/v1/credit_notes", &format!("invoice={invoice}&amount=10&credit_amount=-10&out_of_band_amount=10"));
    assert_eq!(negative.param(), "credit_amount");
}

/// docs.stripe.com/invoicing/invoice-edits
#[test]
fn a_revision_takes_the_place_of_its_invoice() {
    let mut account = Account::new();
    let invoice = account.open_of(500);
    let revise = format!("from_invoice[action]=revision&from_invoice[invoice]={invoice}");
    let revision = account.create("/v1/invoices", &revise);
    let (old, new) = (account.invoice(&invoice), account.invoice(&revision));
    assert_eq!((&old["status"], &new["status"], &new["total"]), (&"open".into(), &"draft".into(), &500.into()));
    assert_eq!((&new["from_invoice"]["invoice"], &new["customer"]), (&invoice.as_str().into(), &old["customer"]));
    account.post(&format!("/v1/invoices/{revision}/add_lines"), "lines[0][amount]=100").ok();
    assert_eq!(account.invoice(&invoice)["total"], 500);
    account.post(&format!("/v1/invoices/{revision}/send"), "").ok();
    let (old, new) = (account.invoice(&invoice), account.invoice(&revision));
    assert_eq!((&old["status"], &old["latest_revision"]), (&"void".into(), &revision.as_str().into()));
    assert_eq!((&new["status"], &new["amount_due"]), (&"open".into(), &600.into()));
    assert_ne!(old["number"], new["number"]);
    assert_eq!(account.post("/v1/invoices", &revise).status, 400, "it is void");
    let customer = format!("{revise}&customer={}", old["customer"].as_str().expect("an id"));
    assert_eq!(account.post("/v1/invoices", &customer).param(), "customer");

    let (customer, price) = (account.customer(), account.monthly(1000));
    let subscription = account.subscribe(&customer, &price, "");
    let first = account.latest(&subscription)["id"].as_str().expect("an id").to_owned();
    account.post(&format!("/v1/invoices/{first}/send"), "").ok();
    let refused = account.post("/v1/invoices", &format!("from_invoice[action]=revision&from_invoice[invoice]={first}"));
    assert!(refused.message().contains("subscription"), "{}", refused.message());
}

/// What a refund takes from a charge, the invoice does not know: it is asked of its payments.
#[test]
fn a_refund_shows_in_the_charge_alone() {
    let mut account = Account::new();
    let invoice = account.open_of(500);
    let payments = format!(
        "/v1/invoice_payments?invoice={invoice}&status=paid&expand[]=data.payment.payment_intent.latest_charge"
    );
    assert_eq!(account.get(&payments).ok()["data"], Value::Array(vec![]));
    account.post(&format!("/v1/invoices/{invoice}/pay"), "payment_method=pm_card_visa").ok();
    let charge = |account: &mut Account| {
        account.get(&payments).ok()["data"][0]["payment"]["payment_intent"]["latest_charge"].take()
    };
    let paid = charge(&mut account);
    assert_eq!((&paid["amount"], &paid["amount_refunded"], &paid["disputed"]), (&500.into(), &0.into(), &false.into()));
    let id = paid["id"].as_str().expect("an id").to_owned();
    let intent = paid["payment_intent"].as_str().expect("an id").to_owned();
    assert_eq!(account.post("/v1/refunds", &format!("charge={id}&amount=501")).param(), "amount");
    let refund = account.post("/v1/refunds", &format!("charge={id}&amount=100")).ok();
    assert_eq!((&refund["amount"], &refund["status"]), (&100.into(), &"succeeded".into()));
    assert_eq!(
        (&charge(&mut account)["amount_refunded"], &charge(&mut account)["refunded"]),
        (&100.into(), &false.into())
    );
    let target = format!("/v1/refunds/{}", refund["id"].as_str().unwrap_or_default());
    assert_eq!(account.post(&target, "metadata[a]=b").ok()["metadata"]["a"], "b");
    assert_eq!(account.post("/v1/refunds/re_nobody", "").code(), "resource_missing");
    account.post("/v1/refunds", &format!("payment_intent={intent}")).ok();
    assert_eq!(
        (&charge(&mut account)["amount_refunded"], &charge(&mut account)["refunded"]),
        (&500.into(), &true.into())
    );
    assert_eq!(account.post("/v1/refunds", &format!("charge={id}")).code(), "charge_already_refunded");
    assert_eq!(account.invoice(&invoice)["status"], "paid");
    assert_eq!(account.get(&format!("/v1/refunds?charge={id}")).ok()["data"].as_array().map(Vec::len), Some(2));
    account.stripe.dispute(&invoice);
    assert_eq!(charge(&mut account)["disputed"], true);
}

/// docs.stripe.com/invoicing/customer/balance: what was credited pays for the next invoice, and comes back when that is void.
#[test]
fn what_was_credited_to_the_balance_pays_for_the_next_invoice() {
    let mut account = Account::new();
    let invoice = account.open_of(500);
    account.post(&format!("/v1/invoices/{invoice}/pay"), "payment_method=pm_card_visa").ok();
    let customer = account.invoice(&invoice)["customer"].as_str().expect("an id").to_owned();
    let line = account.stripe.invoice_lines(&invoice)[0]["id"].as_str().expect("an id").to_owned();
    let body = format!(
        "invoice={invoice}&lines[0][type]=invoice_line_item&lines[0][invoice_line_item]={line}&lines[0][quantity]=1&credit_amount="
    );
    assert_eq!(account.post("/v1/credit_notes", &format!("{body}499")).status, 400, "it is not what the lines come to");
    let note = account.post("/v1/credit_notes", &format!("{body}500&reason=order_change")).ok();
    assert_eq!((&note["post_payment_amount"], &note["lines"]["data"][0]["amount"]), (&500.into(), &500.into()));
    let balance = |account: &mut Account| account.get(&format!("/v1/customers/{customer}")).ok()["balance"].as_i64();
    assert_eq!(balance(&mut account), Some(-500));
    let bill = |account: &mut Account, amount: i64| {
        let next = account.create("/v1/invoices", &format!(
            "customer={customer}&currency=usd&collection_method=send_invoice&days_until_due=30&pending_invoice_items_behavior=exclude"
        ));
        account.post(&format!("/v1/invoices/{next}/add_lines"), &format!("lines[0][amount]={amount}")).ok();
        account.post(&format!("/v1/invoices/{next}/send"), "").ok()
    };
    let more = bill(&mut account, 700);
    assert_eq!((&more["status"], &more["total"], &more["amount_due"]), (&"open".into(), &700.into(), &200.into()));
    assert_eq!(balance(&mut account), Some(0));
    account.post(&format!("/v1/invoices/{}/void", more["id"].as_str().expect("an id")), "").ok();
    assert_eq!(balance(&mut account), Some(-500));
    let less = bill(&mut account, 300);
    assert_eq!((&less["status"], &less["amount_due"], &less["amount_paid"]), (&"paid".into(), &0.into(), &0.into()));
    assert_eq!(balance(&mut account), Some(-200));
}

/// "A credit note first reduces the invoice's `amount_remaining` (and `amount_due`), but not below zero. The `pre_payment_amount` field on the
/// credit note object tracks this portion": docs.stripe.com/changelog/basil/2025-05-28/partial-payments.
#[test]
fn a_note_on_what_is_paid_in_part_takes_what_is_due_first() {
    let mut account = Account::new();
    let invoice = account.open_of(1000);
    account.stripe.pay_part(&invoice, 300);
    let open = account.invoice(&invoice);
    assert_eq!(
        (&open["status"], &open["amount_paid"], &open["amount_remaining"]),
        (&"open".into(), &300.into(), &700.into())
    );
    let void = account.post(&format!("/v1/invoices/{invoice}/void"), "");
    assert!(void.status == 400 && void.message().contains("paid in part"), "{}", void.message());
    let lower = account.post("/v1/credit_notes", &format!("invoice={invoice}&amount=200")).ok();
    assert_eq!((&lower["type"], &lower["pre_payment_amount"]), (&"pre_payment".into(), &200.into()));
    // What is given back is what was paid, and nothing else.
    for wrong in [0, 299, 301, 800] {
        let refused = account.post("/v1/credit_notes", &format!("invoice={invoice}&amount=800&credit_amount={wrong}"));
        assert!(refused.status == 400 && refused.message().contains("must equal"), "{wrong}: {}", refused.message());
    }
    let note = account.post("/v1/credit_notes", &format!("invoice={invoice}&amount=800&credit_amount=300")).ok();
    assert_eq!(
        (&note["type"], &note["pre_payment_amount"], &note["post_payment_amount"]),
        (&"mixed".into(), &500.into(), &300.into())
    );
    let paid = account.invoice(&invoice);
    assert_eq!(
        (&paid["status"], &paid["amount_remaining"], &paid["amount_paid"]),
        (&"paid".into(), &0.into(), &300.into())
    );
    assert_eq!(
        (&paid["pre_payment_credit_notes_amount"], &paid["post_payment_credit_notes_amount"]),
        (&700.into(), &300.into())
    );
}

/// The rest is asked for by the payment that was opened, and what is the last of it pays the invoice.
#[test]
fn an_invoice_is_paid_by_its_parts() {
    for by_card in [true, false] {
        let mut account = Account::new();
        let invoice = account.open_of(1000);
        account.stripe.pay_part(&invoice, 300);
        account.stripe.pay_part(&invoice, 701);
        assert_eq!(account.invoice(&invoice)["amount_paid"], 300, "no more than is due");
        match by_card {
            true => drop(account.post(&format!("/v1/invoices/{invoice}/pay"), "payment_method=pm_card_visa").ok()),
            false => account.stripe.pay_part(&invoice, 700),
        }
        let paid = account.invoice(&invoice);
        assert_eq!((&paid["status"], &paid["amount_paid"]), (&"paid".into(), &1000.into()));
        let payments = account.get(&format!("/v1/invoice_payments?invoice={invoice}&status=paid")).ok();
        let mut amounts: Vec<_> =
            payments["data"].as_array().expect("a list").iter().map(|one| one["amount_paid"].as_i64()).collect();
        amounts.sort_unstable();
        assert_eq!(amounts, [Some(300), Some(700)]);
    }
}
