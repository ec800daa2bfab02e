//! Who comes along while a customer is known or under way: a deal that is billed, or an account that was edited.

use mapping::{CustomerDetails, Told};

use super::{Letter, Point, TaxIdStep};

impl Point {
    /// What becomes of it when a deal comes along now that says anew whom the customer is for. One that is settled stays, unless the
    /// deal doubts this very one or has news of it; one that may be under way is waited for.
    pub(crate) fn give_way(self, newcomer: Self, is_under_way: bool) -> Self {
        if planted!(NewcomersBeginAnew) {
            return newcomer;
        }
        match (self, newcomer) {
            (
                Self::Known { customer_id, told }
                | Self::Updating { customer_id, told, .. }
                | Self::Untold { customer_id, told, .. },
                Self::Named { account_id, details, customer_id: doubted, doubted: true, .. },
            ) if customer_id == doubted && !is_under_way => {
                Self::Named { account_id, details, customer_id, doubted: true, told }
            }
            (
                Self::TaxId { customer_id, told, .. },
                Self::Named { account_id, details, customer_id: doubted, doubted: true, .. },
            ) if customer_id == doubted && !is_under_way => {
                let told = Some(told.without_tax_id());
                Self::Named { account_id, details, customer_id, doubted: true, told }
            }
            (known @ Self::Known { told: None, .. }, _) => known,
            (Self::Known { customer_id, told }, Self::Untold { modified_at, stop, letter, .. }) => {
                Self::Untold { customer_id, told, modified_at, refused: None, stop, letter }
            }
            // What is known of it already is not told twice, nor what was read before.
            (
                Self::Untold { customer_id, told, modified_at: known, refused, stop: there, letter: sent },
                Self::Untold { modified_at, stop, letter, .. },
            ) => match modified_at < known || stop == there && sent != Letter::None {
                true => Self::Untold { customer_id, told, modified_at: known, refused, stop: there, letter: sent },
                false => Self::Untold { customer_id, told, modified_at, refused: None, stop, letter },
            },
            (
                Self::Known { customer_id, told: Some(told) },
                Self::Named { account_id, details, .. } | Self::Unknown { account_id, details },
            ) => Self::up_to_date(account_id, details, customer_id, Some(told), Vec::new()),
            (
                Self::TaxId { details: own, customer_id, told, step, .. },
                Self::Named { account_id, details, .. } | Self::Unknown { account_id, details },
            ) if !is_under_way && details.modified_at >= own.modified_at => {
                match Self::up_to_date(account_id.clone(), details.clone(), customer_id, Some(told), step.going()) {
                    // Whatever was begun is brought to an end: what is there now may be neither the one nor the other.
                    Self::Known { customer_id, told: Some(told) } => {
                        let step = TaxIdStep::Looking { going: Vec::new() };
                        Self::TaxId { account_id, details, customer_id, told, step }
                    }
                    point => point,
                }
            }
            (
                Self::Updating { customer_id, told, going, .. },
                Self::Named { account_id, details, .. } | Self::Unknown { account_id, details },
            ) if !is_under_way => Self::up_to_date(account_id, details, customer_id, told, going),
            // What was refused is not told again because something else of the account was edited. A person who was not told of it is.
            (
                Self::Untold { customer_id, told, modified_at, refused: Some(refused), stop, letter },
                Self::Named { details, .. },
            ) if details.is_for_news && details.says_the_same_as(&refused) => {
                let letter = if letter == Letter::None { Letter::Owed } else { letter };
                let (modified_at, refused) = (modified_at.max(details.modified_at), Some(refused));
                Self::Untold { customer_id, told, modified_at, refused, stop, letter }
            }
            // Where the account itself says what cannot be told, what was read of it before is not told either.
            (
                Self::Untold { customer_id, told, modified_at, refused, stop, letter },
                Self::Named { details, .. } | Self::Unknown { details, .. },
            ) if details.modified_at < modified_at && letter != Letter::None => {
                Self::Untold { customer_id, told, modified_at, refused, stop, letter }
            }
            // Whatever may be under way was refused; and its key is not used again.
            (
                Self::Untold { customer_id, told, .. },
                Self::Named { account_id, details, .. } | Self::Unknown { account_id, details },
            ) => Self::up_to_date(account_id, details, customer_id, told, Vec::new()),
            // A doubt is cleared up first: whoever comes along without it has only not heard of it.
            (doubted @ Self::Named { doubted: true, .. }, _) => doubted,
            (point @ (Self::Named { .. } | Self::Unknown { .. }), Self::Untold { .. }) => point,
            (Self::Named { .. } | Self::Unknown { .. }, newcomer) if !is_under_way => newcomer,
            (Self::Stopped { .. }, newcomer) => newcomer,
            (point, _) => point,
        }
    }

    /// Whether a deal that comes along says something of the customer that Stripe has not been told.
    pub fn has_news_from(&self, newcomer: &Self) -> bool {
        match (self, newcomer) {
            (Self::Known { told: Some(told), .. }, Self::Named { details, .. } | Self::Unknown { details, .. })
                if !planted!(NeverTellsNews) =>
            {
                has_tax_id_news(details, told) || details.news_since(Some(told)).is_some()
            }
            // What was refused was another deal's, which had read the account before. Of that nobody was told here.
            (
                Self::Untold { modified_at, refused, letter, .. },
                Self::Named { details, .. } | Self::Unknown { details, .. },
            ) => {
                let is_refused = refused.as_ref().is_some_and(|refused| details.says_the_same_as(refused));
                match is_refused {
                    true => details.is_for_news && *letter == Letter::None,
                    false => details.modified_at > *modified_at,
                }
            }
            // It cannot be told at all.
            (Self::Known { told: Some(told), .. }, Self::Untold { modified_at, .. }) => {
                *modified_at > told.modified_at()
            }
            (Self::Untold { stop: there, modified_at: known, letter, .. }, Self::Untold { stop, modified_at, .. }) => {
                modified_at >= known && (stop != there || *letter == Letter::None)
            }
            _ => false,
        }
    }
}

pub(super) fn has_tax_id_news(details: &CustomerDetails, told: &Told) -> bool {
    details.tax_id_is_new(told) && !planted!(NeverTellsTaxIds)
}
