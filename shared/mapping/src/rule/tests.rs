use domain::{Currency, FieldValue, LineItemId, PriceId};
use proptest::prelude::*;
use rules::{Schema, Scope, Type};

use super::*;
use crate::Quantity;

fn dollars() -> Currency {
    Currency::parse("USD").expect("a currency")
}

fn compile(source: &str, wanted: Type) -> Expression {
    let schema = Schema::standard();
    let scope = Scope::new(&schema).record(OPPORTUNITY, "Opportunity").record_below(ACCOUNT, "Account", "Account.");
    let scope = scope.records(LINES, "OpportunityLineItem");
    Expression::compile(source, &scope, &wanted).unwrap_or_else(|problems| panic!("{source}: {problems:?}"))
}

fn rule(name: &str, when: &str, then: Vec<Decision>) -> Rule {
    let then = Branch { decisions: then, rules: vec![] };
    Rule { name: name.into(), when: compile(when, Type::Boolean), then, otherwise: Branch::default() }
}

fn number(source: &str) -> Expression {
    compile(source, Type::Number)
}

fn deal() -> Deal {
    let mut opportunity = Record::default();
    opportunity.set("Amount", FieldValue::Number(Decimal::from(60_000)));
    opportunity.set("Account.Type", FieldValue::Text("Partner".into()));
    opportunity.set("NextStep", FieldValue::Null);
    Deal { opportunity, ..Deal::default() }
}

fn judged(rules: Vec<Rule>) -> Result<Judged, Stop> {
    judge(&deal(), &Settings { rules, ..Settings::new(dollars()) })
}

#[test]
fn what_is_decided_later_counts_and_every_rule_is_named() {
    let days = |days: &str| vec![Decision::DaysUntilDue(number(days))];
    let found = judged(vec![
        rule("Large", "opportunity.Amount > 50000", days("45")),
        rule("Small", "opportunity.Amount < 1000", days("7")),
        rule("Partners", "account.Type == \"Partner\"", days("opportunity.Amount / 1000")),
    ]);
    let found = found.expect("it is billed");
    assert_eq!((found.days_until_due, &found.by[..]), (Some(60), &["Large".to_owned(), "Partners".to_owned()][..]));
}

#[test]
fn a_branch_asks_further_and_what_ends_ends() {
    let refuse = |words: &str| Decision::Refuse(words.into());
    let inner = rule("Not approved", "opportunity.NextStep != \"Approved\"", vec![refuse("Ask finance to approve it")]);
    let mut outer = rule("Large", "opportunity.Amount > 50000", vec![]);
    outer.then.rules.push(inner);
    let stop =
        judged(vec![outer.clone(), rule("Never", "true || has(opportunity.Amount)", vec![])]).expect_err("it waits");
    assert_eq!(stop, Stop::refused(Code::RefusedByRule, "Ask finance to approve it (rule \"Not approved\")"));
    // The other way: nothing holds, so what stands there is decided.
    let mut small = rule("Small", "opportunity.Amount < 1000", vec![]);
    small.otherwise.decisions.push(Decision::Skip("Large ones are billed by hand".into()));
    let stop = judged(vec![small]).expect_err("it is left out");
    assert_eq!(stop, Stop::not_billable(Code::SkippedByRule, "Large ones are billed by hand (rule \"Small\")"));
}

#[test]
fn what_comes_to_nothing_is_a_reason_and_not_a_no() {
    for (rules, said) in [
        (
            vec![rule("Ordered", "opportunity.Discount__c > 3", vec![])],
            "rule \"Ordered\" comes to nothing: opportunity.Discount__c is empty",
        ),
        (
            vec![rule("Late", "opportunity.Amount > 0", vec![Decision::DaysUntilDue(number("opportunity.Amount"))])],
            "rule \"Late\" comes to nothing: 60000 is no whole number of days up to 365.",
        ),
        (
            vec![rule("Half", "opportunity.Amount > 0", vec![Decision::DaysUntilDue(number("7 / 2"))])],
            "3.5 is no whole number of days",
        ),
        (
            vec![rule("Free", "opportunity.Amount > 0", vec![Decision::Discount(number("100"))])],
            "a discount of 100 percent is none",
        ),
    ] {
        let stop = judged(rules).expect_err(said);
        assert_eq!(stop.code, Code::RuleUndecided);
        assert!(stop.message.contains(said), "{}", stop.message);
    }
}

fn line(minor_units: i64) -> PlanLine {
    PlanLine {
        key: LineItemId::parse("00k000000000001AAA").expect("valid"),
        description: "Support".into(),
        quantity: Quantity::Whole(1),
        amount: Money::from_minor_units(minor_units, dollars()),
        price: PriceId::parse("price_1").expect("valid"),
        negotiated: false,
        recurring: false,
        every: None,
    }
}

fn discounted(amounts: &[i64], percent: Decimal) -> (Vec<i64>, i64) {
    let judged = Judged { discount: Some(percent), ..Judged::default() };
    let total = Money::from_minor_units(amounts.iter().sum(), dollars());
    let (lines, total) = judged.discounted(amounts.iter().map(|amount| line(*amount)).collect(), total);
    (lines.iter().map(|line| line.amount.minor_units()).collect(), total.minor_units())
}

#[test]
fn a_discount_is_shared_to_the_last_cent() {
    for (amounts, percent, expected) in [
        (&[10_000, 5_000][..], 10, (vec![9_000, 4_500], 13_500)),
        (&[1, 1, 1], 50, (vec![1, 1, 0], 2)),
        (&[333, 333, 334], 10, (vec![300, 300, 300], 900)),
        (&[1_000], 0, (vec![1_000], 1_000)),
        (&[1_000, -200], 25, (vec![750, -150], 600)),
    ] {
        assert_eq!(discounted(amounts, Decimal::from(percent)), expected, "{amounts:?}");
    }
}

/// Without its lines an opportunity comes to the same.
#[test]
fn an_amount_alone_comes_to_what_the_lines_do() {
    let rules = vec![rule("Partners", "account.Type == \"Partner\"", vec![Decision::Discount(number("12.5"))])];
    let settings = Settings { rules, ..Settings::new(dollars()) };
    let total = Money::from_minor_units(6_000_001, dollars());
    let alone = with_discount(total, &deal().opportunity, &settings).expect("decided");
    assert_eq!(alone.minor_units(), discounted(&[6_000_000, 1], Decimal::new(125, 1)).1);
}

proptest! {
    #[test]
    fn no_cent_is_lost_or_made(amounts in proptest::collection::vec(1_i64..10_000_000, 1..250), per_mille in 0_i64..1_000) {
        let percent = Decimal::new(per_mille, 1);
        let (lines, total) = discounted(&amounts, percent);
        prop_assert_eq!(lines.iter().sum::<i64>(), total);
        let sum: i64 = amounts.iter().sum();
        let exact = Decimal::from(sum) * (Decimal::ONE_HUNDRED - percent) / Decimal::ONE_HUNDRED;
        prop_assert!((Decimal::from(total) - exact).abs() <= Decimal::new(5, 1));
        // No line is off by more than one of its minor units.
        for (amount, share) in amounts.iter().zip(&lines) {
            let fair = Decimal::from(*amount) * Decimal::from(total) / Decimal::from(sum);
            prop_assert!((Decimal::from(*share) - fair).abs() <= Decimal::ONE, "{} of {}", share, amount);
        }
    }
}

/// Of some currencies Stripe takes no single minor unit.
#[test]
fn a_discount_goes_by_the_currencys_steps() {
    for (code, amounts, percent, expected) in [
        ("ISK", &[1_000_500_i64, 500][..], Decimal::TEN, (&[900_500_i64, 400][..], 900_900)),
        ("KWD", &[1_230], Decimal::TEN, (&[1_110], 1_110)),
        ("JPY", &[999], Decimal::TEN, (&[899], 899)),
    ] {
        let currency = Currency::parse(code).expect("a currency");
        let judged = Judged { discount: Some(percent), ..Judged::default() };
        let total = Money::from_minor_units(amounts.iter().sum(), currency);
        let lines =
            amounts.iter().map(|amount| PlanLine { amount: Money::from_minor_units(*amount, currency), ..line(0) });
        let (lines, left) = judged.discounted(lines.collect(), total);
        let shares: Vec<_> = lines.iter().map(|line| line.amount.minor_units()).collect();
        assert_eq!((&shares[..], left.minor_units()), expected, "{code}");
        assert!(shares.iter().all(|share| share % currency.step() == 0), "{code}: {shares:?}");
    }
}

#[test]
fn a_discount_leaves_something() {
    let rules = vec![rule("All", "opportunity.Amount > 0", vec![Decision::Discount(number("99.9"))])];
    let settings = Settings { rules, ..Settings::new(dollars()) };
    let stop =
        with_discount(Money::from_minor_units(400, dollars()), &deal().opportunity, &settings).expect_err("nothing");
    assert_eq!(stop.code, Code::RuleUndecided);
    let left = with_discount(Money::from_minor_units(4_000, dollars()), &deal().opportunity, &settings);
    assert_eq!(left.map(Money::minor_units), Ok(4));
}
