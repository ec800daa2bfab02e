//! The deal's contract in the write-back. It is told in the same call as the opportunity; where Salesforce does not take that, the deal's own
//! record is written all the same, and a person is told of the contract.

use mapping::Update;
use serde::{Deserialize, Serialize};

const CONTRACT: &str = "Contract";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContractWrite {
    #[default]
    With,
    /// Salesforce did not take the write with it.
    Without,
    /// It was not kept or left out, and a person asks for it once more.
    Owed,
}

impl ContractWrite {
    pub fn is_with(&self) -> bool {
        *self == Self::With
    }

    /// When a person asks once more.
    pub(super) fn asked_for(self, not_kept: &[String]) -> Self {
        if is_any_contracts(not_kept) { Self::Owed } else { self }
    }

    /// What of these is written.
    pub(super) fn of(self, mut updates: Vec<Update>) -> Vec<Update> {
        if self == Self::Without || planted!(ForgetsTheContract) {
            updates.retain(|update| update.object != CONTRACT);
        }
        updates
    }

    /// Once it was written: what is not kept once more is remembered as that, and is not written for every event.
    pub(super) fn written(self) -> Self {
        if self == Self::Owed { Self::With } else { self }
    }

    /// What was left out counts as not kept.
    pub(super) fn left_out(self, updates: &[Update]) -> Vec<String> {
        let contracts = updates.iter().filter(|update| self == Self::Without && update.object == CONTRACT);
        contracts.flat_map(|update| update.fields.keys().map(|field| named(update, field))).collect()
    }
}

/// A field that was not kept, as a person is told of it: several records have fields of the same name.
pub(super) fn named(update: &Update, field: &str) -> String {
    if update.object == CONTRACT { format!("{CONTRACT}.{field}") } else { field.to_owned() }
}

pub(super) fn is_any_contracts(not_kept: &[String]) -> bool {
    not_kept.iter().any(|field| field.starts_with("Contract."))
}
