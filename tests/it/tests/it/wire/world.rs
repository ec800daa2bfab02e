//! Accounts, products and deals as sales enters them, with everything in names and numbers that a wire can garble.

use it::{Deal, Env, Line, Options, Random};
use serde_json::{Value, json};
use stripe::Timeouts;

/// Countries that an invoice can have.
pub const COUNTRIES: [&str; 5] = ["Germany", "United States", "Japan", "KW", "The Netherlands"];

const CURRENCIES: [&str; 4] = ["USD", "EUR", "JPY", "KWD"];

/// Quotes, umlauts, emoji, ampersands, plus signs, per cents, backslashes: each means something to SOQL, JSON or a form.
const NAMES: [&str; 8] = [
    "Acme",
    "O'Brien & Söhne \"Nord\"",
    "Grüße+Spaß 100% GmbH",
    "株式会社テスト",
    "Rocket 🚀 = Fast; & Furious?",
    "Back\\slash #1, Inc. <b>",
    "it''s [0]&metadata[closedwon_run]=x",
    "Ünï  çødé \u{200d}👩‍🔧",
];

const EMAILS: [&str; 3] = ["ap@customer.example", "ap+billing&more=1@customer.example", "büro.o'neil@customer.example"];

/// The clients give up sooner than in the cloud, so that an answer that comes too late costs a history no ten seconds.
const TIMEOUTS: Timeouts =
    Timeouts { connect: std::time::Duration::from_secs(1), request: std::time::Duration::from_millis(2000) };

/// One of the two ways by which Salesforce tells of its changes, or the one that tells more.
fn trigger(random: &mut Random) -> Option<(&'static str, Value)> {
    let relay = |mode: &str| {
        json!({ "relay": {
            "endpoint": "http://bus.test/",
            "bus": "salesforce",
            "source": "aws.partner/salesforce.com/00D000000000001EAA/0YLxx0000000001GAA",
            "mode": mode,
        } })
    };
    match random.below(4) {
        0 => Some(("door: platform events", relay("platform_event"))),
        1 => Some(("door: change events", relay("change_event"))),
        // The environment begins with callouts.
        _ => None,
    }
}

pub struct World {
    pub env: Env,
    /// Of every record, where records have none of their own.
    pub org_currency: Option<&'static str>,
    pub accounts: Vec<String>,
    pub deals: Vec<String>,
    /// What is said of it.
    pub lines: Vec<String>,
}

pub async fn generate(random: &mut Random) -> World {
    let multi_currency = random.chance(50);
    let org_currency = random.pick(&CURRENCIES);
    let mut env = Env::with(Options { multi_currency, org_currency, timeouts: TIMEOUTS, ..Options::default() }).await;
    env.expect_dead_letters();
    let mut world = World {
        env,
        org_currency: (!multi_currency).then_some(org_currency),
        accounts: Vec::new(),
        deals: Vec::new(),
        lines: Vec::new(),
    };
    match trigger(random) {
        Some((name, trigger)) => {
            world.env.trigger(trigger);
            world.lines.push(name.to_owned());
        }
        None => world.lines.push("door: callouts".to_owned()),
    }
    for _ in 0..random.between(2, 3) {
        account(random, &mut world);
    }
    for _ in 0..random.between(3, 6) {
        deal(random, &mut world).await;
    }
    world
}

fn account(random: &mut Random, world: &mut World) {
    let email = (!random.chance(8)).then(|| random.pick(&EMAILS).to_owned());
    let country = if random.chance(6) { "Narnia" } else { random.pick(&COUNTRIES) };
    let name = random.pick(&NAMES);
    let account = world.env.account(&Deal {
        account: name.to_owned(),
        email: email.clone(),
        country: country.to_owned(),
        ..Deal::three_lines()
    });
    world.lines.push(format!("account {account}: {name}, {email:?}, {country}"));
    world.accounts.push(account);
}

async fn deal(random: &mut Random, world: &mut World) {
    let currency = world.org_currency.unwrap_or_else(|| random.pick(&CURRENCIES));
    let count = match random.below(100) {
        0..2 => random.between(101, 115),
        2..6 => random.between(20, 25),
        6..8 => 0,
        _ => random.between(1, 6),
    };
    let lines = (0..count).map(|_| line(random, currency)).collect();
    let deal = Deal { currency: currency.to_owned(), lines, ..Deal::three_lines() };
    let account = world.accounts[random.index(world.accounts.len())].clone();
    let env = &world.env;
    let id = env.enter_for(&account, &deal).await;
    let mut said = format!("deal {id} of {account}: {count} lines, {currency}");
    if count == 0 {
        env.update("Opportunity", &id, json!({ "Amount": 100 }));
    }
    let trouble = match random.below(100) {
        0..3 => Some(("a renewal", "Opportunity", json!({ "Type": "Renewal" }))),
        3..5 => Some(("a product without a price", "Product2", json!({ "Stripe_Price_Id__c": null }))),
        5..7 => Some(("a product with a wrong id", "Product2", json!({ "Stripe_Price_Id__c": "prod_1" }))),
        7..9 => Some(("an unknown price", "Product2", json!({ "Stripe_Price_Id__c": "price_1Gone" }))),
        9..15 => Some(("a long description", "OpportunityLineItem", json!({ "Description": "請求&書+ ".repeat(30) }))),
        _ => None,
    };
    if let Some((what, object, fields)) = trouble {
        let record = match object {
            "Opportunity" => Some(id.clone()),
            _ => line_of(env, &id).map(|line| match object {
                "Product2" => line["Product2Id"].as_str().unwrap().to_owned(),
                _ => line["Id"].as_str().unwrap().to_owned(),
            }),
        };
        if let Some(record) = record {
            env.update(object, &record, fields);
            said.push_str(", ");
            said.push_str(what);
        }
    }
    world.lines.push(said);
    world.deals.push(id);
}

/// The deal's first line.
pub fn line_of(env: &Env, opportunity: &str) -> Option<Value> {
    let lines = env.sandbox.salesforce.with(|org| org.records("OpportunityLineItem"));
    lines.into_iter().find(|line| line["OpportunityId"] == opportunity)
}

/// At the list price or at another one; in whole pieces or not.
fn line(random: &mut Random, currency: &str) -> Line {
    let (decimals, step) = match currency {
        "JPY" => (0, 1),
        "KWD" => (3, 10),
        _ => (2, 1),
    };
    let major = |minor: i64| rust_decimal::Decimal::new(minor, decimals).to_string();
    let listed = random.between(1, 30_000) * step;
    let sold = if random.chance(25) { random.between(1, 30_000) * step } else { listed };
    // Now and then the two catalogues differ.
    let at_stripe = if random.chance(10) { listed + random.between(1, 50) * step } else { listed };
    let quantity = match random.below(10) {
        0 => random.pick(&["0.5", "1.25", "2.1"]).to_owned(),
        _ => random.between(1, 20).to_string(),
    };
    Line {
        product: format!("{} {}", random.pick(&NAMES), random.between(1, 999)),
        stripe_minor_units: at_stripe,
        list_price: major(listed),
        unit_price: major(sold),
        quantity,
    }
}
