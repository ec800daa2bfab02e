//! What people do in Salesforce and in Stripe's dashboard.

use jiff::SignedDuration;
use sandbox::wire::{Request, Service};
use serde_json::{Value, json};

use super::history::History;
use super::watch::{is_ours, text};
use super::world::line_of;

impl History {
    /// The next deal that is not won yet.
    pub fn win(&mut self) {
        let Some(index) = self.deals.iter().position(|deal| !deal.is_won) else { return };
        let deal = &mut self.deals[index];
        deal.is_won = true;
        let id = deal.id.clone();
        self.env.close(&id);
        self.line(format!("{id} is won"));
        self.judge_all();
    }

    fn some_won_deal(&mut self) -> Option<usize> {
        let won: Vec<usize> = (0..self.deals.len()).filter(|at| self.deals[*at].is_won).collect();
        (!won.is_empty()).then(|| self.random.pick(&won))
    }

    /// Somebody does something to a deal that is won, or sends again what waits for a person.
    ///
    /// It takes them more than a moment. A sweep takes an edit for the product's own write when both have the same time, and
    /// Salesforce tells times by the second. Of refused deals it looks at a few more states all the same; a billed one is known by
    /// its invoice.
    pub fn people(&mut self) {
        let Some(index) = self.some_won_deal() else { return };
        self.env.advance(SignedDuration::from_secs(2));
        match self.random.below(100) {
            0..24 => self.edit(index),
            24..36 => self.reopen(index),
            36..58 => self.mend(index),
            58..86 => self.meddle(),
            86..88 => self.name_invoice(index),
            88..91 => self.delete(index),
            _ => {
                let letters = self.env.sqs.dead_letters().len();
                self.env.sqs.redrive();
                self.notes.count_times("letter sent again by a person", u64::try_from(letters).unwrap());
                self.line(format!("{letters} dead letters are sent again"));
            }
        }
        self.judge_all();
    }

    /// Somebody changes what the product is just making. There is not always something of the kind.
    pub fn meddle(&mut self) {
        match self.random.below(100) {
            0..30 => self.meddle_with_what_is_unfinished(),
            30..45 => {
                if let Some(invoice) = self.some_invoice("open") {
                    self.void(&invoice);
                }
            }
            45..65 => self.copy_invoice(),
            65..75 => self.delete_customer(),
            _ => {
                if let Some(index) = self.some_won_deal() {
                    self.edit(index);
                }
            }
        }
        self.judge_all();
    }

    /// Somebody finds a draft that the product has not sent yet, or an invoice that it has not told Salesforce of.
    pub fn meddle_with_what_is_unfinished(&mut self) {
        let is_named = |invoice: &Value| {
            let deal = self.env.record("Opportunity", text(&invoice["metadata"], "sf_opportunity_id"));
            deal["Stripe_Invoice_Id__c"].is_string()
        };
        let invoices = self.env.invoices().into_iter().filter(is_ours);
        let unfinished = |invoice: &Value| match text(invoice, "status") {
            "draft" => !self.watch.left_behind.contains(text(invoice, "id")),
            "open" => !is_named(invoice),
            _ => false,
        };
        let found: Vec<_> = invoices.filter(unfinished).collect();
        if found.is_empty() {
            return;
        }
        let invoice = found[self.random.index(found.len())].clone();
        match text(&invoice, "status") {
            "open" => self.void(&invoice),
            _ if invoice["total"] != 0 && self.random.chance(60) => self.finalize(&invoice),
            _ => self.delete_draft(&invoice),
        }
        self.judge_all();
    }

    fn changed(&mut self, index: usize, how: &str) {
        self.deals[index].changes += 1;
        self.notes.count(format!("deal {how}"));
        self.line(format!("{} is {how}", self.deals[index].id));
    }

    fn edit(&mut self, index: usize) {
        let id = self.deals[index].id.clone();
        let Some(line) = line_of(&self.env, &id).filter(|_| !self.deals[index].is_deleted) else { return };
        let quantity = self.random.between(1, 3);
        self.env.update("OpportunityLineItem", line["Id"].as_str().unwrap(), json!({ "Quantity": quantity }));
        self.changed(index, "edited");
    }

    /// Back to negotiation, and mostly won again.
    fn reopen(&mut self, index: usize) {
        if self.deals[index].is_deleted {
            return;
        }
        let id = self.deals[index].id.clone();
        self.env.update("Opportunity", &id, json!({ "StageName": "Negotiation/Review" }));
        self.changed(index, "reopened");
        if self.random.chance(70) {
            self.env.close(&id);
            self.changed(index, "won again");
        }
    }

    /// Whatever was wrong with its account and its products; then the deal is saved.
    fn mend(&mut self, index: usize) {
        if self.deals[index].is_deleted {
            return;
        }
        let id = self.deals[index].id.clone();
        let record = self.env.record("Opportunity", &id);
        let account = record["AccountId"].as_str().unwrap().to_owned();
        let right = json!({ "Billing_Email__c": "mended@customer.example", "BillingCountry": "Germany" });
        self.env.update("Account", &account, right);
        self.mend_prices(&id, record["CurrencyIsoCode"].as_str());
        // Every deal that waits for the account is saved again, and those who may say so win it anew.
        for at in 0..self.deals.len() {
            let deal = &self.deals[at];
            let is_of_account = self.env.record("Opportunity", &deal.id)["AccountId"] == account.as_str();
            if is_of_account && !deal.is_deleted {
                let id = deal.id.clone();
                self.env.update("Opportunity", &id, json!({ "NextStep": format!("mended {}", self.env.now()) }));
                self.changed(at, "mended");
            }
        }
    }

    /// The product names a price at Stripe that is not there: one is made.
    fn mend_prices(&mut self, opportunity: &str, currency: Option<&str>) {
        let currency = self.org_currency.or(currency).unwrap_or("USD").to_ascii_lowercase();
        let prices = self.env.objects("price");
        let lines = self.env.sandbox.salesforce.with(|org| org.records("OpportunityLineItem"));
        for line in lines.iter().filter(|line| line["OpportunityId"] == opportunity) {
            let product = line["Product2Id"].as_str().unwrap();
            let named = self.env.record("Product2", product)["Stripe_Price_Id__c"].clone();
            if prices.iter().any(|price| price["id"] == named) {
                continue;
            }
            let body = format!("currency={currency}&unit_amount=1000&product_data[name]=Mended");
            let price = self.dashboard("POST", "/v1/prices", &body);
            self.env.update("Product2", product, json!({ "Stripe_Price_Id__c": price.unwrap()["id"] }));
        }
    }

    fn name_invoice(&mut self, index: usize) {
        if !self.deals[index].is_deleted {
            self.deals[index].is_meddled_with = true;
            let id = self.deals[index].id.clone();
            let invoice = format!("in_byhand{index}");
            self.env.update("Opportunity", &id, json!({ "Stripe_Invoice_Id__c": invoice }));
            self.changed(index, "given an invoice's id by hand");
        }
    }

    fn delete(&mut self, index: usize) {
        if !self.deals[index].is_deleted {
            self.deals[index].is_deleted = true;
            let (now, id) = (self.env.clock.now_ms(), self.deals[index].id.clone());
            self.env.sandbox.salesforce.with(|org| org.delete(now, "Opportunity", &id)).unwrap();
            self.changed(index, "deleted");
        }
    }

    pub fn pay(&mut self) {
        if let Some(invoice) = self.some_invoice("open") {
            self.on_invoice(&invoice, "POST", "/pay", "paid_out_of_band=true", "paid");
        }
    }

    fn void(&mut self, invoice: &Value) {
        self.meddled(invoice);
        self.on_invoice(invoice, "POST", "/void", "", "voided");
    }

    fn delete_draft(&mut self, invoice: &Value) {
        self.meddled(invoice);
        self.on_invoice(invoice, "DELETE", "", "", "deleted by hand");
    }

    fn finalize(&mut self, invoice: &Value) {
        self.meddled(invoice);
        self.watch.by_hand.insert(text(invoice, "id").to_owned());
        self.on_invoice(invoice, "POST", "/finalize", "", "finalized by hand");
    }

    /// A draft like the product's own, as a process of long ago may have left it. It is nobody's, and is to be collected.
    fn copy_invoice(&mut self) {
        let Some(invoice) = self.some_invoice("open") else { return };
        let copy = self.copy_of(&invoice);
        if let Some(copy) = &copy {
            self.notes.count("draft left behind");
            self.watch.left_behind.insert(text(copy, "id").to_owned());
        }
        self.line(format!("{} is copied: {}", invoice["id"], copy.is_some()));
    }

    /// An empty draft for the same customer, which says of itself what the invoice says.
    pub fn copy_of(&self, invoice: &Value) -> Option<Value> {
        let metadata = invoice["metadata"].as_object().unwrap().iter();
        let metadata: String = metadata
            .map(|(key, value)| format!("&metadata[{key}]={}", value.as_str().unwrap().replace('#', "%23")))
            .collect();
        let (customer, currency) = (text(invoice, "customer"), text(invoice, "currency"));
        let body = format!("customer={customer}&currency={currency}&auto_advance=false{metadata}");
        self.dashboard("POST", "/v1/invoices", &body)
    }

    fn delete_customer(&mut self) {
        let customers = self.env.objects("customer").into_iter();
        let ours: Vec<_> = customers.filter(|customer| customer["metadata"]["sf_account_id"].is_string()).collect();
        if ours.is_empty() {
            return;
        }
        let customer = ours[self.random.index(ours.len())].clone();
        for deal in &mut self.deals {
            let account = self.env.record("Opportunity", &deal.id)["AccountId"].clone();
            deal.is_meddled_with |= account == customer["metadata"]["sf_account_id"];
        }
        let id = customer["id"].as_str().unwrap();
        self.dashboard("DELETE", &format!("/v1/customers/{id}"), "").unwrap();
        self.notes.count("customer deleted by hand");
        self.line(format!("{id} is deleted by hand"));
    }

    fn some_invoice(&mut self, status: &str) -> Option<Value> {
        let invoices = self.env.invoices().into_iter();
        let found: Vec<_> = invoices.filter(|invoice| invoice["status"] == status && is_ours(invoice)).collect();
        (!found.is_empty()).then(|| found[self.random.index(found.len())].clone())
    }

    fn meddled(&mut self, invoice: &Value) {
        let of = &invoice["metadata"]["sf_opportunity_id"];
        self.deals.iter_mut().filter(|deal| *of == deal.id.as_str()).for_each(|deal| deal.is_meddled_with = true);
    }

    fn on_invoice(&mut self, invoice: &Value, method: &str, below: &str, body: &str, what: &str) {
        let id = invoice["id"].as_str().unwrap();
        let done = self.dashboard(method, &format!("/v1/invoices/{id}{below}"), body);
        let deal = &invoice["metadata"]["sf_opportunity_id"];
        match done {
            Some(_) => self.notes.count(format!("invoice {what}")),
            None => self.notes.count("dashboard refused"),
        }
        self.line(format!("{id} of {deal} is {what}: {}", done.is_some()));
    }

    /// As a person does it in the dashboard; `None` if Stripe refuses.
    pub fn dashboard(&self, method: &str, path: &str, body: &str) -> Option<Value> {
        let request = Request {
            method: method.into(),
            path: path.into(),
            query: String::new(),
            headers: vec![
                ("authorization".into(), "Bearer sk_test_sandbox".into()),
                ("content-type".into(), "application/x-www-form-urlencoded".into()),
                ("stripe-version".into(), stripe::API_VERSION.into()),
            ],
            body: body.as_bytes().to_vec(),
        };
        let now = self.env.clock.now_ms();
        let response = self.env.sandbox.stripe.with(|stripe| stripe.handle(now, &request));
        (response.status == 200).then(|| serde_json::from_slice(&response.body).unwrap())
    }

    /// The operator stops everything, or lets it go on.
    pub fn switch(&mut self) {
        self.drain_logs();
        self.is_stopped = !self.is_stopped;
        let attributes = if self.is_stopped { json!({ "stopped": { "S": "a history" } }) } else { json!({}) };
        self.env.operate(attributes);
        self.notes.count("switch");
        self.line(format!("the operator's switch is on: {}", self.is_stopped));
    }
}
