//! What came of `apply`.

use std::fmt;

use domain::{PriceId, Product2Id};
use serde::Serialize;

use super::plan::Left;
use super::report::Mode;
use crate::Exit;
use crate::paint::{Paint, Tone};

#[derive(Debug, Serialize)]
pub struct Outcome {
    pub mode: Mode,
    pub written: Vec<Written>,
    /// What waits for a person.
    pub left: Vec<Left>,
    /// Products that have their price, as they had before.
    pub in_step: usize,
    /// Why it was broken off. What comes before it was done.
    pub stopped: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Written {
    pub product: Product2Id,
    pub name: String,
    pub price: PriceId,
    /// What stood there before.
    pub replaced: Option<String>,
    /// What speaks against it, of what a person named.
    pub against: Vec<String>,
    /// The price was made for it.
    pub created: bool,
}

impl Outcome {
    pub fn exit(&self) -> Exit {
        match (&self.stopped, self.left.is_empty()) {
            (Some(_), _) => Exit::Unavailable,
            (None, true) => Exit::Well,
            (None, false) => Exit::NeedsPerson,
        }
    }

    pub fn to_json(&self) -> String {
        super::to_json(self)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paint = Paint::of(f);
        writeln!(f, "Stripe: {} mode", self.mode.as_str())?;
        for written in &self.written {
            let how = if written.created { "made and written" } else { "written" };
            write!(f, "{}: {} {} = {}", paint.toned(Tone::Good, how), written.product, written.name, written.price)?;
            match &written.replaced {
                Some(replaced) => writeln!(f, " (was {replaced})")?,
                None => writeln!(f)?,
            }
            written.against.iter().try_for_each(|against| writeln!(f, "  ! {against}"))?;
        }
        for left in &self.left {
            writeln!(f, "{}: {} {}\n  ! {}", paint.toned(Tone::Care, "left alone"), left.product, left.name, left.why)?;
        }
        if let Some(stopped) = &self.stopped {
            let broken_off = paint.toned(Tone::Bad, "Broken off");
            writeln!(f, "{broken_off}: {stopped}. Run it again: what is done is not done twice.")?;
        }
        match self.written.len() {
            0 => write!(f, "Nothing was written")?,
            count => write!(f, "{count} written")?,
        }
        writeln!(f, "; {} in step before; {} wait for a person.", self.in_step, self.left.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paint::{GREEN, RED, YELLOW, painted};

    #[test]
    fn what_was_done_and_what_was_not_are_painted() {
        let product = Product2Id::parse("01t000000000001").expect("valid");
        let written = Written {
            product: product.clone(),
            name: "Seat".into(),
            price: PriceId::parse("price_1").expect("valid"),
            replaced: None,
            against: Vec::new(),
            created: true,
        };
        let left = Left { product, name: "Seat".into(), why: "two prices".into() };
        let outcome = Outcome {
            mode: Mode::Test,
            written: vec![written],
            left: vec![left],
            in_step: 1,
            stopped: Some("busy".into()),
        };
        painted(&outcome, &[(GREEN, "made and written"), (YELLOW, "left alone"), (RED, "Broken off")]);
    }
}
