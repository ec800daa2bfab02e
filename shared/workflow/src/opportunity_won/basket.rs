//! What a deal's lines cost at Stripe: the catalogue's prices where they are the agreed ones, and what was agreed where they are not.
//! For what comes back, that is a price as well, which is found or made.

use std::collections::BTreeMap;

use domain::{CustomerId, Money, PriceId, ProductId};
use mapping::{Code, Plan, PlanLine, Quantity, Stop, TaxBehavior};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::draft::{agreed, unit_amount};
use crate::{AgreedPrice, Call, Every, ItemSeen, NewItem, NewLine, NewSubscription, PriceSeen, Pricing};

/// Everything that the subscription is to be made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    pub plan: Plan,
    pub customer_id: CustomerId,
    pub account_is_linked: bool,
    /// It is the one for subscriptions in the plan's currency.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_apart: bool,
    #[serde(flatten)]
    pub basket: Basket,
}

/// Every line of a plan, priced.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basket {
    /// What comes back, as items of a subscription.
    pub items: Vec<Item>,
    pub once: Vec<Once>,
    /// Which product each price is of, as far as was seen.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub products: BTreeMap<PriceId, ProductId>,
}

/// Stripe takes each price once, so lines that cost the same are one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    pub price: ItemPrice,
    pub quantity: i64,
    /// Lines of the plan.
    pub lines: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemPrice {
    Known(PriceId),
    /// It is still to be found, or made.
    Agreed(AgreedPrice),
}

/// A line that is billed once, with the first invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Once {
    /// The line of the plan.
    pub line: usize,
    pub product_id: ProductId,
    /// The catalogue's price is the agreed one.
    pub is_at_list: bool,
}

/// The prices of the catalogue that the plan names, each once, with the first product that does.
pub(super) fn named_prices(plan: &Plan) -> BTreeMap<PriceId, String> {
    let mut named = BTreeMap::new();
    for line in &plan.lines {
        named.entry(line.price.clone()).or_insert_with(|| short(&line.description));
    }
    named
}

fn short(name: &str) -> String {
    name.chars().take(60).collect()
}

fn usable<'a>(prices: &'a [PriceSeen], id: &PriceId) -> Option<(&'a PriceSeen, ProductId)> {
    let seen = prices.iter().find(|seen| seen.price_id == *id && seen.is_active)?;
    Some((seen, seen.product_id.clone()?))
}

/// Every price that is not there or archived, by the product that names it.
pub(super) fn all_usable(named: &BTreeMap<PriceId, String>, prices: &[PriceSeen]) -> Result<(), Stop> {
    let unusable = named.iter().filter(|(id, _)| usable(prices, id).is_none());
    let problems: Vec<_> = unusable
        .map(|(id, product)| {
            let is_there = prices.iter().any(|seen| seen.price_id == *id);
            format!("{product} ({id} {})", if is_there { "is archived" } else { "is not at Stripe" })
        })
        .collect();
    if problems.is_empty() {
        return Ok(());
    }
    let message = format!(
        "These products name Stripe prices that cannot be used: {}. Name active ones, or make these active again and send the event again.",
        problems.join("; ")
    );
    Err(Stop::refused(Code::LinesNotBillable, message))
}

impl Basket {
    /// With the catalogue's prices, where they are the agreed ones.
    pub(super) fn new(plan: &Plan, prices: &[PriceSeen]) -> Result<Self, Stop> {
        let (basket, stops) = Self::look(plan, &named_prices(plan), prices);
        stops.into_iter().next().map_or(Ok(basket), Err)
    }

    /// With everything that the prices say against it.
    pub(super) fn look(plan: &Plan, named: &BTreeMap<PriceId, String>, prices: &[PriceSeen]) -> (Self, Vec<Stop>) {
        let mut stops: Vec<_> = all_usable(named, prices).err().into_iter().collect();
        let mut basket = Self::default();
        basket.remember(prices);
        let (mut taxed_otherwise, mut coming_back) = (Vec::new(), Vec::new());
        for (index, line) in plan.lines.iter().enumerate() {
            let Some((seen, product_id)) = usable(prices, &line.price) else { continue };
            let name = || format!("{} ({})", short(&line.description), line.price);
            let comes_back_too = || plan.lines.iter().any(|other| other.recurring && other.price == line.price);
            if !line.recurring && seen.every != Every::Once && !plan.bills_once && !comes_back_too() {
                coming_back.push(name());
            }
            let is_once = plan.subscription.is_none() && is_at_list(plan, line, line.amount, Every::Once, seen);
            if is_once && !seen.is_taxed_as(plan.tax) {
                taxed_otherwise.push(name());
            }
            basket.take(plan, index, seen, product_id);
        }
        stops.extend((!coming_back.is_empty()).then(|| comes_back(&coming_back)));
        let behavior = plan.tax.filter(|_| !taxed_otherwise.is_empty());
        stops.extend(behavior.map(|behavior| taxed_the_other_way(behavior, &taxed_otherwise)));
        (basket, stops)
    }

    fn take(&mut self, plan: &Plan, index: usize, seen: &PriceSeen, product_id: ProductId) {
        let line = &plan.lines[index];
        let is_at_list = |amount, every| is_at_list(plan, line, amount, every, seen) && seen.is_taxed_as(plan.tax);
        let Some(term) = plan.term_of(line) else {
            let is_at_list = is_at_list(line.amount, Every::Once);
            return self.once.push(Once { line: index, product_id, is_at_list });
        };
        let amount = plan.each(line);
        let months = term.every.months();
        let whole = (Decimal::from(amount.minor_units()), 1);
        let (unit_amount, quantity) = each_of(line.quantity, amount).unwrap_or(whole);
        let price = match is_at_list(amount, Every::Months(months)) {
            true => ItemPrice::Known(line.price.clone()),
            false => {
                let (currency, tax) = (amount.currency(), plan.tax);
                ItemPrice::Agreed(AgreedPrice { product_id, currency, unit_amount, months, tax })
            }
        };
        self.add(Item { price, quantity, lines: vec![index] });
    }

    /// To the item of the same price, if there is one.
    fn add(&mut self, item: Item) {
        match self.items.iter_mut().find(|there| there.price == item.price) {
            Some(there) => {
                there.quantity = there.quantity.saturating_add(item.quantity);
                there.lines.extend(item.lines);
            }
            None => self.items.push(item),
        }
    }

    fn remember(&mut self, prices: &[PriceSeen]) {
        let known = prices.iter().filter_map(|seen| Some((seen.price_id.clone(), seen.product_id.clone()?)));
        self.products.extend(known);
    }
}

/// Whether the catalogue's price comes to the agreed amount.
fn is_at_list(plan: &Plan, line: &PlanLine, amount: Money, every: Every, seen: &PriceSeen) -> bool {
    // A subscription's items are counted in whole numbers, and so is what comes with its first invoice.
    let quantity = match (line.quantity, &plan.subscription) {
        (Quantity::Fraction(_), Some(_)) => return false,
        (quantity, _) => quantity.as_decimal(),
    };
    let exact = seen.unit_amount.and_then(|unit_amount| unit_amount.checked_mul(quantity));
    seen.currency == Some(amount.currency())
        && seen.every == every
        && exact.is_some_and(|exact| comes_to(exact, amount.minor_units(), every))
}

/// Stripe rounds a line to the nearest minor unit. Where a half goes is not written down, so there the agreed amount is sent; and what
/// comes back every period has nothing to round.
fn comes_to(exact: Decimal, amount: i64, every: Every) -> bool {
    let difference = (exact - Decimal::from(amount)).abs();
    difference.is_zero() || every == Every::Once && difference < Decimal::new(5, 1)
}

/// Most likely somebody forgot to say how often it is billed, and then it would be billed once and never again.
fn comes_back(products: &[String]) -> Stop {
    let message = format!(
        "These products are billed once, and their Stripe prices come back: {}. Fill in their billing frequency, or name prices that are \
         billed once.",
        products.join("; ")
    );
    Stop::refused(Code::LinesNotBillable, message)
}

fn taxed_the_other_way(behavior: TaxBehavior, products: &[String]) -> Stop {
    let message = format!(
        "Amounts are billed with StripeTax {}, and the prices of these products are the other way round: {}. Correct their tax \
         behavior at Stripe.",
        behavior.as_str(),
        products.join("; ")
    );
    Stop::refused(Code::TaxBehaviorDiffers, message)
}

impl Start {
    /// For a customer who is known.
    pub(super) fn new(
        plan: Plan,
        customer_id: CustomerId,
        account_is_linked: bool,
        prices: &[PriceSeen],
    ) -> Result<Self, Stop> {
        let basket = Basket::new(&plan, prices)?;
        Ok(Self { plan, customer_id, account_is_linked, is_apart: false, basket })
    }

    pub(super) fn product_of(&self, price: &PriceId) -> Option<&ProductId> {
        self.basket.products.get(price)
    }

    /// The prices that are still to be found or made, and where they are used.
    pub(super) fn wanted(&self) -> impl Iterator<Item = (usize, &AgreedPrice)> {
        self.basket.items.iter().enumerate().filter_map(|(index, item)| match &item.price {
            ItemPrice::Agreed(price) => Some((index, price)),
            ItemPrice::Known(_) => None,
        })
    }

    /// Uses those of these prices that are what was agreed.
    pub(super) fn settle(mut self, prices: &[PriceSeen]) -> Self {
        self.basket.remember(prices);
        for mut item in std::mem::take(&mut self.basket.items) {
            if let ItemPrice::Agreed(wanted) = &item.price
                && let Some(seen) = prices.iter().find(|seen| wanted.is(seen))
            {
                item.price = ItemPrice::Known(seen.price_id.clone());
            }
            self.basket.add(item);
        }
        self
    }

    /// The same after a price was made.
    pub(super) fn made(self, price: &PriceSeen) -> Result<Self, Box<(Plan, Stop)>> {
        let wanted = self.wanted().count();
        let start = self.settle(std::slice::from_ref(price));
        if start.wanted().count() < wanted {
            return Ok(start);
        }
        let message = format!("Stripe made price {} of other terms than those that were asked for.", price.price_id);
        Err(Box::new((start.plan, Stop::review(Code::StripeRefused, message))))
    }

    /// The next thing to do: find what was made before, make what was not, begin the subscription.
    pub(super) fn call(&self, looked: bool) -> Call {
        match self.wanted().next() {
            Some(_) if !looked => Call::FindPrices { wanted: self.wanted().map(|(_, price)| price.clone()).collect() },
            Some((index, price)) => {
                Call::CreatePrice { index: u16::try_from(index).unwrap_or(u16::MAX), price: price.clone() }
            }
            None => Call::CreateSubscription(Box::new(self.subscription())),
        }
    }

    /// Whether an item of a subscription is this one by what it costs. Two workers may have made the agreed price at once, and after a
    /// restore the other one is found.
    pub(super) fn costs_the_same(&self, item: &Item, seen: &ItemSeen) -> bool {
        let product_id = match &item.price {
            ItemPrice::Known(price_id) => self.product_of(price_id),
            ItemPrice::Agreed(price) => Some(&price.product_id),
        };
        let months = self.term_of(item).map(|term| term.every.months());
        let each = seen.unit_amount.and_then(|one| one.checked_mul(item.quantity.into()));
        product_id.is_some()
            && seen.product_id.as_ref() == product_id
            && seen.months == months
            && seen.quantity == Some(item.quantity)
            && each == Some(Decimal::from(self.each(item)))
    }

    /// Those whose price is known, which in the end are all of them.
    pub(super) fn new_items(&self) -> Vec<NewItem> {
        let keys = |item: &Item| item.lines.iter().map(|line| self.plan.lines[*line].key.clone()).collect();
        let known = self.basket.items.iter().filter_map(|item| match &item.price {
            ItemPrice::Known(price_id) => {
                Some(NewItem { price_id: price_id.clone(), quantity: item.quantity, keys: keys(item) })
            }
            ItemPrice::Agreed(_) => None,
        });
        known.collect()
    }

    /// What is billed once, as it goes with a subscription.
    pub(super) fn once(&self) -> Vec<NewLine> {
        self.basket.once.iter().map(|once| once.line(&self.plan)).collect()
    }

    fn subscription(&self) -> NewSubscription {
        let term = self.plan.subscription.as_ref();
        NewSubscription {
            customer_id: self.customer_id.clone(),
            starts_at: term.map(mapping::Subscription::starts_at).unwrap_or_default(),
            ends_at: term.and_then(mapping::Subscription::ends_at),
            items: self.new_items(),
            once: self.once(),
            plan: self.plan.clone(),
        }
    }

    /// What a period costs of an item, in minor units.
    pub(super) fn each(&self, item: &Item) -> i64 {
        let amounts = item.lines.iter().map(|line| self.plan.each(&self.plan.lines[*line]).minor_units());
        amounts.fold(0, i64::saturating_add)
    }

    /// In the item's own periods: lines at one price come back alike.
    pub(super) fn term_of(&self, item: &Item) -> Option<mapping::Subscription> {
        item.lines.first().and_then(|line| self.plan.term_of(&self.plan.lines[*line]))
    }
}

impl Once {
    /// As it is written to an invoice, by its own call or with a subscription.
    pub(super) fn line(&self, plan: &Plan) -> NewLine {
        let line: PlanLine = plan.lines[self.line].clone();
        let pricing = match (self.is_at_list, line.quantity, &plan.subscription) {
            (true, ..) => Pricing::Catalogue(line.price.clone()),
            (false, Quantity::Fraction(_), Some(_)) => {
                Pricing::AgreedForAll { product_id: self.product_id.clone(), amount: line.amount }
            }
            (false, quantity, _) => agreed(line.amount, quantity.as_decimal(), self.product_id.clone()),
        };
        NewLine { line, pricing, tax: plan.tax }
    }
}

/// The price for one and how many, where that comes to the amount: items are counted in whole numbers.
fn each_of(quantity: Quantity, amount: Money) -> Option<(Decimal, i64)> {
    let Quantity::Whole(quantity) = quantity else { return None };
    Some((unit_amount(amount.minor_units(), quantity.into())?, quantity))
}
