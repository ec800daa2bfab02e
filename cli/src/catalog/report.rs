//! What is suggested, for people and for programs. A person may edit the latter and have it applied.

use std::fmt;

use domain::{PriceId, Product2Id};
use serde::{Deserialize, Serialize};

use super::matching::{Certainty, Match, can_be_created, matches, shared_prices};
use super::product::{Billed, Product};
use super::read::Catalogues;
use crate::Exit;
use crate::paint::{Paint, Tone};

/// Of the Stripe key, and so of all prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Live,
    Test,
}

impl Mode {
    pub fn of(stripe: &stripe::Client) -> Self {
        if stripe.is_live() { Self::Live } else { Self::Test }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }
}

/// How it stands with a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The price that it has is wrong by now.
    Drifted,
    /// A price was found, and something speaks against it.
    Doubtful,
    /// None was found.
    Missing,
    /// A price was found that a person has to confirm.
    Probable,
    /// A price was found that `apply` writes.
    Certain,
    /// It has its price.
    InStep,
}

impl State {
    pub fn of(product: &Product, found: &Match) -> Self {
        if product.price_id.is_some() {
            let is_drifted = found.drifts.iter().any(super::Drift::needs_person);
            return if is_drifted { Self::Drifted } else { Self::InStep };
        }
        match found.certainty {
            Certainty::Certain => Self::Certain,
            Certainty::Probable => Self::Probable,
            Certainty::Doubtful => Self::Doubtful,
            Certainty::Nothing => Self::Missing,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drifted => "drifted",
            Self::Doubtful => "doubtful",
            Self::Missing => "missing",
            Self::Probable => "probable",
            Self::Certain => "certain",
            Self::InStep => "in step",
        }
    }

    fn tone(self) -> Tone {
        match self {
            Self::Drifted | Self::Doubtful => Tone::Bad,
            Self::Missing | Self::Probable => Tone::Care,
            Self::Certain => Tone::Good,
            Self::InStep => Tone::Plain,
        }
    }
}

#[derive(Debug, Serialize)]
pub struct Report {
    pub mode: Mode,
    pub products: Vec<Entry>,
    /// Prices at Stripe that no product can name, because they are from before prices had ids of their own.
    pub unnameable: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct Entry {
    pub product: Product2Id,
    pub name: String,
    pub codes: Vec<String>,
    /// What a price should cost, and how often.
    pub list_price: Option<String>,
    pub state: State,
    /// What *Stripe Price Id* holds.
    pub set: Option<String>,
    /// What it should hold.
    pub price: Option<PriceId>,
    /// Whether `apply --from` writes it: a person changes this, or the price.
    pub accept: bool,
    /// Of a hundred.
    pub confidence: u32,
    pub why: Vec<String>,
    pub conflicts: Vec<String>,
    pub drift: Vec<String>,
    pub notes: Vec<String>,
    /// Whether `apply --create` can make a price for it.
    pub can_be_created: bool,
}

impl Report {
    pub fn of(mode: Mode, catalogues: Catalogues) -> Self {
        let Catalogues { products, stripe, unnameable } = catalogues;
        let found = matches(&products, &stripe);
        let mut entries: Vec<_> = products.iter().zip(&found).map(|(product, found)| entry(product, found)).collect();
        for (price, of) in shared_prices(&products) {
            for index in &of {
                let others: Vec<_> =
                    of.iter().filter(|other| *other != index).map(|other| products[*other].id.as_str()).collect();
                entries[*index].notes.push(format!("{price} is the price of {} too", others.join(", ")));
            }
        }
        entries.sort_by(|a, b| (a.state, &a.name, &a.product).cmp(&(b.state, &b.name, &b.product)));
        Self { mode, products: entries, unnameable }
    }

    pub fn count(&self, state: State) -> usize {
        self.products.iter().filter(|entry| entry.state == state).count()
    }

    /// Well where every product has its price.
    pub fn exit(&self) -> Exit {
        if self.count(State::InStep) == self.products.len() { Exit::Well } else { Exit::NeedsPerson }
    }

    pub fn to_json(&self) -> String {
        super::to_json(self)
    }
}

fn entry(product: &Product, found: &Match) -> Entry {
    let state = State::of(product, found);
    let list_price = product.costs.first().map(|cost| match product.billed {
        Billed::Unsaid => cost.to_string(),
        billed => format!("{cost} {billed}"),
    });
    let (drift, notes): (Vec<_>, Vec<_>) = found.drifts.iter().partition(|drift| drift.needs_person());
    let texts = |drifts: Vec<&super::Drift>| drifts.into_iter().map(ToString::to_string).collect();
    Entry {
        product: product.id.clone(),
        name: product.name.clone(),
        codes: product.codes.clone(),
        list_price,
        state,
        set: product.price_id.clone(),
        price: found.price.clone(),
        accept: state == State::Certain,
        confidence: found.confidence,
        why: found.evidence.iter().map(ToString::to_string).collect(),
        conflicts: found.conflicts.iter().map(ToString::to_string).collect(),
        drift: texts(drift),
        notes: texts(notes),
        can_be_created: state == State::Missing && found.conflicts.is_empty() && can_be_created(product),
    }
}

/// So much of a name is shown, in characters.
const NAME: usize = 40;

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Stripe: {} mode", self.mode.as_str())?;
        let shown: Vec<_> =
            self.products.iter().filter(|entry| entry.state != State::InStep || !entry.notes.is_empty()).collect();
        if !shown.is_empty() {
            writeln!(f, "\n{:<9} {:<18} {NAME_HEAD:<NAME$} {:<28} PRICE", "STATE", "PRODUCT", "LIST PRICE")?;
        }
        for entry in shown {
            entry.fmt(f)?;
        }
        if !self.unnameable.is_empty() {
            writeln!(f, "\n{} prices have ids that no product can name.", self.unnameable.len())?;
        }
        let states = [State::Drifted, State::Doubtful, State::Missing, State::Probable, State::Certain, State::InStep];
        let counts: Vec<_> = states.iter().map(|state| format!("{} {}", self.count(*state), state.as_str())).collect();
        writeln!(f, "\n{} active products: {}.", self.products.len(), counts.join(", "))?;
        if self.count(State::Certain) > 0 {
            writeln!(f, "`closedwon catalog apply` writes the certain ones.")?;
        }
        if [State::Drifted, State::Doubtful, State::Probable].iter().any(|state| self.count(*state) > 0) {
            writeln!(
                f,
                "For the others name the price: --accept <product>=<price>, or edit --json and give it to --from."
            )?;
        }
        if self.products.iter().any(|entry| entry.can_be_created) {
            writeln!(
                f,
                "`closedwon catalog apply --create` makes prices for those that are missing, when you confirm it."
            )?;
        }
        Ok(())
    }
}

const NAME_HEAD: &str = "NAME";

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.codes.first() {
            Some(code) => format!("{} [{code}]", self.name),
            None => self.name.clone(),
        };
        let (paint, tone) = (Paint::of(f), self.state.tone());
        let price = match (&self.price, self.state) {
            (Some(price), State::Certain) => format!("{price}  {}", paint.toned(tone, "certain")),
            (Some(price), _) => {
                format!("{price}  {}", paint.toned(tone, format_args!("{} of 100", self.confidence)))
            }
            (None, _) => self.set.clone().unwrap_or_else(|| "none".to_owned()),
        };
        let list_price = self.list_price.as_deref().unwrap_or("none");
        writeln!(
            f,
            "{:<9} {:<18} {:<NAME$} {:<28} {price}",
            paint.toned(tone, self.state.as_str()),
            self.product,
            cut(&name, NAME),
            cut(list_price, 28)
        )?;
        if self.state == State::Drifted {
            writeln!(f, "          is set to {}", self.set.as_deref().unwrap_or_default())?;
        }
        self.drift.iter().try_for_each(|drift| writeln!(f, "          ! {drift}"))?;
        self.conflicts.iter().try_for_each(|conflict| writeln!(f, "          ! {conflict}"))?;
        self.why.iter().try_for_each(|why| writeln!(f, "          + {why}"))?;
        self.notes.iter().try_for_each(|note| writeln!(f, "          · {note}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::matching::tests::{at_stripe, gold, id, offer};
    use crate::catalog::product::StripeCatalog;
    use crate::paint::{GREEN, RED, painted};

    fn report(products: Vec<Product>, stripe: StripeCatalog) -> Report {
        Report::of(Mode::Test, Catalogues { products, stripe, unnameable: vec![] })
    }

    #[test]
    fn people_read_a_table_with_reasons() {
        let (product, mut price) = offer(1);
        price.price.lookup_key = Some("SUP-1".into());
        let gone =
            Product { id: id(2), name: "Seat".into(), price_id: Some("price_9".into()), codes: vec![], ..gold() };
        let told = report(vec![gold(), gone], at_stripe(vec![(product, price)]));
        assert_eq!(
            told.to_string(),
            "Stripe: test mode\n\
             \n\
             STATE     PRODUCT            NAME                                     LIST PRICE                   PRICE\n\
             drifted   01t000000000002AAA Seat                                     100.00 USD every month       price_9\n          \
             is set to price_9\n          \
             ! the price that is set is not there (or is one of Stripe's other mode)\n\
             certain   01t000000000001AAA Support Gold [SUP-1]                     100.00 USD every month       price_1  certain\n          \
             + the lookup key is the code sup-1\n          \
             + the names have the same words: Support Gold\n          \
             + it costs the list price, 100.00 USD\n          \
             + it is billed every month, as the product is\n\
             \n\
             2 active products: 1 drifted, 0 doubtful, 0 missing, 0 probable, 1 certain, 0 in step.\n\
             `closedwon catalog apply` writes the certain ones.\n\
             For the others name the price: --accept <product>=<price>, or edit --json and give it to --from.\n"
        );
        assert_eq!(told.exit(), Exit::NeedsPerson);
    }

    #[test]
    fn what_is_in_step_is_counted_and_told_only_where_there_is_something_to_say() {
        let set = Product { price_id: Some("price_1".into()), ..gold() };
        let told = report(vec![set.clone()], at_stripe(vec![offer(1)]));
        assert_eq!(told.exit(), Exit::Well);
        assert_eq!(
            told.to_string(),
            "Stripe: test mode\n\n1 active products: 0 drifted, 0 doubtful, 0 missing, 0 probable, 0 certain, 1 in step.\n"
        );
        let told = report(vec![set.clone(), Product { id: id(2), ..set }], at_stripe(vec![offer(1)]));
        assert_eq!(told.products[0].notes, ["price_1 is the price of 01t000000000002AAA too"]);
        assert_eq!(told.exit(), Exit::Well);
    }

    #[test]
    fn confidence_is_painted_and_columns_stay_where_they_are() {
        let (product, mut price) = offer(1);
        price.price.lookup_key = Some("SUP-1".into());
        let gone =
            Product { id: id(2), name: "Seat".into(), price_id: Some("price_9".into()), codes: vec![], ..gold() };
        let told = report(vec![gold(), gone], at_stripe(vec![(product, price)]));
        let coloured = painted(&told, &[(GREEN, "certain"), (RED, "drifted")]);
        assert!(coloured.contains("certain\x1b[0m   01t"), "{coloured:?}");
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        assert_eq!(cut("Überwachung", 11), "Überwachung");
        assert_eq!(cut("Überwachung", 5), "Über…");
    }
}
