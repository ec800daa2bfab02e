//! What the reconciler keeps: how far it has come, and what it found.

use domain::OrganizationId;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::attributes::{get_number, get_text, get_time, item, number, text, time};
use crate::statement::Statement;
use crate::table::{Condition, Item, Put, PutAnswer, Table, Test, Value};
use crate::{Ledger, LedgerError, SCHEMA};

/// How far one part of the reconciler's work has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watermark {
    /// Goes up with every save, so that of two who work on the same part one learns of the other.
    pub version: u64,
    /// Everything that had happened until then was seen.
    pub seen_until: Option<Timestamp>,
    /// When the walk began that is under way.
    pub began_at: Option<Timestamp>,
    /// The last page of that walk; as opaque as the part likes.
    pub cursor: Option<String>,
    /// When a walk last came to its end.
    pub succeeded_at: Option<Timestamp>,
}

/// An unfinished run that nobody has worked on for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueRun {
    pub key: String,
    pub next_check_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueRuns {
    pub runs: Vec<DueRun>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

fn watermark_key(organization_id: &OrganizationId) -> String {
    format!("watermark#{organization_id}")
}

fn statement_key(organization_id: &OrganizationId) -> String {
    format!("statement#{organization_id}")
}

impl Watermark {
    fn read(stored: &Item) -> Option<Self> {
        Some(Self {
            version: get_number(stored, "version")?,
            seen_until: get_time(stored, "seen_until"),
            began_at: get_time(stored, "began_at"),
            cursor: get_text(stored, "cursor"),
            succeeded_at: get_time(stored, "succeeded_at"),
        })
    }

    fn write(&self, pk: &str, name: &str, version: u64, now: Timestamp) -> Item {
        let mut stored = item([
            ("pk", text(pk)),
            ("sk", text(name)),
            ("schema", number(SCHEMA)),
            ("version", number(version)),
            ("updated_at", time(now)),
        ]);
        let times = [("seen_until", self.seen_until), ("began_at", self.began_at), ("succeeded_at", self.succeeded_at)];
        for (name, at) in times.into_iter().filter_map(|(name, at)| Some((name, at?))) {
            stored.insert(name.to_owned(), time(at));
        }
        if let Some(cursor) = &self.cursor {
            stored.insert("cursor".to_owned(), text(cursor));
        }
        stored
    }
}

impl<T: Table> Ledger<T> {
    /// Unfinished runs whose time has come, earliest first. The index lags a little behind, so each is a hint.
    pub async fn due_runs(&self, until: Timestamp, after: Option<&str>) -> Result<DueRuns, LedgerError> {
        let page = self.table.due(until, after.map(start_key).transpose()?).await?;
        let runs = page.items.iter().filter_map(|found| {
            Some(DueRun { key: get_text(found, "pk")?, next_check_at: get_time(found, "next_check_at")? })
        });
        Ok(DueRuns { runs: runs.collect(), next: page.next.as_ref().map(cursor) })
    }

    /// How far the part has come; from the beginning where nothing is known.
    pub async fn watermark(&self, org: &OrganizationId, name: &str) -> Result<Watermark, LedgerError> {
        let key = watermark_key(org);
        let Some(stored) = self.table.get(&key, name).await? else {
            return Ok(Watermark::default());
        };
        let why = || LedgerError::Unreadable { key: format!("{key} {name}"), why: "it has no version".into() };
        Watermark::read(&stored).ok_or_else(why)
    }

    /// When this returns, the watermark stands as given, one version higher, and nobody else had moved it since it was
    /// read. Somebody who did is at work on the same part: that is `Lost`.
    pub async fn set_watermark(
        &self,
        org: &OrganizationId,
        name: &str,
        watermark: &mut Watermark,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        let version = watermark.version + 1;
        let new = watermark.write(&watermark_key(org), name, version, now);
        let unchanged = match watermark.version {
            0 => Condition::Absent,
            version => Condition::All(vec![Test::Is("version", number(version))]),
        };
        match self.table.put(Put::when(new.clone(), unchanged)).await? {
            PutAnswer::Done => {}
            // The answer to our own put was lost, and the SDK's second attempt found the first one's item.
            PutAnswer::Failed(Some(old)) if old == new => {}
            PutAnswer::Failed(_) => return Err(LedgerError::Lost),
        }
        watermark.version = version;
        Ok(())
    }

    /// When this returns, the statement of its day is this one, in place of any that was made of the same day before.
    pub async fn save_statement(&self, org: &OrganizationId, statement: &Statement) -> Result<(), LedgerError> {
        let (key, sk) = (statement_key(org), format!("day#{}", statement.day));
        let document = serde_json::to_string(statement)
            .map_err(|why| LedgerError::Unreadable { key: format!("{key} {sk}"), why: why.to_string() })?;
        let stored = item([
            ("pk", text(key)),
            ("sk", text(sk)),
            ("schema", number(SCHEMA)),
            ("made_at", time(statement.made_at)),
            ("differences", number(i64::try_from(statement.of_month.difference_count).unwrap_or(i64::MAX))),
            ("document", text(document)),
        ]);
        self.table.put(Put { item: stored, condition: None }).await?;
        Ok(())
    }

    pub async fn statement(&self, org: &OrganizationId, day: Date) -> Result<Option<Statement>, LedgerError> {
        let (key, sk) = (statement_key(org), format!("day#{day}"));
        let Some(stored) = self.table.get(&key, &sk).await? else {
            return Ok(None);
        };
        let document = get_text(&stored, "document").unwrap_or_default();
        let unreadable = |why: serde_json::Error| LedgerError::Unreadable { key: sk, why: why.to_string() };
        serde_json::from_str(&document).map(Some).map_err(unreadable)
    }
}

/// A table's own key, as text: numbers stay numbers.
fn cursor(key: &Item) -> String {
    let fields = key.iter().map(|(name, value)| {
        let value = match value {
            Value::Text(text) => serde_json::Value::from(text.as_str()),
            Value::Number(number) => serde_json::Value::from(*number),
        };
        (name.clone(), value)
    });
    serde_json::Value::Object(fields.collect()).to_string()
}

fn start_key(cursor: &str) -> Result<Item, LedgerError> {
    let unreadable = || LedgerError::Unreadable { key: "the cursor of due runs".into(), why: cursor.to_owned() };
    let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(cursor).map_err(|_| unreadable())?;
    let fields = fields.into_iter().map(|(name, value)| match value {
        serde_json::Value::String(text) => Some((name, Value::Text(text))),
        value => Some((name, Value::Number(value.as_i64()?))),
    });
    fields.collect::<Option<Item>>().ok_or_else(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_being_a_cursor() {
        let key = item([("pk", text("run#\"1")), ("sk", text("run")), ("next_check_at", number(1_795_392_000_000i64))]);
        assert_eq!(start_key(&cursor(&key)).expect("valid"), key);
        for bad in ["", "[]", r#"{"pk":null}"#, r#"{"pk":1.5}"#] {
            assert!(start_key(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_watermark_survives_the_table() {
        let at = Timestamp::UNIX_EPOCH;
        let full = Watermark {
            version: 7,
            seen_until: Some(at),
            began_at: Some(at),
            cursor: Some("in_1@5".into()),
            succeeded_at: Some(at),
        };
        for watermark in [Watermark { version: 7, ..Watermark::default() }, full] {
            assert_eq!(Watermark::read(&watermark.write("watermark#x", "deals", 7, at)), Some(watermark));
        }
    }
}
