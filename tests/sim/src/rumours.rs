//! Events that tell of what is not so: sent by hand, or meant for another account. An event is a hint, and never truth.

use std::rc::Rc;

use crate::model::StripeEvent;
use crate::model::stripe::Invoice;
use crate::scenario::ACTIVE;
use crate::world::Sim;

/// Now and then somebody says of an open invoice that it is paid.
pub fn plan(sim: &Rc<Sim>) {
    let rumours = sim.between(0, 2);
    for number in 0..rumours {
        let delay_ms = sim.between(0, ACTIVE.as_secs() * 1000);
        sim.after(delay_ms, move |sim| {
            let is_open = |invoice: &&Invoice| {
                invoice.status() == stripe::InvoiceStatus::Open && invoice.says("sf_opportunity_id").is_some()
            };
            let open = sim.models.borrow().stripe.invoices().find(is_open).map(|invoice| invoice.id().clone());
            if let Some(invoice_id) = open {
                sim.count("somebody said of an open invoice that it is paid");
                sim.tell_of_stripe(&StripeEvent::paid(format!("evt_rumour{number}"), invoice_id, sim.now()));
            }
        });
    }
}
