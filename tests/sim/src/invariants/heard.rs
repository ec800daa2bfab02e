//! What is promised of what people are told.

use domain::InvoiceId;
use jiff::{SignedDuration, Timestamp};
use mapping::{Channel, Message};
use workflow::RunId;

use super::commits::text;
use super::ended::Ended;
use crate::model::{Models, count};

/// For so long the same is not said again, by the clocks of two processes that differ by as much, and unless the first stood still before it said it.
const WINDOW: SignedDuration = SignedDuration::from_mins(60);
const SKEW: SignedDuration = SignedDuration::from_mins(20);
const STANDSTILL: SignedDuration = SignedDuration::from_mins(31);

/// A message that stands where people look.
#[derive(Debug, Clone)]
pub(crate) struct Posted {
    at: Timestamp,
    channel: Channel,
    about: String,
    restores: u32,
    /// Which piece of news of its run it is.
    news: u32,
}

impl Models {
    /// The same is not said again within the window; what is said once for all, only where nobody answered.
    pub fn posted(&mut self, now: Timestamp, channel: Channel, message: &Message, restores: u32, news: u32) {
        let about = message.about.clone();
        let is_doubted = message.remarks.iter().any(|remark| remark.contains("said before"));
        let is_same = |posted: &&Posted| (posted.channel, &posted.about) == (channel, &about);
        let last = self.watch.posted.iter().rev().find(is_same).cloned();
        // Whoever was restored has forgotten what it said.
        if let Some(last) = last.filter(|last| last.restores == restores) {
            let since = now.duration_since(last.at);
            if since < WINDOW - SKEW - STANDSTILL {
                let detail = format!("{about} was said again by {channel} after {} s", since.as_secs());
                self.violate(now, "nothing_is_said_twice", detail);
            } else if !is_doubted && (!about.starts_with("stopped:") || news <= last.news) {
                self.violate(now, "nothing_is_said_twice", format!("{about} was said again by {channel}, as news"));
            }
            count(
                &mut self.facts,
                if is_doubted { "what was in doubt was said again" } else { "a stop was said again" },
            );
        } else {
            let kind = match about.split(':').next() {
                Some("won") => "people were told of a win",
                Some("failed") => "people were told of a failure",
                Some("digest") => "people were told of a day",
                _ => "people were told of a stop",
            };
            count(&mut self.facts, kind);
        }
        self.watch.posted.push(Posted { at: now, channel, about, restores, news });
    }

    /// Of each deal that is billed somebody was told, of whatever waits for a person, and of what failed and is unpaid still.
    pub(super) fn people_have_heard(&mut self, ended: &Ended<'_>) {
        let runs = ended.items.iter().filter(|item| text(item, "sk") == Some("run"));
        let ended_so: Vec<String> = runs
            .filter_map(|item| {
                let key = text(item, "pk")?;
                if let Some(by) = text(item, "stripe_invoice_id")
                    && text(item, "status") == Some("done")
                    && key.ends_with(":opportunity_won:1")
                {
                    return Some(format!("won:{by}:{key}"));
                }
                let code = text(item, "code")?;
                let needs_person = text(item, "status") == Some("review")
                    || text(item, "status") == Some("rejected") && ended.is_a_refusal(code);
                let is_told_of = key.starts_with("run#");
                (needs_person && is_told_of).then(|| format!("stopped:{code}:{key}"))
            })
            .collect();
        let failed: Vec<InvoiceId> = self.stripe.failures().map(|(id, _)| id.clone()).collect();
        let unpaid = failed.into_iter().filter(|id| {
            let is_unpaid = self.stripe.find_invoice(id).is_some_and(|invoice| {
                matches!(invoice.shown().status, stripe::InvoiceStatus::Open | stripe::InvoiceStatus::Uncollectible)
            });
            // Where something keeps it from being looked after, people are told of that.
            let (organization_id, invoice_id) = (ended.organization_id.clone(), id.clone());
            let run = ended.run(&RunId::PaymentFailed { organization_id, invoice_id });
            let is_stopped = run.is_some_and(|run| run.status() == "review");
            is_unpaid
                && !is_stopped
                && !self.stripe.was_invoice_never_told(id)
                && self.salesforce.case(id.as_str()).is_some()
        });
        let failed = unpaid.map(|id| format!("failed:run#{}:{id}:payment_failed:1", ended.organization_id));
        let missing: Vec<_> = ended_so
            .into_iter()
            .chain(failed)
            .filter(|about| !self.watch.posted.iter().any(|posted| posted.about == *about))
            .filter(|about| !ended.is_notice_before_a_person(about))
            .collect();
        for about in missing {
            self.violate(ended.now, "people_are_told", format!("nobody was told: {about}"));
        }
    }
}
