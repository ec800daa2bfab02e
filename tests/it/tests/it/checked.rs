//! `closedwon config check --org`: the file against the organization that it is for.

use std::path::PathBuf;

use closedwon::Exit;
use closedwon::config::{Checked, check, check_against};
use it::Env;

/// Each story's file is its own.
fn file(name: &str, text: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("closedwon-{}-{name}.toml", std::process::id()));
    std::fs::write(&path, text).unwrap();
    path
}

async fn checked(env: &Env, name: &str, text: &str) -> Checked {
    let path = file(name, text);
    let checked = check_against(&path, &env.worker.engine.salesforce.inner).await.unwrap();
    std::fs::remove_file(path).unwrap();
    checked
}

#[tokio::test]
async fn an_organization_that_has_everything_is_well() {
    let env = Env::with(it::Options::default()).await;
    let text = "[won]\nwhen = 'opportunity.Owner.Email != \"test@acme.test\"'\n[line]\ndescription = 'product.Name'\n";
    let checked = checked(&env, "well", text).await;
    assert_eq!((checked.exit(), checked.organization), (Exit::Well, true), "{checked}");
    assert!(checked.to_string().contains("nothing is wrong, and the organization has every field"), "{checked}");
    // Nothing but descriptions was asked for.
    let calls = env.salesforce_calls();
    assert!(calls.iter().all(|call| call.contains("/describe") || call.contains("/oauth2/")), "{calls:?}");
    assert!(calls.iter().any(|call| call.contains("OpportunityLineItem/describe")), "{calls:?}");
}

/// By itself the file is well with a warning; the organization knows better.
#[tokio::test]
async fn a_field_that_the_organization_does_not_have_is_told_at_its_place() {
    let env = Env::with(it::Options::default()).await;
    let text = "[deal]\namount = 'opportunity.Net_Amount__c'\n[customer]\nname = 'account.Owner.Nme'\n";
    let path =
        file("alone", "[deal]\namount = 'opportunity.Net_Amount__c'\n[won]\nwhen = 'opportunity.TerritoryCode > 5'\n");
    let alone = check(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    let told: Vec<_> = alone.warnings.iter().map(|warning| (warning.code, warning.line, warning.column)).collect();
    assert_eq!((alone.exit(), told), (Exit::Well, vec![("unknown_field", 4, 9)]), "{alone}");
    assert!(alone.to_string().contains("1 warning (sha256 "), "{alone}");
    let found = checked(&env, "unknown", &text.replace("Nme", "Division")).await;
    assert_eq!(found.exit(), Exit::NeedsPerson);
    let told: Vec<_> = found.problems.iter().map(|one| (one.code, one.line, one.column)).collect();
    assert!(told.contains(&("unknown_field", 2, 11)), "{found}");
    assert!(found.to_string().contains("Opportunity has no field Net_Amount__c"), "{found}");
    // What is wrong by itself is not asked about.
    env.clear_calls();
    let wrong = checked(&env, "wrong", text).await;
    assert_eq!((wrong.exit(), wrong.organization, env.salesforce_calls().len()), (Exit::NeedsPerson, false, 0));
}

#[tokio::test]
async fn a_field_that_the_integration_user_does_not_see_is_as_good_as_none() {
    let env = Env::with(it::Options::default()).await;
    env.sandbox.salesforce.with(|org| {
        org.grant("Account", "Tax_Id__c", None);
        org.grant("Opportunity", "Stripe_Amount_Paid__c", None);
    });
    let found = checked(&env, "hidden", "").await;
    let missing: Vec<_> = found.missing.iter().map(|one| format!("{}.{}", one.object, one.field)).collect();
    assert_eq!(
        (found.exit(), missing.join(" ").as_str()),
        (Exit::NeedsPerson, "Account.Tax_Id__c Opportunity.Account.Tax_Id__c Opportunity.Stripe_Amount_Paid__c")
    );
    assert!(found.to_string().contains("Opportunity: the integration user sees no Account.Tax_Id__c\n"), "{found}");
    assert!(found.to_json().contains("\"field\": \"Stripe_Amount_Paid__c\""), "{}", found.to_json());
    // Who keeps the tax id elsewhere does not need that one.
    let found = checked(&env, "elsewhere", "[customer]\ntax_id = 'account.Phone'\n").await;
    let missing: Vec<_> = found.missing.iter().map(|one| one.field.as_str()).collect();
    assert_eq!(missing, ["Stripe_Amount_Paid__c"], "{found}");
    // And what the file reads is told where it stands.
    let part = "[[failures.rules]]\nname = \"Paid in part\"\nwhen = 'opportunity.Stripe_Amount_Paid__c > 0'\nthen = { high_from_attempt = 1 }\n";
    let found = checked(&env, "read", part).await;
    assert_eq!(
        (found.problems[0].code, found.problems[0].line, found.problems[0].column),
        ("unknown_field", 3, 9),
        "{found}"
    );
}

/// Salesforce CPQ is a package: its objects are there or not.
#[tokio::test]
async fn an_object_that_is_not_there_lacks_every_field() {
    let env = Env::with(it::Options::default()).await;
    let found = checked(&env, "cpq", "[won]\nlines_from = \"cpq_quote\"\n").await;
    let lacking = found.missing.iter().filter(|one| one.object == "SBQQ__QuoteLine__c").count();
    let is_there = env.sandbox.salesforce.with(|org| !org.records("SBQQ__QuoteLine__c").is_empty());
    assert!(!is_there && (lacking == 0 || lacking > 5), "{found}");
}

/// A stage that is written otherwise than the organization has it would leave every deal unbilled, and nobody would hear of it.
#[tokio::test]
async fn stages_are_those_of_the_organization() {
    let env = Env::with(it::Options::default()).await;
    let text = r#"
[won]
stages = ["Closed Won", "Gewonen"]
paid_stage = "Bezahlt"
[[won.rules]]
name = "Partners"
when = 'opportunity.Type in ["Renewal", "Reseler"] || opportunity.Name == "Reseler"'
then = { days_until_due = 60 }
[[payments.rules]]
name = "Large"
when = 'invoice.amount_paid > 5000'
then = { stage = "Onbording" }
"#;
    // Where a description does not say what there is, nothing is said against it.
    let unknown = checked(&env, "unasked", text).await;
    assert_eq!((unknown.exit(), unknown.warnings.len()), (Exit::Well, 0), "{unknown}");
    env.sandbox.salesforce.with(|org| {
        org.offer("Opportunity", "StageName", &["Closed Won", "Gewonnen", "Bezahlt", "Onboarding"]);
        org.offer("Opportunity", "Type", &["Renewal", "Reseller"]);
    });
    let found = checked(&env, "stages", text).await;
    let told = |said: &[closedwon::config::Said]| -> Vec<(usize, usize, String)> {
        said.iter().map(|one| (one.line, one.column, one.message.clone())).collect()
    };
    assert_eq!(found.exit(), Exit::NeedsPerson);
    assert_eq!(
        told(&found.problems),
        [
            (3, 10, "won.stages has \"Gewonen\", which is no stage of the organization's. Did you mean Gewonnen?".to_owned()),
            (
                12,
                18,
                "then.stage of the rule \"Large\" has \"Onbording\", which is no stage of the organization's. Did you mean Onboarding?"
                    .to_owned()
            ),
        ],
        "{found}"
    );
    // A record may have what is not offered any more.
    let reseller =
        "opportunity.Type is never offered \"Reseler\" in the organization. Did you mean \"Reseller\"?".to_owned();
    assert_eq!(told(&found.warnings), [(7, 9, reseller)], "{found}");
    assert!(found.to_string().contains("What may be wrong:\n"), "{found}");
}
