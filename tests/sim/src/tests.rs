//! The harness itself: it repeats itself, and it notices.

use crate::options::Mode;
use crate::run::{Plan, run};
