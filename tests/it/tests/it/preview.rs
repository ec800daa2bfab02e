//! `closedwon preview`: whoever asks what would happen to a deal is told, and it does happen so.

pub(crate) mod compared;
mod drawn;
mod lists;

use closedwon::Exit;
use closedwon::preview::{End, InvoiceFate, SubscriptionFate, Tax, many, preview};
use closedwon::progress::Silent;
use compared::{asked, foreseen, nothing_written_by, sight};
use domain::OpportunityId;
use it::{Deal, Env, Options};
use jiff::{SignedDuration, Timestamp};
use mapping::{LineSource, Proration, Renewals, TaxBehavior};
use sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use crate::subscriptions::renewals::inside::{difference, for_days, prorating, quarter, upgrade};
use crate::subscriptions::renewals::{after, sell_by_the_month, term_of};
use crate::subscriptions::{day, line, options, won};
use crate::{amendments, subscriptions};

#[tokio::test]
async fn what_a_deal_would_be_billed_by_is_told_and_then_is() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    let preview = foreseen(&env, &opportunity).await;
    assert_eq!((preview.exit(), &preview.end), (Exit::Well, &End::Billed));
    let text = preview.to_string();
    for said in [
        format!("Opportunity {opportunity} at 2026-11-23T00:00:00Z: it would be billed\n"),
        "  the deal as a whole: 110.00 USD\n".to_owned(),
        "is sent: 110.00 USD, due on 2026-12-23\n    Product 001 × 2: 20.00 USD\n".to_owned(),
        "    stripe create_customer ".to_owned(),
        "      POST /v1/customers [cw1_".to_owned(),
        "        email=ap@acme.example\n".to_owned(),
        "        days_until_due=30\n".to_owned(),
        format!("      PATCH /sobjects/Opportunity/{opportunity}\n"),
        "  Nothing of this was done.\n".to_owned(),
    ] {
        assert!(text.contains(&said), "{said}\n{text}");
    }
    env.settle().await;
    // By now it is billed.
    let again = foreseen(&env, &opportunity).await;
    assert_eq!((again.exit(), &again.end, again.invoices.len()), (Exit::Well, &End::Unchanged, 0));
    assert!(again.calls.iter().all(|call| call.requests.is_empty()), "{again}");
}

#[tokio::test]
async fn a_refusal_is_told_with_what_mends_it() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let opportunity = env.opportunity_won(&Deal { email: None, ..Deal::three_lines() }).await;
    let preview = asked(&env, &opportunity).await;
    assert_eq!(preview.exit(), Exit::NeedsPerson);
    let End::Stopped(stopped) = &preview.end else { panic!("{preview}") };
    let text = preview.to_string();
    for said in [stopped.code, &stopped.message, stopped.remedy, &format!("what to do ({}): ", stopped.whose)] {
        assert!(text.contains(said), "{said}\n{text}");
    }
    assert_eq!(foreseen(&env, &opportunity).await, preview);
    env.settle().await;
}

/// With its items by the month, and a first invoice that has what is sold once as well.
#[tokio::test]
async fn a_subscription_is_told_with_its_first_invoice() {
    let env = subscriptions::selling().await;
    let opportunity = won(&env, &day(&env, 0)).await;
    let preview = foreseen(&env, &opportunity).await;
    let text = preview.to_string();
    for said in [
        "  subscription sub_preview_1 is begun, from 2026-11-23 on, until 2027-11-23\n    Seat × 2: 200.00 USD a month (price_",
        "  invoice in_preview_2 is sent: 700.00 USD, due on 2026-12-23\n",
        "    Seat × 2: 200.00 USD (2026-11-23 to before 2026-12-23)\n",
        ": 500.00 USD\n",
    ] {
        assert!(
            text.contains(
                &said
                    .replace("sub_preview_1", &preview.subscriptions[0].id)
                    .replace("in_preview_2", &preview.invoices[0].id)
            ),
            "{said}\n{text}"
        );
    }
    assert_eq!(preview.deal.map(|deal| deal.to_string()).as_deref(), Some("2900.00 USD"));
    env.settle().await;
    assert_eq!(foreseen(&env, &opportunity).await.end, End::Unchanged);
}

/// It rests until its first day; and as of that, it is billed.
#[tokio::test]
async fn a_term_that_has_not_begun_is_foreseen_as_of_its_first_day() {
    let env = subscriptions::selling().await;
    let opportunity = won(&env, &day(&env, 10)).await;
    let first_day: Timestamp = "2026-12-03T00:00:00Z".parse().unwrap();
    let now = foreseen(&env, &opportunity).await;
    assert_eq!((now.exit(), &now.end), (Exit::Well, &End::Scheduled { until: first_day }), "{now}");
    assert!(now.calls.iter().all(|call| call.requests.is_empty()), "{now}");
    let id = OpportunityId::parse(&opportunity).unwrap();
    let then = nothing_written_by(&env, async || preview(&sight(&env), &id, first_day).await.unwrap()).await;
    assert_eq!((&then.end, then.billed().unwrap().minor_units()), (&End::Billed, 70_000), "{then}");
    // And so it is.
    for _ in 0..10 {
        env.advance(SignedDuration::from_hours(24));
    }
    env.settle().await;
    let on_the_day = foreseen(&env, &opportunity).await;
    let written = |of: &closedwon::preview::Preview| {
        let requests = of.calls.iter().flat_map(|call| call.requests.clone());
        requests.map(|request| (request.path, request.parameters)).collect::<Vec<_>>()
    };
    assert_eq!((written(&on_the_day), &on_the_day.end), (written(&then), &End::Billed));
    env.settle().await;
}

/// The rest of the period is previewed by Stripe, for prices that are not made yet.
#[tokio::test]
async fn a_renewal_is_told_with_what_is_prorated() {
    let env = prorating(Proration::AlwaysInvoice).await;
    let (account, start) = quarter(&env).await;
    let second = upgrade(&env, &account, &start, 2).await;
    for_days(&env, 31).await;
    env.close(&second);
    let preview = foreseen(&env, &second).await;
    let [changed] = &preview.subscriptions[..] else { panic!("{preview}") };
    let from: jiff::civil::Date = after(&start, 1).parse().unwrap();
    assert_eq!((changed.fate, changed.prorated), (SubscriptionFate::Changed, Some((from, true))));
    let [invoice] = &preview.invoices[..] else { panic!("{preview}") };
    assert_eq!((invoice.fate, invoice.total.minor_units()), (InvoiceFate::SentByStripe, difference(&start)));
    assert_eq!(invoice.subscription.as_deref(), Some(changed.id.as_str()));
    let text = preview.to_string();
    assert!(text.contains("; prorated from 2026-12-23 on, by an invoice at once\n"), "{text}");
    assert!(text.contains("is sent by Stripe within the hour: "), "{text}");
    env.settle().await;
}

#[tokio::test]
async fn an_amended_deal_is_told_with_what_is_voided() {
    let (env, opportunity) = amendments::billed().await;
    let first = env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"].as_str().unwrap().to_owned();
    amendments::amend(&env, &opportunity);
    env.sqs.purge();
    let preview = foreseen(&env, &opportunity).await;
    let fates: Vec<_> =
        preview.invoices.iter().map(|one| (one.id.clone(), one.fate, one.total.minor_units())).collect();
    assert_eq!(preview.billed().unwrap().to_string(), "120.00 USD");
    assert!(fates.contains(&(first.clone(), InvoiceFate::Voided, 11_000)), "{fates:?}");
    assert!(preview.to_string().contains(&format!("  invoice {first} is voided: 110.00 USD")), "{preview}");
    env.settle().await;
}

/// Stripe is asked for it, also for a customer who is not there yet; with a subscription it says the tax of something else.
#[tokio::test]
async fn tax_is_told_as_stripe_would_calculate_it() {
    let env = Env::with(Options { tax: Some(TaxBehavior::Exclusive), ..Options::default() }).await;
    let opportunity = env.opportunity_won(&Deal { country: "Germany".into(), ..Deal::three_lines() }).await;
    let preview = foreseen(&env, &opportunity).await;
    assert!(
        preview.to_string().contains(" is sent: 130.90 USD, due on 2026-12-23, with 20.90 USD of tax\n"),
        "{preview}"
    );
    env.settle().await;
    let selling = Options { tax: Some(TaxBehavior::Exclusive), ..options(LineSource::CpqQuote) };
    let env = Env::with(selling).await;
    let account = env.account(&Deal { country: "Germany".into(), ..Deal::three_lines() });
    let lines = vec![line("Seat", 10_000, "300", "300", "2")];
    let sold = env.enter_for(&account, &Deal { lines, ..subscriptions::deal() }).await;
    sell_by_the_month(&env, &sold, term_of(&day(&env, 0), 3));
    env.close(&sold);
    let preview = foreseen(&env, &sold).await;
    assert_eq!(preview.billed().unwrap().minor_units(), 23_800, "{preview}");
    env.settle().await;
    let once = env.enter_for(&account, &subscriptions::deal()).await;
    env.close(&once);
    let preview = asked(&env, &once).await;
    assert_eq!(preview.invoices[0].tax, Some(Tax::Unknown { behavior: "exclusive" }), "{preview}");
    let said = "; its tax (exclusive) is calculated by Stripe when it is finalized\n";
    assert!(preview.to_string().contains(said), "{preview}");
    env.settle().await;
}

/// Stripe would refuse the account's customer, and another is made.
#[tokio::test]
async fn a_second_currency_is_foreseen_with_its_customer() {
    let abroad = Options { multi_currency: true, renewals: Renewals::Extend, ..options(LineSource::CpqQuote) };
    let env = Env::with(abroad).await;
    let account = env.account(&subscriptions::deal());
    for currency in ["USD", "EUR", "EUR"] {
        let lines = vec![line("Seat", 10_000, "300", "300", "2")];
        let deal = Deal { lines, currency: currency.into(), ..subscriptions::deal() };
        let opportunity = env.enter_for(&account, &deal).await;
        sell_by_the_month(&env, &opportunity, term_of(&day(&env, 0), 3));
        env.close(&opportunity);
        let preview = foreseen(&env, &opportunity).await;
        assert_eq!(preview.end, End::Billed, "{preview}");
        env.settle().await;
    }
    assert_eq!(env.objects("customer").len(), 2);
}

/// Somebody works on it, or nobody may.
#[tokio::test]
async fn what_is_held_or_stopped_waits() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    let held = env
        .stands_still_at(12, async {
            let id = OpportunityId::parse(&opportunity).unwrap();
            preview(&sight(&env), &id, env.now()).await.unwrap()
        })
        .await;
    let End::Waits { code, until: Some(_), .. } = &held.end else { panic!("{held}") };
    assert_eq!((code.as_str(), held.calls.len(), held.exit()), ("run_is_held", 0, Exit::Well));
    env.settle().await;
    env.operate(json!({ "stopped": { "S": "maintenance" } }));
    let stopped = asked(&env, &opportunity).await;
    let End::Waits { code, why, until: None } = &stopped.end else { panic!("{stopped}") };
    assert_eq!((code.as_str(), why.as_str(), stopped.calls.len()), ("stopped_by_operator", "maintenance", 0));
}

#[tokio::test]
async fn an_invoice_above_the_ceiling_is_told_to_need_an_approval() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    env.operate(json!({ "ceiling_USD": { "N": "10999" } }));
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    let preview = foreseen(&env, &opportunity).await;
    assert_eq!(preview.exit(), Exit::NeedsPerson);
    assert!(preview.to_string().contains(": it would be refused (approval_required)\n"), "{preview}");
    env.settle().await;
    env.update("Opportunity", &opportunity, json!({ "Stripe_Approved_Amount__c": 110 }));
    assert_eq!(foreseen(&env, &opportunity).await.end, End::Billed);
    env.settle().await;
}

#[tokio::test]
async fn many_deals_are_a_table() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let good = env.opportunity_won(&Deal::three_lines()).await;
    let bad = env.opportunity_won(&Deal { email: None, ..Deal::three_lines() }).await;
    let open = env.enter(&Deal::three_lines()).await;
    let soql = "SELECT Id FROM Opportunity ORDER BY CreatedDate, Id";
    let all = nothing_written_by(&env, async || many(&sight(&env), soql, 50, env.now(), &Silent).await.unwrap()).await;
    assert_eq!((all.exit(), all.deals.len(), all.left_out), (Exit::NeedsPerson, 3, 0));
    let text = all.to_string();
    for row in [
        format!("{good}  billed        110.00 USD\n"),
        format!("{bad}  refused                   billing_email_missing\n"),
        format!("{open}  not billable              not_closed_won\n"),
    ] {
        assert!(text.contains(&row), "{row}\n{text}");
    }
    let told: Value = serde_json::from_str(&all.to_json()).unwrap();
    let outcomes: Vec<_> = told["deals"].as_array().unwrap().iter().map(|deal| deal["outcome"].clone()).collect();
    assert!(outcomes.contains(&json!("billed")) && outcomes.contains(&json!("stopped")), "{told}");
    let first = many(&sight(&env), soql, 1, env.now(), &Silent).await.unwrap();
    assert_eq!((first.deals.len(), first.left_out), (1, 2));
    for (wrong, why) in
        [("SELECT Id FROM Account", "has to ask for the Id of opportunities"), ("SELECT", "is not answered")]
    {
        let refused = many(&sight(&env), wrong, 50, env.now(), &Silent).await.unwrap_err();
        assert!(refused.to_string().contains(why), "{refused}");
    }
    env.settle().await;
}

#[tokio::test]
async fn what_is_not_there_or_cannot_be_asked_is_said() {
    let env = Env::start().await;
    let nobodys = asked(&env, "006000000000001AAA").await;
    assert_eq!(nobodys.exit(), Exit::Unknown, "{nobodys}");
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.sandbox.stripe.inject(FaultRule::once("GET", "/**", Fault::ServerError).times(20));
    let id = OpportunityId::parse(&opportunity).unwrap();
    let why = preview(&sight(&env), &id, env.now()).await.unwrap_err();
    assert!(why.to_string().contains("stripe_unknown_outcome"), "{why}");
    env.sandbox.stripe.clear_faults();
    env.settle_for_days().await;
}
