//! Rules that are asked of what becomes of deals: of their failed payments, of what is paid, and of what people are told. Those of failures decide;
//! the others ask, and decide of nothing that there is.

use mapping::{ABOUT, ACCOUNT, Branch, CaseDecision, INVOICE, OPPORTUNITY, PaidDecision, Rule, TellDecision};
use rules::{Expression, FAILED_INVOICE, PAID_INVOICE, Schema, Scope, Type};

use super::Scenario;

/// From which attempt on the cases of these are of high priority.
const HIGH_FROM: u32 = 2;

/// No deal is negative, and of some nobody knows.
const NONE: &str = "has(opportunity.Amount) && opportunity.Amount < 0 && has(account.Name)";

pub(super) fn rule(scenario: &mut Scenario) {
    let failed = format!("invoice.attempt_count >= 1 && invoice.amount_remaining > 0 && !({NONE})");
    if let Some(policy) = &mut scenario.settings.payment_cases {
        policy.rules = vec![one(FAILED_INVOICE, &failed, CaseDecision::HighFromAttempt(HIGH_FROM))];
        scenario.models.high_from = HIGH_FROM;
    }
    let paid = format!("invoice.amount_paid > 0 && {NONE}");
    scenario.settings.paid_rules = vec![one(PAID_INVOICE, &paid, PaidDecision::Stage("Onboarding".into()))];
    if let Some(policy) = &mut scenario.settings.notifications {
        let told = format!("(about == \"wins\" || about == \"failures\" || about == \"refusals\") && {NONE}");
        policy.rules = vec![one(FAILED_INVOICE, &told, TellDecision::Skip("Never".into()))];
    }
}

fn one<D>(invoice: &str, when: &str, then: D) -> Rule<D> {
    let schema = Schema::standard();
    let scope = Scope::new(&schema).record(OPPORTUNITY, "Opportunity").record_below(ACCOUNT, "Account", "Account.");
    let scope = scope.record(INVOICE, invoice).value(ABOUT, Type::Text);
    let when = Expression::compile(when, &scope, &Type::Boolean).expect("it is one");
    Rule {
        name: "Some".into(),
        when,
        then: Branch { decisions: vec![then], rules: vec![] },
        otherwise: Branch::default(),
    }
}
