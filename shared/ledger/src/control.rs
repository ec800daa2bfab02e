//! What an operator decides for the whole deployment: whether anything is sent, what needs an approval, and that the table
//! was restored. One partition, read by one call.

use std::collections::BTreeMap;

use domain::{Currency, Money};
use jiff::Timestamp;
use workflow::Restored;

use crate::attributes::{get_number, get_text, get_time, item, number, text};
use crate::table::{Condition, Item, Put, Table, Test, Value};
use crate::{Ledger, LedgerError, SCHEMA};

const CONTROL: &str = "control";
/// What people write.
const OPERATOR: &str = "control#operator";
/// What this program writes: the newest layout that the table holds.
const LAYOUT: &str = "control#schema";

/// An amount of this currency above which an invoice waits for an approval: `ceiling_USD`, in minor units.
const CEILING: &str = "ceiling_";

/// Restores reach back 35 days at most; that far is looked where nobody wrote down how far this one did.
const FARTHEST_RESTORE: jiff::SignedDuration = jiff::SignedDuration::from_hours(35 * 24);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Control {
    /// The kill switch, with the reason that its owner gave: nothing is sent to anybody.
    pub stopped: Option<String>,
    pub ceilings: BTreeMap<Currency, i64>,
    /// The last time that the table was restored from a backup.
    pub restored: Option<Restored>,
    layout: u32,
}

impl Control {
    /// What an invoice of this amount may not exceed without an approval, if it does.
    pub fn ceiling_below(&self, amount: Money) -> Option<Money> {
        let ceiling = *self.ceilings.get(&amount.currency())?;
        (amount.minor_units() > ceiling).then(|| Money::from_minor_units(ceiling, amount.currency()))
    }

    fn read(items: &[Item], now: Timestamp) -> Result<Self, LedgerError> {
        let find = |sk: &str| items.iter().find(|item| item.get("sk") == Some(&text(sk)));
        let layout = find(LAYOUT).and_then(|item| get_number(item, "schema")).unwrap_or_default();
        if layout > SCHEMA {
            return Err(LedgerError::Newer(layout));
        }
        let Some(operator) = find(OPERATOR) else {
            return Ok(Self { layout, ..Self::default() });
        };
        Ok(Self {
            stopped: stopped(operator),
            ceilings: ceilings(operator)?,
            restored: restored(operator, now)?,
            layout,
        })
    }
}

/// Whatever stands there stops everything: somebody in a hurry may write anything. Only a plain no is a no.
fn stopped(operator: &Item) -> Option<String> {
    let reason = operator.contains_key("stopped").then(|| get_text(operator, "stopped").unwrap_or_default());
    reason.filter(|reason| reason != "false")
}

/// A ceiling that cannot be read must not count as none.
fn ceilings(operator: &Item) -> Result<BTreeMap<Currency, i64>, LedgerError> {
    let found = operator.iter().filter_map(|(name, value)| Some((name, name.strip_prefix(CEILING)?, value)));
    found
        .map(|(name, code, value)| match (Currency::parse(code), value) {
            (Ok(currency), Value::Number(ceiling)) if *ceiling >= 0 => Ok((currency, *ceiling)),
            _ => Err(unreadable(&format!("{name} must be a number of minor units of an ISO 4217 currency"))),
        })
        .collect()
}

/// Nor must a restore.
fn restored(operator: &Item, now: Timestamp) -> Result<Option<Restored>, LedgerError> {
    let epoch = match operator.get("epoch") {
        None => return Ok(None),
        Some(_) => get_number(operator, "epoch").ok_or_else(|| unreadable("epoch must be a number")),
    }?;
    let since = match operator.get("restored_to") {
        None => now.checked_sub(FARTHEST_RESTORE).unwrap_or(now),
        Some(_) => get_time(operator, "restored_to")
            .ok_or_else(|| unreadable("restored_to must be a number of milliseconds since 1970"))?,
    };
    // What an earlier restore took away may still be missing, and only the latest one's moment is known.
    let since = if epoch > 1 { since.checked_sub(FARTHEST_RESTORE).unwrap_or(since) } else { since };
    Ok((epoch > 0).then_some(Restored { epoch, since }))
}

fn unreadable(why: &str) -> LedgerError {
    LedgerError::Unreadable { key: format!("{CONTROL} {OPERATOR}"), why: why.to_owned() }
}

impl<T: Table> Ledger<T> {
    /// What is decided at this moment, by a strongly consistent read. A table that a newer version has written to is an
    /// error: whoever asks is about to write.
    pub async fn control(&self, now: Timestamp) -> Result<Control, LedgerError> {
        let page = self.table.query(CONTROL, "control#", None).await?;
        let control = Control::read(&page.items, now)?;
        if control.layout < SCHEMA {
            self.raise_layout().await?;
        }
        Ok(control)
    }

    /// From now on no older version writes to the table.
    async fn raise_layout(&self) -> Result<(), LedgerError> {
        let layout = item([("pk", text(CONTROL)), ("sk", text(LAYOUT)), ("schema", number(SCHEMA))]);
        let older = Condition::AbsentOr(Test::Below("schema", i64::from(SCHEMA)));
        // If it fails, another one of this version or a newer one was there first; the next read says which.
        self.table.put(Put::when(layout, older)).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
