//! What the organization decided.

use domain::{ConfigurationHash, Currency, Followed};

use rules::Expression;

use crate::{
    Amendments, CancellationTask, CasePolicy, Collection, Lens, LineSource, Notifications, Owners, PaidDecision,
    Proration, Renewals, Rule, ShippingAddress, Standings, StrayInvoices, Subscriptions, TaxBehavior,
};

/// The stage that asks for a bill, where nothing else is decided.
pub const WON: &str = "Closed Won";

/// What the organization decided once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The file that says so, if one does.
    pub configuration: Option<ConfigurationHash>,
    /// The organization has several currencies, so each record has a `CurrencyIsoCode`.
    pub multi_currency: bool,
    /// The currency of every record where it has not.
    pub org_currency: Currency,
    /// The stages that ask for a bill.
    pub won_stages: Vec<String>,
    /// Which of them are billed, if not all.
    pub won_when: Option<Expression>,
    /// What is decided otherwise for some of them, in this order.
    pub rules: Vec<Rule>,
    /// Where the organization keeps what is read.
    pub lens: Lens,
    pub days_until_due: u32,
    /// For each deal, where it is not the same for all.
    pub days_until_due_by: Option<Expression>,
    pub line_source: LineSource,
    /// Stripe calculates tax: on top of the amounts, or inside them.
    pub tax: Option<TaxBehavior>,
    pub subscriptions: Subscriptions,
    pub standings: Standings,
    pub cancellation_task: CancellationTask,
    /// Who looks after an account.
    pub owners: Owners,
    /// Whether there is a case for what Stripe could not collect.
    pub payment_cases: Option<CasePolicy>,
    /// What people are told of elsewhere, if they are.
    pub notifications: Option<Notifications>,
    /// Which of Stripe's events are followed beside payments and subscriptions.
    pub followed: Followed,
    pub stray_invoices: StrayInvoices,
    /// How much of the day's API calls is left for money, in percent.
    pub salesforce_reserve: u8,
    /// The stage that a won opportunity is moved to when it is paid whole.
    pub paid_stage: Option<String>,
    /// Which stage that is otherwise for some of them, in this order.
    pub paid_rules: Vec<Rule<PaidDecision>>,
    pub amendments: Amendments,
    pub renewals: Renewals,
    pub proration: Proration,
    pub shipping: ShippingAddress,
    pub collection: Collection,
}

impl Settings {
    /// Whether an opportunity in this stage asks for a bill.
    pub fn has_won(&self, stage: &str) -> bool {
        self.won_stages.iter().any(|won| won == stage)
    }

    /// The stages that an opportunity may be moved to when it is paid whole.
    pub fn paid_stages(&self) -> impl Iterator<Item = &String> {
        let by_rules = self.paid_rules.iter().flat_map(Rule::decisions).filter_map(|decision| match decision {
            PaidDecision::Stage(stage) => Some(stage),
            PaidDecision::Skip(_) => None,
        });
        self.paid_stage.iter().chain(by_rules)
    }

    /// As they are where nothing else is decided.
    pub fn new(org_currency: Currency) -> Self {
        Self {
            configuration: None,
            multi_currency: false,
            org_currency,
            won_stages: vec![WON.to_owned()],
            won_when: None,
            rules: Vec::new(),
            lens: Lens::default(),
            days_until_due: 30,
            days_until_due_by: None,
            line_source: LineSource::default(),
            tax: None,
            subscriptions: Subscriptions::default(),
            standings: Standings::default(),
            cancellation_task: CancellationTask::default(),
            owners: Owners::default(),
            payment_cases: Some(CasePolicy::default()),
            notifications: None,
            followed: Followed::nothing(),
            stray_invoices: StrayInvoices::default(),
            salesforce_reserve: 10,
            paid_stage: None,
            paid_rules: Vec::new(),
            amendments: Amendments::default(),
            renewals: Renewals::default(),
            proration: Proration::default(),
            shipping: ShippingAddress::default(),
            collection: Collection::default(),
        }
    }

    /// What was planned under other settings is read and compared as it was planned; everything else goes by these. A stage that
    /// somebody gave another name has that name on old deals, too; and what was moved on when it was paid is won still.
    pub fn planned_under(&self, older: &Self) -> Self {
        let mut won_stages = older.won_stages.clone();
        let paid = older.paid_stages().filter(|stage| !self.paid_stages().any(|now| now == *stage));
        let later = self.won_stages.iter().chain(paid);
        won_stages.extend(later.filter(|stage| !older.won_stages.contains(stage)).cloned());
        Self {
            configuration: older.configuration.clone(),
            won_stages,
            won_when: older.won_when.clone(),
            rules: older.rules.clone(),
            // A field is called what it is called now.
            lens: Lens { names: self.lens.names.clone(), ..older.lens.clone() },
            days_until_due_by: older.days_until_due_by.clone(),
            multi_currency: older.multi_currency,
            org_currency: older.org_currency,
            days_until_due: older.days_until_due,
            line_source: older.line_source,
            tax: older.tax,
            subscriptions: older.subscriptions,
            renewals: older.renewals,
            proration: older.proration,
            shipping: older.shipping,
            collection: older.collection,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_plan_is_compared_as_it_was_planned() {
        let dollars = Currency::parse("USD").expect("a currency");
        let older = Settings { days_until_due: 14, subscriptions: Subscriptions::ClosedWon, ..Settings::new(dollars) };
        let now = Settings {
            won_stages: vec!["Signed".into()],
            amendments: Amendments::VoidAndReissue,
            paid_stage: Some("Paid".into()),
            ..Settings::new(dollars)
        };
        let under = now.planned_under(&older);
        assert_eq!((under.days_until_due, under.subscriptions), (14, Subscriptions::ClosedWon));
        assert_eq!((under.amendments, under.paid_stage.as_deref()), (Amendments::VoidAndReissue, Some("Paid")));
        assert!(under.has_won("Signed") && under.has_won(WON));
        assert_eq!(now.planned_under(&now), now);
    }
}
