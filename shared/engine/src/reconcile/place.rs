//! Where a part of a pass is on its way, as the ledger keeps it.

use jiff::{SignedDuration, Timestamp};
use ledger::{LedgerError, Watermark};

use crate::advance::ledger_pause;
use crate::{Engine, Ledger, Pause, World};

/// A walk goes from what was seen last until the moment it began; where it breaks off, its cursor stays.
#[derive(Debug)]
pub(crate) struct Place {
    name: &'static str,
    watermark: Watermark,
    began_at: Timestamp,
}

impl Place {
    pub(crate) fn at(name: &'static str, watermark: Watermark, now: Timestamp) -> Self {
        let began_at = watermark.began_at.unwrap_or(now);
        Self { name, watermark, began_at }
    }

    pub(crate) fn is_under_way(&self) -> bool {
        self.watermark.began_at.is_some()
    }

    /// When the walk began that is under way; now, if none is.
    pub(crate) fn began_at(&self) -> Timestamp {
        self.began_at
    }

    pub(crate) fn days_back(&self, days: i64) -> Timestamp {
        super::before(self.began_at, SignedDuration::from_hours(24 * days))
    }

    pub(crate) fn seen_until(&self) -> Option<Timestamp> {
        self.watermark.seen_until
    }

    pub(crate) fn cursor(&self) -> Option<&str> {
        self.watermark.cursor.as_deref()
    }
}

impl<W: World> Engine<W> {
    pub(crate) async fn place(&self, name: &'static str) -> Result<Place, Pause> {
        let watermark = self.ledger.watermark(&self.scope.organization_id, name).await;
        let watermark = watermark.map_err(|error| ledger_pause(&error))?;
        Ok(Place::at(name, watermark, self.now()))
    }

    pub(crate) async fn begin(&self, place: &mut Place) -> Result<(), Pause> {
        place.watermark.began_at = Some(place.began_at);
        self.keep(place).await
    }

    /// The pages before this cursor are done with.
    pub(crate) async fn advance_to(&self, place: &mut Place, cursor: String) -> Result<(), Pause> {
        place.watermark.cursor = Some(cursor);
        self.begin(place).await
    }

    /// The walk is at its end, and nothing in it failed.
    pub(crate) async fn close(&self, place: &mut Place) -> Result<(), Pause> {
        place.watermark = Watermark {
            version: place.watermark.version,
            seen_until: Some(place.began_at),
            began_at: None,
            cursor: None,
            succeeded_at: Some(self.now()),
        };
        self.keep(place).await
    }

    /// A walk whose cursor leads nowhere any more begins anew with the next pass.
    pub(crate) async fn forget(&self, place: &mut Place) -> Result<(), Pause> {
        place.watermark.cursor = None;
        place.watermark.began_at = None;
        self.keep(place).await
    }

    async fn keep(&self, place: &mut Place) -> Result<(), Pause> {
        let org = &self.scope.organization_id;
        let kept = self.ledger.set_watermark(org, place.name, &mut place.watermark, self.now()).await;
        kept.map_err(|error| match error {
            LedgerError::Lost => Pause::backoff("another_pass", "another pass is at work on the same part"),
            error => ledger_pause(&error),
        })
    }
}
