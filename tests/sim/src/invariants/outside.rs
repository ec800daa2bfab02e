//! What can be asked of any program that bills won deals, whatever it keeps for itself.

use jiff::Timestamp;

use super::difference;
use crate::model::Models;
use crate::model::salesforce::Opportunity;

impl Models {
    /// A deal that was won, that nobody touched since, and that can be billed has one invoice, of the right amounts.
    pub fn at_rest_from_outside(&mut self, now: Timestamp) {
        let untouched = |deal: &&Opportunity| deal.changes_by_people == 1 && !deal.is_deleted;
        let deals: Vec<Opportunity> = self.salesforce.opportunities().filter(untouched).cloned().collect();
        for deal in deals {
            let judgement = self.salesforce.judge(&deal);
            let Some(bill) = judgement.bill().filter(|bill| self.catalogue_takes(bill)) else { continue };
            if self.is_meddled_with(&deal.id) {
                continue;
            }
            let live = self.live_invoices(&deal.id);
            let why = match live.as_slice() {
                [] => Some("it has none".to_owned()),
                [invoice] => difference(invoice, bill),
                several => Some(format!("it has {}", several.len())),
            };
            if let Some(why) = why {
                self.violate(now, "a_won_deal_has_one_invoice", format!("{}: {why}", deal.id));
            }
        }
    }
}
