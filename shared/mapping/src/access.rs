//! What the integration user must be able to edit so that a deal can be written back, asked before anything is at Stripe.

use std::collections::BTreeSet;

use crate::activation::{contract_has_currency, contract_link, contract_of};
use crate::invoice::SHOWN;
use crate::plan::currency;
use crate::renewal::is_renewal;
use crate::standing::MIRRORED;
use crate::update::{CONTRACT, CUSTOMER_ID, INVOICE_ID, INVOICE_PDF, INVOICE_URL, SUBSCRIPTION_ID};
use crate::{
    AMOUNT_PAID, AMOUNT_REMAINING, Code, Deal, MRR, NOTE_FIELDS, PAID, PAID_ON, Plan, RENEWAL_ID, Renewals, Settings,
    Stop, Subscriptions,
};

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

/// Everything that is ever written for a deal, its payment and its notes, object by object; but for its stage, which is required, so that
/// whoever edits the object edits it.
pub fn written(settings: &Settings) -> Vec<Written> {
    let recurs = settings.subscriptions != Subscriptions::Off;
    let begins = [false, true].map(|recurs_too| Sale { recurs: recurs && recurs_too, renews: false });
    let renews = (settings.renewals != Renewals::Off).then_some(Sale { recurs: true, renews: true });
    let sales = || begins.into_iter().chain(renews);
    let contract = contract_link(settings).map(|_| of_contract(settings, sales(), true));
    let mut written = vec![
        Written { object: "Opportunity", fields: sales().flat_map(|sale| of_opportunity(settings, sale)).collect() },
        Written { object: "Account", fields: BTreeSet::from([CUSTOMER_ID]) },
    ];
    written.extend(contract.map(|fields| Written { object: CONTRACT, fields: fields.collect() }));
    written
}

/// What a deal is, as far as that decides which fields are written.
#[derive(Clone, Copy)]
struct Sale {
    /// It has a subscription.
    recurs: bool,
    /// One that another deal began.
    renews: bool,
}

/// What is named on an opportunity, and on the contract of one: what it begins, or what it renews.
fn named(sale: Sale) -> Option<&'static str> {
    sale.recurs.then_some(if sale.renews { RENEWAL_ID } else { SUBSCRIPTION_ID })
}

fn of_opportunity(settings: &Settings, sale: Sale) -> impl Iterator<Item = &'static str> {
    let invoice = [INVOICE_ID, INVOICE_URL, INVOICE_PDF, PAID, PAID_ON, AMOUNT_PAID, AMOUNT_REMAINING];
    let shown = SHOWN.into_iter().filter(|_| settings.followed.shows_invoices());
    let invoice = invoice.into_iter().chain(shown).filter(move |_| !sale.renews);
    let sold = named(sale).into_iter().chain(Some(MRR).filter(|_| sale.recurs));
    [CUSTOMER_ID].into_iter().chain(NOTE_FIELDS).chain(invoice).chain(sold).chain(mirrored(settings, sale.recurs))
}

fn of_contract(
    settings: &Settings,
    sales: impl Iterator<Item = Sale>,
    has_its_currency: bool,
) -> impl Iterator<Item = &'static str> {
    let monthly = Some(MRR).filter(|_| has_its_currency);
    sales.filter_map(named).chain(monthly).chain(mirrored(settings, true))
}

fn mirrored(settings: &Settings, recurs: bool) -> impl Iterator<Item = &'static str> {
    let is_mirrored = recurs && settings.mirrors_standings();
    MIRRORED.into_iter().filter(move |_| is_mirrored)
}

/// What of this object may not be edited, when these of its fields may. One that is not there at all cannot be.
pub fn withheld<'a>(written: &'a Written, editable: &'a BTreeSet<String>) -> impl Iterator<Item = Withheld> + 'a {
    let missing = written.fields.iter().filter(|field| !editable.contains(**field));
    missing.map(|field| Withheld { object: written.object, field })
}

/// Whether what this deal would write may be written still: it was planned, and that may have been a while ago.
pub fn may_be_written(deal: &Deal, plan: &Plan, settings: &Settings) -> Result<(), Stop> {
    is_writable(deal, settings, plan.subscription.is_some())
}

/// Everything that this deal would write and that we may not edit, as one: an administrator mends it in one visit. What only others need
/// stands in nobody's way. The account is written whenever its customer is a new one, which may be found out late.
pub(crate) fn is_writable(deal: &Deal, settings: &Settings, recurs: bool) -> Result<(), Stop> {
    let sale = Sale { recurs, renews: is_renewal(&deal.opportunity) };
    let has_contract = recurs && contract_of(deal, settings).is_some();
    let has_its_currency =
        currency(&deal.opportunity, settings).is_ok_and(|currency| contract_has_currency(deal, currency, settings));
    let is_needed = |withheld: &&Withheld| match withheld.object {
        "Account" => true,
        CONTRACT => {
            let mut fields = of_contract(settings, [sale].into_iter(), has_its_currency);
            has_contract && fields.any(|field| field == withheld.field)
        }
        _ => of_opportunity(settings, sale).any(|field| field == withheld.field),
    };
    let named = |one: &Withheld| format!("{}.{}", one.object, settings.lens.names.own(one.object, one.field));
    let mut needed: Vec<_> = deal.withheld.iter().filter(is_needed).map(named).collect();
    needed.sort();
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

#[cfg(test)]
mod tests;
