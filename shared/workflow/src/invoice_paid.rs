//! A paid invoice marks its opportunity paid.
//!
//! The event is only a hint: the invoice is read again, and its status decides. The invoice names the opportunity in its
//! metadata, and the opportunity must name the invoice; where it does not yet, the run waits for it.

use domain::{InvoiceId, OpportunityId, Record};
use jiff::Timestamp;
use mapping::{Code, Kind, Stop, Update, mark_paid};
use serde::{Deserialize, Serialize};

use crate::{Call, End, Fact, InvoiceSeen, InvoiceStatus, Next, OutOfOrder, Status};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// Stripe says that it is paid.
    Claimed { invoice_id: InvoiceId },
    /// The invoice itself does not say so. Payments do not vanish, so it is asked again.
    Unpaid { invoice_id: InvoiceId },
    /// It is. What does the opportunity say?
    Paid { payment: Payment },
    /// The opportunity does not name its invoice yet: the invoice's own run is still under way.
    NotLinked { payment: Payment },
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
}

impl Payment {
    fn update(&self) -> Update {
        mark_paid(&self.opportunity_id, self.paid_at)
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
            Self::NotLinked { payment } => Next::Wait(Stop::review(
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

    pub fn record(self, fact: Fact) -> Result<Self, OutOfOrder> {
        Ok(match (self, fact) {
            (Self::Claimed { invoice_id }, Fact::InvoiceRead(seen)) => paid(invoice_id, &seen),
            (Self::Claimed { invoice_id }, Fact::InvoiceMissing) => Self::Unpaid { invoice_id },
            (Self::Paid { payment }, Fact::BillingRead(record)) => linked(payment, &record),
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
            (Self::NotLinked { payment }, Fact::Refused(why)) => Self::stopped(payment.invoice_id, why.stop),
            (Self::Stopped { invoice_id, stop, .. }, Fact::Reported) => {
                Self::Stopped { invoice_id, stop, reported: true }
            }
            (point, fact) => return Err(OutOfOrder { point: point.name(), fact: fact.name() }),
        })
    }

    pub fn resume(self) -> Self {
        match self {
            // The write may have happened; reading shows it.
            Self::NotLinked { payment } | Self::Linked { payment } => Self::Paid { payment },
            Self::Unpaid { invoice_id } | Self::Stopped { invoice_id, .. } => Self::Claimed { invoice_id },
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
            return Point::Paid { payment: Payment { invoice_id, opportunity_id, paid_at: Timestamp::UNIX_EPOCH } };
        }
        return Point::Unpaid { invoice_id };
    };
    match opportunity_id {
        Some(opportunity_id) => Point::Paid { payment: Payment { invoice_id, opportunity_id, paid_at } },
        None => {
            let stop = Stop::not_billable(Code::NotOurs, "The invoice names no opportunity.");
            Point::stopped(invoice_id, stop)
        }
    }
}

fn linked(payment: Payment, record: &Record) -> Point {
    match record.text("Stripe_Invoice_Id__c") {
        None => Point::NotLinked { payment },
        Some(id) if id != payment.invoice_id.as_str() => {
            let message = format!(
                "Invoice {} is paid and names opportunity {}, which names another invoice: decide which is right.",
                payment.invoice_id, payment.opportunity_id
            );
            Point::stopped(payment.invoice_id, Stop::review(Code::InvoiceLinkedElsewhere, message))
        }
        // An unchanged record is not written: every write may start somebody's automation.
        Some(_) if record.is_true("Payment_Received__c") && record.text("Paid_Date__c").is_some() => {
            Point::Done { payment }
        }
        Some(_) => Point::Linked { payment },
    }
}
