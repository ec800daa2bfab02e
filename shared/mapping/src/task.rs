//! What somebody is asked to do: a task in Salesforce, once for each cause.

use std::borrow::Cow;

use domain::Record;

use crate::deal::RecordQuery;

/// Whether whoever answers for an account is given a task when one of its subscriptions has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CancellationTask {
    Off,
    #[default]
    Owner,
}

impl CancellationTask {
    /// As the configuration writes it.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            "owner" => Ok(Self::Owner),
            _ => Err("it must be off or owner".to_owned()),
        }
    }
}

pub(crate) const TASK: &str = "Task";

/// What a task is about, at Stripe. It is unique, so there is one task for each object.
pub(crate) const STRIPE_ID: &str = "Stripe_Id__c";

/// A field that names a user, of an opportunity or by it of its account, and the one that says whether that user still works there: nothing can
/// be given to those who do not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserField {
    /// `Account.CSM__c`.
    pub id: Cow<'static, str>,
    /// `Account.CSM__r.IsActive`.
    pub is_active: Cow<'static, str>,
}

impl UserField {
    const fn fixed(id: &'static str, is_active: &'static str) -> Self {
        Self { id: Cow::Borrowed(id), is_active: Cow::Borrowed(is_active) }
    }

    fn user<'r>(&self, opportunity: &'r Record) -> Option<&'r str> {
        opportunity.text(&self.id).filter(|_| opportunity.is_true(&self.is_active))
    }
}

/// Where nobody who looks after the account is there any more.
static OF_OPPORTUNITY: UserField = UserField::fixed("OwnerId", "Owner.IsActive");

/// Who looks after an account: the first who still works there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owners(pub Vec<UserField>);

impl Default for Owners {
    /// Its customer success manager; else its owner.
    fn default() -> Self {
        Self(vec![
            UserField::fixed("Account.CSM__c", "Account.CSM__r.IsActive"),
            UserField::fixed("Account.OwnerId", "Account.Owner.IsActive"),
        ])
    }
}

impl Owners {
    /// With what an opportunity is asked of them, and of its own owner.
    pub(crate) fn reading(&self, mut query: RecordQuery) -> RecordQuery {
        let all = self.0.iter().chain([&OF_OPPORTUNITY]).flat_map(|field| [&field.id, &field.is_active]);
        for path in all {
            let is_there = query.fields.iter().copied().chain(query.also.iter().map(String::as_str));
            if is_there.into_iter().any(|field| field.eq_ignore_ascii_case(path)) {
                continue;
            }
            match path {
                Cow::Borrowed(path) => query.fields.push(path),
                Cow::Owned(path) => query.also.push(path.clone()),
            }
        }
        query
    }

    /// Whoever looks after the account; else the opportunity's owner. If none of them is there any more it is nobody, and Salesforce takes
    /// whoever writes.
    pub(crate) fn answers_for<'r>(&self, opportunity: &'r Record) -> Option<&'r str> {
        self.of_account(opportunity).or_else(|| OF_OPPORTUNITY.user(opportunity))
    }

    /// Whoever looks after the account.
    pub(crate) fn of_account<'r>(&self, opportunity: &'r Record) -> Option<&'r str> {
        self.0.iter().find_map(|field| field.user(opportunity))
    }
}

#[cfg(test)]
mod tests {
    use domain::FieldValue;

    use super::*;

    #[test]
    fn the_first_answers_who_still_works_there() {
        let owners = Owners::default();
        for (active, expected) in [
            ([Some(true), Some(true), Some(true)], Some("005a")),
            ([Some(false), Some(true), Some(true)], Some("005b")),
            ([None, Some(true), Some(true)], Some("005b")),
            ([None, Some(false), Some(true)], Some("005c")),
            ([Some(false), Some(false), Some(false)], None),
            ([None, None, None], None),
        ] {
            let mut opportunity = Record::default();
            let fields = owners.0.iter().chain([&OF_OPPORTUNITY]);
            for ((field, user), active) in fields.zip(["005a", "005b", "005c"]).zip(active) {
                if let Some(active) = active {
                    opportunity.set(field.id.as_ref(), FieldValue::Text(user.into()));
                    opportunity.set(field.is_active.as_ref(), FieldValue::Boolean(active));
                }
            }
            assert_eq!(owners.answers_for(&opportunity), expected, "{active:?}");
            assert_eq!(owners.of_account(&opportunity), expected.filter(|user| *user != "005c"), "{active:?}");
        }
    }

    /// The package's fields as such, and others as what the file asks for; each once.
    #[test]
    fn whoever_may_answer_is_read() {
        let own = |path: &str| Cow::Owned(path.to_owned());
        let collector = UserField { id: own("Account.Collector__c"), is_active: own("Account.Collector__r.IsActive") };
        let owner = UserField { id: own("OwnerId"), is_active: own("Owner.IsActive") };
        let query = RecordQuery {
            object: "Opportunity",
            fields: vec!["Id"],
            also: vec![],
            filter: vec![],
            order_by: vec![],
            limit: None,
        };
        let standard = Owners::default().reading(query.clone());
        assert_eq!((standard.fields.len(), standard.also.len()), (7, 0));
        let others = Owners(vec![collector, owner]).reading(query);
        assert_eq!(others.fields, ["Id"]);
        assert_eq!(others.also, ["Account.Collector__c", "Account.Collector__r.IsActive", "OwnerId", "Owner.IsActive"]);
    }

    #[test]
    fn a_choice_is_one_of_its_names() {
        assert_eq!(CancellationTask::parse("owner"), Ok(CancellationTask::default()));
        assert_eq!(CancellationTask::parse("off"), Ok(CancellationTask::Off));
        assert!(CancellationTask::parse("queue").is_err());
    }
}
