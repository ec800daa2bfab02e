use domain::SubscriptionId;
use jiff::Timestamp;

use super::*;
use crate::previews::preview_body;
use crate::renewals::tests::renewal_of;
use crate::{
    CatalogPriceOf, CreateCatalogPrice, CreateCreditNote, CreatePrice, CreateSubscription, CreditedLine, End, NewItem,
    Prorated, RenewSubscription, Share,
};

fn invoice() -> InvoiceId {
    InvoiceId::parse("in_1").expect("valid")
}

#[test]
fn an_invoice_is_a_draft_that_nobody_else_finalizes() {
    let write = |automatic_tax, collected| {
        Write::create_invoice(&CreateInvoice {
            customer: CustomerId::parse("cus_1").expect("valid"),
            currency: Currency::parse("EUR").expect("valid"),
            collected,
            automatic_tax,
            metadata: BTreeMap::new(),
        })
    };
    let sent = Collected::Sent { days_until_due: 30 };
    let body = |automatic_tax| write(automatic_tax, sent).body.replace("%5B", "[").replace("%5D", "]");
    let without = "customer=cus_1&currency=eur&collection_method=send_invoice&days_until_due=30&auto_advance=false\
                   &pending_invoice_items_behavior=exclude";
    assert_eq!(body(false), without);
    assert_eq!(body(true), format!("{without}&automatic_tax[enabled]=true"));
    // Stripe takes a number of days for what is sent only.
    let charged = "customer=cus_1&currency=eur&collection_method=charge_automatically&auto_advance=false\
                   &pending_invoice_items_behavior=exclude";
    assert_eq!(write(false, Collected::Charged).body, charged);
    let finalized = Write::charge_invoice(&invoice());
    assert_eq!((finalized.path.as_str(), finalized.body.as_str()), ("/v1/invoices/in_1/finalize", "auto_advance=true"));
    assert_eq!(finalized.operation, Operation::SendInvoice);
}

#[test]
fn lines_name_a_price_or_a_product_with_an_amount() {
    let line = |quantity, pricing| InvoiceLineParams {
        description: "Seats".into(),
        metadata: [("k".to_owned(), "v".to_owned())].into(),
        quantity,
        pricing,
    };
    let price = Pricing::Price(PriceId::parse("price_1").expect("valid"));
    let product = Pricing::Product {
        product: ProductId::parse("prod_1").expect("valid"),
        currency: Currency::parse("USD").expect("valid"),
        unit_amount_decimal: "999.50".parse().expect("valid"),
        tax_behavior: Some("inclusive"),
    };
    let half = Quantity::Fraction("0.50".parse().expect("valid"));
    let write = Write::add_lines(&invoice(), &[line(Quantity::Whole(2), price), line(half, product)]);
    assert_eq!(write.path, "/v1/invoices/in_1/add_lines");
    assert_eq!(
        write.body.replace("%5B", "[").replace("%5D", "]"),
        "lines[0][pricing][price]=price_1&lines[0][quantity]=2&lines[0][description]=Seats&lines[0][metadata][k]=v\
         &lines[1][price_data][currency]=usd&lines[1][price_data][product]=prod_1\
         &lines[1][price_data][unit_amount_decimal]=999.5&lines[1][price_data][tax_behavior]=inclusive&lines[1][quantity_decimal]=0.5&lines[1][description]=Seats\
         &lines[1][metadata][k]=v"
    );
}

/// Whether Stripe lists the parameter, whose path is what is left of its name.
fn is_listed(schema: &Value, path: &[&str]) -> bool {
    let Some((name, rest)) = path.split_first() else {
        return true;
    };
    match schema["type"].as_str() {
        Some("map<string,string>") => rest.is_empty(),
        Some("array") => name.parse::<usize>().is_ok() && is_listed(&schema["items"], rest),
        _ => !schema["fields"][name].is_null() && is_listed(&schema["fields"][name], rest),
    }
}

fn every_line() -> Vec<InvoiceLineParams> {
    let line = |quantity, pricing| InvoiceLineParams {
        description: "x".into(),
        metadata: [("k".to_owned(), "v".to_owned())].into(),
        quantity,
        pricing,
    };
    let product = Pricing::Product {
        product: ProductId::parse("prod_1").expect("valid"),
        currency: Currency::parse("USD").expect("valid"),
        unit_amount_decimal: Decimal::ONE,
        tax_behavior: Some("exclusive"),
    };
    let price = Pricing::Price(PriceId::parse("price_1").expect("valid"));
    vec![line(Quantity::Whole(1), price), line(Quantity::Fraction(Decimal::ONE), product)]
}

fn subscription() -> CreateSubscription {
    CreateSubscription {
        customer: CustomerId::parse("cus_1").expect("valid"),
        currency: Currency::parse("USD").expect("valid"),
        days_until_due: 30,
        automatic_tax: true,
        starts_at: Timestamp::from_second(86_400).expect("in range"),
        ends_at: Some(Timestamp::from_second(172_800).expect("in range")),
        items: vec![NewItem {
            price: PriceId::parse("price_1").expect("valid"),
            quantity: 2,
            metadata: [("k".to_owned(), "v".to_owned())].into(),
        }],
        once: every_line().into_iter().map(|line| InvoiceLineParams { quantity: Quantity::Whole(1), ..line }).collect(),
        metadata: [("k".to_owned(), "v".to_owned())].into(),
    }
}

#[test]
fn a_subscription_is_sent_from_its_first_day_to_its_last() {
    let body = Write::create_subscription(&subscription()).body.replace("%5B", "[").replace("%5D", "]");
    assert_eq!(
        body,
        "customer=cus_1&currency=usd&collection_method=send_invoice&billing_mode[type]=flexible&days_until_due=30&backdate_start_date=86400\
         &proration_behavior=create_prorations&cancel_at=172800&automatic_tax[enabled]=true&items[0][price]=price_1\
         &items[0][quantity]=2&items[0][metadata][k]=v&add_invoice_items[0][quantity]=1&add_invoice_items[0][metadata][k]=v\
         &add_invoice_items[0][price]=price_1&add_invoice_items[1][price_data][currency]=usd\
         &add_invoice_items[1][price_data][product]=prod_1&add_invoice_items[1][price_data][unit_amount_decimal]=1\
         &add_invoice_items[1][price_data][tax_behavior]=exclusive&add_invoice_items[1][quantity]=1\
         &add_invoice_items[1][metadata][k]=v&metadata[k]=v&expand[0]=latest_invoice"
    );
    let without_end = CreateSubscription { ends_at: None, automatic_tax: false, once: vec![], ..subscription() };
    let body = Write::create_subscription(&without_end).body;
    assert!(["cancel_at", "automatic_tax", "add_invoice_items"].iter().all(|name| !body.contains(name)), "{body}");
}

#[test]
fn a_price_comes_back_by_the_month_or_by_the_year() {
    for (months, expected) in [
        (1, "recurring[interval]=month&recurring[interval_count]=1&"),
        (6, "recurring[interval]=month&recurring[interval_count]=6&"),
        (12, "recurring[interval]=year&recurring[interval_count]=1&"),
        (24, "recurring[interval]=year&recurring[interval_count]=2&"),
    ] {
        let price = Write::create_price(&CreatePrice {
            product: ProductId::parse("prod_1").expect("valid"),
            currency: Currency::parse("JPY").expect("valid"),
            unit_amount: "12.50".parse().expect("valid"),
            months,
            tax_behavior: None,
            lookup_key: "key".into(),
            metadata: BTreeMap::new(),
        });
        let body = price.body.replace("%5B", "[").replace("%5D", "]");
        let rest = "lookup_key=key&transfer_lookup_key=true";
        assert_eq!(body, format!("product=prod_1&currency=jpy&unit_amount_decimal=12.5&{expected}{rest}"));
    }
}

fn customer_id() -> CustomerId {
    CustomerId::parse("cus_1").expect("valid")
}

fn address() -> Address {
    let text = || Some("x".to_owned());
    let (line1, line2, city, state, postal_code) = (text(), text(), text(), text(), text());
    Address { line1, line2, city, state, postal_code, country: Some(domain::CountryCode::parse("US").expect("valid")) }
}

fn tax_id() -> TaxId {
    TaxId::parse(None, "DE123456789").expect("valid")
}

fn news(address: Option<Address>) -> UpdateCustomer {
    UpdateCustomer {
        name: Some("x".into()),
        email: BillingEmail::parse("a@b.example").ok(),
        phone: Some("1".into()),
        address: Some(address.clone()),
        shipping: Some(address.map(|address| ("x".to_owned(), address))),
        exempt: Some(TaxExempt::Reverse),
    }
}

/// What is not given is not sent, and only an address is emptied.
#[test]
fn a_customer_is_told_what_is_new() {
    let body = |news: &UpdateCustomer| {
        Write::update_customer(&customer_id(), news).body.replace("%5B", "[").replace("%5D", "]")
    };
    let default = UpdateCustomer::default;
    for (news, expected) in [
        (default(), ""),
        (UpdateCustomer { name: Some("Acme".into()), ..default() }, "name=Acme"),
        (UpdateCustomer { email: BillingEmail::parse("a@b.example").ok(), ..default() }, "email=a%40b.example"),
        (UpdateCustomer { phone: Some("1".into()), ..default() }, "phone=1"),
        (UpdateCustomer { address: Some(None), ..default() }, "address="),
        (
            UpdateCustomer {
                address: Some(Some(Address { line1: Some("A".into()), ..Address::default() })),
                ..default()
            },
            "address[line1]=A&address[line2]=&address[city]=&address[state]=&address[postal_code]=&address[country]=",
        ),
        (UpdateCustomer { shipping: Some(None), ..default() }, "shipping="),
        (UpdateCustomer { exempt: Some(TaxExempt::None), ..default() }, "tax_exempt=none"),
    ] {
        assert_eq!(body(&news), expected);
    }
    let write = Write::update_customer(&customer_id(), &default());
    assert_eq!((write.path.as_str(), write.operation), ("/v1/customers/cus_1", Operation::UpdateCustomer));
}

/// Whoever ships to somebody has to say to whom. Parts cannot be emptied.
#[test]
fn a_shipping_address_has_its_name() {
    let shipping = Some(Some(("Acme".to_owned(), Address { line1: Some("A".into()), ..Address::default() })));
    let write = Write::update_customer(&customer_id(), &UpdateCustomer { shipping, ..UpdateCustomer::default() });
    let body = write.body.replace("%5B", "[").replace("%5D", "]");
    assert_eq!(body, "shipping[name]=Acme&shipping[address][line1]=A");
}

#[test]
fn a_tax_id_has_its_type() {
    let write = Write::add_tax_id(&customer_id(), &tax_id());
    assert_eq!(
        (write.path.as_str(), write.body.as_str()),
        ("/v1/customers/cus_1/tax_ids", "type=eu_vat&value=DE123456789")
    );
    let write = Write::remove_tax_id(&customer_id(), &TaxIdId::parse("txi_1").expect("valid"));
    assert_eq!((write.path.as_str(), write.body.as_str()), ("/v1/customers/cus_1/tax_ids/txi_1", ""));
}

/// `domain` has the list for whoever writes one into Salesforce.
#[test]
fn the_types_of_tax_ids_are_stripes() {
    let text = include_str!("../../../../tests/fixtures/stripe-operations-2026-10-28.endive.json");
    let fixture: Value = serde_json::from_str(text).expect("JSON");
    let listed = &fixture["operations"]["CustomerTaxId.create"]["params"]["fields"]["type"]["values"];
    assert_eq!(*listed, json!(domain::TAX_ID_TYPES.as_slice()));
}

fn every_write() -> [(&'static str, Write); 24] {
    let text = || Some("x".to_owned());
    let metadata = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
    let customer = CreateCustomer {
        name: "x".into(),
        email: BillingEmail::parse("a@b.example").ok(),
        phone: text(),
        address: Some(address()),
        shipping: Some(("x".to_owned(), address())),
        exempt: Some(TaxExempt::Exempt),
        tax_id: Some(tax_id()),
        description: text(),
        metadata: metadata.clone(),
    };
    let draft = CreateInvoice {
        customer: CustomerId::parse("cus_1").expect("valid"),
        currency: Currency::parse("USD").expect("valid"),
        collected: Collected::Sent { days_until_due: 30 },
        automatic_tax: true,
        metadata,
    };
    let charged = CreateInvoice {
        customer: draft.customer.clone(),
        collected: Collected::Charged,
        metadata: draft.metadata.clone(),
        ..draft
    };
    let line = |share| CreditedLine { id: "il_1".into(), share };
    let credit = CreateCreditNote {
        invoice: invoice(),
        credit_amount: 2,
        lines: vec![line(Share::Quantity(1)), line(Share::Amount(1))],
        metadata: draft.metadata.clone(),
    };
    let price = CreatePrice {
        product: ProductId::parse("prod_1").expect("valid"),
        currency: Currency::parse("USD").expect("valid"),
        unit_amount: Decimal::ONE,
        months: 3,
        tax_behavior: Some("exclusive"),
        lookup_key: "k".into(),
        metadata: draft.metadata.clone(),
    };
    let catalog_price = |of| CreateCatalogPrice {
        of,
        currency: price.currency,
        unit_amount: Decimal::ONE,
        months: Some(1),
        tax_behavior: Some("inclusive"),
        lookup_key: "k".into(),
        metadata: draft.metadata.clone(),
    };
    let new_product = CatalogPriceOf::NewProduct { name: "x".into(), metadata: draft.metadata.clone() };
    let metadata = draft.metadata.clone();
    let subscription = subscription();
    [
        ("Customer.create", Write::create_customer(&customer)),
        ("Customer.update", Write::update_customer(&customer_id(), &news(Some(address())))),
        ("Customer.update", Write::update_customer(&customer_id(), &news(None))),
        ("Invoice.create", Write::create_invoice(&draft)),
        ("Invoice.create", Write::create_invoice(&charged)),
        ("Invoice.finalize_invoice", Write::charge_invoice(&invoice())),
        ("CreditNote.create", Write::create_credit_note(&credit)),
        ("Invoice.add_lines", Write::add_lines(&invoice(), &every_line())),
        ("Invoice.send_invoice", Write::send_invoice(&invoice())),
        ("Invoice.void_invoice", Write::void_invoice(&invoice())),
        ("Invoice.delete", Write::delete_invoice(&invoice())),
        ("CustomerTaxId.create", Write::add_tax_id(&customer_id(), &tax_id())),
        ("CustomerTaxId.delete", Write::remove_tax_id(&customer_id(), &TaxIdId::parse("txi_1").expect("valid"))),
        ("Customer.delete", Write::delete_customer(&CustomerId::parse("cus_1").expect("valid"))),
        ("Price.create", Write::create_price(&price)),
        ("Price.create", Write::create_catalog_price(&catalog_price(new_product))),
        ("Price.create", Write::create_catalog_price(&catalog_price(CatalogPriceOf::Product(price.product.clone())))),
        ("Subscription.create", Write::create_subscription(&subscription)),
        ("Invoice.update", Write::hold_invoice(&invoice(), &metadata)),
        ("Invoice.update", Write::disarm_invoice(&invoice())),
        ("Subscription.update", Write::renew_subscription(&renewal(None))),
        ("Subscription.update", Write::renew_subscription(&renewal(Some(true)))),
        (
            "Subscription.update",
            Write::end_subscription(&SubscriptionId::parse("sub_1").expect("valid"), End::Never, &metadata),
        ),
        ("Subscription.cancel", Write::cancel_subscription(&SubscriptionId::parse("sub_1").expect("valid"))),
    ]
}

/// Items that stay, come and go, until an end; prorated or not.
fn renewal(is_invoiced: Option<bool>) -> RenewSubscription {
    let at = Timestamp::from_second(86_400).expect("in range");
    renewal_of(Some(End::At(at)), is_invoiced.map(|is_invoiced| Prorated { at, is_invoiced }))
}

fn all_are_listed(operation: &str, schema: &Value, body: &str) {
    for (name, _) in form_urlencoded::parse(body.as_bytes()) {
        let path: Vec<_> = name.split(['[', ']']).filter(|part| !part.is_empty()).collect();
        assert!(is_listed(&schema["params"], &path), "{operation} has no parameter {name}");
    }
}

#[test]
fn every_parameter_is_one_that_stripe_lists() {
    let text = include_str!("../../../../tests/fixtures/stripe-operations-2026-10-28.endive.json");
    let fixture: Value = serde_json::from_str(text).expect("JSON");
    for (operation, write) in every_write() {
        let schema = &fixture["operations"][operation];
        let path = schema["path"].as_str().map(|path| {
            let path = path.replace("{invoice}", "in_1").replace("{customer}", "cus_1");
            path.replace("{subscription_exposed_id}", "sub_1").replace("{id}", "txi_1")
        });
        assert_eq!(path.as_deref(), Some(write.path.as_str()), "{operation}");
        let method = match write.operation {
            Operation::RemoveTaxId
            | Operation::DeleteInvoice
            | Operation::DeleteCustomer
            | Operation::CancelSubscription => "DELETE",
            _ => "POST",
        };
        assert_eq!(schema["method"], method, "{operation}");
        all_are_listed(operation, schema, &write.body);
    }
    let preview = &fixture["operations"]["Invoice.create_preview"];
    assert_eq!(preview["path"], "/v1/invoices/create_preview");
    all_are_listed("Invoice.create_preview", preview, &preview_body(&renewal(Some(true))));
}

#[test]
fn a_parameter_that_stripe_does_not_list_would_be_noticed() {
    let text = include_str!("../../../../tests/fixtures/stripe-operations-2026-10-28.endive.json");
    let fixture: Value = serde_json::from_str(text).expect("JSON");
    let schema = &fixture["operations"]["Invoice.add_lines"]["params"];
    assert!(is_listed(schema, &["lines", "0", "pricing", "price"]));
    assert!(!is_listed(schema, &["lines", "0", "price"]));
    assert!(!is_listed(schema, &["lines", "0", "metadata", "k", "deeper"]));
}
