//! A paid invoice marks its opportunity paid.
//!
//! The event is only a hint: the invoice is read again, and its status decides. The invoice names the opportunity in its
//! metadata, and the opportunity must name the invoice; where it does not yet, the run waits for it.

use domain::{InvoiceId, OpportunityId, Record};
use jiff::Timestamp;
use mapping::{Code, Kind, PAID, PAID_ON, Settings, Stop, Update, mark_paid};
use serde::{Deserialize, Serialize};

use crate::{Call, End, Fact, InvoiceSeen, InvoiceStatus, Next, OutOfOrder, Status};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// Stripe says that it is paid.
    Claimed { invoice_id: InvoiceId },
    /// The invoice itself does not say so. Payments do not vanish, so it is asked again.
    #[serde(alias = "unnamed")]
    Unpaid { invoice_id: InvoiceId },
    /// It is. What does the opportunity say?
    Paid { payment: Payment },
    /// The opportunity does not name its invoice yet: the invoice's own run is still under way. It may name the one that this took
    /// the place of.
    NotLinked {
        payment: Payment,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        names_another: bool,
    },
    /// The opportunity names this invoice and does not say that it is paid.
    Linked { payment: Payment },
    /// The opportunity says that it is paid. The end.
    Done { payment: Payment },
    /// A person must decide, or there was nothing to do. A new event begins again.
    Stopped { invoice_id: InvoiceId, stop: Stop, reported: bool },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    pub invoice_id: InvoiceId,
    pub opportunity_id: OpportunityId,
    pub paid_at: Timestamp,
    /// Another invoice may take its place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_named: bool,
}

impl Payment {
    fn update(&self) -> Update {
        mark_paid(&self.opportunity_id, self.paid_at, Some(&self.invoice_id).filter(|_| self.is_named))
    }
}

impl Point {
    pub fn next(&self) -> Next {
        match self {
            Self::Claimed { invoice_id } => Next::Call(Call::ReadInvoice { invoice_id: invoice_id.clone() }),
            Self::Unpaid { invoice_id } => Next::Wait(Stop::review(
                Code::NotPaid,
                format!(
                    "Stripe sent an event that invoice {invoice_id} is paid, and the invoice itself does not say so: look at \
                     it in Stripe's dashboard, and whether the key belongs to the same account."
                ),
            )),
            Self::Paid { payment } => Next::Call(Call::ReadBilling { opportunity_id: payment.opportunity_id.clone() }),
            Self::NotLinked { payment, names_another: true } => Next::Wait(linked_elsewhere(payment)),
            Self::NotLinked { payment, .. } => Next::Wait(Stop::review(
                Code::InvoiceNotLinked,
                format!(
                    "Invoice {} is paid, and opportunity {} names no invoice: write the id into Stripe Invoice Id and send \
                     the event again.",
                    payment.invoice_id, payment.opportunity_id
                ),
            )),
            Self::Linked { payment } => Next::Call(Call::UpdateRecords { updates: vec![payment.update()] }),
            Self::Done { .. } => Next::End(End::Done),
            Self::Stopped { stop, reported: false, .. } => Next::Call(Call::Report { stop: stop.clone() }),
            Self::Stopped { stop, .. } => Next::End(End::Stopped(stop.clone())),
        }
    }

    pub fn record(self, fact: Fact, settings: &Settings) -> Result<Self, OutOfOrder> {
        Ok(match (self, fact) {
            (Self::Claimed { invoice_id }, Fact::InvoiceRead(seen)) => paid(invoice_id, &seen),
            (Self::Claimed { invoice_id }, Fact::InvoiceMissing) => Self::Unpaid { invoice_id },
            (Self::Paid { payment }, Fact::BillingRead(record)) => linked(payment, &record, settings),
            (Self::Paid { payment }, Fact::RecordMissing) => {
                let message = format!(
                    "Invoice {} is paid, and its opportunity {} is gone or hidden from the integration user.",
                    payment.invoice_id, payment.opportunity_id
                );
                Self::stopped(payment.invoice_id, Stop::review(Code::OpportunityNotFound, message))
            }
            (Self::Linked { payment }, Fact::RecordsUpdated(records)) => {
                let differences = records.first().map(|record| payment.update().differences(record));
                match differences {
                    Some(differences) if differences.is_empty() => Self::Done { payment },
                    differences => {
                        let message = format!(
                            "Invoice {} is paid, but Salesforce does not keep {}: check field-level security for the \
                             integration user, and triggers or flows that change these fields.",
                            payment.invoice_id,
                            differences.unwrap_or_default().join(", ")
                        );
                        Self::stopped(payment.invoice_id, Stop::review(Code::WriteBackDiffers, message))
                    }
                }
            }
            (Self::Claimed { invoice_id }, Fact::Refused(why)) => Self::stopped(invoice_id, reviewed(why.stop)),
            (Self::Paid { payment } | Self::Linked { payment }, Fact::Refused(why)) => {
                Self::stopped(payment.invoice_id, reviewed(why.stop))
            }
            // Waited a day in vain.
            (Self::Unpaid { invoice_id }, Fact::Refused(why)) => Self::stopped(invoice_id, why.stop),
            (Self::NotLinked { payment, .. }, Fact::Refused(why)) => Self::stopped(payment.invoice_id, why.stop),
            (Self::Stopped { invoice_id, stop, .. }, Fact::Reported) => {
                Self::Stopped { invoice_id, stop, reported: true }
            }
            (point, fact) => return Err(OutOfOrder { point: point.name(), fact: fact.name() }),
        })
    }

    pub fn resume(self) -> Self {
        match self {
            // It may be credited by now.
            Self::NotLinked { payment, names_another: true } => Self::Claimed { invoice_id: payment.invoice_id },
            // The write may have happened; reading shows it. What was written may have been taken away since.
            Self::NotLinked { payment, .. } | Self::Linked { payment } | Self::Done { payment } => {
                Self::Paid { payment }
            }
            Self::Unpaid { invoice_id } | Self::Stopped { invoice_id, .. } => Self::Claimed { invoice_id },
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

    fn stopped(invoice_id: InvoiceId, stop: Stop) -> Self {
        let reported = !stop.needs_person();
        Self::Stopped { invoice_id, stop, reported }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Claimed { .. } => "claimed",
            Self::Unpaid { .. } => "unpaid",
            Self::Paid { .. } => "paid",
            Self::NotLinked { .. } => "not_linked",
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

/// `status == paid` is the whole test: amounts say less, since an invoice may be settled out of band or by credit.
fn paid(invoice_id: InvoiceId, seen: &InvoiceSeen) -> Point {
    let opportunity_id = seen.metadata.get("sf_opportunity_id").and_then(|id| OpportunityId::parse(id).ok());
    let (InvoiceStatus::Paid, Some(paid_at)) = (seen.status, seen.paid_at) else {
        if planted!(PaidWithoutLooking)
            && let Some(opportunity_id) = opportunity_id
        {
            return Point::Paid {
                payment: Payment { invoice_id, opportunity_id, paid_at: Timestamp::UNIX_EPOCH, is_named: false },
            };
        }
        return Point::Unpaid { invoice_id };
    };
    match opportunity_id {
        Some(_) if seen.is_given_up() && (!seen.is_credited_by_hand() || seen.is_paid_by_note()) => {
            let why = match seen.is_credited_by_hand() {
                true => "All of it is credited, and what was still due was paid by nobody but the credit note.",
                false => "What was paid is the customer's credit by now, and the deal is billed by another invoice.",
            };
            Point::stopped(invoice_id, Stop::not_billable(Code::InvoiceLinkedElsewhere, why))
        }
        Some(opportunity_id) => {
            Point::Paid { payment: Payment { invoice_id, opportunity_id, paid_at, is_named: false } }
        }
        None => {
            let stop = Stop::not_billable(Code::NotOurs, "The invoice names no opportunity.");
            Point::stopped(invoice_id, stop)
        }
    }
}

fn linked(payment: Payment, record: &Record, settings: &Settings) -> Point {
    match record.text("Stripe_Invoice_Id__c") {
        None => Point::NotLinked { payment, names_another: false },
        // It took another's place, and may have been paid before that was written back.
        Some(id) if id != payment.invoice_id.as_str() && settings.amendments.reissues() => {
            Point::NotLinked { payment, names_another: true }
        }
        Some(id) if id != payment.invoice_id.as_str() => {
            let stop = linked_elsewhere(&payment);
            Point::stopped(payment.invoice_id, stop)
        }
        // An unchanged record is not written: every write may start somebody's automation.
        Some(_) if record.is_true(PAID) && record.text(PAID_ON).is_some() => Point::Done { payment },
        Some(_) => Point::Linked { payment: Payment { is_named: settings.amendments.credits(), ..payment } },
    }
}

fn linked_elsewhere(payment: &Payment) -> Stop {
    let message = format!(
        "Invoice {} is paid and names opportunity {}, which names another invoice: decide which is right.",
        payment.invoice_id, payment.opportunity_id
    );
    Stop::review(Code::InvoiceLinkedElsewhere, message)
}

#[cfg(test)]
mod tests;
