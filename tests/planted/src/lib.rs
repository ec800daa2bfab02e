#![doc = include_str!("../README.md")]

mod table;

use std::cell::Cell;

pub use table::{Bug, Place};

#[cfg(not(debug_assertions))]
compile_error!("planted bugs are for the simulation; a release must not carry them");

thread_local! {
    static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
}

/// From now on, this thread's code makes this mistake, and no other.
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

/// Whether this mistake is to be made.
pub fn is(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

pub fn planted() -> Option<Bug> {
    PLANTED.get()
}
