//! All stories, in one binary.

#![allow(clippy::unwrap_used, reason = "a story that cannot be told has failed")]

mod amendments;
mod architecture;
mod books;
mod budget;
mod canary;
mod cases;
mod checked;
mod collections;
mod configured;
mod crashes;
mod credits;
mod customers;
mod doors;
mod explain;
mod failures;
mod invoices;
mod lost_answers;
mod notifications;
mod operator;
mod payment;
mod people;
mod posts;
mod races;
mod reconcile;
mod refusals;
mod sources;
mod subscriptions;
mod taxes;
mod wire;
mod won;
