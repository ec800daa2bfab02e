use std::collections::BTreeMap;

use domain::{Currency, FieldValue, OpportunityId, Record};
use jiff::Timestamp;

use super::*;
use crate::standing::tests::standing;
use crate::update::tests::every_update;
use crate::{Amounts, LineSource, Received, Standings, StandsOn, Untold, sync_note};

const PERMISSION_SET: &str = include_str!(
    "../../../../infra/salesforce/force-app/main/default/permissionsets/Closedwon_Integration.permissionset-meta.xml"
);

fn nothing_recurring() -> Settings {
    Settings::new(Currency::parse("EUR").expect("valid"))
}

fn everything() -> Settings {
    let (subscriptions, line_source) = (Subscriptions::ContractActivated, LineSource::CpqQuote);
    let (renewals, standings) = (Renewals::Extend, Standings::Mirrored);
    let followed = domain::Followed::everything();
    Settings { subscriptions, renewals, line_source, standings, followed, ..nothing_recurring() }
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
    let money = domain::Money::from_minor_units(1, Currency::parse("EUR").expect("valid"));
    let received = Received {
        invoice_id: domain::InvoiceId::parse("in_1").expect("valid"),
        opportunity_id,
        paid_at: Some(Timestamp::UNIX_EPOCH),
        amounts: Some(Amounts { paid: money, remaining: money }),
        stage: None,
        won_stages: vec![crate::WON.to_owned()],
        shows_status: true,
        customer_id: None,
        is_found: false,
        ruled: Default::default(),
        undecided: None,
    };
    let paid = received.updates();
    let standing = standing("006000000000001AAA");
    let standings = [StandsOn::Opportunity, StandsOn::Contract]
        .map(|object| standing.update(&Untold { object, id: String::new(), is_current: true, has_its_currency: true }));
    let mut built: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let of_invoice = crate::InvoiceStanding {
        invoice_id: domain::InvoiceId::parse("in_1").expect("valid"),
        opportunity_id: OpportunityId::parse("006000000000001AAA").expect("valid"),
        status: "open".into(),
        credited: money,
        refunded: money,
        is_disputed: false,
    };
    let of_invoice = [of_invoice.update()];
    for update in updates.iter().chain(&notes).chain(&paid).chain(&standings).chain(&of_invoice) {
        built.entry(update.object).or_default().extend(update.fields.keys());
    }
    assert_eq!(fields(&everything()), built);
}

#[test]
fn what_is_not_used_need_not_be_there() {
    let objects = |settings: &Settings| fields(settings).into_keys().collect::<Vec<_>>();
    assert_eq!(objects(&nothing_recurring()), ["Account", "Opportunity"]);
    let recurring = [SUBSCRIPTION_ID, MRR, RENEWAL_ID].into_iter().chain(MIRRORED);
    let once = fields(&nothing_recurring());
    assert_eq!(recurring.filter(|field| once["Opportunity"].contains(field)).count(), 0);
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

/// Only what the deal itself would write stands in its way.
#[test]
fn a_deal_is_refused_for_what_it_would_write() {
    let all: Vec<_> = [
        ("Opportunity", INVOICE_ID),
        ("Opportunity", SUBSCRIPTION_ID),
        ("Opportunity", RENEWAL_ID),
        ("Opportunity", MIRRORED[0]),
        ("Account", CUSTOMER_ID),
        ("Contract", SUBSCRIPTION_ID),
        ("Contract", RENEWAL_ID),
        ("Contract", MRR),
    ]
    .map(|(object, field)| Withheld { object, field })
    .to_vec();
    let contract = |currency: &str| {
        let mut contract = Record::default();
        contract.set("Id", FieldValue::Text("800000000000001AAA".into()));
        contract.set("CurrencyIsoCode", FieldValue::Text(currency.into()));
        Some(contract)
    };
    for (told, kind, recurs, activated_contract, named) in [
        ("once", "New Business", false, contract("EUR"), "10001000"),
        ("a subscription", "New Business", true, None, "11011000"),
        ("with its contract", "New Business", true, contract("EUR"), "11011101"),
        ("whose currency is another one", "New Business", true, contract("USD"), "11011100"),
        ("a renewal", "Renewal", true, contract("EUR"), "00111011"),
    ] {
        let mut opportunity = Record::default();
        opportunity.set("Type", FieldValue::Text(kind.into()));
        opportunity.set("CurrencyIsoCode", FieldValue::Text("EUR".into()));
        // Whatever customer the account names, it may be deleted at Stripe.
        opportunity.set("Account.Stripe_Customer_Id__c", FieldValue::Text("cus_1".into()));
        let mut deal = Deal { opportunity, activated_contract, withheld: all.clone(), ..Deal::default() };
        let settings = Settings { multi_currency: true, ..everything() };
        let stop = is_writable(&deal, &settings, recurs).expect_err("the account's customer cannot be written");
        let is_named = |one: &Withheld| stop.message.contains(&format!("{}.{}", one.object, one.field));
        let found: String = all.iter().map(|one| if is_named(one) { '1' } else { '0' }).collect();
        assert_eq!((stop.code, found.as_str()), (Code::FieldNotEditable, named), "{told}: {}", stop.message);
        let not_needed = |index: &usize| named.as_bytes()[*index] == b'0';
        deal.withheld = (0..all.len()).filter(not_needed).map(|index| all[index]).collect();
        assert_eq!(is_writable(&deal, &settings, recurs), Ok(()), "{told}: nothing of that is its");
    }
}
