//! Deals that renew a subscription: they change the one that is there, for another term.

use domain::{Record, SubscriptionId};
use serde::{Deserialize, Serialize};

use crate::settings::Settings;
use crate::update::MRR;
use crate::{Code, LineSource, Stop, Subscription};

/// What becomes of an opportunity of type Renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Renewals {
    /// It is not billed.
    #[default]
    Off,
    /// The subscription that it renews goes on with its lines, for its term.
    Extend,
}

impl Renewals {
    /// As the configuration writes it.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            "extend" => Ok(Self::Extend),
            _ => Err("it must be off or extend".to_owned()),
        }
    }
}

/// How the rest of a period is settled that a renewal begins inside of, in Stripe's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proration {
    /// What was billed for it is given back, what is new is billed, and an invoice is made of the difference at once.
    #[default]
    AlwaysInvoice,
    /// The same, by the next invoice.
    CreateProrations,
    /// It stays as it was billed.
    None,
}

impl Proration {
    /// As the configuration writes it.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "always_invoice" => Ok(Self::AlwaysInvoice),
            "create_prorations" => Ok(Self::CreateProrations),
            "none" => Ok(Self::None),
            _ => Err("it must be always_invoice, create_prorations or none".to_owned()),
        }
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Which subscription a deal renews, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renews {
    /// The one that Salesforce names. Otherwise it is the only one that the customer has.
    pub subscription_id: Option<SubscriptionId>,
    #[serde(default, skip_serializing_if = "Proration::is_default")]
    pub proration: Proration,
}

/// On the renewal's own opportunity, by whoever knows better; and by us when it is renewed.
pub const RENEWAL_ID: &str = "Renewal_Stripe_Sub_Id__c";

/// Salesforce CPQ's renewals know the contract that they renew, and that the opportunity which it was made of: one that renewed the
/// subscription itself, or one that began it.
const NAMED_BY_CONTRACT: [&str; 2] = [
    "SBQQ__RenewedContract__r.SBQQ__Opportunity__r.Renewal_Stripe_Sub_Id__c",
    "SBQQ__RenewedContract__r.SBQQ__Opportunity__r.Stripe_Subscription_Id__c",
];

pub(crate) fn opportunity_fields(settings: &Settings) -> Vec<&'static str> {
    match (settings.renewals, settings.line_source) {
        (Renewals::Off, _) => vec![],
        (Renewals::Extend, LineSource::CpqQuote) => [&[RENEWAL_ID, MRR][..], &NAMED_BY_CONTRACT].concat(),
        (Renewals::Extend, LineSource::OpportunityProducts | LineSource::Orders) => vec![RENEWAL_ID, MRR],
    }
}

pub(crate) fn is_renewal(opportunity: &Record) -> bool {
    opportunity.text("Type") == Some("Renewal")
}

/// What the deal renews, if it is one that does.
pub(crate) fn renews(
    opportunity: &Record,
    term: Option<&Subscription>,
    proration: Proration,
) -> Result<Option<Renews>, Stop> {
    if !is_renewal(opportunity) {
        return Ok(None);
    }
    if term.is_none() {
        let message = "Nothing of the renewal is recurring: give its products a billing frequency, or change the opportunity's type.";
        return Err(Stop::refused(Code::RenewalDiffers, message));
    }
    let named = [RENEWAL_ID].into_iter().chain(NAMED_BY_CONTRACT).find_map(|field| opportunity.text(field));
    let named = named.map(SubscriptionId::parse).transpose();
    let subscription_id = named.map_err(|_| {
        let message =
            "Renewal Stripe Sub Id on the opportunity is not a subscription's id (sub_…): correct or empty it.";
        Stop::refused(Code::RenewalNotFound, message)
    })?;
    Ok(Some(Renews { subscription_id, proration }))
}

#[cfg(test)]
mod tests {
    use domain::{Currency, FieldValue};

    use super::*;

    #[test]
    fn a_policy_is_one_of_its_names() {
        assert_eq!(Renewals::parse("off"), Ok(Renewals::default()));
        assert_eq!(Renewals::parse("extend"), Ok(Renewals::Extend));
        for text in ["", "on", "Extend"] {
            assert!(Renewals::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_proration_is_one_of_stripes_names() {
        for (name, proration) in [
            ("always_invoice", Proration::AlwaysInvoice),
            ("create_prorations", Proration::CreateProrations),
            ("none", Proration::None),
        ] {
            assert_eq!(Proration::parse(name), Ok(proration));
            assert_eq!(serde_json::to_value(proration).expect("plain"), name);
            assert_eq!(proration.is_default(), proration == Proration::AlwaysInvoice);
        }
        assert!(Proration::parse("prorate").is_err());
        let older: Renews = serde_json::from_str(r#"{"subscription_id":null}"#).expect("readable");
        assert_eq!(older.proration, Proration::default());
    }

    #[test]
    fn fields_are_read_where_deals_renew() {
        let fields = |renewals, line_source| {
            let settings = Settings::new(Currency::parse("USD").expect("valid"));
            opportunity_fields(&Settings { renewals, line_source, ..settings }).len()
        };
        assert_eq!(fields(Renewals::Off, LineSource::CpqQuote), 0);
        assert_eq!(fields(Renewals::Extend, LineSource::CpqQuote), 4);
        assert_eq!(fields(Renewals::Extend, LineSource::Orders), 2);
    }

    /// A person's word on the opportunity goes before what the contract says.
    #[test]
    fn what_is_renewed_is_named_or_to_be_found() {
        let term = Subscription {
            start: "2027-01-01".parse().expect("a day"),
            every: crate::Interval::Monthly,
            periods: Some(12),
            stub: 0,
        };
        let renewal = |fields: &[(&str, &str)]| {
            let mut record = Record::default();
            record.set("Type", FieldValue::Text("Renewal".into()));
            fields.iter().for_each(|(name, value)| record.set(*name, FieldValue::Text((*value).into())));
            let found = renews(&record, Some(&term), Proration::None).map_err(|stop| stop.code);
            found.map(|renews| renews.and_then(|renews| renews.subscription_id).map(|id| id.to_string()))
        };
        assert_eq!(renewal(&[]), Ok(None));
        let [renewed, begun] = NAMED_BY_CONTRACT;
        assert_eq!(renewal(&[(begun, "sub_1")]), Ok(Some("sub_1".into())));
        assert_eq!(renewal(&[(begun, "sub_1"), (renewed, "sub_2")]), Ok(Some("sub_2".into())));
        assert_eq!(renewal(&[(begun, "sub_1"), (renewed, "sub_2"), (RENEWAL_ID, "sub_3")]), Ok(Some("sub_3".into())));
        assert_eq!(renewal(&[(RENEWAL_ID, "see spreadsheet")]), Err(Code::RenewalNotFound));
        assert_eq!(renewal(&[("Type", "New Customer")]), Ok(None));
        let mut record = Record::default();
        record.set("Type", FieldValue::Text("Renewal".into()));
        let stop = renews(&record, None, Proration::None).expect_err("nothing to go on with");
        assert_eq!((stop.kind, stop.code), (crate::Kind::Refused, Code::RenewalDiffers));
    }
}
