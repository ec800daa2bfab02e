//! What the configuration file decides: an organization's own words, and what a change of them changes.

use closedwon::Subject;
use closedwon::explain::explain;
use closedwon::preview::{End, preview};
use it::{Deal, Env, Options};
use mapping::Amendments;
use serde_json::{Value, json};

use crate::amendments::{code, invoices};
use crate::operator::changed;

fn options(configuration: &str) -> Options {
    Options { configuration: Some(configuration.to_owned()), ..Options::default() }
}

/// Salesforce says that the opportunity changed.
pub(crate) fn tell_of(env: &Env, opportunity: &str) {
    env.advance(jiff::SignedDuration::from_mins(1));
    env.sqs.put(&changed(env, &format!("changed_{}", env.clock.now_ms()), opportunity));
}

/// The hash of the file that the deal's run was planned under.
async fn planned_under(env: &Env, opportunity: &str) -> Value {
    let organization_id = env.worker.engine.scope.organization_id.clone();
    let opportunity_id = domain::OpportunityId::parse(opportunity).unwrap();
    let id = workflow::RunId::OpportunityWon { organization_id, opportunity_id };
    let stored = env.ledger().run(&id.to_string()).await.unwrap().unwrap();
    json!(stored.run.configuration.unwrap().as_str())
}

#[tokio::test]
async fn stages_are_called_as_the_organization_calls_them() {
    let env = Env::with(options("[won]\nstages = [\"Signed\", \"Signed (Partner)\"]\npaid_stage = \"Settled\"")).await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    assert_eq!((env.invoices().len(), code(&env, &opportunity)), (0, Value::Null), "Closed Won asks for nothing here");
    env.update("Opportunity", &opportunity, json!({ "StageName": "Signed (Partner)" }));
    tell_of(&env, &opportunity);
    env.settle().await;
    assert_eq!(invoices(&env, &opportunity), [json!(["open", 11_000, true])]);
    // And from either of them it is moved on when it is paid.
    let invoice = env.invoices()[0]["id"].as_str().unwrap().to_owned();
    env.pay(&invoice).await;
    env.settle().await;
    assert_eq!(env.record("Opportunity", &opportunity)["StageName"], "Settled");
}

const BEFORE: &str = "[changes]\namendments = \"void_and_reissue\"\n[terms]\ndays_until_due = 14\n";
/// It would find no lines on a deal that has products only.
const AFTER: &str = "[changes]\namendments = \"void_and_reissue\"\n[won]\nlines_from = \"orders\"\n";

#[tokio::test]
async fn a_change_of_the_file_changes_no_deal_that_is_billed() {
    let mut env = Env::with(options(BEFORE)).await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let billed = invoices(&env, &opportunity);
    let first = planned_under(&env, &opportunity).await;
    assert_eq!(
        first,
        json!(configuration::Configuration::read(BEFORE).unwrap().settings.configuration.unwrap().as_str())
    );
    env.decide(AFTER);
    tell_of(&env, &opportunity);
    env.settle().await;
    assert_eq!((invoices(&env, &opportunity), code(&env, &opportunity)), (billed, Value::Null));
    assert_eq!(planned_under(&env, &opportunity).await, first);
    // What is changed of the deal itself is seen, and billed by the rules that it was sold under.
    crate::amendments::amend(&env, &opportunity);
    env.settle().await;
    let there = invoices(&env, &opportunity);
    assert_eq!(there, [json!(["void", 11_000, false]), json!(["open", 12_000, true])]);
    // The story says which rules these were.
    let organization = env.worker.engine.scope.organization_id.clone();
    let subject = Subject::parse(&opportunity).unwrap();
    let story = explain(&env.ledger(), &organization, &subject, env.now()).await.unwrap().to_string();
    assert!(story.contains(&format!("  configuration: {}\n", first.as_str().unwrap())), "{story}");
}

#[tokio::test]
async fn a_new_deal_goes_by_the_new_file() {
    let mut env = Env::with(options(BEFORE)).await;
    env.expect_dead_letters();
    env.decide(AFTER);
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    assert_eq!((env.invoices().len(), code(&env, &opportunity)), (0, json!("no_lines")));
    // A refused deal is no plan yet: it is judged by the file of the day.
    env.decide(BEFORE);
    tell_of(&env, &opportunity);
    env.settle().await;
    assert_eq!(invoices(&env, &opportunity), [json!(["open", 11_000, true])]);
    let due = env.invoices()[0]["due_date"].as_i64().unwrap() - env.now().as_second();
    assert!((13 * 86_400..=14 * 86_400).contains(&due), "{due}");
}

/// What it was planned under is not guessed. It waits, and nothing is done to its invoice.
#[tokio::test]
async fn a_deal_waits_for_a_file_that_is_gone() {
    let mut env = Env::with(options(BEFORE)).await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let billed = invoices(&env, &opportunity);
    let mut item =
        env.aws.items().into_iter().find(|item| item["pk"]["S"].as_str().unwrap().starts_with("configuration#"));
    let kept = item.take().unwrap();
    let mut broken = kept.clone();
    broken["document"]["S"] = json!("[won]\nstage = 1\n");
    env.aws.put(&broken);
    env.decide(AFTER);
    tell_of(&env, &opportunity);
    env.work(10).await;
    assert_eq!((invoices(&env, &opportunity), code(&env, &opportunity)), (billed.clone(), Value::Null));
    env.aws.put(&kept);
    env.settle_for_days().await;
    assert_eq!((invoices(&env, &opportunity), code(&env, &opportunity)), (billed, Value::Null));
    assert_eq!(env.worker.engine.settings.amendments, Amendments::VoidAndReissue);
}

/// The first file says what was decided until then.
#[tokio::test]
async fn what_was_billed_before_there_were_files_goes_by_the_first() {
    let amendments = Amendments::VoidAndReissue;
    let mut env = Env::with(Options { amendments, ..Options::default() }).await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let billed = invoices(&env, &opportunity);
    env.decide(BEFORE);
    tell_of(&env, &opportunity);
    env.settle().await;
    assert_eq!((invoices(&env, &opportunity), code(&env, &opportunity)), (billed.clone(), Value::Null));
    env.decide(AFTER);
    tell_of(&env, &opportunity);
    env.settle().await;
    assert_eq!((invoices(&env, &opportunity), code(&env, &opportunity)), (billed, Value::Null));
}

/// It is compared as it was planned, with what was taken off.
#[tokio::test]
async fn a_discounted_deal_that_cannot_be_planned_any_more_is_unchanged() {
    let rule = "[[won.rules]]\nname = \"All\"\nwhen = 'opportunity.Amount > 0'\nthen = { discount_percent = 10 }\n";
    let env = Env::with(options(rule)).await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    assert_eq!(invoices(&env, &opportunity), [json!(["open", 9_900, true])]);
    let account = env.record("Opportunity", &opportunity)["AccountId"].as_str().unwrap().to_owned();
    env.update("Account", &account, json!({ "Billing_Email__c": null }));
    tell_of(&env, &opportunity);
    env.settle().await;
    assert_eq!(
        (invoices(&env, &opportunity), code(&env, &opportunity)),
        (vec![json!(["open", 9_900, true])], Value::Null)
    );
}

/// Whoever changes a rule sees what would become of a deal before it is deployed: a new one goes by it, and one that is billed does not.
#[tokio::test]
async fn a_file_that_is_not_deployed_yet_is_previewed() {
    let mut env = Env::with(options(BEFORE)).await;
    env.expect_dead_letters();
    let billed = env.opportunity_won(&Deal::three_lines()).await;
    env.settle().await;
    let new = env.opportunity_won(&Deal { account: "Another".into(), ..Deal::three_lines() }).await;
    let foreseen = async |env: &Env, opportunity: &str, file: &str| {
        let sight = crate::preview::compared::sight_with(env, Some(file));
        let id = domain::OpportunityId::parse(opportunity).unwrap();
        crate::preview::compared::nothing_written_by(env, async || preview(&sight, &id, env.now()).await.unwrap()).await
    };
    assert_eq!(foreseen(&env, &new, BEFORE).await.end, End::Billed);
    let End::Stopped(refused) = foreseen(&env, &new, AFTER).await.end else { panic!("it has no orders") };
    assert_eq!(refused.code, "no_lines");
    tell_of(&env, &billed);
    assert_eq!(foreseen(&env, &billed, AFTER).await.end, End::Unchanged);
    // And so it is.
    env.decide(AFTER);
    env.settle().await;
    assert_eq!((code(&env, &new), code(&env, &billed)), (json!("no_lines"), Value::Null));
}
