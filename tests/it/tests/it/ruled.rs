//! What rules decide after a deal is billed: `[[failures.rules]]`, `[[payments.rules]]` and `[[notifications.rules]]`.

use closedwon::Subject;
use closedwon::explain::explain;
use engine::PassKind;
use it::{Deal, Env, Options};
use jiff::SignedDuration;
use mapping::Channel;
use sandbox::salesforce::Kind;
use serde_json::{Value, json};

use crate::cases::{cases, fails, tasks, the_case};
use crate::organizations::{fixture, options};
use crate::subscriptions::renewals::renewed;

fn recipe(name: &str) -> Options {
    options(&fixture(&format!("recipes/{name}")), &[])
}

/// One deal is billed, in an organization whose integration user sees what the rules ask of.
async fn billed(options: Options) -> (Env, String, String) {
    let env = Env::with(options).await;
    for (object, field) in [("Account", "Type"), ("Opportunity", "NextStep")] {
        env.sandbox.salesforce.with(|org| org.grant(object, field, Some(false)));
    }
    env.reconcile(PassKind::Sweep).await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    env.clear_calls();
    (env, opportunity, invoice)
}

async fn explained(env: &Env, id: &str) -> String {
    let organization = env.worker.engine.scope.organization_id.clone();
    explain(&env.ledger(), &organization, &Subject::parse(id).unwrap(), env.now()).await.unwrap().to_string()
}

/// The first queue of the organization, as the recipe names it.
fn finance(env: &Env) -> String {
    let queue = env.insert("Group", json!({ "Name": "Finance", "DeveloperName": "Finance", "Type": "Queue" }));
    assert_eq!(queue, "00GgK0000hf1w5kUAA", "as the file names it");
    queue
}

fn account_of(env: &Env, opportunity: &str) -> String {
    env.record("Opportunity", opportunity)["AccountId"].as_str().unwrap().to_owned()
}

/// Whoever looks after the account: the queue is given it, and somebody follows it up after four hours.
#[tokio::test]
async fn a_large_failure_is_finances() {
    let (env, opportunity, invoice) = billed(recipe("failed_by_rule")).await;
    let queue = finance(&env);
    fails(&env, &invoice);
    env.settle().await;
    let case = the_case(&env);
    assert_eq!(json!([case["OwnerId"], case["Priority"]]), json!([queue, "Medium"]));
    assert_eq!((env.stripe_calls().len(), env.salesforce_calls().len()), (2, 2), "no call more than without rules");
    env.advance(SignedDuration::from_mins(241));
    env.reconcile(PassKind::Sweep).await;
    env.settle().await;
    assert_eq!(tasks(&env).len(), 1);
    let told = explained(&env, &opportunity).await;
    assert!(told.contains("  by rule: Large\n") && told.contains("  configuration: "), "{told}");
    // The card expires, too; what is said anew is told anew.
    env.sandbox.stripe.with(|stripe| stripe.attempt_fails(&invoice, "ExpiredCard", None));
    env.settle().await;
    assert_eq!(the_case(&env)["Priority"], "High");
    let told = explained(&env, &opportunity).await;
    assert!(told.contains("  by rule: Large\n  by rule: Expired cards\n"), "{told}");
    env.pay_by_card(&invoice).await;
    env.settle().await;
    assert_eq!((&the_case(&env)["IsClosed"], &tasks(&env)[0]["IsClosed"]), (&json!(true), &json!(true)));
}

#[tokio::test]
async fn a_key_accounts_failure_is_nobodys_case() {
    let (env, opportunity, invoice) = billed(recipe("failed_by_rule")).await;
    finance(&env);
    env.update("Account", &account_of(&env, &opportunity), json!({ "Type": "Key Account" }));
    env.settle().await;
    for _ in 0..3 {
        fails(&env, &invoice);
        env.settle().await;
        env.advance(SignedDuration::from_hours(30));
        env.reconcile(PassKind::Sweep).await;
        env.settle().await;
    }
    assert_eq!((cases(&env).len(), tasks(&env).len()), (0, 0));
    let told = explained(&env, &opportunity).await;
    assert!(told.contains("  by rule: Key accounts\n  no case: Their manager calls them\n"), "{told}");
    // It is no key account any more, and fails once more.
    env.update("Account", &account_of(&env, &opportunity), json!({ "Type": "Customer" }));
    fails(&env, &invoice);
    env.settle().await;
    assert_eq!(cases(&env).len(), 1);
}

/// What is open when the rule begins to hold is left to people, and closed when it is over.
#[tokio::test]
async fn a_case_that_is_open_already_is_closed_in_the_end() {
    let (env, opportunity, invoice) = billed(recipe("failed_by_rule")).await;
    finance(&env);
    fails(&env, &invoice);
    env.settle().await;
    let said = the_case(&env)["Description"].clone();
    env.update("Account", &account_of(&env, &opportunity), json!({ "Type": "Key Account" }));
    fails(&env, &invoice);
    env.advance(SignedDuration::from_hours(50));
    env.reconcile(PassKind::Sweep).await;
    env.settle().await;
    assert_eq!(json!([the_case(&env)["Description"], the_case(&env)["IsClosed"]]), json!([said, false]));
    assert_eq!(tasks(&env).len(), 0);
    env.pay_by_card(&invoice).await;
    env.settle().await;
    assert_eq!(the_case(&env)["IsClosed"], true);
}

/// The case is opened by the keys, and says which rule could not be decided.
#[tokio::test]
async fn a_failure_that_a_rule_cannot_decide_has_a_case_all_the_same() {
    let file =
        "[[failures.rules]]\nname = \"Long\"\nwhen = 'size(opportunity.NextStep) > 3'\nthen = { skip = \"No\" }\n";
    let (env, opportunity, invoice) = billed(options(file, &[])).await;
    fails(&env, &invoice);
    env.settle().await;
    let said = the_case(&env)["Description"].as_str().unwrap().to_owned();
    assert!(said.contains("was not decided by all rules: rule \"Long\" comes to nothing"), "{said}");
    let told = explained(&env, &opportunity).await;
    assert!(!told.contains("by rule"), "{told}");
}

/// The organization's own field names who looks after the customer; the package's is not asked.
#[tokio::test]
async fn whoever_the_file_names_has_the_case_and_the_task() {
    let file = "[owners]\naccounts = [\"account.Collector__c\", \"account.OwnerId\"]\n";
    let own = [("Account", "Collector__c", Kind::Reference(&["User"]))];
    for (left, expected) in [(&[][..], 0), (&[0][..], 1)] {
        let (env, opportunity, invoice) = billed(options(file, &own)).await;
        let people = [env.user("Collector"), env.user("Owner"), env.user("Manager")];
        let account = account_of(&env, &opportunity);
        let fields = json!({ "Collector__c": people[0], "OwnerId": people[1], "CSM__c": people[2] });
        env.update("Account", &account, fields);
        left.iter().for_each(|index: &usize| env.update("User", &people[*index], json!({ "IsActive": false })));
        fails(&env, &invoice);
        env.settle().await;
        assert_eq!(the_case(&env)["OwnerId"], people[expected], "{left:?}");
        env.advance(SignedDuration::from_hours(49));
        env.reconcile(PassKind::Sweep).await;
        env.settle().await;
        assert_eq!(tasks(&env)[0]["OwnerId"], people[expected], "{left:?}");
        let queries = env.sandbox.salesforce.with(|org| org.take_queries());
        let is_read = |field: &str| queries.iter().any(|query| query.contains(field));
        assert_eq!((is_read("Account.Collector__c"), is_read("CSM__")), (true, false), "{queries:?}");
    }
}

/// Salesforce does not let it be read: the payment, the case and the message are as they are without rules, and the reason stands beside
/// them.
#[tokio::test]
async fn a_field_that_is_hidden_keeps_nothing_from_being_told() {
    let file = "[won]\npaid_stage = \"Paid\"\n[[failures.rules]]\nname = \"A\"\nwhen = 'opportunity.Hidden__c'\nthen = { skip = \"No\" }\n\
                [[payments.rules]]\nname = \"A\"\nwhen = 'opportunity.Hidden__c'\nthen = { stage = \"Onboarding\" }\n\
                [[notifications.rules]]\nname = \"A\"\nwhen = 'opportunity.Hidden__c'\nthen = { skip = \"No\" }\n";
    let options =
        Options { tells: vec![Channel::Slack], ..options(file, &[("Opportunity", "Hidden__c", Kind::Checkbox)]) };
    let (mut env, opportunity, invoice) = billed(options).await;
    env.settle_for_days().await;
    assert_eq!(env.posted(), ["Invoice sent: A deal"], "that Salesforce shows the field is nothing that it needs");
    env.sandbox.salesforce.with(|org| org.grant("Opportunity", "Hidden__c", None));
    fails(&env, &invoice);
    env.settle_for_days().await;
    let said = the_case(&env)["Description"].as_str().unwrap().to_owned();
    assert!(
        said.contains("was not decided by all rules: What rules ask of cannot be read: ") && said.contains("Hidden__c"),
        "{said}"
    );
    assert_eq!(env.posted()[1..], ["Payment failed: A deal"]);
    assert!(env.last_posted().contains("Whether it is told was not decided by all rules"), "{}", env.last_posted());
    env.expect_dead_letters();
    env.pay_by_card(&invoice).await;
    env.settle_for_days().await;
    assert_eq!(
        stands(&env, &opportunity),
        json!([true, "Closed Won"]),
        "it is paid, and somebody decides of its stage"
    );
    assert!(explained(&env, &invoice).await.contains("rule_undecided: "));
    assert_eq!(the_case(&env)["IsClosed"], true);
}

/// What is asked of a third attempt is no different from what is asked of the first.
#[tokio::test]
async fn a_case_moves_to_the_queue_of_a_rule_that_comes_to_hold() {
    let file = "[[failures.rules]]\nname = \"Escalate\"\nwhen = 'invoice.attempt_count >= 2'\nthen = { queue = \"00GgK0000hf1w5kUAA\" }\n";
    for is_taken in [false, true] {
        let (env, _, invoice) = billed(options(file, &[])).await;
        let queue = finance(&env);
        fails(&env, &invoice);
        env.settle().await;
        let (case, somebody) = (the_case(&env), env.user("Somebody"));
        assert_ne!(case["OwnerId"], queue);
        if is_taken {
            env.update("Case", case["Id"].as_str().unwrap(), json!({ "OwnerId": somebody }));
        }
        fails(&env, &invoice);
        env.settle().await;
        let expected = if is_taken { &somebody } else { &queue };
        assert_eq!(the_case(&env)["OwnerId"], *expected, "{is_taken}");
    }
}

/// A queue that is none of this organization's leaves the case to whoever has it without the rule.
#[tokio::test]
async fn a_queue_that_is_not_there_leaves_the_case_to_the_accounts_owner() {
    let (env, opportunity, invoice) = billed(recipe("failed_by_rule")).await;
    fails(&env, &invoice);
    env.settle().await;
    let owner = env.record("Account", &account_of(&env, &opportunity))["OwnerId"].clone();
    assert_eq!(the_case(&env)["OwnerId"], owner);
}

fn stands(env: &Env, opportunity: &str) -> Value {
    let record = env.record("Opportunity", opportunity);
    json!([record["Payment_Received__c"], record["StageName"]])
}

#[tokio::test]
async fn what_is_paid_moves_to_the_stage_of_its_kind() {
    for (fields, stage, rule) in [
        (json!({ "Type": "New Customer" }), "Onboarding", Some("New customers")),
        (json!({ "Type": "Existing Customer" }), "Paid", None),
        (json!({ "Name": "Renewal of the support" }), "Closed Won", Some("Renewals")),
    ] {
        let (env, opportunity, invoice) = billed(recipe("paid_by_rule")).await;
        env.update("Opportunity", &opportunity, fields.clone());
        env.settle().await;
        env.clear_calls();
        env.pay(&invoice).await;
        env.settle().await;
        assert_eq!(stands(&env, &opportunity), json!([true, stage]), "{fields}");
        let told = explained(&env, &invoice).await;
        assert_eq!(told.contains("  by rule: "), rule.is_some(), "{told}");
        assert!(rule.is_none_or(|rule| told.contains(&format!("  by rule: {rule}\n"))), "{told}");
        // It is won still, whichever stage it has.
        env.update("Opportunity", &opportunity, json!({ "NextStep": "Say thanks" }));
        env.advance(SignedDuration::from_hours(30));
        let pass = env.reconcile(PassKind::Deep).await;
        env.settle().await;
        let books = pass.statement.unwrap().of_month;
        assert_eq!((books.difference_count, env.invoices().len()), (0, 1), "{fields}: {books:?}");
        assert_eq!(stands(&env, &opportunity), json!([true, stage]), "{fields}");
    }
}

/// The money is told. That it stays in its stage is a person's business, until what is empty is filled in.
#[tokio::test]
async fn what_a_rule_cannot_decide_is_paid_and_stays_in_its_stage() {
    let file = "[won]\npaid_stage = \"Paid\"\n[[payments.rules]]\nname = \"Long\"\nwhen = 'size(opportunity.NextStep) > 3'\n\
                then = { stage = \"Onboarding\" }\n";
    let (mut env, opportunity, invoice) = billed(options(file, &[])).await;
    env.expect_dead_letters();
    env.pay(&invoice).await;
    env.settle().await;
    assert_eq!(stands(&env, &opportunity), json!([true, "Closed Won"]));
    let told = explained(&env, &invoice).await;
    assert!(told.contains("rule_undecided: ") && told.contains("rule \"Long\" comes to nothing"), "{told}");
    assert_eq!(env.sqs.dead_letters().len(), 1);
    env.update("Opportunity", &opportunity, json!({ "NextStep": "Call them" }));
    env.sqs.redrive();
    env.settle().await;
    assert_eq!(stands(&env, &opportunity), json!([true, "Onboarding"]));
    assert!(explained(&env, &invoice).await.contains("  by rule: Long\n"));
}

#[tokio::test]
async fn people_are_told_where_the_rules_say() {
    let tells = vec![Channel::Slack, Channel::Email];
    let (env, opportunity, invoice) = billed(Options { tells, ..recipe("told_by_rule") }).await;
    env.settle_for_days().await;
    assert_eq!((env.posted().len(), env.aws.emails().len()), (0, 1), "a small win");
    let told = explained(&env, &opportunity).await;
    assert!(told.contains("  by rule: Small wins\n"), "{told}");
    fails(&env, &invoice);
    env.settle_for_days().await;
    assert_eq!((env.posted().len(), env.aws.emails().len()), (1, 2), "nobody's partner");
    let large = env.opportunity_won(&Deal { account: "Globex".into(), ..Deal::with_lines(40, "USD") }).await;
    env.settle_for_days().await;
    let amount = env.record("Opportunity", &large)["Amount"].as_f64().unwrap();
    assert!(amount >= 5000.0, "{amount}");
    assert_eq!((env.posted().len(), env.aws.emails().len()), (2, 3), "a large one");
    env.update("Account", &account_of(&env, &large), json!({ "Type": "Partner" }));
    let invoice = env.record("Opportunity", &large)["Stripe_Invoice_Id__c"].as_str().unwrap().to_owned();
    fails(&env, &invoice);
    env.settle_for_days().await;
    assert_eq!((env.posted().len(), env.aws.emails().len()), (2, 3), "a partner's failure");
    assert!(explained(&env, &large).await.contains("  by rule: Partners\n"));
}

/// Which rule decided of it is told of a renewal, too.
#[tokio::test]
async fn a_renewals_rules_are_told() {
    let file = fixture("recipes/renewal")
        + "[[won.rules]]\nname = \"Renewals\"\nwhen = 'opportunity.Type == \"Renewal\"'\nthen = { days_until_due = 10 }\n";
    let env = Env::with(options(&file, &[])).await;
    let [_, second] = renewed(&env).await;
    let told = explained(&env, &second).await;
    assert!(
        told.contains("the subscription goes on for this deal") && told.contains("  by rule: Renewals\n"),
        "{told}"
    );
}
