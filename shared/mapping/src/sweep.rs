//! What is read of many opportunities at once, to find those that were missed and to compare them with their invoices.

use domain::{CustomerId, FieldValue, Money, OpportunityId, Record};
use jiff::Timestamp;

use crate::deal::{Cursor, Filter, RecordQuery};
use crate::plan::amount;
use crate::renewal::RENEWAL_ID;
use crate::settings::Settings;
use crate::update::{NOTE_CODE, sync_note};
use crate::{Code, Deal, Findings, PAID, Renewals, Stop, preflight};

const FIELDS: &[&str] = &[
    "Id",
    "StageName",
    "Type",
    "Amount",
    "CreatedDate",
    "LastStageChangeDate",
    "SystemModstamp",
    "Stripe_Invoice_Id__c",
    PAID,
];

/// An opportunity as far as its invoice can be judged by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DealSeen {
    pub opportunity_id: OpportunityId,
    /// When anything last changed in it, our own writes included.
    pub modified_at: Timestamp,
    /// When it got the stage that it is in.
    pub stage_since: Timestamp,
    /// What it comes to, or why it is not to be billed.
    pub amount: Result<Money, Stop>,
    pub names_invoice: Option<String>,
    pub is_marked_paid: bool,
}

/// Won opportunities that changed since then, the oldest change first. `SystemModstamp` and not `LastModifiedDate`, since
/// changes by automation and roll-ups move only the former.
pub fn won_query(since: Timestamp, after: Option<&Cursor>, limit: u32, settings: &Settings) -> RecordQuery {
    settings.lens.of_opportunities(RecordQuery {
        object: "Opportunity",
        fields: fields(settings),
        also: vec![],
        filter: vec![("StageName", won(settings)), ("SystemModstamp", Cursor::filter(after, since))],
        order_by: vec!["SystemModstamp", "Id"],
        limit: Some(limit),
    })
}

/// A deal that renewed a subscription has no invoice that would lead to it when it is lost.
fn won(settings: &Settings) -> Filter {
    let stages = settings.won_stages.iter().chain(settings.paid_stages()).cloned().collect();
    match settings.renewals {
        Renewals::Off => Filter::OneOf(stages),
        Renewals::Extend => Filter::OneOfOrNamed(stages, RENEWAL_ID),
    }
}

/// A won deal that carries the note of a refusal, and when its account last changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DealMended {
    pub opportunity_id: OpportunityId,
    pub account_modified_at: Timestamp,
}

const ACCOUNT_MODIFIED_AT: &str = "Account.SystemModstamp";

/// Those whose accounts changed since then, the oldest change first.
pub fn mended_query(since: Timestamp, after: Option<&Cursor>, limit: u32, settings: &Settings) -> RecordQuery {
    RecordQuery {
        object: "Opportunity",
        fields: vec!["Id", ACCOUNT_MODIFIED_AT],
        also: vec![],
        filter: vec![
            ("StageName", Filter::one_of(&settings.won_stages)),
            (NOTE_CODE, Filter::IsAny),
            (ACCOUNT_MODIFIED_AT, Cursor::filter(after, since)),
        ],
        order_by: vec![ACCOUNT_MODIFIED_AT, "Id"],
        limit: Some(limit),
    }
}

pub fn deal_mended(record: &Record) -> Option<DealMended> {
    let opportunity_id = OpportunityId::parse(record.text("Id")?).ok()?;
    Some(DealMended { opportunity_id, account_modified_at: time(record, ACCOUNT_MODIFIED_AT)? })
}

impl DealMended {
    pub fn cursor(&self) -> Cursor {
        Cursor { modified_at: self.account_modified_at, record_id: self.opportunity_id.to_string() }
    }
}

/// Whether Salesforce still says what the note on the deal says, word by word. What stands in its way at Stripe is not asked.
pub fn stays_refused(deal: &Deal, settings: &Settings) -> bool {
    let Some(id) = deal.opportunity.text("Id").and_then(|id| OpportunityId::parse(id).ok()) else { return false };
    let found = preflight(deal, settings).and_then(Findings::finish);
    found.is_err_and(|stop| sync_note(&id, &stop).differences(&deal.opportunity).is_empty())
}

/// These opportunities, in whatever stage they are.
pub fn deals_query(ids: &[OpportunityId], settings: &Settings) -> RecordQuery {
    settings.lens.of_opportunities(RecordQuery {
        object: "Opportunity",
        fields: fields(settings),
        also: vec![],
        filter: vec![("Id", Filter::OneOf(ids.iter().map(ToString::to_string).collect()))],
        order_by: vec!["Id"],
        limit: None,
    })
}

/// An account that names this customer, whoever wrote that.
pub fn account_naming_query(customer_id: &CustomerId) -> RecordQuery {
    RecordQuery {
        object: "Account",
        fields: vec!["Id"],
        also: vec![],
        filter: vec![("Stripe_Customer_Id__c", Filter::Is(customer_id.to_string()))],
        order_by: vec!["Id"],
        limit: Some(1),
    }
}

fn fields(settings: &Settings) -> Vec<&'static str> {
    let mut fields = FIELDS.to_vec();
    if settings.multi_currency {
        fields.push("CurrencyIsoCode");
    }
    fields
}

/// A moment as Salesforce writes it.
pub(crate) fn time(record: &Record, field: &str) -> Option<Timestamp> {
    record.text(field)?.parse().ok()
}

/// `None` when the record does not even say which one it is and when it changed: then it was read in the wrong way.
pub fn deal_seen(record: &Record, settings: &Settings) -> Option<DealSeen> {
    let (seen, undecided) = settings.lens.opportunity(record, FIELDS);
    let time = |field: &str| time(record, field);
    Some(DealSeen {
        opportunity_id: OpportunityId::parse(record.text("Id")?).ok()?,
        modified_at: time("SystemModstamp")?,
        // A record that was made in the stage that it is in has never changed it.
        stage_since: time("LastStageChangeDate").or_else(|| time("CreatedDate"))?,
        amount: amount(&seen, &undecided, settings),
        names_invoice: record.text("Stripe_Invoice_Id__c").map(str::to_owned),
        is_marked_paid: record.get(PAID) == Some(&FieldValue::Boolean(true)),
    })
}

impl DealSeen {
    pub fn is_won(&self) -> bool {
        !matches!(&self.amount, Err(stop) if stop.code == Code::NotClosedWon)
    }

    pub fn cursor(&self) -> Cursor {
        Cursor { modified_at: self.modified_at, record_id: self.opportunity_id.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use domain::Currency;

    use super::*;
    use crate::NOTE_MESSAGE;

    fn settings(multi_currency: bool) -> Settings {
        Settings { multi_currency, ..Settings::new(Currency::parse("USD").expect("valid")) }
    }

    fn record(fields: &[(&str, &str)]) -> Record {
        let mut record = Record::default();
        let base = [
            ("Id", "006000000000001AAA"),
            ("StageName", "Closed Won"),
            ("CreatedDate", "2026-11-01T10:00:00.000+0000"),
            ("SystemModstamp", "2026-11-23T10:11:12.000+0000"),
        ];
        for (name, value) in base.iter().chain(fields) {
            let number = value.parse().ok().filter(|_| *name == "Amount").map(FieldValue::Number);
            record.set(*name, number.unwrap_or_else(|| FieldValue::Text((*value).into())));
        }
        record
    }

    #[test]
    fn what_is_paid_is_won_still() {
        let mut settings = Settings::new(domain::Currency::parse("EUR").expect("valid"));
        let is = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(won(&settings), Filter::OneOf(is(&["Closed Won"])));
        settings.paid_stage = Some("Paid".into());
        assert_eq!(won(&settings), Filter::OneOf(is(&["Closed Won", "Paid"])));
        settings.renewals = Renewals::Extend;
        assert_eq!(won(&settings), Filter::OneOfOrNamed(is(&["Closed Won", "Paid"]), RENEWAL_ID));
    }

    #[test]
    fn a_deal_is_as_old_as_its_stage() {
        for (fields, expected) in [
            (&[][..], "2026-11-01T10:00:00Z"),
            (&[("LastStageChangeDate", "2026-11-20T09:00:00.000+0000")], "2026-11-20T09:00:00Z"),
            (&[("LastStageChangeDate", "2026-11-20T09:00:00.000Z")], "2026-11-20T09:00:00Z"),
        ] {
            let seen = deal_seen(&record(fields), &settings(false)).expect("a deal");
            assert_eq!(seen.stage_since.to_string(), expected);
            assert_eq!(seen.modified_at.to_string(), "2026-11-23T10:11:12Z");
        }
        assert_eq!(deal_seen(&Record::default(), &settings(false)), None);
    }

    #[test]
    fn a_deal_is_paid_when_its_box_is_checked() {
        for (checked, is_paid) in [(Some(true), true), (Some(false), false), (None, false)] {
            let mut record = record(&[]);
            record.set("Payment_Received__c", checked.map_or(FieldValue::Null, FieldValue::Boolean));
            assert_eq!(deal_seen(&record, &settings(false)).map(|seen| seen.is_marked_paid), Some(is_paid));
        }
    }

    #[test]
    fn a_deal_comes_to_what_its_plan_would() {
        for (fields, expected) in [
            (&[("Amount", "12.50")][..], Ok("12.50 USD")),
            (&[("Amount", "12.505")], Err(Code::AmountNotRepresentable)),
            (&[("Amount", "0")], Err(Code::AmountNotPositive)),
            (&[], Err(Code::AmountMissing)),
            (&[("Amount", "12.50"), ("Type", "Renewal")], Err(Code::Renewal)),
            (&[("Amount", "12.50"), ("StageName", "Closed Lost")], Err(Code::NotClosedWon)),
            (&[("Amount", "12.50"), ("CurrencyIsoCode", "JPY")], Ok("12.50 USD")),
        ] {
            let seen = deal_seen(&record(fields), &settings(false)).expect("a deal");
            assert_eq!(seen.is_won(), expected != Err(Code::NotClosedWon));
            let found = seen.amount.map(|amount| amount.to_string()).map_err(|stop| stop.code);
            assert_eq!(found, expected.map(str::to_owned), "{fields:?}");
        }
        let yen = record(&[("Amount", "1250"), ("CurrencyIsoCode", "JPY")]);
        let seen = deal_seen(&yen, &settings(true)).expect("a deal");
        assert_eq!(seen.amount.map(Money::minor_units), Ok(1250));
    }

    #[test]
    fn a_refused_deal_is_found_by_its_accounts_changes() {
        let since = Timestamp::UNIX_EPOCH;
        let query = mended_query(since, None, 200, &settings(false));
        assert_eq!(query.filter[1..], [(NOTE_CODE, Filter::IsAny), (ACCOUNT_MODIFIED_AT, Filter::AtLeast(since))]);
        let cursor = Cursor { modified_at: since, record_id: "006x".into() };
        let next = mended_query(since, Some(&cursor), 200, &settings(false));
        assert_eq!(next.filter[2], (ACCOUNT_MODIFIED_AT, Filter::After(since, "006x".into())));
        let mended = record(&[(ACCOUNT_MODIFIED_AT, "2026-11-24T10:11:12.000+0000")]);
        let cursor = deal_mended(&mended).expect("a deal").cursor();
        assert_eq!(
            (cursor.record_id.as_str(), cursor.modified_at.to_string()),
            ("006000000000001AAA", "2026-11-24T10:11:12Z".into())
        );
        assert_eq!(deal_mended(&record(&[])), None);
    }

    /// Only for what the note says, word by word: what is left of it is to be told.
    #[test]
    fn a_deal_stays_refused_for_what_nobody_has_mended() {
        let deal = |code: &str, message: &str| {
            let fields = [("Amount", "12.50"), ("Account.Name", "Acme"), (NOTE_CODE, code), (NOTE_MESSAGE, message)];
            Deal { opportunity: record(&fields), ..Deal::default() }
        };
        let settings = settings(false);
        let stop = preflight(&deal("", ""), &settings).and_then(Findings::finish).expect_err("it lacks everything");
        assert!(stays_refused(&deal(stop.code.as_str(), &stop.message), &settings));
        assert!(!stays_refused(&deal("billing_country_unknown", &stop.message), &settings));
        assert!(!stays_refused(&deal(stop.code.as_str(), "Mend 9 things."), &settings), "some of it was mended");
        assert!(!stays_refused(&deal("", ""), &settings));
    }

    #[test]
    fn the_currency_is_asked_for_only_where_there_are_several() {
        let since = Timestamp::UNIX_EPOCH;
        for multi_currency in [false, true] {
            let query = won_query(since, None, 200, &settings(multi_currency));
            assert_eq!(query.fields.contains(&"CurrencyIsoCode"), multi_currency);
        }
    }
}
