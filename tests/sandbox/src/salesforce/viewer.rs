//! What one session may see. Hidden and missing look the same from outside, so both are answered here.

use super::error::{self, ApiError};
use super::schema::{Field, Object, Rule, Schema};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// An administrator: everything.
    All,
    /// The integration user: what the permission set grants.
    Granted,
}

#[derive(Debug, Clone, Copy)]
pub struct Viewer<'a> {
    pub schema: &'a Schema,
    pub access: Access,
    pub multi_currency: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Create,
    Edit,
    Delete,
}

impl<'a> Viewer<'a> {
    pub fn object(&self, name: &str) -> Result<&'a Object, ApiError> {
        let object = self.schema.object(name).ok_or_else(|| error::unknown_object(name))?;
        if self.may_read(object) { Ok(object) } else { Err(error::unknown_object(name)) }
    }

    fn may_read(&self, object: &Object) -> bool {
        match (self.access, &object.secured_by) {
            (Access::All, _) | (_, None) => true,
            (Access::Granted, Some(owner)) => self.schema.permissions.object(owner).read,
        }
    }

    pub fn check(&self, object: &Object, action: Action) -> Result<(), ApiError> {
        let Some(owner) = object.secured_by.as_deref().filter(|_| self.access == Access::Granted) else {
            return Ok(());
        };
        let access = self.schema.permissions.object(owner);
        let follows_another = owner != object.name;
        let allowed = match action {
            // Adding or removing a line is an edit of its opportunity.
            _ if follows_another => access.edit,
            Action::Create => access.create,
            Action::Edit => access.edit,
            Action::Delete => access.delete,
        };
        if allowed { Ok(()) } else { Err(error::insufficient_access()) }
    }

    pub fn offered(&self, object: &Object, field: &Field) -> &'a [String] {
        self.schema.offered(&object.name, &field.name)
    }

    pub fn objects(&self) -> impl Iterator<Item = &'a Object> {
        let viewer = *self;
        self.schema.objects.iter().filter(move |object| viewer.may_read(object))
    }

    pub fn fields(&self, object: &'a Object) -> impl Iterator<Item = &'a Field> {
        let viewer = *self;
        object.fields.iter().filter(move |field| viewer.may_see(object, field))
    }

    pub fn field(&self, object: &'a Object, name: &str) -> Option<&'a Field> {
        object.field(name).filter(|field| self.may_see(object, field))
    }

    fn may_see(&self, object: &Object, field: &Field) -> bool {
        (field.name != "CurrencyIsoCode" || self.multi_currency) && self.granted(object, field).is_some()
    }

    pub fn may_create(&self, object: &Object, field: &Field) -> bool {
        self.may_update(object, field) || field.rule == Rule::CreateOnly
    }

    pub fn may_update(&self, object: &Object, field: &Field) -> bool {
        let computed = matches!(field.rule, Rule::System | Rule::GovernedSystem | Rule::CreateOnly);
        !computed && self.granted(object, field) == Some(true)
    }

    /// Whether field-level security lets the field be edited; nothing if it hides the field.
    fn granted(&self, object: &Object, field: &Field) -> Option<bool> {
        if self.access == Access::All || object.is_event() {
            return Some(true);
        }
        match &field.rule {
            Rule::Governed | Rule::GovernedSystem => self.schema.permissions.field(&object.name, &field.name),
            Rule::PartOf(compound) => self.schema.permissions.field(&object.name, compound),
            Rule::Required | Rule::Open | Rule::CreateOnly | Rule::System => Some(true),
        }
    }
}
