//! The recurring prices that subscriptions are made of.

use super::*;

impl Stripe {
    pub(in super::super) fn create_price(&mut self, now: Timestamp, mut form: Form) -> Result<Answer, Failure> {
        let missing = |param: &str| Failure::malformed("parameter_missing", param);
        let product = form.take("product").and_then(|id| ProductId::parse(&id).ok());
        let product = product.ok_or_else(|| missing("product"))?;
        let currency = form.take("currency").and_then(|code| Currency::parse(&code).ok());
        let currency = currency.ok_or_else(|| missing("currency"))?;
        let unit_amount = form.take("unit_amount_decimal").and_then(|text| lines::decimal(&text));
        let unit_amount = unit_amount.ok_or_else(|| missing("unit_amount_decimal"))?;
        let count = form.take("recurring[interval_count]").and_then(|count| count.parse::<u32>().ok());
        let count = count.ok_or_else(|| missing("recurring[interval_count]"))?;
        let months = match form.take("recurring[interval]").as_deref() {
            Some("month") => count,
            Some("year") => count * 12,
            _ => return Err(missing("recurring[interval]")),
        };
        let lookup_key = form.take("lookup_key");
        let is_moved = form.take("transfer_lookup_key").as_deref() == Some("true");
        form.take_map("metadata");
        self.understood(now, &form, None)?;
        if !self.catalogue.has_product(&product) {
            return Err(Failure::no_such("product", product.as_str(), "product"));
        }
        for price in self.catalogue.prices.values_mut() {
            if lookup_key.is_some() && price.lookup_key == lookup_key {
                if !is_moved {
                    return Err(Failure::about("lookup_key", "A price already uses that lookup key."));
                }
                price.lookup_key = None;
                count_moved(&mut self.facts);
            }
        }
        let id = PriceId::parse(&self.next_id("price")).expect("a prefix and digits");
        let price = Price { product, currency, unit_amount, is_active: true, months: Some(months), lookup_key };
        self.catalogue.prices.insert(id.clone(), price.clone());
        Ok(Answer::Price(Box::new(shown_price(&id, &price))))
    }

    /// Those that there are of these.
    pub fn prices(&self, ids: &[PriceId]) -> Vec<stripe::Price> {
        ids.iter().filter_map(|id| Some(shown_price(id, self.catalogue.prices.get(id)?))).collect()
    }

    pub fn prices_by_lookup_key(&mut self, keys: &[String]) -> Vec<stripe::Price> {
        let has_one = |price: &Price| price.lookup_key.as_ref().is_some_and(|key| keys.contains(key));
        let found = self.catalogue.prices.iter().filter(|(_, price)| price.is_active && has_one(price));
        let found: Vec<_> = found.map(|(id, price)| shown_price(id, price)).collect();
        if !found.is_empty() {
            count(&mut self.facts, "a price that was made before was found");
        }
        found
    }
}

fn count_moved(facts: &mut crate::model::Facts) {
    count(facts, "a lookup key was moved");
}

pub(super) fn shown_price(id: &PriceId, price: &Price) -> stripe::Price {
    stripe::Price {
        id: id.clone(),
        product: Some(price.product.clone()),
        active: price.is_active,
        currency: Some(price.currency),
        unit_amount: Some(price.unit_amount.normalize()),
        recurrence: price.months.map_or(Recurrence::Once, Recurrence::Months),
        tax_behavior: TaxBehavior::Unspecified,
        lookup_key: price.lookup_key.clone(),
    }
}
