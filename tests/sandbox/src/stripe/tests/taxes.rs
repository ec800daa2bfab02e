//! Automatic tax: where the customer is, and what follows when that is not known.

use super::{Account, Config};
use serde_json::Value;

fn account() -> Account {
    let tax_rates =
        [("DE", "19"), ("US", "8.25")].map(|(country, percent)| (country.to_owned(), percent.parse().expect("a rate")));
    Account::with(Config { tax_rates: tax_rates.into(), ..Config::default() })
}

/// A draft of 10.00 on top of which tax comes, and of 119.00 with tax inside.
fn draft(account: &mut Account, address: &str) -> (String, String) {
    let customer = account.create("/v1/customers", &format!("email=a@b.example{address}"));
    let price = |behavior: &str, amount: i64| {
        format!("currency=usd&unit_amount={amount}&product_data[name]=Gold&tax_behavior={behavior}")
    };
    let (on_top, inside) = (
        account.create("/v1/prices", &price("exclusive", 1000)),
        account.create("/v1/prices", &price("inclusive", 11_900)),
    );
    let body = format!(
        "customer={customer}&currency=usd&collection_method=send_invoice&days_until_due=30&automatic_tax[enabled]=true"
    );
    let invoice = account.create("/v1/invoices", &body);
    account
        .post(
            &format!("/v1/invoices/{invoice}/add_lines"),
            &format!("lines[0][pricing][price]={on_top}&lines[1][pricing][price]={inside}"),
        )
        .ok();
    (customer, invoice)
}

fn amounts(invoice: &Value) -> [i64; 4] {
    ["subtotal", "total", "total_excluding_tax", "amount_due"].map(|name| invoice[name].as_i64().expect("an amount"))
}

#[test]
fn tax_comes_on_top_or_is_inside() {
    for (address, expected, reason) in [
        ("&address[country]=DE", [12_900, 13_090, 11_000, 13_090], "standard_rated"),
        ("&address[country]=DE&tax_exempt=exempt", [12_900, 12_900, 12_900, 12_900], "customer_exempt"),
        ("&address[country]=DE&tax_exempt=reverse", [12_900, 12_900, 12_900, 12_900], "reverse_charge"),
        ("&address[country]=FR", [12_900, 12_900, 12_900, 12_900], "not_collecting"),
        // 0.825 of 10.00 is 83 cents; 119.00 without 8.25 % is 109.93.
        ("&address[country]=US&address[postal_code]=94107", [12_900, 12_983, 11_993, 12_983], "standard_rated"),
        // A shipping address counts before the other, and alone.
        (
            "&address[country]=FR&shipping[name]=x&shipping[address][country]=DE",
            [12_900, 13_090, 11_000, 13_090],
            "standard_rated",
        ),
    ] {
        let mut account = account();
        let (_, invoice) = draft(&mut account, address);
        let sent = account.post(&format!("/v1/invoices/{invoice}/send"), "").ok();
        assert_eq!(amounts(&sent), expected, "{address}");
        assert_eq!(sent["automatic_tax"]["status"], "complete");
        let taxes = sent["total_taxes"].as_array().expect("taxes");
        assert!(
            !taxes.is_empty() && taxes.iter().all(|tax| tax["taxability_reason"] == reason),
            "{address}: {taxes:?}"
        );
        assert_eq!(sent["lines"]["data"][0]["taxes"][0]["taxability_reason"], reason);
    }
}

/// docs.stripe.com/tax/customer-locations: a ZIP code in the United States, a province or a postal code in Canada.
#[test]
fn without_a_location_nothing_is_finalized() {
    for (address, mended) in [
        ("", "address[country]=DE"),
        ("&address[country]=US&address[state]=CA", "address[postal_code]=94107"),
        ("&address[country]=CA", "address[state]=ON"),
        ("&address[country]=DE&shipping[name]=x&shipping[address][line1]=y", "shipping="),
    ] {
        let mut account = account();
        let (customer, invoice) = draft(&mut account, address);
        let (path, customer) = (format!("/v1/invoices/{invoice}"), format!("/v1/customers/{customer}"));
        assert_eq!(account.get(&path).ok()["automatic_tax"]["status"], "requires_location_inputs", "{address}");
        assert_eq!(
            account.get(&format!("{customer}?expand[]=tax")).ok()["tax"]["automatic_tax"],
            "unrecognized_location"
        );
        assert_eq!(account.post(&format!("{path}/send"), "").code(), "customer_tax_location_invalid");
        assert_eq!(account.get(&path).ok()["status"], "draft");
        let refused = account.post(&customer, "tax[validate_location]=immediately");
        assert_eq!((refused.code(), refused.param()), ("customer_tax_location_invalid", "tax[validate_location]"));
        account.post(&customer, mended).ok();
        assert_ne!(account.get(&format!("{customer}?expand[]=tax")).ok()["tax"]["location"], Value::Null);
        assert_eq!(account.post(&format!("{path}/send"), "").ok()["status"], "open");
    }
}

/// docs.stripe.com/tax/subscriptions: one that stands alone stays a draft, one of a subscription goes out without tax.
#[test]
fn what_finalizes_itself_without_a_location() {
    let mut account = account();
    let (_, invoice) = draft(&mut account, "");
    account.post(&format!("/v1/invoices/{invoice}"), "auto_advance=true").ok();
    let price = account.monthly(1000);
    let customer = account.create("/v1/customers", "email=a@b.example");
    let body = format!(
        "customer={customer}&items[0][price]={price}&collection_method=send_invoice&days_until_due=30&automatic_tax[enabled]=true"
    );
    assert_eq!(account.post("/v1/subscriptions", &body).code(), "customer_tax_location_invalid");
    account.post(&format!("/v1/customers/{customer}"), "address[country]=DE").ok();
    let subscription = account.post("/v1/subscriptions", &body).ok();
    assert_eq!(amounts(&account.latest(&subscription)), [1000, 1190, 1000, 1190]);
    let auto = account.post(&format!("/v1/customers/{customer}"), "address=");
    assert_eq!(auto.code(), "customer_tax_location_invalid");
    account.post(&format!("/v1/customers/{customer}"), "address=&tax[validate_location]=deferred").ok();
    account.now_ms += 3_700_000;
    let first = account.latest(&subscription);
    assert_eq!(
        (&first["status"], &first["total"], &first["automatic_tax"]["enabled"]),
        (&"open".into(), &1000.into(), &false.into())
    );
    assert_eq!(first["automatic_tax"]["disabled_reason"], "finalization_requires_location_inputs");
    let id = subscription["id"].as_str().expect("an id");
    assert_eq!(account.get(&format!("/v1/subscriptions/{id}")).ok()["automatic_tax"]["enabled"], false);
    let alone = account.get(&format!("/v1/invoices/{invoice}")).ok();
    assert_eq!(
        (&alone["status"], &alone["last_finalization_error"]["code"]),
        (&"draft".into(), &"customer_tax_location_invalid".into())
    );
}

#[test]
fn corrections_of_taxed_invoices() {
    let mut account = account();
    let (_, invoice) = draft(&mut account, "&address[country]=DE");
    account.post(&format!("/v1/invoices/{invoice}/send"), "").ok();
    let lines = account.stripe.invoice_lines(&invoice);
    let line = |index: usize| lines[index]["id"].as_str().expect("an id");
    let credit = |index: usize, of: usize, what: &str| {
        format!(
            "lines[{index}][type]=invoice_line_item&lines[{index}][invoice_line_item]={}&lines[{index}]{what}",
            line(of)
        )
    };
    let preview = |account: &mut Account, lines: &[String]| {
        account.get(&format!("/v1/credit_notes/preview?invoice={invoice}&{}", lines.join("&"))).ok()
    };
    let custom = "lines[0][type]=custom_line_item&lines[0][unit_amount]=5&lines[0][description]=x";
    assert_eq!(account.get(&format!("/v1/credit_notes/preview?invoice={invoice}&{custom}")).status, 501);
    // With its tax, on top or inside; an amount is without it: docs.stripe.com/api/credit_notes/create.
    for (lines, total, untaxed) in [
        (vec![credit(0, 0, "[quantity]=1"), credit(1, 1, "[quantity]=1")], 13_090, 11_000),
        (vec![credit(0, 0, "[amount]=1000"), credit(1, 1, "[amount]=10000")], 13_090, 11_000),
        (vec![credit(0, 1, "[amount]=5000")], 5950, 5000),
        (vec![credit(0, 0, "[amount]=500")], 595, 500),
    ] {
        let note = preview(&mut account, &lines);
        assert_eq!((&note["total"], &note["total_excluding_tax"]), (&total.into(), &untaxed.into()), "{lines:?}");
    }
    let revision =
        account.create("/v1/invoices", &format!("from_invoice[action]=revision&from_invoice[invoice]={invoice}"));
    assert_eq!(amounts(&account.get(&format!("/v1/invoices/{revision}")).ok()), [12_900, 13_090, 11_000, 13_090]);
}

/// Of somebody who is only described, of a customer as they are, and as they would be. Nobody is made or changed by it.
#[test]
fn the_tax_of_what_does_not_exist_yet_is_previewed() {
    let mut account = account();
    let there = account.create("/v1/customers", "email=a@b.example&address[country]=US&address[postal_code]=94107");
    let product = account.create("/v1/products", "name=Gold");
    let line = format!(
        "&invoice_items[0][price_data][currency]=usd&invoice_items[0][price_data][product]={product}\
         &invoice_items[0][price_data][unit_amount_decimal]=1000&invoice_items[0][price_data][tax_behavior]=exclusive"
    );
    let count = |account: &Account| ["customer", "tax_id"].map(|object| account.stripe.objects(object).len());
    let before = count(&account);
    for (whose, total, status) in [
        ("customer_details[address][country]=DE".to_owned(), 1190, "complete"),
        ("customer_details[address][city]=Nowhere".to_owned(), 1000, "requires_location_inputs"),
        (format!("customer={there}"), 1083, "complete"),
        (format!("customer={there}&customer_details[address][country]=DE"), 1190, "complete"),
        (format!("customer={there}&customer_details[tax_exempt]=exempt"), 1000, "complete"),
        (
            "customer_details[address][country]=DE&customer_details[tax_ids][0][type]=eu_vat\
             &customer_details[tax_ids][0][value]=DE123456789"
                .to_owned(),
            1000,
            "complete",
        ),
    ] {
        let body = format!("{whose}&currency=usd&automatic_tax[enabled]=true{line}");
        let invoice = account.post("/v1/invoices/create_preview", &body).ok();
        assert_eq!(
            (&invoice["total"], &invoice["automatic_tax"]["status"]),
            (&total.into(), &status.into()),
            "{whose}"
        );
    }
    let untaxed = account.post("/v1/invoices/create_preview", &format!("customer={there}{line}")).ok();
    assert_eq!((&untaxed["total"], count(&account)), (&1000.into(), before));
    let unmodelled = "customer_details[tax][ip_address]=1.1.1.1";
    assert_eq!(account.post("/v1/invoices/create_preview", &format!("{unmodelled}{line}")).status, 501);
}
