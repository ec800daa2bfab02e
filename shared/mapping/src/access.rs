//! What the integration user must be able to edit so that a deal can be written back, asked before anything is at Stripe.

use std::collections::BTreeSet;

use domain::Record;

use crate::activation::contract_link;
use crate::standing::MIRRORED;
use crate::update::{CONTRACT, CUSTOMER_ID, INVOICE_ID, INVOICE_PDF, INVOICE_URL, SUBSCRIPTION_ID};
use crate::{Code, MRR, NOTE_FIELDS, PAID, PAID_ON, Plan, RENEWAL_ID, Renewals, Settings, Stop, Subscriptions};

/// The fields of one object that are written for deals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub object: &'static str,
    pub fields: BTreeSet<&'static str>,
}

/// A field that is written, and that Salesforce does not let us edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Withheld {
    pub object: &'static str,
    pub field: &'static str,
}

/// Everything that is ever written for a deal, its payment and its notes, object by object.
pub fn written(settings: &Settings) -> Vec<Written> {
    let invoice = [CUSTOMER_ID, INVOICE_ID, INVOICE_URL, INVOICE_PDF];
    let opportunity = invoice.into_iter().chain(NOTE_FIELDS).chain([PAID, PAID_ON]).chain(of_subscription(settings));
    let mut written = vec![
        Written { object: "Opportunity", fields: opportunity.collect() },
        Written { object: "Account", fields: BTreeSet::from([CUSTOMER_ID]) },
    ];
    if contract_link(settings).is_some() {
        written.push(Written { object: CONTRACT, fields: of_subscription(settings).collect() });
    }
    written
}

fn of_subscription(settings: &Settings) -> impl Iterator<Item = &'static str> {
    let sold = [SUBSCRIPTION_ID, MRR].into_iter().filter(|_| settings.subscriptions != Subscriptions::Off);
    let renewed = Some(RENEWAL_ID).filter(|_| settings.renewals != Renewals::Off);
    sold.chain(renewed).chain(MIRRORED.into_iter().filter(|_| settings.mirrors_standings()))
}

/// What of this object may not be edited, when these of its fields may. One that is not there at all cannot be.
pub fn withheld<'a>(written: &'a Written, editable: &'a BTreeSet<String>) -> impl Iterator<Item = Withheld> + 'a {
    let missing = written.fields.iter().filter(|field| !editable.contains(**field));
    missing.map(|field| Withheld { object: written.object, field })
}

/// Everything that this deal would need and that we may not edit, as one: an administrator mends it in one visit. What only others need
/// stands in nobody's way; of a deal that cannot be planned it is not known what it needs.
pub(crate) fn is_writable(opportunity: &Record, withheld: &[Withheld], plan: Option<&Plan>) -> Result<(), Stop> {
    let is_needed = |withheld: &&Withheld| match withheld.object {
        "Account" => opportunity.text("Account.Stripe_Customer_Id__c").is_none(),
        CONTRACT => plan.is_none_or(|plan| plan.contract_id.is_some()),
        _ if is_of_subscriptions(withheld.field) => plan.is_none_or(|plan| plan.subscription.is_some()),
        _ => true,
    };
    let needed: Vec<_> = withheld.iter().filter(is_needed).map(|one| format!("{}.{}", one.object, one.field)).collect();
    if needed.is_empty() {
        return Ok(());
    }
    let message = format!(
        "The integration user may not edit {}: assign it the permission set Closedwon Integration, or let it edit what is named here; then \
         send the event again.",
        needed.join(", ")
    );
    Err(Stop::refused(Code::FieldNotEditable, message))
}

fn is_of_subscriptions(field: &str) -> bool {
    [SUBSCRIPTION_ID, MRR, RENEWAL_ID].contains(&field) || MIRRORED.contains(&field)
}

#[cfg(test)]
mod tests;
