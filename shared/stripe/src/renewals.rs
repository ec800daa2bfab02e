//! A subscription that goes on with other items.

use std::collections::BTreeMap;

use domain::{PriceId, SubscriptionId, SubscriptionItemId};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::params::{InvoiceLineParams, Operation};
use crate::{NewItem, Write};

/// How a subscription goes on: from its next period on, or for the rest of this one as well.
#[derive(Debug, Clone)]
pub struct RenewSubscription {
    pub subscription: SubscriptionId,
    pub days_until_due: u32,
    pub automatic_tax: bool,
    /// `None` leaves it as it is; an end that is not wanted any more is taken away.
    pub ends_at: Option<End>,
    pub items: Vec<ChangedItem>,
    /// What is billed once, with its next invoice. Its lines have no description of their own.
    pub once: Vec<InvoiceLineParams>,
    /// What is billed once is shown to be for that moment: its default is the period that the subscription is in.
    pub starts_at: Timestamp,
    /// `None` leaves the period as it was billed.
    pub proration: Option<Prorated>,
    pub metadata: BTreeMap<String, String>,
}

/// What was billed for the time from then on is given back, and what is new is billed for it: docs.stripe.com, billing/subscriptions/prorations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prorated {
    /// Inside the period that the subscription is in.
    pub at: Timestamp,
    /// By an invoice at once, and not by the next one.
    pub is_invoiced: bool,
}

#[derive(Debug, Clone, Copy)]
pub enum End {
    At(Timestamp),
    Never,
}

#[derive(Debug, Clone)]
pub enum ChangedItem {
    Kept(SubscriptionItemId, NewItem),
    Added(NewItem),
    Dropped(SubscriptionItemId),
}

impl ChangedItem {
    /// The one that it is billed by from now on.
    pub(crate) fn price(&self) -> Option<&PriceId> {
        match self {
            Self::Kept(_, item) | Self::Added(item) => Some(&item.price),
            Self::Dropped(_) => None,
        }
    }
}

impl Write {
    /// Without a proration nothing is billed at once: the next invoice that it makes by itself is the first of it.
    pub fn renew_subscription(params: &RenewSubscription) -> Self {
        let mut body = params.change();
        body["days_until_due"] = params.days_until_due.into();
        body["automatic_tax"] = params.automatic_tax();
        body["metadata"] = json!(params.metadata);
        let at = json!({ "type": "timestamp", "timestamp": params.starts_at.as_second() });
        body["add_invoice_items"] = params.once(&at).into();
        if params.proration.is_some_and(|proration| proration.is_invoiced) {
            body["expand"] = json!(["latest_invoice"]);
        }
        Self::new(Operation::RenewSubscription, format!("/v1/subscriptions/{}", params.subscription), &body)
    }
}

impl Write {
    /// Nothing is prorated: then is where a period ends that is not billed yet. What is empty in the metadata is taken away.
    pub fn end_subscription(subscription: &SubscriptionId, end: End, metadata: &BTreeMap<String, String>) -> Self {
        let body = json!({ "cancel_at": end.to_stripe(), "proration_behavior": "none", "metadata": metadata });
        Self::new(Operation::EndSubscription, format!("/v1/subscriptions/{subscription}"), &body)
    }
}

impl End {
    fn to_stripe(self) -> Value {
        match self {
            Self::At(at) => json!(at.as_second()),
            Self::Never => json!(""),
        }
    }
}

impl RenewSubscription {
    pub(crate) fn automatic_tax(&self) -> Value {
        json!({ "enabled": self.automatic_tax })
    }

    /// What a preview calls `invoice_items`, with the same names inside. A discount of the customer's is for what comes back.
    pub(crate) fn once(&self, at: &Value) -> Vec<Value> {
        let line = |line: &InvoiceLineParams| {
            let mut line = line.of_subscription();
            line.insert("discountable".into(), false.into());
            line.insert("period".into(), json!({ "start": at, "end": at }));
            Value::Object(line)
        };
        self.once.iter().map(line).collect()
    }

    /// What a preview is told, as well.
    pub(crate) fn change(&self) -> Value {
        let item = |item: &NewItem| json!({ "price": item.price.as_str(), "quantity": item.quantity, "metadata": item.metadata });
        let items = self.items.iter().map(|change| match change {
            ChangedItem::Kept(id, kept) => {
                let mut kept = item(kept);
                kept["id"] = id.as_str().into();
                kept
            }
            ChangedItem::Added(added) => item(added),
            ChangedItem::Dropped(id) => json!({ "id": id.as_str(), "deleted": true }),
        });
        let cancel_at = self.ends_at.map(End::to_stripe);
        json!({
            "items": items.collect::<Vec<_>>(),
            "cancel_at": cancel_at,
            "proration_behavior": match self.proration {
                None => "none",
                Some(Prorated { is_invoiced: true, .. }) => "always_invoice",
                Some(Prorated { is_invoiced: false, .. }) => "create_prorations",
            },
            "proration_date": self.proration.map(|proration| proration.at.as_second()),
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn renewal_of(ends_at: Option<End>, proration: Option<Prorated>) -> RenewSubscription {
        let item = |price: &str| NewItem {
            price: domain::PriceId::parse(price).expect("valid"),
            quantity: 2,
            metadata: [("sf_line_id".to_owned(), "00k1".to_owned())].into(),
        };
        let id = |text: &str| SubscriptionItemId::parse(text).expect("valid");
        let items = vec![
            ChangedItem::Kept(id("si_1"), item("price_1")),
            ChangedItem::Added(item("price_2")),
            ChangedItem::Dropped(id("si_2")),
        ];
        let subscription = SubscriptionId::parse("sub_1").expect("valid");
        let metadata = [("sf_renewal_opportunity_id".to_owned(), "006".to_owned())].into();
        let once = vec![InvoiceLineParams {
            description: "Onboarding".into(),
            metadata: [("sf_line_id".to_owned(), "00k2".to_owned())].into(),
            quantity: crate::Quantity::Whole(1),
            pricing: crate::Pricing::Product {
                product: domain::ProductId::parse("prod_1").expect("valid"),
                currency: domain::Currency::parse("EUR").expect("valid"),
                unit_amount_decimal: 50_000.into(),
                tax_behavior: None,
            },
        }];
        RenewSubscription {
            subscription,
            days_until_due: 30,
            automatic_tax: true,
            ends_at,
            items,
            once,
            starts_at: Timestamp::from_second(1_900_000_000).expect("in range"),
            proration,
            metadata,
        }
    }

    fn renewal(ends_at: Option<End>, proration: Option<Prorated>) -> String {
        let write = Write::renew_subscription(&renewal_of(ends_at, proration));
        assert_eq!((write.operation, write.path.as_str()), (Operation::RenewSubscription, "/v1/subscriptions/sub_1"));
        let pairs = form_urlencoded::parse(write.body.as_bytes());
        pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn an_end_is_set_or_taken_away() {
        let id = SubscriptionId::parse("sub_1").expect("valid");
        let at = Timestamp::from_second(1_900_000_000).expect("in range");
        for (end, day, expected) in [
            (End::At(at), "2030-03-17", "cancel_at=1900000000&proration_behavior=none&metadata[day]=2030-03-17"),
            (End::Never, "", "cancel_at=&proration_behavior=none&metadata[day]="),
        ] {
            let write = Write::end_subscription(&id, end, &[("day".to_owned(), day.to_owned())].into());
            let body = write.body.replace("%5B", "[").replace("%5D", "]");
            assert_eq!((write.path.as_str(), body.as_str()), ("/v1/subscriptions/sub_1", expected));
        }
    }

    /// docs.stripe.com/api/subscriptions/update: an item with its id is changed, one that is deleted goes, any other is added.
    #[test]
    fn items_are_kept_added_and_dropped() {
        let items = "items[0][price]=price_1 items[0][quantity]=2 items[0][metadata][sf_line_id]=00k1 items[0][id]=si_1 \
                     items[1][price]=price_2 items[1][quantity]=2 items[1][metadata][sf_line_id]=00k1 \
                     items[2][id]=si_2 items[2][deleted]=true";
        let rest = "days_until_due=30 automatic_tax[enabled]=true metadata[sf_renewal_opportunity_id]=006 \
                    add_invoice_items[0][price_data][currency]=eur add_invoice_items[0][price_data][product]=prod_1 \
                    add_invoice_items[0][price_data][unit_amount_decimal]=50000 \
                    add_invoice_items[0][quantity]=1 add_invoice_items[0][metadata][sf_line_id]=00k2 \
                    add_invoice_items[0][discountable]=false \
                    add_invoice_items[0][period][start][type]=timestamp add_invoice_items[0][period][start][timestamp]=1900000000 \
                    add_invoice_items[0][period][end][type]=timestamp add_invoice_items[0][period][end][timestamp]=1900000000";
        let none = "proration_behavior=none";
        assert_eq!(renewal(None, None), format!("{items} {none} {rest}"));
        let at = Timestamp::from_second(1_900_000_000).expect("in range");
        assert_eq!(renewal(Some(End::At(at)), None), format!("{items} cancel_at=1900000000 {none} {rest}"));
        assert_eq!(renewal(Some(End::Never), None), format!("{items} cancel_at= {none} {rest}"));
        for (is_invoiced, expected) in [
            (
                true,
                format!(
                    "{items} proration_behavior=always_invoice proration_date=1900000000 {rest} expand[0]=latest_invoice"
                ),
            ),
            (false, format!("{items} proration_behavior=create_prorations proration_date=1900000000 {rest}")),
        ] {
            assert_eq!(renewal(None, Some(Prorated { at, is_invoiced })), expected);
        }
    }
}
