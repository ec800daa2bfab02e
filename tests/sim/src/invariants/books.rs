//! What the ledger must hold about an invoice when everything has come to rest: the way back from it, and the calls that
//! made it.

use std::collections::{BTreeMap, BTreeSet};

use super::commits::text;
use super::ended::Ended;
use crate::model::Models;

impl Models {
    pub(super) fn books_are_kept(&mut self, ended: &Ended<'_>) {
        let mut links: BTreeSet<(&str, &str)> = BTreeSet::new();
        let mut logs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut runs: Vec<(&str, &str)> = Vec::new();
        for item in ended.items.iter().copied() {
            let (pk, sk) = (text(item, "pk").unwrap_or_default(), text(item, "sk").unwrap_or_default());
            match (sk, text(item, "stripe_invoice_id")) {
                ("link", _) => drop(links.insert((pk, text(item, "run").unwrap_or_default()))),
                ("run", Some(invoice_id)) => runs.push((pk, invoice_id)),
                _ if sk.starts_with("call#") => {
                    logs.entry(pk).or_default().push(text(item, "document").unwrap_or_default());
                }
                _ => {}
            }
        }
        let unlinked: Vec<_> =
            runs.iter().filter(|(run, id)| !links.contains(&(format!("link#{id}").as_str(), *run))).collect();
        for (run, id) in unlinked {
            self.violate(ended.now, "an_invoice_leads_to_its_run", format!("{id} does not lead to {run}"));
        }
        // Whatever was lost in between, no invoice is settled on without a call that names it.
        let is_told = |run: &str, id: &str| logs.get(run).is_some_and(|log| log.iter().any(|call| call.contains(id)));
        for (run, id) in runs.iter().filter(|(run, id)| !is_told(run, id)) {
            self.violate(ended.now, "the_log_tells_of_the_invoice", format!("{run} has no call about {id}"));
        }
    }
}
