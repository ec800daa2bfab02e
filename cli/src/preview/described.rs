//! What there would be at Stripe, in the words of the deal.

use std::collections::BTreeMap;

use domain::Money;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use mapping::Plan;
use stripe::{InvoiceStatus, Recurrence};
use workflow::opportunity_won::{Point, Renewal};
use workflow::{Run, State};

use super::stripe::{Memory, memory};
use super::told::{Invoice, InvoiceFate, Item, Line, Subscription, SubscriptionFate, Tax};

pub(super) fn plan_of(run: &Run) -> Option<&Plan> {
    let State::OpportunityWon(point) = &run.state else { return None };
    match point {
        Point::Sent { invoice, .. } | Point::Done { invoice } => Some(&invoice.plan),
        Point::Renewal(renewal) => match renewal.as_ref() {
            Renewal::Extended { extended, .. } | Renewal::Done { extended } => Some(&extended.plan),
            _ => None,
        },
        _ => None,
    }
}

fn day(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

/// What the deal's lines are called.
pub(super) struct Words<'a> {
    lines: BTreeMap<&'a str, &'a str>,
    /// By the price, the lines that an item is for.
    prices: BTreeMap<&'a str, &'a str>,
    behavior: Option<&'static str>,
}

impl<'a> Words<'a> {
    pub(super) fn of(plan: Option<&'a Plan>, memory: &'a Memory) -> Self {
        let items = memory.subscriptions.values().flat_map(|one| one.shown.items.iter().map(|item| (&one.keys, item)));
        let keys_of = |(keys, item): (&'a BTreeMap<String, String>, &'a stripe::SubscriptionItem)| {
            Some((item.price.id.as_str(), keys.get(item.id.as_str())?.as_str()))
        };
        let lines = plan.into_iter().flat_map(|plan| &plan.lines);
        Self {
            lines: lines.map(|line| (line.key.as_str(), line.description.as_str())).collect(),
            prices: items.filter_map(keys_of).collect(),
            behavior: plan.and_then(|plan| plan.tax).map(mapping::TaxBehavior::as_str),
        }
    }

    /// One price may be that of several lines.
    fn named(&self, keys: &str) -> Option<String> {
        let named: Vec<_> = keys.split_whitespace().filter_map(|key| self.lines.get(key).copied()).collect();
        (!named.is_empty()).then(|| named.join(", "))
    }

    pub(super) fn invoice(&self, invoice: &memory::Invoice, at: Timestamp) -> Option<Invoice> {
        let shown = &invoice.shown;
        let money = |minor_units| Money::from_minor_units(minor_units, shown.currency);
        let fate = match shown.status {
            InvoiceStatus::Void => InvoiceFate::Voided,
            _ if !invoice.is_new() => {
                (shown.credited_before + shown.credited_after > 0).then_some(InvoiceFate::Credited)?
            }
            InvoiceStatus::Draft if shown.auto_advance => InvoiceFate::SentByStripe,
            InvoiceStatus::Draft => return None,
            _ if shown.is_charged => InvoiceFate::Charged,
            _ => InvoiceFate::Sent,
        };
        let days = invoice.days_until_due.map(|days| SignedDuration::from_hours(24 * i64::from(days)));
        let due_on = days.and_then(|days| at.checked_add(days).ok()).map(day);
        let from_balance = shown.total - shown.amount_due;
        let tax = match (invoice.automatic_tax, invoice.knows_tax) {
            (false, _) => None,
            (true, true) => Some(Tax::Known { added: money(shown.tax.on_top), inside: money(shown.tax.inside) }),
            (true, false) => Some(Tax::Unknown { behavior: self.behavior.unwrap_or("as its prices say") }),
        };
        Some(Invoice {
            id: shown.id.to_string(),
            fate,
            lines: invoice.lines.iter().map(|line| self.line(line)).collect(),
            total: money(shown.total),
            from_balance: (invoice.is_new() && from_balance > 0).then(|| money(from_balance)),
            tax,
            due_on: due_on.filter(|_| invoice.is_new()),
            subscription: shown.subscription.as_ref().map(ToString::to_string),
        })
    }

    fn line(&self, memory::Line { line, description, ends_at, keys, .. }: &memory::Line) -> Line {
        let of_price = line.price.as_ref().and_then(|price| self.prices.get(price.as_str()).copied());
        let keys = line.metadata.get("sf_line_id").map(String::as_str).or(of_price).unwrap_or(keys);
        let product =
            || line.product.as_ref().map(ToString::to_string).or(line.price.as_ref().map(ToString::to_string));
        let described = description.clone().or_else(|| self.named(keys)).or_else(product);
        Line {
            description: described.unwrap_or_else(|| "a proration".to_owned()),
            quantity: line.quantity.map(|quantity| quantity.normalize().to_string()),
            amount: Money::from_minor_units(line.amount, line.currency),
            from: line.period_start.map(day),
            until: ends_at.map(day),
        }
    }

    pub(super) fn subscription(&self, subscription: &memory::Subscription) -> Subscription {
        let shown = &subscription.shown;
        let items = shown.items.iter().filter(|item| subscription.keys.contains_key(item.id.as_str()));
        let item = |item: &stripe::SubscriptionItem| {
            let keys = subscription.keys.get(item.id.as_str()).map_or("", String::as_str);
            let product = || item.price.product.as_ref().map(ToString::to_string).unwrap_or_default();
            let quantity = item.quantity.map(rust_decimal::Decimal::from);
            let amount = item.price.unit_amount.zip(quantity).and_then(|(one, many)| super::stripe::amount(one, many));
            Item {
                description: self.named(keys).unwrap_or_else(product),
                price: item.price.id.to_string(),
                quantity: item.quantity,
                amount: amount.map(|amount| Money::from_minor_units(amount, shown.currency)),
                months: match item.price.recurrence {
                    Recurrence::Months(months) => Some(months),
                    Recurrence::Once | Recurrence::Other => None,
                },
            }
        };
        Subscription {
            id: shown.id.to_string(),
            fate: match (subscription.is_new, shown.is_over) {
                (_, true) => SubscriptionFate::Canceled,
                (true, false) => SubscriptionFate::Begun,
                (false, false) => SubscriptionFate::Changed,
            },
            items: items.map(item).collect(),
            starts_on: shown.starts_at.map(day),
            ends_on: shown.ends_at.map(day),
            prorated: subscription.prorated.map(|(at, is_invoiced)| (day(at), is_invoiced)),
        }
    }
}
