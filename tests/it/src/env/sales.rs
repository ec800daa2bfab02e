//! What people do in Salesforce and in Stripe, and what they see there.

use sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use super::Env;
use super::setup::{stripe_post, stripe_request};
use super::sources::number;
use crate::Deal;

impl Env {
    pub async fn opportunity_won(&self, deal: &Deal) -> String {
        let opportunity = self.enter(deal).await;
        self.close(&opportunity);
        opportunity
    }

    /// The deal in Salesforce, its products at Stripe, and not won yet.
    pub async fn enter(&self, deal: &Deal) -> String {
        let account = self.account(deal);
        self.enter_for(&account, deal).await
    }

    pub fn account(&self, deal: &Deal) -> String {
        let account = json!({
            "Name": deal.account,
            "Billing_Email__c": deal.email,
            "BillingStreet": "1 Main Street",
            "BillingCity": "Springfield",
            "BillingCountry": deal.country,
        });
        self.insert("Account", account)
    }

    pub async fn enter_for(&self, account: &str, deal: &Deal) -> String {
        let price_book = self.sandbox.salesforce.with(|org| org.standard_pricebook_id().to_owned());
        let currency = |mut record: Value| {
            if self.options.multi_currency {
                record["CurrencyIsoCode"] = json!(deal.currency);
            }
            record
        };
        let opportunity = self.insert(
            "Opportunity",
            currency(json!({
                "Name": "A deal",
                "AccountId": account,
                "StageName": "Negotiation/Review",
                "CloseDate": "2026-11-30",
                "Type": "New Customer",
                "Pricebook2Id": price_book,
            })),
        );
        let place = self.place_of_lines(&opportunity, account, deal);
        for line in &deal.lines {
            let price = self.stripe_price(&line.product, line.stripe_minor_units, &deal.currency).await;
            let product = self.insert(
                "Product2",
                currency(json!({ "Name": line.product, "IsActive": true, "Stripe_Price_Id__c": price })),
            );
            let entry = self.insert(
                "PricebookEntry",
                currency(json!({
                    "Pricebook2Id": price_book,
                    "Product2Id": product,
                    "UnitPrice": number(&line.list_price),
                    "IsActive": true,
                })),
            );
            self.enter_line(&place, line, &product, &entry);
        }
        opportunity
    }

    pub fn close(&self, opportunity: &str) {
        self.update("Opportunity", opportunity, json!({ "StageName": "Closed Won" }));
    }

    pub fn insert(&self, object: &str, fields: Value) -> String {
        let now = self.clock.now_ms();
        self.sandbox.salesforce.with(|org| org.insert(now, object, &fields)).unwrap()
    }

    pub fn update(&self, object: &str, id: &str, fields: Value) {
        let now = self.clock.now_ms();
        self.sandbox.salesforce.with(|org| org.update(now, object, id, &fields)).unwrap();
    }

    /// Somebody who works there.
    pub fn user(&self, name: &str) -> String {
        let (username, email) = (format!("{name}@acme.example.crm"), format!("{name}@acme.example"));
        self.insert("User", json!({ "Username": username, "LastName": name, "Email": email, "IsActive": true }))
    }

    /// Salesforce refuses the next write whose request has this in it, as it refuses one of its parts.
    pub fn refuses_once(&self, request: &str, status: u16, code: &str) {
        let error = json!([{ "errorCode": code, "message": "not for this user" }]);
        let part =
            |name: &str| json!({ "body": error, "httpHeaders": {}, "httpStatusCode": status, "referenceId": name });
        let body = json!({ "compositeResponse": [part("update0"), part("query0")] }).to_string();
        let refusal = FaultRule::once("POST", "/services/data/**", Fault::Status { status: 200, body });
        self.sandbox.salesforce.inject(refusal.body_contains(request));
    }

    pub fn record(&self, object: &str, id: &str) -> Value {
        self.sandbox.salesforce.with(|org| org.record(object, id)).unwrap()
    }

    /// A product with a price at Stripe, made as a person with the account's full key makes it.
    pub async fn stripe_price(&self, product: &str, minor_units: i64, currency: &str) -> String {
        let currency = currency.to_ascii_lowercase();
        let name = percent_encoded(product);
        let body = format!("currency={currency}&unit_amount={minor_units}&product_data[name]={name}");
        self.stripe_post("/v1/prices", &body).await["id"].as_str().unwrap().to_owned()
    }

    /// A request to Stripe's API as a person with the account's full key makes it.
    pub async fn stripe_post(&self, path: &str, body: &str) -> Value {
        stripe_post(&self.sandbox, path, body)
    }

    /// Whatever Stripe does by itself until now has happened when this returns.
    pub fn let_stripe_catch_up(&self) {
        stripe_request(&self.sandbox, "GET", "/v1/balance", "");
    }

    pub fn stripe_delete(&self, path: &str) {
        stripe_request(&self.sandbox, "DELETE", path, "");
    }

    pub fn objects(&self, object: &str) -> Vec<Value> {
        self.sandbox.stripe.with(|stripe| stripe.objects(object))
    }

    pub fn invoices(&self) -> Vec<Value> {
        self.objects("invoice")
    }

    /// Those that are neither void nor credited as a whole.
    pub fn invoices_that_count(&self) -> Vec<Value> {
        let credited = |invoice: &Value, when: &str| invoice[format!("{when}_payment_credit_notes_amount")].as_i64();
        let is_credited = |invoice: &Value| {
            credited(invoice, "pre").zip(credited(invoice, "post")).map(|(pre, post)| pre + post)
                == invoice["total"].as_i64()
        };
        let counts = |invoice: &Value| invoice["status"] != "void" && !(invoice["total"] != 0 && is_credited(invoice));
        self.invoices().into_iter().filter(counts).collect()
    }

    pub fn invoice_lines(&self, invoice: &str) -> Vec<Value> {
        self.sandbox.stripe.with(|stripe| stripe.invoice_lines(invoice))
    }

    /// By card, so that the money can go back.
    pub async fn pay_by_card(&self, invoice: &str) {
        let path = format!("/v1/invoices/{invoice}/pay");
        let paid = self.stripe_post(&path, "payment_method=pm_card_visa").await;
        assert_eq!(paid["status"], "paid");
    }

    pub async fn pay(&self, invoice: &str) {
        let paid = self.stripe_post(&format!("/v1/invoices/{invoice}/pay"), "paid_out_of_band=true").await;
        assert_eq!(paid["status"], "paid");
    }
}

/// As a form has it, whatever the product is called.
fn percent_encoded(text: &str) -> String {
    let encoded = |byte: u8| match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(encoded).collect()
}
