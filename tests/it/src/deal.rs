//! A deal as sales would enter it, with its products priced at Stripe.

/// A line: a product at a list price, sold at another price or not.
#[derive(Debug, Clone)]
pub struct Line {
    pub product: String,
    /// In minor units: what the product's price at Stripe says.
    pub stripe_minor_units: i64,
    /// In major units, as Salesforce has it.
    pub list_price: String,
    pub unit_price: String,
    pub quantity: String,
}

#[derive(Debug, Clone)]
pub struct Deal {
    pub account: String,
    pub email: Option<String>,
    pub country: String,
    pub currency: String,
    pub lines: Vec<Line>,
}

impl Deal {
    /// Lines at list price: 10.00, 20.00, 30.00 … in whole units of the currency.
    pub fn with_lines(count: i64, currency: &str) -> Self {
        let minor = match currency {
            "JPY" => 1,
            "KWD" => 1000,
            _ => 100,
        };
        let lines = (1..=count)
            .map(|position| Line {
                product: format!("Product {position:03}"),
                stripe_minor_units: position * 10 * minor,
                list_price: (position * 10).to_string(),
                unit_price: (position * 10).to_string(),
                quantity: (1 + position % 3).to_string(),
            })
            .collect();
        Self {
            account: "Acme".into(),
            email: Some("ap@acme.example".into()),
            country: "United States".into(),
            currency: currency.into(),
            lines,
        }
    }

    pub fn three_lines() -> Self {
        Self::with_lines(3, "USD")
    }

    /// One product at a negotiated price.
    pub fn negotiated(list_price: &str, stripe_minor_units: i64, unit_price: &str, quantity: &str) -> Self {
        let line = Line {
            product: "Negotiated".into(),
            stripe_minor_units,
            list_price: list_price.into(),
            unit_price: unit_price.into(),
            quantity: quantity.into(),
        };
        Self { lines: vec![line], ..Self::three_lines() }
    }
}
