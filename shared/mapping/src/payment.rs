//! What an opportunity says of its payment.

use domain::{CustomerId, FieldValue, InvoiceId, Money, OpportunityId, Record};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::afterwards::{Asking, Beside, PaidDecision, Ruled, ask};
use crate::deal::Filter;
use crate::invoice::{INVOICE_STATUS, PAID_STATUS};
use crate::settings::{Settings, WON};
use crate::update::{INVOICE_ID, Update, text};

/// Whether it is paid. What was paid by another way a person may tick by hand.
pub const PAID: &str = "Payment_Received__c";
pub const PAID_ON: &str = "Paid_Date__c";

/// What came in for its invoice, whichever way; and what has not yet. In the record's currency, which is the invoice's.
pub const AMOUNT_PAID: &str = "Stripe_Amount_Paid__c";
pub const AMOUNT_REMAINING: &str = "Stripe_Amount_Remaining__c";

/// What came in for an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    pub invoice_id: InvoiceId,
    pub opportunity_id: OpportunityId,
    /// When it was paid whole, if it is.
    pub paid_at: Option<Timestamp>,
    /// Older runs do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amounts: Option<Amounts>,
    /// The stage that its opportunity is to have then, if it is won.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// The stages that it is moved from.
    #[serde(default = "closed_won", skip_serializing_if = "is_closed_won")]
    pub won_stages: Vec<String>,
    /// The opportunity says how its invoice stands, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shows_status: bool,
    /// Whom it bills.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// The opportunity is one that was found to name it, whatever the invoice itself says.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_found: bool,
    /// What rules said of its stage.
    #[serde(default, skip_serializing_if = "Ruled::is_none")]
    pub ruled: Ruled,
    /// Why a rule that was to decide of it did not. It stays where it is then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undecided: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amounts {
    pub paid: Money,
    pub remaining: Money,
}

impl Received {
    /// On the opportunity. `Paid_Date__c` is a date; it is the day in UTC, whatever the user's time zone.
    ///
    /// It is written only where the opportunity names this invoice, and a part only where less is said: what comes late, from a process
    /// that stood still, must not say of another invoice that it is paid, nor take back what came in since. What a person ticked and dated
    /// stays as it is.
    pub fn update(&self) -> Update {
        let mut update = Update::new("Opportunity", &self.opportunity_id, []);
        update.also_read = vec!["Id", INVOICE_ID];
        update.only_where = vec![(INVOICE_ID, Filter::Is(self.invoice_id.to_string()))];
        match self.paid_at {
            Some(paid_at) => {
                let day = TimeZone::UTC.to_datetime(paid_at).date();
                update.fields.extend([(PAID, FieldValue::Boolean(true)), (PAID_ON, text(day))]);
                update.only_where.push((PAID, Filter::IsFalseOrEmpty(PAID_ON)));
            }
            None => {
                let less = self.amounts.map(|amounts| Filter::IsEmptyOrLess(amounts.paid.to_major_units()));
                update.also_read.push(PAID);
                update.only_where.push((PAID, Filter::IsFalse));
                update.only_where.extend(less.map(|less| (AMOUNT_PAID, less)));
            }
        }
        if let Some(Amounts { paid, remaining }) = self.amounts {
            let number = |money: Money| FieldValue::Number(money.to_major_units());
            update.fields.extend([(AMOUNT_PAID, number(paid)), (AMOUNT_REMAINING, number(remaining))]);
        }
        update
    }

    /// With the status of its invoice, where that is shown; and with the stage, where it is to have one. A person may have moved it on by
    /// then, which stays so.
    pub fn updates(&self) -> Vec<Update> {
        let is_its = || (INVOICE_ID, Filter::Is(self.invoice_id.to_string()));
        let status = self.is_to_say_paid().then(|| {
            let mut status = Update::new("Opportunity", &self.opportunity_id, [(INVOICE_STATUS, text(PAID_STATUS))]);
            status.only_where = vec![is_its()];
            status
        });
        let moved = self.stage.as_ref().map(|stage| {
            let mut moved = Update::new("Opportunity", &self.opportunity_id, [("StageName", text(stage))]);
            moved.only_where = vec![is_its(), ("StageName", Filter::one_of(&self.won_stages))];
            moved
        });
        [self.update()].into_iter().chain(status).chain(moved).collect()
    }

    /// With the stage that is decided today, of the opportunity as it was read just now. What is paid in part moves nothing, and what is not
    /// where it was won is left to whoever moved it.
    #[must_use]
    pub fn ruled(self, opportunity: &Record, unread: Option<&str>, settings: &Settings) -> Self {
        let unruled = Self { ruled: Ruled::default(), undecided: None, ..self };
        if unruled.paid_at.is_none() {
            return unruled;
        }
        let unruled = Self { stage: settings.paid_stage.clone(), ..unruled };
        let may_move = settings.paid_stages().next().is_some();
        if !may_move || !opportunity.text("StageName").is_some_and(|stage| settings.has_won(stage)) {
            return unruled;
        }
        let paid = unruled.amounts.map(|amounts| amounts.paid.to_major_units());
        let mut invoice = Record::default();
        invoice.set("amount_paid", paid.map_or(FieldValue::Null, FieldValue::Number));
        let of = Asking { opportunity, unread, lens: &settings.lens };
        let asked = ask(&settings.paid_rules, of, Beside::Invoice(&invoice));
        let undecided = asked.remark();
        let stage = match asked.decided.last() {
            _ if undecided.is_some() => None,
            None => unruled.stage.clone(),
            Some(PaidDecision::Skip(_)) => None,
            Some(PaidDecision::Stage(stage)) => Some(stage.clone()),
        };
        Self { stage, ruled: asked.ruled, undecided, ..unruled }
    }

    fn is_to_say_paid(&self) -> bool {
        self.shows_status && self.paid_at.is_some()
    }

    /// Whether what belongs to it is told as well: the status, and the stage.
    pub fn differences_beside(&self, opportunity: &Record) -> Vec<&'static str> {
        let status = self.is_to_say_paid() && opportunity.text(INVOICE_STATUS) != Some(PAID_STATUS);
        [(status, INVOICE_STATUS), (!self.is_moved(opportunity), "StageName")]
            .into_iter()
            .filter_map(|(differs, field)| differs.then_some(field))
            .collect()
    }

    /// Whether it has that stage, or one that a person gave it.
    fn is_moved(&self, opportunity: &Record) -> bool {
        let is_won = |stage| self.won_stages.iter().any(|won| won == stage);
        self.stage.is_none() || !opportunity.text("StageName").is_some_and(is_won)
    }

    /// Whether the opportunity says it, or more than that. A person may have ticked it, on another day.
    pub fn is_told_by(&self, opportunity: &Record) -> bool {
        let is_ticked = opportunity.is_true(PAID);
        match (self.paid_at, self.amounts) {
            (Some(_), _) => is_ticked && opportunity.text(PAID_ON).is_some(),
            (None, None) => true,
            (None, Some(amounts)) => {
                is_ticked || opportunity.number(AMOUNT_PAID).is_some_and(|told| told >= amounts.paid.to_major_units())
            }
        }
    }
}

fn closed_won() -> Vec<String> {
    vec![WON.to_owned()]
}

fn is_closed_won(stages: &[String]) -> bool {
    stages == [WON]
}

/// What was paid by the invoice before is a credit of the customer's by now; whether the one in its place is paid, its own payment says.
/// It belongs into the write that names the new one: whoever sees the one sees the other.
pub fn unpaid(mut updates: Vec<Update>) -> Vec<Update> {
    if let Some(opportunity) = updates.iter_mut().find(|update| update.object == "Opportunity") {
        opportunity.fields.insert(PAID, FieldValue::Boolean(false));
        opportunity.fields.extend([PAID_ON, AMOUNT_PAID, AMOUNT_REMAINING].map(|field| (field, FieldValue::Null)));
    }
    updates
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::Currency;

    use super::*;

    fn opportunity_id() -> OpportunityId {
        OpportunityId::parse("006000000000001AAA").expect("valid")
    }

    fn received(paid_at: Option<&str>, paid: i64, remaining: i64) -> Received {
        let money = |minor_units| Money::from_minor_units(minor_units, Currency::parse("EUR").expect("valid"));
        Received {
            invoice_id: InvoiceId::parse("in_1").expect("valid"),
            opportunity_id: opportunity_id(),
            paid_at: paid_at.map(|time| time.parse().expect("a time")),
            amounts: Some(Amounts { paid: money(paid), remaining: money(remaining) }),
            stage: None,
            won_stages: closed_won(),
            shows_status: false,
            customer_id: None,
            is_found: false,
            ruled: Default::default(),
            undecided: None,
        }
    }

    fn number(text: &str) -> FieldValue {
        FieldValue::Number(text.parse().expect("a number"))
    }

    #[test]
    fn a_payment_has_its_day_in_utc_and_its_amount() {
        let paid = received(Some("2026-11-25T23:59:59Z"), 1050, 0).update();
        let fields = [
            (PAID_ON, text("2026-11-25")),
            (PAID, FieldValue::Boolean(true)),
            (AMOUNT_PAID, number("10.50")),
            (AMOUNT_REMAINING, number("0.00")),
        ];
        assert!(paid.fields == BTreeMap::from(fields));
        let not_by_hand = (PAID, Filter::IsFalseOrEmpty(PAID_ON));
        assert_eq!(paid.only_where, [(INVOICE_ID, Filter::Is("in_1".into())), not_by_hand]);
        // Of a run that an older version began the amounts are not known.
        let older = Received { amounts: None, ..received(Some("2026-11-25T23:59:59Z"), 0, 0) }.update();
        assert_eq!(older.fields.into_keys().collect::<Vec<_>>(), [PAID_ON, PAID]);
    }

    #[test]
    fn a_part_says_what_came_in_and_takes_nothing_back() {
        let part = received(None, 400, 650).update();
        assert!(part.fields == BTreeMap::from([(AMOUNT_PAID, number("4.00")), (AMOUNT_REMAINING, number("6.50"))]));
        let less = Filter::IsEmptyOrLess("4.00".parse().expect("a number"));
        let named = (INVOICE_ID, Filter::Is("in_1".into()));
        assert_eq!(part.only_where, [named, (PAID, Filter::IsFalse), (AMOUNT_PAID, less)]);
    }

    #[test]
    fn what_is_told_is_not_written_again() {
        let (whole, part) = (received(Some("2026-11-25T00:00:00Z"), 1000, 0), received(None, 400, 600));
        let record = |fields: &[(&str, FieldValue)]| {
            let mut record = Record::default();
            fields.iter().for_each(|(path, value)| record.set(*path, value.clone()));
            record
        };
        let (paid, day) = ((PAID, FieldValue::Boolean(true)), (PAID_ON, text("2026-11-24")));
        for (fields, is_whole, is_part) in [
            (vec![], false, false),
            (vec![(AMOUNT_PAID, number("3.99"))], false, false),
            (vec![(AMOUNT_PAID, number("4"))], false, true),
            (vec![(AMOUNT_PAID, number("5"))], false, true),
            (vec![paid.clone()], false, true),
            (vec![paid, day], true, true),
        ] {
            let record = record(&fields);
            assert_eq!((whole.is_told_by(&record), part.is_told_by(&record)), (is_whole, is_part), "{fields:?}");
        }
    }

    /// In the same call, by itself, and only from where it was won.
    #[test]
    fn a_stage_is_set_where_the_deal_is_won() {
        let unmoved = received(Some("2026-11-25T00:00:00Z"), 1000, 0);
        assert_eq!(unmoved.updates().len(), 1);
        let moved = Received { stage: Some("Paid".into()), ..unmoved.clone() };
        let [payment, stage] = <[Update; 2]>::try_from(moved.updates()).expect("two");
        assert!(payment == unmoved.update());
        let shown = Received { shows_status: true, ..moved.clone() };
        let [_, status, _] = <[Update; 3]>::try_from(shown.updates()).expect("three");
        assert!(status.fields == BTreeMap::from([(INVOICE_STATUS, text("paid"))]));
        assert_eq!(status.only_where, [(INVOICE_ID, Filter::Is("in_1".into()))]);
        assert_eq!(shown.differences_beside(&Record::default()).len(), 1);
        let part = Received { shows_status: true, ..received(None, 400, 600) };
        assert_eq!((part.updates().len(), part.differences_beside(&Record::default()).len()), (1, 0));
        assert!(stage.fields == BTreeMap::from([("StageName", text("Paid"))]));
        let is = |value: &str| Filter::Is(value.to_owned());
        assert_eq!(stage.only_where, [(INVOICE_ID, is("in_1")), ("StageName", is("Closed Won"))]);
        for (stage, is_moved) in [("Closed Won", false), ("Paid", true), ("Onboarding", true)] {
            let mut record = Record::default();
            record.set("StageName", text(stage));
            assert_eq!((moved.is_moved(&record), unmoved.is_moved(&record)), (is_moved, true), "{stage}");
        }
    }

    #[test]
    fn what_is_not_paid_any_more_says_so_on_the_opportunity_alone() {
        let account = Update::new("Account", "001000000000001AAA", [("Stripe_Customer_Id__c", text("cus_1"))]);
        let opportunity = Update::new("Opportunity", opportunity_id(), [(INVOICE_ID, text("in_2"))]);
        let written = unpaid(vec![account.clone(), opportunity]);
        assert!(written[0] == account);
        let nothing = [PAID_ON, AMOUNT_PAID, AMOUNT_REMAINING].map(|field| (field, FieldValue::Null));
        let fields = [(INVOICE_ID, text("in_2")), (PAID, FieldValue::Boolean(false))].into_iter().chain(nothing);
        assert!(written[1].fields == fields.collect::<BTreeMap<_, _>>());
    }
}
