//! Fields that name a user, where the file lists them.

use mapping::UserField;
use rules::Type;
use toml::Spanned;
use toml::de::{DeArray, DeValue};

use crate::keys::Of;
use crate::tree::Reader;
use crate::values::Value;
use crate::words::kind_of;

impl Reader<'_, '_> {
    pub fn users(&mut self, name: &str, items: &DeArray) -> Option<Value> {
        let found = self.problems.len();
        let mut users: Vec<UserField> = Vec::new();
        for item in items {
            match item.get_ref() {
                DeValue::String(text) => match self.user(name, text.trim(), item) {
                    Some(user) if users.iter().any(|other| other.id == user.id) => {
                        self.wrong("twice", item.span(), format!("{name} has {text:?} twice: leave one out."));
                    }
                    user => users.extend(user),
                },
                other => {
                    let message =
                        format!("{name} is a list of fields, in quotes, and one of them is {}.", kind_of(other));
                    self.wrong("wrong_type", item.span(), message);
                }
            }
        }
        (self.problems.len() == found).then_some(Value::Users(users))
    }

    /// Nothing can be given to who has left, so whether its user is active is read with it.
    fn user(&mut self, name: &str, text: &str, item: &Spanned<DeValue>) -> Option<UserField> {
        let Some(is_active) = activity(text) else {
            // A relationship leads to a user, and a field names one.
            let standard =
                ["Owner", "CreatedBy", "LastModifiedBy"].iter().any(|name| text.ends_with(&format!(".{name}")));
            let meant = text
                .strip_suffix("__r")
                .map(|custom| format!("{custom}__c"))
                .or_else(|| standard.then(|| format!("{text}Id")))
                .or_else(|| text.strip_suffix("ID").map(|field| format!("{field}Id")));
            let hint = match meant.filter(|field| activity(field).is_some()) {
                Some(field) => format!("Did you mean {field}?"),
                None => "Write a field that names a user, such as account.CSM__c or opportunity.OwnerId.".to_owned(),
            };
            let message = format!("{name} has {text:?}, which is no field that names a user. {hint}");
            self.wrong("not_a_user", item.span(), message);
            return None;
        };
        let id = self.expression(name, text, Of::Opportunity, &Type::Text, item)?;
        let (mut problems, mut warnings) = (Vec::new(), Vec::new());
        let told = (&mut problems, &mut warnings);
        let active = self.expressions.compile(name, &is_active, Of::Opportunity, &Type::Boolean, &item.span(), told);
        let Some(active) = active else {
            let why = problems.first().map(|problem| problem.message.clone()).unwrap_or_default();
            self.wrong("not_a_user", item.span(), format!("{name} has {text:?}, which names no user: {why}"));
            return None;
        };
        let read = active.fields().next()?;
        // Where it may lead to several objects, to users among others, a query names what all of them have.
        if let Some(object) = self.expressions.object_of(read).filter(|object| !["User", "Name"].contains(object)) {
            let message = format!("{name} has {text:?}, which names a record of {object}, and no user.");
            self.wrong("not_a_user", item.span(), message);
            return None;
        }
        let path = |by: &rules::Expression| by.fields().next().map(|read| read.record_path.clone().into());
        Some(UserField { id: path(&id)?, is_active: path(&active)? })
    }
}

/// What says whether the user is active whom a field names: of `account.CSM__c` it is `account.CSM__r.IsActive`, of `OwnerId`
/// `Owner.IsActive`.
fn activity(field: &str) -> Option<String> {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let names: Vec<_> = field.split('.').collect();
    if names.len() < 2 || !names.iter().all(|name| is_name(name)) {
        return None;
    }
    let relationship = match field.strip_suffix("__c") {
        Some(custom) => format!("{custom}__r"),
        None => field.strip_suffix("Id").filter(|field| !field.ends_with('.'))?.to_owned(),
    };
    Some(format!("{relationship}.IsActive"))
}
