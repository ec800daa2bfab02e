use std::collections::BTreeMap;

use domain::{Currency, FieldValue, OpportunityId};
use jiff::Timestamp;

use super::*;
use crate::update::tests::{every_update, plan, recurring};
use crate::{LineSource, Standings, mark_paid, sync_note};

const PERMISSION_SET: &str = include_str!(
    "../../../../infra/salesforce/force-app/main/default/permissionsets/Closedwon_Integration.permissionset-meta.xml"
);

fn nothing_recurring() -> Settings {
    Settings::new(Currency::parse("EUR").expect("valid"))
}

fn everything() -> Settings {
    let (subscriptions, line_source) = (Subscriptions::ContractActivated, LineSource::CpqQuote);
    let (renewals, standings) = (Renewals::Extend, Standings::Mirrored);
    Settings { subscriptions, renewals, line_source, standings, ..nothing_recurring() }
}

fn fields(settings: &Settings) -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    written(settings).into_iter().map(|written| (written.object, written.fields)).collect()
}

/// Whoever assigns what the README says has assigned enough.
#[test]
fn the_permission_set_lets_everything_be_edited_that_is_written() {
    for (object, fields) in fields(&everything()) {
        for field in fields {
            let granted = format!("<editable>true</editable>\n        <field>{object}.{field}</field>");
            assert!(PERMISSION_SET.contains(&granted), "{object}.{field}");
        }
    }
}

/// What is built elsewhere to be written is asked for here, and nothing else.
#[test]
fn what_is_written_is_what_is_asked_for() {
    let opportunity_id = OpportunityId::parse("006000000000001AAA").expect("valid");
    let updates = every_update();
    let notes = [sync_note(&opportunity_id, &Stop::refused(Code::NoLines, "."))];
    let paid = [mark_paid(&opportunity_id, Timestamp::UNIX_EPOCH, None)];
    let mut built: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for update in updates.iter().chain(&notes).chain(&paid) {
        built.entry(update.object).or_default().extend(update.fields.keys());
    }
    for object in ["Opportunity", "Contract"] {
        built.entry(object).or_default().extend(MIRRORED);
    }
    assert_eq!(fields(&everything()), built);
}

#[test]
fn what_is_not_used_need_not_be_there() {
    let objects = |settings: &Settings| fields(settings).into_keys().collect::<Vec<_>>();
    assert_eq!(objects(&nothing_recurring()), ["Account", "Opportunity"]);
    assert!(!fields(&nothing_recurring())["Opportunity"].iter().any(|field| is_of_subscriptions(field)));
    assert_eq!(objects(&everything()), ["Account", "Contract", "Opportunity"]);
    for (settings, asked) in [
        (Settings { subscriptions: Subscriptions::ClosedWon, ..nothing_recurring() }, [true, false, true]),
        (Settings { standings: Standings::Off, ..everything() }, [true, true, false]),
        (everything(), [true, true, true]),
    ] {
        let written = fields(&settings);
        assert_eq!([MRR, RENEWAL_ID, MIRRORED[0]].map(|field| written["Opportunity"].contains(field)), asked);
    }
}

#[test]
fn what_may_not_be_edited_or_is_not_there_is_withheld() {
    let written = &written(&nothing_recurring())[1];
    let withheld = |editable: &[&str]| {
        let editable = editable.iter().map(ToString::to_string).collect();
        withheld(written, &editable).collect::<Vec<_>>()
    };
    assert_eq!(withheld(&["Name", CUSTOMER_ID]), []);
    assert_eq!(withheld(&["Name"]), [Withheld { object: "Account", field: CUSTOMER_ID }]);
}

/// Only what the deal itself needs stands in its way.
#[test]
fn a_deal_is_refused_for_what_it_needs() {
    let of = |object, field| Withheld { object, field };
    let all = [
        of("Opportunity", INVOICE_ID),
        of("Opportunity", MRR),
        of("Account", CUSTOMER_ID),
        of("Contract", SUBSCRIPTION_ID),
    ];
    let names = ["Opportunity.Stripe_Invoice_Id__c", "Opportunity.Stripe_MRR__c", "Account.Stripe", "Contract.Stripe"];
    let once = plan();
    let recurring = recurring();
    let of_contract = Plan { contract_id: domain::ContractId::parse("800000000000001AAA").ok(), ..recurring.clone() };
    for (plan, is_linked, named) in [
        (Some(&once), false, [true, false, true, false]),
        (Some(&once), true, [true, false, false, false]),
        (Some(&recurring), true, [true, true, false, false]),
        (Some(&of_contract), false, [true; 4]),
        (None, false, [true; 4]),
    ] {
        let mut opportunity = Record::default();
        if is_linked {
            opportunity.set("Account.Stripe_Customer_Id__c", FieldValue::Text("cus_1".into()));
        }
        let stop = is_writable(&opportunity, &all, plan).expect_err("the invoice's id cannot be written");
        assert_eq!((stop.code, names.map(|name| stop.message.contains(name))), (Code::FieldNotEditable, named));
        assert_eq!(is_writable(&opportunity, &[], plan), Ok(()));
    }
    let mut linked = Record::default();
    linked.set("Account.Stripe_Customer_Id__c", FieldValue::Text("cus_1".into()));
    assert_eq!(is_writable(&linked, &all[1..], Some(&once)), Ok(()), "nothing of it is this deal's");
}
