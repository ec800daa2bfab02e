//! Whose a paid invoice is that no opportunity names, as far as is known.

use domain::{CustomerId, InvoiceId};
use mapping::{Code, Lost, Received, Search, Stop, Whereabouts};

use super::{Point, Said};
use crate::seek::{Seek, in_vain};

pub(super) fn sought(
    invoice_id: InvoiceId,
    said: Said,
    customer_id: Option<CustomerId>,
    waited: Option<Stop>,
) -> Point {
    let seek = Seek::new(Lost::Invoice(invoice_id.clone()), customer_id);
    Point::Seeking { invoice_id, said, seek, waited }
}

/// The deal that the invoice names does not have it, for this reason. Another one may.
pub(super) fn sought_elsewhere(payment: Received, waited: Stop) -> Point {
    sought(payment.invoice_id, Said::of(payment.paid_at), payment.customer_id, Some(waited))
}

/// The deal that names it has it, whatever the invoice itself says. Where none does it is for a person to say which; but for one whose
/// customer nobody here has ever heard of.
pub(super) fn whose(
    invoice_id: InvoiceId,
    said: Said,
    search: &Search,
    whereabouts: &Whereabouts,
    waited: Option<Stop>,
) -> Point {
    match (whereabouts.owner(), waited) {
        (Some(owner), _) => Point::Claimed { invoice_id, said, looks_first: true, found: Some(owner.clone()) },
        (None, Some(waited)) => Point::stopped(invoice_id, in_vain(&waited, search, whereabouts)),
        (None, None) if whereabouts.is_nobodys() => {
            let why = "The invoice names no opportunity, and no account has its customer.";
            Point::stopped(invoice_id, Stop::not_billable(Code::NotOurs, why))
        }
        (None, None) => {
            let message = format!(
                "Invoice {invoice_id}, which was not made here, is paid. {} Write its id into Stripe Invoice Id of the deal that it bills.",
                whereabouts.said(search)
            );
            Point::Astray { invoice_id, said, stop: Stop::review(Code::InvoiceWithoutDeal, message) }
        }
    }
}
