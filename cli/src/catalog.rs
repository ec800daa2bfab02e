//! `closedwon catalog`: which Stripe price each product of the organization's is billed with, found once and kept in step.

mod codes;
mod compare;
mod drift;
mod evidence;
pub mod matching;
pub mod product;
mod words;

pub use drift::Drift;
pub use evidence::{Conflict, Evidence};
