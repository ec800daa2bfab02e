//! What the runs answer alike that look after something of Stripe's for as long as it lives: each is at a point that ends as done or is
//! stopped, and remembers what it watches.

/// Within `impl Point`, where `Done { watch }` and `Stopped { watch, stop, reported }` are the ends.
macro_rules! watched {
    () => {
        /// A stop that was reported before, for the same cause, is not reported again.
        pub(crate) fn already_said(self, parked: Option<&Stop>) -> Self {
            match self {
                Self::Stopped { watch, stop, reported } => {
                    Self::Stopped { reported: reported || parked == Some(&stop), watch, stop }
                }
                point => point,
            }
        }

        pub fn status(&self) -> Status {
            match self {
                Self::Done { .. } => Status::Done,
                Self::Stopped { stop, reported: true, .. } if stop.kind == Kind::NotBillable => Status::Rejected,
                Self::Stopped { reported: true, .. } => Status::Review,
                _ => Status::Open,
            }
        }

        pub fn stop(&self) -> Option<&Stop> {
            match self {
                Self::Stopped { stop, .. } => Some(stop),
                _ => None,
            }
        }
    };
}

pub(crate) use watched;
