//! What is known of the note on the opportunity that says why the run stands still.

use domain::Record;
use mapping::{NOTE_CODE, NOTE_MESSAGE, Stop};

use super::{Next, Run};
use crate::{Call, Fact};

/// How often a note is written before it is left to whoever changes it.
const MOST_NOTES: u32 = 3;

/// Whether the opportunity carries the note of this stop, in the words that stood there when it had been written: something may
/// add to every text of ours.
fn carries(opportunity: &Record, stop: &Stop, words: Option<&str>) -> bool {
    opportunity.text(NOTE_CODE) == Some(stop.code.as_str()) && opportunity.text(NOTE_MESSAGE) == words
}

impl Run {
    /// What came of a call says something of the note.
    pub(super) fn noting(mut self, fact: &Fact) -> Self {
        match fact {
            Fact::RecordsUpdated(records) if self.stop().is_some() => {
                self.noted = self.stop().cloned();
                self.note_kept = records.first().and_then(|record| record.text(NOTE_MESSAGE)).map(str::to_owned);
                self.notes_written = self.notes_written.saturating_add(1);
            }
            // A write-back takes the note away, so one more may be written: it is our own doing, and there are few of them.
            Fact::RecordsUpdated(_) => {
                self.noted = None;
                self.notes_written = self.notes_written.saturating_sub(1);
            }
            // What the record itself says about its note is better than what is remembered.
            Fact::DealRead(deal) => self.reread(&deal.opportunity),
            Fact::BillingRead(record) => self.reread(record),
            _ => {}
        }
        self
    }

    /// A note that is gone, or reads otherwise than when it was written, is written again; a few times. Where something of the
    /// company's own takes it away or changes it later, that would be an edit for every look, without end.
    fn reread(&mut self, opportunity: &Record) {
        let has_enough = self.notes_written >= MOST_NOTES;
        let words = self.note_kept.as_deref();
        self.noted = self.noted.take().filter(|stop| has_enough || carries(opportunity, stop, words));
    }

    /// Whoever was to write to the opportunity may have died before it could say that it had: what stands there is not known.
    pub(super) fn unless_written(mut self) -> Self {
        if matches!(self.next(), Next::Call(Call::UpdateRecords { .. })) {
            self.noted = None;
        }
        self
    }
}
