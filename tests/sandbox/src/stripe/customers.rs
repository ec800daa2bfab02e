//! Customers.

use super::error::Error;
use super::list;
use super::params::merge_metadata;
use super::search;
use super::state::{Call, State, assign, is_deleted, text};
use super::subscriptions;
use super::tax;
use super::tax_ids;
use serde_json::{Value, json};

const SEARCHABLE: [&str; 5] = ["created", "email", "metadata", "name", "phone"];
const PLAIN: [&str; 8] =
    ["business_name", "description", "email", "individual_name", "name", "phone", "preferred_locales", "tax_exempt"];
const ADDRESS: [&str; 6] = ["city", "country", "line1", "line2", "postal_code", "state"];

pub fn create(state: &mut State, call: &Call) -> Result<Value, Error> {
    let mut customer = blank(state.now);
    apply(&mut customer, call)?;
    let id = state.new_id("cus");
    // Unique, upper case, at most twelve characters: the beginning of every invoice number of this customer.
    let prefix = format!("SB{}", &id[id.len() - 6..]);
    customer["id"] = id.into();
    for (name, value) in [("invoice_prefix", json!(prefix)), ("next_invoice_sequence", json!(1))] {
        if customer[name].is_null() {
            customer[name] = value;
        }
    }
    let id = text(&customer, "id").to_owned();
    for (index, data) in call.params.get("tax_id_data").and_then(Value::as_array).into_iter().flatten().enumerate() {
        if let Err(error) = tax_ids::add(state, &id, data, &format!("tax_id_data[{index}][value]")) {
            tax_ids::end_of_customer(state, &id);
            return Err(error);
        }
    }
    state.put("customer", customer.clone());
    state.emit("customer.created", "customer", &customer);
    Ok(customer)
}

fn blank(now: i64) -> Value {
    json!({
        "id": null,
        "object": "customer",
        "address": null,
        "balance": 0,
        "business_name": null,
        "created": now,
        "currency": null,
        "customer_account": null,
        "default_source": null,
        "delinquent": false,
        "description": null,
        "discount": null,
        "email": null,
        "individual_name": null,
        "invoice_prefix": null,
        "invoice_settings": {
            "custom_fields": null,
            "default_payment_method": null,
            "footer": null,
            "rendering_options": null,
        },
        "livemode": false,
        "metadata": {},
        "name": null,
        "next_invoice_sequence": null,
        "phone": null,
        "preferred_locales": [],
        "shipping": null,
        "tax_exempt": "none",
        "test_clock": null,
    })
}

fn apply(customer: &mut Value, call: &Call) -> Result<(), Error> {
    if let Some(email) = call.text("email") {
        check_email(email)?;
    }
    for name in ["business_name", "individual_name"] {
        if call.text(name).is_some_and(|text| text.chars().count() > 150) {
            return Err(Error::invalid(name, format!("Invalid {name}: must be at most 150 characters")));
        }
    }
    assign(customer, &call.params, &PLAIN);
    assign(customer, &call.params, &["balance", "invoice_prefix", "next_invoice_sequence"]);
    if customer["tax_exempt"].is_null() {
        customer["tax_exempt"] = "none".into();
    }
    match call.params.get("address") {
        None => {}
        Some(Value::Object(_)) => {
            let merged = address(&customer["address"], &call.params["address"], "address")?;
            customer["address"] = merged;
        }
        Some(_) => customer["address"] = Value::Null,
    }
    match call.params.get("shipping") {
        None => {}
        Some(Value::Object(shipping)) => {
            let address = address(&customer["shipping"]["address"], &shipping["address"], "shipping[address]")?;
            let phone = shipping.get("phone").cloned().unwrap_or_default();
            customer["shipping"] = json!({ "address": address, "name": shipping["name"], "phone": phone });
        }
        Some(_) => customer["shipping"] = Value::Null,
    }
    if let Some(Value::Object(settings)) = call.params.get("invoice_settings") {
        check_custom_fields(settings.get("custom_fields"), "invoice_settings[custom_fields]")?;
        let names = ["custom_fields", "default_payment_method", "footer", "rendering_options"];
        assign(&mut customer["invoice_settings"], settings, &names);
    }
    if call.params.get("tax").is_some_and(|tax| tax["ip_address"].is_string()) {
        return Err(Error::unmodelled("`tax[ip_address]`"));
    }
    if call.params.get("tax").is_some_and(|tax| tax["validate_location"] == "immediately") {
        tax::check_location(customer, "tax[validate_location]")?;
    }
    merge_metadata(&mut customer["metadata"], &call.params, "metadata")
}

/// One address with a local part and a domain. Stripe is no stricter than that about what may be in front of the at.
fn check_email(email: &str) -> Result<(), Error> {
    let well_formed = email.split_once('@').is_some_and(|(local, domain)| {
        let labels_filled = domain.split('.').all(|label| !label.is_empty());
        !local.is_empty() && domain.contains('.') && labels_filled && !domain.contains('@')
    });
    let unprintable =
        |character: char| character.is_whitespace() || character.is_control() || ",;<>".contains(character);
    if !well_formed || email.chars().any(unprintable) || email.chars().count() > 512 {
        return Err(Error::invalid("email", format!("Invalid email address: {email}")).code("email_invalid"));
    }
    Ok(())
}

fn address(current: &Value, changes: &Value, param: &str) -> Result<Value, Error> {
    if let Some(country) = changes["country"].as_str().filter(|country| !country.is_empty())
        && !(country.len() == 2 && country.chars().all(|character| character.is_ascii_alphabetic()))
    {
        let message = format!(
            "Country '{country}' is unknown. Try using a 2-character alphanumeric country code instead, such as 'US', \
             'EG', or 'GB'. A full list of country codes is available at https://stripe.com/global"
        );
        return Err(Error::invalid(&format!("{param}[country]"), message).code("country_code_invalid"));
    }
    let mut merged = json!({});
    for name in ADDRESS {
        merged[name] = match &changes[name] {
            Value::Null => current[name].clone(),
            Value::String(text) if text.is_empty() => Value::Null,
            change => change.clone(),
        };
    }
    if let Some(country) = merged["country"].as_str() {
        merged["country"] = country.to_ascii_uppercase().into();
    }
    Ok(merged)
}

/// At most four, with names of 40 and values of 140 characters. Invoices share the rule.
pub fn check_custom_fields(fields: Option<&Value>, param: &str) -> Result<(), Error> {
    let fields = fields.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if fields.len() > 4 {
        return Err(Error::invalid(param, "You may only specify up to 4 custom fields."));
    }
    for (index, field) in fields.iter().enumerate() {
        for (name, longest) in [("name", 40), ("value", 140)] {
            if text(field, name).chars().count() > longest {
                let message = format!("Invalid string: must be at most {longest} characters");
                return Err(Error::invalid(&format!("{param}[{index}][{name}]"), message));
            }
        }
    }
    Ok(())
}

/// A deleted customer is still found, as the stub that deletion left.
pub fn retrieve(state: &mut State, call: &Call) -> Result<Value, Error> {
    state.named("customer", call.id()).cloned()
}

pub fn update(state: &mut State, call: &Call) -> Result<Value, Error> {
    let before = state.named("customer", call.id())?.clone();
    if is_deleted(&before) {
        return Err(Error::not_found("customer", call.id()));
    }
    let mut customer = before.clone();
    apply(&mut customer, call)?;
    let moves = ["address", "shipping"].iter().any(|name| call.params.contains_key(*name));
    let asks = call
        .params
        .get("tax")
        .is_none_or(|tax| tax["validate_location"].is_null() || tax["validate_location"] == "auto");
    if moves && asks && subscriptions::are_taxed(state, call.id()) {
        tax::check_location(&customer, "address")?;
    }
    state.put("customer", customer.clone());
    state.emit_updated("customer.updated", "customer", &before, &customer);
    Ok(customer)
}

pub fn delete(state: &mut State, call: &Call) -> Result<Value, Error> {
    let customer = state.named("customer", call.id())?.clone();
    if is_deleted(&customer) {
        return Err(Error::not_found("customer", call.id()));
    }
    subscriptions::end_of_customer(state, call.id());
    tax_ids::end_of_customer(state, call.id());
    let stub = json!({ "id": call.id(), "object": "customer", "deleted": true });
    state.put("customer", stub.clone());
    state.emit("customer.deleted", "customer", &customer);
    Ok(stub)
}

pub fn list(state: &mut State, call: &Call) -> Result<Value, Error> {
    let rows = state
        .table("customer")
        .newest_first()
        .filter(|row| !is_deleted(row) && list::equal(call, "email", row) && list::in_range(call, "created", row));
    list::page(call, rows, "customer", "/v1/customers")
}

pub fn search(state: &mut State, call: &Call) -> Result<Value, Error> {
    search::search(state, call, "customer", &SEARCHABLE)
}
