#![doc = include_str!("../README.md")]

mod backlog;
mod check;
mod deals;
mod drained;
mod given_back;
mod plan;
#[cfg(test)]
mod tests;

pub use backlog::drain;
pub use drained::Drained;
pub use plan::Plan;
