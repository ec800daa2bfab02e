//! What Stripe was last told of a customer, and what is new since.

use domain::{Address, BillingEmail, TaxExempt, TaxId, TaxIdId, plain_tax_id};
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

    /// However it is written.
    fn of_tax_id(kind: &str, value: &str) -> Self {
        Self::of([Some(kind), Some(plain_tax_id(value).as_str())])
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
    /// Nothing, where Salesforce never said anything of it: what a person wrote at Stripe stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shipping: Option<Print>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exempt: Option<Print>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tax_id: Option<Print>,
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
    /// With the name that goes with it.
    pub shipping: Option<Option<(String, Address)>>,
    pub exempt: Option<TaxExempt>,
}

/// A customer has any number of tax ids; one of them is the account's. Each is an object of its own at Stripe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxIdSeen {
    pub id: TaxIdId,
    pub kind: String,
    pub value: String,
}

/// What is to become of a customer's tax ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxIdNews {
    pub add: Option<TaxId>,
    pub remove: Vec<TaxIdId>,
}

impl TaxIdNews {
    pub fn is_none(&self) -> bool {
        self.add.is_none() && self.remove.is_empty()
    }
}

/// Names and addresses of people have no place in a log.
impl std::fmt::Debug for CustomerNews {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CustomerNews(…)")
    }
}

impl Told {
    /// How old in Salesforce what was told is.
    pub fn modified_at(&self) -> Option<Timestamp> {
        self.modified_at
    }

    /// What the customer has of tax ids is not certain: it is looked at before it is said anew.
    pub fn without_tax_id(self) -> Self {
        Self { tax_id: None, ..self }
    }
}

impl CustomerDetails {
    /// Once all of this is told, after what was told before.
    pub fn told(&self, before: Option<&Told>) -> Told {
        let own = self.email.as_ref().filter(|_| self.email_is_accounts);
        let email = own.map(|email| Print::of([Some(email.as_str())]));
        Told {
            name: Print::of([Some(self.name.as_str())]),
            email: email.or_else(|| before.and_then(|told| told.email.clone())),
            phone: Print::of([self.phone.as_deref()]),
            address: Print::of(self.address.clone().unwrap_or_default().parts().map(|(_, part)| part)),
            shipping: self.shipping.as_ref().map(|address| Print::of(address.parts().map(|(_, part)| part))),
            exempt: self.exempt.map(|exempt| Print::of([Some(exempt.as_str())])),
            tax_id: self.tax_id.as_ref().map(|tax_id| Print::of_tax_id(tax_id.kind.as_str(), &tax_id.value)),
            modified_at: self.modified_at,
        }
    }

    /// Once the news since then are told, which are not all that there is to tell: that is not the last word of this reading yet.
    pub fn told_by_news(&self, before: Option<&Told>) -> Told {
        let (tax_id, modified_at) = before.map(|told| (told.tax_id.clone(), told.modified_at)).unwrap_or_default();
        let now = self.told(before);
        let shipping = now.shipping.clone().filter(|_| self.shipping_news(before) != Some(None));
        Told { tax_id, modified_at, shipping, ..now }
    }

    /// A deal that was read before the last that was told has nothing new to say. One that read the same says the same, unless more is
    /// read by now than then: fields that the program did not know, or a setting that was not on.
    fn is_stale(&self, told: Option<&Told>) -> bool {
        told.is_some_and(|told| self.modified_at < told.modified_at)
    }

    /// What Salesforce says otherwise by now; to one of whom nobody remembers what was told, everything. A tax id is told by itself.
    pub fn news_since(&self, told: Option<&Told>) -> Option<CustomerNews> {
        if self.is_stale(told) {
            return None;
        }
        let now = self.told(told);
        let is_new = |differs: fn(&Told, &Told) -> bool| told.is_none_or(|told| differs(told, &now));
        // Nobody takes away what Salesforce never spoke of.
        let exempt = self.exempt.or_else(|| told.map(|_| TaxExempt::None));
        let news = CustomerNews {
            name: is_new(|told, now| told.name != now.name).then(|| self.name.clone()),
            email: self.email.clone().filter(|_| self.email_is_accounts && is_new(|told, now| told.email != now.email)),
            phone: self.phone.clone().filter(|_| is_new(|told, now| told.phone != now.phone)),
            address: is_new(|told, now| told.address != now.address).then(|| self.address.clone()),
            shipping: self.shipping_news(told),
            exempt: exempt.filter(|_| is_new(|told, now| told.exempt != now.exempt)),
        };
        (news != CustomerNews::default()).then_some(news)
    }

    /// Before another one is told, the one before is taken away: what the new one leaves out would stay, and parts cannot be emptied. With
    /// another name it only gets that.
    fn shipping_news(&self, told: Option<&Told>) -> Option<Option<(String, Address)>> {
        let now = self.told(told);
        let is_renamed = told.is_some_and(|told| told.name != now.name);
        match (&self.shipping, told.map(|told| &told.shipping)) {
            (None, None | Some(None)) => None,
            (None, Some(Some(_))) => Some(None),
            (Some(address), Some(None)) => Some(Some((self.name.clone(), address.clone()))),
            (Some(address), Some(before)) if *before == now.shipping => {
                is_renamed.then(|| Some((self.name.clone(), address.clone())))
            }
            (Some(_), _) => Some(None),
        }
    }

    /// Whether this is what was told or refused then, however much else of the account has changed.
    pub fn says_the_same_as(&self, told: &Told) -> bool {
        self.told(Some(told)) == Told { modified_at: self.modified_at, ..told.clone() }
    }

    /// Whether the customer's tax ids have to be looked at.
    pub fn tax_id_is_new(&self, told: &Told) -> bool {
        !self.is_stale(Some(told)) && self.told(Some(told)).tax_id != told.tax_id
    }

    /// Once the account's tax id is there; those that it takes the place of may be there still.
    pub fn told_tax_id(&self, before: Told) -> Told {
        Told { tax_id: self.told(None).tax_id, ..before }
    }

    /// What is to be done about the tax ids that a customer has: the account's is added, and takes the place of those of its type, of the
    /// one that was told before, and of those that were to go already. Others stay: a person added them.
    pub fn tax_id_news(&self, told: &Told, there: &[TaxIdSeen], going: &[TaxIdId]) -> TaxIdNews {
        let is_there = |tax_id: &TaxId| there.iter().any(|seen| tax_id.is(&seen.kind, &seen.value));
        let is_former = |seen: &TaxIdSeen| told.tax_id == Some(Print::of_tax_id(&seen.kind, &seen.value));
        let goes = |seen: &&TaxIdSeen| match &self.tax_id {
            Some(tax_id) if tax_id.is(&seen.kind, &seen.value) => false,
            _ if going.contains(&seen.id) => true,
            Some(tax_id) => tax_id.kind.as_str() == seen.kind || is_former(seen),
            None => is_former(seen),
        };
        TaxIdNews {
            add: self.tax_id.clone().filter(|tax_id| !is_there(tax_id)),
            remove: there.iter().filter(goes).map(|seen| seen.id.clone()).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
