//! What is answered, compared with the vendor's list of fields.

use super::Account;
use serde_json::Value;

fn listed(object: &str) -> Value {
    let text = include_str!("../../../../fixtures/stripe-objects-2026-10-28.endive.json");
    let file: Value = serde_json::from_str(text).expect("the objects file is JSON");
    file["objects"][object]["fields"].clone()
}

/// Every field answered exists, nested ones of plain objects included, and none that is always there is missing.
fn check(object: &str, answered: &Value) {
    let fields = listed(object);
    known(object, &fields, answered);
    for (name, field) in fields.as_object().expect("fields") {
        if field["nullable"] != true {
            assert!(!answered[name.as_str()].is_null(), "{object} lacks {name}");
        }
    }
}

fn known(path: &str, fields: &Value, answered: &Value) {
    for (name, value) in answered.as_object().expect("an object") {
        let field = &fields[name.as_str()];
        assert!(!field.is_null(), "{path}.{name} is not Stripe's");
        if field["type"] == "object" && value.is_object() {
            known(&format!("{path}.{name}"), &field["fields"], value);
        }
        if field["type"] == "enum" && !value.is_null() {
            let values = field["values"].as_array().expect("values");
            assert!(values.contains(value), "{path}.{name} is not one of Stripe's: {value}");
        }
    }
}

#[test]
fn every_object_has_the_vendors_fields() {
    let mut account = Account::new();
    account.create("/v1/webhook_endpoints", "url=https://a.example/hook&enabled_events[]=*");
    let body = "email=a@b.example&address[country]=US&shipping[name]=x&shipping[address][line1]=y\
                &invoice_settings[custom_fields][0][name]=PO&invoice_settings[custom_fields][0][value]=1";
    let customer = account.create("/v1/customers", body);
    let price =
        account.create("/v1/prices", "currency=usd&unit_amount=250&product_data[name]=Gold&recurring[interval]=month");
    let once = account.create("/v1/prices", "currency=usd&unit_amount=250&product_data[name]=Gold");
    let invoice = account.create("/v1/invoices", &format!("customer={customer}&currency=usd"));
    let add = format!("/v1/invoices/{invoice}/add_lines");
    account.post(&add, &format!("lines[0][pricing][price]={once}&lines[1][amount]=5")).ok();
    account.post(&format!("/v1/invoices/{invoice}/finalize"), "").ok();
    check("Invoice", &account.get(&format!("/v1/invoices/{invoice}?expand[]=payments")).ok());
    account.post("/v1/credit_notes", &format!("invoice={invoice}&amount=5&reason=order_change")).ok();
    account.post(&format!("/v1/invoices/{invoice}/mark_uncollectible"), "").ok();
    account.post(&format!("/v1/invoices/{invoice}/pay"), "payment_method=pm_card_visa").ok();
    let charge = account.stripe.objects("charge")[0]["id"].as_str().expect("an id").to_owned();
    account.post("/v1/refunds", &format!("charge={charge}&amount=1")).ok();

    let body = format!(
        "customer={customer}&items[0][price]={price}&collection_method=send_invoice&days_until_due=3&trial_period_days=3"
    );
    let subscription = account.create("/v1/subscriptions", &body);
    check("Subscription", &account.get(&format!("/v1/subscriptions/{subscription}")).ok());
    for item in account.stripe.objects("subscription_item") {
        check("SubscriptionItem", &item);
    }
    account.post("/v1/subscription_schedules", &format!("from_subscription={subscription}")).ok();
    check("Price", &account.get(&format!("/v1/prices/{price}")).ok());
    let item = account.stripe.objects("subscription_item")[0]["id"].as_str().expect("an id").to_owned();
    let end = format!("/v1/subscriptions/{subscription}");
    account.now_ms += 4 * 86_400_000;
    account.post(&end, &format!("items[0][id]={item}&items[0][quantity]=2&proration_behavior=always_invoice")).ok();
    let invoices = account.stripe.objects("invoice");
    assert_eq!(invoices.len(), 4);
    for line in invoices.iter().flat_map(|one| account.stripe.invoice_lines(one["id"].as_str().expect("an id"))) {
        check("InvoiceLineItem", &line);
    }
    for (object, name) in [
        ("credit_note", "CreditNote"),
        ("customer", "Customer"),
        ("product", "Product"),
        ("price", "Price"),
        ("subscription", "Subscription"),
        ("subscription_schedule", "SubscriptionSchedule"),
        ("invoice", "Invoice"),
        ("invoiceitem", "InvoiceItem"),
        ("invoice_payment", "InvoicePayment"),
        ("payment_intent", "PaymentIntent"),
        ("charge", "Charge"),
        ("refund", "Refund"),
        ("event", "Event"),
        ("webhook_endpoint", "WebhookEndpoint"),
    ] {
        let objects = account.stripe.objects(object);
        assert!(!objects.is_empty(), "{object}");
        objects.iter().for_each(|one| check(name, one));
    }
}

#[test]
fn ids_look_like_the_vendors() {
    let mut account = Account::new();
    let id = account.customer();
    let (prefix, rest) = id.split_once('_').expect("a prefix");
    assert_eq!((prefix, rest.len()), ("cus", 24));
    assert!(rest.chars().all(|character| character.is_ascii_alphanumeric()));
}
