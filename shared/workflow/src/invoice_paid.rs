//! What came in for an invoice stands on its opportunity: all of it, or a part.
//!
//! The event is only a hint: the invoice is read again, and what it says decides. The invoice names the opportunity in its
//! metadata, and the opportunity must name the invoice; where it does not yet, the run waits for it.
//!
//! What is new is written at once, in one call: only where the opportunity names this invoice, which is asked in the call. What may have
//! been told before is looked for first, since every write may start somebody's automation.

mod came_in;
mod whose;

use came_in::came_in;
use domain::{InvoiceId, OpportunityId, Record};
use mapping::{Code, Kind, Received, Settings, Stop, currency_of};
use serde::{Deserialize, Serialize};
use whose::{sought_elsewhere, whose};

use crate::seek::{Seek, Sought, besides};
use crate::{Call, End, Fact, Next, OutOfOrder, Status};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// Stripe says that something came in.
    Claimed {
        invoice_id: InvoiceId,
        #[serde(default, skip_serializing_if = "Said::is_whole")]
        said: Said,
        /// Something may have been told of it before.
        #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
        looks_first: bool,
        /// An opportunity that was found to name it, whatever the invoice itself says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        found: Option<OpportunityId>,
    },
    /// The invoice itself does not say so. Payments do not vanish, so it is asked again.
    #[serde(alias = "unnamed")]
    Unpaid {
        invoice_id: InvoiceId,
        #[serde(default, skip_serializing_if = "Said::is_whole")]
        said: Said,
    },
    /// It does. What does the opportunity say?
    Paid { payment: Received },
    /// The opportunity does not name its invoice yet: the invoice's own run is still under way. It may name the one that this took
    /// the place of.
    NotLinked {
        payment: Received,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        names_another: bool,
    },
    /// That was waited for in vain; or nobody made the invoice for a deal, as far as is known. Who has it?
    Seeking {
        invoice_id: InvoiceId,
        said: Said,
        seek: Seek,
        /// Why a person is told if nobody has it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        waited: Option<Stop>,
    },
    /// Its customer is an account's, and no opportunity names it yet.
    Astray { invoice_id: InvoiceId, said: Said, stop: Stop },
    /// The opportunity names this invoice, as far as is known, and does not say what came in.
    Linked {
        payment: Received,
        /// It was seen to do so before anything was written.
        #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
        looked: bool,
    },
    /// The opportunity says it. The end, until more comes in.
    Done { payment: Received },
    /// A person must decide, or there was nothing to do. A new event begins again.
    Stopped { invoice_id: InvoiceId, stop: Stop, reported: bool },
}

/// What Stripe's event says of the invoice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    #[default]
    Whole,
    Part,
}

impl Said {
    fn of(paid_at: Option<jiff::Timestamp>) -> Self {
        if paid_at.is_some() { Self::Whole } else { Self::Part }
    }

    fn is_whole(&self) -> bool {
        *self == Self::Whole
    }
}

fn yes() -> bool {
    true
}

impl Point {
    pub fn claimed(invoice_id: InvoiceId, is_whole: bool) -> Self {
        let said = if is_whole { Said::Whole } else { Said::Part };
        Self::Claimed { invoice_id, said, looks_first: false, found: None }
    }

    /// The rest may come in yet.
    pub fn is_of_a_part(&self) -> bool {
        matches!(self, Self::Done { payment } if payment.paid_at.is_none())
    }

    /// A run that is taken up for another event, which may say more than those before.
    pub(crate) fn hearing(self, brought: &Self) -> Self {
        match (self, brought) {
            (Self::Claimed { invoice_id, looks_first, found, .. }, Self::Claimed { said: Said::Whole, .. }) => {
                Self::Claimed { invoice_id, said: Said::Whole, looks_first, found }
            }
            (Self::Seeking { invoice_id, seek, waited, .. }, Self::Claimed { said: Said::Whole, .. }) => {
                Self::Seeking { invoice_id, said: Said::Whole, seek, waited }
            }
            (point, _) => point,
        }
    }

    pub fn next(&self) -> Next {
        match self {
            Self::Claimed { invoice_id, .. } => Next::Call(Call::ReadInvoice { invoice_id: invoice_id.clone() }),
            Self::Unpaid { invoice_id, said } => Next::Wait(Stop::review(
                Code::NotPaid,
                format!(
                    "Stripe sent an event that invoice {invoice_id} is paid{}, and the invoice itself does not say so: look at \
                     it in Stripe's dashboard, and whether the key belongs to the same account.",
                    if said.is_whole() { "" } else { " in part" }
                ),
            )),
            Self::Paid { payment } => Next::Call(Call::ReadPaid { opportunity_id: payment.opportunity_id.clone() }),
            Self::NotLinked { payment, names_another: true } => Next::Wait(linked_elsewhere(payment)),
            Self::NotLinked { payment, .. } => Next::Wait(Stop::review(
                Code::InvoiceNotLinked,
                format!(
                    "Invoice {} is paid, and opportunity {} names no invoice: write the id into Stripe Invoice Id and send \
                     the event again.",
                    payment.invoice_id, payment.opportunity_id
                ),
            )),
            Self::Seeking { seek, .. } => Next::Call(seek.call()),
            Self::Astray { stop, .. } => Next::Wait(stop.clone()),
            Self::Linked { payment, .. } => Next::Call(Call::UpdateRecords { updates: payment.updates() }),
            Self::Done { .. } => Next::End(End::Done),
            Self::Stopped { stop, reported: false, .. } => Next::Call(Call::Report { stop: stop.clone() }),
            Self::Stopped { stop, .. } => Next::End(End::Stopped(stop.clone())),
        }
    }

    pub fn record(self, fact: Fact, settings: &Settings) -> Result<Self, OutOfOrder> {
        Ok(match (self, fact) {
            (Self::Claimed { said, looks_first, found, .. }, Fact::InvoiceRead(seen)) => {
                came_in(said, looks_first, found, &seen, settings)
            }
            (Self::Claimed { invoice_id, said, .. }, Fact::InvoiceMissing) => Self::Unpaid { invoice_id, said },
            (Self::Paid { payment }, Fact::PaidRead { record, unread }) => {
                linked(payment, &record, unread.as_deref(), settings)
            }
            (Self::Paid { payment }, Fact::RecordMissing) => gone(payment),
            (Self::Linked { payment, looked }, Fact::RecordsUpdated(records)) => {
                match records.first().filter(|record| record.text("Id").is_some()) {
                    Some(_) => told(payment, looked, &records, settings),
                    None => gone(payment),
                }
            }
            (Self::Claimed { invoice_id, .. }, Fact::Refused(why)) => Self::stopped(invoice_id, reviewed(why.stop)),
            (Self::Paid { payment } | Self::Linked { payment, .. }, Fact::Refused(why)) => {
                Self::stopped(payment.invoice_id, reviewed(why.stop))
            }
            // Waited a day in vain.
            (Self::Unpaid { invoice_id, .. }, Fact::Refused(why)) => Self::stopped(invoice_id, why.stop),
            (Self::NotLinked { payment, .. }, Fact::Refused(why)) => sought_elsewhere(payment, why.stop),
            (Self::Astray { invoice_id, .. }, Fact::Refused(why)) => Self::stopped(invoice_id, why.stop),
            (Self::Seeking { invoice_id, said, seek, waited }, fact) => {
                let name = fact.name();
                match seek.record(fact) {
                    Sought::On(seek) => Self::Seeking { invoice_id, said, seek, waited },
                    Sought::Ended(search, found) => whose(invoice_id, said, &search, &found, waited),
                    Sought::Refused(stop) => {
                        let stop = waited.map_or(stop.clone(), |waited| besides(&waited, &stop.message));
                        Self::stopped(invoice_id, stop)
                    }
                    Sought::OutOfOrder => return Err(OutOfOrder { point: "seeking", fact: name }),
                }
            }
            (Self::Stopped { invoice_id, stop, .. }, Fact::Reported) => {
                Self::Stopped { invoice_id, stop, reported: true }
            }
            (point, fact) => return Err(OutOfOrder { point: point.name(), fact: fact.name() }),
        })
    }

    pub fn resume(self) -> Self {
        let claimed = |invoice_id, said| Self::Claimed { invoice_id, said, looks_first: true, found: None };
        match self {
            Self::Astray { invoice_id, said, .. } => claimed(invoice_id, said),
            // It may be credited by now.
            Self::NotLinked { payment, names_another: true } => claimed(payment.invoice_id, Said::of(payment.paid_at)),
            // More may have come in.
            Self::NotLinked { payment, .. }
            | Self::Paid { payment }
            | Self::Linked { payment, .. }
            | Self::Done { payment }
                if payment.paid_at.is_none() =>
            {
                let found = payment.is_found.then_some(payment.opportunity_id);
                Self::Claimed { invoice_id: payment.invoice_id, said: Said::Part, looks_first: true, found }
            }
            // The write may have happened; reading shows it. What was written may have been taken away since.
            Self::NotLinked { payment, .. } | Self::Linked { payment, .. } | Self::Done { payment } => {
                Self::Paid { payment }
            }
            // It may have come as far as the write.
            Self::Claimed { invoice_id, said, found, .. } => {
                Self::Claimed { invoice_id, said, looks_first: true, found }
            }
            Self::Unpaid { invoice_id, said } => claimed(invoice_id, said),
            Self::Stopped { invoice_id, .. } => claimed(invoice_id, Said::Part),
            point => point,
        }
    }

    /// A stop that was reported before, for the same cause, is not reported again.
    pub(crate) fn already_said(self, parked: Option<&Stop>) -> Self {
        match self {
            Self::Stopped { invoice_id, stop, reported } => {
                Self::Stopped { reported: reported || parked == Some(&stop), invoice_id, stop }
            }
            point => point,
        }
    }

    /// The deal that was found has it no more: what the invoice itself names is asked.
    fn forgetting(payment: &Received) -> Self {
        let (invoice_id, said) = (payment.invoice_id.clone(), Said::of(payment.paid_at));
        Self::Claimed { invoice_id, said, looks_first: true, found: None }
    }

    fn stopped(invoice_id: InvoiceId, stop: Stop) -> Self {
        let reported = !stop.needs_person();
        Self::Stopped { invoice_id, stop, reported }
    }

    pub(crate) fn payment(&self) -> Option<&Received> {
        match self {
            Self::Paid { payment }
            | Self::NotLinked { payment, .. }
            | Self::Linked { payment, .. }
            | Self::Done { payment } => Some(payment),
            _ => None,
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Claimed { .. } => "claimed",
            Self::Unpaid { .. } => "unpaid",
            Self::Paid { .. } => "paid",
            Self::NotLinked { .. } => "not_linked",
            Self::Seeking { .. } => "seeking",
            Self::Astray { .. } => "astray",
            Self::Linked { .. } => "linked",
            Self::Done { .. } => "done",
            Self::Stopped { .. } => "stopped",
        }
    }

    pub fn status(&self) -> Status {
        match self {
            Self::Done { .. } => Status::Done,
            Self::Stopped { stop, reported: true, .. } if stop.kind == Kind::NotBillable => Status::Rejected,
            Self::Stopped { reported: true, .. } => Status::Review,
            _ => Status::Open,
        }
    }

    pub fn stop(&self) -> Option<&Stop> {
        match self {
            Self::Stopped { stop, .. } => Some(stop),
            _ => None,
        }
    }
}

fn reviewed(stop: Stop) -> Stop {
    Stop::review(stop.code, stop.message)
}

/// What the opportunity says before anything is written.
fn linked(payment: Received, record: &Record, unread: Option<&str>, settings: &Settings) -> Point {
    // That may have been switched since the run began.
    let payment = Received { shows_status: settings.followed.shows_invoices(), ..payment };
    let payment = payment.ruled(record, unread, settings);
    let is_in_another =
        payment.amounts.is_some_and(|amounts| currency_of(record, settings) != Some(amounts.paid.currency()));
    match named_otherwise(&payment, record, settings) {
        Some(point) => point,
        None if payment.is_found && is_in_another => {
            Point::stopped(payment.invoice_id.clone(), in_another_currency(&payment))
        }
        // An unchanged record is not written.
        None if payment.is_told_by(record) && payment.differences_beside(record).is_empty() => all_told(payment),
        None => Point::Linked { payment, looked: true },
    }
}

/// What it says after that. What it did not take may have been told already, or it names another invoice.
fn told(payment: Received, looked: bool, records: &[Record], settings: &Settings) -> Point {
    let [record, beside @ ..] = records else { return gone(payment) };
    let mut differences = payment.update().differences(record);
    if payment.is_told_by(record) {
        differences.clear();
    }
    // Each of the others was read back by itself, and holds what it is about.
    let fields = payment.updates().into_iter().skip(1).flat_map(|update| update.fields.into_keys());
    let differing = fields.zip(beside).filter(|(field, record)| payment.differences_beside(record).contains(field));
    differences.extend(differing.map(|(field, _)| field));
    match named_otherwise(&payment, record, settings) {
        Some(point) => point,
        None if differences.is_empty() => all_told(payment),
        // It may have come to name the invoice in that very moment.
        None if !looked => Point::Paid { payment },
        None => {
            let message = format!(
                "Invoice {} is paid{}, but Salesforce does not keep {}: check field-level security for the integration user, and triggers \
                 or flows that change these fields.",
                payment.invoice_id,
                if payment.paid_at.is_some() { "" } else { " in part" },
                differences.join(", ")
            );
            Point::stopped(payment.invoice_id, Stop::review(Code::WriteBackDiffers, message))
        }
    }
}

/// What came in stands there. What a rule could not decide is put before a person.
fn all_told(payment: Received) -> Point {
    let Some(why) = &payment.undecided else { return Point::Done { payment } };
    let message = format!(
        "Invoice {} is paid, and opportunity {} says so, but stays in its stage: {why} Fill in what is empty and send the event again, or \
         move it by hand.",
        payment.invoice_id, payment.opportunity_id
    );
    Point::stopped(payment.invoice_id, Stop::review(Code::RuleUndecided, message))
}

/// Where the opportunity does not name its invoice.
fn named_otherwise(payment: &Received, record: &Record, settings: &Settings) -> Option<Point> {
    let not_linked = |names_another| Some(Point::NotLinked { payment: payment.clone(), names_another });
    match record.text("Stripe_Invoice_Id__c") {
        Some(id) if id == payment.invoice_id.as_str() => None,
        // It was found, and is not any more.
        _ if payment.is_found => Some(Point::forgetting(payment)),
        None => not_linked(false),
        // It took another's place, and may have been paid before that was written back.
        Some(_) if settings.amendments.reissues() => not_linked(true),
        Some(_) => Some(sought_elsewhere(payment.clone(), linked_elsewhere(payment))),
    }
}

fn gone(payment: Received) -> Point {
    if payment.is_found {
        return Point::forgetting(&payment);
    }
    let message = format!(
        "Invoice {} is paid, and its opportunity {} is gone or hidden from the integration user.",
        payment.invoice_id, payment.opportunity_id
    );
    sought_elsewhere(payment, Stop::review(Code::OpportunityNotFound, message))
}

fn in_another_currency(payment: &Received) -> Stop {
    let message = format!(
        "Invoice {} is paid, and opportunity {}, which names it, is in another currency: what came in cannot stand there.",
        payment.invoice_id, payment.opportunity_id
    );
    Stop::review(Code::InvoiceInAnotherCurrency, message)
}

fn linked_elsewhere(payment: &Received) -> Stop {
    let message = format!(
        "Invoice {} is paid and names opportunity {}, which names another invoice: decide which is right.",
        payment.invoice_id, payment.opportunity_id
    );
    Stop::review(Code::InvoiceLinkedElsewhere, message)
}

#[cfg(test)]
mod tests;
