//! Credit notes: on an open invoice they lower what is due, on a paid one they say what becomes of the money. No more than was billed.

use super::error::Error;
use super::invoices::{lines, transitions};
use super::list;
use super::money;
use super::params::merge_metadata;
use super::payments;
use super::state::{Call, State, assign, int, text};
use super::tax;
use rust_decimal::Decimal;
use serde_json::{Value, json};

const CREDITABLE: [&str; 3] = ["open", "paid", "uncollectible"];

pub fn create(state: &mut State, call: &Call) -> Result<Value, Error> {
    let mut note = draw(state, call)?;
    let id = state.new_id("cn");
    note["id"] = id.as_str().into();
    note["pdf"] = format!("https://pay.stripe.com/credit_notes/{}/test_{id}/pdf?s=ap", state.account_id).into();
    let mut invoice = state.named("invoice", text(&note, "invoice"))?.clone();
    let before = state.shown("invoice", &invoice);
    let (pre, post) = (int(&note, "pre_payment_amount"), int(&note, "post_payment_amount"));
    change_due(&mut invoice, pre);
    invoice["post_payment_credit_notes_amount"] = (int(&invoice, "post_payment_credit_notes_amount") + post).into();
    state.put("credit_note", note.clone());
    state.emit("credit_note.created", "credit_note", &note);
    move_balance(state, &invoice, -call.int("credit_amount").unwrap_or_default());
    store(state, &before, invoice, pre)?;
    Ok(note)
}

/// The same, and nothing comes of it.
pub fn preview(state: &mut State, call: &Call) -> Result<Value, Error> {
    let mut note = draw(state, call)?;
    note["id"] = state.clone().new_id("cn").into();
    note["pdf"] = "".into();
    Ok(note)
}

/// The invoice with less to pay, or with more again when a note is void.
fn change_due(invoice: &mut Value, pre: i64) {
    invoice["pre_payment_credit_notes_amount"] = (int(invoice, "pre_payment_credit_notes_amount") + pre).into();
    for name in ["amount_due", "amount_remaining"] {
        invoice[name] = (int(invoice, name) - pre).into();
    }
}

/// What is asked for is what is still due. When nothing is, the invoice is paid.
fn store(state: &mut State, before: &Value, invoice: Value, pre: i64) -> Result<(), Error> {
    let id = text(&invoice, "id").to_owned();
    state.put("invoice", invoice.clone());
    state.emit_updated("invoice.updated", "invoice", before, &invoice);
    if pre == 0 || invoice["status"] != "open" {
        return Ok(());
    }
    payments::cancel(state, &id);
    if int(&invoice, "amount_remaining") > 0 {
        payments::open(state, &invoice);
        return Ok(());
    }
    transitions::settle(state, &id, transitions::Settlement::NothingDue)
}

fn move_balance(state: &mut State, invoice: &Value, by: i64) {
    let Some(before) = state.table("customer").get(text(invoice, "customer")).cloned().filter(|_| by != 0) else {
        return;
    };
    let mut customer = before.clone();
    customer["balance"] = (int(&customer, "balance") + by).into();
    state.put("customer", customer.clone());
    state.emit_updated("customer.updated", "customer", &before, &customer);
}

fn draw(state: &State, call: &Call) -> Result<Value, Error> {
    for unmodelled in ["refund_amount", "refunds", "shipping_cost"] {
        if call.params.contains_key(unmodelled) {
            return Err(Error::unmodelled(&format!("`{unmodelled}` of a credit note")));
        }
    }
    let invoice_id = call.text("invoice").ok_or_else(|| Error::missing("invoice"))?;
    let invoice = state.referenced("invoice", invoice_id, "invoice")?;
    if !CREDITABLE.contains(&text(invoice, "status")) {
        let message = "You can only create a credit note for an invoice that is open, paid or uncollectible.";
        return Err(Error::refused(message).param("invoice"));
    }
    for name in ["credit_amount", "out_of_band_amount"] {
        if call.int(name).is_some_and(|amount| amount < 0) {
            return Err(Error::invalid(name, "This value must be greater than or equal to 0."));
        }
    }
    let elements = call.params.get("lines").and_then(Value::as_array).cloned().unwrap_or_default();
    let note_lines = match (call.int("amount"), elements.is_empty()) {
        (Some(_), false) => return Err(Error::exclusive(&["amount", "lines"])),
        (None, true) => return Err(Error::missing("amount")),
        (Some(amount), true) => vec![line("custom_line_item", amount, 1, amount.into(), &json!({}))],
        (None, false) => read_lines(state, invoice_id, &elements)?,
    };
    let subtotal: i64 = note_lines.iter().map(|line| int(line, "amount")).sum();
    let taxes: Vec<Value> = note_lines.iter().flat_map(|line| line["taxes"].as_array()).flatten().cloned().collect();
    let (on_top, inside) = tax::split(&taxes);
    let total = subtotal + on_top;
    if total <= 0 {
        return Err(Error::refused("The total of a credit note must be greater than 0.").param("amount"));
    }
    let credited = int(invoice, "pre_payment_credit_notes_amount") + int(invoice, "post_payment_credit_notes_amount");
    if credited + total > int(invoice, "total") {
        let left = int(invoice, "total") - credited;
        let message =
            format!("The sum of credit notes cannot be more than the invoice's total: {left} is left to credit.");
        return Err(Error::refused(message).param("amount"));
    }
    let pre = if invoice["status"] == "paid" { 0 } else { total.min(int(invoice, "amount_remaining")) };
    let post = total - pre;
    let (credit, out_of_band) =
        (call.int("credit_amount").unwrap_or_default(), call.int("out_of_band_amount").unwrap_or_default());
    if credit + out_of_band != post {
        let message = format!(
            "The sum of credit_amount, out_of_band_amount and refund_amount must equal what was paid of the credit \
             note's total: {post}."
        );
        return Err(Error::refused(message));
    }
    // The balance has the currency of what was billed to the customer first.
    let customer = state.table("customer").get(text(invoice, "customer"));
    let of_balance = customer.map(|customer| &customer["currency"]).filter(|currency| !currency.is_null());
    if credit > 0 && of_balance.is_some_and(|currency| *currency != invoice["currency"]) {
        let message = "The customer's balance is in another currency than the invoice.";
        return Err(Error::refused(message).param("credit_amount"));
    }
    let count = state.table("credit_note").oldest_first().filter(|note| note["invoice"] == invoice_id).count();
    let mut note = json!({
        "id": null,
        "object": "credit_note",
        "amount": total,
        "amount_shipping": 0,
        "created": state.now,
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "customer_account": null,
        "customer_balance_transaction": null,
        "discount_amount": 0,
        "discount_amounts": [],
        "effective_at": state.now,
        "invoice": invoice_id,
        "lines": {
            "object": "list",
            "data": note_lines,
            "has_more": false,
            "url": format!("/v1/credit_notes/{invoice_id}/lines"),
        },
        "livemode": false,
        "memo": null,
        "metadata": {},
        "number": format!("{}-CN-{:02}", text(invoice, "number"), count + 1),
        "out_of_band_amount": call.int("out_of_band_amount"),
        "pdf": null,
        "post_payment_amount": post,
        "pre_payment_amount": pre,
        "pretax_credit_amounts": [],
        "reason": null,
        "refunds": [],
        "shipping_cost": null,
        "status": "issued",
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal - inside,
        "total": total,
        "total_excluding_tax": subtotal - inside,
        "total_taxes": taxes,
        "type": match (pre, post) {
            (_, 0) => "pre_payment",
            (0, _) => "post_payment",
            _ => "mixed",
        },
        "voided_at": null,
    });
    assign(&mut note, &call.params, &["effective_at", "memo", "reason"]);
    merge_metadata(&mut note["metadata"], &call.params, "metadata")?;
    Ok(note)
}

fn line(kind: &str, amount: i64, quantity: i64, unit_amount: Decimal, from: &Value) -> Value {
    json!({
        "id": format!("cnli_{}", from["invoice_line_item"].as_str().unwrap_or("custom")),
        "object": "credit_note_line_item",
        "amount": amount,
        "description": from["description"],
        "discount_amount": 0,
        "discount_amounts": [],
        "invoice_line_item": from["invoice_line_item"],
        "livemode": false,
        "metadata": from["metadata"].as_object().cloned().unwrap_or_default(),
        "pretax_credit_amounts": [],
        "quantity": quantity,
        "tax_rates": [],
        "taxes": [],
        "type": kind,
        "unit_amount": i64::try_from(unit_amount.normalize()).ok().filter(|_| unit_amount.is_integer()),
        "unit_amount_decimal": money::plain(unit_amount),
    })
}

fn read_lines(state: &State, invoice: &str, elements: &[Value]) -> Result<Vec<Value>, Error> {
    let billed = lines::of(state, invoice);
    let taxes = billed.iter().flat_map(|line| line["taxes"].as_array().into_iter().flatten());
    let is_taxed = taxes.map(|tax| int(tax, "amount")).any(|tax| tax != 0);
    let credited_before = |id: &str| -> i64 {
        let notes = state.table("credit_note").oldest_first();
        let notes = notes.filter(|note| note["invoice"] == invoice && note["status"] == "issued");
        let lines = notes.flat_map(|note| note["lines"]["data"].as_array().into_iter().flatten());
        lines.filter(|line| line["invoice_line_item"] == id).map(|line| int(line, "amount")).sum()
    };
    let read = |(index, element): (usize, &Value)| {
        let path = |name: &str| format!("lines[{index}][{name}]");
        for unmodelled in ["tax_amounts", "tax_rates"] {
            if !element[unmodelled].is_null() {
                return Err(Error::unmodelled(&format!("`{}`", path(unmodelled))));
            }
        }
        let (amount, quantity) = (element["amount"].as_i64(), element["quantity"].as_i64());
        if element["type"] == "custom_line_item" {
            if is_taxed {
                return Err(Error::unmodelled("a custom line of a credit note on an invoice that is taxed"));
            }
            let unit = element["unit_amount"].as_i64().map(Decimal::from);
            let unit = unit.or(element["unit_amount_decimal"].as_str().and_then(|text| text.parse().ok()));
            let unit = unit.ok_or_else(|| Error::missing(&path("unit_amount")))?;
            let quantity = quantity.unwrap_or(1);
            let amount = money::line_amount(unit, quantity.into(), &path("quantity"))?;
            return Ok(line("custom_line_item", amount, quantity, unit, element));
        }
        let id = element["invoice_line_item"].as_str().ok_or_else(|| Error::missing(&path("invoice_line_item")))?;
        let of = billed.iter().find(|line| line["id"] == id);
        let of = of.ok_or_else(|| Error::no_such("invoice line item", id, &path("invoice_line_item")))?;
        let (whole, whole_quantity) = (int(of, "amount"), int(of, "quantity").max(1));
        let tax = &of["taxes"][0];
        let inside = if tax["tax_behavior"] == "inclusive" { int(tax, "amount") } else { 0 };
        let untaxed = whole - inside;
        // A quantity counts more than an amount: it is a share of what was billed. An amount is without the tax.
        let credited = match (quantity, amount) {
            (Some(quantity), _) if quantity > whole_quantity => {
                let message = format!("The invoice line has only {whole_quantity}.");
                return Err(Error::refused(message).param(path("quantity")));
            }
            (Some(quantity), _) => {
                let share = Decimal::from(whole) * Decimal::from(quantity) / Decimal::from(whole_quantity);
                money::line_amount(share, Decimal::ONE, &path("quantity"))?
            }
            (None, Some(amount)) if inside != 0 => {
                let share = Decimal::from(whole) * Decimal::from(amount) / Decimal::from(untaxed);
                money::line_amount(share, Decimal::ONE, &path("amount"))?
            }
            (None, Some(amount)) => amount,
            (None, None) => whole,
        };
        if (credited + credited_before(id)).abs() > whole.abs() || credited.signum() * whole.signum() < 0 {
            let message = format!("You cannot credit more than the line's {whole}.");
            return Err(Error::refused(message).param(path("amount")));
        }
        let quantity = quantity.unwrap_or(1);
        let unit = Decimal::from(credited) / Decimal::from(quantity.max(1));
        let mut described = element.clone();
        if described["description"].is_null() {
            described["description"] = of["description"].clone();
        }
        let mut line = line("invoice_line_item", credited, quantity, unit.round_dp(12), &described);
        if is_taxed && whole != 0 {
            let mut tax = tax.clone();
            for name in ["amount", "taxable_amount"] {
                let share = Decimal::from(int(&tax, name)) * Decimal::from(credited) / Decimal::from(whole);
                tax[name] = money::line_amount(share, Decimal::ONE, name)?.into();
            }
            line["taxes"] = json!([tax]);
        }
        Ok(line)
    };
    elements.iter().enumerate().map(read).collect()
}

pub fn retrieve(state: &mut State, call: &Call) -> Result<Value, Error> {
    state.named("credit_note", call.id()).cloned()
}

pub fn update(state: &mut State, call: &Call) -> Result<Value, Error> {
    let before = state.named("credit_note", call.id())?.clone();
    let mut note = before.clone();
    assign(&mut note, &call.params, &["memo"]);
    merge_metadata(&mut note["metadata"], &call.params, "metadata")?;
    state.put("credit_note", note.clone());
    state.emit_updated("credit_note.updated", "credit_note", &before, &note);
    Ok(note)
}

/// Only what lowered an invoice that is still open is taken back.
pub fn void(state: &mut State, call: &Call) -> Result<Value, Error> {
    let mut note = state.named("credit_note", call.id())?.clone();
    let mut invoice = state.named("invoice", text(&note, "invoice"))?.clone();
    if note["status"] != "issued" || invoice["status"] != "open" {
        return Err(Error::refused("You can only void a credit note of an invoice that is open."));
    }
    let before = state.shown("invoice", &invoice);
    note["status"] = "void".into();
    note["voided_at"] = state.now.into();
    state.put("credit_note", note.clone());
    state.emit("credit_note.voided", "credit_note", &note);
    let pre = -int(&note, "pre_payment_amount");
    change_due(&mut invoice, pre);
    store(state, &before, invoice, pre)?;
    Ok(note)
}

pub fn list(state: &mut State, call: &Call) -> Result<Value, Error> {
    let rows = state.table("credit_note").newest_first().filter(|row| {
        ["customer", "invoice"].iter().all(|name| list::equal(call, name, row)) && list::in_range(call, "created", row)
    });
    list::page(call, rows, "credit_note", "/v1/credit_notes")
}
