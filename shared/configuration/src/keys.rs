//! Every key that the file may have: its type, its default, and what it decides. What is read, checked and documented is this table.

mod after;
mod decisions;
mod reading;
mod selling;

use after::{CHANGES, FAILURES, NOTIFICATIONS, OWNERS, PACING, PAYMENTS, SUBSCRIPTIONS};
pub(crate) use decisions::ALL as ALL_RULES;
use mapping::LineField;
use reading::{CUSTOMER, DEAL, LINE};
use selling::{CURRENCIES, TAX, TERMS, WON};

/// A table of the file.
#[derive(Debug)]
pub(crate) struct Section {
    pub name: &'static str,
    pub says: &'static str,
    pub keys: &'static [Key],
}

#[derive(Debug)]
pub(crate) struct Key {
    pub name: &'static str,
    pub kind: Kind,
    /// As the file would say it.
    pub default: &'static str,
    pub says: &'static str,
    /// As somebody may write it, where the default is no example.
    pub example: &'static str,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Flag,
    Whole {
        least: i64,
        most: i64,
        unit: &'static str,
    },
    /// One of these words, each with what it means.
    Choice(&'static [(&'static str, &'static str)]),
    /// Any of them, as a list.
    Choices(&'static [(&'static str, &'static str)]),
    /// Without an empty one.
    Text {
        most: usize,
    },
    /// At least one, no two of them alike.
    Texts {
        most: usize,
    },
    /// A whole number, or an expression that comes to one for each deal.
    WholeOrExpression {
        least: i64,
        most: i64,
        unit: &'static str,
    },
    /// From 0 to below 100, with or without a point, or an expression that comes to that.
    PercentOrExpression,
    /// An expression that is true or false.
    Condition(Of),
    /// An expression that is read in place of this field.
    Reads {
        of: Of,
        value: Reads,
        field: Field,
    },
    /// One rule after the other.
    Rules(&'static Asks),
    Currency,
    /// Fields that each name a user, in their order.
    Users,
    /// Of a queue of Salesforce's, or nothing.
    QueueId,
}

/// What rules are about.
#[derive(Debug)]
pub(crate) struct Asks {
    pub section: &'static str,
    /// As people say it: "a deal".
    pub what: &'static str,
    pub of: Of,
    pub decisions: &'static [Key],
    /// Those after which nothing else is decided.
    pub ends: &'static [&'static str],
}

/// Which variables an expression has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    Account,
    Opportunity,
    Deal,
    Line,
    /// A payment that failed.
    Failure,
    /// An invoice that is paid whole.
    Payment,
    /// Something that people are told.
    News,
}

impl Of {
    /// Whether it is asked of what a deal is, and not of what became of it.
    pub const fn is_planned(self) -> bool {
        matches!(self, Self::Account | Self::Opportunity | Self::Deal | Self::Line)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    Text,
    Number,
    Date,
}

/// What the product reads.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Field {
    Account(&'static str),
    Opportunity(&'static str),
    Line(LineField),
}

pub(crate) const VERSION: i64 = 1;

/// What Salesforce keeps of a picklist's value.
const LABEL: usize = 255;

pub(crate) const SECTIONS: &[Section] = &[
    CURRENCIES,
    WON,
    DEAL,
    LINE,
    CUSTOMER,
    TERMS,
    TAX,
    SUBSCRIPTIONS,
    CHANGES,
    OWNERS,
    PAYMENTS,
    FAILURES,
    NOTIFICATIONS,
    PACING,
];

/// Each key with its section's name.
pub(crate) fn all_keys() -> impl Iterator<Item = (&'static str, &'static Key)> {
    SECTIONS.iter().flat_map(|section| section.keys.iter().map(move |key| (section.name, key)))
}
