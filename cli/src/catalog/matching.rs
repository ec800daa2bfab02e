//! Which price each product should be billed with: a pure function of both catalogues.
//!
//! A price is *certain* where something names it and nothing speaks against it: its lookup key, or its metadata, or a code together with
//! amount, currency and interval; and no other price, and no other product, could say the same. Whatever rests on names alone is *probable* at
//! best, and a person says so.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use domain::{PriceId, ProductId};

use super::compare::{Comparison, Context, Ours, Theirs, compare, name_likeness, offered};
use super::drift::{Drift, drifts};
use super::evidence::{Conflict, Evidence, Key};
use super::product::{Billed, Product, StripeCatalog};

/// Less than this is no reason to ask anybody.
const LEAST: i32 = 50;

/// What is nearer than this is about as good.
const MARGIN: i32 = 8;

/// By so much of a hundred a name has to be better to cast doubt on a code.
const BETTER_NAME: u32 = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// May be written without a person.
    Certain,
    Probable,
    /// Something speaks against it, or another one is about as good.
    Doubtful,
    /// There is none.
    Nothing,
}

/// What was found for one product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The price that it should have. Of a product that has one and nothing wrong with it, nothing.
    pub price: Option<PriceId>,
    pub certainty: Certainty,
    /// Of a hundred.
    pub confidence: u32,
    pub evidence: Vec<Evidence>,
    pub conflicts: Vec<Conflict>,
    /// What is wrong with the price that it has.
    pub drifts: Vec<Drift>,
}

impl Match {
    fn nothing(drifts: Vec<Drift>) -> Self {
        let (evidence, conflicts) = (Vec::new(), Vec::new());
        Self { price: None, certainty: Certainty::Nothing, confidence: 0, evidence, conflicts, drifts }
    }
}

/// One for each product, in their order.
pub fn matches(products: &[Product], stripe: &StripeCatalog) -> Vec<Match> {
    let ours: Vec<_> = products.iter().map(Ours::of).collect();
    let theirs = offered(stripe);
    let context = Context::of(&ours, &theirs);
    let drifts: Vec<_> = products.iter().map(|product| drifts(product, stripe, &context.rarity)).collect();
    let mut table = Table::of(&ours, &theirs, &context, stripe, &drifts);
    table.assign();
    drifts.into_iter().enumerate().map(|(index, drifts)| table.judge(index, drifts)).collect()
}

struct Candidate {
    price: usize,
    comparison: Comparison,
}

struct Table<'a> {
    ours: &'a [Ours<'a>],
    theirs: &'a [Theirs<'a>],
    /// Of each product, the best first.
    candidates: Vec<Vec<Candidate>>,
    /// Which candidate each product was given.
    given: Vec<Option<usize>>,
    /// The product that each price was given to, or that has it already.
    holders: BTreeMap<usize, usize>,
    /// Products that have a price, whether it is in step or not.
    is_set: Vec<bool>,
    shared_codes: BTreeMap<&'a str, Vec<usize>>,
}

impl<'a> Table<'a> {
    fn of(
        ours: &'a [Ours<'a>],
        theirs: &'a [Theirs<'a>],
        context: &Context,
        stripe: &StripeCatalog,
        drifts: &[Vec<Drift>],
    ) -> Self {
        let places: BTreeMap<_, _> =
            theirs.iter().enumerate().map(|(place, theirs)| (&theirs.price.price.id, place)).collect();
        let set: Vec<_> =
            ours.iter().map(|ours| ours.product.price_id.as_deref().and_then(|id| PriceId::parse(id).ok())).collect();
        // Several products may be sold at one price: the first of them is told of.
        let mut holders = BTreeMap::new();
        for (index, set) in set.iter().enumerate() {
            if let Some(place) = set.as_ref().and_then(|id| places.get(id)) {
                holders.entry(*place).or_insert(index);
            }
        }
        let mut codes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, ours) in ours.iter().enumerate() {
            ours.codes.iter().for_each(|code| codes.entry(code).or_default().push(index));
        }
        codes.retain(|_, owners| owners.len() > 1);
        let is_asked =
            |index: usize| ours[index].product.price_id.is_none() || drifts[index].iter().any(Drift::needs_person);
        let candidates = (0..ours.len()).map(|index| {
            if !is_asked(index) {
                return Vec::new();
            }
            let product =
                set[index].as_ref().and_then(|id| stripe.prices.get(id)).and_then(|price| price.price.product.as_ref());
            candidates(&ours[index], theirs, context, set[index].as_ref(), product)
        });
        let is_set = ours.iter().map(|ours| ours.product.price_id.is_some()).collect();
        let candidates = candidates.collect();
        Self { ours, theirs, candidates, given: vec![None; ours.len()], holders, is_set, shared_codes: codes }
    }

    /// The best pairs first, and each price to one product.
    fn assign(&mut self) {
        let of_product = |(index, candidates): (usize, &Vec<Candidate>)| {
            let found = candidates.iter().enumerate();
            found
                .map(move |(place, candidate)| (Reverse(candidate.comparison.points), index, place))
                .collect::<Vec<_>>()
        };
        let mut pairs: Vec<_> = self.candidates.iter().enumerate().flat_map(of_product).collect();
        pairs.sort();
        for (_, index, place) in pairs {
            let price = self.candidates[index][place].price;
            if self.given[index].is_none() && !self.holders.contains_key(&price) {
                self.given[index] = Some(place);
                self.holders.insert(price, index);
            }
        }
    }

    fn judge(&self, index: usize, drifts: Vec<Drift>) -> Match {
        let candidates = &self.candidates[index];
        // What all others have a better claim to is nothing for this one.
        let given = self.given[index].or_else(|| {
            (0..candidates.len()).find(|place| {
                let candidate = &candidates[*place];
                self.holders.get(&candidate.price).is_some_and(|holder| !self.is_better(*holder, candidate))
            })
        });
        let Some(candidate) = given.map(|place| &candidates[place]) else {
            let conflicts = candidates.iter().find_map(|candidate| self.shared_code(index, candidate));
            return Match { conflicts: conflicts.into_iter().collect(), ..Match::nothing(drifts) };
        };
        let mut conflicts = candidate.comparison.conflicts.clone();
        conflicts.extend(self.shared_code(index, candidate));
        let certain = self.certain_of(index);
        let is_named = certain == [candidate.price];
        let rival = if is_named { self.better_named(index, candidate) } else { self.rival(index, candidate) };
        conflicts.extend(rival.map(|other| Conflict::TwoCandidates(self.price_id(other))));
        conflicts.extend(self.other_claim(index, candidate, is_named));
        let is_certain = is_named && conflicts.is_empty() && !self.is_set[index];
        let certainty = match (is_certain, conflicts.is_empty()) {
            (true, _) => Certainty::Certain,
            (false, true) => Certainty::Probable,
            (false, false) => Certainty::Doubtful,
        };
        let most = if certainty == Certainty::Certain { 100 } else { 95 };
        let confidence = u32::try_from(candidate.comparison.points).unwrap_or_default().min(most);
        Match {
            price: Some(self.price_id(candidate.price)),
            certainty,
            confidence: if certainty == Certainty::Doubtful { confidence.min(60) } else { confidence },
            evidence: candidate.comparison.evidence.clone(),
            conflicts,
            drifts,
        }
    }

    fn price_id(&self, price: usize) -> PriceId {
        self.theirs[price].price.price.id.clone()
    }

    /// Whether the holder of a price has a claim that is clearly better than this one.
    fn is_better(&self, holder: usize, candidate: &Candidate) -> bool {
        let theirs = self.candidates[holder].iter().find(|other| other.price == candidate.price);
        match theirs {
            Some(theirs) => theirs.comparison.points >= candidate.comparison.points + MARGIN,
            // Who has a price already, and nothing wrong with it, is not compared with it: only one that is named is told of.
            None => candidate.comparison.evidence.iter().all(|evidence| evidence.key() == Key::Nothing),
        }
    }

    /// The prices that could each be certain for the product, if they were the only one.
    fn certain_of(&self, index: usize) -> Vec<usize> {
        let is_shared = |code: &str| self.shared_codes.contains_key(code);
        let could_be = |candidate: &&Candidate| {
            let comparison = &candidate.comparison;
            let named = comparison.evidence.iter().filter(|evidence| !evidence.code().is_some_and(is_shared));
            let fits = comparison.costs_the_same() && comparison.is_billed_as_often();
            let key = named.map(Evidence::key).max().unwrap_or(Key::Nothing);
            comparison.conflicts.is_empty()
                && match key {
                    Key::Exact => comparison.costs_the_same(),
                    Key::Code => fits,
                    Key::Nothing => false,
                }
        };
        self.candidates[index].iter().filter(could_be).map(|candidate| candidate.price).collect()
    }

    /// Another price that is about as good, and that nobody has a better claim to.
    fn rival(&self, index: usize, candidate: &Candidate) -> Option<usize> {
        let others = self.candidates[index].iter().filter(|other| other.price != candidate.price);
        let mut near = others.filter(|other| other.comparison.points + MARGIN > candidate.comparison.points);
        let is_free =
            |other: &&Candidate| self.holders.get(&other.price).is_none_or(|holder| !self.is_better(*holder, other));
        near.find(is_free).map(|other| other.price)
    }

    /// A price that is as good but for the code, and whose name is the product's where that of the one with the code is not: somebody copied a
    /// product at Stripe and left the code on it.
    fn better_named(&self, index: usize, candidate: &Candidate) -> Option<usize> {
        let name = |candidate: &Candidate| candidate.comparison.name_percent();
        let is_better = |other: &&Candidate| {
            let fits = other.comparison.costs_the_same() && other.comparison.is_billed_as_often();
            fits && name(other) >= name(candidate) + BETTER_NAME && !self.holders.contains_key(&other.price)
        };
        let is_exact = candidate.comparison.evidence.iter().any(|evidence| evidence.key() == Key::Exact);
        let mut others = self.candidates[index].iter().filter(|other| other.price != candidate.price);
        others.find(is_better).filter(|_| !is_exact).map(|other| other.price)
    }

    /// A code that would have decided it, if it were not that of two products.
    fn shared_code(&self, index: usize, candidate: &Candidate) -> Option<Conflict> {
        let codes = candidate.comparison.evidence.iter().filter_map(Evidence::code);
        let (code, owners) = codes.into_iter().find_map(|code| Some((code, self.shared_codes.get(code)?)))?;
        let other = owners.iter().find(|owner| **owner != index)?;
        Some(Conflict::SharedCode { code: code.to_owned(), with: self.ours[*other].product.id.clone() })
    }

    /// Another product that has the price, or could as well be given it.
    fn other_claim(&self, index: usize, candidate: &Candidate, is_named: bool) -> Option<Conflict> {
        let id = |index: usize| self.ours[index].product.id.clone();
        let holder = self.holders.get(&candidate.price).copied().filter(|holder| *holder != index);
        if let Some(holder) = holder {
            let is_set =
                self.is_set[holder] && self.candidates[holder].iter().all(|other| other.price != candidate.price);
            return Some(if is_set { Conflict::AlreadyOf(id(holder)) } else { Conflict::AlsoClaimedBy(id(holder)) });
        }
        let claims = |other: &usize| {
            let claim = self.candidates[*other].iter().find(|claim| claim.price == candidate.price);
            let Some(claim) = claim.filter(|_| *other != index) else { return false };
            if is_named {
                return self.certain_of(*other).contains(&candidate.price);
            }
            let points = claim.comparison.points;
            let is_served = self.given[*other]
                .is_some_and(|place| self.candidates[*other][place].comparison.points >= points + MARGIN);
            points + MARGIN > candidate.comparison.points && !is_served
        };
        (0..self.ours.len()).find(claims).map(|other| Conflict::AlsoClaimedBy(id(other)))
    }
}

/// The prices that may be a product's, the best first.
fn candidates(
    ours: &Ours<'_>,
    theirs: &[Theirs<'_>],
    context: &Context,
    set: Option<&PriceId>,
    product: Option<&ProductId>,
) -> Vec<Candidate> {
    // A name is compared once, and not for each price of its product.
    let mut likenesses = BTreeMap::new();
    let mut found = Vec::new();
    for (price, theirs) in theirs.iter().enumerate().filter(|(_, theirs)| Some(&theirs.price.price.id) != set) {
        let alike = *likenesses.entry(&theirs.product.id).or_insert_with(|| name_likeness(ours, theirs, context));
        let comparison = compare(ours, theirs, alike, context, product == Some(&theirs.product.id));
        found.extend(
            comparison
                .filter(|comparison| comparison.points >= LEAST)
                .map(|comparison| Candidate { price, comparison }),
        );
    }
    found.sort_by(|a, b| {
        let key = |candidate: &Candidate| {
            (Reverse(candidate.comparison.points), theirs[candidate.price].price.price.id.clone())
        };
        key(a).cmp(&key(b))
    });
    found
}

/// What a product needs so that a price can be made for it.
pub fn can_be_created(product: &Product) -> bool {
    product.billed != Billed::Unsaid
        && product.costs.first().is_some_and(|cost| cost.unit_amount > rust_decimal::Decimal::ZERO)
}

/// Products that name the same price, with it.
pub fn shared_prices(products: &[Product]) -> BTreeMap<&str, BTreeSet<usize>> {
    let mut shared: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (index, product) in products.iter().enumerate() {
        if let Some(id) = product.price_id.as_deref() {
            shared.entry(id).or_default().insert(index);
        }
    }
    shared.retain(|_, products| products.len() > 1);
    shared
}

#[cfg(test)]
mod measured;
#[cfg(test)]
pub(crate) mod tests;
