//! A subscription that goes on with other items.

use std::collections::BTreeMap;

use domain::{SubscriptionId, SubscriptionItemId};
use jiff::Timestamp;
use serde_json::json;

use crate::params::Operation;
use crate::{NewItem, Write};

/// How a subscription goes on, from its next period on.
pub struct RenewSubscription {
    pub subscription: SubscriptionId,
    pub days_until_due: u32,
    pub automatic_tax: bool,
    /// `None` leaves it as it is; an end that is not wanted any more is taken away.
    pub ends_at: Option<End>,
    pub items: Vec<ChangedItem>,
    pub metadata: BTreeMap<String, String>,
}

pub enum End {
    At(Timestamp),
    Never,
}

pub enum ChangedItem {
    Kept(SubscriptionItemId, NewItem),
    Added(NewItem),
    Dropped(SubscriptionItemId),
}

impl Write {
    /// Nothing is prorated and nothing billed at once: the next invoice that it makes by itself is the first of it.
    pub fn renew_subscription(params: &RenewSubscription) -> Self {
        let item = |item: &NewItem| json!({ "price": item.price.as_str(), "quantity": item.quantity, "metadata": item.metadata });
        let items = params.items.iter().map(|change| match change {
            ChangedItem::Kept(id, kept) => {
                let mut kept = item(kept);
                kept["id"] = id.as_str().into();
                kept
            }
            ChangedItem::Added(added) => item(added),
            ChangedItem::Dropped(id) => json!({ "id": id.as_str(), "deleted": true }),
        });
        let cancel_at = params.ends_at.as_ref().map(|end| match end {
            End::At(at) => json!(at.as_second()),
            End::Never => json!(""),
        });
        let body = json!({
            "items": items.collect::<Vec<_>>(),
            "cancel_at": cancel_at,
            "proration_behavior": "none",
            "days_until_due": params.days_until_due,
            "automatic_tax": { "enabled": params.automatic_tax },
            "metadata": params.metadata,
        });
        Self::new(Operation::RenewSubscription, format!("/v1/subscriptions/{}", params.subscription), &body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renewal(ends_at: Option<End>) -> String {
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
        let write = Write::renew_subscription(&RenewSubscription {
            subscription,
            days_until_due: 30,
            automatic_tax: true,
            ends_at,
            items,
            metadata,
        });
        assert_eq!((write.operation, write.path.as_str()), (Operation::RenewSubscription, "/v1/subscriptions/sub_1"));
        let pairs = form_urlencoded::parse(write.body.as_bytes());
        pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }

    /// docs.stripe.com/api/subscriptions/update: an item with its id is changed, one that is deleted goes, any other is added.
    #[test]
    fn items_are_kept_added_and_dropped_and_nothing_is_prorated() {
        let items = "items[0][price]=price_1 items[0][quantity]=2 items[0][metadata][sf_line_id]=00k1 items[0][id]=si_1 \
                     items[1][price]=price_2 items[1][quantity]=2 items[1][metadata][sf_line_id]=00k1 \
                     items[2][id]=si_2 items[2][deleted]=true";
        let rest = "proration_behavior=none days_until_due=30 automatic_tax[enabled]=true metadata[sf_renewal_opportunity_id]=006";
        assert_eq!(renewal(None), format!("{items} {rest}"));
        let at = Timestamp::from_second(1_900_000_000).expect("in range");
        assert_eq!(renewal(Some(End::At(at))), format!("{items} cancel_at=1900000000 {rest}"));
        assert_eq!(renewal(Some(End::Never)), format!("{items} cancel_at= {rest}"));
    }
}
