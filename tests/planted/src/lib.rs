#![doc = include_str!("../README.md")]

mod table;

use std::cell::Cell;

pub use table::{Bug, Place};

#[cfg(not(debug_assertions))]
compile_error!("planted bugs are for the simulation; a release must not carry them");

// Each has a bit.
const _: () = assert!(Bug::ALL.len() <= 128);

thread_local! {
    static PLANTED: Cell<u128> = const { Cell::new(0) };
}

/// From now on, this thread's code makes these mistakes, and no others.
pub fn plant(bugs: &[Bug]) {
    PLANTED.set(bugs.iter().fold(0, |planted, bug| planted | bit(*bug)));
}

/// Whether this mistake is to be made.
pub fn is(bug: Bug) -> bool {
    PLANTED.get() & bit(bug) != 0
}

fn bit(bug: Bug) -> u128 {
    1 << bug as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_planted_is_there_and_nothing_else() {
        assert!(Bug::ALL.iter().all(|bug| !is(*bug)));
        plant(&[Bug::NoFence, Bug::Naive]);
        let there: Vec<_> = Bug::ALL.iter().copied().filter(|bug| is(*bug)).collect();
        assert_eq!(there, [Bug::NoFence, Bug::Naive]);
        std::thread::spawn(|| assert!(!is(Bug::NoFence))).join().expect("another thread plants for itself");
        plant(&[]);
        assert!(!is(Bug::NoFence));
    }
}
