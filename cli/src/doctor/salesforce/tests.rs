use domain::Currency;
use mapping::{Code, RecordQuery, needs};
use salesforce::{Described, FieldAccess};

use super::*;
use crate::doctor::finding::Verdict::{self, Failing, NotChecked, Ok as Well, Warning};

const ORGANIZATION: &str = "00D000000000001EAA";
const USER: &str = "005000000000001AAA";

fn check(finding: &Finding, verdict: Verdict, text: &str) {
    assert!(finding.verdict == verdict && finding.text.contains(text), "{finding:?}");
    assert_eq!(finding.remedy.is_some(), matches!(verdict, Failing | Warning), "{finding:?}");
}

fn granted() -> Login {
    Login::Granted(Identity {
        organization_id: ORGANIZATION.into(),
        user_id: USER.into(),
        instance_url: "https://acme.my.salesforce.com".into(),
        scopes: None,
    })
}

#[test]
fn a_login_has_the_scope_that_is_needed_and_no_other() {
    for (scope, verdict, text) in [
        (Some("api"), Well, "api"),
        (Some("api refresh_token web"), Warning, "nothing needs: refresh_token, web"),
        (Some("full"), Warning, "nothing needs: full"),
        (Some("id chatter_api"), Failing, "it has chatter_api, id"),
        (None, NotChecked, "does not say"),
    ] {
        let Login::Granted(mut identity) = granted() else { panic!("it is granted") };
        identity.scopes = scope.map(|scope| scope.split(' ').map(str::to_owned).collect());
        check(&scopes(&Login::Granted(identity)), verdict, text);
    }
    check(&scopes(&Login::Untried(String::new())), NotChecked, "no login");
}

#[test]
fn a_login_that_is_denied_has_its_remedy() {
    let denied = |code: &str| Login::Denied(Error::NotAllowed { error_code: code.into(), message: "no".into() });
    for (tried, remedy) in [
        (denied("invalid_client"), "consumer key"),
        (denied("invalid_grant"), "client credentials flow"),
        (denied("INSTANCE_URL_NOT_ALLOWED"), "SalesforceAllowedHosts"),
        (denied("inactive_user"), "Activate"),
        (Login::Denied(Error::LimitReached { error_code: "REQUEST_LIMIT_EXCEEDED".into() }), "rolling day"),
        (Login::Denied(Error::Busy { error_code: "CONNECT_FAILED".into() }), "My Domain"),
        (Login::Untried("the secret cannot be read".into()), "SALESFORCE_CREDENTIALS_SECRET_ARN"),
    ] {
        let finding = login(&tried);
        check(&finding, Failing, "");
        assert!(finding.remedy.as_deref().is_some_and(|said| said.contains(remedy)), "{finding:?}");
    }
    check(&login(&granted()), Well, USER);
}

#[test]
fn organization_user_and_version_are_the_configured_ones() {
    let id = |text| OrganizationId::parse(text).expect("valid");
    check(&organization(&granted(), &id(ORGANIZATION)), Well, ORGANIZATION);
    check(&organization(&granted(), &id("00D000000000002EAA")), Failing, ORGANIZATION);
    check(&organization(&Login::Untried(String::new()), &id(ORGANIZATION)), NotChecked, "no login");
    check(&user(&granted(), Some(USER)), Well, "");
    check(&user(&granted(), Some("005000000000001")), Well, "");
    check(&user(&granted(), Some("005000000000002AAA")), Failing, "005000000000002AAA");
    check(&user(&granted(), None), NotChecked, "--integration-user");
    let served = || Ok(["v66.0", "v67.0"].map(str::to_owned).into());
    check(&version(&served(), "v67.0"), Well, "v67.0");
    check(&version(&served(), "v68.0"), Failing, "the newest is v67.0");
}

/// An object that shows everything of these fields.
fn object(fields: &[&str]) -> Described {
    let all = FieldAccess { createable: true, updateable: true, ..FieldAccess::default() };
    Described {
        createable: true,
        updateable: true,
        fields: fields.iter().map(|field| ((*field).to_owned(), all.clone())).collect(),
        relationships: BTreeMap::new(),
    }
}

fn needs_of(fields: Vec<&'static str>) -> Needs {
    let written = |fields: &[&'static str]| Written { object: "Opportunity", fields: fields.iter().copied().collect() };
    Needs {
        written: vec![written(&fields)],
        made: vec![Written { object: "Case", fields: BTreeSet::from(["Subject"]) }],
        names: mapping::FieldNames::default(),
        queries: vec![RecordQuery {
            object: "Opportunity",
            fields,
            also: vec![],
            filter: vec![],
            order_by: vec![],
            limit: None,
        }],
    }
}

fn schema(opportunity: Option<Described>, case: Described) -> Known<Schema> {
    Ok([("Opportunity".to_owned(), opportunity), ("Case".to_owned(), Some(case))].into())
}

#[test]
fn each_field_that_is_hidden_or_read_only_is_named() {
    let needs = needs_of(vec!["A__c", "B__c", "CurrencyIsoCode"]);
    let case = || object(&["Subject"]);
    let whole = || object(&["A__c", "B__c"]);
    check(&readable(&needs, &schema(Some(whole()), case())), Well, "");
    check(&readable(&needs, &schema(Some(object(&["A__c"])), case())), Failing, "Opportunity: B__c");
    check(&readable(&needs, &schema(None, case())), Failing, "Opportunity");
    check(&readable(&needs, &Err("no answer".into())), NotChecked, "no answer");

    check(&writable(&needs, &schema(Some(whole()), case())), Well, "");
    let mut read_only = whole();
    read_only.fields.insert("B__c".into(), FieldAccess { createable: true, ..FieldAccess::default() });
    check(&writable(&needs, &schema(Some(read_only), case())), Failing, "Opportunity: B__c");
    let never = Described { updateable: false, ..whole() };
    check(&writable(&needs, &schema(Some(never), case())), Failing, "by the integration user: Opportunity");
    let not_made = Described { createable: false, ..case() };
    check(&writable(&needs, &schema(Some(whole()), not_made)), Failing, "Case");
}

#[test]
fn the_currency_is_there_where_it_is_asked_for() {
    let of = |fields: &[&str]| schema(Some(object(fields)), object(&[]));
    check(&currency(&of(&["CurrencyIsoCode"]), true), Well, "several");
    check(&currency(&of(&[]), false), Well, "one currency");
    check(&currency(&of(&["CurrencyIsoCode"]), false), Failing, "billed in currencies.organization");
    check(&currency(&of(&[]), true), Failing, "INVALID_FIELD");
    check(&currency(&schema(None, object(&[])), true), NotChecked, "");
}

#[test]
fn calls_run_short_below_the_reserve() {
    let settings = Settings::new(Currency::parse("USD").expect("valid"));
    check(&calls(Some(ApiUsage { used: 90, max: 100 }), &settings), Well, "90 of the day's 100");
    check(&calls(Some(ApiUsage { used: 91, max: 100 }), &settings), Warning, "pacing.salesforce_reserve_percent");
    check(&calls(None, &settings), NotChecked, "");
}

#[test]
fn what_stands_in_the_way_of_deals_is_one_finding_for_each_code() {
    let id = |text| OpportunityId::parse(text).expect("valid");
    let both = Stop { also: vec![Code::BillingCountryUnknown], ..Stop::refused(Code::BillingEmailInvalid, "no") };
    let refused = vec![
        (id("006000000000001AAA"), both),
        (id("006000000000002AAA"), Stop::refused(Code::BillingEmailInvalid, "no")),
    ];
    let found = waiting(&Ok(Waiting { looked_at: 3, refused }));
    assert_eq!(found.len(), 2);
    check(&found[0], Warning, "(billing_country_unknown): 006000000000001AAA");
    check(&found[1], Warning, "(billing_email_invalid): 006000000000001AAA, 006000000000002AAA");
    check(&waiting(&Ok(Waiting { looked_at: 3, refused: vec![] }))[0], Well, "3 looked at");
}

/// What the settings ask for is found in what is described, and nowhere else.
#[test]
fn the_fields_are_those_of_the_queries() {
    let needs = needs(&Settings::new(Currency::parse("USD").expect("valid")));
    let empty: Known<Schema> = Ok([("Opportunity".to_owned(), Some(object(&[])))].into());
    let finding = readable(&needs, &empty);
    for field in mapping::OPPORTUNITY_FIELDS {
        assert!(finding.text.contains(field), "{field}");
    }
}
