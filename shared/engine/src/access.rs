//! A deal as it is now, and whether what is written for deals may be: asked in the same call, and not with every one of them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::OpportunityId;
use jiff::{SignedDuration, Timestamp};
use mapping::{Settings, Written, deal_queries, withheld, written};
use workflow::Fact;

use crate::{Clock, Engine, Salesforce, World, convert};

/// How long it is believed that everything may be edited. While anything is withheld it is asked with each deal.
const BELIEVED: SignedDuration = SignedDuration::from_mins(15);

/// When Salesforce last said that everything may be edited, in milliseconds.
#[derive(Debug, Default)]
pub struct Access(AtomicI64);

impl Access {
    fn is_believed(&self, now: Timestamp) -> bool {
        let age = now.as_millisecond().saturating_sub(self.0.load(Ordering::Relaxed));
        // A clock that was set back says nothing.
        (0..=BELIEVED.as_millis()).contains(&i128::from(age))
    }

    fn believe(&self, now: Timestamp) {
        self.0.store(now.as_millisecond(), Ordering::Relaxed);
    }

    /// A write was refused, and it may be that.
    pub(crate) fn doubt(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

impl<W: World> Engine<W> {
    pub(crate) async fn read_deal(
        &self,
        opportunity_id: &OpportunityId,
        settings: &Settings,
    ) -> Result<Fact, salesforce::Error> {
        let queries = deal_queries(opportunity_id, settings);
        let is_believed = self.access.is_believed(self.clock.now());
        let asked: Vec<Written> = written(settings).into_iter().filter(|_| !is_believed).collect();
        let objects: Vec<_> = asked.iter().map(|written| written.object).collect();
        let answers = self.salesforce.read_with_access(&self.in_soql(&queries), &objects).await?;
        let names = &self.settings.lens.names;
        let nothing = BTreeSet::new();
        let editable = |written: &Written| {
            let editable = answers.editable.get(written.object).unwrap_or(&nothing);
            let may = |field: &&&'static str| editable.contains(names.own(written.object, field).as_ref());
            written.fields.iter().filter(may).map(|field| (*field).to_owned()).collect::<BTreeSet<_>>()
        };
        let withheld: Vec<_> =
            asked.iter().flat_map(|written| withheld(written, &editable(written)).collect::<Vec<_>>()).collect();
        let now = self.clock.now();
        if !asked.is_empty() && withheld.is_empty() {
            self.access.believe(now);
        }
        let records = self.read_as(&queries, answers.records);
        Ok(convert::deal(records, withheld, settings, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_believed_for_a_while() {
        let access = Access::default();
        let at = |minutes: i64| {
            Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 20_000) + SignedDuration::from_mins(minutes)
        };
        assert!(!access.is_believed(at(0)), "nobody has said so yet");
        access.believe(at(0));
        access.doubt();
        assert!(!access.is_believed(at(0)));
        access.believe(at(0));
        for (minutes, is_believed) in [(0, true), (15, true), (16, false), (-1, false)] {
            assert_eq!(access.is_believed(at(minutes)), is_believed, "{minutes}");
        }
    }
}
