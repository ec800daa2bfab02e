//! x
mod difference;
mod statement;
mod truth;
pub use difference::Cause;
