//! What speaks for a price and what speaks against it, in words, and how much each weighs.

use std::fmt;

use domain::{PriceId, Product2Id};
use stripe::Recurrence;

use super::product::{Billed, Cost};

/// Whose metadata it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    Price,
    Product,
}

/// What speaks for a price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    NamedById(Where),
    LookupKeyIsId,
    LookupKeyIsCode(String),
    LookupKeyBegins(String),
    CodeInMetadata {
        on: Where,
        key: String,
        code: String,
    },
    ProductIdIsCode(String),
    CodeInName(String),
    /// The price that is set is of the same product.
    OfSameProduct,
    Name {
        percent: u32,
        theirs: String,
    },
    Amount(Cost),
    AmountInOtherCurrency(Cost),
    AmountInOtherBook(Cost),
    Interval(Billed),
    IntervalInName(Billed),
}

/// What speaks against it, or has to be settled by a person first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conflict {
    AmountDiffers {
        ours: Cost,
        theirs: Cost,
    },
    /// It is in tiers, by usage, of packages, or of the payer's choice.
    AmountUnsaid,
    NotSoldIn(Cost),
    IntervalDiffers {
        ours: Billed,
        theirs: Recurrence,
    },
    CodeDiffers {
        on: Where,
        ours: String,
        theirs: String,
    },
    /// A code of another product of Salesforce's stands on it.
    CodeOfAnother {
        on: Where,
        code: String,
    },
    NamesAnotherProduct,
    TiersDiffer {
        theirs: String,
    },
    SharedCode {
        code: String,
        with: Product2Id,
    },
    TwoCandidates(PriceId),
    /// Another product has about as good a claim.
    AlsoClaimedBy(Product2Id),
    /// Another product has it already.
    AlreadyOf(Product2Id),
}

/// How far a price is known by itself, whatever it costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    Nothing,
    /// The code is written on it or on its product.
    Code,
    /// The price itself is named.
    Exact,
}

/// So near is a list price that was raised, or a price that was not raised with it: of a hundred.
pub const NEAR: i64 = 30;

impl Evidence {
    pub fn key(&self) -> Key {
        match self {
            Self::NamedById(Where::Price) | Self::LookupKeyIsId | Self::LookupKeyIsCode(_) => Key::Exact,
            Self::NamedById(Where::Product)
            | Self::LookupKeyBegins(_)
            | Self::CodeInMetadata { .. }
            | Self::ProductIdIsCode(_) => Key::Code,
            _ => Key::Nothing,
        }
    }

    /// The code that it rests on.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::LookupKeyIsCode(code)
            | Self::LookupKeyBegins(code)
            | Self::CodeInMetadata { code, .. }
            | Self::ProductIdIsCode(code)
            | Self::CodeInName(code) => Some(code),
            _ => None,
        }
    }

    /// Of what names the price or its product only the best counts, since it is the same thing said twice.
    pub fn is_naming(&self) -> bool {
        self.key() != Key::Nothing || matches!(self, Self::CodeInName(_) | Self::OfSameProduct)
    }

    pub fn points(&self) -> i32 {
        match self {
            Self::NamedById(Where::Price) | Self::LookupKeyIsId | Self::LookupKeyIsCode(_) => 60,
            Self::NamedById(Where::Product)
            | Self::LookupKeyBegins(_)
            | Self::CodeInMetadata { .. }
            | Self::ProductIdIsCode(_) => 45,
            Self::CodeInName(_) | Self::OfSameProduct => 35,
            Self::Name { percent, .. } => i32::try_from(*percent * 40 / 100).unwrap_or(40),
            Self::Amount(_) => 30,
            Self::AmountInOtherBook(_) => 22,
            Self::Interval(_) => 15,
            Self::IntervalInName(_) => 6,
            Self::AmountInOtherCurrency(_) => 4,
        }
    }
}

impl Conflict {
    pub fn points(&self) -> i32 {
        match self {
            // What was raised on one side only is still the same price.
            Self::AmountDiffers { ours, theirs } if is_near(ours, theirs) => 10,
            Self::AmountDiffers { .. } => -12,
            Self::AmountUnsaid => -10,
            Self::NotSoldIn(_) => -20,
            Self::IntervalDiffers { .. } => -30,
            // What is sold by the month and by the year is one product at Stripe, which has the code of one of them.
            Self::CodeDiffers { on: Where::Product, .. } | Self::CodeOfAnother { on: Where::Product, .. } => -20,
            Self::CodeDiffers { .. } | Self::CodeOfAnother { .. } | Self::NamesAnotherProduct => -40,
            Self::TiersDiffer { .. } => -25,
            Self::SharedCode { .. } | Self::TwoCandidates(_) | Self::AlsoClaimedBy(_) | Self::AlreadyOf(_) => 0,
        }
    }
}

fn is_near(ours: &Cost, theirs: &Cost) -> bool {
    let difference = (ours.unit_amount - theirs.unit_amount).abs();
    let near = ours.unit_amount.abs().checked_mul(NEAR.into());
    ours.currency == theirs.currency
        && difference.checked_mul(100.into()).zip(near).is_some_and(|(difference, near)| difference <= near)
}

impl Billed {
    pub fn of(recurrence: Recurrence) -> Option<Self> {
        match recurrence {
            Recurrence::Once => Some(Self::Once),
            Recurrence::Months(months) => Some(Self::Months(months)),
            Recurrence::Other => None,
        }
    }
}

impl fmt::Display for Billed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Once => f.write_str("once"),
            Self::Months(1) => f.write_str("every month"),
            Self::Months(12) => f.write_str("every year"),
            Self::Months(months) => write!(f, "every {months} months"),
            Self::Unsaid => f.write_str("as the quote says"),
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NamedById(Where::Price) => f.write_str("the price's metadata name this product by its id"),
            Self::NamedById(Where::Product) => {
                f.write_str("the metadata of the price's product name this product by its id")
            }
            Self::LookupKeyIsId => f.write_str("the lookup key names this product by its id"),
            Self::LookupKeyIsCode(code) => write!(f, "the lookup key is the code {code}"),
            Self::LookupKeyBegins(code) => write!(f, "the lookup key begins with the code {code}"),
            Self::CodeInMetadata { on: Where::Price, key, code } => {
                write!(f, "the price's metadata have the code {code} ({key})")
            }
            Self::CodeInMetadata { on: Where::Product, key, code } => {
                write!(f, "the metadata of the price's product have the code {code} ({key})")
            }
            Self::ProductIdIsCode(code) => write!(f, "the id of the price's product is the code {code}"),
            Self::CodeInName(code) => write!(f, "the name at Stripe has the code {code} in it"),
            Self::OfSameProduct => f.write_str("it is a price of the same Stripe product as the one that is set"),
            Self::Name { percent: 100, theirs } => write!(f, "the names have the same words: {theirs}"),
            Self::Name { percent, theirs } => write!(f, "the names are alike by {percent} of 100: {theirs}"),
            Self::Amount(cost) => write!(f, "it costs the list price, {cost}"),
            Self::AmountInOtherCurrency(cost) => write!(f, "it costs the list price in another currency, {cost}"),
            Self::AmountInOtherBook(cost) => write!(f, "it costs what another price book says, {cost}"),
            Self::Interval(billed) => write!(f, "it is billed {billed}, as the product is"),
            Self::IntervalInName(billed) => write!(f, "it is billed {billed}, as the product's name says"),
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AmountDiffers { ours, theirs } => write!(f, "the list price is {ours}, and it costs {theirs}"),
            Self::AmountUnsaid => {
                f.write_str("it has no amount for one: it is in tiers, by usage, of packages or of the payer's choice")
            }
            Self::NotSoldIn(theirs) => {
                write!(f, "it costs {theirs}, and the product has no list price in that currency")
            }
            Self::IntervalDiffers { ours, theirs } => match Billed::of(*theirs) {
                Some(theirs) => write!(f, "the product is billed {ours}, and the price {theirs}"),
                None => write!(f, "the product is billed {ours}, and the price by the day or the week"),
            },
            Self::CodeDiffers { ours, theirs, .. } => {
                write!(f, "the product's code is {ours}, and the one at Stripe {theirs}")
            }
            Self::CodeOfAnother { code, .. } => write!(f, "it has the code {code}, which is another product's"),
            Self::NamesAnotherProduct => f.write_str("its metadata name another product of Salesforce's by its id"),
            Self::TiersDiffer { theirs } => {
                write!(f, "the names tell different tiers, sizes or versions; at Stripe it is {theirs}")
            }
            Self::SharedCode { code, with } => write!(f, "the code {code} is that of product {with} too"),
            Self::TwoCandidates(other) => write!(f, "{other} is about as good"),
            Self::AlsoClaimedBy(other) => write!(f, "product {other} has about as good a claim to it"),
            Self::AlreadyOf(other) => write!(f, "product {other} has it already"),
        }
    }
}
