//! What Stripe would calculate of an invoice that is only here: it is asked, and nothing is changed by that.

use stripe::{Error, Tax, TaxStatus, Untaxed, UntaxedLine};

use super::memory::Invoice;
use super::{Unwritten, is_made_here};

impl Unwritten {
    /// Where Stripe cannot say it, that it would be calculated is all that is known.
    pub(super) async fn tax(&self, invoice: &mut Invoice) -> Result<(), Error> {
        if invoice.automatic_tax {
            let estimate = match self.untaxed(invoice) {
                Some(untaxed) => self.estimate(&untaxed).await?,
                None => None,
            };
            invoice.knows_tax = estimate.is_some();
            let unknown = Tax { status: Some(TaxStatus::Complete), ..Tax::default() };
            invoice.shown.tax = estimate.unwrap_or(unknown);
        }
        invoice.recount();
        Ok(())
    }

    /// A key that may not ask, or terms that Stripe does not preview, leave it unknown.
    async fn estimate(&self, untaxed: &Untaxed) -> Result<Option<Tax>, Error> {
        match self.inner.estimate_tax(untaxed).await {
            Err(Error::Refused(refusal)) if refusal.code.as_deref() == Some("customer_tax_location_invalid") => {
                Ok(Some(Tax { status: Some(TaxStatus::RequiresLocationInputs), ..Tax::default() }))
            }
            Err(Error::Refused(_) | Error::NotAllowed { .. }) => Ok(None),
            answer => answer,
        }
    }

    fn untaxed(&self, invoice: &Invoice) -> Option<Untaxed> {
        let customer = invoice.shown.customer.clone()?;
        let lines: Option<Vec<_>> = invoice
            .lines
            .iter()
            .map(|line| {
                let product = line.line.product.clone()?;
                Some(UntaxedLine { product, amount: line.line.amount, tax_behavior: line.tax_behavior })
            })
            .collect();
        let memory = self.memory.borrow();
        let tax_ids = memory
            .tax_ids
            .get(&customer)
            .map(|tax_ids| tax_ids.iter().map(|tax_id| (tax_id.kind.clone(), tax_id.value.clone())).collect());
        Some(Untaxed {
            details: memory.details.get(&customer).cloned().unwrap_or_default(),
            tax_ids,
            currency: invoice.shown.currency,
            lines: lines.filter(|lines| !lines.is_empty())?,
            customer: Some(customer).filter(|id| !is_made_here(id.as_str())),
        })
    }
}
