//! What Stripe was last told of a customer, and what is new since.

use domain::{Address, BillingEmail};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::CustomerDetails;

/// The fingerprint of a value. What is known of a customer is kept for ever, and nobody's name or address belongs there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Print(String);

impl Print {
    fn of<'a>(parts: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            // One that is missing, and one that is empty; and where each one ends.
            hash.update([u8::from(part.is_some())]);
            hash.update(part.unwrap_or_default());
            hash.update([0xff]);
        }
        Self(hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// What Stripe was last told of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    name: Print,
    /// Of the account's own. A contact's is told once, when the customer is made.
    email: Option<Print>,
    phone: Print,
    address: Print,
    /// How old it was in Salesforce.
    modified_at: Option<Timestamp>,
}

/// What is to be told. What is not in it stays as it is at Stripe, where a person may have put it right.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CustomerNews {
    pub name: Option<String>,
    pub email: Option<BillingEmail>,
    pub phone: Option<String>,
    /// `Some(None)`: there is none any more.
    pub address: Option<Option<Address>>,
}

/// Names and addresses of people have no place in a log.
impl std::fmt::Debug for CustomerNews {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CustomerNews(…)")
    }
}

impl CustomerDetails {
    /// Once all of this is told, after what was told before.
    pub fn told(&self, before: Option<&Told>) -> Told {
        let email = self.email_is_accounts.then(|| Print::of([Some(self.email.as_str())]));
        Told {
            name: Print::of([Some(self.name.as_str())]),
            email: email.or_else(|| before.and_then(|told| told.email.clone())),
            phone: Print::of([self.phone.as_deref()]),
            address: Print::of(self.address.clone().unwrap_or_default().parts().map(|(_, part)| part)),
            modified_at: self.modified_at,
        }
    }

    /// What Salesforce says otherwise by now; to one of whom nobody remembers what was told, everything. A deal that was read before
    /// the last that was told has nothing new to say.
    pub fn news_since(&self, told: Option<&Told>) -> Option<CustomerNews> {
        let now = self.told(told);
        if told.is_some_and(|told| self.modified_at <= told.modified_at) {
            return None;
        }
        let is_new = |differs: fn(&Told, &Told) -> bool| told.is_none_or(|told| differs(told, &now));
        let news = CustomerNews {
            name: is_new(|told, now| told.name != now.name).then(|| self.name.clone()),
            email: (self.email_is_accounts && is_new(|told, now| told.email != now.email)).then(|| self.email.clone()),
            phone: self.phone.clone().filter(|_| is_new(|told, now| told.phone != now.phone)),
            address: is_new(|told, now| told.address != now.address).then(|| self.address.clone()),
        };
        (news != CustomerNews::default()).then_some(news)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(modified: i64) -> CustomerDetails {
        let email = BillingEmail::parse("ap@acme.example").expect("valid");
        let modified_at = Timestamp::from_second(modified).ok();
        CustomerDetails { phone: Some("1".into()), modified_at, ..CustomerDetails::new("Acme".into(), email) }
    }

    fn address(line1: Option<&str>, line2: Option<&str>) -> Option<Address> {
        let text = |text: Option<&str>| text.map(str::to_owned);
        Some(Address { line1: text(line1), line2: text(line2), ..Address::default() })
    }

    #[test]
    fn only_what_is_new_is_told_and_only_by_who_read_it_later() {
        let (earlier, now) = (details(1), details(2));
        let told = earlier.told(None);
        assert_eq!(now.news_since(Some(&told)), None, "the account was edited, and the customer is the same");
        let email = BillingEmail::parse("billing@acme.example").expect("valid");
        for (changed, expected) in [
            (
                CustomerDetails { name: "Acme Inc".into(), ..now.clone() },
                CustomerNews { name: Some("Acme Inc".into()), ..Default::default() },
            ),
            (
                CustomerDetails { email: email.clone(), ..now.clone() },
                CustomerNews { email: Some(email.clone()), ..Default::default() },
            ),
            (
                CustomerDetails { phone: Some("2".into()), ..now.clone() },
                CustomerNews { phone: Some("2".into()), ..Default::default() },
            ),
            (
                CustomerDetails { address: address(Some("A 1"), None), ..now.clone() },
                CustomerNews { address: Some(address(Some("A 1"), None)), ..Default::default() },
            ),
        ] {
            assert_eq!(changed.news_since(Some(&told)), Some(expected));
            let stale = CustomerDetails { modified_at: earlier.modified_at, ..changed.clone() };
            assert_eq!(stale.news_since(Some(&told)), None, "it was read no later than what was told");
            assert_eq!(changed.news_since(Some(&changed.told(Some(&told)))), None, "it is told by then");
        }
    }

    /// A phone number stays: Stripe's parameter list says of it that it cannot be emptied.
    #[test]
    fn an_address_can_be_taken_away() {
        let told = CustomerDetails { address: address(Some("A 1"), None), ..details(1) }.told(None);
        let gone = CustomerDetails { phone: None, ..details(2) };
        let expected = CustomerNews { address: Some(None), ..Default::default() };
        assert_eq!(gone.news_since(Some(&told)), Some(expected));
        assert_eq!(CustomerDetails { phone: None, ..details(2) }.news_since(Some(&details(1).told(None))), None);
    }

    /// The next deal's contact may be somebody else.
    #[test]
    fn a_contacts_address_is_told_to_nobody_who_is_there() {
        let of_contact = |modified| CustomerDetails { email_is_accounts: false, ..details(modified) };
        let other = BillingEmail::parse("other@acme.example").expect("valid");
        let told = of_contact(1).told(None);
        assert_eq!(CustomerDetails { email: other.clone(), ..of_contact(2) }.news_since(Some(&told)), None);
        assert_eq!(of_contact(2).news_since(None).and_then(|news| news.email), None);
        // The account gets an address of its own; is left without; and gets the same one again.
        let own = CustomerDetails { email: other.clone(), ..details(3) };
        assert_eq!(own.news_since(Some(&told)).and_then(|news| news.email), Some(other));
        let told = own.told(Some(&told));
        assert_eq!(of_contact(4).news_since(Some(&told)), None);
        assert_eq!(
            CustomerDetails { modified_at: None, ..own }.news_since(Some(&of_contact(4).told(Some(&told)))),
            None
        );
    }

    #[test]
    fn where_a_line_ends_is_a_difference() {
        let told = |address| CustomerDetails { address, ..details(1) }.told(None);
        assert_ne!(told(address(Some("A"), Some("B"))), told(address(Some("AB"), None)));
        assert_ne!(told(address(None, Some("A"))), told(address(Some("A"), None)));
        let written = serde_json::to_string(&told(address(Some("Main Street"), None))).expect("writable");
        assert!(!written.contains("Main") && !written.contains("acme"), "{written}");
    }
}
