//! What somebody is asked to do: a task in Salesforce, once for each cause.

use domain::Record;

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

/// Who may answer for an account, as its opportunity shows them, and whether they still work there: nothing can be given to those who do not.
const ANSWERABLE: [(&str, &str); 3] = [
    ("Account.CSM__c", "Account.CSM__r.IsActive"),
    ("Account.OwnerId", "Account.Owner.IsActive"),
    ("OwnerId", "Owner.IsActive"),
];

pub(crate) fn answerable_fields() -> impl Iterator<Item = &'static str> {
    ANSWERABLE.into_iter().flat_map(|(id, is_active)| [id, is_active])
}

/// The account's customer success manager; else its owner; else the opportunity's. If none of them is there any more it is nobody, and
/// Salesforce takes whoever writes.
pub(crate) fn answers_for(opportunity: &Record) -> Option<&str> {
    ANSWERABLE.into_iter().find_map(|(id, is_active)| opportunity.text(id).filter(|_| opportunity.is_true(is_active)))
}

/// The same of those who answer for the account itself.
pub(crate) fn answers_for_account(opportunity: &Record) -> Option<&str> {
    let of_account = ANSWERABLE.into_iter().filter(|(id, _)| id.starts_with("Account."));
    of_account.into_iter().find_map(|(id, is_active)| opportunity.text(id).filter(|_| opportunity.is_true(is_active)))
}

#[cfg(test)]
mod tests {
    use domain::FieldValue;

    use super::*;

    #[test]
    fn the_first_answers_who_still_works_there() {
        for (active, expected) in [
            ([Some(true), Some(true), Some(true)], Some("005a")),
            ([Some(false), Some(true), Some(true)], Some("005b")),
            ([None, Some(true), Some(true)], Some("005b")),
            ([None, Some(false), Some(true)], Some("005c")),
            ([Some(false), Some(false), Some(false)], None),
            ([None, None, None], None),
        ] {
            let mut opportunity = Record::default();
            for (((id, is_active), user), active) in ANSWERABLE.iter().zip(["005a", "005b", "005c"]).zip(active) {
                if let Some(active) = active {
                    opportunity.set(*id, FieldValue::Text(user.into()));
                    opportunity.set(*is_active, FieldValue::Boolean(active));
                }
            }
            assert_eq!(answers_for(&opportunity), expected, "{active:?}");
        }
        let fields: Vec<_> = answerable_fields().collect();
        assert_eq!((fields.len(), fields[1]), (6, "Account.CSM__r.IsActive"));
    }

    #[test]
    fn a_choice_is_one_of_its_names() {
        assert_eq!(CancellationTask::parse("owner"), Ok(CancellationTask::default()));
        assert_eq!(CancellationTask::parse("off"), Ok(CancellationTask::Off));
        assert!(CancellationTask::parse("queue").is_err());
    }
}
