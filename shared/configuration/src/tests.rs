mod broken;
mod fuzz;

use std::collections::BTreeSet;

use domain::Currency;
use mapping::{Amendments, Collection, LineSource, Renewals, Rule, Settings, Subscriptions, TaxBehavior};

use super::*;
use crate::keys::{Key, SECTIONS, Section};

fn keys() -> impl Iterator<Item = (&'static Section, &'static Key)> {
    SECTIONS.iter().flat_map(|section| section.keys.iter().map(move |key| (section, key)))
}

/// Whichever file says so.
fn unnamed(settings: &Settings) -> Settings {
    Settings { configuration: None, ..settings.clone() }
}

/// A file with one rule, which decides as the table's example says.
fn deciding(asks: &keys::Asks, key: &Key) -> String {
    let (section, name, example) = (asks.section, key.name, key.example);
    format!("[[{section}.rules]]\nname = \"A\"\nwhen = 'opportunity.IsPrivate'\nthen = {{ {name} = {example} }}\n")
}

fn said(text: &str) -> Vec<String> {
    Configuration::read(text).expect_err(text).iter().map(ToString::to_string).collect()
}

/// The table of keys and what each policy takes for granted say the same.
#[test]
fn an_empty_file_decides_what_is_standard() {
    let dollars = Currency::parse("USD").expect("a currency");
    let standard = Configuration::standard();
    assert_eq!(unnamed(&standard.settings), Settings::new(dollars));
    let commented = Configuration::read("version = 1\n# nothing\n").expect("valid").settings;
    assert_eq!(unnamed(&commented), unnamed(&standard.settings));
    assert_ne!(commented.configuration, standard.settings.configuration);
    let Told { wins, refusals, failures, digests, window, rules } = standard.told;
    assert!(wins && refusals && failures && digests && rules.is_empty() && window == SignedDuration::from_mins(60));
    assert_eq!(standard.requests_per_second, 25);
    // What `sha256sum` says of nothing.
    let hash = standard.settings.configuration.expect("it is a file's");
    assert_eq!(hash.as_str(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

#[test]
fn every_default_is_what_is_decided_without_it_and_every_example_is_another() {
    for (section, key) in keys() {
        let of = |value: &str| format!("[{}]\n{} = {value}\n", section.name, key.name);
        let standard = Configuration::standard();
        // Where there is no default, nothing is decided.
        let default = Some(key.default).filter(|default| !default.is_empty()).map(of).unwrap_or_default();
        let read = Configuration::read(&default).unwrap_or_else(|problems| panic!("{problems:?}"));
        assert_eq!(
            (unnamed(&read.settings), read.told),
            (unnamed(&standard.settings), standard.told),
            "{}",
            of(key.default)
        );
        // A renewal needs a subscription.
        let beside = if key.name == "renewals" { "begin = \"closed_won\"\n" } else { "" };
        let read = Configuration::read(&(of(key.example) + beside)).unwrap_or_else(|problems| panic!("{problems:?}"));
        let standard = Configuration::standard();
        let is_same = (unnamed(&read.settings), read.told, read.requests_per_second)
            == (unnamed(&standard.settings), standard.told, standard.requests_per_second);
        assert!(!is_same, "{}: it decides nothing", of(key.example));
        assert!(key.says.ends_with('.') && section.says.ends_with('.'), "{}", key.name);
    }
    let names: BTreeSet<_> = keys().map(|(section, key)| (section.name, key.name)).collect();
    assert_eq!(names.len(), keys().count(), "a key stands in the table twice");
}

/// Each word of each choice is one that the policies know.
#[test]
fn every_choice_is_understood() {
    for (section, key) in keys() {
        let keys::Kind::Choice(choices) = key.kind else { continue };
        for (word, _) in choices {
            let beside = if key.name == "renewals" { "begin = \"closed_won\"\n" } else { "" };
            let text = format!("[{}]\n{} = \"{word}\"\n{beside}", section.name, key.name);
            assert!(Configuration::read(&text).is_ok(), "{text}");
        }
    }
}

/// A deal that was planned under a file which would be refused today is finished by it.
#[test]
fn what_is_only_judged_is_read_where_it_was_kept() {
    let rule =
        |when: &str, then: &str| format!("[[won.rules]]\nname = \"{when}\"\nwhen = '{when}'\nthen = {{ {then} }}\n");
    let skip = || rule("opportunity.IsPrivate", "skip = \"Private\"");
    let won = |keys: &str| format!("[won]\n{keys}\n");
    for (code, text, rules) in [
        ("reads_own_write", won("when = '!has(opportunity.Stripe_Invoice_Id__c)'"), 0),
        ("reads_own_write", rule("has(opportunity.Paid_Date__c)", "days_until_due = 5"), 1),
        (
            "contradiction",
            won("paid_stage = \"Paid\"") + &rule("opportunity.Probability > 90", "days_until_due = 5"),
            1,
        ),
        ("thousands", rule("opportunity.Amount > 10.000", "days_until_due = 5"), 1),
        ("unreachable", skip() + &rule("opportunity.IsPrivate && opportunity.IsWon", "days_until_due = 5"), 2),
    ] {
        let problems = Configuration::read(&text).expect_err(&text);
        assert_eq!(problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), [code], "{text}");
        let settings = Configuration::read_kept(&text).expect(&text).settings;
        assert_eq!(
            (settings.rules.len(), settings.won_when.is_some()),
            (rules, text.contains("[won]\nwhen")),
            "{text}"
        );
        assert_eq!(settings.lens.read.is_empty(), rules + usize::from(settings.won_when.is_some()) == 0);
    }
    // What cannot be read is no file, whenever it was written.
    assert!(Configuration::read_kept("[won]\nwhen = 'oportunity.IsWon'\n").is_err());
}

/// None of them comes to nothing on the way to the policies.
#[test]
fn every_decision_of_the_table_is_decided() {
    let mut decisions = BTreeSet::new();
    for asks in keys::ALL_RULES {
        for key in asks.decisions {
            let text = deciding(asks, key);
            let read = Configuration::read(&text).unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
            let settings = &read.settings;
            let cases = settings.payment_cases.as_ref().expect("they are opened");
            let decided = [
                settings.rules.iter().flat_map(Rule::decisions).map(|one| format!("{one:?}")).collect::<Vec<_>>(),
                settings.paid_rules.iter().flat_map(Rule::decisions).map(|one| format!("{one:?}")).collect(),
                cases.rules.iter().flat_map(Rule::decisions).map(|one| format!("{one:?}")).collect(),
                read.told.rules.iter().flat_map(Rule::decisions).map(|one| format!("{one:?}")).collect(),
            ]
            .concat();
            assert_eq!(decided.len(), 1, "{text}");
            decisions.insert((asks.section, decided));
        }
    }
    assert_eq!(decisions.len(), keys::ALL_RULES.iter().map(|asks| asks.decisions.len()).sum::<usize>());
}

#[test]
fn a_file_decides_what_it_says() {
    let text = r#"
version = 1
[currencies]
organization = "eur"
several = true
[won]
stages = ["Gewonnen", " Gewonnen (Partner) "]
lines_from = "cpq_quote"
[terms]
days_until_due = 0x0e
collection = "charge_automatically"
[tax]
calculation = "inclusive"
[subscriptions]
begin = "contract_activated"
renewals = "extend"
[changes]
amendments = "void_and_reissue"
[failures]
queue = "00G000000000001"
follow_up_hours = 0
[notifications]
about = []
"#;
    let read = Configuration::read(text).unwrap_or_else(|problems| panic!("{}", report("f", text, &problems)));
    let settings = read.settings;
    assert_eq!((settings.org_currency.to_string().as_str(), settings.multi_currency), ("EUR", true));
    assert_eq!(settings.won_stages, ["Gewonnen", "Gewonnen (Partner)"]);
    assert_eq!((settings.days_until_due, settings.collection), (14, Collection::ChargeAutomatically));
    assert_eq!((settings.line_source, settings.tax), (LineSource::CpqQuote, Some(TaxBehavior::Inclusive)));
    assert_eq!((settings.subscriptions, settings.renewals), (Subscriptions::ContractActivated, Renewals::Extend));
    assert_eq!(settings.amendments, Amendments::VoidAndReissue);
    let cases = settings.payment_cases.expect("they are opened");
    assert_eq!(cases.queue_id.map(|id| id.to_string()).as_deref(), Some("00G000000000001EAA"));
    assert_eq!(cases.follow_up_after, None);
    assert!(!read.told.wins && !read.told.refusals && !read.told.failures && !read.told.digests);
}

#[test]
fn what_is_written_may_have_names_of_its_own() {
    let text = "[fields.opportunity]\nStripe_Invoice_Id__c = \"Rechnung__c\"\n[fields.account]\nStripe_Customer_Id__c = \"Kunde__c\"\n";
    let names = Configuration::read(text).expect("valid").settings.lens.names;
    assert_eq!(names.own("Opportunity", "Stripe_Invoice_Id__c"), "Rechnung__c");
    assert_eq!(names.own("Opportunity", "Account.Stripe_Customer_Id__c"), "Account.Kunde__c");
    let text = "[fields.opportunity]\nStripe_Invoice_Idd__c = \"A__c\"\nAmount = \"B__c\"\nStripe_MRR__c = \"mrr\"\n\
                Stripe_Invoice_Id__c = \"C__c\"\nStripe_Invoice_URL__c = \"C__c\"\nPaid_Date__c = \"Payment_Received__c\"\n\
                [fields.opportunities]\nx = 1\n[fields.lead]\n";
    let said = said(text);
    for (said, expected) in said.iter().zip([
        "2:1: unknown_key: Closedwon writes no Stripe_Invoice_Idd__c of Opportunity. Did you mean Stripe_Invoice_Id__c?",
        "3:1: unknown_key: Closedwon writes no Amount of Opportunity: it writes ",
        "4:17: not_a_field: fields.opportunity.Stripe_MRR__c is \"mrr\": it must be the API name of a field of your own, such as My_Field__c.",
        "6:25: twice: C__c of Opportunity is written as another field already: give each a field of its own.",
        "7:16: twice: Payment_Received__c of Opportunity is written as another field already",
        "8:9: unknown_key: [fields] has no opportunities. Did you mean opportunity?",
        "10:9: unknown_key: [fields] has no lead: it has ",
    ]) {
        assert!(said.starts_with(expected), "{said}\n{expected}");
    }
    assert_eq!(said.len(), 7, "{said:#?}");
}

/// One visit mends all of it.
#[test]
fn everything_that_is_wrong_is_said_at_once_in_the_files_order() {
    let text = "[won]\nstage = 1\nlines_from = \"cpq\"\n[terms]\ndays_until_due = 400\n[colour]\n";
    assert_eq!(
        said(text),
        [
            "2:1: unknown_key: [won] has no stage. Did you mean stages?",
            "3:14: not_a_choice: won.lines_from is \"cpq\": it must be opportunity_products, cpq_quote or orders.",
            "5:18: out_of_range: terms.days_until_due is from 0 to 365 days, and not 400.",
            "6:2: unknown_section: There is no colour: the file has currencies, won, deal, line, customer, terms, tax, subscriptions, changes, owners, payments, failures, notifications, pacing, fields and version.",
        ]
    );
}

#[test]
fn a_file_that_is_too_long_is_not_read() {
    let text = "#".repeat(LONGEST + 1);
    assert_eq!(said(&text), ["1:1: too_long: The file is longer than 65536 bytes: shorten it."]);
    assert!(Configuration::read(&text[1..]).is_ok());
}

mod random {
    use proptest::prelude::*;

    use super::*;

    /// Parts of files, good and bad ones, in any order.
    fn part() -> impl Strategy<Value = String> {
        let of_keys = keys().flat_map(|(section, key)| {
            [format!("[{}]\n", section.name), format!("{} = {}\n", key.name, key.example), format!("{} = ", key.name)]
        });
        let marks = [
            "=", "[", "]", "\"", "'", "\n", "#", "{", "}", ".", ",", "-1", "1e9", "0x", "true", "é", "\u{0}", "\t",
            "\r\n",
        ];
        let parts: Vec<String> = of_keys.chain(marks.map(str::to_owned)).collect();
        proptest::sample::select(parts)
    }

    proptest! {
        #[test]
        fn no_text_is_more_than_a_problem(text in "\\PC{0,200}") {
            let _ = Configuration::read(&text).map_err(|problems| report("f", &text, &problems));
        }

        #[test]
        fn no_salad_of_parts_is_more_than_a_problem(parts in proptest::collection::vec(part(), 0..30)) {
            let text = parts.concat();
            if let Err(problems) = Configuration::read(&text) {
                prop_assert!(!problems.is_empty());
                prop_assert!(problems.iter().all(|problem| problem.line <= text.lines().count() + 1));
                prop_assert!(report("f", &text, &problems).lines().count() >= 3 * problems.len());
            }
        }
    }
}

/// It shows most of what there is, and each of it is as the functions would read it.
#[test]
fn the_example_is_read_and_nothing_in_it_is_doubtful() {
    let reading = Reading::of(page::EXAMPLE, None);
    assert_eq!(reading.warnings, []);
    let settings = reading.configuration.unwrap_or_else(|problems| panic!("{}", report("f", page::EXAMPLE, &problems)));
    assert_eq!(settings.settings.rules.len(), 4);
    assert!(SECTIONS.iter().all(|section| page().contains(&format!("](#{})", section.name))));
    for section in SECTIONS.iter().filter(|section| section.name != "pacing") {
        let heads = [format!("\n[{}]\n", section.name), format!("\n[[{}.rules]]\n", section.name)];
        assert!(heads.iter().any(|head| page::EXAMPLE.contains(head)), "{} is not in the example", section.name);
    }
}

/// What only the organization knows is no problem, until it was asked.
#[test]
fn what_an_organization_does_not_have_is_a_warning_and_then_a_problem() {
    let text = "[won]\nwhen = 'opportunity.TerritoryCode == \"x\" && opportunity.Tier__c == \"Gold\"'\n";
    let told = |problems: &[Problem]| problems.iter().map(ToString::to_string).collect::<Vec<_>>();
    let alone = Reading::of(text, None);
    assert!(alone.configuration.is_ok());
    let warning = "2:9: unknown_field: TerritoryCode of Opportunity is not known: check that your organization has it.";
    assert_eq!(told(&alone.warnings), [warning]);
    let field = |name: &str| rules::Described {
        object: "Opportunity".to_owned(),
        field: name.to_owned(),
        field_type: "string".to_owned(),
        relationship: None,
        values: vec![],
    };
    let schema = Schema::described(["Amount", "TerritoryCode"].map(field));
    let asked = Reading::of(text, Some(&schema));
    assert_eq!(
        told(&asked.configuration.expect_err("a field is missing")),
        ["2:45: unknown_field: Opportunity has no field Tier__c."]
    );
    // And what the product reads by itself is told beside it.
    let missing = Configuration::standard().missing(&schema);
    let has = |object: &str, field: &str| {
        missing.iter().any(|one| (one.object.as_str(), one.field.as_str()) == (object, field))
    };
    assert!(
        has("Opportunity", "StageName") && has("Opportunity", "Account.Name") && has("OpportunityLineItem", "Quantity")
    );
    assert!(has("Account", "Stripe_Customer_Id__c") && !has("Opportunity", "Amount"));
}

/// With `WRITE_DOCS=1` it writes the page.
#[test]
fn the_page_is_what_the_keys_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/CONFIGURATION.md");
    #[allow(clippy::disallowed_methods, reason = "a test writes the page")]
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::write(path, page()).expect("writable");
    }
    let there = std::fs::read_to_string(path).expect("it is there");
    assert!(there == page(), "docs/CONFIGURATION.md is out of date: WRITE_DOCS=1 cargo test -p configuration");
}
