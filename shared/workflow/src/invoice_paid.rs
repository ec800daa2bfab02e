//! A paid invoice marks its opportunity paid.
//!
//! The event is only a hint: the invoice is read again, and its status decides. The invoice names the opportunity in its
//! metadata, and the opportunity must name the invoice; where it does not yet, the run waits for it.

use domain::{InvoiceId, OpportunityId, Record};
use jiff::Timestamp;
use mapping::{Amendments, Code, Kind, PAID, Settings, Stop, Update, mark_paid};
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
            // The write may have happened; reading shows it.
            Self::NotLinked { payment, .. } | Self::Linked { payment } => Self::Paid { payment },
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

fn linked(payment: Payment, record: &Record, settings: &Settings) -> Point {
    match record.text("Stripe_Invoice_Id__c") {
        None => Point::NotLinked { payment, names_another: false },
        Some(id) if id != payment.invoice_id.as_str() => match settings.amendments {
            Amendments::Review => {
                let stop = linked_elsewhere(&payment);
                Point::stopped(payment.invoice_id, stop)
            }
            // It took another's place, and may have been paid before that was written back.
            Amendments::VoidAndReissue => Point::NotLinked { payment, names_another: true },
        },
        // An unchanged record is not written: every write may start somebody's automation.
        Some(_) if record.is_true(PAID) && record.text("Paid_Date__c").is_some() => Point::Done { payment },
        Some(_) => Point::Linked { payment },
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
mod tests {
    use domain::{Currency, FieldValue};

    use super::*;
    use crate::Refusal;

    fn invoice_id() -> InvoiceId {
        InvoiceId::parse("in_1").expect("valid")
    }

    fn payment() -> Payment {
        let opportunity_id = OpportunityId::parse("006000000000001AAA").expect("valid");
        Payment { invoice_id: invoice_id(), opportunity_id, paid_at: Timestamp::UNIX_EPOCH }
    }

    fn seen(status: InvoiceStatus, names_opportunity: bool) -> Fact {
        let opportunity = ("sf_opportunity_id".to_owned(), "006000000000001AAA".to_owned());
        Fact::InvoiceRead(InvoiceSeen {
            amount_paid: 0,
            amount_remaining: 0,
            invoice_id: invoice_id(),
            is_ours: true,
            customer_id: None,
            status,
            currency: Currency::parse("EUR").expect("valid"),
            subtotal: 1000,
            total: 1000,
            tax: Default::default(),
            auto_advance: false,
            hosted_invoice_url: None,
            invoice_pdf: None,
            paid_at: (status == InvoiceStatus::Paid).then_some(Timestamp::UNIX_EPOCH),
            metadata: Some(opportunity).filter(|_| names_opportunity).into_iter().collect(),
            subscription_id: None,
            first_lines: vec![],
            has_more_lines: false,
        })
    }

    fn record(fields: &[(&str, FieldValue)]) -> Record {
        let mut record = Record::default();
        fields.iter().for_each(|(path, value)| record.set(*path, value.clone()));
        record
    }

    fn text(value: &str) -> FieldValue {
        FieldValue::Text(value.into())
    }

    fn settings(amendments: Amendments) -> Settings {
        Settings { amendments, ..Settings::new(Currency::parse("EUR").expect("valid")) }
    }

    /// Where invoices are replaced, the opportunity may name the one before for a moment; after a day it is a person's business.
    #[test]
    fn an_opportunity_that_names_what_was_replaced_is_waited_for() {
        let named = Fact::BillingRead(record(&[("Stripe_Invoice_Id__c", text("in_0"))]));
        let point = Point::Paid { payment: payment() }.record(named, &settings(Amendments::VoidAndReissue));
        let point = point.expect("in order");
        assert_eq!((point.name(), point.status()), ("not_linked", Status::Open));
        let Next::Wait(stop) = point.next() else { panic!("{point:?}") };
        assert_eq!(stop.code, Code::InvoiceLinkedElsewhere);
        assert_eq!(point.clone().resume(), Point::Paid { payment: payment() });
        let in_vain = after(point, Fact::Refused(Refusal { stop: stop.clone() }));
        assert_eq!(in_vain.stop(), Some(&stop));
    }

    fn after(point: Point, fact: Fact) -> Point {
        point.record(fact, &settings(Amendments::Review)).expect("in order")
    }

    #[test]
    fn only_the_invoice_says_that_it_is_paid() {
        let claimed = || Point::Claimed { invoice_id: invoice_id() };
        for (fact, name, status) in [
            (seen(InvoiceStatus::Paid, true), "paid", Status::Open),
            (seen(InvoiceStatus::Open, true), "unpaid", Status::Open),
            (Fact::InvoiceMissing, "unpaid", Status::Open),
            (seen(InvoiceStatus::Paid, false), "stopped", Status::Rejected),
            (Fact::Refused(Refusal { stop: Stop::refused(Code::StripeRefused, "No.") }), "stopped", Status::Open),
        ] {
            let point = after(claimed(), fact);
            assert_eq!((point.name(), point.status()), (name, status));
        }
        assert_eq!((claimed().name(), claimed().stop()), ("claimed", None));
        let late = claimed().record(Fact::Reported, &settings(Amendments::Review)).expect_err("out of order");
        assert_eq!((late.point, late.fact), ("claimed", "reported"));
    }

    #[test]
    fn the_opportunity_must_name_the_invoice_and_is_written_once() {
        let (paid, day) = (("Payment_Received__c", FieldValue::Boolean(true)), ("Paid_Date__c", text("1970-01-01")));
        let named = |id: &str| ("Stripe_Invoice_Id__c", text(id));
        for (fields, name) in [
            (vec![], "not_linked"),
            (vec![named("in_1")], "linked"),
            (vec![named("in_1"), paid.clone()], "linked"),
            (vec![named("in_1"), day.clone()], "linked"),
            (vec![named("in_1"), paid.clone(), day.clone()], "done"),
            (vec![named("in_2"), paid.clone(), day.clone()], "stopped"),
        ] {
            let point = after(Point::Paid { payment: payment() }, Fact::BillingRead(record(&fields)));
            assert_eq!(point.name(), name, "{fields:?}");
            let elsewhere = (name == "stopped").then_some(Code::InvoiceLinkedElsewhere);
            assert_eq!(point.stop().map(|stop| stop.code), elsewhere);
        }
        let linked = || Point::Linked { payment: payment() };
        let done = after(linked(), Fact::RecordsUpdated(vec![record(&[paid.clone(), day])]));
        assert_eq!((done.name(), done.status()), ("done", Status::Done));
        for records in [vec![record(&[paid])], vec![]] {
            let differs = after(linked(), Fact::RecordsUpdated(records));
            assert_eq!(differs.stop().map(|stop| stop.code), Some(Code::WriteBackDiffers));
        }
    }

    #[test]
    fn a_person_is_told_once_for_one_cause() {
        let stop = Stop::review(Code::InvoiceNotLinked, "It names none.");
        let stopped = after(
            Point::NotLinked { payment: payment(), names_another: false },
            Fact::Refused(Refusal { stop: stop.clone() }),
        );
        assert_eq!((stopped.status(), stopped.next()), (Status::Open, Next::Call(Call::Report { stop: stop.clone() })));
        let reported = after(stopped.clone(), Fact::Reported);
        assert_eq!((reported.status(), reported.next()), (Status::Review, Next::End(End::Stopped(stop.clone()))));
        let other = Stop::review(Code::NotPaid, "It is not.");
        assert_eq!(stopped.clone().already_said(Some(&stop)).status(), Status::Review);
        assert_eq!(reported.already_said(None).status(), Status::Review);
        for parked in [None, Some(&other)] {
            assert_eq!(stopped.clone().already_said(parked).status(), Status::Open);
        }
    }
}
