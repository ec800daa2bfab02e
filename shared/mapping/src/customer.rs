//! Account → the Stripe customer.

use domain::{Address, BillingEmail, CountryCode, InvalidEmail, Record, region};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::stop::Refusals;
use crate::{Code, Deal, Stop};

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerDetails {
    pub name: String,
    pub email: BillingEmail,
    pub phone: Option<String>,
    pub address: Option<Address>,
    /// The address of e-mail is the account's own. Another is the deal's primary contact's, who may be someone else with every deal.
    #[serde(default)]
    pub email_is_accounts: bool,
    /// When Salesforce last changed the account, so that of two deals the one that was read later has the last word.
    #[serde(default)]
    pub modified_at: Option<Timestamp>,
}

impl CustomerDetails {
    /// Somebody at the account's own address of e-mail, of whom nothing else is known.
    pub fn new(name: String, email: BillingEmail) -> Self {
        Self { name, email, phone: None, address: None, email_is_accounts: true, modified_at: None }
    }
}

/// Names and addresses of people have no place in a log.
impl std::fmt::Debug for CustomerDetails {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CustomerDetails(…)")
    }
}

/// The account's own billing address of e-mail comes first; without one the primary contact of the deal gets the invoice.
pub(crate) fn customer(deal: &Deal, refusals: &mut Refusals) -> Option<CustomerDetails> {
    let account = &deal.opportunity;
    let name = account.text("Account.Name").ok_or_else(|| {
        Stop::refused(Code::AccountNameMissing, "Give the account a name: it is the name on the invoice.")
    });
    let (name, email, address) = (refusals.take(name), refusals.take(email(deal)), refusals.take(address(account)));
    let phone = account.text("Account.Phone").map(|phone| cut(phone, 20));
    let email_is_accounts = account.text("Account.Billing_Email__c").is_some();
    let modified_at = crate::sweep::time(account, "Account.SystemModstamp");
    let (address, known) = (address?, CustomerDetails::new(cut(name?, 256), email?));
    Some(CustomerDetails { phone, address, email_is_accounts, modified_at, ..known })
}

fn email(deal: &Deal) -> Result<BillingEmail, Stop> {
    let email = deal
        .opportunity
        .text("Account.Billing_Email__c")
        .or_else(|| deal.primary_contact.as_ref().and_then(|role| role.text("Contact.Email")));
    BillingEmail::parse(email.unwrap_or_default()).map_err(|problem| match problem {
        InvalidEmail::Empty => Stop::refused(
            Code::BillingEmailMissing,
            "Fill in Billing Email on the account, or give the opportunity a primary contact with an e-mail address: \
             Stripe needs one to send the invoice to.",
        ),
        InvalidEmail::TooLong | InvalidEmail::Malformed => Stop::refused(
            Code::BillingEmailInvalid,
            "Correct Billing Email on the account (or the e-mail of the primary contact): it must be one address of the \
             form name@example.com.",
        ),
    })
}

/// Stripe takes ISO codes for countries and two lines for the street; Salesforce holds names and one field with breaks.
fn address(account: &Record) -> Result<Option<Address>, Stop> {
    let text = |field: &str| account.text(&format!("Account.{field}")).map(str::to_owned);
    let mut street = account
        .text("Account.BillingStreet")
        .unwrap_or_default()
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let line1 = street.next().map(str::to_owned);
    let line2 = Some(street.collect::<Vec<_>>().join(", ")).filter(|rest| !rest.is_empty());
    let country = match account.text("Account.BillingCountry") {
        None => None,
        Some(country) => Some(CountryCode::parse(country).map_err(|_| {
            Stop::refused(
                Code::BillingCountryUnknown,
                "Correct Billing Country on the account: use the country's English name or its ISO 3166 code.",
            )
        })?),
    };
    let address = Address {
        line1,
        line2,
        city: text("BillingCity"),
        state: text("BillingState").map(|state| region(country, &state)),
        postal_code: text("BillingPostalCode"),
        country,
    };
    Ok(Some(address).filter(|address| *address != Address::default()))
}

/// Cuts at a character, never inside one.
pub(crate) fn cut(text: &str, most_characters: usize) -> String {
    text.chars().take(most_characters).collect()
}
