//! `closedwon catalog`: each product's price is found once, written where that is certain, and kept in step afterwards.

use closedwon::Exit;
use closedwon::catalog::{
    CatalogError, Clients, Creation, Mode, Outcome, Report, Settings, State, Wishes, apply, suggest,
};
use closedwon::progress::Silent;
use domain::{Currency, PriceId, Product2Id};
use it::{Env, Options};
use sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

mod interrupted;

/// What the functions' own key and user need, and what `apply --create` needs beside it.
pub(crate) async fn start_with(options: Options) -> Env {
    let permissions = [options.permissions.clone(), vec!["rak_product_write", "rak_plan_write"]].concat();
    let env = Env::with(Options { permissions, ..options }).await;
    env.sandbox.salesforce.with(|org| org.assign("Closedwon_Catalog")).unwrap();
    env
}

pub(crate) async fn start() -> Env {
    start_with(Options::default()).await
}

pub(crate) fn clients(env: &Env) -> Clients {
    let engine = &env.worker.engine;
    Clients { stripe: engine.stripe.inner.clone(), salesforce: engine.salesforce.inner.clone() }
}

pub(crate) fn settings(env: &Env) -> Settings {
    let mapping = &env.worker.engine.settings;
    Settings {
        org_currency: mapping.org_currency,
        multi_currency: mapping.multi_currency,
        line_source: mapping.line_source,
    }
}

pub(crate) async fn suggested(env: &Env) -> Report {
    suggest(&clients(env), &settings(env), &Silent).await.unwrap()
}

/// As on a terminal where somebody says yes or no.
pub(crate) async fn applied(env: &Env, wishes: &Wishes, yes: bool) -> Outcome {
    apply(&clients(env), &settings(env), wishes, |_, _| yes, &Silent).await.unwrap()
}

pub(crate) async fn created(env: &Env, confirm: impl FnOnce(&[Creation], Mode) -> bool) -> Outcome {
    apply(&clients(env), &settings(env), &create(), confirm, &Silent).await.unwrap()
}

pub(crate) fn create() -> Wishes {
    Wishes { create: true, ..Wishes::default() }
}

/// A product as sales enters it.
pub(crate) fn product(env: &Env, name: &str, sku: Option<&str>, list_price: &str, frequency: Option<&str>) -> String {
    let product = json!({
        "Name": name, "StockKeepingUnit": sku, "IsActive": true, "Stripe_Billing_Frequency__c": frequency,
    });
    let product = env.insert("Product2", product);
    list(env, &product, list_price);
    product
}

fn list(env: &Env, product: &str, list_price: &str) -> String {
    let book = env.sandbox.salesforce.with(|org| org.standard_pricebook_id().to_owned());
    let amount: Value = serde_json::from_str(list_price).unwrap();
    let entry = json!({ "Pricebook2Id": book, "Product2Id": product, "UnitPrice": amount, "IsActive": true });
    env.insert("PricebookEntry", entry)
}

/// A monthly price at Stripe, with its product.
pub(crate) async fn monthly(env: &Env, name: &str, minor_units: i64, more: &str) -> String {
    let body = format!(
        "currency=usd&unit_amount={minor_units}&recurring[interval]=month&product_data[name]={}{more}",
        name.replace(' ', "+")
    );
    env.stripe_post("/v1/prices", &body).await["id"].as_str().unwrap().to_owned()
}

pub(crate) fn set(env: &Env, product: &str) -> Value {
    env.record("Product2", product)["Stripe_Price_Id__c"].clone()
}

fn state(report: &Report, product: &str) -> State {
    report.products.iter().find(|entry| entry.product.as_str() == product).unwrap().state
}

fn accepts(product: &str, price: &str) -> Wishes {
    let named = (Product2Id::parse(product).unwrap(), PriceId::parse(price).unwrap());
    Wishes { accepted: [named].into(), ..Wishes::default() }
}

fn left<'a>(outcome: &'a Outcome, product: &str) -> &'a str {
    &outcome.left.iter().find(|left| left.product.as_str() == product).unwrap().why
}

struct Catalogue {
    env: Env,
    /// Named by its lookup key.
    certain: (String, String),
    /// Called the same.
    probable: (String, String),
    /// With another amount.
    doubtful: (String, String),
    missing: String,
}

async fn catalogue() -> Catalogue {
    let env = start().await;
    let certain = product(&env, "Support Gold", Some("SUP-1"), "100.00", Some("Monthly"));
    let probable = product(&env, "Data Export", None, "20.00", Some("Monthly"));
    let doubtful = product(&env, "Seat", Some("SEAT"), "12.00", Some("Monthly"));
    let missing = product(&env, "Onboarding", Some("ONB"), "1500.00", None);
    let of_certain = monthly(&env, "Gold Support", 10_000, "&lookup_key=sup-1").await;
    let of_probable = monthly(&env, "Data export", 2000, "").await;
    let of_doubtful = monthly(&env, "Seat", 1100, "&lookup_key=SEAT").await;
    Catalogue {
        env,
        certain: (certain, of_certain),
        probable: (probable, of_probable),
        doubtful: (doubtful, of_doubtful),
        missing,
    }
}

#[tokio::test]
async fn each_product_is_told_with_its_price_and_why() {
    let Catalogue { env, certain, probable, doubtful, missing } = catalogue().await;
    let report = suggested(&env).await;
    assert_eq!(report.exit(), Exit::NeedsPerson);
    let states = [&certain.0, &probable.0, &doubtful.0, &missing].map(|product| state(&report, product));
    assert_eq!(states, [State::Certain, State::Probable, State::Doubtful, State::Missing]);
    let text = report.to_string();
    for said in [
        "Stripe: test mode\n".to_owned(),
        format!("{}  certain\n", certain.1),
        "          + the lookup key is the code sup-1\n".to_owned(),
        "          + it costs the list price, 100.00 USD\n".to_owned(),
        "          + it is billed every month, as the product is\n".to_owned(),
        "          ! the list price is 12.00 USD, and it costs 11.00 USD\n".to_owned(),
        "\n4 active products: 0 drifted, 1 doubtful, 1 missing, 1 probable, 1 certain, 0 in step.\n".to_owned(),
    ] {
        assert!(text.contains(&said), "{said}\n{text}");
    }
    let told: Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!((&told["mode"], &told["products"][0]["price"]), (&json!("test"), &json!(doubtful.1)));
    // It changes nothing.
    assert!([&certain.0, &probable.0, &doubtful.0, &missing].iter().all(|product| set(&env, product).is_null()));
    assert_eq!(env.objects("price").len(), 3);
}

#[tokio::test]
async fn what_is_certain_is_written_once_and_the_rest_left_alone() {
    let Catalogue { env, certain, probable, doubtful, missing } = catalogue().await;
    let outcome = applied(&env, &Wishes::default(), true).await;
    assert_eq!((outcome.written.len(), outcome.left.len(), outcome.exit()), (1, 3, Exit::NeedsPerson));
    assert_eq!(set(&env, &certain.0), json!(certain.1));
    assert!([&probable.0, &doubtful.0, &missing].iter().all(|product| set(&env, product).is_null()));
    assert!(left(&outcome, &doubtful.0).contains("the list price is 12.00 USD, and it costs 11.00 USD"));
    let before = env.record("Product2", &certain.0);
    let again = applied(&env, &Wishes::default(), true).await;
    assert_eq!((again.written.len(), again.in_step, again.exit()), (0, 1, Exit::NeedsPerson));
    let text = again.to_string();
    assert!(text.ends_with("Nothing was written; 1 in step before; 3 wait for a person.\n"), "{text}");
    assert_eq!(env.record("Product2", &certain.0), before);
}

#[tokio::test]
async fn a_person_names_what_is_doubtful() {
    let Catalogue { env, certain, doubtful, .. } = catalogue().await;
    let outcome = applied(&env, &accepts(&doubtful.0, &doubtful.1), true).await;
    assert_eq!([&certain, &doubtful].map(|(product, _)| set(&env, product)), [json!(certain.1), json!(doubtful.1)]);
    let text = outcome.to_string();
    assert!(text.contains("  ! the list price is 12.00 USD, and it costs 11.00 USD\n"), "{text}");
    // Not what cannot be billed.
    env.stripe_post(&format!("/v1/prices/{}", certain.1), "active=false").await;
    let outcome = applied(&env, &accepts(&doubtful.0, &certain.1), true).await;
    assert_eq!(left(&outcome, &doubtful.0), format!("{} is archived", certain.1));
    assert_eq!(set(&env, &doubtful.0), json!(doubtful.1));
}

/// The file that a person edits is the one that programs read.
#[tokio::test]
async fn an_edited_file_is_applied_and_nothing_else() {
    let Catalogue { env, certain, probable, doubtful, missing } = catalogue().await;
    let mut told: Value = serde_json::from_str(&suggested(&env).await.to_json()).unwrap();
    for entry in told["products"].as_array_mut().unwrap() {
        let is = |product: &str| entry["product"] == product;
        let (yes, no) = (is(&probable.0) || is(&missing), is(&certain.0));
        if yes || no {
            entry["accept"] = json!(yes);
        }
    }
    let edited = serde_json::from_value(told).unwrap();
    let outcome = applied(&env, &Wishes { edited: Some(edited), ..create() }, true).await;
    assert_eq!((outcome.written.len(), outcome.left.len()), (2, 2), "{outcome}");
    assert_eq!(set(&env, &probable.0), json!(probable.1));
    assert!(set(&env, &missing).as_str().unwrap().starts_with("price_"));
    assert!([&certain.0, &doubtful.0].iter().all(|product| set(&env, product).is_null()));
}

#[tokio::test]
async fn what_became_wrong_since_is_told() {
    let env = start().await;
    let mut sold = Vec::new();
    for (number, name) in ["Support Gold", "Data Export", "Seat", "Analytics Suite", "Gateway"].iter().enumerate() {
        let sku = format!("SKU-{number}");
        let product = product(&env, name, Some(&sku), "10.00", Some("Monthly"));
        let price = monthly(&env, name, 1000, &format!("&lookup_key={sku}")).await;
        sold.push((product, price));
    }
    assert_eq!(applied(&env, &Wishes::default(), true).await.exit(), Exit::Well);
    let report = suggested(&env).await;
    assert_eq!((report.exit(), report.count(State::InStep)), (Exit::Well, 5));
    // Archived, dearer in Salesforce, not there, its product archived, called otherwise.
    env.stripe_post(&format!("/v1/prices/{}", sold[0].1), "active=false").await;
    let entries = env.sandbox.salesforce.with(|org| org.records("PricebookEntry"));
    let dearer = entries.iter().find(|entry| entry["Product2Id"] == json!(sold[1].0)).unwrap()["Id"].as_str().unwrap();
    env.update("PricebookEntry", dearer, json!({ "UnitPrice": 12 }));
    env.update("Product2", &sold[2].0, json!({ "Stripe_Price_Id__c": "price_gone" }));
    let of = |price: &str| {
        let prices = env.objects("price");
        let price = prices.iter().find(|found| found["id"] == json!(price)).unwrap();
        format!("/v1/products/{}", price["product"].as_str().unwrap())
    };
    env.stripe_post(&of(&sold[3].1), "active=false").await;
    env.stripe_post(&of(&sold[4].1), "name=Telemetry").await;
    let report = suggested(&env).await;
    let entry = |index: usize| report.products.iter().find(|entry| entry.product.as_str() == sold[index].0).unwrap();
    for (index, said) in [
        (0, "the price that is set is archived"),
        (1, "of the price that is set, the list price is 12.00 USD, and it costs 10.00 USD"),
        (2, "the price that is set is not there (or is one of Stripe's other mode)"),
        (3, "the product of the price that is set is archived"),
    ] {
        assert_eq!((entry(index).state, &entry(index).drift), (State::Drifted, &vec![said.to_owned()]));
    }
    assert_eq!(
        (entry(4).state, &entry(4).notes[..]),
        (State::InStep, &["the product is called Telemetry at Stripe".to_owned()][..])
    );
    // What would do instead is told, and written by nobody.
    assert_eq!(entry(2).price.as_ref().map(PriceId::as_str), Some(sold[2].1.as_str()));
    let outcome = applied(&env, &create(), true).await;
    assert_eq!((outcome.written.len(), outcome.left.len(), outcome.in_step), (0, 4, 1), "{outcome}");
    let outcome = applied(&env, &accepts(&sold[2].0, &sold[2].1), true).await;
    assert_eq!(outcome.written[0].replaced.as_deref(), Some("price_gone"));
    assert_eq!(set(&env, &sold[2].0), json!(sold[2].1));
}

/// In the currency that it is sold in at home, and by Stripe's count of decimals.
#[tokio::test]
async fn of_several_currencies_it_is_the_products_own() {
    let env = start_with(Options { multi_currency: true, ..Options::default() }).await;
    let fields = json!({ "Name": "Seat", "ProductCode": "SEAT", "IsActive": true, "CurrencyIsoCode": "JPY" });
    let product = env.insert("Product2", fields);
    let book = env.sandbox.salesforce.with(|org| org.standard_pricebook_id().to_owned());
    for (currency, amount) in [("USD", 100), ("JPY", 15_000)] {
        let entry = json!({
            "Pricebook2Id": book, "Product2Id": product, "UnitPrice": amount, "IsActive": true, "CurrencyIsoCode": currency,
        });
        env.insert("PricebookEntry", entry);
    }
    let body = "currency=jpy&unit_amount=15000&product_data[name]=Seat&product_data[metadata][sku]=seat";
    let yen = env.stripe_post("/v1/prices", body).await;
    let of = yen["product"].as_str().unwrap();
    env.stripe_post("/v1/prices", &format!("currency=usd&unit_amount=10000&product={of}")).await;
    let outcome = applied(&env, &Wishes::default(), true).await;
    assert_eq!((set(&env, &product), outcome.exit()), (yen["id"].clone(), Exit::Well), "{outcome}");
}

/// More than a page of products and of prices, and more than Salesforce takes in a call.
#[tokio::test]
async fn a_long_catalogue_is_read_whole() {
    let env = start().await;
    let mut sold = Vec::new();
    for number in 0..103 {
        let sku = format!("SKU-{number:03}");
        let name = format!("Module {number:03}");
        let price = monthly(&env, &name, 1000 + number, &format!("&lookup_key={sku}")).await;
        let list_price = format!("{}.{:02}", (1000 + number) / 100, (1000 + number) % 100);
        sold.push((product(&env, &name, Some(&sku), &list_price, Some("Monthly")), price));
    }
    let outcome = applied(&env, &Wishes::default(), true).await;
    assert_eq!((outcome.written.len(), outcome.exit()), (103, Exit::Well));
    assert!(sold.iter().all(|(product, price)| set(&env, product) == json!(price)));
}

/// A user who may not see a field is told which permission set they need.
#[tokio::test]
async fn who_may_not_read_products_is_told_what_to_do() {
    let env = Env::start().await;
    let Err(why) = suggest(&clients(&env), &settings(&env), &Silent).await else { panic!("it was read") };
    assert!(matches!(why, CatalogError::Salesforce(_)));
    assert!(
        why.to_string().ends_with("; the user needs the permission sets Closedwon Integration and Closedwon Catalog"),
        "{why}"
    );
}

/// One that cannot be saved hides none of those that can.
#[tokio::test]
async fn a_product_that_cannot_be_saved_is_told_and_the_others_are_written() {
    let env = start().await;
    let mut products = Vec::new();
    for number in 0..3 {
        let (name, sku) = (format!("Module {number}"), format!("SKU-{number}"));
        monthly(&env, &name, 1000, &format!("&lookup_key={sku}")).await;
        products.push(product(&env, &name, Some(&sku), "10.00", Some("Monthly")));
    }
    // Of the whole batch, and then of the one by itself.
    let error = json!([{ "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "Not while prices are frozen" }]);
    let part = |name: &str| json!({ "body": error, "httpHeaders": {}, "httpStatusCode": 400, "referenceId": name });
    let body = json!({ "compositeResponse": [part("update0")] }).to_string();
    let rule = FaultRule::once("POST", "/services/data/**", Fault::Status { status: 200, body });
    env.sandbox.salesforce.inject(rule.body_contains("\"PATCH\"").times(2));
    let outcome = applied(&env, &Wishes::default(), true).await;
    assert_eq!((outcome.written.len(), outcome.left.len(), outcome.exit()), (2, 1, Exit::NeedsPerson), "{outcome}");
    assert!(outcome.left[0].why.contains("Not while prices are frozen"), "{outcome}");
    assert_eq!(products.iter().filter(|product| set(&env, product).is_null()).count(), 1);
}

/// Nobody's currency is guessed.
#[tokio::test]
async fn an_organization_of_another_currency_finds_nothing_certain() {
    let Catalogue { env, .. } = catalogue().await;
    let euros = Settings { org_currency: Currency::parse("EUR").unwrap(), ..settings(&env) };
    let report = suggest(&clients(&env), &euros, &Silent).await.unwrap();
    assert_eq!(report.count(State::Certain), 0, "{report}");
}
