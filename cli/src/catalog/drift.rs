//! What has become wrong with a price that a product has.

use std::fmt;

use domain::PriceId;

use super::evidence::Conflict;
use super::product::{Billed, Product, StripeCatalog, cost_of};
use super::words::{Name, Rarity, likeness};

/// Below this, two names are not of the same thing any more, of a hundred.
const RENAMED: u32 = 50;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drift {
    NotAPriceId,
    Gone,
    Archived,
    ProductArchived,
    /// Of amount, currency or interval.
    Differs(Conflict),
    /// Worth a look, and no reason to do anything.
    Renamed {
        theirs: String,
    },
}

impl Drift {
    pub fn needs_person(&self) -> bool {
        !matches!(self, Self::Renamed { .. })
    }
}

/// Nothing where the price is in step with its product, or where there is none.
pub fn drifts(product: &Product, stripe: &StripeCatalog, rarity: &Rarity) -> Vec<Drift> {
    let Some(id) = product.price_id.as_deref() else { return Vec::new() };
    let Ok(id) = PriceId::parse(id) else { return vec![Drift::NotAPriceId] };
    let Some(price) = stripe.prices.get(&id) else { return vec![Drift::Gone] };
    let mut found = Vec::new();
    if !price.price.active {
        found.push(Drift::Archived);
    }
    let of = stripe.product_of(price);
    if of.is_some_and(|of| !of.active) {
        found.push(Drift::ProductArchived);
    }
    if let Some(theirs) = cost_of(price).filter(|theirs| !product.costs_elsewhere.contains(theirs)) {
        match product.costs.iter().find(|cost| cost.currency == theirs.currency) {
            Some(ours) if *ours != theirs => {
                found.push(Drift::Differs(Conflict::AmountDiffers { ours: *ours, theirs }))
            }
            None if !product.costs.is_empty() => found.push(Drift::Differs(Conflict::NotSoldIn(theirs))),
            _ => {}
        }
    }
    let recurrence = price.price.recurrence;
    if product.billed != Billed::Unsaid && Billed::of(recurrence) != Some(product.billed) {
        found.push(Drift::Differs(Conflict::IntervalDiffers { ours: product.billed, theirs: recurrence }));
    }
    let whole = of.map(|of| {
        [Some(of.name.as_str()), price.nickname.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ")
    });
    if let (Some(of), Some(whole)) = (of, whole) {
        let ours = Name::of(&product.name);
        let alike = [&of.name, &whole].map(|theirs| likeness(&ours, &Name::of(theirs), rarity).percent);
        if alike.iter().all(|percent| *percent < RENAMED) {
            found.push(Drift::Renamed { theirs: of.name.clone() });
        }
    }
    found
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAPriceId => f.write_str("what is set is not a price id (price_…)"),
            Self::Gone => f.write_str("the price that is set is not there (or is one of Stripe's other mode)"),
            Self::Archived => f.write_str("the price that is set is archived"),
            Self::ProductArchived => f.write_str("the product of the price that is set is archived"),
            Self::Differs(conflict) => write!(f, "of the price that is set, {conflict}"),
            Self::Renamed { theirs } => write!(f, "the product is called {theirs} at Stripe"),
        }
    }
}

#[cfg(test)]
mod tests;
