//! Which of Stripe's events are followed beside those that the product exists for.

use std::collections::BTreeSet;
use std::fmt;

/// An event that an organization may want to see the consequence of, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Neighbour {
    InvoiceFinalized,
    InvoiceFinalizationFailed,
    InvoiceOverdue,
    InvoiceVoided,
    InvoiceMarkedUncollectible,
    CreditNoteCreated,
    ChargeRefunded,
    ChargeDisputeCreated,
    CustomerDeleted,
    /// All of them: `subscription_schedule.created`, `.updated` and so on.
    SubscriptionSchedule,
}

impl Neighbour {
    pub const ALL: [Self; 10] = [
        Self::InvoiceFinalized,
        Self::InvoiceFinalizationFailed,
        Self::InvoiceOverdue,
        Self::InvoiceVoided,
        Self::InvoiceMarkedUncollectible,
        Self::CreditNoteCreated,
        Self::ChargeRefunded,
        Self::ChargeDisputeCreated,
        Self::CustomerDeleted,
        Self::SubscriptionSchedule,
    ];

    /// As the configuration writes it: Stripe's type, or what comes before the dot of several. A credit note that is voided is taken back,
    /// and goes with the one that is created.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvoiceFinalized => "invoice.finalized",
            Self::InvoiceFinalizationFailed => "invoice.finalization_failed",
            Self::InvoiceOverdue => "invoice.overdue",
            Self::InvoiceVoided => "invoice.voided",
            Self::InvoiceMarkedUncollectible => "invoice.marked_uncollectible",
            Self::CreditNoteCreated => "credit_note.created",
            Self::ChargeRefunded => "charge.refunded",
            Self::ChargeDisputeCreated => "charge.dispute.created",
            Self::CustomerDeleted => "customer.deleted",
            Self::SubscriptionSchedule => "subscription_schedule",
        }
    }

    /// The one that an event of this type is.
    pub fn of_type(event_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| match one {
            Self::SubscriptionSchedule => event_type.starts_with("subscription_schedule."),
            Self::CreditNoteCreated => matches!(event_type, "credit_note.created" | "credit_note.voided"),
            one => one.name() == event_type,
        })
    }

    /// Something is seen of it on the opportunity that names the invoice.
    fn shows_on_opportunity(self) -> bool {
        !matches!(self, Self::InvoiceFinalizationFailed | Self::CustomerDeleted | Self::SubscriptionSchedule)
    }
}

/// Those that are followed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Followed(BTreeSet<Neighbour>);

impl Followed {
    pub fn nothing() -> Self {
        Self::default()
    }

    pub fn everything() -> Self {
        Self(Neighbour::ALL.into())
    }

    /// As the configuration writes it: their names, with commas between them, or `none`.
    pub fn parse(text: &str) -> Result<Self, UnknownNeighbour> {
        if text.trim() == "none" {
            return Ok(Self::nothing());
        }
        let named =
            |name: &str| Neighbour::ALL.into_iter().find(|one| one.name() == name).or_else(|| Neighbour::of_type(name));
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        names
            .map(|name| named(name).ok_or_else(|| UnknownNeighbour(name.to_owned())))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub fn has(&self, neighbour: Neighbour) -> bool {
        self.0.contains(&neighbour)
    }

    /// Whether an event of this type is wanted; one that is nobody's neighbour is.
    pub fn wants(&self, event_type: &str) -> bool {
        Neighbour::of_type(event_type).is_none_or(|one| self.has(one))
    }

    /// Whether it is seen of an invoice that it is not to be collected any more: Stripe's two events for that are one here.
    pub fn follows_ends(&self) -> bool {
        self.has(Neighbour::InvoiceVoided) || self.has(Neighbour::InvoiceMarkedUncollectible)
    }

    /// Whether opportunities say how their invoices stand.
    pub fn shows_invoices(&self) -> bool {
        self.0.iter().any(|one| one.shows_on_opportunity())
    }

    /// Whether anything is asked of invoices that are neither paid nor refused a payment.
    pub fn follows_invoices(&self) -> bool {
        self.shows_invoices() || self.has(Neighbour::InvoiceFinalizationFailed)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownNeighbour(String);

impl fmt::Display for UnknownNeighbour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known: Vec<_> = Neighbour::ALL.into_iter().map(Neighbour::name).collect();
        write!(f, "{} is none of them: it must be none, or some of {}", self.0, known.join(", "))
    }
}

impl std::error::Error for UnknownNeighbour {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_and_what_is_misspelt_is_named() {
        let all: Vec<_> = Neighbour::ALL.into_iter().map(Neighbour::name).collect();
        assert_eq!(Followed::parse(&all.join(",")), Ok(Followed::everything()));
        assert_eq!(Followed::parse("none"), Ok(Followed::nothing()));
        assert_eq!(Followed::parse(""), Ok(Followed::nothing()));
        let some = Followed::parse(" invoice.overdue, charge.refunded ,").expect("two");
        assert!(some.has(Neighbour::InvoiceOverdue) && some.has(Neighbour::ChargeRefunded));
        assert_eq!(some.0.len(), 2);
        let why = Followed::parse("invoice.overdue,invoice.overdo").expect_err("misspelt").to_string();
        assert!(why.starts_with("invoice.overdo is none of them") && why.contains("credit_note.created"), "{why}");
    }

    #[test]
    fn what_is_nobodys_neighbour_is_always_wanted() {
        let nothing = Followed::nothing();
        for (event_type, is_neighbour) in [
            ("invoice.paid", false),
            ("invoice.voided", true),
            ("subscription_schedule.released", true),
            ("subscription_schedules.released", false),
            ("customer.subscription.updated", false),
            ("charge.dispute.created", true),
            ("credit_note.voided", true),
            ("credit_note.updated", false),
        ] {
            assert_eq!(Neighbour::of_type(event_type).is_some(), is_neighbour, "{event_type}");
            assert_eq!(nothing.wants(event_type), !is_neighbour, "{event_type}");
            assert!(Followed::everything().wants(event_type), "{event_type}");
        }
    }

    #[test]
    fn what_shows_on_no_opportunity_needs_no_field_there() {
        for (text, shows, follows) in [
            ("none", false, false),
            ("customer.deleted,subscription_schedule", false, false),
            ("invoice.finalization_failed", false, true),
            ("credit_note.created", true, true),
        ] {
            let followed = Followed::parse(text).expect("known");
            assert_eq!((followed.shows_invoices(), followed.follows_invoices()), (shows, follows), "{text}");
        }
    }
}
