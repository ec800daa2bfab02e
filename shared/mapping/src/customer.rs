//! Account → the Stripe customer.

use domain::{
    Address, BillingEmail, CountryCode, InvalidEmail, InvalidTaxId, Record, TaxExempt, TaxId, UnknownCountry, region,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::stop::Refusals;
use crate::{Code, Deal, Settings, Stop};

/// Which addresses of an account a customer has besides the billing address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ShippingAddress {
    /// None: in many organizations the fields hold what somebody copied there once, and Stripe Tax would tax by it.
    #[default]
    Off,
    /// The account's, where it is another one.
    Account,
}

impl ShippingAddress {
    /// As the configuration writes it.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            "account" => Ok(Self::Account),
            _ => Err("it must be off or account".to_owned()),
        }
    }

    /// Read through the opportunity.
    pub(crate) fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Off => &[],
            Self::Account => &[
                "Account.ShippingStreet",
                "Account.ShippingCity",
                "Account.ShippingState",
                "Account.ShippingPostalCode",
                "Account.ShippingCountry",
            ],
        }
    }
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerDetails {
    pub name: String,
    /// `None` only for a customer who is there already, and of whose address the account says nothing.
    pub email: Option<BillingEmail>,
    pub phone: Option<String>,
    pub address: Option<Address>,
    /// Where goods go, if that is somewhere else. Stripe Tax taxes by it.
    #[serde(default)]
    pub shipping: Option<Address>,
    /// What Salesforce says of it; nothing is not the same as `none`, which a person may have changed at Stripe.
    #[serde(default)]
    pub exempt: Option<TaxExempt>,
    /// It stands on the invoices, and in Stripe Tax it makes a business of the customer.
    #[serde(default)]
    pub tax_id: Option<TaxId>,
    /// The address of e-mail is the account's own. Another is the deal's primary contact's, who may be someone else with every deal.
    #[serde(default)]
    pub email_is_accounts: bool,
    /// When Salesforce last changed the account, so that of two deals the one that was read later has the last word.
    #[serde(default)]
    pub modified_at: Option<Timestamp>,
    /// No deal asks for the customer: one that is not there any more is not made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_for_news: bool,
}

impl CustomerDetails {
    /// Somebody at the account's own address of e-mail, of whom nothing else is known.
    pub fn new(name: String, email: BillingEmail) -> Self {
        Self::named(name, Some(email))
    }

    fn named(name: String, email: Option<BillingEmail>) -> Self {
        Self {
            name,
            email,
            phone: None,
            address: None,
            shipping: None,
            exempt: None,
            tax_id: None,
            email_is_accounts: true,
            modified_at: None,
            is_for_news: false,
        }
    }

    pub(crate) fn for_news(self) -> Self {
        Self { is_for_news: true, ..self }
    }
}

/// Names and addresses of people have no place in a log.
impl std::fmt::Debug for CustomerDetails {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CustomerDetails(…)")
    }
}

/// The account's own billing address of e-mail comes first; without one the primary contact of the deal gets the invoice.
pub(crate) fn customer(deal: &Deal, settings: &Settings, refusals: &mut Refusals) -> Option<CustomerDetails> {
    let email = refusals.take(email(deal));
    let details = described(&deal.opportunity, email.clone(), settings, refusals);
    details.filter(|_| email.is_some())
}

/// `account` is read through an opportunity, or as if it were.
pub(crate) fn described(
    account: &Record,
    email: Option<BillingEmail>,
    settings: &Settings,
    refusals: &mut Refusals,
) -> Option<CustomerDetails> {
    let name = account.text("Account.Name").ok_or_else(|| {
        Stop::refused(Code::AccountNameMissing, "Give the account a name: it is the name on the invoice.")
    });
    let name = refusals.take(name);
    let address = refusals.take(address(account, "Billing", Code::BillingCountryUnknown));
    let shipping = match settings.shipping {
        ShippingAddress::Off => Some(None),
        ShippingAddress::Account => refusals.take(shipping(account, address.as_ref().and_then(Option::as_ref))),
    };
    let (exempt, tax_id) = (refusals.take(exempt(account)), refusals.take(tax_id(account)));
    let phone = account.text("Account.Phone").map(|phone| cut(phone, 20));
    let email_is_accounts = account.text("Account.Billing_Email__c").is_some();
    let modified_at = crate::sweep::time(account, "Account.SystemModstamp");
    let (address, known) = (address?, CustomerDetails::named(cut(name?, 256), email));
    let (shipping, exempt, tax_id) = (shipping?, exempt?, tax_id?);
    Some(CustomerDetails { phone, address, shipping, exempt, tax_id, email_is_accounts, modified_at, ..known })
}

fn email(deal: &Deal) -> Result<BillingEmail, Stop> {
    if let Some(email) = account_email(&deal.opportunity)? {
        return Ok(email);
    }
    let email = deal.primary_contact.as_ref().and_then(|role| role.text("Contact.Email"));
    BillingEmail::parse(email.unwrap_or_default()).map_err(no_email)
}

/// The account's own, if it has one.
pub(crate) fn account_email(account: &Record) -> Result<Option<BillingEmail>, Stop> {
    account.text("Account.Billing_Email__c").map(BillingEmail::parse).transpose().map_err(no_email)
}

fn no_email(problem: InvalidEmail) -> Stop {
    match problem {
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
    }
}

/// Stripe takes ISO codes for countries and two lines for the street; Salesforce holds names and one field with breaks.
fn address(account: &Record, which: &str, unknown_country: Code) -> Result<Option<Address>, Stop> {
    let text = |part: &str| account.text(&format!("Account.{which}{part}"));
    let mut street = text("Street").unwrap_or_default().lines().map(str::trim).filter(|line| !line.is_empty());
    let line1 = street.next().map(str::to_owned);
    let line2 = Some(street.collect::<Vec<_>>().join(", ")).filter(|rest| !rest.is_empty());
    let country = text("Country").map(CountryCode::parse).transpose().map_err(|UnknownCountry| {
        Stop::refused(
            unknown_country,
            format!("Correct {which} Country on the account: use the country's English name or its ISO 3166 code."),
        )
    })?;
    let address = Address {
        line1,
        line2,
        city: text("City").map(str::to_owned),
        state: text("State").map(|state| region(country, state)),
        postal_code: text("PostalCode").map(str::to_owned),
        country,
    };
    Ok(Some(address).filter(|address| *address != Address::default()))
}

/// One that is the billing address, or that is not filled in, is none. Stripe does not fall back on the billing address where it cannot
/// tax by a shipping address, so half of one is refused.
fn shipping(account: &Record, billing: Option<&Address>) -> Result<Option<Address>, Stop> {
    let address = address(account, "Shipping", Code::ShippingAddressIncomplete)?;
    let Some(address) = address.filter(|address| Some(address) != billing) else {
        return Ok(None);
    };
    let missing = match &address {
        Address { line1: None, .. } => "Shipping Street",
        Address { country: None, .. } => "Shipping Country",
        _ => return Ok(Some(address)),
    };
    let message =
        format!("Fill in {missing} on the account, or empty its shipping address: half of one is not told to Stripe.");
    Err(Stop::refused(Code::ShippingAddressIncomplete, message))
}

fn exempt(account: &Record) -> Result<Option<TaxExempt>, Stop> {
    account.text("Account.Tax_Exempt__c").map(TaxExempt::parse).transpose().map_err(|why| {
        Stop::refused(Code::TaxExemptUnknown, format!("Correct Tax Exempt on the account: {why}, or empty."))
    })
}

fn tax_id(account: &Record) -> Result<Option<TaxId>, Stop> {
    let Some(value) = account.text("Account.Tax_Id__c") else { return Ok(None) };
    let kind = account.text("Account.Tax_Id_Type__c");
    TaxId::parse(kind, value).map(Some).map_err(|why| {
        let message = match why {
            InvalidTaxId::Malformed => "Correct Tax Id on the account: it must be one number, of at most 50 letters and digits.",
            InvalidTaxId::UnknownType => {
                "Fill in Tax Id Type on the account, with Stripe's name for it, like us_ein or es_cif: the number does not say \
                 whose it is. VAT numbers of the European Union begin with the country, like DE123456789 (Greece: EL); Norway's end with MVA."
            }
            InvalidTaxId::NotATypeOfStripes => {
                "Correct Tax Id Type on the account: it must be one of Stripe's names, like eu_vat, gb_vat or us_ein."
            }
        };
        Stop::refused(Code::TaxIdInvalid, message)
    })
}

/// Cuts at a character, never inside one.
pub(crate) fn cut(text: &str, most_characters: usize) -> String {
    text.chars().take(most_characters).collect()
}
