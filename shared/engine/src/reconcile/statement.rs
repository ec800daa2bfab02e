//! What both sides come to, and why they differ. Nothing is read or written here.
//!
//! In each currency the deals, less what is under way or comes later, and the invoices differ by exactly what the differences of amounts
//! explain: a test holds that for whatever is thrown at it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use domain::{InvoiceId, Money, OpportunityId};
use jiff::{SignedDuration, Timestamp};
use ledger::{Books, Difference};
use mapping::{Code, DealSeen, Kind};
use stripe::{Invoice, InvoiceStatus};
use workflow::{Run, Status};

use super::deals::CLOCKS_DIFFER;
use super::difference::Cause;
use super::truth::SETTLES_WITHIN;

/// A won deal waits for its contract for so long before it is a difference.
const CONTRACT_WITHIN: SignedDuration = SignedDuration::from_hours(7 * 24);

/// More than these are counted, and not listed: an item of the ledger holds 400 kB.
const MOST_LISTED: usize = 500;

/// A run, and when it was first heard of.
#[derive(Debug, Clone)]
pub(crate) struct KnownRun {
    pub(crate) run: Run,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl KnownRun {
    /// One that bills its deal anew began a long time ago.
    fn at_work_since(&self) -> Timestamp {
        if self.run.replaced.is_empty() { self.created_at } else { self.updated_at }
    }
}

/// Everything that was read of both sides.
#[derive(Debug, Default)]
pub(crate) struct Sides {
    /// Opportunities that are won, and those that invoices were made for, whatever their stage.
    pub(crate) deals: BTreeMap<OpportunityId, DealSeen>,
    /// Invoices of ours in any status, each with the opportunity that its metadata names.
    pub(crate) invoices: BTreeMap<InvoiceId, (OpportunityId, Invoice)>,
    /// The runs of deals that cannot be explained without them.
    pub(crate) runs: BTreeMap<OpportunityId, KnownRun>,
}

/// Without the tax that was added, as the deal is.
fn total(invoice: &Invoice) -> Money {
    Money::from_minor_units(invoice.before_tax(), invoice.currency)
}

impl Sides {
    /// Deals of this time that have not exactly the one invoice that they should, so that their runs must be asked why. And those of
    /// invoices that were credited: the run says whether another took their place.
    pub(crate) fn unexplained(&self, time: &Range<Timestamp>) -> Vec<OpportunityId> {
        let by_deal = self.by_deal();
        let deals = self.deals.values().filter(|deal| time.contains(&deal.stage_since) && asks(deal));
        let is_clear = |deal: &&DealSeen| match by_deal.get(&deal.opportunity_id).map(Vec::as_slice) {
            Some([invoice]) => deal.amount.as_ref().is_ok_and(|amount| *amount == total(invoice)),
            _ => false,
        };
        let unclear = deals.filter(|deal| !is_clear(deal)).map(|deal| &deal.opportunity_id);
        let credited = self.invoices.values().filter(|(_, invoice)| invoice.is_credited()).map(|(of, _)| of);
        unclear.chain(credited).collect::<BTreeSet<_>>().into_iter().cloned().collect()
    }

    /// Deals that ask to be billed, and that neither an invoice nor a run tells of. An event of each was on the work queue once, or a walk
    /// would come to it; but the queue may have been purged since, or the ledger restored to before the event was answered.
    pub(crate) fn unheard_of(&self, time: &Range<Timestamp>, now: Timestamp) -> Vec<&DealSeen> {
        let by_deal = self.by_deal();
        let deals = self.deals.values().filter(|deal| time.contains(&deal.stage_since) && asks(deal));
        let is_unknown = |deal: &&DealSeen| {
            let id = &deal.opportunity_id;
            !self.runs.contains_key(id) && !by_deal.contains_key(id) && !is_fresh(now, deal.stage_since)
        };
        deals.filter(is_unknown).collect()
    }

    fn by_deal(&self) -> BTreeMap<&OpportunityId, Vec<&Invoice>> {
        let mut by_deal: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (of, invoice) in self.invoices.values().filter(|(_, invoice)| invoice.status.is_sent()) {
            if self.runs.get(of).is_none_or(|known| !gave_up(&known.run, invoice)) {
                by_deal.entry(of).or_default().push(invoice);
            }
        }
        by_deal
    }

    /// The books of the deals that were won in this time.
    pub(crate) fn books(&self, time: &Range<Timestamp>, now: Timestamp) -> Books {
        let mut books = Writing { books: Books::default(), differences: BTreeSet::new(), now };
        let by_deal = self.by_deal();
        for deal in self.deals.values().filter(|deal| time.contains(&deal.stage_since)) {
            let sent = by_deal.get(&deal.opportunity_id).map(Vec::as_slice).unwrap_or_default();
            match &deal.amount {
                Err(stop) if stop.kind == Kind::NotBillable => {}
                _ if sent.is_empty() && self.is_skipped(deal) => {}
                amount => self.deal(&mut books, deal, amount.as_ref().ok().copied(), sent),
            }
        }
        // What is left are invoices that no deal stands for, by the time they were made in.
        for (opportunity_id, sent) in by_deal {
            if self.deals.get(opportunity_id).is_some_and(asks) {
                continue;
            }
            for invoice in sent.into_iter().filter(|invoice| time.contains(&invoice.created)) {
                books.invoice(invoice);
                let opportunity_id = Some(opportunity_id.clone());
                books.differs(Difference { opportunity_id, ..Cause::InvoiceWithoutDeal.of_invoice(invoice) });
            }
        }
        books.finish()
    }

    /// A rule leaves it out, which may ask of lines that are not read here; and the deal is as it was then.
    fn is_skipped(&self, deal: &DealSeen) -> bool {
        self.runs.get(&deal.opportunity_id).is_some_and(|known| {
            let by_rule = known.run.stop().is_some_and(|stop| stop.code == Code::SkippedByRule);
            by_rule && super::before(deal.modified_at, CLOCKS_DIFFER) <= known.updated_at
        })
    }

    fn deal(&self, books: &mut Writing, deal: &DealSeen, amount: Option<Money>, sent: &[&Invoice]) {
        if let Some(amount) = amount {
            books.books.deals.add(amount);
        }
        let known = self.runs.get(&deal.opportunity_id);
        sent.iter().for_each(|invoice| books.invoice(invoice));
        let settled = known.and_then(|known| known.run.invoice_id());
        let chosen = sent.iter().find(|invoice| Some(&invoice.id) == settled).or(sent.first());
        let Some(chosen) = chosen else {
            return self.unbilled(books, deal, amount, known);
        };
        for second in sent.iter().filter(|invoice| invoice.id != chosen.id) {
            let opportunity_id = Some(deal.opportunity_id.clone());
            books.differs(Difference { opportunity_id, ..Cause::SecondInvoice.of_invoice(second) });
        }
        let of_both = |cause: Cause| Difference {
            opportunity_id: Some(deal.opportunity_id.clone()),
            in_salesforce: amount.map(Into::into),
            ..cause.of_invoice(chosen)
        };
        let later = known.filter(|_| Some(&chosen.id) == settled).map_or(0, |known| billed_later(&known.run));
        let now = amount.map(|amount| Money::from_minor_units(amount.minor_units() - later, amount.currency()));
        if now != Some(total(chosen)) {
            let why = known.and_then(|known| Cause::of_stop(&known.run));
            books.differs(of_both(why.unwrap_or(Cause::AmountDiffers)));
        } else if later != 0 {
            books.books.later.add(Money::from_minor_units(later, chosen.currency));
        }
        if chosen.is_credited() {
            books.differs(of_both(Cause::CreditedAtStripe));
        }
        if deal.names_invoice.as_deref() != Some(chosen.id.as_str()) {
            // It may have been written back since the deal was read.
            if !books.is_fresh(chosen.created) {
                books.differs(of_both(Cause::InvoiceNotNamed));
            }
            return;
        }
        match (chosen.status == InvoiceStatus::Paid, deal.is_marked_paid) {
            _ if chosen.is_paid_by_note() => {}
            (true, false) if !chosen.paid_at.is_some_and(|paid_at| books.is_fresh(paid_at)) => {
                books.differs(of_both(Cause::PaidNotMarked));
            }
            (false, true) => books.differs(of_both(Cause::MarkedNotPaid)),
            _ => {}
        }
    }

    /// A won deal that the customer has no invoice for.
    fn unbilled(&self, books: &mut Writing, deal: &DealSeen, amount: Option<Money>, known: Option<&KnownRun>) {
        let is_under_way = match known {
            None => books.is_fresh(deal.stage_since),
            Some(known) => known.run.status() == Status::Open && books.is_fresh(known.at_work_since()),
        };
        let is_later = known.is_some_and(|known| known.run.is_billed_later());
        // Of one that was forgotten somebody hears.
        let is_forgotten = known.is_some_and(|known| known.run.waits_for_contract()) && books.is_old(deal.stage_since);
        if is_later && !is_forgotten {
            if let Some(amount) = amount {
                books.books.later.add(amount);
            }
            return;
        }
        if is_under_way {
            if let Some(amount) = amount {
                books.books.under_way.add(amount);
            }
            return;
        }
        let refused = deal.amount.as_ref().err().map(|stop| Cause::Refused(stop.code));
        let cause = known.and_then(|known| Cause::of_stop(&known.run)).or(refused);
        let cause = cause.unwrap_or_else(|| known.map_or(Cause::NotBilledYet, |known| self.lost_invoice(known)));
        books.differs(cause.of_deal(&deal.opportunity_id, amount));
    }

    /// The run says that the deal is billed.
    fn lost_invoice(&self, known: &KnownRun) -> Cause {
        let Some(invoice_id) = known.run.invoice_id().filter(|_| known.run.status() == Status::Done) else {
            return Cause::NotBilledYet;
        };
        match self.invoices.get(invoice_id).map(|(_, invoice)| invoice.status) {
            Some(InvoiceStatus::Void) => Cause::VoidAtStripe,
            Some(_) => Cause::NotBilledYet,
            None => Cause::NotAtStripe,
        }
    }
}

/// It is not what the deal is billed by any more: it was listed before it was voided, or it was credited. After a restore the run may not
/// know of it, and has another in its place.
pub(crate) fn gave_up(run: &Run, invoice: &Invoice) -> bool {
    let has_another = run.invoice_id().is_some_and(|own| *own != invoice.id);
    run.replaced.contains(&invoice.id) || has_another && invoice.is_credited()
}

/// What of a deal is not on its first invoice.
pub(crate) fn billed_later(run: &Run) -> i64 {
    run.billed().map_or(0, |(total, by_invoice)| total.minor_units() - by_invoice.minor_units())
}

/// It asks to be billed, whether it can be or not.
pub(super) fn asks(deal: &DealSeen) -> bool {
    !matches!(&deal.amount, Err(stop) if stop.kind == Kind::NotBillable)
}

fn is_fresh(now: Timestamp, at: Timestamp) -> bool {
    now.duration_since(at) < SETTLES_WITHIN
}

struct Writing {
    books: Books,
    differences: BTreeSet<Difference>,
    now: Timestamp,
}

impl Writing {
    fn invoice(&mut self, invoice: &Invoice) {
        self.books.invoices.add(total(invoice));
        if invoice.status == InvoiceStatus::Paid && !invoice.is_paid_by_note() {
            self.books.paid.add(total(invoice));
        }
    }

    fn differs(&mut self, difference: Difference) {
        self.differences.insert(difference);
    }

    fn is_old(&self, at: Timestamp) -> bool {
        self.now.duration_since(at) > CONTRACT_WITHIN
    }

    fn is_fresh(&self, at: Timestamp) -> bool {
        is_fresh(self.now, at)
    }

    fn finish(self) -> Books {
        let difference_count = self.differences.len();
        let differences = self.differences.into_iter().take(MOST_LISTED).collect();
        Books { differences, difference_count, ..self.books }
    }
}

#[cfg(test)]
mod tests;
