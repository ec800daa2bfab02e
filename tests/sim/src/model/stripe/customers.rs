//! Customers.

use std::collections::BTreeMap;

use domain::{CustomerId, TaxIdId};
use jiff::Timestamp;
use stripe::{Answer, TaxIdObject};

use super::failure::Failure;
use super::form::Form;
use super::{By, Stripe, second};
use crate::model::count;

const ADDRESS: [&str; 6] = ["line1", "line2", "city", "state", "postal_code", "country"];

#[derive(Debug, Clone)]
pub struct Customer {
    pub id: CustomerId,
    pub made_by: By,
    pub created: Timestamp,
    pub deleted: Option<Timestamp>,
    pub email: Option<String>,
    pub metadata: BTreeMap<String, String>,
    /// Oldest first.
    pub tax_ids: Vec<TaxIdObject>,
}

impl Customer {
    /// What it is for, if that is not everything.
    pub fn currency(&self) -> Option<&str> {
        self.metadata.get("sf_currency").map(String::as_str)
    }

    pub fn has_only(&self, tax_id: &str) -> bool {
        matches!(&self.tax_ids[..], [only] if only.value == tax_id)
    }

    /// A deleted customer is answered with nothing but its id.
    pub(super) fn shown(&self) -> stripe::Customer {
        match self.deleted {
            None => self.shown_undeleted(),
            Some(_) => stripe::Customer {
                id: self.id.clone(),
                deleted: true,
                metadata: BTreeMap::new(),
                created: Timestamp::UNIX_EPOCH,
            },
        }
    }

    /// As search still has it.
    pub(super) fn shown_undeleted(&self) -> stripe::Customer {
        stripe::Customer { id: self.id.clone(), deleted: false, metadata: self.metadata.clone(), created: self.created }
    }
}

impl Stripe {
    pub(super) fn create_customer(&mut self, now: Timestamp, mut form: Form) -> Result<Answer, Failure> {
        let metadata = form.take_map("metadata");
        let mut tax_ids = Vec::new();
        for mut tax_id in form.take_list("tax_id_data") {
            tax_ids.push(self.new_tax_id(&mut tax_id)?);
            self.understood(now, &tax_id, None)?;
        }
        let email = self.described(now, form)?;
        let id = self.new_customer(now, By::Us, email, metadata);
        self.customers.get_mut(&id).expect("it was made a moment ago").tax_ids = tax_ids;
        Ok(Answer::Customer(self.customers[&id].shown()))
    }

    pub(super) fn update_customer(&mut self, now: Timestamp, id: &str, form: Form) -> Result<Answer, Failure> {
        let email = self.described(now, form)?;
        let found = CustomerId::parse(id).ok().and_then(|id| self.customers.get_mut(&id));
        let Some(customer) = found.filter(|customer| customer.deleted.is_none()) else {
            return Err(Failure::not_found("customer", id));
        };
        if email.is_some() {
            customer.email = email;
        }
        Ok(Answer::Customer(customer.shown()))
    }

    fn new_tax_id(&mut self, form: &mut Form) -> Result<TaxIdObject, Failure> {
        let missing = |param: &str| Failure::malformed("parameter_missing", param);
        let kind = form.take("type").ok_or_else(|| missing("type"))?;
        let value = form.take("value").ok_or_else(|| missing("value"))?;
        if kind != "eu_vat" || !value.starts_with("DE") || value.len() != 11 {
            return Err(Failure::malformed("tax_id_invalid", "value"));
        }
        Ok(TaxIdObject { id: TaxIdId::parse(&self.next_id("txi")).expect("a prefix and digits"), kind, value })
    }

    fn with_tax_ids(&mut self, id: &str) -> Result<&mut Customer, Failure> {
        let found = CustomerId::parse(id).ok().and_then(|id| self.customers.get_mut(&id));
        found.filter(|customer| customer.deleted.is_none()).ok_or_else(|| Failure::not_found("customer", id))
    }

    /// One number is taken once.
    pub(super) fn add_tax_id(&mut self, now: Timestamp, id: &str, mut form: Form) -> Result<Answer, Failure> {
        let tax_id = self.new_tax_id(&mut form)?;
        self.understood(now, &form, None)?;
        let customer = self.with_tax_ids(id)?;
        if customer.tax_ids.iter().any(|there| there.value == tax_id.value) {
            return Err(Failure::refused("A tax ID with that value already exists for this customer."));
        }
        customer.tax_ids.push(tax_id);
        count(&mut self.facts, "a customer got a tax id");
        Ok(Answer::TaxIdAdded)
    }

    pub(super) fn remove_tax_id(&mut self, _: Timestamp, id: &str, tax_id: &str) -> Result<Answer, Failure> {
        let customer = self.with_tax_ids(id)?;
        let place = customer.tax_ids.iter().position(|there| there.id.as_str() == tax_id);
        customer.tax_ids.remove(place.ok_or_else(|| Failure::not_found("tax id", tax_id))?);
        count(&mut self.facts, "a customer lost a tax id");
        Ok(Answer::Deleted)
    }

    /// Who a customer is. Of all that, the address of e-mail is kept: there the invoices go.
    fn described(&mut self, now: Timestamp, mut form: Form) -> Result<Option<String>, Failure> {
        for name in ["name", "phone", "description"] {
            form.take(name);
        }
        let email = form.take("email");
        if email.as_deref().is_some_and(|email| !email.contains('@')) {
            let failure = Failure::malformed("email_invalid", "email");
            return Err(failure);
        }
        form.take("address");
        let mut address = form.take_map("address");
        let country = address.remove("country");
        if country.is_some_and(|code| !code.is_empty() && code.len() != 2) {
            return Err(Failure::malformed("country_code_invalid", "address[country]"));
        }
        address.retain(|name, _| !ADDRESS.contains(&name.as_str()));
        self.understood(now, &form, address.keys().next())?;
        Ok(email)
    }

    pub(super) fn new_customer(
        &mut self,
        now: Timestamp,
        made_by: By,
        email: Option<String>,
        metadata: BTreeMap<String, String>,
    ) -> CustomerId {
        let id = CustomerId::parse(&self.next_id("cus")).expect("a prefix and digits");
        let customer =
            Customer { id: id.clone(), made_by, created: second(now), deleted: None, email, metadata, tax_ids: vec![] };
        self.customers.insert(id.clone(), customer);
        id
    }

    /// Nothing of a request may be left that Stripe does not know. Our own code sends no such thing.
    pub(super) fn understood(&mut self, now: Timestamp, form: &Form, also: Option<&String>) -> Result<(), Failure> {
        let Some(unknown) = form.leftover().or(also.map(String::as_str)) else {
            return Ok(());
        };
        self.violate(now, "every_parameter_is_known", format!("nobody knows the parameter {unknown}"));
        Err(Failure::malformed("parameter_unknown", unknown))
    }
}
