//! What was credited of an invoice, and what became of the money that it brought in.

use domain::{Currency, InvoiceId};
use workflow::{Fact, InvoiceSeen, MoneyIn, Settlement};

use crate::convert;
use crate::{Engine, Stripe, World};

impl<W: World> Engine<W> {
    /// As it is now, and what of it the run that made it has credited. Nothing else is asked where nothing was credited.
    pub(crate) async fn invoice_seen(&self, id: &InvoiceId) -> Result<InvoiceSeen, stripe::Error> {
        let invoice = self.stripe.invoice(id).await?;
        let mut seen = convert::invoice(&invoice, &self.scope);
        seen.credited.by_us = self.credited_by_maker(&invoice).await?;
        Ok(seen)
    }

    /// What the run that made an invoice has credited of it, in minor units.
    pub(crate) async fn credited_by_maker(&self, invoice: &stripe::Invoice) -> Result<i64, stripe::Error> {
        let maker = invoice.metadata.get("closedwon_run").filter(|_| self.scope.made(&invoice.metadata));
        // Where nothing is credited by us, the key need not be allowed to read credit notes.
        if invoice.credited_before + invoice.credited_after == 0
            || maker.is_none()
            || !self.settings.amendments.credits()
        {
            return Ok(0);
        }
        let notes = self.stripe.credit_notes_of_invoice(&invoice.id).await?;
        let ours = notes.iter().filter(|note| note.is_issued && self.scope.made(&note.metadata));
        let ours = ours.filter(|note| note.metadata.get("closedwon_run") == maker);
        Ok(ours.map(|note| note.amount).sum())
    }

    pub(crate) async fn settlement(&self, id: &InvoiceId) -> Result<Fact, stripe::Error> {
        let invoice = self.invoice_seen(id).await?;
        let money = self.stripe.money_of_invoice(id).await?;
        let customer = match &invoice.customer_id {
            Some(customer_id) => Some(self.stripe.billing_of_customer(customer_id).await?),
            None => None,
        };
        let customer = customer.filter(|customer| !customer.is_deleted);
        // A currency that is not known here is not the invoice's.
        let is_in_currency = |balance: &String| Currency::parse(balance) == Ok(invoice.currency);
        let lines = self.stripe.invoice_lines(id).await?;
        // A line that costs nothing has nothing to credit.
        let costing = lines.iter().filter(|line| line.amount != 0);
        let whole: Option<Vec<_>> = costing.map(|line| line.whole().map(convert::credited)).collect();
        Ok(Fact::SettlementRead(Box::new(Settlement {
            is_of_balance: customer.is_some_and(|customer| customer.currency.as_ref().is_none_or(is_in_currency)),
            money: together(&money),
            lines: whole,
            invoice,
        })))
    }
}

/// Of several payments, the one that a person has to look at.
fn together(payments: &[stripe::MoneyIn]) -> MoneyIn {
    let is_any = |one: stripe::MoneyIn| payments.contains(&one);
    match () {
        () if is_any(stripe::MoneyIn::Disputed) => MoneyIn::Disputed,
        () if is_any(stripe::MoneyIn::Refunded) => MoneyIn::Refunded,
        () if is_any(stripe::MoneyIn::UnderWay) => MoneyIn::UnderWay,
        () if is_any(stripe::MoneyIn::Unknown) => MoneyIn::Unknown,
        () => MoneyIn::Kept,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_payment_that_went_back_is_enough() {
        use stripe::MoneyIn::{Disputed, Kept, Refunded, UnderWay, Unknown};
        for (payments, expected) in [
            (&[][..], MoneyIn::Kept),
            (&[Kept, Kept], MoneyIn::Kept),
            (&[Kept, Unknown], MoneyIn::Unknown),
            (&[Unknown, UnderWay], MoneyIn::UnderWay),
            (&[Unknown, Refunded], MoneyIn::Refunded),
            (&[Refunded, Disputed, Kept], MoneyIn::Disputed),
        ] {
            assert_eq!(together(payments), expected, "{payments:?}");
        }
    }
}
