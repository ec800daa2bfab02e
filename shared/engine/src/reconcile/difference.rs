//! Where the two sides differ, and why.

use domain::{InvoiceId, Money, OpportunityId};
use ledger::Difference;
use mapping::{Code, Kind};
use workflow::{Run, Status};

/// The stable causes. They stand in statements and in alarms, so they never change; docs/DIFFERENCES.md explains each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    NotBilledYet,
    Refused(Code),
    Review(Code),
    AmountDiffers,
    VoidAtStripe,
    CreditedAtStripe,
    NotAtStripe,
    PaidNotMarked,
    MarkedNotPaid,
    InvoiceNotNamed,
    InvoiceWithoutDeal,
    InvoiceWithoutRun,
    InvoiceLinkedElsewhere,
    SecondInvoice,
    SecondSubscription,
    Unreadable,
}

impl Cause {
    /// What stands before the colon, of every cause.
    pub const CODES: [&str; 16] = [
        "not_billed_yet",
        "refused",
        "review",
        "amount_differs",
        "void_at_stripe",
        "credited_at_stripe",
        "not_at_stripe",
        "paid_not_marked",
        "marked_not_paid",
        "invoice_not_named",
        "invoice_without_deal",
        "invoice_without_run",
        "invoice_linked_elsewhere",
        "second_invoice",
        "second_subscription",
        "unreadable",
    ];

    fn code(self) -> &'static str {
        match self {
            Self::NotBilledYet => "not_billed_yet",
            Self::Refused(_) => "refused",
            Self::Review(_) => "review",
            Self::AmountDiffers => "amount_differs",
            Self::VoidAtStripe => "void_at_stripe",
            Self::CreditedAtStripe => "credited_at_stripe",
            Self::NotAtStripe => "not_at_stripe",
            Self::PaidNotMarked => "paid_not_marked",
            Self::MarkedNotPaid => "marked_not_paid",
            Self::InvoiceNotNamed => "invoice_not_named",
            Self::InvoiceWithoutDeal => "invoice_without_deal",
            Self::InvoiceWithoutRun => "invoice_without_run",
            Self::InvoiceLinkedElsewhere => "invoice_linked_elsewhere",
            Self::SecondInvoice => "second_invoice",
            Self::SecondSubscription => "second_subscription",
            Self::Unreadable => "unreadable",
        }
    }

    /// Why the run of a deal has not billed it, if the run itself knows.
    pub(crate) fn of_stop(run: &Run) -> Option<Self> {
        let stop = run.stop()?;
        match (run.status(), stop.kind) {
            (Status::Review, _) => Some(Self::Review(stop.code)),
            (Status::Rejected, Kind::Refused) => Some(Self::Refused(stop.code)),
            // The deal asks to be billed now, and did not when the run looked.
            _ => None,
        }
    }

    pub(crate) fn difference(self) -> Difference {
        let cause = match self {
            Self::Refused(code) | Self::Review(code) => format!("{}:{}", self.code(), code.as_str()),
            _ => self.code().to_owned(),
        };
        Difference { cause, opportunity_id: None, invoice_id: None, in_salesforce: None, at_stripe: None }
    }

    pub(crate) fn of_deal(self, opportunity_id: &OpportunityId, amount: Option<Money>) -> Difference {
        let opportunity_id = Some(opportunity_id.clone());
        Difference { opportunity_id, in_salesforce: amount.map(Into::into), ..self.difference() }
    }

    pub(crate) fn of_invoice(self, invoice: &stripe::Invoice) -> Difference {
        let at_stripe = Some(Money::from_minor_units(invoice.before_tax(), invoice.currency).into());
        Difference { invoice_id: Some(invoice.id.clone()), at_stripe, ..self.difference() }
    }

    pub(crate) fn of_invoice_id(self, invoice_id: Option<InvoiceId>) -> Difference {
        Difference { invoice_id, ..self.difference() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_what_it_is_about() {
        let invoice_id = InvoiceId::parse("in_1").expect("valid");
        let difference = Cause::VoidAtStripe.of_invoice_id(Some(invoice_id.clone()));
        assert_eq!(difference.invoice_id, Some(invoice_id));
        assert_eq!(Cause::VoidAtStripe.of_invoice_id(None).invoice_id, None);
    }

    #[test]
    fn every_cause_has_its_code_in_the_list() {
        let of_code = Code::NoLines;
        let all = [
            Cause::NotBilledYet,
            Cause::Refused(of_code),
            Cause::Review(of_code),
            Cause::AmountDiffers,
            Cause::VoidAtStripe,
            Cause::CreditedAtStripe,
            Cause::NotAtStripe,
            Cause::PaidNotMarked,
            Cause::MarkedNotPaid,
            Cause::InvoiceNotNamed,
            Cause::InvoiceWithoutDeal,
            Cause::InvoiceWithoutRun,
            Cause::InvoiceLinkedElsewhere,
            Cause::SecondInvoice,
            Cause::SecondSubscription,
            Cause::Unreadable,
        ];
        assert_eq!(all.map(Cause::code), Cause::CODES);
        assert_eq!(Cause::Refused(of_code).difference().cause, "refused:no_lines");
    }
}
