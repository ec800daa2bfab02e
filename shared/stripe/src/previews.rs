//! What a change of a subscription would be billed by at once. Nothing is changed by asking.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Currency, CurrencyError, PriceId, SubscriptionId};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::Error;
use crate::lines::PricingWire;
use crate::objects::{List, Seconds};
use crate::reads::unreadable;
use crate::tax::{Tax, TotalTax};
use crate::{ChangedItem, Client, Price, RenewSubscription, form};

/// An invoice that does not exist. Minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    pub currency: Currency,
    pub total: i64,
    pub tax: Tax,
    pub lines: Vec<PreviewLine>,
    /// There is no list to read the rest of the lines from.
    pub has_more_lines: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewLine {
    pub amount: i64,
    pub price: Option<PriceId>,
    /// The subscription that it is a proration of.
    pub prorates: Option<SubscriptionId>,
    pub metadata: BTreeMap<String, String>,
    pub period_start: Timestamp,
    pub period_end: Timestamp,
}

impl Client {
    /// The invoice that the change would be billed by at once: docs.stripe.com, api/invoices/create_preview.
    pub async fn preview_renewal(&self, renewal: &RenewSubscription) -> Result<Preview, Error> {
        self.preview_renewal_with(renewal, &[]).await
    }

    /// The same where these prices are not made yet: their terms are told in their place, and the lines of the answer name them.
    pub async fn preview_renewal_with(&self, renewal: &RenewSubscription, unmade: &[Price]) -> Result<Preview, Error> {
        let mut params = preview_params(renewal);
        told_by_terms(&mut params, unmade);
        let wire: PreviewWire = self.ask("/v1/invoices/create_preview", form::encode(&params)).await?;
        let named = renewal.items.iter().filter_map(ChangedItem::price).collect();
        Preview::try_from(wire.naming(unmade, &named)).map_err(unreadable)
    }
}

/// `price_data` in the place of the price: docs.stripe.com, api/invoices/create_preview, `subscription_details.items`.
fn told_by_terms(params: &mut Value, unmade: &[Price]) {
    let items = params["subscription_details"]["items"].as_array_mut();
    for item in items.into_iter().flatten().filter_map(Value::as_object_mut) {
        let is_meant = |price: &&Price| item.get("price").is_some_and(|named| named == price.id.as_str());
        if let Some(terms) = unmade.iter().find(is_meant).and_then(Price::terms) {
            item.shift_remove("price");
            item.insert("price_data".into(), terms);
        }
    }
}

#[cfg(test)]
pub(crate) fn preview_body(renewal: &RenewSubscription) -> String {
    form::encode(&preview_params(renewal))
}

fn preview_params(renewal: &RenewSubscription) -> Value {
    json!({
        "subscription": renewal.subscription.as_str(),
        "automatic_tax": renewal.automatic_tax(),
        "subscription_details": renewal.change(),
        "invoice_items": renewal.once(&json!(renewal.starts_at.as_second())),
    })
}

#[derive(Deserialize)]
struct PreviewWire {
    currency: String,
    total: i64,
    total_taxes: Option<Vec<TotalTax>>,
    lines: List<LineWire>,
}

#[derive(Deserialize)]
struct LineWire {
    amount: i64,
    pricing: Option<PricingWire>,
    parent: Option<ParentWire>,
    metadata: Option<BTreeMap<String, String>>,
    period: PeriodWire,
}

/// A proration is an item's, or an invoice item's that was made for one.
#[derive(Deserialize)]
struct ParentWire {
    subscription_item_details: Option<ProrationWire>,
    invoice_item_details: Option<ProrationWire>,
}

#[derive(Deserialize)]
struct ProrationWire {
    #[serde(default)]
    proration: bool,
    subscription: Option<SubscriptionId>,
}

#[derive(Deserialize)]
struct PeriodWire {
    start: Seconds,
    end: Seconds,
}

impl PreviewWire {
    /// Of terms, Stripe makes a price for the moment, under an id of its own. The one of the same product is meant.
    fn naming(mut self, unmade: &[Price], named: &BTreeSet<&PriceId>) -> Self {
        let mut left: Vec<_> = unmade.iter().filter(|price| named.contains(&price.id)).collect();
        for line in self.lines.data.iter_mut().filter(|line| line.amount > 0) {
            let Some(pricing) = &mut line.pricing else { continue };
            let is_strange = pricing.price().is_some_and(|price| !named.contains(&price));
            let is_its = |price: &&Price| price.product.is_some() && price.product == pricing.product();
            if let Some(index) = left.iter().position(is_its).filter(|_| is_strange) {
                pricing.rename(&left.remove(index).id);
            }
        }
        self
    }
}

impl TryFrom<PreviewWire> for Preview {
    type Error = CurrencyError;

    fn try_from(wire: PreviewWire) -> Result<Self, Self::Error> {
        Ok(Self {
            currency: Currency::parse(&wire.currency)?,
            total: wire.total,
            tax: Tax::of(None, wire.total_taxes.as_deref().unwrap_or_default()),
            lines: wire.lines.data.into_iter().map(PreviewLine::from).collect(),
            has_more_lines: wire.lines.has_more,
        })
    }
}

impl From<LineWire> for PreviewLine {
    fn from(wire: LineWire) -> Self {
        let parent = wire.parent.and_then(|parent| parent.subscription_item_details.or(parent.invoice_item_details));
        Self {
            amount: wire.amount,
            price: wire.pricing.and_then(PricingWire::into_price),
            prorates: parent.filter(|parent| parent.proration).and_then(|parent| parent.subscription),
            metadata: wire.metadata.unwrap_or_default(),
            period_start: wire.period.start.0,
            period_end: wire.period.end.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::renewals::tests::renewal_of;
    use crate::{End, Prorated};

    /// The same change as is asked for, to the letter: what is previewed is what is billed.
    #[test]
    fn a_preview_is_told_the_change() {
        let at = Timestamp::from_second(1_900_000_000).expect("in range");
        let renewal = renewal_of(Some(End::At(at)), Some(Prorated { at, is_invoiced: true }));
        let body = preview_body(&renewal);
        let pairs: Vec<_> =
            form_urlencoded::parse(body.as_bytes()).map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(pairs[..2], ["subscription=sub_1", "automatic_tax[enabled]=true"]);
        let written = crate::Write::renew_subscription(&renewal).body;
        let written: Vec<_> = form_urlencoded::parse(written.as_bytes()).into_owned().collect();
        let of_change = |name: &str| {
            ["items", "cancel_at", "proration", "add_invoice_items"].iter().any(|prefix| name.starts_with(prefix))
        };
        let expected =
            written.iter().filter(|(name, _)| of_change(name)).map(|(name, value)| match name.split_once('[') {
                // A moment is a number there.
                Some(("add_invoice_items", rest)) if rest.ends_with("[type]") => String::new(),
                Some(("add_invoice_items", rest)) => {
                    format!("invoice_items[{}={value}", rest.replace("[timestamp]", ""))
                }
                Some((name, rest)) => format!("subscription_details[{name}][{rest}={value}"),
                None => format!("subscription_details[{name}]={value}"),
            });
        assert_eq!(pairs[2..], expected.filter(|pair| !pair.is_empty()).collect::<Vec<_>>());
        assert!(pairs.iter().any(|pair| pair == "subscription_details[proration_date]=1900000000"));
    }

    /// The other items are told as before, and what is taken back is of a price that there is.
    #[test]
    fn a_price_that_is_not_made_yet_is_told_by_its_terms() {
        let renewal = renewal_of(None, None);
        let unmade = Price {
            id: PriceId::parse("price_2").expect("valid"),
            product: domain::ProductId::parse("prod_1").ok(),
            active: true,
            currency: Currency::parse("EUR").ok(),
            unit_amount: Some(rust_decimal::Decimal::new(12_345, 1)),
            recurrence: crate::Recurrence::Months(24),
            tax_behavior: crate::TaxBehavior::Exclusive,
            lookup_key: None,
        };
        let mut params = preview_params(&renewal);
        told_by_terms(&mut params, std::slice::from_ref(&unmade));
        let items = &params["subscription_details"]["items"];
        let terms = json!({ "currency": "eur", "product": "prod_1", "unit_amount_decimal": "1234.5",
                            "recurring": { "interval": "year", "interval_count": 2 }, "tax_behavior": "exclusive" });
        assert_eq!(
            (&items[0]["price"], &items[1]["price"], &items[1]["price_data"]),
            (&json!("price_1"), &Value::Null, &terms)
        );
        let line = |amount: i64, price: &str| {
            format!(
                r#"{{ "amount": {amount}, "pricing": {{ "price_details": {{ "price": "{price}", "product": "prod_1" }} }},
                     "period": {{ "start": 86400, "end": 172800 }} }}"#
            )
        };
        let lines = [line(-5, "price_0"), line(7, "price_tmp"), line(7, "price_1")].join(", ");
        let body = format!(
            r#"{{ "currency": "eur", "total": 9, "lines": {{ "object": "list", "data": [{lines}], "has_more": false }} }}"#
        );
        let wire: PreviewWire = serde_json::from_str(&body).expect("readable");
        let named = renewal.items.iter().filter_map(ChangedItem::price).collect();
        let preview = Preview::try_from(wire.naming(&[unmade], &named)).expect("a currency");
        let prices: Vec<_> = preview.lines.iter().filter_map(|line| line.price.as_ref()).map(PriceId::as_str).collect();
        assert_eq!(prices, ["price_0", "price_2", "price_1"]);
    }

    #[test]
    fn a_proration_is_told_from_what_comes_along() {
        let line = |parent: &str| {
            format!(
                r#"{{ "amount": -500, "pricing": {{ "price_details": {{ "price": "price_1", "product": "prod_1" }} }},
                     "parent": {parent}, "metadata": {{ "sf_line_id": "00k1" }}, "period": {{ "start": 86400, "end": 172800 }} }}"#
            )
        };
        let of_item = r#"{ "type": "subscription_item_details",
            "subscription_item_details": { "proration": true, "subscription": "sub_1", "subscription_item": "si_1" } }"#;
        let made_for = r#"{ "type": "invoice_item_details",
            "invoice_item_details": { "proration": true, "subscription": "sub_1", "invoice_item": "ii_1" } }"#;
        let by_hand = r#"{ "type": "invoice_item_details", "invoice_item_details": { "proration": false, "invoice_item": "ii_2" } }"#;
        let whole = r#"{ "type": "subscription_item_details",
            "subscription_item_details": { "proration": false, "subscription": "sub_1", "subscription_item": "si_1" } }"#;
        let lines: Vec<_> = [of_item, made_for, by_hand, whole, "null"].map(line).into();
        let body = format!(
            r#"{{ "id": "upcoming_in_1", "currency": "eur", "total": -2500,
                  "lines": {{ "object": "list", "data": [{}], "has_more": true }} }}"#,
            lines.join(", ")
        );
        let wire: PreviewWire = serde_json::from_str(&body).expect("readable");
        let preview = Preview::try_from(wire).expect("a currency");
        assert_eq!((preview.currency.as_str(), preview.total, preview.has_more_lines), ("EUR", -2500, true));
        let prorates: Vec<_> = preview.lines.iter().map(|line| line.prorates.is_some()).collect();
        assert_eq!(prorates, [true, true, false, false, false]);
        let first = &preview.lines[0];
        assert_eq!((first.amount, first.price.as_ref().map(PriceId::as_str)), (-500, Some("price_1")));
        assert_eq!(first.metadata.get("sf_line_id").map(String::as_str), Some("00k1"));
        assert_eq!((first.period_start.as_second(), first.period_end.as_second()), (86_400, 172_800));
    }
}
