//! All stories, in one binary.

#![allow(clippy::unwrap_used, reason = "a story that cannot be told has failed")]

mod amendments;
mod architecture;
mod books;
mod budget;
mod canary;
mod cases;
mod catalog;
mod checked;
mod collections;
mod configured;
mod crashes;
mod credits;
mod customers;
mod doctor;
mod doors;
mod explain;
mod failures;
mod invoices;
mod lost_answers;
mod notifications;
mod operator;
mod organizations;
mod payment;
mod people;
mod posts;
mod preview;
mod races;
mod recipes;
mod reconcile;
mod refusals;
mod ruled;
mod setup;
mod sources;
mod subscriptions;
mod taxes;
mod wire;
mod won;
