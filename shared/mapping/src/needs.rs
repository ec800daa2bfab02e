//! What a deployment of these settings reads and writes in Salesforce, for whoever checks that it can. There is no list of fields in here:
//! the queries and updates are those that the work makes, of records that nobody has.

use std::collections::BTreeSet;

use domain::{AccountId, Currency, CustomerId, InvoiceId, Money, OpportunityId, SubscriptionId};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::activation::activations;
use crate::{
    Asked, CaseStep, Dues, Dunning, Failure, FieldNames, Lost, RecordQuery, Search, Settings, Standing, Subscriptions,
    TaskStep, Written, account_query, accounts_query, deal_queries, deals_query, mended_query, names_asking,
    paid_query, won_query, written,
};

/// What is read of any record, what is written to records that are there, and what is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs {
    pub queries: Vec<RecordQuery>,
    pub written: Vec<Written>,
    pub made: Vec<Written>,
    /// By these all of them are called in the organization.
    pub names: FieldNames,
}

pub fn needs(settings: &Settings) -> Needs {
    let names = settings.lens.names.clone();
    let Some(nobody) = Nobody::new(settings.org_currency) else {
        return Needs { queries: Vec::new(), written: written(settings), made: Vec::new(), names };
    };
    let mut needs = Needs { queries: nobody.of_deals(settings), written: written(settings), made: Vec::new(), names };
    let begins = settings.subscriptions != Subscriptions::Off;
    if begins && settings.mirrors_standings() {
        nobody.add_standings(settings, &mut needs);
    }
    if settings.payment_cases.is_some() {
        nobody.add_cases(settings, &mut needs);
    }
    if settings.notifications.is_some() {
        needs.queries.push(names_asking(&nobody.opportunity_id, settings));
    }
    // Where one wrote, one also reads what was written.
    let read_back = needs.written.iter().map(|written| RecordQuery {
        object: written.object,
        fields: written.fields.iter().copied().collect(),
        also: vec![],
        filter: vec![],
        order_by: vec![],
        limit: None,
    });
    needs.queries.extend(read_back.collect::<Vec<_>>());
    needs
}

/// Ids that are well formed and lead nowhere.
struct Nobody {
    opportunity_id: OpportunityId,
    account_id: AccountId,
    customer_id: CustomerId,
    invoice_id: InvoiceId,
    subscription_id: SubscriptionId,
    nothing: Money,
    currency: Currency,
}

impl Nobody {
    fn new(currency: Currency) -> Option<Self> {
        Some(Self {
            opportunity_id: OpportunityId::parse("006000000000000AAA").ok()?,
            account_id: AccountId::parse("001000000000000AAA").ok()?,
            customer_id: CustomerId::parse("cus_nobody").ok()?,
            invoice_id: InvoiceId::parse("in_nobody").ok()?,
            subscription_id: SubscriptionId::parse("sub_nobody").ok()?,
            nothing: Money::from_minor_units(0, currency),
            currency,
        })
    }

    /// Of every deal, by the worker and by the reconciler.
    fn of_deals(&self, settings: &Settings) -> Vec<RecordQuery> {
        let since = Timestamp::UNIX_EPOCH;
        let mut queries = deal_queries(&self.opportunity_id, settings);
        queries.extend([
            paid_query(&self.opportunity_id, settings),
            account_query(&self.account_id, settings),
            accounts_query(since, None, 1, settings),
            won_query(since, None, 1, settings),
            mended_query(since, None, 1, settings),
            deals_query(std::slice::from_ref(&self.opportunity_id), settings),
        ]);
        queries.extend(activations(settings).iter().map(|activation| activation.query(since, None, 1)));
        let lost = [Lost::Invoice(self.invoice_id.clone())].into_iter();
        let begun = Some(Lost::Subscription(self.subscription_id.clone()));
        for lost in lost.chain(begun.filter(|_| settings.subscriptions != Subscriptions::Off)) {
            let search =
                Search { lost, customer_id: Some(self.customer_id.clone()), account_id: Some(self.account_id.clone()) };
            queries.extend(search.queries());
        }
        queries
    }

    fn add_standings(&self, settings: &Settings, needs: &mut Needs) {
        let standing = Standing {
            subscription_id: self.subscription_id.clone(),
            opportunity_id: self.opportunity_id.clone(),
            is_renewed: false,
            status: String::new(),
            is_over: true,
            currency: self.currency,
            monthly: None,
            period_end: None,
            cancellation: None,
        };
        let queries = standing.queries(settings);
        let task = standing.task(&Asked { owner_id: Some(String::new()) }, Date::ZERO);
        if queries.iter().any(|query| query.object == task.object) {
            needs.make(task.object, task.external_id.iter().chain(task.fields.keys()).copied());
        }
        needs.queries.extend(queries);
    }

    fn add_cases(&self, settings: &Settings, needs: &mut Needs) {
        let failure = Failure {
            invoice_id: self.invoice_id.clone(),
            opportunity_id: self.opportunity_id.clone(),
            dues: Dues::Open,
            remaining: self.nothing,
            attempts: 1,
            next_attempt: None,
            number: None,
            page: None,
            reason: None,
            due_on: None,
            remark: None,
        };
        let some = || Some(String::new());
        let steps = [
            (
                CaseStep::Open { account_id: some(), owner_id: some(), is_high: true },
                TaskStep::Make { about: String::new(), owner_id: some() },
            ),
            (
                CaseStep::Change { case_id: String::new(), owner_id: some(), raises: true },
                TaskStep::Close { task_id: String::new() },
            ),
            (
                CaseStep::Close { case_id: String::new(), status: String::new() },
                TaskStep::Close { task_id: String::new() },
            ),
        ];
        for (case, task) in steps {
            for update in failure.updates(&Dunning { case: Some(case), task: Some(task), else_to: None }, Date::ZERO) {
                let fields = update.external_id.iter().chain(update.fields.keys()).copied();
                match update.external_id {
                    Some(_) => needs.make(update.object, fields),
                    None => needs.write(update.object, fields),
                }
            }
        }
        needs.queries.extend(failure.asking(settings));
    }
}

impl Needs {
    fn make(&mut self, object: &'static str, fields: impl Iterator<Item = &'static str>) {
        add(&mut self.made, object, fields);
    }

    fn write(&mut self, object: &'static str, fields: impl Iterator<Item = &'static str>) {
        add(&mut self.written, object, fields);
    }
}

fn add(to: &mut Vec<Written>, object: &'static str, fields: impl Iterator<Item = &'static str>) {
    match to.iter_mut().find(|written| written.object == object) {
        Some(written) => written.fields.extend(fields),
        None => to.push(Written { object, fields: fields.collect::<BTreeSet<_>>() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ACCOUNT_FIELDS, LineSource, OPPORTUNITY_FIELDS};

    fn settings() -> Settings {
        Settings::new(Currency::parse("USD").expect("valid"))
    }

    fn reads(needs: &Needs, object: &str, field: &str) -> bool {
        needs.queries.iter().any(|query| query.object == object && query.fields.contains(&field))
    }

    fn makes(needs: &Needs, object: &str, field: &str) -> bool {
        needs.made.iter().any(|made| made.object == object && made.fields.contains(field))
    }

    #[test]
    fn what_every_deal_needs_is_there() {
        let needs = needs(&Settings { payment_cases: None, ..settings() });
        for field in OPPORTUNITY_FIELDS.iter().chain(ACCOUNT_FIELDS) {
            assert!(reads(&needs, "Opportunity", field), "{field}");
        }
        assert!(
            reads(&needs, "OpportunityLineItem", "Quantity")
                && reads(&needs, "OpportunityContactRole", "Contact.Email")
        );
        assert!(!reads(&needs, "Opportunity", "CurrencyIsoCode") && needs.made.is_empty());
        for written in written(&settings()) {
            assert!(written.fields.iter().all(|field| reads(&needs, written.object, field)), "{written:?}");
        }
    }

    #[test]
    fn what_is_set_up_besides_needs_more() {
        let plain = needs(&settings());
        assert!(makes(&plain, "Case", "Stripe_Invoice_Id__c") && makes(&plain, "Task", "Stripe_Id__c"));
        assert!(plain.written.iter().any(|written| written.object == "Case" && written.fields.contains("Status")));
        let cpq = needs(&Settings {
            line_source: LineSource::CpqQuote,
            subscriptions: Subscriptions::ClosedWon,
            multi_currency: true,
            ..settings()
        });
        assert!(cpq.queries.iter().any(|query| query.object == "SBQQ__QuoteLine__c"));
        assert!(reads(&cpq, "Opportunity", "CurrencyIsoCode"));
        assert!(reads(&cpq, "Opportunity", crate::STATUS) && !reads(&plain, "Opportunity", crate::STATUS));
    }
}
