use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use quick_xml::Reader;
use quick_xml::events::Event;

use super::*;
use crate::{Expression, Scope};

fn definitions(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("the package is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            definitions(&path, found);
        } else if path.to_string_lossy().ends_with(".field-meta.xml") {
            found.push(path);
        }
    }
}

/// The text of an element that stands right below the root.
fn element(xml: &str, name: &str) -> Option<String> {
    let mut reader = Reader::from_str(xml);
    let (mut depth, mut is_here) = (0, false);
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(start) => {
                depth += 1;
                is_here = depth == 2 && start.name().as_ref() == name.as_bytes();
            }
            Event::End(_) => {
                depth -= 1;
                is_here = false;
            }
            Event::Text(text) if is_here => return Some(text.decode().expect("text").into_owned()),
            Event::Eof => return None,
            _ => {}
        }
    }
}

/// Objects that no expression is about: an event, and activities, which are read as tasks.
const NOT_READ: [&str; 2] = ["Activity", "Stripe_Sync__e"];

#[test]
fn a_path_leads_to_the_object_that_has_its_field() {
    let schema = Schema::standard();
    for (path, object, leads) in [
        ("Amount", Some("Opportunity"), true),
        ("Account.Name", Some("Account"), true),
        ("Account.Owner.Email", Some("User"), true),
        ("Partner__r.Name", None, false),
        ("Account.Partner__r.Parent.Name", None, false),
    ] {
        assert_eq!(schema.object_of("Opportunity", path), object, "{path}");
        let relationships = path.rsplit_once('.').map(|(relationships, _)| relationships);
        assert_eq!(relationships.is_none_or(|steps| schema.leads("Opportunity", steps)), leads, "{path}");
    }
    assert!(schema.knows("Opportunity") && !schema.knows("Partner__c") && schema.leads("Partner__c", "Anything"));
}

#[test]
fn every_field_of_the_package_is_known_with_its_type() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/salesforce/force-app");
    let mut paths = Vec::new();
    definitions(&root, &mut paths);
    let schema = Schema::standard();
    let mut shipped = BTreeSet::new();
    for path in paths {
        let xml = fs::read_to_string(&path).expect("a definition");
        let object = path.components().rev().nth(2).expect("an object").as_os_str().to_string_lossy().into_owned();
        let name = element(&xml, "fullName").expect("a name");
        if NOT_READ.contains(&object.as_str()) {
            continue;
        }
        let written = type_of(&element(&xml, "type").expect("a type"));
        assert_ne!(written, Type::Any, "{object}.{name}");
        assert_eq!(schema.field(&object, &name), Some(&written), "{object}.{name}");
        if let Some(parent) = element(&xml, "referenceTo") {
            let relationship = name.replace("__c", "__r");
            let found = schema.look_up(Some(&object), &relationship, true);
            assert!(matches!(found, Known::Parent(known) if known == parent), "{object}.{relationship}");
        }
        shipped.insert((object, name));
    }
    assert!(shipped.len() > 35, "{}", shipped.len());
    // And nothing that it has no more.
    for (object, known) in &schema.objects {
        let own = known.fields.keys().filter(|name| name.ends_with("__c") && !name.starts_with("SBQQ__"));
        for name in own {
            assert!(shipped.contains(&(object.to_string(), name.to_string())), "{object}.{name} is not in the package");
        }
    }
}

/// `shared/mapping/src/source.rs`: what it reads of lines is known here, wherever they stand.
#[test]
fn every_field_of_lines_that_is_billed_is_known() {
    let source = include_str!("../../../mapping/src/source.rs");
    let code = source.split("#[cfg(test)]").next().expect("code");
    let schema = Schema::standard();
    let mut checked = 0;
    for (start, object) in [
        ("const OPPORTUNITY_PRODUCTS", "OpportunityLineItem"),
        ("const CPQ_QUOTE", "SBQQ__QuoteLine__c"),
        ("const ORDERS", "OrderItem"),
        // What orders do not name otherwise, they name like those.
        ("const OPPORTUNITY_PRODUCTS", "OrderItem"),
    ] {
        let table = code.split(start).nth(1).expect(start).split("\n};").next().expect("a table");
        let names =
            table.split('"').skip(1).step_by(2).filter(|text| !["Activated", start_object(start)].contains(text));
        for path in names {
            // The term stands on the opportunity, and what a line belongs to and is sorted by on it alone.
            let of_deal = path == "Stripe_Start_Date__c" || path == "Stripe_Term_Months__c";
            if object == "OrderItem" && ["OpportunityId", "SortOrder"].contains(&path) {
                continue;
            }
            let scope = Scope::new(&schema).record("x", if of_deal { "Opportunity" } else { object });
            let expression = Expression::compile(&format!("x.{path}"), &scope, &Type::Any).expect(path);
            assert!(*expression.value_type() != Type::Any && expression.warnings().is_empty(), "{object}.{path}");
            checked += 1;
        }
    }
    assert!(checked > 40, "{checked}");
}

fn start_object(start: &str) -> &'static str {
    match start {
        "const CPQ_QUOTE" => "SBQQ__QuoteLine__c",
        "const ORDERS" => "OrderItem",
        _ => "OpportunityLineItem",
    }
}

#[test]
fn no_table_has_a_field_twice() {
    for table in customers::TABLES.iter().chain(selling::TABLES).chain(packages::TABLES) {
        let all = [table.texts, table.numbers, table.booleans, table.dates, table.date_times, table.parents].concat();
        let different: BTreeSet<_> = all.iter().chain(AUDIT.texts).collect();
        assert_eq!(different.len(), all.len() + AUDIT.texts.len(), "{}", table.object);
        assert!(table.parents.iter().all(|pair| pair.matches('>').count() == 1), "{}", table.object);
    }
}

#[test]
fn a_reference_is_a_field_and_a_relationship() {
    let schema = Schema::standard();
    for (object, field, parent, leads_to) in [
        ("Opportunity", "AccountId", "Account", "Account"),
        ("Opportunity", "OwnerId", "Owner", "User"),
        ("Account", "CSM__c", "CSM__r", "User"),
        ("SBQQ__QuoteLine__c", "SBQQ__Product__c", "SBQQ__Product__r", "Product2"),
        ("Product2", "CreatedById", "CreatedBy", "User"),
    ] {
        assert_eq!(schema.field(object, field), Some(&Type::Text), "{object}.{field}");
        assert!(matches!(schema.look_up(Some(object), parent, true), Known::Parent(known) if known == leads_to));
        assert_eq!(schema.parent_of(Some(object), field).as_deref(), Some(parent));
    }
}

/// What an organization says of itself is all there is.
#[test]
fn a_described_schema_knows_everything() {
    let row = |object: &str, field: &str, field_type: &str, relationship: Option<(&str, &str)>| Described {
        object: object.to_owned(),
        field: field.to_owned(),
        field_type: field_type.to_owned(),
        relationship: relationship.map(|(name, object)| (name.to_owned(), object.to_owned())),
        values: vec![],
    };
    let schema = Schema::described([
        row("Opportunity", "Amount", "currency", None),
        row("Opportunity", "Score__c", "double", None),
        row("Opportunity", "Go_Live__c", "datetime", None),
        row("Opportunity", "BillingAddress", "address", None),
        row("Opportunity", "Partner__c", "reference", Some(("Partner__r", "Account"))),
        row("Account", "Name", "string", None),
        row("Account", "Rank__c", "int", None),
    ]);
    let scope = Scope::new(&schema).record("opportunity", "Opportunity");
    for (source, expected) in [
        ("opportunity.Amount", Ok(Type::Number)),
        ("opportunity.Score__c", Ok(Type::Number)),
        ("opportunity.Go_Live__c", Ok(Type::DateTime)),
        ("opportunity.Partner__c", Ok(Type::Text)),
        ("opportunity.Partner__r.Rank__c", Ok(Type::Number)),
        ("opportunity.BillingAddress", Ok(Type::Any)),
        ("opportunity.Scores__c", Err("Opportunity has no field Scores__c: did you mean Score__c?")),
        ("opportunity.Other__c", Err("Opportunity has no field Other__c.")),
        ("opportunity.StageName", Err("Opportunity has no field StageName.")),
        ("opportunity.Partners__r.Name", Err("Opportunity has no relationship Partners__r: did you mean Partner__r?")),
        ("opportunity.Owner.Name", Err("Opportunity has no relationship Owner.")),
    ] {
        let found = Expression::compile(source, &scope, &Type::Any);
        let found = found.map(|found| found.value_type().clone()).map_err(|problems| problems[0].message.clone());
        assert_eq!(found, expected.map_err(str::to_owned), "{source}");
    }
}
