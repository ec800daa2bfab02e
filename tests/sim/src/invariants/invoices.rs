//! What is promised of how invoices stand in Salesforce, beside their payment.

use domain::{InvoiceId, Money};
use jiff::SignedDuration;
use stripe::InvoiceStatus;
use workflow::RunId;

use super::cases::MOMENT;
use super::deal_of;
use super::ended::Ended;
use crate::model::salesforce::{Automation, InvoiceStanding, Opportunity};
use crate::model::stripe::Invoice;
use crate::model::{Models, count};

/// The clocks of two processes differ by as much.
const SKEW: SignedDuration = SignedDuration::from_mins(20);

impl Models {
    /// Where that is followed: an opportunity says of the invoice that it names how that stands, in the end.
    pub(super) fn invoice_standing_at_rest(&mut self, ended: &Ended<'_>, opportunity: &Opportunity) {
        let is_told = self.stripe.payments_fail && ended.differences.is_some();
        if !is_told || opportunity.is_deleted || opportunity.automation == Automation::Refuses {
            return;
        }
        let named = opportunity.invoice_id.as_deref().and_then(|id| InvoiceId::parse(id).ok());
        let Some(invoice) = named.as_ref().and_then(|id| self.stripe.find_invoice(id)) else { return };
        if deal_of(invoice).as_ref() != Some(&opportunity.id) || invoice.is_draft() || opportunity.invoice_named_by_hand
        {
            return;
        }
        let (shown, refunded) =
            (invoice.shown(), if self.stripe.is_refunded(invoice.id()) { invoice.paid_in_cash() } else { 0 });
        let said = &opportunity.invoice_standing;
        let status = match shown.status {
            InvoiceStatus::Open => self.open_or_overdue(ended, invoice, said.status.as_deref()),
            InvoiceStatus::Paid => "paid",
            InvoiceStatus::Void => "void",
            InvoiceStatus::Uncollectible => "uncollectible",
            InvoiceStatus::Draft | InvoiceStatus::Other => return,
        };
        let major = |minor_units| Money::from_minor_units(minor_units, shown.currency).to_major_units();
        let expected = InvoiceStanding {
            status: Some(status.to_owned()),
            credited: Some(major(invoice.credited())),
            refunded: Some(major(refunded)),
            is_disputed: self.stripe.is_disputed(invoice.id()),
        };
        // What is nothing need not be said.
        let is_said = said.status == expected.status
            && said.is_disputed == expected.is_disputed
            && said.credited.unwrap_or_default() == expected.credited.unwrap_or_default()
            && said.refunded.unwrap_or_default() == expected.refunded.unwrap_or_default();
        if is_said {
            let fact = match (status, refunded) {
                _ if said.is_disputed => "a deal says that its payment is disputed",
                ("overdue", _) => "a deal says that its invoice is overdue",
                ("paid", 1..) => "a deal says that its payment went back",
                ("paid", _) => "a deal says that its invoice is paid",
                ("void", _) => "a deal says that its invoice is void",
                ("uncollectible", _) => "a deal says that its invoice is written off",
                _ => "a deal says that its invoice is open",
            };
            return count(&mut self.facts, fact);
        }
        if self.stripe.was_invoice_never_told(&shown.id) {
            return count(&mut self.facts, "something became of an invoice of which there is no event");
        }
        let organization_id = || ended.organization_id.clone();
        let runs = [
            RunId::InvoiceChanged { organization_id: organization_id(), invoice_id: shown.id.clone() },
            RunId::InvoicePaid { organization_id: organization_id(), invoice_id: shown.id.clone() },
        ];
        let is_in_review = runs.iter().any(|id| {
            ended.run(id).is_some_and(|run| run.status == "review") && ended.has_letter_beside_disputes(&id.to_string())
        });
        if is_in_review || ended.has_letter_about(shown.id.as_str()) {
            return count(&mut self.facts, "how an invoice stands lies before a person");
        }
        let detail = format!("{} says {said:?} of {}, and {expected:?} is so", opportunity.id, shown.id);
        self.violate(ended.now, "how_its_invoice_stands_is_told", detail);
    }

    /// It is overdue from its day on. That the day has gone by nobody knows before Stripe tells of that, or of something else; until then it may
    /// be said or not.
    fn open_or_overdue(&self, ended: &Ended<'_>, invoice: &Invoice, said: Option<&str>) -> &'static str {
        let Some(due_at) = invoice.due_at().filter(|due_at| *due_at <= ended.now) else { return "open" };
        // What was told a moment ago may be under way.
        let a_moment_ago = ended.now.saturating_sub(MOMENT).unwrap_or(ended.now);
        let told_at = self.stripe.told_of_standing(invoice.id(), a_moment_ago);
        let is_told = told_at.is_some_and(|told_at| told_at.duration_since(due_at) > SKEW);
        if is_told || said == Some("overdue") { "overdue" } else { "open" }
    }
}
