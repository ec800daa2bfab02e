//! Records beside a deal that have to be activated before it is billed: its order, or the contract of its subscription. An
//! activation leaves the opportunity as it is, so the ones that nobody told of are looked for where they are.

use domain::{ContractId, Currency, OpportunityId, Record};
use jiff::Timestamp;

use crate::deal::{Cursor, Deal, Filter, RecordQuery};
use crate::settings::Settings;
use crate::sweep::time;
use crate::{Code, LineSource, Stop, Subscriptions};

/// Where activations of one kind are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activation {
    object: &'static str,
    opportunity: &'static str,
    /// `Draft` or `Activated`, whatever the organization's labels are.
    code: &'static str,
    modified_at: &'static str,
    activated_at: &'static str,
}

const ORDER: Activation = Activation {
    object: "Order",
    opportunity: "OpportunityId",
    code: "StatusCode",
    modified_at: "SystemModstamp",
    activated_at: "ActivatedDate",
};

/// Salesforce CPQ makes the contract of an opportunity, and does not write it there.
const CONTRACT_OF_CPQ: Activation = Activation { object: "Contract", opportunity: "SBQQ__Opportunity__c", ..ORDER };

/// Anywhere else the opportunity names its contract.
const CONTRACT: Activation = Activation {
    object: "Opportunity",
    opportunity: "Id",
    code: "Contract.StatusCode",
    modified_at: "Contract.SystemModstamp",
    activated_at: "Contract.ActivatedDate",
};

impl Activation {
    /// It is read with the opportunity, which names it.
    fn is_named_by_opportunity(self) -> bool {
        self == CONTRACT
    }
}

fn contract(settings: &Settings) -> Option<Activation> {
    match (settings.subscriptions, settings.line_source) {
        (Subscriptions::Off | Subscriptions::ClosedWon, _) => None,
        (Subscriptions::ContractActivated, LineSource::CpqQuote) => Some(CONTRACT_OF_CPQ),
        (Subscriptions::ContractActivated, LineSource::OpportunityProducts | LineSource::Orders) => Some(CONTRACT),
    }
}

/// What deals wait for in this organization.
pub fn activations(settings: &Settings) -> Vec<Activation> {
    let order = Some(ORDER).filter(|_| settings.line_source == LineSource::Orders);
    order.into_iter().chain(contract(settings)).collect()
}

/// Which contract an opportunity names, and the currency that this one has by itself.
pub(crate) const CONTRACT_ID: &str = "ContractId";
const CONTRACT_CURRENCY: &str = "Contract.CurrencyIsoCode";

/// The fields of the opportunity that show which contract is its own and whether that is activated, where it names one.
pub(crate) fn opportunity_fields(settings: &Settings) -> Vec<&'static str> {
    let Some(contract) = contract(settings).filter(|contract| contract.is_named_by_opportunity()) else {
        return vec![];
    };
    let currency = settings.multi_currency.then_some(CONTRACT_CURRENCY);
    [CONTRACT_ID, contract.code].into_iter().chain(currency).collect()
}

/// What says which contract is a deal's, where contracts begin subscriptions: a field of the opportunity, or of the contract.
pub(crate) fn contract_link(settings: &Settings) -> Option<&'static str> {
    let contract = contract(settings)?;
    Some(if contract.is_named_by_opportunity() { CONTRACT_ID } else { contract.opportunity })
}

/// The contract that begins or renews the deal's subscription, where one does.
pub(crate) fn contract_of(deal: &Deal, settings: &Settings) -> Option<ContractId> {
    let id = match contract(settings)?.is_named_by_opportunity() {
        true => deal.opportunity.text(CONTRACT_ID),
        false => deal.activated_contract.as_ref().and_then(|contract| contract.text("Id")),
    };
    id.and_then(|id| ContractId::parse(id).ok())
}

/// Whether an amount of the deal is one in the contract's currency.
pub(crate) fn contract_has_currency(deal: &Deal, currency: Currency, settings: &Settings) -> bool {
    let code = match &deal.activated_contract {
        Some(contract) => contract.text("CurrencyIsoCode"),
        None => deal.opportunity.text(CONTRACT_CURRENCY),
    };
    !settings.multi_currency || code == Some(currency.as_str())
}

/// The deal's contract, where it is read by itself.
pub(crate) fn contract_query(opportunity_id: &OpportunityId, settings: &Settings) -> Option<RecordQuery> {
    let contract = contract(settings).filter(|contract| !contract.is_named_by_opportunity())?;
    Some(RecordQuery {
        object: contract.object,
        fields: ["Id"].into_iter().chain(settings.multi_currency.then_some("CurrencyIsoCode")).collect(),
        also: vec![],
        filter: vec![
            (contract.opportunity, Filter::Is(opportunity_id.to_string())),
            (contract.code, Filter::Is("Activated".into())),
        ],
        order_by: vec!["Id"],
        limit: Some(1),
    })
}

/// A deal with recurring lines waits for its contract where that begins the subscription. Nobody is told: it is how it goes.
pub(crate) fn contract_is_activated(deal: &Deal, settings: &Settings) -> Result<(), Stop> {
    let Some(contract) = contract(settings) else { return Ok(()) };
    let is_activated = match contract.is_named_by_opportunity() {
        true => deal.opportunity.text(contract.code) == Some("Activated"),
        false => deal.activated_contract.is_some(),
    };
    if is_activated {
        return Ok(());
    }
    let message = "The deal is won, and its contract is not activated yet: that begins its subscription.";
    Err(Stop::not_billable(Code::ContractNotActivated, message))
}

/// One that was activated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activated {
    pub record_id: String,
    /// `None` where it is nobody's: an order may be of no opportunity.
    pub opportunity_id: Option<OpportunityId>,
    pub modified_at: Timestamp,
    /// `None` for one that was brought in from elsewhere: when nobody knows, it is nobody's to bill.
    pub activated_at: Option<Timestamp>,
}

impl Activated {
    pub fn cursor(&self) -> Cursor {
        Cursor { modified_at: self.modified_at, record_id: self.record_id.clone() }
    }
}

impl Activation {
    /// What changed since then and is activated, the oldest change first.
    pub fn query(&self, since: Timestamp, after: Option<&Cursor>, limit: u32) -> RecordQuery {
        let mut fields = vec!["Id", self.opportunity, self.modified_at, self.activated_at];
        fields.dedup();
        RecordQuery {
            object: self.object,
            fields,
            also: vec![],
            filter: vec![(self.code, Filter::Is("Activated".into())), (self.modified_at, Cursor::filter(after, since))],
            order_by: vec![self.modified_at, "Id"],
            limit: Some(limit),
        }
    }

    /// `None` when the record does not even say which one it is and when it changed: then it was read in the wrong way.
    pub fn seen(&self, record: &Record) -> Option<Activated> {
        Some(Activated {
            record_id: record.text("Id")?.to_owned(),
            opportunity_id: record.text(self.opportunity).and_then(|id| OpportunityId::parse(id).ok()),
            modified_at: time(record, self.modified_at)?,
            activated_at: time(record, self.activated_at),
        })
    }
}

#[cfg(test)]
mod tests {
    use domain::FieldValue;

    use super::*;

    fn settings(line_source: LineSource, subscriptions: Subscriptions) -> Settings {
        Settings { line_source, subscriptions, ..Settings::new(Currency::parse("USD").expect("valid")) }
    }

    const SOURCES: [LineSource; 3] = [LineSource::OpportunityProducts, LineSource::CpqQuote, LineSource::Orders];

    #[test]
    fn a_deal_waits_for_what_its_settings_say() {
        for (subscriptions, expected) in [
            (Subscriptions::Off, [vec![], vec![], vec![ORDER]]),
            (Subscriptions::ClosedWon, [vec![], vec![], vec![ORDER]]),
            (Subscriptions::ContractActivated, [vec![CONTRACT], vec![CONTRACT_OF_CPQ], vec![ORDER, CONTRACT]]),
        ] {
            let found = SOURCES.map(|source| activations(&settings(source, subscriptions)));
            assert_eq!(found, expected, "{subscriptions:?}");
        }
    }

    /// Where the opportunity names its contract nothing more is read, and elsewhere one more query of the same call.
    #[test]
    fn a_contract_is_read_with_the_deal() {
        let id = OpportunityId::parse("006000000000001AAA").expect("valid");
        let read = |source, subscriptions| {
            let settings = settings(source, subscriptions);
            let object = contract_query(&id, &settings).map(|query| query.object);
            (opportunity_fields(&settings), object)
        };
        for source in SOURCES {
            assert_eq!(read(source, Subscriptions::ClosedWon), (vec![], None));
        }
        let named = vec!["ContractId", "Contract.StatusCode"];
        assert_eq!(
            SOURCES.map(|source| read(source, Subscriptions::ContractActivated)),
            [(named.clone(), None), (vec![], Some("Contract")), (named, None)]
        );
    }

    /// That of the opportunity, or of Salesforce CPQ: only where contracts begin subscriptions.
    #[test]
    fn a_deal_has_the_contract_that_begins_its_subscription() {
        let text = |text: &str| FieldValue::Text(text.into());
        let mut deal = Deal::default();
        deal.opportunity.set("ContractId", text("800000000000001AAA"));
        let mut of_cpq = Record::default();
        of_cpq.set("Id", text("800000000000002AAA"));
        deal.activated_contract = Some(of_cpq);
        let of = |deal: &Deal, source, subscriptions| {
            contract_of(deal, &settings(source, subscriptions)).map(|id| id.to_string())
        };
        let (first, second) = (Some("800000000000001AAA".to_owned()), Some("800000000000002AAA".to_owned()));
        let found = SOURCES.map(|source| of(&deal, source, Subscriptions::ContractActivated));
        assert_eq!(found, [first.clone(), second, first]);
        assert_eq!(SOURCES.map(|source| of(&deal, source, Subscriptions::ClosedWon)), [None, None, None]);
        let none = SOURCES.map(|source| of(&Deal::default(), source, Subscriptions::ContractActivated));
        assert_eq!(none, [None, None, None]);
    }

    /// A contract's amounts are in its own currency.
    #[test]
    fn a_contract_in_another_currency_is_told_no_amount() {
        let eur = Currency::parse("EUR").expect("valid");
        for source in SOURCES {
            let settings = settings(source, Subscriptions::ContractActivated);
            let several = Settings { multi_currency: true, ..settings.clone() };
            assert!(contract_has_currency(&Deal::default(), eur, &settings));
            for (code, expected) in [("EUR", true), ("USD", false)] {
                let mut deal = Deal::default();
                match source {
                    LineSource::CpqQuote => {
                        let mut contract = Record::default();
                        contract.set("CurrencyIsoCode", FieldValue::Text(code.into()));
                        deal.activated_contract = Some(contract);
                    }
                    _ => deal.opportunity.set(CONTRACT_CURRENCY, FieldValue::Text(code.into())),
                }
                assert_eq!(contract_has_currency(&deal, eur, &several), expected, "{source:?} {code}");
            }
            let id = OpportunityId::parse("006000000000001AAA").expect("valid");
            let read = contract_query(&id, &several).map_or_else(|| opportunity_fields(&several), |query| query.fields);
            assert!(read.iter().any(|field| field.ends_with("CurrencyIsoCode")), "{source:?}");
        }
    }

    #[test]
    fn an_activated_contract_lets_the_deal_go_on() {
        let text = |text: &str| FieldValue::Text(text.into());
        for source in SOURCES {
            let settings = settings(source, Subscriptions::ContractActivated);
            let code = |deal: &Deal| contract_is_activated(deal, &settings).map_err(|stop| (stop.kind, stop.code));
            let waits = Err((crate::Kind::NotBillable, Code::ContractNotActivated));
            let mut deal = Deal::default();
            assert_eq!(code(&deal), waits);
            deal.opportunity.set("Contract.StatusCode", text("Draft"));
            assert_eq!(code(&deal), waits);
            match source {
                LineSource::CpqQuote => deal.activated_contract = Some(Record::default()),
                _ => deal.opportunity.set("Contract.StatusCode", text("Activated")),
            }
            assert_eq!(code(&deal), Ok(()), "{source:?}");
            let at_once = Settings { subscriptions: Subscriptions::ClosedWon, ..settings.clone() };
            assert_eq!(contract_is_activated(&Deal::default(), &at_once), Ok(()));
        }
    }

    #[test]
    fn activations_are_read_in_the_order_of_their_changes() {
        let since = Timestamp::UNIX_EPOCH;
        let first = ORDER.query(since, None, 200);
        assert_eq!(
            (first.object, first.limit, &first.order_by[..]),
            ("Order", Some(200), &["SystemModstamp", "Id"][..])
        );
        assert_eq!(first.filter[1], ("SystemModstamp", Filter::AtLeast(since)));
        let cursor = Cursor { modified_at: since, record_id: "801x".into() };
        let next = CONTRACT.query(since, Some(&cursor), 200);
        assert_eq!(next.filter[1], ("Contract.SystemModstamp", Filter::After(since, "801x".into())));
        // Salesforce CPQ keeps the deal of a contract in a field of its own.
        let of_cpq = CONTRACT_OF_CPQ.query(since, None, 200);
        assert!(of_cpq.object == "Contract" && of_cpq.fields.contains(&"SBQQ__Opportunity__c"), "{:?}", of_cpq.fields);
        assert!(!of_cpq.fields.contains(&"OpportunityId"), "{:?}", of_cpq.fields);
        // A field that is asked for twice is a query that fails.
        assert_eq!(next.fields, ["Id", "Contract.SystemModstamp", "Contract.ActivatedDate"]);
    }

    #[test]
    fn an_activation_says_whose_it_is_and_when() {
        let mut record = Record::default();
        assert_eq!(ORDER.seen(&record), None);
        for (field, value) in [
            ("Id", "801000000000001AAA"),
            ("SystemModstamp", "2026-11-23T10:11:12.000+0000"),
            ("ActivatedDate", "2026-11-20T10:11:12.000+0000"),
        ] {
            record.set(field, FieldValue::Text(value.into()));
        }
        let seen = ORDER.seen(&record).expect("an order");
        assert_eq!((seen.opportunity_id.clone(), seen.cursor().record_id.as_str()), (None, "801000000000001AAA"));
        assert_eq!(seen.activated_at.map(|at| at.to_string()).as_deref(), Some("2026-11-20T10:11:12Z"));
        record.set("OpportunityId", FieldValue::Text("006000000000001AAA".into()));
        let seen = ORDER.seen(&record).expect("an order");
        assert_eq!(seen.opportunity_id.map(|id| id.to_string()).as_deref(), Some("006000000000001AAA"));
    }
}
