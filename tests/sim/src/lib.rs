#![doc = include_str!("../README.md")]
#![allow(clippy::result_large_err, reason = "the errors are the clients' own, and the models answer in their words")]

pub mod crashes;
pub mod drain;
pub mod executor;
pub mod faults;
pub mod guards;
pub mod invariants;
pub mod limits;
pub mod many;
pub mod matrix;
pub mod model;
pub mod naive;
pub mod operator;
pub mod options;
pub mod orders;
pub mod ports;
pub mod queue;
pub mod random;
pub mod reconciler;
pub mod rumours;
pub mod run;
pub mod scenario;
pub mod table;
pub mod trace;
pub mod worker;
pub mod world;

#[cfg(test)]
mod tests;
