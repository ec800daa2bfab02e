//! Random deals, each foreseen and then played: what was foreseen is what happens, to the parameter and to the cent.
//!
//! `PREVIEWS=1000 cargo test -p it random_deals_are_foreseen` plays more of them.

use closedwon::preview::{End, Preview};
use it::{Deal, Env, Line, Options, Random, TO_CREDIT};
use jiff::SignedDuration;
use mapping::{Amendments, LineSource, Proration, Subscriptions, TaxBehavior};
use serde_json::json;

use super::compared::compared;
use crate::books::case::{CURRENCIES, Case, Random as Drawn};
use crate::subscriptions::PERMISSIONS;
use crate::subscriptions::renewals::inside::{changed_by, prorating, quarter};
use crate::subscriptions::renewals::{after, sell_by, term_of};

/// What was foreseen, by how it ended.
#[derive(Debug, Default)]
struct Tally {
    previews: usize,
    billed: usize,
    changed: usize,
    unchanged: usize,
    scheduled: usize,
    waits: usize,
    refused: std::collections::BTreeMap<&'static str, usize>,
    prorated: usize,
    taxed: usize,
    replaced: usize,
}

impl Tally {
    async fn foresee(&mut self, env: &Env, opportunity: &str) {
        self.count(&compared(env, opportunity, self.previews.is_multiple_of(5)).await);
    }

    fn count(&mut self, preview: &Preview) {
        self.previews += 1;
        match &preview.end {
            End::Billed => self.billed += 1,
            End::Changed => self.changed += 1,
            End::Unchanged => self.unchanged += 1,
            End::Scheduled { .. } => self.scheduled += 1,
            End::Waits { .. } => self.waits += 1,
            End::Stopped(stopped) => *self.refused.entry(stopped.code).or_default() += 1,
        }
        self.replaced += preview.invoices.iter().filter(|invoice| !invoice.is_new()).count();
        self.taxed += preview.invoices.iter().filter(|invoice| invoice.tax.is_some()).count();
        self.prorated += preview.subscriptions.iter().filter(|one| one.prorated.is_some()).count();
    }
}

/// Of any currency, with lines that come back and others, and with what cannot be billed.
async fn of_books(seeds: std::ops::Range<u64>, tally: &mut Tally) {
    let currencies: Vec<&str> = CURRENCIES.split_whitespace().collect();
    let (subscriptions, permissions) = (Subscriptions::ClosedWon, PERMISSIONS.to_vec());
    let line_source = LineSource::OpportunityProducts;
    let options = Options { multi_currency: true, line_source, subscriptions, permissions, ..Options::default() };
    let mut env = Env::with(options).await;
    env.expect_dead_letters();
    let mut random = Random::new(seeds.start);
    let mut accounts = Vec::new();
    for seed in seeds {
        if accounts.is_empty() || random.chance(40) {
            let email = (!random.chance(10)).then(|| "ap@acme.example".to_owned());
            accounts.push(env.account(&Deal { email, ..Deal::three_lines() }));
        }
        let account = accounts[random.index(accounts.len())].clone();
        let case = Case::generate(&mut Drawn(seed), &currencies);
        let Some((opportunity, _)) = case.enter(&env, &account, seed).await else { continue };
        env.close(&opportunity);
        tally.foresee(&env, &opportunity).await;
        if random.chance(20) {
            tally.foresee(&env, &opportunity).await;
        }
        env.settle().await;
        env.advance(SignedDuration::from_secs(10));
    }
}

fn random_deal(random: &mut Random) -> Deal {
    let currency = random.pick(&["USD", "EUR", "JPY", "KWD"]);
    let mut deal = Deal::with_lines(random.between(1, 12), currency);
    deal.email = deal.email.filter(|_| !random.chance(10));
    deal.country = if random.chance(10) { "Nowhere" } else { "United States" }.into();
    for line in &mut deal.lines {
        line.quantity = random.between(1, 9).to_string();
        if random.chance(30) {
            line.unit_price =
                format!("{}.5", random.between(1, 99)).replace(".5", if currency == "JPY" { "" } else { ".5" });
        }
    }
    deal
}

fn set_quantity(env: &Env, opportunity: &str, quantity: i64) {
    let lines = env.sandbox.salesforce.with(|org| org.records("OpportunityLineItem"));
    let line = lines.iter().find(|line| line["OpportunityId"] == opportunity).unwrap();
    env.update("OpportunityLineItem", line["Id"].as_str().unwrap(), json!({ "Quantity": quantity }));
}

/// Billed, paid or not, changed and billed anew; above a ceiling, with and without an approval.
async fn of_amendments(seed: u64, amendments: Amendments, tax: Option<TaxBehavior>, tally: &mut Tally) {
    let permissions = [&Options::default().permissions[..], &TO_CREDIT].concat();
    let options = Options { amendments, permissions, multi_currency: true, tax, ..Options::default() };
    let mut env = Env::with(options).await;
    env.expect_dead_letters();
    let mut random = Random::new(seed);
    if random.chance(40) {
        env.operate(json!({ "ceiling_USD": { "N": "20000" }, "ceiling_EUR": { "N": "500000" } }));
    }
    for _ in 0..6 {
        let mut deal = random_deal(&mut random);
        if tax.is_some() {
            deal.country = random.pick(&["Germany", "United States", "France"]).into();
        }
        let opportunity = env.enter(&deal).await;
        env.close(&opportunity);
        if random.chance(20) {
            env.update("Opportunity", &opportunity, json!({ "Stripe_Approved_Amount__c": 100_000 }));
        }
        tally.foresee(&env, &opportunity).await;
        for _ in 0..random.below(4) {
            env.advance(SignedDuration::from_mins(1));
            match random.below(4) {
                0 => env.update("Opportunity", &opportunity, json!({ "Stripe_Approved_Amount__c": 100_000 })),
                1 => pay(&env, &opportunity, &mut random).await,
                2 => set_quantity(&env, &opportunity, random.between(1, 9)),
                _ => env.update("Opportunity", &opportunity, json!({ "Name": "Another name" })),
            }
            tally.foresee(&env, &opportunity).await;
        }
        env.settle().await;
    }
}

async fn pay(env: &Env, opportunity: &str, random: &mut Random) {
    let invoice =
        env.record("Opportunity", opportunity)["Stripe_Invoice_Id__c"].as_str().unwrap_or_default().to_owned();
    let is_open = env.invoices().iter().any(|one| one["id"] == invoice && one["status"] == "open");
    match (is_open, random.chance(50)) {
        (true, true) => env.pay_by_card(&invoice).await,
        (true, false) => env.pay(&invoice).await,
        (false, _) => {}
    }
}

/// A quarter that goes on with other seats, from the next one on or inside it.
async fn of_renewals(seed: u64, proration: Proration, tally: &mut Tally) {
    let mut env = prorating(proration).await;
    env.expect_dead_letters();
    let mut random = Random::new(seed);
    let (account, start) = quarter(&env).await;
    let is_inside = random.chance(70);
    let months = if is_inside { random.pick(&[2, 5]) } else { 6 };
    // A month of it is a whole amount, so that a period is.
    let line = |product: &str, minor_units: i64, random: &mut Random| Line {
        product: product.into(),
        stripe_minor_units: minor_units,
        list_price: "900".into(),
        unit_price: (random.between(50, 400) * i64::from(months)).to_string(),
        quantity: random.between(1, 5).to_string(),
    };
    let mut lines = vec![line("Seat", 10_000, &mut random)];
    if random.chance(50) {
        lines.push(line("Training", 7_000, &mut random));
    }
    let opportunity = match is_inside {
        true => changed_by(&env, &account, &start, months, lines).await,
        false => {
            let opportunity = env.enter_for(&account, &Deal { lines, ..crate::subscriptions::deal() }).await;
            sell_by(&env, &opportunity, term_of(&after(&start, 3), months), "Quarterly");
            env.update("Opportunity", &opportunity, json!({ "Type": "Renewal" }));
            opportunity
        }
    };
    env.close(&opportunity);
    tally.foresee(&env, &opportunity).await;
    let days = if is_inside { 25 + random.below(30) } else { 85 };
    for _ in 0..days {
        env.advance(SignedDuration::from_hours(24));
        env.let_stripe_catch_up();
    }
    tally.foresee(&env, &opportunity).await;
    tally.foresee(&env, &opportunity).await;
    env.settle().await;
    // It ends sooner, or as it would.
    if random.chance(50) {
        env.update("Opportunity", &opportunity, json!({ "Stripe_Cancel_On__c": after(&start, random.pick(&[3, 6])) }));
        tally.foresee(&env, &opportunity).await;
    }
    env.settle().await;
}

#[tokio::test]
async fn random_deals_are_foreseen_and_then_happen() {
    let most: usize = std::env::var("PREVIEWS").ok().map_or(250, |previews| previews.parse().unwrap());
    let mut tally = Tally::default();
    let mut round = 0;
    while tally.previews < most {
        of_books(round * 25..(round + 1) * 25, &mut tally).await;
        for (amendments, tax) in [
            (Amendments::VoidAndReissue, None),
            (Amendments::CreditAndReissue, None),
            (Amendments::Review, Some(TaxBehavior::Exclusive)),
        ] {
            of_amendments(round, amendments, tax, &mut tally).await;
        }
        for (number, proration) in (0..).zip([Proration::AlwaysInvoice, Proration::CreateProrations, Proration::None]) {
            of_renewals(round * 3 + number, proration, &mut tally).await;
        }
        round += 1;
    }
    println!("previews: {tally:?}");
    let seen = [tally.billed, tally.unchanged, tally.prorated, tally.taxed, tally.replaced, tally.scheduled];
    assert!(most < 100 || seen.iter().all(|seen| *seen > most / 200), "{tally:?}");
    assert!(most < 100 || tally.refused.len() > 5, "{tally:?}");
}
