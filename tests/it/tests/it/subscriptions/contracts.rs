//! Subscriptions that begin when their contract is activated.

use mapping::Renewals;

use super::*;

pub(crate) async fn selling_by_contract(line_source: LineSource) -> Env {
    let env = Env::with(Options { subscriptions: Subscriptions::ContractActivated, ..options(line_source) }).await;
    env.reconcile(PassKind::Sweep).await;
    env
}

/// The deal's contract, as it is made where lines are on a quote and elsewhere.
fn contract(env: &Env, line_source: LineSource, opportunity: &str) -> String {
    let account = env.record("Opportunity", opportunity)["AccountId"].clone();
    let contract = env.insert("Contract", json!({ "AccountId": account, "Status": "Draft" }));
    match line_source {
        LineSource::CpqQuote => env.update("Contract", &contract, json!({ "SBQQ__Opportunity__c": opportunity })),
        _ => env.update("Opportunity", opportunity, json!({ "ContractId": contract })),
    }
    contract
}

pub(crate) fn activate(env: &Env, contract: &str) {
    env.update("Contract", contract, json!({ "Status": "Activated" }));
}

/// Won, with a contract that is a draft.
pub(crate) async fn won_with_contract(env: &Env, line_source: LineSource) -> (String, String) {
    let opportunity = env.enter(&deal()).await;
    match line_source {
        LineSource::CpqQuote => make_recurring(env, &day(env, 0)),
        _ => {
            let term = json!({ "Stripe_Start_Date__c": day(env, 0), "Stripe_Term_Months__c": 12 });
            env.update("Opportunity", &opportunity, term);
            let products = env.sandbox.salesforce.with(|org| org.records("Product2"));
            let seat = products.iter().find(|product| product["Name"] == "Seat").unwrap()["Id"].clone();
            env.update("Product2", seat.as_str().unwrap(), json!({ "Stripe_Billing_Frequency__c": "Monthly" }));
        }
    }
    make_price_recurring(env, "Seat", 10_000, "month").await;
    let contract = contract(env, line_source, &opportunity);
    env.clear_calls();
    env.close(&opportunity);
    env.settle().await;
    (opportunity, contract)
}

/// Nobody has to act and nobody is told: it is how it goes. What is activated is found by the next sweep if no event says so, and
/// the deal costs one call of Salesforce more for having been looked at twice.
#[tokio::test]
async fn a_won_deal_waits_for_its_contract() {
    for line_source in [LineSource::CpqQuote, LineSource::OpportunityProducts] {
        for is_told in [true, false] {
            let env = selling_by_contract(line_source).await;
            let (opportunity, contract) = won_with_contract(&env, line_source).await;
            assert_eq!((env.stripe_calls().len(), env.salesforce_calls().len()), (0, 1), "{line_source:?}");
            assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Sync_Status__c"], Value::Null);
            // The first states of a deal that waits are looked at again, and then no more.
            for _ in 0..5 {
                env.advance(SignedDuration::from_mins(31));
                env.reconcile(PassKind::Sweep).await;
                env.settle().await;
            }
            env.advance(SignedDuration::from_hours(24));
            let waiting = env.reconcile(PassKind::Deep).await;
            assert!(waiting.differences.is_empty() && waiting.requeued == 0, "{waiting:?}");
            let books = waiting.statement.unwrap().of_day;
            let later: Vec<_> = books.later.0.values().map(|sum| (sum.count, sum.minor_units)).collect();
            assert_eq!(later, [(1, 290_000)], "{books:?}");
            activate(&env, &contract);
            match is_told {
                true => env.sqs.put(&changed(&env, "msg_activated", &opportunity)),
                false => assert_eq!(env.reconcile(PassKind::Sweep).await.requeued, 1, "{line_source:?}"),
            }
            env.settle().await;
            let record = env.record("Opportunity", &opportunity);
            assert_eq!(record["Stripe_Subscription_Id__c"], subscriptions(&env)[0]["id"], "{record}");
            let contract = env.record("Contract", &contract);
            assert_eq!(contract["Stripe_Subscription_Id__c"], record["Stripe_Subscription_Id__c"], "{contract}");
            assert_eq!(
                (&contract["Stripe_MRR__c"], &contract["Renewal_Stripe_Sub_Id__c"]),
                (&record["Stripe_MRR__c"], &Value::Null)
            );
            // A day later the first month has begun on the day that it was sold for.
            assert_eq!((&env.invoices()[0]["status"], &env.invoices()[0]["total"]), (&json!("open"), &json!(70_000)));
            env.advance(SignedDuration::from_mins(16));
            env.reconcile(PassKind::Sweep).await;
            env.settle().await;
            env.advance(SignedDuration::from_mins(16));
            let pass = env.reconcile(PassKind::Sweep).await;
            assert!(pass.requeued == 0 && pass.differences.is_empty(), "{pass:?}");
            assert_eq!((subscriptions(&env).len(), env.invoices().len()), (1, 1));
        }
    }
}

/// What is billed once has no contract to wait for.
#[tokio::test]
async fn a_deal_without_recurring_lines_waits_for_nothing() {
    let env = selling_by_contract(LineSource::CpqQuote).await;
    let opportunity = env.opportunity_won(&deal()).await;
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Invoice_Id__c"], env.invoices()[0]["id"]);
    assert_eq!((subscriptions(&env).len(), &env.invoices()[0]["status"]), (0, &json!("open")));
}

/// A contract of a deal that is not won begins nothing, and neither does one that belongs to no deal.
#[tokio::test]
async fn an_activated_contract_alone_begins_nothing() {
    let env = selling_by_contract(LineSource::CpqQuote).await;
    let opportunity = env.enter(&deal()).await;
    make_recurring(&env, &day(&env, 0));
    activate(&env, &contract(&env, LineSource::CpqQuote, &opportunity));
    let account = env.record("Opportunity", &opportunity)["AccountId"].clone();
    env.insert("Contract", json!({ "AccountId": account, "Status": "Activated" }));
    env.advance(SignedDuration::from_mins(15));
    let pass = env.reconcile(PassKind::Sweep).await;
    assert_eq!((pass.is_finished, pass.requeued), (true, 1), "{pass:?}");
    env.settle().await;
    assert_eq!((subscriptions(&env).len(), env.invoices().len()), (0, 0));
    // Won then, it goes on at once.
    make_price_recurring(&env, "Seat", 10_000, "month").await;
    env.close(&opportunity);
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["Stripe_Subscription_Id__c"], subscriptions(&env)[0]["id"]);
}

/// The contract of the renewal says which subscription goes on with it, and what that comes to a month from then on; the one that began
/// the subscription names it as before. In one write with the opportunity, which costs no call more.
#[tokio::test]
async fn a_contract_that_renews_names_the_subscription() {
    for line_source in [LineSource::CpqQuote, LineSource::OpportunityProducts] {
        let options = options(line_source);
        let by_contract = Subscriptions::ContractActivated;
        let env = Env::with(Options { subscriptions: by_contract, renewals: Renewals::Extend, ..options }).await;
        let account = env.account(&deal());
        let sold = async |price: &str, start: &str, months: i32| {
            let lines = vec![line("Seat", 10_000, price, price, "1")];
            let opportunity = env.enter_for(&account, &Deal { lines, ..deal() }).await;
            match line_source {
                LineSource::CpqQuote => {
                    renewals::sell_by_the_month(&env, &opportunity, renewals::term_of(start, months))
                }
                _ => {
                    let term = json!({ "Stripe_Start_Date__c": start, "Stripe_Term_Months__c": months });
                    env.update("Opportunity", &opportunity, term);
                    for product in env.sandbox.salesforce.with(|org| org.records("Product2")) {
                        let monthly = json!({ "Stripe_Billing_Frequency__c": "Monthly" });
                        env.update("Product2", product["Id"].as_str().unwrap(), monthly);
                    }
                    share_prices(&env);
                }
            }
            let contract = contract(&env, line_source, &opportunity);
            activate(&env, &contract);
            (opportunity, contract)
        };
        let start = day(&env, 0);
        let (first, begun) = sold("300", &start, 3).await;
        env.close(&first);
        env.settle().await;
        let subscription = subscriptions(&env)[0]["id"].clone();
        assert_eq!(env.record("Contract", &begun)["Stripe_Subscription_Id__c"], subscription);
        let links = |env: &Env| {
            let contract = env.record("Contract", &begun);
            ["Stripe_Subscription_Id__c", "Renewal_Stripe_Sub_Id__c", "Stripe_MRR__c"]
                .map(|field| contract[field].clone())
        };
        let as_begun = links(&env);
        renewals::days(&env, 70);
        // After these weeks it has to log in again.
        env.reconcile(PassKind::Sweep).await;
        env.settle().await;
        let (second, renewed) = sold("900", &renewals::after(&start, 3), 6).await;
        env.update("Opportunity", &second, json!({ "Type": "Renewal" }));
        env.clear_calls();
        env.close(&second);
        env.settle().await;
        let record = env.record("Opportunity", &second);
        assert_eq!(
            (&record["Renewal_Stripe_Sub_Id__c"], &record["Stripe_MRR__c"]),
            (&subscription, &json!(150.0)),
            "{record}"
        );
        let contract = env.record("Contract", &renewed);
        let names =
            ["Renewal_Stripe_Sub_Id__c", "Stripe_MRR__c", "Stripe_Subscription_Id__c"].map(|field| &contract[field]);
        assert_eq!(names, [&subscription, &json!(150.0), &Value::Null], "{contract}");
        assert_eq!(links(&env), as_begun);
        // Whichever it is billed for says how it stands, on both records.
        for (object, before, now) in [("Opportunity", &first, &second), ("Contract", &begun, &renewed)] {
            let standing = |id: &str| standings::standing(&env.record(object, id));
            assert_eq!(standing(before), [json!("renewed"), json!(0.0), Value::Null, Value::Null]);
            // Nobody has paid its first invoice.
            assert_eq!(standing(now)[..2], [json!("past_due"), json!(150.0)]);
        }
        // Two looks how it stands; the renewal and its contract are told together, and each of those before by itself.
        assert_eq!(env.salesforce_calls().len(), 2 + 5, "{:?}", env.salesforce_calls());
    }
}

/// What a composite write is answered where the integration user may not edit contracts.
fn no_edit_on_contracts() -> Fault {
    let part = |status: u16, code: &str, reference: &str| {
        json!({
            "body": [{ "errorCode": code, "message": "no", "fields": [] }],
            "httpHeaders": {}, "httpStatusCode": status, "referenceId": reference,
        })
    };
    let parts = [
        part(400, "PROCESSING_HALTED", "update0"),
        part(403, "INSUFFICIENT_ACCESS_OR_READONLY", "update1"),
        part(400, "PROCESSING_HALTED", "update2"),
    ];
    Fault::Status { status: 200, body: json!({ "compositeResponse": parts }).to_string() }
}

/// The deal's own record is written all the same, a person is told of the contract, and nothing is written again until that person has
/// mended it and sends the letter again.
#[tokio::test]
async fn a_contract_that_may_not_be_edited_does_not_keep_the_deal_from_its_ids() {
    let mut env = selling_by_contract(LineSource::CpqQuote).await;
    env.expect_dead_letters();
    let (opportunity, contract) = won_with_contract(&env, LineSource::CpqQuote).await;
    activate(&env, &contract);
    let refused =
        FaultRule::once("POST", "/services/data/**", no_edit_on_contracts()).body_contains("sobjects/Contract");
    env.sandbox.salesforce.inject(refused);
    env.reconcile(PassKind::Sweep).await;
    env.settle().await;
    let record = env.record("Opportunity", &opportunity);
    assert_eq!(record["Stripe_Subscription_Id__c"], subscriptions(&env)[0]["id"], "{record}");
    assert_eq!(record["Stripe_Sync_Status__c"], "write_back_differs");
    let note = record["Stripe_Sync_Error__c"].as_str().unwrap();
    assert!(note.contains("Contract.Stripe_Subscription_Id__c"), "{note}");
    assert_eq!(env.record("Contract", &contract)["Stripe_Subscription_Id__c"], Value::Null);
    assert_eq!((env.invoices().len(), env.sqs.dead_letters().len()), (1, 1));
    // Somebody touches the deal: nothing is written for that.
    let before = env.record("Opportunity", &opportunity)["SystemModstamp"].clone();
    env.sqs.put(&changed(&env, "msg_touched", &opportunity));
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["SystemModstamp"], before);
    env.sqs.redrive();
    env.settle().await;
    let record = env.record("Opportunity", &opportunity);
    assert_eq!(record["Stripe_Sync_Status__c"], Value::Null, "{record}");
    assert_eq!(env.record("Contract", &contract)["Stripe_Subscription_Id__c"], record["Stripe_Subscription_Id__c"]);
    assert_eq!((env.invoices().len(), env.sqs.dead_letters().len()), (1, 0));
}
