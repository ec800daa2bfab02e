//! Create, update, delete and upsert, each all or nothing, with the checks that the vendor makes and in its order.

mod flows;
mod opportunity;
mod rules;
mod value;

use super::error::{self, ApiError};
use super::id;
use super::json::Json;
use super::org::{Actor, Change, ChangeType, Org, is_deleted, text};
use super::schema::{Object, Rule};
use super::store::Record;
use super::viewer::{Action, Viewer};

#[derive(Debug)]
pub enum UpsertError {
    /// Several records have this external id.
    Many(Vec<String>),
    Api(ApiError),
}

impl From<ApiError> for UpsertError {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

/// An upsert: the object, its external id field and value, and the other fields.
#[derive(Debug, Clone, Copy)]
pub struct Upsert<'a> {
    pub object: &'a str,
    pub field: &'a str,
    pub value: &'a str,
    pub body: &'a Json,
    pub update_only: bool,
}

impl Org {
    pub fn create(&mut self, actor: &Actor, object: &str, body: &Json) -> Result<String, ApiError> {
        self.all_or_nothing(|org| org.insert_record(actor, object, body))
    }

    pub fn update(&mut self, actor: &Actor, object: &str, id: &str, body: &Json) -> Result<(), ApiError> {
        self.all_or_nothing(|org| org.update_record(actor, object, id, body))
    }

    pub fn delete(&mut self, actor: &Actor, object: &str, id: &str) -> Result<(), ApiError> {
        self.all_or_nothing(|org| org.delete_record(actor, object, id))
    }

    /// The id, and whether the record is new.
    pub fn upsert(&mut self, actor: &Actor, upsert: Upsert<'_>) -> Result<(String, bool), UpsertError> {
        let (name, field_name) = {
            let viewer = self.viewer(actor.access);
            let object = viewer.object(upsert.object)?;
            let field = viewer.field(object, upsert.field).filter(|field| field.external_id || field.name == "Id");
            (object.name.clone(), field.ok_or_else(|| no_external_id(upsert.field))?.name.clone())
        };
        if upsert.body.get(&field_name).is_some() || upsert.body.get("Id").is_some() {
            let given = if upsert.body.get(&field_name).is_some() { &field_name } else { "Id" };
            return Err(not_in_the_body(given).into());
        }
        if field_name == "Id" {
            self.update(actor, &name, upsert.value, upsert.body)?;
            return Ok((upsert.value.to_owned(), false));
        }
        let found = self.store.find(&name, &field_name, upsert.value);
        let ids: Vec<String> = found.filter(|(_, record)| !is_deleted(record)).map(|(id, _)| id.to_owned()).collect();
        match ids.as_slice() {
            [] if upsert.update_only => Err(error::not_found().into()),
            [] => {
                let mut members = upsert.body.members().to_vec();
                members.push((field_name, upsert.value.into()));
                Ok((self.create(actor, &name, &Json::Object(members))?, true))
            }
            [id] => {
                self.update(actor, &name, id, upsert.body)?;
                Ok((id.clone(), false))
            }
            _ => Err(UpsertError::Many(ids)),
        }
    }

    fn all_or_nothing<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, ApiError>) -> Result<T, ApiError> {
        let savepoint = self.savepoint();
        let result = work(self);
        if result.is_err() {
            self.rollback(savepoint);
        }
        result
    }

    fn insert_record(&mut self, actor: &Actor, name: &str, body: &Json) -> Result<String, ApiError> {
        let viewer = self.viewer(actor.access);
        let object = viewer.object(name)?;
        viewer.check(object, Action::Create)?;
        let mut record = defaults(object);
        for (field, value) in self.given(viewer, object, body, Action::Create)? {
            record.insert(field, value);
        }
        let (name, prefix, is_event) = (object.name.clone(), object.key_prefix.clone(), object.is_event());
        if object.fields.iter().any(|field| field.name == "OwnerId") {
            record.entry("OwnerId".into()).or_insert_with(|| actor.user_id.as_str().into());
        }
        if object.field("CurrencyIsoCode").is_some() && !record.contains_key("CurrencyIsoCode") {
            record.insert("CurrencyIsoCode".into(), self.org_currency.as_str().into());
        }
        let id = self.next_id(&prefix);
        record.insert("Id".into(), id.as_str().into());
        record.insert("IsDeleted".into(), false.into());
        self.stamp(&mut record, &actor.user_id, actor.now_ms, true);
        self.before_save(&name, &mut record, None)?;
        self.check_required(&name, &record)?;
        self.check_unique(&name, &id, &record)?;
        if is_event {
            self.published(&name, &id, record, actor);
            return Ok(id);
        }
        self.hold_row(&id, &record, actor)?;
        self.store.put(&name, &id, record);
        self.after_save(&name, &id, None, actor)?;
        Ok(id)
    }

    fn update_record(&mut self, actor: &Actor, name: &str, id: &str, body: &Json) -> Result<(), ApiError> {
        let viewer = self.viewer(actor.access);
        let object = viewer.object(name)?;
        let id = checked_id(object, id)?;
        let old = self.store.get(&object.name, &id).ok_or_else(error::not_found)?.clone();
        if is_deleted(&old) {
            return Err(error::is_deleted());
        }
        viewer.check(object, Action::Edit)?;
        let mut record = old.clone();
        for (field, value) in self.given(viewer, object, body, Action::Edit)? {
            record.insert(field, value);
        }
        let name = object.name.clone();
        self.hold_row(&id, &old, actor)?;
        self.stamp(&mut record, &actor.user_id, actor.now_ms, false);
        self.before_save(&name, &mut record, Some(&old))?;
        self.check_required(&name, &record)?;
        self.check_unique(&name, &id, &record)?;
        self.store.put(&name, &id, record);
        self.after_save(&name, &id, Some(&old), actor)?;
        self.run_flows(&name, &id, &old, actor);
        Ok(())
    }

    fn delete_record(&mut self, actor: &Actor, name: &str, id: &str) -> Result<(), ApiError> {
        let viewer = self.viewer(actor.access);
        let object = viewer.object(name)?;
        let id = checked_id(object, id)?;
        let mut record = self.store.get(&object.name, &id).ok_or_else(error::not_found)?.clone();
        if is_deleted(&record) {
            return Err(error::is_deleted());
        }
        viewer.check(object, Action::Delete)?;
        let name = object.name.clone();
        self.hold_row(&id, &record, actor)?;
        self.delete_dependents(&name, &id, actor)?;
        record.insert("IsDeleted".into(), true.into());
        self.stamp(&mut record, &actor.user_id, actor.now_ms, false);
        self.store.put(&name, &id, record.clone());
        self.after_delete(&name, &id, &record, actor);
        Ok(())
    }

    /// Whatever hangs on an account holds that: two writes of its opportunities are in each other's way.
    fn hold_row(&mut self, id: &str, record: &Record, actor: &Actor) -> Result<(), ApiError> {
        self.locks.take(text(record, "AccountId").unwrap_or(id), actor.now_ms)
    }

    /// The fields of the body, checked against what exists, what may be written, and what each type holds.
    fn given(
        &self,
        viewer: Viewer<'_>,
        object: &Object,
        body: &Json,
        action: Action,
    ) -> Result<Vec<(String, Json)>, ApiError> {
        let Json::Object(members) = body else {
            return Err(error::malformed_json("The HTTP entity body is required to be a JSON object"));
        };
        let mut given = Vec::new();
        for (name, value) in members.iter().filter(|(name, _)| name != "attributes") {
            let object = viewer.object(&object.name)?;
            let field = viewer.field(object, name).ok_or_else(|| error::no_such_column(name, &object.name))?;
            if field.name == "Id" {
                return Err(not_in_the_body("Id"));
            }
            let writable = match action {
                Action::Create => viewer.may_create(object, field),
                _ => viewer.may_update(object, field),
            };
            if !writable {
                return Err(error::not_editable(&field.name));
            }
            given.push((field.name.clone(), value::checked(self, field, value)?));
        }
        Ok(given)
    }

    fn check_required(&self, name: &str, record: &Record) -> Result<(), ApiError> {
        let object = self.schema.object(name).ok_or_else(|| error::unknown_object(name))?;
        let is_missing = |field: &&super::schema::Field| {
            field.rule == Rule::Required && record.get(&field.name).is_none_or(Json::is_null)
        };
        let missing: Vec<&str> = object.fields.iter().filter(is_missing).map(|field| field.name.as_str()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let message = format!("Required fields are missing: [{}]", missing.join(", "));
        let error = ApiError::new(400, "REQUIRED_FIELD_MISSING", message);
        Err(missing.into_iter().fold(error, ApiError::on))
    }

    fn check_unique(&self, name: &str, id: &str, record: &Record) -> Result<(), ApiError> {
        let object = self.schema.object(name).ok_or_else(|| error::unknown_object(name))?;
        for field in object.fields.iter().filter(|field| field.unique) {
            let Some(value) = text(record, &field.name) else {
                continue;
            };
            let found = self.store.find(name, &field.name, value);
            if let Some((other, _)) = found.filter(|(_, record)| !is_deleted(record)).find(|(other, _)| *other != id) {
                let message = format!(
                    "duplicate value found: {} duplicates value on record with id: {}",
                    field.name,
                    &other[..15]
                );
                return Err(ApiError::new(400, "DUPLICATE_VALUE", message));
            }
        }
        Ok(())
    }

    fn published(&mut self, name: &str, id: &str, record: Record, actor: &Actor) {
        self.changes.push(Change {
            object: name.to_owned(),
            id: id.to_owned(),
            change_type: ChangeType::Create,
            changed: record.into_iter().filter(|(field, _)| field.ends_with("__c")).collect(),
            turned_won: false,
            user_id: actor.user_id.clone(),
            at_ms: actor.now_ms,
        });
    }
}

fn defaults(object: &Object) -> Record {
    let default = |field: &super::schema::Field| Some((field.name.clone(), field.default.clone()?));
    object.fields.iter().filter_map(default).collect()
}

/// The id in its long form, if it is one of this object's.
pub fn checked_id(object: &Object, text: &str) -> Result<String, ApiError> {
    match id::normalize(text) {
        Some(id) if id.starts_with(&object.key_prefix) => Ok(id),
        Some(_) => Err(error::malformed_id(&format!("{} ID", object.label), text, None)),
        None if matches!(text.len(), 15 | 18) => Err(error::malformed_id(&format!("{} ID", object.label), text, None)),
        None => Err(no_external_id(text)),
    }
}

fn no_external_id(given: &str) -> ApiError {
    let message = format!("Provided external ID field does not exist or is not accessible: {given}");
    ApiError::new(404, "NOT_FOUND", message)
}

fn not_in_the_body(field: &str) -> ApiError {
    let message = format!("The {field} field should not be specified in the sobject data.");
    ApiError::new(400, "INVALID_FIELD", message)
}
