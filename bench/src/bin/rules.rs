//! What a large configuration file costs: of a cold start, and of a warm invocation. `cargo run --profile sim -p bench --bin rules`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use configuration::Configuration;
use it::{Deal, Env, Options};

/// More than anybody should write: every mapping, and forty rules.
fn large() -> String {
    let mut file = String::from(
        r#"
[won]
when = 'opportunity.Type != "Internal" && opportunity.Name != "Test"'
[deal]
amount = 'opportunity.Amount'
approved_amount = 'default(opportunity.Stripe_Approved_Amount__c, 0)'
[line]
price = 'product.Stripe_Price_Id__c'
description = 'default(line.Description, product.Name)'
quantity = 'line.Quantity'
total = 'round(line.TotalPrice, 2)'
[customer]
name = 'account.Name'
email = 'account.Billing_Email__c.trim().lowerAscii()'
phone = 'account.Phone'
country = 'default(account.BillingCountry, "United States")'
[terms]
days_until_due = 'opportunity.Amount > 100000 ? 60 : 30'
"#,
    );
    for number in 0..40 {
        file.push_str(&format!(
            r#"
[[won.rules]]
name = "Rule {number}"
when = 'account.BillingCountry == "Country {number}" || lines.exists(l, l.Product2.Name.startsWith("Nothing {number}"))'
then = {{ days_until_due = {number} }}
otherwise = {{ collection = "send_invoice" }}
"#
        ));
    }
    file
}

/// The middle of many, after a few that nobody counts.
fn median(times: usize, mut does: impl FnMut()) -> Duration {
    let mut took: Vec<_> = (0..times + 5)
        .map(|_| {
            let began = Instant::now();
            does();
            began.elapsed()
        })
        .skip(5)
        .collect();
    took.sort();
    took[took.len() / 2]
}

/// In turn, so that what else the machine does slows all of them.
async fn invocations<const N: usize>(configurations: [Option<String>; N], deals: usize) -> [Duration; N] {
    let mut envs = Vec::new();
    for configuration in configurations {
        envs.push((Env::with(Options { configuration, ..Options::default() }).await, Vec::new()));
    }
    for number in 0..deals + 5 {
        for (env, took) in &mut envs {
            let deal = Deal { account: format!("Account {number}"), ..Deal::with_lines(20, "USD") };
            env.opportunity_won(&deal).await;
            env.deliver().await;
            let began = Instant::now();
            env.work(10).await;
            took.push(began.elapsed());
            env.settle().await;
        }
    }
    std::array::from_fn(|index| {
        let mut took = envs[index].1.split_off(5);
        took.sort();
        took[took.len() / 2]
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let file = large();
    if let Err(problems) = Configuration::read(&file) {
        eprintln!("{}", configuration::report("large", &file, &problems));
        std::process::exit(1);
    }
    let first = {
        let began = Instant::now();
        black_box(Configuration::read(&file).is_ok());
        began.elapsed()
    };
    let empty = median(200, || _ = black_box(Configuration::read("version = 1\n").is_ok()));
    let read = median(200, || _ = black_box(Configuration::read(&file).is_ok()));
    println!(
        "cold start: a file of {} bytes with 41 rules and 11 mappings is read in {read:?} ({first:?} after one reading)",
        file.len()
    );
    println!("cold start: an empty file in {empty:?}");
    let [empty, large, again] = invocations([None, Some(file), None], 100).await;
    let share = large.as_micros() as i128 * 1000 / empty.as_micros().max(1) as i128 - 1000;
    println!(
        "warm invocation of a deal with 20 lines, from its message to its answer, against the sandbox, the middle of 100 in turn: \
         {empty:?} (the same once more: {again:?})"
    );
    println!("the same with that file: {large:?}, {}.{} % more", share / 10, share.abs() % 10);
}
