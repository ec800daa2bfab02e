use std::collections::BTreeMap;

use domain::{BillingEmail, CountryCode, Currency, CustomerId, PriceId, ProductId};
use rust_decimal::Decimal;

use super::*;
use crate::{Address, Pricing, Quantity};

fn pairs(write: &Write) -> Vec<String> {
    form_urlencoded::parse(write.body.as_bytes())
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

fn metadata(key: &str, value: &str) -> BTreeMap<String, String> {
    [(key.to_owned(), value.to_owned())].into()
}

#[test]
fn a_customer_is_created_with_what_is_known() {
    let mut customer = CreateCustomer {
        name: "Müller & Söhne".into(),
        email: BillingEmail::parse("ap@acme.example").expect("valid"),
        phone: None,
        address: Some(Address {
            city: Some("Köln".into()),
            country: Some(CountryCode::parse("DE").expect("valid")),
            ..Address::default()
        }),
        metadata: metadata("sf_account_id", "001000000000001AAA"),
    };
    let write = Write::create_customer(&customer);
    assert_eq!((write.operation, write.path.as_str()), (Operation::CreateCustomer, "/v1/customers"));
    assert_eq!(
        pairs(&write),
        [
            "name=Müller & Söhne",
            "email=ap@acme.example",
            "address[city]=Köln",
            "address[country]=DE",
            "metadata[sf_account_id]=001000000000001AAA",
        ]
    );
    assert!(!format!("{write:?} {customer:?}").contains("acme"));
    customer.address = None;
    customer.phone = Some("+49 221 1".into());
    assert!(pairs(&Write::create_customer(&customer)).contains(&"phone=+49 221 1".to_owned()));
}

#[test]
fn a_draft_never_advances_by_itself() {
    let write = Write::create_invoice(&CreateInvoice {
        customer: CustomerId::parse("cus_1").expect("valid"),
        currency: Currency::parse("EUR").expect("valid"),
        days_until_due: 30,
        description: None,
        metadata: metadata("closedwon_run", "r"),
    });
    assert_eq!(
        pairs(&write),
        [
            "customer=cus_1",
            "currency=eur",
            "collection_method=send_invoice",
            "days_until_due=30",
            "auto_advance=false",
            "pending_invoice_items_behavior=exclude",
            "metadata[closedwon_run]=r",
        ]
    );
}

#[test]
fn lines_are_priced_in_three_ways() {
    let line = |quantity, pricing| InvoiceLineParams {
        description: Some("Seats".into()),
        metadata: metadata("sf_line_id", "00k"),
        quantity,
        pricing,
    };
    let price = Pricing::Price(PriceId::parse("price_1").expect("valid"));
    let product = Pricing::Product {
        product: ProductId::parse("prod_1").expect("valid"),
        currency: Currency::parse("USD").expect("valid"),
        unit_amount_decimal: Decimal::new(99_950, 2),
    };
    let lines = [
        line(Quantity::Whole(2), price),
        line(Quantity::Fraction(Decimal::new(1250, 3)), product),
        line(Quantity::Whole(3), Pricing::Amount(-500)),
    ];
    let id = InvoiceId::parse("in_1").expect("valid");
    let write = Write::add_lines(&id, &lines);
    assert_eq!(write.path, "/v1/invoices/in_1/add_lines");
    assert_eq!(
        pairs(&write),
        [
            "lines[0][pricing][price]=price_1",
            "lines[0][quantity]=2",
            "lines[0][description]=Seats",
            "lines[0][metadata][sf_line_id]=00k",
            "lines[1][price_data][currency]=usd",
            "lines[1][price_data][product]=prod_1",
            "lines[1][price_data][unit_amount_decimal]=999.5",
            "lines[1][quantity_decimal]=1.25",
            "lines[1][description]=Seats",
            "lines[1][metadata][sf_line_id]=00k",
            "lines[2][amount]=-500",
            "lines[2][description]=Seats",
            "lines[2][metadata][sf_line_id]=00k",
        ]
    );
    let update = Write::update_lines(&id, &[("il_9".to_owned(), lines[2].clone())]);
    assert_eq!(update.path, "/v1/invoices/in_1/update_lines");
    assert_eq!(pairs(&update)[..2], ["lines[0][id]=il_9", "lines[0][amount]=-500"]);
}

#[test]
fn writes_on_an_invoice_name_it_in_the_path() {
    let id = InvoiceId::parse("in_1").expect("valid");
    assert_eq!(Write::send_invoice(&id).path, "/v1/invoices/in_1/send");
    assert_eq!(Write::delete_invoice(&id).path, "/v1/invoices/in_1");
    let kept = serde_json::to_string(&Write::send_invoice(&id)).expect("plain data");
    assert_eq!(kept, r#"{"operation":"send_invoice","path":"/v1/invoices/in_1/send","body":""}"#);
    assert_eq!(serde_json::from_str::<Write>(&kept).expect("as written"), Write::send_invoice(&id));
}

/// Every parameter that is sent is one that Stripe lists for the operation.
#[test]
fn parameters_are_in_stripes_own_list() {
    let text = include_str!("../../../../tests/fixtures/stripe-operations-2026-10-28.endive.json");
    let listed: serde_json::Value = serde_json::from_str(text).expect("valid");
    let listed = listed.to_string();
    for name in [
        "pending_invoice_items_behavior",
        "collection_method",
        "days_until_due",
        "auto_advance",
        "quantity_decimal",
        "unit_amount_decimal",
        "price_data",
        "pricing",
    ] {
        assert!(listed.contains(&format!("\"{name}\"")), "{name}");
    }
}
