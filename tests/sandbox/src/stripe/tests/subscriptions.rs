//! Subscriptions: what is billed when, by examples that Stripe's documentation works out or that were recorded of its answers. Where
//! each comes from is in SUBSCRIPTIONS.md.

mod changes;
mod ends;
mod mixed;

use super::Account;
use jiff::Timestamp;
use serde_json::Value;

pub(super) fn seconds(time: &str) -> i64 {
    let time = if time.contains('T') { time.to_owned() } else { format!("{time}T00:00:00Z") };
    time.parse::<Timestamp>().expect("a time").as_second()
}

/// What a line comes to, and for which time.
fn line(line: &Value) -> (i64, i64, i64) {
    let period = |name: &str| line["period"][name].as_i64().expect("a time");
    (line["amount"].as_i64().expect("an amount"), period("start"), period("end"))
}

impl Account {
    pub(super) fn at(&mut self, time: &str) -> &mut Self {
        self.at_second(seconds(time))
    }

    pub(super) fn at_second(&mut self, second: i64) -> &mut Self {
        self.now_ms = second * 1000;
        self
    }

    /// A price of this many cents a month, of a product of its own.
    pub(super) fn monthly(&mut self, unit_amount: i64) -> String {
        self.recurring(unit_amount, "interval]=month")
    }

    fn recurring(&mut self, unit_amount: i64, interval: &str) -> String {
        let body = format!("currency=usd&unit_amount={unit_amount}&product_data[name]=Gold&recurring[{interval}");
        self.create("/v1/prices", &body)
    }

    pub(super) fn subscribe(&mut self, customer: &str, price: &str, more: &str) -> Value {
        let body = format!(
            "customer={customer}&items[0][price]={price}&collection_method=send_invoice&days_until_due=30{more}"
        );
        self.post("/v1/subscriptions", &body).ok()
    }

    pub(super) fn latest(&mut self, subscription: &Value) -> Value {
        let id = subscription["id"].as_str().expect("an id");
        self.get(&format!("/v1/subscriptions/{id}?expand[]=latest_invoice")).ok()["latest_invoice"].take()
    }

    pub(super) fn pending(&mut self) -> Vec<Value> {
        let list = self.get("/v1/invoiceitems?pending=true&limit=100").ok();
        list["data"].as_array().expect("a list").iter().rev().cloned().collect()
    }

    /// The amounts of what is pending, oldest first.
    pub(super) fn pending_amounts(&mut self) -> Vec<i64> {
        self.pending().iter().map(|item| item["amount"].as_i64().expect("an amount")).collect()
    }

    fn change(&mut self, subscription: &Value, body: &str) -> Value {
        self.post(&format!("/v1/subscriptions/{}", subscription["id"].as_str().expect("an id")), body).ok()
    }

    /// The invoices of all, oldest first.
    fn invoices(&mut self) -> Vec<Value> {
        self.get("/v1/invoices?limit=1").ok();
        self.stripe.objects("invoice")
    }
}

pub(super) fn item_of(subscription: &Value) -> &str {
    subscription["items"]["data"][0]["id"].as_str().expect("an item")
}

pub(super) fn lines_of(invoice: &Value) -> Vec<(i64, i64, i64)> {
    invoice["lines"]["data"].as_array().expect("lines").iter().map(line).collect()
}

pub(super) fn lines_from(expected: &[(i64, &str, &str)]) -> Vec<(i64, i64, i64)> {
    expected.iter().map(|(amount, start, end)| (*amount, seconds(start), seconds(end))).collect()
}

#[test]
fn one_that_is_sent_is_active_at_once_and_its_first_invoice_a_draft_for_an_hour() {
    let mut account = Account::new();
    let (customer, price) = (account.customer(), account.monthly(1000));
    account.at("2026-11-26");
    let mut subscription = Value::Null;
    let events = account.events_of(|account| {
        subscription =
            account.subscribe(&customer, &price, "&items[0][quantity]=3&metadata[run]=r1&items[0][metadata][line]=l1");
    });
    assert_eq!(events, ["customer.subscription.created", "invoice.created"]);
    assert_eq!(subscription["status"], "active");
    assert_eq!(subscription["items"]["data"][0]["current_period_end"], seconds("2026-12-26"));
    let draft = account.latest(&subscription);
    assert_eq!(
        (&draft["status"], &draft["auto_advance"], &draft["billing_reason"]),
        (&"draft".into(), &true.into(), &"subscription_create".into())
    );
    assert_eq!(draft["due_date"], seconds("2026-12-26"));
    assert_eq!(draft["total"], 3000);
    assert_eq!(draft["metadata"], serde_json::json!({}), "an invoice has none of its own");
    assert_eq!(draft["parent"]["subscription_details"]["metadata"]["run"], "r1");
    let first = &draft["lines"]["data"][0];
    assert_eq!(first["description"], "3 × Gold (at $10.00 / month)");
    assert_eq!(first["metadata"], serde_json::json!({ "run": "r1" }), "the subscription's, and not the item's");
    assert_eq!(first["parent"]["subscription_item_details"]["subscription_item"], item_of(&subscription));

    account.change(&subscription, "metadata[run]=r2");
    let draft = account.latest(&subscription);
    assert_eq!(draft["parent"]["subscription_details"]["metadata"]["run"], "r1", "as it was");
    assert_eq!(draft["lines"]["data"][0]["metadata"]["run"], "r2", "as it is");
    let id = draft["id"].as_str().expect("an id");
    assert_eq!(account.delete(&format!("/v1/invoices/{id}")).status, 400);
    let events = account.events_of(|account| drop(account.at("2026-11-26T01:00:00Z").get("/v1/balance")));
    assert!(
        events.ends_with(&["invoice.finalized".to_owned(), "payment_intent.created".into(), "invoice.sent".into()]),
        "{events:?}"
    );
}

/// docs.stripe.com/billing/subscriptions/backdating and …/billing-mode/compare: in the flexible mode each period that has gone by is a
/// line, and the anchor is where it began; an anchor in the future splits by the anchor.
#[test]
fn what_began_earlier_is_billed_period_by_period() {
    for (now, more, anchor, expected) in [
        (
            "2026-03-15T12:00:00Z",
            vec![("backdate_start_date", "2026-01-10")],
            "2026-01-10",
            vec![
                (1000, "2026-01-10", "2026-02-10"),
                (1000, "2026-02-10", "2026-03-10"),
                (1000, "2026-03-10", "2026-04-10"),
            ],
        ),
        (
            "2026-10-15",
            vec![("backdate_start_date", "2026-09-01"), ("billing_cycle_anchor", "2026-11-01")],
            "2026-11-01",
            vec![(1000, "2026-09-01", "2026-10-01"), (1000, "2026-10-01", "2026-11-01")],
        ),
        // Half of an imagined February, from the page's example: billed on the first, begun on the fifteenth.
        (
            "2026-02-20",
            vec![("backdate_start_date", "2026-02-15"), ("billing_cycle_anchor", "2026-03-01")],
            "2026-03-01",
            vec![(500, "2026-02-15", "2026-03-01")],
        ),
        (
            "2026-01-20",
            vec![("backdate_start_date", "2026-01-15"), ("billing_cycle_anchor", "2026-02-01")],
            "2026-02-01",
            vec![(548, "2026-01-15", "2026-02-01")],
        ),
    ] {
        let mut account = Account::new();
        account.at("2025-12-01");
        let (customer, price) = (account.customer(), account.monthly(1000));
        let more: String = more.iter().map(|(name, time)| format!("&{name}={}", seconds(time))).collect();
        let subscription = account.at(now).subscribe(&customer, &price, &more);
        assert_eq!(lines_of(&account.latest(&subscription)), lines_from(&expected), "{more}");
        assert_eq!(subscription["billing_cycle_anchor"], seconds(anchor));
        assert_eq!(subscription["items"]["data"][0]["current_period_end"], seconds(expected[expected.len() - 1].2));
    }
}

/// docs.stripe.com/billing/subscriptions/billing-cycle, and an invoice that was recorded in 2020: from 17:17:56 to midnight of a
/// month of 31 days.
#[test]
fn the_time_up_to_an_anchor_is_billed_in_part_or_not_at_all() {
    let mut account = Account::new();
    account.at_second(1_584_119_876);
    let (customer, price) = (account.customer(), account.monthly(30_000));
    let subscription = account.subscribe(&customer, &price, "&billing_cycle_anchor=1584144000");
    let first = account.latest(&subscription);
    assert_eq!(lines_of(&first), [(270, 1_584_119_876, 1_584_144_000)]);
    assert_eq!(first["lines"]["data"][0]["description"], "Time on Gold after 13 Mar 2020");
    assert_eq!(first["lines"]["data"][0]["parent"]["subscription_item_details"]["proration"], true);

    let other = account.customer();
    let free = account.subscribe(&other, &price, "&billing_cycle_anchor=1584144000&proration_behavior=none");
    assert_eq!((&free["status"], &free["latest_invoice"]), (&"active".into(), &Value::Null));
    account.at_second(1_584_144_000);
    assert_eq!(lines_of(&account.latest(&free)), lines_from(&[(30_000, "2020-03-14", "2020-04-14")]));

    let last = account.subscribe(
        &other,
        &price,
        "&billing_cycle_anchor_config[day_of_month]=31&billing_cycle_anchor_config[hour]=0",
    );
    assert_eq!(last["billing_cycle_anchor"], seconds("2020-03-31"));
    let late = account.post(
        "/v1/subscriptions",
        &format!("customer={other}&items[0][price]={price}&billing_cycle_anchor={}", seconds("2020-05-14")),
    );
    assert!(late.message().contains("cannot be later than next natural billing date"), "{}", late.message());
}

#[test]
fn what_is_billed_once_comes_with_the_first_invoice() {
    let mut account = Account::new();
    let (customer, price) = (account.customer(), account.monthly(1000));
    let once = account.create("/v1/prices", "currency=usd&unit_amount=50000&product_data[name]=Onboarding");
    let more = format!(
        "&add_invoice_items[0][price]={once}&add_invoice_items[0][metadata][line]=l2&add_invoice_items[0][quantity]=2"
    );
    let subscription = account.subscribe(&customer, &price, &more);
    let first = account.latest(&subscription);
    assert_eq!(first["total"], 101_000);
    let extra = &first["lines"]["data"][0];
    assert_eq!(
        (&extra["amount"], &extra["metadata"]["line"], &extra["quantity"]),
        (&100_000.into(), &"l2".into(), &2.into())
    );
    assert_eq!(extra["parent"]["invoice_item_details"]["subscription"], subscription["id"]);
    let recurring = account.post("/v1/subscriptions", &format!("customer={customer}&items[0][price]={once}"));
    assert_eq!(recurring.param(), "items[0][price]");
}

/// A year of it, a day at a time or at one go: twelve invoices, no time twice and none left out, and then it is over.
#[test]
fn a_year_plays() {
    for step in [86_400, 366 * 86_400] {
        let mut account = Account::new();
        account.at("2027-01-31");
        let (customer, price) = (account.customer(), account.monthly(8333));
        let subscription = account.subscribe(&customer, &price, &format!("&cancel_at={}", seconds("2028-01-31")));
        while account.now_ms / 1000 < seconds("2028-03-01") {
            account.now_ms += step * 1000;
            account.get("/v1/balance");
        }
        let invoices = account.invoices();
        let mut lines: Vec<_> = invoices.iter().flat_map(lines_of).collect();
        lines.sort_by_key(|line| line.1);
        assert_eq!(lines.len(), 12);
        assert_eq!(lines.iter().map(|line| line.0).sum::<i64>(), 12 * 8333);
        assert_eq!((lines[0].1, lines[11].2), (seconds("2027-01-31"), seconds("2028-01-31")));
        assert!(lines.windows(2).all(|pair| pair[0].2 == pair[1].1), "{lines:?}");
        assert_eq!((lines[0].2, lines[1].2), (seconds("2027-02-28"), seconds("2027-03-31")));
        assert!(invoices.iter().all(|invoice| invoice["status"] == "open"), "an hour after each");
        let ended = account.get(&format!("/v1/subscriptions/{}", subscription["id"].as_str().expect("an id"))).ok();
        assert_eq!((&ended["status"], &ended["ended_at"]), (&"canceled".into(), &seconds("2028-01-31").into()));
        assert_eq!(account.event_types().last().map(String::as_str), Some("customer.subscription.deleted"));
    }
}

/// docs.stripe.com/billing/testing/test-clocks: a week of trial, then 50.00 a month.
#[test]
fn a_trial_costs_nothing_and_its_end_is_the_anchor() {
    let mut account = Account::new();
    account.at("2027-01-01");
    let (customer, price) = (account.customer(), account.monthly(5000));
    let subscription = account.subscribe(&customer, &price, "&trial_period_days=7");
    assert_eq!(
        (&subscription["status"], &subscription["billing_cycle_anchor"]),
        (&"trialing".into(), &seconds("2027-01-08").into())
    );
    let free = account.latest(&subscription);
    assert_eq!((&free["status"], &free["total"]), (&"paid".into(), &0.into()));
    assert_eq!(free["lines"]["data"][0]["description"], "Free trial for 1 × Gold");
    account.at("2027-01-08");
    let first = account.latest(&subscription);
    assert_eq!(lines_of(&first), lines_from(&[(5000, "2027-01-08", "2027-02-08")]));
    account.at("2027-02-08");
    assert_eq!(lines_of(&account.latest(&subscription)), lines_from(&[(5000, "2027-02-08", "2027-03-08")]));
}

#[test]
fn what_is_collected_by_itself_is_paid_or_past_due() {
    let mut account = Account::new();
    account.at("2027-01-01");
    let price = account.monthly(5000);
    let customer =
        account.create("/v1/customers", "email=a@b.example&invoice_settings[default_payment_method]=pm_card_visa");
    let body = format!("customer={customer}&items[0][price]={price}");
    let subscription = account.post("/v1/subscriptions", &body).ok();
    assert_eq!(
        (subscription["status"].as_str(), &account.latest(&subscription)["status"]),
        (Some("active"), &"paid".into())
    );
    account
        .post(&format!("/v1/customers/{customer}"), "invoice_settings[default_payment_method]=pm_card_chargeDeclined")
        .ok();
    account.at("2027-02-01T02:00:00Z");
    let renewal = account.latest(&subscription);
    assert_eq!(renewal["status"], "open");
    let id = subscription["id"].as_str().expect("an id");
    assert_eq!(account.get(&format!("/v1/subscriptions/{id}")).ok()["status"], "past_due");
    account
        .post(&format!("/v1/invoices/{}/pay", renewal["id"].as_str().expect("an id")), "payment_method=pm_card_visa")
        .ok();
    assert_eq!(account.get(&format!("/v1/subscriptions/{id}")).ok()["status"], "active");

    let poor = account.customer();
    let body = format!("customer={poor}&items[0][price]={price}");
    assert_eq!(account.post("/v1/subscriptions", &body).code(), "resource_missing");
    let waiting = account.post("/v1/subscriptions", &format!("{body}&payment_behavior=default_incomplete")).ok();
    assert_eq!(waiting["status"], "incomplete");
    account.at("2027-02-02T02:00:00Z");
    let id = waiting["id"].as_str().expect("an id");
    assert_eq!(account.get(&format!("/v1/subscriptions/{id}")).ok()["status"], "incomplete_expired");
    assert_eq!(account.latest(&waiting)["status"], "void");
}

#[test]
fn one_customer_has_one_currency_at_a_time() {
    let mut account = Account::new();
    let (customer, dollars) = (account.customer(), account.monthly(1000));
    let euros =
        account.create("/v1/prices", "currency=eur&unit_amount=1000&product_data[name]=Gold&recurring[interval]=month");
    let subscription = account.subscribe(&customer, &dollars, "");
    let body = format!("customer={customer}&items[0][price]={euros}&collection_method=send_invoice&days_until_due=30");
    let refused = account.post("/v1/subscriptions", &body);
    assert!(
        refused.message().starts_with("You cannot combine currencies on a single customer."),
        "{}",
        refused.message()
    );
    account.delete(&format!("/v1/subscriptions/{}", subscription["id"].as_str().expect("an id"))).ok();
    account.post("/v1/subscriptions", &body).ok();
    for (body, param) in [
        (format!("customer={customer}&items[0][price]={euros}&collection_method=send_invoice"), "days_until_due"),
        (format!("customer={customer}&items[0][price]={euros}&items[1][price]={euros}"), "items"),
        (format!("customer={customer}&items[0][price]={euros}&days_until_due=3"), "days_until_due"),
        (format!("customer={customer}"), "items"),
    ] {
        assert_eq!(account.post("/v1/subscriptions", &body).param(), param, "{body}");
    }
}
