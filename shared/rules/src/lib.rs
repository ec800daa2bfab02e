#![doc = include_str!("../README.md")]

mod check;
mod evaluate;
mod expression;
mod node;
mod parse;
mod problem;
mod read;
mod schema;
mod scope;
mod types;
mod value;

pub use expression::{Expression, FieldRead};
pub use parse::THOUSANDS;
pub use problem::{Problem, Weight};
pub use schema::{Described, FAILED_INVOICE, PAID_INVOICE, Schema};
pub use scope::Scope;
pub use types::{Origin, Type};
pub use value::{Inputs, Undecided, Value};

#[cfg(test)]
mod tests;
