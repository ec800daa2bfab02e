//! Accounts that change while no deal of theirs is billed: their customers are told all the same, since a subscription's invoices go on.

use domain::{AccountId, Record};
use jiff::Timestamp;

use crate::customer::{account_email, described};
use crate::deal::{Cursor, Filter, RecordQuery};
use crate::lens::THROUGH_OPPORTUNITY;
use crate::stop::Refusals;
use crate::sweep::time;
use crate::{ACCOUNT_FIELDS, CustomerDetails, Settings, Stop};

/// An account, and what its customer is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSeen {
    pub account_id: AccountId,
    pub modified_at: Timestamp,
    /// For a customer who is there already. The account may have no address of e-mail of its own.
    pub details: Result<CustomerDetails, Stop>,
}

/// The same fields as are read with a deal, of the account itself.
fn fields(settings: &Settings) -> Vec<&'static str> {
    let read = ACCOUNT_FIELDS.iter().chain(settings.shipping.fields());
    ["Id"].into_iter().chain(read.map(|field| field.trim_start_matches(THROUGH_OPPORTUNITY))).collect()
}

pub fn account_query(account_id: &AccountId, settings: &Settings) -> RecordQuery {
    settings.lens.of_account(RecordQuery {
        object: "Account",
        fields: fields(settings),
        also: vec![],
        filter: vec![("Id", Filter::Is(account_id.to_string()))],
        order_by: vec![],
        limit: Some(1),
    })
}

/// Accounts that have a customer and changed since then, the oldest change first.
pub fn accounts_query(since: Timestamp, after: Option<&Cursor>, limit: u32, settings: &Settings) -> RecordQuery {
    settings.lens.of_account(RecordQuery {
        object: "Account",
        fields: fields(settings),
        also: vec![],
        filter: vec![("Stripe_Customer_Id__c", Filter::IsAny), ("SystemModstamp", Cursor::filter(after, since))],
        order_by: vec!["SystemModstamp", "Id"],
        limit: Some(limit),
    })
}

/// `None` when the record does not even say which one it is and when it changed: then it was read in the wrong way.
pub fn account_seen(record: &Record, settings: &Settings) -> Option<AccountSeen> {
    let mut account = Record::default();
    record.iter().for_each(|(field, value)| account.set(format!("{THROUGH_OPPORTUNITY}{field}"), value.clone()));
    let (account, undecided) = settings.lens.account(&account);
    let mut refusals = Refusals::default();
    refusals.extend(undecided);
    let email = refusals.take(account_email(&account));
    let described = described(&account, email.flatten(), settings, &mut refusals);
    Some(AccountSeen {
        account_id: AccountId::parse(record.text("Id")?).ok()?,
        modified_at: time(record, "SystemModstamp")?,
        details: refusals.or(described.map(CustomerDetails::for_news)),
    })
}

impl AccountSeen {
    pub fn cursor(&self) -> Cursor {
        Cursor { modified_at: self.modified_at, record_id: self.account_id.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use domain::{Currency, FieldValue};

    use super::*;
    use crate::{Code, ShippingAddress};

    fn settings() -> Settings {
        Settings::new(Currency::parse("USD").expect("valid"))
    }

    fn account(change: &[(&str, &str)]) -> Record {
        let mut record = Record::default();
        let base = [
            ("Id", "001000000000001AAA"),
            ("SystemModstamp", "2026-11-23T10:11:12.000+0000"),
            ("Name", "Acme"),
            ("Billing_Email__c", "ap@acme.example"),
            ("BillingCountry", "Germany"),
        ];
        base.iter().chain(change).for_each(|(field, value)| record.set(*field, FieldValue::Text((*value).into())));
        record
    }

    fn seen(change: &[(&str, &str)]) -> AccountSeen {
        account_seen(&account(change), &settings()).expect("an account")
    }

    /// What a deal of the account would tell, but for the address of e-mail of that deal's contact.
    #[test]
    fn an_account_says_what_its_deals_would() {
        let found = seen(&[]);
        assert_eq!(found.cursor().record_id, "001000000000001AAA");
        let details = found.details.expect("billable");
        assert!(details.email_is_accounts && details.is_for_news);
        assert_eq!(details.email.as_ref().map(|email| email.as_str()), Some("ap@acme.example"));
        assert_eq!(details.modified_at, Some(found.modified_at));
        assert_eq!(details.address.and_then(|address| address.country).map(|code| code.to_string()), Some("DE".into()));
        let without = seen(&[("Billing_Email__c", "")]).details.expect("a contact was told once");
        assert!(!without.email_is_accounts && without.email.is_none());
        assert_eq!(account_seen(&Record::default(), &settings()), None);
    }

    #[test]
    fn what_stripe_would_not_take_is_refused_together() {
        let stop = seen(&[("Billing_Email__c", "ap"), ("BillingCountry", "Narnia")]).details.expect_err("two things");
        assert_eq!((stop.code, &stop.also[..]), (Code::BillingEmailInvalid, &[Code::BillingCountryUnknown][..]));
    }

    #[test]
    fn accounts_with_a_customer_are_read_in_the_order_of_their_changes() {
        let since = Timestamp::UNIX_EPOCH;
        let query = accounts_query(since, None, 200, &settings());
        assert_eq!(query.filter[0], ("Stripe_Customer_Id__c", Filter::IsAny));
        assert!(query.fields.contains(&"BillingCity") && !query.fields.contains(&"ShippingCity"), "{:?}", query.fields);
        let mut fields = query.fields.clone();
        fields.sort_unstable();
        fields.dedup();
        assert_eq!(fields.len(), query.fields.len(), "a field that is asked for twice is a query that fails");
        let shipping = Settings { shipping: ShippingAddress::Account, ..settings() };
        let one = account_query(&AccountId::parse("001000000000001AAA").expect("valid"), &shipping);
        assert!(one.fields.contains(&"ShippingCity") && one.filter[0].0 == "Id");
    }
}
