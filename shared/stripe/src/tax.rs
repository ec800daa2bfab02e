//! What of an invoice is tax.

use serde::Deserialize;

/// What of the invoice is tax, whoever calculated it. Minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tax {
    /// Added to the subtotal.
    pub on_top: i64,
    /// Part of the subtotal.
    pub inside: i64,
    /// How far Stripe's automatic tax has come, where it is on.
    pub status: Option<TaxStatus>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaxStatus {
    Complete,
    RequiresLocationInputs,
    Failed,
    /// A status that Stripe added later.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
pub(crate) struct AutomaticTax {
    enabled: bool,
    status: Option<TaxStatus>,
}

#[derive(Deserialize)]
pub(crate) struct TotalTax {
    amount: i64,
    tax_behavior: TaxIs,
}

#[derive(PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TaxIs {
    Exclusive,
    Inclusive,
}

impl Tax {
    /// A total without the tax that was added to it.
    pub fn without_added(self, total: i64) -> i64 {
        total - self.on_top
    }

    pub(crate) fn of(automatic: Option<&AutomaticTax>, sums: &[TotalTax]) -> Self {
        let sum = |is: TaxIs| sums.iter().filter(|tax| tax.tax_behavior == is).map(|tax| tax.amount).sum();
        let status = automatic.filter(|tax| tax.enabled).and_then(|tax| tax.status);
        Self { on_top: sum(TaxIs::Exclusive), inside: sum(TaxIs::Inclusive), status }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_added_tax_is_taken_off() {
        assert_eq!(Tax { on_top: 190, inside: 7, status: None }.without_added(1190), 1000);
    }

    #[test]
    fn tax_is_what_was_added_and_what_was_inside() {
        let tax = |automatic: &str, sums: &str| {
            let automatic: Option<AutomaticTax> = serde_json::from_str(automatic).expect("JSON");
            let sums: Vec<TotalTax> = serde_json::from_str(sums).expect("JSON");
            Tax::of(automatic.as_ref(), &sums)
        };
        let both = r#"[{ "amount": 190, "tax_behavior": "exclusive" }, { "amount": 16, "tax_behavior": "inclusive" },
                       { "amount": 5, "tax_behavior": "exclusive" }]"#;
        let complete = Some(TaxStatus::Complete);
        for (automatic, sums, expected) in [
            (r#"{ "enabled": true, "status": "complete" }"#, both, Tax { on_top: 195, inside: 16, status: complete }),
            (r#"{ "enabled": false, "status": null }"#, both, Tax { on_top: 195, inside: 16, status: None }),
            // Switched off, and what it said before is still there.
            (r#"{ "enabled": false, "status": "complete" }"#, "[]", Tax::default()),
            ("null", "[]", Tax::default()),
        ] {
            assert_eq!(tax(automatic, sums), expected, "{automatic}");
        }
        for (status, expected) in [
            ("requires_location_inputs", TaxStatus::RequiresLocationInputs),
            ("failed", TaxStatus::Failed),
            ("thinking", TaxStatus::Other),
        ] {
            let automatic = format!(r#"{{ "enabled": true, "status": "{status}" }}"#);
            assert_eq!(tax(&automatic, "[]").status, Some(expected));
        }
    }
}
