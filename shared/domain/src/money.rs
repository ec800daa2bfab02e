//! Money is a whole number of minor units with its currency. There is no other money in the workspace, and no float.

use std::fmt;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

/// Currencies that Stripe bills without decimals. Stripe's list, not ISO's: they differ (MGA has two in ISO).
/// Source: docs.stripe.com/currencies.
const ZERO_DECIMAL: [&str; 15] =
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"];

/// Currencies that Stripe bills in thousandths; the last digit must be 0. Source: docs.stripe.com/currencies.
const THREE_DECIMAL: [&str; 5] = ["BHD", "JOD", "KWD", "OMR", "TND"];

/// Logically without decimals, but passed with two that must be `00`, for backwards compatibility.
/// Source: docs.stripe.com/currencies, "special cases".
const TWO_DECIMAL_WHOLE_UNITS: [&str; 2] = ["ISK", "UGX"];

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a currency is a three-letter ISO 4217 code")]
pub struct CurrencyError;

/// An ISO 4217 currency, upper case as Salesforce writes it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    pub fn parse(text: &str) -> Result<Self, CurrencyError> {
        let upper = text.to_ascii_uppercase();
        let code: [u8; 3] = upper.as_bytes().try_into().map_err(|_| CurrencyError)?;
        iso_currency::Currency::from_code(&upper).ok_or(CurrencyError)?;
        Ok(Self(code))
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("parse admits ASCII letters only")
    }

    /// How Stripe writes it.
    pub fn to_stripe(self) -> String {
        self.as_str().to_ascii_lowercase()
    }

    /// How many decimals of the major unit one minor unit is, by Stripe's rules.
    pub fn exponent(self) -> u32 {
        let code = self.as_str();
        if ZERO_DECIMAL.contains(&code) {
            0
        } else if THREE_DECIMAL.contains(&code) {
            3
        } else {
            2
        }
    }

    /// The smallest number of minor units that amounts must be a multiple of.
    pub fn step(self) -> i64 {
        let code = self.as_str();
        if THREE_DECIMAL.contains(&code) {
            10
        } else if TWO_DECIMAL_WHOLE_UNITS.contains(&code) {
            100
        } else {
            1
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for Currency {
    type Error = CurrencyError;

    fn try_from(text: String) -> Result<Self, CurrencyError> {
        Self::parse(&text)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> String {
        currency.as_str().to_owned()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("{amount} {currency} cannot be billed exactly: {currency} amounts are multiples of {smallest}")]
    NotRepresentable { amount: Decimal, currency: Currency, smallest: Decimal },
    #[error("{amount} {currency} is too large to bill")]
    TooLarge { amount: Decimal, currency: Currency },
    #[error("amounts in {0} and {1} cannot be added")]
    CurrencyMismatch(Currency, Currency),
}

/// Stripe takes at most eight digits of minor units for a charge, twelve for an invoice in a few currencies; anything
/// above this is a typing mistake, and refusing it keeps every sum far away from overflow.
const LARGEST_MINOR_UNITS: i64 = 999_999_999_999;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    minor_units: i64,
    currency: Currency,
}

impl Money {
    pub const fn from_minor_units(minor_units: i64, currency: Currency) -> Self {
        Self { minor_units, currency }
    }

    /// From an amount in major units, as Salesforce holds it. Never rounds: what cannot be billed exactly is an error.
    pub fn from_major_units(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let too_large = || MoneyError::TooLarge { amount, currency };
        let scale = Decimal::from(10i64.pow(currency.exponent()));
        let scaled = amount.checked_mul(scale).ok_or_else(too_large)?.normalize();
        let step = Decimal::from(currency.step());
        if !(scaled / step).fract().is_zero() {
            return Err(MoneyError::NotRepresentable { amount, currency, smallest: (step / scale).normalize() });
        }
        let minor_units = scaled.to_i64().ok_or_else(too_large)?;
        if minor_units.abs() > LARGEST_MINOR_UNITS {
            return Err(too_large());
        }
        Ok(Self { minor_units, currency })
    }

    pub const fn minor_units(self) -> i64 {
        self.minor_units
    }

    pub const fn currency(self) -> Currency {
        self.currency
    }

    pub fn to_major_units(self) -> Decimal {
        Decimal::new(self.minor_units, self.currency.exponent())
    }

    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch(self.currency, other.currency));
        }
        let minor_units = self
            .minor_units
            .checked_add(other.minor_units)
            .ok_or(MoneyError::TooLarge { amount: self.to_major_units(), currency: self.currency })?;
        Ok(Self { minor_units, currency: self.currency })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_major_units(), self.currency)
    }
}

#[cfg(test)]
mod tests;
