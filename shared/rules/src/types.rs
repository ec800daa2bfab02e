//! What an expression can be made of.

use std::fmt;

/// What a field holds, or an expression comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// Nothing: what `null` is, and what fits wherever a field may be empty.
    Null,
    Text,
    Number,
    Boolean,
    Date,
    DateTime,
    /// What `days(n)` is: it is added to a date, and is nothing by itself.
    Days,
    /// A field nobody knows the type of. It takes that of its value.
    Any,
    List(Box<Type>),
    Record(Origin),
}

/// Which record it is: the one of a variable, or one that a relationship leads to from there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// As the expression's scope names it.
    pub variable: String,
    /// `None` where nobody knows what the relationship leads to.
    pub object: Option<String>,
    /// Where its fields stand in the variable's record: empty, or a path that ends in a dot.
    pub prefix: String,
    /// How many relationships lead there.
    pub(crate) steps: usize,
    /// Where its fields stand seen from the variable: what is told as its path.
    pub(crate) told: String,
}

impl Type {
    pub(crate) fn list(of: Type) -> Self {
        Self::List(Box::new(of))
    }

    /// Whether it is one value, as a field holds it.
    pub(crate) fn is_value(&self) -> bool {
        !matches!(self, Self::Days | Self::List(_) | Self::Record(_))
    }

    /// The type that has both, where one of them says less than the other.
    pub(crate) fn with(&self, other: &Type) -> Option<Type> {
        match (self, other) {
            (one, other) if one == other => Some(one.clone()),
            (Self::Null, other) | (other, Self::Null) => Some(other.clone()),
            (Self::Any, other) | (other, Self::Any) if other.is_value() => Some(other.clone()),
            (Self::List(one), Self::List(other)) => one.with(other).map(Type::list),
            _ => None,
        }
    }
}

/// As part of a sentence: "a text".
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "nothing",
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::Date => "a date",
            Self::DateTime => "a date with a time",
            Self::Days => "a number of days",
            Self::Any => "a field of unknown type",
            Self::List(of) => match **of {
                Self::Record(_) => "a list of records",
                Self::Text => "a list of texts",
                Self::Number => "a list of numbers",
                Self::Boolean => "a list of true and false",
                Self::Date => "a list of dates",
                Self::DateTime => "a list of dates with a time",
                _ => "a list",
            },
            Self::Record(_) => "a record",
        })
    }
}
