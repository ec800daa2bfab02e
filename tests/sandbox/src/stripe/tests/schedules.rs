//! Subscriptions that begin later, change later, or end by a plan.

use super::Account;
use super::subscriptions::{item_of, lines_from, lines_of, seconds};
use serde_json::Value;

impl Account {
    fn schedule(&mut self, body: &str) -> Value {
        self.post("/v1/subscription_schedules", body).ok()
    }

    fn read_schedule(&mut self, schedule: &Value) -> Value {
        self.get(&format!("/v1/subscription_schedules/{}", schedule["id"].as_str().expect("an id"))).ok()
    }

    fn of_schedule(&mut self, schedule: &Value) -> Value {
        let id = self.read_schedule(schedule)["subscription"].as_str().expect("a subscription").to_owned();
        self.get(&format!("/v1/subscriptions/{id}")).ok()
    }
}

const SENT: &str =
    "default_settings[collection_method]=send_invoice&default_settings[invoice_settings][days_until_due]=30";

/// docs.stripe.com/billing/subscriptions/subscription-schedules/use-cases: six instalments, and it is over.
#[test]
fn one_that_begins_later_and_ends_by_itself() {
    let mut account = Account::new();
    account.at("2026-11-26");
    let (customer, price) = (account.customer(), account.monthly(1000));
    let body = format!(
        "customer={customer}&start_date={}&end_behavior=cancel&{SENT}&phases[0][items][0][price]={price}\
         &phases[0][items][0][quantity]=2&phases[0][metadata][run]=r1&phases[0][duration][interval]=month\
         &phases[0][duration][interval_count]=6",
        seconds("2027-01-31")
    );
    let schedule = account.schedule(&body);
    assert_eq!((&schedule["status"], &schedule["subscription"]), (&"not_started".into(), &Value::Null));
    assert_eq!(account.stripe.objects("subscription").len(), 0);
    account.at("2027-01-31");
    let subscription = account.of_schedule(&schedule);
    assert_eq!((&subscription["status"], &subscription["metadata"]["run"]), (&"active".into(), &"r1".into()));
    assert_eq!(subscription["cancel_at"], seconds("2027-07-31"));
    assert_eq!(subscription["start_date"], seconds("2027-01-31"));
    account.at("2027-12-01").get("/v1/balance").ok();
    let invoices = account.stripe.objects("invoice");
    assert_eq!(
        invoices.iter().map(|invoice| invoice["total"].as_i64().expect("a total")).collect::<Vec<_>>(),
        [2000; 6]
    );
    assert!(invoices.iter().all(|invoice| invoice["status"] == "open"), "sent an hour after each");
    assert_eq!(account.read_schedule(&schedule)["status"], "completed");
    assert_eq!(account.get("/v1/subscriptions?status=all").ok()["data"][0]["ended_at"], seconds("2027-07-31"));
}

/// A renewal that begins when the term ends: nothing is prorated, and no period is billed twice or not at all.
#[test]
fn a_renewal_that_was_planned_begins_with_the_next_period() {
    let mut account = Account::new();
    account.at("2026-01-15");
    let (customer, old, new) = (account.customer(), account.monthly(1000), account.monthly(1500));
    let subscription = account.subscribe(&customer, &old, "");
    account.at("2026-03-20");
    let schedule = account.schedule(&format!("from_subscription={}", subscription["id"].as_str().expect("an id")));
    assert_eq!(
        (&schedule["status"], &schedule["phases"][0]["start_date"]),
        (&"active".into(), &seconds("2026-03-15").into())
    );
    let update = format!("/v1/subscription_schedules/{}", schedule["id"].as_str().expect("an id"));
    let current = format!(
        "phases[0][items][0][price]={old}&phases[0][start_date]={}&phases[0][end_date]={}&phases[1][items][0][price]={new}\
         &phases[1][items][0][quantity]=3&phases[1][duration][interval]=month&phases[1][duration][interval_count]=2",
        seconds("2026-03-15"),
        seconds("2026-05-15")
    );
    let moved =
        account.post(&update, &current.replace(&seconds("2026-03-15").to_string(), &seconds("2026-03-16").to_string()));
    assert!(moved.message().contains("start date of the current phase"), "{}", moved.message());
    account.post(&update, &current).ok();
    assert_eq!(account.pending_amounts(), [0; 0], "the current phase is as it was");
    account.at("2026-05-14T23:59:59Z");
    assert_eq!(item_of(&account.of_schedule(&schedule)), item_of(&subscription));
    account.at("2026-09-01").get("/v1/balance").ok();
    let lines: Vec<_> = account.stripe.objects("invoice").iter().flat_map(lines_of).collect();
    assert_eq!(
        lines,
        lines_from(&[
            (1000, "2026-01-15", "2026-02-15"),
            (1000, "2026-02-15", "2026-03-15"),
            (1000, "2026-03-15", "2026-04-15"),
            (1000, "2026-04-15", "2026-05-15"),
            (4500, "2026-05-15", "2026-06-15"),
            (4500, "2026-06-15", "2026-07-15"),
            (4500, "2026-07-15", "2026-08-15"),
            (4500, "2026-08-15", "2026-09-15"),
        ])
    );
    let ended = account.read_schedule(&schedule);
    assert_eq!((&ended["status"], &ended["released_subscription"]), (&"released".into(), &subscription["id"]));
}

/// A phase that begins in the middle of a period is prorated as it says itself.
#[test]
fn a_phase_in_the_middle_of_a_period_is_prorated() {
    for (behavior, pending) in [("create_prorations", vec![-500, 1000]), ("none", vec![])] {
        let mut account = Account::new();
        account.at("2026-04-01");
        let (customer, low, high) = (account.customer(), account.monthly(1000), account.monthly(2000));
        let body = format!(
            "customer={customer}&start_date=now&{SENT}&phases[0][items][0][price]={low}&phases[0][end_date]={}\
             &phases[1][items][0][price]={high}&phases[1][proration_behavior]={behavior}",
            seconds("2026-04-16")
        );
        let schedule = account.schedule(&body);
        assert_eq!(schedule["status"], "active");
        account.at("2026-04-16");
        let subscription = account.of_schedule(&schedule);
        assert_eq!(subscription["items"]["data"][0]["price"]["unit_amount"], 2000);
        assert_eq!(account.pending_amounts(), pending, "{behavior}");
    }
}

#[test]
fn a_schedule_is_released_or_canceled_once() {
    let mut account = Account::new();
    account.at("2026-04-01");
    let (customer, price) = (account.customer(), account.monthly(1000));
    for (end, status, of_subscription) in [("release", "released", "active"), ("cancel", "canceled", "canceled")] {
        let subscription = account.subscribe(&customer, &price, "");
        let id = subscription["id"].as_str().expect("an id").to_owned();
        let schedule = account.schedule(&format!("from_subscription={id}"));
        let twice = account.post("/v1/subscription_schedules", &format!("from_subscription={id}"));
        assert_eq!(twice.param(), "from_subscription");
        let path = format!("/v1/subscription_schedules/{}/{end}", schedule["id"].as_str().expect("an id"));
        let ended = account.post(&path, "").ok();
        assert_eq!(ended["status"], status);
        assert_eq!(account.get(&format!("/v1/subscriptions/{id}")).ok()["status"], of_subscription);
        assert_eq!(account.post(&path, "").status, 400);
    }
    let both = account.post("/v1/subscription_schedules", &format!("from_subscription=sub_1&customer={customer}"));
    assert_eq!(both.param(), "customer");
    let later =
        account.post("/v1/subscription_schedules", &format!("customer={customer}&phases[0][items][0][price]={price}"));
    assert_eq!(later.param(), "start_date");
}

/// A schedule that could not begin is not made, and one that cannot begin any more does not stop the clock.
#[test]
fn one_that_cannot_begin() {
    let mut account = Account::new();
    account.at("2026-04-01");
    let (customer, price) = (account.customer(), account.monthly(1000));
    let later = seconds("2026-05-01");
    let phases = format!("phases[0][items][0][price]={price}&phases[0][duration][interval]=year");
    let sent_without_terms =
        format!("customer={customer}&start_date={later}&default_settings[collection_method]=send_invoice&{phases}");
    assert_eq!(account.post("/v1/subscription_schedules", &sent_without_terms).param(), "days_until_due");
    // Collected, from somebody who brings a payment method later: a draft for an hour.
    let collected = account.schedule(&format!("customer={customer}&start_date=now&{phases}"));
    assert_eq!(collected["status"], "active");
    let subscription = account.of_schedule(&collected);
    assert_eq!(account.latest(&subscription)["status"], "draft");
    // The price is archived meanwhile, which does not matter to what was planned.
    let planned = account.schedule(&format!("customer={customer}&start_date={later}&{SENT}&{phases}"));
    account.post(&format!("/v1/prices/{price}"), "active=false").ok();
    let gone = account.customer();
    let product = account.stripe.objects("product")[0]["id"].as_str().expect("an id").to_owned();
    let data = format!(
        "phases[0][items][0][price_data][currency]=usd&phases[0][items][0][price_data][product]={product}\
                        &phases[0][items][0][price_data][unit_amount]=700&phases[0][items][0][price_data][recurring][interval]=month"
    );
    let orphan = account.schedule(&format!("customer={gone}&start_date={later}&{SENT}&{data}"));
    let inline = account.schedule(&format!("customer={customer}&start_date={later}&{SENT}&{data}"));
    account.delete(&format!("/v1/customers/{gone}")).ok();
    account.at("2026-05-01").get("/v1/balance").ok();
    assert_eq!(account.read_schedule(&planned)["status"], "active");
    let subscription = account.of_schedule(&inline);
    assert_eq!(account.latest(&subscription)["total"], 700);
    assert_eq!(account.read_schedule(&orphan)["status"], "canceled");
}

/// The subscription's end is the plan's: it comes and goes with it.
#[test]
fn the_end_follows_the_schedule() {
    let mut account = Account::new();
    account.at("2026-04-01");
    let (customer, price) = (account.customer(), account.monthly(1000));
    let subscription = account.subscribe(&customer, &price, "");
    let id = subscription["id"].as_str().expect("an id").to_owned();
    let schedule = account.schedule(&format!("from_subscription={id}"));
    let path = format!("/v1/subscription_schedules/{}", schedule["id"].as_str().expect("an id"));
    let cancel_at = |account: &mut Account| account.get(&format!("/v1/subscriptions/{id}")).ok()["cancel_at"].clone();
    assert_eq!(cancel_at(&mut account), Value::Null);
    let events = account.events_of(|account| drop(account.post(&path, "end_behavior=cancel").ok()));
    assert!(events.contains(&"customer.subscription.updated".to_owned()), "{events:?}");
    assert_eq!(cancel_at(&mut account), seconds("2026-05-01"));
    let directly = account.post(&format!("/v1/subscriptions/{id}"), "cancel_at_period_end=true");
    assert!(directly.message().contains("managed by the subscription schedule"), "{}", directly.message());
    let changed = format!("items[0][id]={}&items[0][quantity]=2", item_of(&subscription));
    assert_eq!(account.post(&format!("/v1/subscriptions/{id}"), &changed).status, 501);
    account.post(&path, "end_behavior=release").ok();
    assert_eq!(cancel_at(&mut account), Value::Null);
    account.post(&path, "end_behavior=cancel").ok();
    account.at("2026-05-01T01:00:00Z").get("/v1/balance").ok();
    assert_eq!(
        (account.read_schedule(&schedule)["status"].as_str(), account.stripe.objects("invoice").len()),
        (Some("completed"), 1)
    );

    // Released, it goes on; unless the end is to be kept.
    for (keep, ends) in [("", Value::Null), ("preserve_cancel_date=true", seconds("2026-06-01").into())] {
        let subscription = account.at("2026-05-01T01:00:00Z").subscribe(
            &customer,
            &price,
            &format!("&backdate_start_date={}", seconds("2026-05-01")),
        );
        let id = subscription["id"].as_str().expect("an id").to_owned();
        let schedule = account.schedule(&format!("from_subscription={id}"));
        let path = format!("/v1/subscription_schedules/{}", schedule["id"].as_str().expect("an id"));
        account.post(&path, "end_behavior=cancel").ok();
        account.post(&format!("{path}/release"), keep).ok();
        assert_eq!(account.get(&format!("/v1/subscriptions/{id}")).ok()["cancel_at"], ends);
    }
}

/// A plan that ends in the middle of a period is billed until then, and phases leave no time out.
#[test]
fn phases_are_billed_for_their_time() {
    let mut account = Account::new();
    account.at("2026-04-01");
    let (customer, price) = (account.customer(), account.monthly(3000));
    let body = format!(
        "customer={customer}&start_date=now&end_behavior=cancel&{SENT}&phases[0][items][0][price]={price}&phases[0][end_date]={}",
        seconds("2026-04-11")
    );
    let schedule = account.schedule(&body);
    let subscription = account.of_schedule(&schedule);
    assert_eq!(lines_of(&account.latest(&subscription)), lines_from(&[(1000, "2026-04-01", "2026-04-11")]));
    let gap = format!("{body}&phases[1][items][0][price]={price}&phases[1][start_date]={}", seconds("2026-04-12"));
    // Only an update may give a start, and only the one that there is.
    assert_eq!(account.post("/v1/subscription_schedules", &gap).status, 400);
    account.delete(&format!("/v1/subscriptions/{}", subscription["id"].as_str().expect("an id"))).ok();
    assert_eq!(account.read_schedule(&schedule)["status"], "canceled");
    let path = format!("/v1/subscription_schedules/{}/cancel", schedule["id"].as_str().expect("an id"));
    assert_eq!(account.post(&path, "").status, 400);
    let settings = format!("{body}&default_settings[automatic_tax][enabled]=true");
    assert_eq!(account.post("/v1/subscription_schedules", &settings).status, 501);
}
