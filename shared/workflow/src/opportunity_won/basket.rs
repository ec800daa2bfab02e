//! What the subscription of a deal is made of: the catalogue's prices where they are the agreed ones, and others that are found
//! or made.

use std::collections::BTreeMap;

use domain::{CustomerId, LineItemId, Money, PriceId, ProductId};
use mapping::{Code, Plan, PlanLine, Quantity, Stop};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::draft::{agreed, unit_amount};
use crate::{AgreedPrice, Call, Every, FirstInvoice, NewItem, NewLine, NewSubscription, PriceSeen, Pricing};

/// Everything that the subscription is to be made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    pub plan: Plan,
    pub customer_id: CustomerId,
    pub account_is_linked: bool,
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

/// The prices of the catalogue that the plan names, each once.
pub(super) fn named_prices(plan: &Plan) -> Vec<PriceId> {
    let mut prices: Vec<_> = plan.lines.iter().map(|line| line.price.clone()).collect();
    prices.sort();
    prices.dedup();
    prices
}

impl Start {
    /// With the catalogue's prices, where they are the agreed ones.
    pub(super) fn new(
        plan: Plan,
        customer_id: CustomerId,
        account_is_linked: bool,
        prices: &[PriceSeen],
    ) -> Result<Self, Stop> {
        let (items, once, products) = (Vec::new(), Vec::new(), BTreeMap::new());
        let mut start = Self { plan, customer_id, account_is_linked, items, once, products };
        start.remember(prices);
        let mut problems = Vec::new();
        for index in 0..start.plan.lines.len() {
            let line = &start.plan.lines[index];
            let seen = prices.iter().find(|seen| seen.price_id == line.price);
            match seen.filter(|seen| seen.is_active).and_then(|seen| Some((seen, seen.product_id.clone()?))) {
                Some((seen, product_id)) => start.take(index, seen, product_id),
                None => {
                    problems.push(format!("{} ({})", line.description.chars().take(60).collect::<String>(), line.price))
                }
            }
        }
        if problems.is_empty() {
            return Ok(start);
        }
        let message = format!(
            "These products name Stripe prices that are archived: {}. Name active ones, or make these active again.",
            problems.join("; ")
        );
        Err(Stop::refused(Code::LinesNotBillable, message))
    }

    fn take(&mut self, index: usize, seen: &PriceSeen, product_id: ProductId) {
        let (plan, line) = (&self.plan, &self.plan.lines[index]);
        let is_at_list = |amount: Money, every: Every| match each_of(line.quantity, amount) {
            Some((unit_amount, _)) => seen.costs(amount.currency(), unit_amount, every) && seen.is_taxed_as(plan.tax),
            None => false,
        };
        let Some(term) = plan.subscription.as_ref().filter(|_| line.recurring) else {
            let is_at_list = is_at_list(line.amount, Every::Once);
            return self.once.push(Once { line: index, product_id, is_at_list });
        };
        // The plan was refused if it did not divide.
        let amount = term.each(line.amount).unwrap_or(line.amount);
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

    pub(super) fn product_of(&self, price: &PriceId) -> Option<&ProductId> {
        self.products.get(price)
    }

    /// The prices that are still to be found or made, and where they are used.
    pub(super) fn wanted(&self) -> impl Iterator<Item = (usize, &AgreedPrice)> {
        self.items.iter().enumerate().filter_map(|(index, item)| match &item.price {
            ItemPrice::Agreed(price) => Some((index, price)),
            ItemPrice::Known(_) => None,
        })
    }

    /// Uses those of these prices that are what was agreed.
    pub(super) fn settle(mut self, prices: &[PriceSeen]) -> Self {
        self.remember(prices);
        for mut item in std::mem::take(&mut self.items) {
            if let ItemPrice::Agreed(wanted) = &item.price
                && let Some(seen) = prices.iter().find(|seen| wanted.is(seen))
            {
                item.price = ItemPrice::Known(seen.price_id.clone());
            }
            self.add(item);
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

    /// The lines that an item is made for.
    pub(super) fn keys(&self, item: &Item) -> impl Iterator<Item = &LineItemId> {
        item.lines.iter().map(|line| &self.plan.lines[*line].key)
    }

    /// Those whose price is known, which in the end are all of them.
    pub(super) fn new_items(&self) -> Vec<NewItem> {
        let keys = |item: &Item| self.keys(item).cloned().collect();
        let known = self.items.iter().filter_map(|item| match &item.price {
            ItemPrice::Known(price_id) => {
                Some(NewItem { price_id: price_id.clone(), quantity: item.quantity, keys: keys(item) })
            }
            ItemPrice::Agreed(_) => None,
        });
        known.collect()
    }

    fn subscription(&self) -> NewSubscription {
        let plan = &self.plan;
        let term = plan.subscription.as_ref();
        NewSubscription {
            opportunity_id: plan.opportunity_id.clone(),
            customer_id: self.customer_id.clone(),
            total: plan.total,
            approved: plan.approved,
            first: term.cloned().map(|term| {
                let (each, once) = plan.each_and_once();
                FirstInvoice { term, each, once }
            }),
            days_until_due: plan.days_until_due,
            automatic_tax: plan.tax.is_some(),
            starts_at: term.map(mapping::Subscription::starts_at).unwrap_or_default(),
            ends_at: term.and_then(mapping::Subscription::ends_at),
            items: self.new_items(),
            once: self.once.iter().map(|once| once.line(plan)).collect(),
        }
    }

    /// What a period costs of an item, in minor units.
    pub(super) fn each(&self, item: &Item) -> i64 {
        let amounts = item.lines.iter().map(|line| {
            let line = &self.plan.lines[*line];
            let term = self.plan.subscription.as_ref();
            term.and_then(|term| term.each(line.amount)).unwrap_or(line.amount).minor_units()
        });
        amounts.fold(0, i64::saturating_add)
    }
}

impl Once {
    fn line(&self, plan: &Plan) -> NewLine {
        let line: PlanLine = plan.lines[self.line].clone();
        let pricing = match (self.is_at_list, each_of(line.quantity, line.amount)) {
            (true, _) => Pricing::Catalogue(line.price.clone()),
            (false, Some(_)) => {
                agreed(line.amount.minor_units(), line.quantity.as_decimal(), self.product_id.clone(), line.amount)
            }
            (false, None) => Pricing::AgreedForAll { product_id: self.product_id.clone(), amount: line.amount },
        };
        NewLine { line, pricing, tax: plan.tax }
    }
}

/// The price for one and how many, where that comes to the amount: items are counted in whole numbers.
fn each_of(quantity: Quantity, amount: Money) -> Option<(Decimal, i64)> {
    let Quantity::Whole(quantity) = quantity else { return None };
    Some((unit_amount(amount.minor_units(), quantity.into())?, quantity))
}
