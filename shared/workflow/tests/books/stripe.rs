//! Stripe, as far as sums go: a price for one times the quantity, rounded to a minor unit; of a subscription, every period that has
//! begun on its first invoice, and the others on later ones.

use std::collections::BTreeMap;

use domain::{CustomerId, InvoiceId, LineItemId, Money, PriceId, ProductId, SubscriptionId, SubscriptionItemId};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use rust_decimal::Decimal;
use workflow::{
    AgreedPrice, Call, Every, Fact, InvoiceSeen, InvoiceStatus, ItemSeen, LineSeen, NewItem, NewLine, NewSubscription,
    PriceSeen, Pricing, SubscriptionSeen,
};

use crate::case::{Billed, Case, Line, Term, rounded};

pub(crate) struct Stripe<'a> {
    case: &'a Case,
    /// What is billed once, by the line of the deal.
    once: BTreeMap<LineItemId, i64>,
    /// Prices that were made for what was agreed. The first ones were there before.
    agreed: Vec<AgreedPrice>,
    subscription: Option<NewSubscription>,
    status: InvoiceStatus,
}

/// An item of the subscription.
struct Item {
    /// Minor units, each time.
    amount: i64,
    every: u32,
    keys: Vec<LineItemId>,
}

/// Of a line of the deal.
pub(crate) fn key(index: usize) -> LineItemId {
    LineItemId::parse(&format!("00k{index:012}")).unwrap()
}

fn index_in(id: &PriceId, prefix: &str) -> Option<usize> {
    id.as_str().strip_prefix(prefix)?.parse().ok()
}

fn product_id(number: usize) -> Option<ProductId> {
    ProductId::parse(&format!("prod_{number}")).ok()
}

fn every(months: Option<u32>) -> Every {
    months.map_or(Every::Once, Every::Months)
}

impl<'a> Stripe<'a> {
    pub(crate) fn new(case: &'a Case) -> Self {
        Self { case, once: BTreeMap::new(), agreed: Vec::new(), subscription: None, status: InvoiceStatus::Draft }
    }

    /// No customer could be billed by what is there.
    pub(crate) fn is_untouched(&self) -> bool {
        self.once.is_empty() && self.subscription.is_none() && self.agreed.is_empty()
    }

    /// As soon as the invoice is sent. Each line of the deal is looked at.
    pub(crate) fn billed(&self) -> Option<Billed> {
        if self.status != InvoiceStatus::Open {
            return None;
        }
        let (case, items) = (self.case, self.items());
        let line = |(index, line): (usize, &Line)| (key(index), line.total * case.minor_units_in_one());
        let sold: BTreeMap<_, _> = case.lines.iter().enumerate().map(line).collect();
        let total_of = |key: &LineItemId| sold[key];
        for (key, amount) in &self.once {
            assert_eq!(Decimal::from(*amount), total_of(key), "{key} of {}", case.currency);
        }
        let mut in_all: i64 = self.once.values().sum();
        for Item { amount, every, keys } in &items {
            let over_the_term = amount * i64::from(self.term().periods(*every));
            let sold: Decimal = keys.iter().map(total_of).sum();
            let comes_back = |line: &&Line| line.every == Some(*every);
            let alike =
                (0..case.lines.len()).filter(|index| keys.contains(&key(*index))).map(|index| &case.lines[index]);
            assert_eq!(alike.filter(comes_back).count(), keys.len(), "each of {keys:?} every {every} months");
            assert_eq!(Decimal::from(over_the_term), sold, "{keys:?} of {}", case.currency);
            in_all += over_the_term;
        }
        let lines = self.once.len() + items.iter().map(|item| item.keys.len()).sum::<usize>();
        assert_eq!(lines, case.lines.len(), "each line is billed, and no line twice");
        Some(Billed { first_invoice: self.total(), in_all })
    }

    fn term(&self) -> Term {
        self.case.term.unwrap()
    }

    fn total(&self) -> i64 {
        self.seen_lines().iter().map(|line| line.amount).sum()
    }

    fn price(&self, price_id: &PriceId) -> PriceSeen {
        let (product_id, unit_amount, every) = match index_in(price_id, "price_agreed_") {
            Some(number) => {
                let AgreedPrice { product_id, unit_amount, months, currency, .. } = &self.agreed[number];
                assert_eq!(*currency, self.case.currency);
                assert!(unit_amount.scale() <= 12, "Stripe takes twelve decimals: {unit_amount}");
                (Some(product_id.clone()), *unit_amount, Every::Months(*months))
            }
            None => {
                let number = index_in(price_id, "price_").unwrap();
                let line = self.case.lines.iter().find(|line| line.product == number).unwrap();
                (product_id(number), line.catalogue, every(line.catalogue_every))
            }
        };
        PriceSeen {
            price_id: price_id.clone(),
            product_id,
            is_active: true,
            currency: Some(self.case.currency),
            unit_amount: Some(unit_amount),
            every,
            tax: None,
        }
    }

    fn make(&mut self, price: AgreedPrice) -> PriceSeen {
        self.agreed.push(price);
        self.price(&PriceId::parse(&format!("price_agreed_{}", self.agreed.len() - 1)).unwrap())
    }

    /// Some of what was agreed was agreed before.
    fn find(&mut self, wanted: Vec<AgreedPrice>) -> Vec<PriceSeen> {
        let known = wanted.into_iter().filter(|price| price.lookup_key().len() % 2 == 0);
        known.collect::<Vec<_>>().into_iter().map(|price| self.make(price)).collect()
    }

    fn amount_of(&self, new: &NewLine) -> i64 {
        let quantity = new.line.quantity.as_decimal();
        let exact = match &new.pricing {
            Pricing::Catalogue(price_id) => {
                let price = self.price(price_id);
                assert_eq!(price.every, Every::Once, "{price_id} comes back");
                rounded(price.unit_amount.unwrap() * quantity, 0)
            }
            Pricing::Agreed { unit_amount, .. } => {
                assert!(unit_amount.scale() <= 12, "Stripe takes twelve decimals: {unit_amount}");
                unit_amount.checked_mul(quantity).unwrap()
            }
            Pricing::AgreedForAll { amount, .. } => Decimal::from(amount.minor_units()),
        };
        assert!(exact.fract().is_zero(), "an agreed price is never rounded: {exact}");
        i64::try_from(exact).unwrap()
    }

    fn recurring_price(&self, item: &NewItem) -> (PriceSeen, u32) {
        let price = self.price(&item.price_id);
        let Every::Months(every) = price.every else { panic!("{} does not come back", item.price_id) };
        (price, every)
    }

    fn items(&self) -> Vec<Item> {
        let item = |item: &NewItem| {
            let (price, every) = self.recurring_price(item);
            let exact = price.unit_amount.unwrap() * Decimal::from(item.quantity);
            assert!(exact.fract().is_zero(), "what comes back is never rounded: {exact}");
            Item { amount: i64::try_from(exact).unwrap(), every, keys: item.keys.clone() }
        };
        self.subscription.iter().flat_map(|new| &new.items).map(item).collect()
    }

    fn seen_items(&self) -> Vec<ItemSeen> {
        let new = self.subscription.as_ref().unwrap();
        let item = |(index, item): (usize, &NewItem)| {
            let (price, every) = self.recurring_price(item);
            let last = self.term().begun(every) - 1;
            ItemSeen {
                item_id: item_id(index),
                price_id: item.price_id.clone(),
                product_id: price.product_id,
                unit_amount: price.unit_amount,
                quantity: Some(item.quantity),
                months: Some(every),
                period_start: after(new.starts_at, every * last),
                period_end: after(new.starts_at, every * (last + 1)),
            }
        };
        new.items.iter().enumerate().map(item).collect()
    }

    fn seen_lines(&self) -> Vec<LineSeen> {
        let once = self.once.iter().map(|(key, amount)| LineSeen {
            key: Some(key.to_string()),
            amount: *amount,
            subscription_item: None,
            period_start: None,
        });
        let of_item = |(index, item): (usize, Item)| {
            let starts_at = self.subscription.as_ref().unwrap().starts_at;
            (0..self.term().begun(item.every)).map(move |period| LineSeen {
                key: None,
                amount: item.amount,
                subscription_item: Some(item_id(index)),
                period_start: Some(after(starts_at, item.every * period)),
            })
        };
        once.chain(self.items().into_iter().enumerate().flat_map(of_item)).collect()
    }

    fn seen(&self) -> InvoiceSeen {
        let (total, mut lines) = (self.total(), self.seen_lines());
        let has_more_lines = lines.len() > 10;
        lines.truncate(10);
        InvoiceSeen {
            amount_paid: 0,
            amount_due: 0,
            amount_remaining: 0,
            credited: Default::default(),
            invoice_id: InvoiceId::parse("in_1").unwrap(),
            is_ours: true,
            customer_id: CustomerId::parse("cus_1").ok(),
            status: self.status,
            currency: self.case.currency,
            subtotal: total,
            total,
            tax: Default::default(),
            auto_advance: false,
            is_charged: false,
            hosted_invoice_url: None,
            invoice_pdf: None,
            paid_at: None,
            metadata: BTreeMap::new(),
            subscription_id: self.subscription.as_ref().map(|_| subscription_id()),
            first_lines: lines,
            has_more_lines,
        }
    }

    fn begin(&mut self, new: NewSubscription) -> SubscriptionSeen {
        assert_eq!(new.plan.total.currency(), self.case.currency);
        self.once = new.once.iter().map(|line| (line.line.key.clone(), self.amount_of(line))).collect();
        let months = self.term().months;
        let first_day = self.term().starts(TimeZone::UTC.to_datetime(crate::now()).date());
        assert_eq!(TimeZone::UTC.to_datetime(new.starts_at), first_day.at(0, 0, 0, 0), "of {}", self.case.currency);
        assert_eq!(new.ends_at, months.map(|months| after(new.starts_at, months)));
        let (starts_at, ends_at) = (Some(new.starts_at), new.ends_at);
        self.subscription = Some(new);
        SubscriptionSeen {
            subscription_id: subscription_id(),
            is_over: false,
            has_run_out: false,
            created: crate::now(),
            starts_at,
            ends_at,
            renewed_from: None,
            items: self.seen_items(),
            has_billed_more: false,
            invoice: Some(self.seen()),
        }
    }

    pub(crate) fn answer(&mut self, call: Call) -> Fact {
        match call {
            Call::CreateInvoice { currency, .. } => {
                assert_eq!(currency, self.case.currency);
                Fact::InvoiceRead(self.seen())
            }
            Call::AddLines { lines, .. } => {
                for line in lines {
                    self.once.insert(line.line.key.clone(), self.amount_of(&line));
                }
                Fact::InvoiceRead(self.seen())
            }
            Call::ReadPrices { price_ids } => Fact::PricesRead(price_ids.iter().map(|id| self.price(id)).collect()),
            Call::FindPrices { wanted } => Fact::PricesRead(self.find(wanted)),
            Call::CreatePrice { price, .. } => Fact::PriceCreated(self.make(price)),
            Call::ReadPending { .. } => Fact::PendingRead { is_any: false },
            Call::CreateSubscription(new) => Fact::SubscriptionRead(Box::new(self.begin(*new))),
            Call::HoldInvoice { .. } => Fact::InvoiceRead(self.seen()),
            Call::ReadLines { .. } => Fact::LinesRead(self.seen_lines()),
            // What has to be approved is the deal, or more than it if that is sent at once.
            Call::SendInvoice { total, .. } => {
                let sold: Decimal = self.case.amount * self.case.minor_units_in_one();
                let most = self.total().max(i64::try_from(sold).unwrap());
                assert_eq!(total, Money::from_minor_units(most, self.case.currency));
                self.status = InvoiceStatus::Open;
                Fact::InvoiceRead(self.seen())
            }
            call => panic!("{call:?}"),
        }
    }
}

fn after(start: Timestamp, months: u32) -> Timestamp {
    let start = TimeZone::UTC.to_datetime(start);
    TimeZone::UTC.to_timestamp(start.checked_add(Span::new().months(months)).unwrap()).unwrap()
}

fn subscription_id() -> SubscriptionId {
    SubscriptionId::parse("sub_1").unwrap()
}

fn item_id(index: usize) -> SubscriptionItemId {
    SubscriptionItemId::parse(&format!("si_{index}")).unwrap()
}
