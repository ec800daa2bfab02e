//! The way back: which fields of which Salesforce records are written, and what they must hold afterwards.

use std::collections::BTreeMap;

use domain::{CustomerId, FieldValue, InvoiceId, OpportunityId, Record, SubscriptionId};

use crate::customer::cut;
use crate::deal::{Filter, RecordQuery};
use crate::payment::{PAID, PAID_ON};
use crate::{Plan, RENEWAL_ID, Settings, Stop, Subscriptions};

/// New values for some fields of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    pub object: &'static str,
    pub id: String,
    pub fields: BTreeMap<&'static str, FieldValue>,
}

impl Update {
    pub(crate) fn new<const N: usize>(
        object: &'static str,
        id: impl ToString,
        fields: [(&'static str, FieldValue); N],
    ) -> Self {
        Self { object, id: id.to_string(), fields: fields.into() }
    }

    /// Reads back exactly what is written.
    pub fn read_back(&self) -> RecordQuery {
        RecordQuery {
            object: self.object,
            fields: self.fields.keys().copied().collect(),
            filter: vec![("Id", Filter::Is(self.id.clone()))],
            order_by: vec![],
            limit: Some(1),
        }
    }

    /// Whether a reading through the opportunity already shows what this would write. Fields of the account are found
    /// under its relationship's name there.
    pub fn holds_in(&self, opportunity: &Record) -> bool {
        self.missing_in(opportunity).is_empty()
    }

    /// What such a reading does not show as it would be written. The contract is not read there: where the call was not taken with it, or it
    /// did not keep what was written, whoever wrote it remembers.
    pub fn missing_in(&self, opportunity: &Record) -> Vec<&'static str> {
        if self.object == CONTRACT {
            return Vec::new();
        }
        let is_missing = |field: &str, value: &FieldValue| {
            let path = if self.object == "Opportunity" { field.to_owned() } else { format!("{}.{field}", self.object) };
            !same(opportunity.get(&path), value)
        };
        self.fields.iter().filter(|(field, value)| is_missing(field, value)).map(|(field, _)| *field).collect()
    }

    /// The names of the fields that a record does not hold as written.
    pub fn differences(&self, record: &Record) -> Vec<&'static str> {
        self.fields.iter().filter(|(path, value)| !same(record.get(path), value)).map(|(path, _)| *path).collect()
    }
}

/// Salesforce answers an emptied text as null, and an absent entry is a field that was null.
fn same(found: Option<&FieldValue>, wanted: &FieldValue) -> bool {
    let blank = |value: Option<&FieldValue>| match value {
        None | Some(FieldValue::Null) => true,
        Some(FieldValue::Text(text)) => text.is_empty(),
        Some(_) => false,
    };
    found == Some(wanted) || (blank(found) && blank(Some(wanted)))
}

pub(crate) fn text(value: impl ToString) -> FieldValue {
    FieldValue::Text(value.to_string())
}

/// Where an invoice is to be seen, as Stripe says it when it is finalized.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InvoiceLinks<'a> {
    pub page: Option<&'a str>,
    pub pdf: Option<&'a str>,
}

/// After the invoice is sent: its ids and links on the opportunity, and the customer on the account. An earlier refusal's
/// note is taken away in the same write.
pub fn invoice_written_back(
    plan: &Plan,
    customer_id: &CustomerId,
    invoice_id: &InvoiceId,
    links: InvoiceLinks<'_>,
    subscription_id: Option<&SubscriptionId>,
    account_is_linked: bool,
) -> Vec<Update> {
    let mut updates = vec![Update::new(
        "Opportunity",
        &plan.opportunity_id,
        [
            ("Stripe_Customer_Id__c", text(customer_id)),
            (INVOICE_ID, text(invoice_id)),
            ("Stripe_Invoice_URL__c", links.page.map_or(FieldValue::Null, text)),
            ("Stripe_Invoice_PDF__c", links.pdf.map_or(FieldValue::Null, text)),
            (NOTE_CODE, FieldValue::Null),
            (NOTE_MESSAGE, FieldValue::Null),
        ],
    )];
    if let Some(subscription_id) = subscription_id {
        updates[0].fields.insert(SUBSCRIPTION_ID, text(subscription_id));
        updates[0].fields.extend(monthly(plan));
        updates.extend(contract(plan, SUBSCRIPTION_ID, subscription_id));
    }
    updates.extend(account_customer(plan, customer_id, account_is_linked));
    updates
}

/// After a subscription was renewed: which, on the opportunity that renews it. It is billed by what the subscription bills from then on.
pub fn renewal_written_back(
    plan: &Plan,
    customer_id: &CustomerId,
    subscription_id: &SubscriptionId,
    account_is_linked: bool,
) -> Vec<Update> {
    let mut opportunity = Update::new(
        "Opportunity",
        &plan.opportunity_id,
        [
            ("Stripe_Customer_Id__c", text(customer_id)),
            (RENEWAL_ID, text(subscription_id)),
            (NOTE_CODE, FieldValue::Null),
            (NOTE_MESSAGE, FieldValue::Null),
        ],
    );
    opportunity.fields.extend(monthly(plan));
    let contract = contract(plan, RENEWAL_ID, subscription_id);
    [opportunity].into_iter().chain(contract).chain(account_customer(plan, customer_id, account_is_linked)).collect()
}

const CONTRACT: &str = "Contract";

/// Where customer success looks: which subscription the contract began or renewed, and what it comes to a month.
fn contract(plan: &Plan, field: &'static str, subscription_id: &SubscriptionId) -> Option<Update> {
    let mut update = Update::new(CONTRACT, plan.contract_id.as_ref()?, [(field, text(subscription_id))]);
    update.fields.extend(monthly(plan).filter(|_| !plan.contract_is_in_another));
    Some(update)
}

fn monthly(plan: &Plan) -> Option<(&'static str, FieldValue)> {
    Some((MRR, FieldValue::Number(plan.monthly()?.to_major_units())))
}

pub(crate) const INVOICE_ID: &str = "Stripe_Invoice_Id__c";

/// Where there are no subscriptions the fields may not exist.
const SUBSCRIPTION_ID: &str = "Stripe_Subscription_Id__c";
pub(crate) const MRR: &str = "Stripe_MRR__c";

/// Every write of an account may start somebody's automation, and locks it for the deals beside this one.
fn account_customer(plan: &Plan, customer_id: &CustomerId, account_is_linked: bool) -> Option<Update> {
    let update = || Update::new("Account", &plan.account_id, [("Stripe_Customer_Id__c", text(customer_id))]);
    (!account_is_linked).then(update)
}

/// The fields that hold a stop's note. They say nothing about whether anything else was written.
pub const NOTE_FIELDS: [&str; 2] = [NOTE_CODE, NOTE_MESSAGE];
pub const NOTE_CODE: &str = "Stripe_Sync_Status__c";
pub const NOTE_MESSAGE: &str = "Stripe_Sync_Error__c";

/// Where sales looks: why the deal is not billed, and what to do.
pub fn sync_note(opportunity_id: &OpportunityId, stop: &Stop) -> Update {
    Update::new(
        "Opportunity",
        opportunity_id,
        [(NOTE_CODE, text(stop.code.as_str())), (NOTE_MESSAGE, text(cut(&stop.message, 2000)))],
    )
}

/// What the note was about is over.
pub fn no_note(opportunity_id: &OpportunityId) -> Update {
    Update::new("Opportunity", opportunity_id, [(NOTE_CODE, FieldValue::Null), (NOTE_MESSAGE, FieldValue::Null)])
}

/// What an opportunity says about its invoice and payment.
pub fn billing_query(opportunity_id: &OpportunityId, settings: &Settings) -> RecordQuery {
    let of_subscription = [SUBSCRIPTION_ID, MRR].into_iter().filter(|_| settings.subscriptions != Subscriptions::Off);
    RecordQuery {
        object: "Opportunity",
        fields: [
            "Stripe_Customer_Id__c",
            INVOICE_ID,
            "Stripe_Invoice_URL__c",
            "Stripe_Invoice_PDF__c",
            NOTE_CODE,
            NOTE_MESSAGE,
            PAID,
            PAID_ON,
            "Account.Stripe_Customer_Id__c",
        ]
        .into_iter()
        .chain(of_subscription)
        .collect(),
        filter: vec![("Id", Filter::Is(opportunity_id.to_string()))],
        order_by: vec![],
        limit: Some(1),
    }
}

#[cfg(test)]
mod tests {
    use domain::{AccountId, Currency, Money};

    use super::*;

    fn plan() -> Plan {
        Plan {
            opportunity_id: OpportunityId::parse("006000000000001AAA").expect("valid"),
            account_id: AccountId::parse("001000000000001AAA").expect("valid"),
            total: Money::from_minor_units(1000, Currency::parse("EUR").expect("valid")),
            days_until_due: 30,
            lines: vec![],
            approved: None,
            tax: None,
            collection: Default::default(),
            subscription: None,
            renews: None,
            contract_id: None,
            contract_is_in_another: false,
            canceled_on: None,
        }
    }

    fn written(account_is_linked: bool) -> Vec<Update> {
        let customer_id = CustomerId::parse("cus_1").expect("valid");
        let invoice_id = InvoiceId::parse("in_1").expect("valid");
        invoice_written_back(
            &plan(),
            &customer_id,
            &invoice_id,
            InvoiceLinks { page: Some("https://invoice.example/1"), pdf: Some("https://invoice.example/1.pdf") },
            None,
            account_is_linked,
        )
    }

    #[test]
    fn a_subscription_is_named_where_there_is_one() {
        let (customer_id, invoice_id) =
            (CustomerId::parse("cus_1").expect("valid"), InvoiceId::parse("in_1").expect("valid"));
        let subscription_id = SubscriptionId::parse("sub_1").expect("valid");
        let updates = invoice_written_back(
            &plan(),
            &customer_id,
            &invoice_id,
            InvoiceLinks::default(),
            Some(&subscription_id),
            true,
        );
        assert_eq!(updates[0].fields.get(SUBSCRIPTION_ID), Some(&text("sub_1")));
        assert_eq!(written(true)[0].fields.get(SUBSCRIPTION_ID), None);
    }

    /// By the quarter, over a year.
    fn recurring() -> Plan {
        let subscription = crate::Subscription {
            start: "2027-01-01".parse().expect("a day"),
            every: crate::Interval::Quarterly,
            periods: Some(4),
            stub: 0,
        };
        let total = Money::from_minor_units(1200, Currency::parse("EUR").expect("valid"));
        Plan { total, subscription: Some(subscription), ..plan() }
    }

    #[test]
    fn a_renewal_is_named_on_the_opportunity_that_renews() {
        let customer_id = CustomerId::parse("cus_1").expect("valid");
        let subscription_id = SubscriptionId::parse("sub_1").expect("valid");
        let written = |plan: &Plan, linked| renewal_written_back(plan, &customer_id, &subscription_id, linked);
        let [opportunity, account] = &written(&recurring(), false)[..] else { panic!("two records") };
        assert_eq!(
            opportunity.fields,
            BTreeMap::from([
                ("Stripe_Customer_Id__c", text("cus_1")),
                (RENEWAL_ID, text("sub_1")),
                (MRR, FieldValue::Number(0.into())),
                (NOTE_CODE, FieldValue::Null),
                (NOTE_MESSAGE, FieldValue::Null),
            ])
        );
        assert_eq!((account.object, account.id.as_str()), ("Account", "001000000000001AAA"));
        assert_eq!(written(&recurring(), true).len(), 1);
        assert!(!written(&plan(), true)[0].fields.contains_key(MRR));
    }

    /// Whether it is there is not looked for again: it was written with the opportunity, or neither was.
    #[test]
    fn a_contract_names_what_it_began_or_renewed() {
        let customer_id = CustomerId::parse("cus_1").expect("valid");
        let invoice_id = InvoiceId::parse("in_1").expect("valid");
        let subscription_id = SubscriptionId::parse("sub_1").expect("valid");
        let contract_id = domain::ContractId::parse("800000000000001AAA").ok();
        let plan = Plan { contract_id, ..recurring() };
        let links = InvoiceLinks::default();
        let begun =
            |subscription_id| invoice_written_back(&plan, &customer_id, &invoice_id, links, subscription_id, true);
        for (field, updates) in [
            (SUBSCRIPTION_ID, begun(Some(&subscription_id))),
            (RENEWAL_ID, renewal_written_back(&plan, &customer_id, &subscription_id, true)),
        ] {
            let [opportunity, contract] = <[Update; 2]>::try_from(updates).expect("two records");
            assert_eq!((contract.object, contract.id.as_str()), ("Contract", "800000000000001AAA"));
            let fields = BTreeMap::from([(field, text("sub_1")), (MRR, FieldValue::Number(0.into()))]);
            assert_eq!(contract.fields, fields);
            assert!(contract.holds_in(&Record::default()) && !opportunity.holds_in(&Record::default()));
            assert_eq!(contract.differences(&Record::default()).len(), 2, "what was written is read back");
        }
        assert_eq!(begun(None).len(), 1);
        let elsewhere = Plan { contract_is_in_another: true, ..plan.clone() };
        let updates = renewal_written_back(&elsewhere, &customer_id, &subscription_id, true);
        assert!(!updates[1].fields.contains_key(MRR), "an amount of another currency");
    }

    /// Where nothing is recurring the fields may not exist.
    #[test]
    fn a_subscriptions_fields_are_asked_for_where_there_are_subscriptions() {
        let id = OpportunityId::parse("006000000000001AAA").expect("valid");
        let settings = Settings::new(Currency::parse("EUR").expect("valid"));
        for (subscriptions, asked) in [(Subscriptions::Off, false), (Subscriptions::ClosedWon, true)] {
            let fields = billing_query(&id, &Settings { subscriptions, ..settings.clone() }).fields;
            assert_eq!([SUBSCRIPTION_ID, MRR].map(|field| fields.contains(&field)), [asked; 2], "{subscriptions:?}");
        }
    }

    fn record(fields: &[(&str, FieldValue)]) -> Record {
        let mut record = Record::default();
        fields.iter().for_each(|(path, value)| record.set(*path, value.clone()));
        record
    }

    fn fields_of(update: &Update) -> Vec<(&'static str, FieldValue)> {
        update.fields.iter().map(|(name, value)| (*name, value.clone())).collect()
    }

    #[test]
    fn an_account_that_names_its_customer_is_not_written() {
        let objects =
            |linked| written(linked).iter().map(|update| (update.object, update.id.clone())).collect::<Vec<_>>();
        let (opportunity, account) = ("006000000000001AAA".to_owned(), "001000000000001AAA".to_owned());
        assert_eq!(objects(true), [("Opportunity", opportunity.clone())]);
        assert_eq!(objects(false), [("Opportunity", opportunity), ("Account", account)]);
        assert_eq!(written(false)[1].fields, BTreeMap::from([("Stripe_Customer_Id__c", text("cus_1"))]));
    }

    #[test]
    fn what_salesforce_holds_is_compared_field_by_field() {
        let [update] = <[Update; 1]>::try_from(written(true)).expect("one");
        let kept = record(&fields_of(&update));
        assert_eq!(update.differences(&kept), [] as [&str; 0]);
        let mut other = kept.clone();
        other.set(INVOICE_ID, text("in_2"));
        other.set(NOTE_CODE, text("no_lines"));
        assert_eq!(update.differences(&other), [INVOICE_ID, NOTE_CODE]);
        assert_eq!(update.differences(&Record::default()).len(), 4, "emptied fields that are not there are empty");
        assert_eq!(update.read_back().fields, update.fields.keys().copied().collect::<Vec<_>>());
    }

    #[test]
    fn an_empty_text_is_null_and_a_null_is_not_a_text() {
        let empty = no_note(&plan().opportunity_id);
        for value in [FieldValue::Null, text("")] {
            assert!(empty.differences(&record(&[(NOTE_CODE, value)])).is_empty());
        }
        for value in [text("x"), FieldValue::Boolean(false)] {
            assert_eq!(empty.differences(&record(&[(NOTE_CODE, value)])), [NOTE_CODE]);
        }
    }

    /// A reading of the opportunity shows the account's fields under its name.
    #[test]
    fn a_reading_through_the_opportunity_shows_the_account() {
        let [opportunity, account] = <[Update; 2]>::try_from(written(false)).expect("two");
        let mut seen = record(&fields_of(&opportunity));
        assert!(opportunity.holds_in(&seen));
        assert_eq!(account.missing_in(&seen), ["Stripe_Customer_Id__c"]);
        assert!(!account.holds_in(&seen));
        seen.set("Account.Stripe_Customer_Id__c", text("cus_1"));
        assert!(account.holds_in(&seen));
        seen.set("Stripe_Customer_Id__c", text("cus_2"));
        assert_eq!((opportunity.missing_in(&seen), account.holds_in(&seen)), (vec!["Stripe_Customer_Id__c"], true));
    }

    #[test]
    fn a_note_is_as_long_as_its_field() {
        let stop = Stop::refused(crate::Code::NoLines, "ü".repeat(2001));
        let note = sync_note(&plan().opportunity_id, &stop);
        assert!(note.fields[NOTE_CODE] == text("no_lines") && note.fields[NOTE_MESSAGE] == text("ü".repeat(2000)));
    }
}
