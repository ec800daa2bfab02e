//! One product against one price.

use std::collections::{BTreeMap, BTreeSet};

use stripe::{CatalogPrice, CatalogProduct, Recurrence};

use super::codes::{in_metadata, is_code_with_terms, names_product, normal};
use super::evidence::{Conflict, Evidence, Where};
use super::product::{Billed, Cost, Product, StripeCatalog, cost_of};
use super::words::{Likeness, Name, Rarity, likeness};

/// Below this, what two names have in common is chance.
const LEAST_LIKENESS: u32 = 25;

/// Each has a word that the other lacks.
const BOTH_HAVE_MORE: i32 = -8;

/// A product, read once for all comparisons.
pub struct Ours<'a> {
    pub product: &'a Product,
    pub codes: Vec<String>,
    pub name: Name,
}

impl<'a> Ours<'a> {
    pub fn of(product: &'a Product) -> Self {
        let codes: BTreeSet<_> = product.codes.iter().filter_map(|code| normal(code)).collect();
        Self { product, codes: codes.into_iter().collect(), name: Name::of(&product.name) }
    }
}

/// A price with its product, read once for all comparisons.
pub struct Theirs<'a> {
    pub price: &'a CatalogPrice,
    pub product: &'a CatalogProduct,
    lookup_key: Option<String>,
    product_id: Option<String>,
    codes: Vec<(Where, &'a str, String)>,
    /// The name and what is written on the price, as codes.
    names: Vec<String>,
    name: Name,
    /// With what is written on the price, where that says more than how often it is billed.
    whole_name: Option<Name>,
}

impl<'a> Theirs<'a> {
    pub fn of(price: &'a CatalogPrice, product: &'a CatalogProduct) -> Self {
        let of = |on, metadata| in_metadata(metadata).map(move |(key, code)| (on, key, code));
        let nickname = price.nickname.as_deref();
        let name = Name::of(&product.name);
        let whole_name = nickname.map(|nickname| Name::of(&format!("{} {nickname}", product.name)));
        Self {
            price,
            product,
            lookup_key: price.price.lookup_key.as_deref().and_then(normal),
            product_id: normal(product.id.as_str()),
            codes: of(Where::Price, &price.metadata).chain(of(Where::Product, &product.metadata)).collect(),
            names: [Some(product.name.as_str()), nickname].into_iter().flatten().filter_map(normal).collect(),
            whole_name: whole_name.filter(|whole| *whole != name),
            name,
        }
    }
}

/// What holds of both catalogues as a whole.
pub struct Context {
    pub rarity: Rarity,
    /// Metadata keys under which at least one code of a product was found. Under others stand codes of some other system, and that
    /// they differ says nothing.
    code_keys: BTreeSet<String>,
    /// Of all products.
    codes: BTreeSet<String>,
}

impl Context {
    pub fn of(ours: &[Ours<'_>], theirs: &[Theirs<'_>]) -> Self {
        let products: BTreeMap<_, _> = theirs.iter().map(|theirs| (&theirs.product.id, &theirs.name)).collect();
        let rarity = Rarity::of(ours.iter().map(|ours| &ours.name).chain(products.into_values()));
        let codes: BTreeSet<String> = ours.iter().flat_map(|ours| &ours.codes).cloned().collect();
        let found = theirs.iter().flat_map(|theirs| &theirs.codes).filter(|(_, _, code)| codes.contains(code));
        let code_keys = found.map(|(_, key, _)| (*key).to_owned()).collect();
        Self { rarity, code_keys, codes }
    }

    /// The code of a product that a lookup key is, or begins with.
    fn code_of_key<'a>(&self, key: &'a str) -> Option<&'a str> {
        let ends = key.match_indices('-').map(|(end, _)| end).chain([key.len()]);
        let mut codes = ends.map(|end| &key[..end]).filter(|code| self.codes.contains(*code));
        codes.find(|code| *code == key || is_code_with_terms(key, code))
    }
}

/// What came of comparing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    pub points: i32,
    pub evidence: Vec<Evidence>,
    pub conflicts: Vec<Conflict>,
}

impl Comparison {
    pub fn costs_the_same(&self) -> bool {
        self.evidence.iter().any(|evidence| matches!(evidence, Evidence::Amount(_)))
    }

    /// How much the names are alike; 0 where that is chance.
    pub fn name_percent(&self) -> u32 {
        let names = self.evidence.iter().filter_map(|evidence| match evidence {
            Evidence::Name { percent, .. } => Some(*percent),
            _ => None,
        });
        names.max().unwrap_or_default()
    }

    pub fn is_billed_as_often(&self) -> bool {
        self.evidence.iter().any(|evidence| matches!(evidence, Evidence::Interval(_)))
    }
}

/// `None` where neither name nor code has anything in common: that two things cost the same is no reason to ask anybody.
pub fn compare(
    ours: &Ours<'_>,
    theirs: &Theirs<'_>,
    alike: Likeness,
    context: &Context,
    is_of_set: bool,
) -> Option<Comparison> {
    let (mut evidence, mut conflicts) = (named(ours, theirs), Vec::new());
    evidence.extend(is_of_set.then_some(Evidence::OfSameProduct));
    let of_whole = theirs.whole_name.as_ref().filter(|_| alike.percent > 0 || !evidence.is_empty());
    let of_whole = of_whole.map(|whole| likeness(&ours.name, whole, &context.rarity));
    let (alike, their_name) = match of_whole.filter(|whole| whole.percent > alike.percent) {
        Some(whole) => {
            (whole, format!("{} {}", theirs.product.name, theirs.price.nickname.as_deref().unwrap_or_default()))
        }
        None => (alike, theirs.product.name.clone()),
    };
    if evidence.is_empty() && alike.percent < LEAST_LIKENESS {
        return None;
    }
    let mut points = evidence.iter().map(Evidence::points).max().unwrap_or_default();
    let is_named = evidence.len();
    if alike.percent >= LEAST_LIKENESS {
        evidence.push(Evidence::Name { percent: alike.percent, theirs: their_name.clone() });
    }
    if alike.tiers_differ {
        conflicts.push(Conflict::TiersDiffer { theirs: their_name });
    } else if alike.both_have_more {
        points += BOTH_HAVE_MORE;
    }
    conflicts.extend(another_code(ours, theirs, context));
    let names =
        [&theirs.price.metadata, &theirs.product.metadata].map(|metadata| names_product(metadata, &ours.product.id));
    if names.contains(&Some(false)) && !names.contains(&Some(true)) {
        conflicts.push(Conflict::NamesAnotherProduct);
    }
    match amount(ours.product, cost_of(theirs.price)) {
        Some(Ok(found)) => evidence.push(found),
        Some(Err(why)) => {
            evidence.extend(of_other_book(ours.product, cost_of(theirs.price)));
            conflicts.push(why);
        }
        None => {}
    }
    match interval(ours, theirs.price.price.recurrence) {
        Some(Ok(found)) => evidence.push(found),
        Some(Err(why)) => conflicts.push(why),
        None => {}
    }
    points += evidence[is_named..].iter().map(Evidence::points).sum::<i32>();
    points += conflicts.iter().map(Conflict::points).sum::<i32>();
    Some(Comparison { points, evidence, conflicts })
}

/// Where the price or its product is named.
fn named(ours: &Ours<'_>, theirs: &Theirs<'_>) -> Vec<Evidence> {
    let id = &ours.product.id;
    let mut found = Vec::new();
    for (on, metadata) in [(Where::Price, &theirs.price.metadata), (Where::Product, &theirs.product.metadata)] {
        if names_product(metadata, id) == Some(true) {
            found.push(Evidence::NamedById(on));
        }
    }
    // An id is told apart by its letters' case, and a key as it is compared has none.
    let by_id = theirs
        .price
        .price
        .lookup_key
        .as_deref()
        .is_some_and(|key| key.split(['_', '-']).any(|part| part == id.as_str()));
    found.extend(by_id.then_some(Evidence::LookupKeyIsId));
    for code in &ours.codes {
        let own = || code.clone();
        match theirs.lookup_key.as_deref() {
            Some(key) if key == code => found.push(Evidence::LookupKeyIsCode(own())),
            Some(key) if is_code_with_terms(key, code) => found.push(Evidence::LookupKeyBegins(own())),
            _ => {}
        }
        for (on, key, _) in theirs.codes.iter().filter(|(_, _, theirs)| theirs == code) {
            found.push(Evidence::CodeInMetadata { on: *on, key: (*key).to_owned(), code: own() });
        }
        if theirs.product_id.as_ref() == Some(code) {
            found.push(Evidence::ProductIdIsCode(own()));
        }
        // A code of one word may be a word of the name.
        let is_in = |name: &String| format!("-{name}-").contains(&format!("-{code}-"));
        if code.contains('-') && theirs.names.iter().any(is_in) {
            found.push(Evidence::CodeInName(own()));
        }
    }
    found
}

/// A code at Stripe that is none of the product's.
fn another_code(ours: &Ours<'_>, theirs: &Theirs<'_>, context: &Context) -> Option<Conflict> {
    // What is written on the price itself comes before what is written on its product, which may be sold under several codes.
    let of_key = theirs.lookup_key.as_deref().and_then(|key| context.code_of_key(key)).map(|code| (Where::Price, code));
    let known = theirs.codes.iter().filter(|(_, key, _)| context.code_keys.contains(*key));
    let known: Vec<_> = of_key.into_iter().chain(known.map(|(on, _, code)| (*on, code.as_str()))).collect();
    let on = if known.iter().any(|(on, _)| *on == Where::Price) { Where::Price } else { Where::Product };
    let named: Vec<_> = known.into_iter().filter(|(found, _)| *found == on).map(|(_, code)| code).collect();
    if named.iter().any(|code| ours.codes.iter().any(|own| own == code)) {
        return None;
    }
    match (named.iter().find(|code| context.codes.contains(**code)), ours.codes.first(), named.first()) {
        (Some(code), _, _) => Some(Conflict::CodeOfAnother { on, code: (*code).to_owned() }),
        (None, Some(mine), Some(other)) => {
            Some(Conflict::CodeDiffers { on, ours: mine.clone(), theirs: (*other).to_owned() })
        }
        _ => None,
    }
}

/// What the amount says; nothing where the product has no list price.
fn amount(product: &Product, theirs: Option<Cost>) -> Option<Result<Evidence, Conflict>> {
    let main = product.costs.first()?;
    let Some(theirs) = theirs else { return Some(Err(Conflict::AmountUnsaid)) };
    if *main == theirs {
        return Some(Ok(Evidence::Amount(theirs)));
    }
    let Some(ours) = product.costs.iter().find(|cost| cost.currency == theirs.currency) else {
        return Some(Err(Conflict::NotSoldIn(theirs)));
    };
    let is_equal = *ours == theirs;
    Some(if is_equal {
        Ok(Evidence::AmountInOtherCurrency(theirs))
    } else {
        Err(Conflict::AmountDiffers { ours: *ours, theirs })
    })
}

fn of_other_book(product: &Product, theirs: Option<Cost>) -> Option<Evidence> {
    theirs.filter(|theirs| product.costs_elsewhere.contains(theirs)).map(Evidence::AmountInOtherBook)
}

fn interval(ours: &Ours<'_>, theirs: Recurrence) -> Option<Result<Evidence, Conflict>> {
    let differs = |ours| Err(Conflict::IntervalDiffers { ours, theirs });
    match (ours.product.billed, ours.name.says) {
        (Billed::Unsaid, None) => None,
        (Billed::Unsaid, Some(says)) if Billed::of(theirs) == Some(says) => Some(Ok(Evidence::IntervalInName(says))),
        (Billed::Unsaid, Some(says)) => Some(differs(says)),
        (billed, _) if Billed::of(theirs) == Some(billed) => Some(Ok(Evidence::Interval(billed))),
        (billed, _) => Some(differs(billed)),
    }
}

/// The prices that can be billed, each with its product.
pub fn offered(stripe: &StripeCatalog) -> Vec<Theirs<'_>> {
    let offered = stripe.prices.values().filter(|price| stripe.is_offered(price));
    offered.filter_map(|price| Some(Theirs::of(price, stripe.product_of(price)?))).collect()
}

/// How much each product's name is like that of each product at Stripe.
pub fn name_likeness(ours: &Ours<'_>, theirs: &Theirs<'_>, context: &Context) -> Likeness {
    likeness(&ours.name, &theirs.name, &context.rarity)
}
