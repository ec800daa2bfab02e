//! When two plans are the same.

use super::*;

/// The plan of the deal with one thing different.
fn planned(change: impl FnOnce(&mut Deal)) -> Plan {
    let mut deal = deal();
    change(&mut deal);
    plan(&deal, &settings()).expect("billable").0
}

#[test]
fn an_approval_is_no_other_plan_and_everything_else_is() {
    let as_it_is = planned(|_| ());
    let approved = planned(set("Stripe_Approved_Amount__c", number("150.00")));
    assert!(as_it_is.plans_the_same_as(&approved) && approved.plans_the_same_as(&as_it_is));
    let renamed = planned(|deal| deal.lines[0].set("Description", text("Gold")));
    assert!(!as_it_is.plans_the_same_as(&renamed));
    let elsewhere = Plan { contract_id: domain::ContractId::parse("800000000000001AAA").ok(), ..as_it_is.clone() };
    assert!(as_it_is.plans_the_same_as(&elsewhere) && as_it_is.bills_the_same_as(&elsewhere));
    for (amount, is_approved) in [("149.99", false), ("150.00", true), ("150.01", true), ("150.001", false)] {
        let plan = planned(set("Stripe_Approved_Amount__c", number(amount)));
        assert_eq!(plan.is_approved_for(plan.total), is_approved, "{amount}");
    }
    assert!(!as_it_is.is_approved_for(as_it_is.total));
}

#[test]
fn what_was_billed_is_account_amounts_and_quantities() {
    let as_it_is = planned(|_| ());
    let amounts = |first: &'static str, second: &'static str| {
        planned(move |deal| {
            deal.lines[0].set("TotalPrice", number(first));
            deal.lines[1].set("TotalPrice", number(second));
        })
    };
    let same = [
        planned(|deal| deal.lines.reverse()),
        planned(|deal| deal.lines[0].set("Description", text("Gold"))),
        planned(set("Account.Name", text("Acme AG"))),
    ];
    assert!(same.iter().all(|plan| plan.bills_the_same_as(&as_it_is)));
    // As if it was billed from the opportunity's products, and is read from its quote now.
    let elsewhere = planned(|deal| {
        deal.lines[0].set("Id", text("a0X000000000001"));
        deal.lines[1].set("Id", text("a0X000000000002"));
    });
    assert!(elsewhere.bills_the_same_as(&as_it_is));
    let other = [
        planned(|deal| {
            deal.lines[0].set("Id", text("a0X000000000001"));
            deal.lines[0].set("TotalPrice", number("90"));
            deal.lines[1].set("Id", text("a0X000000000002"));
            deal.lines[1].set("TotalPrice", number("60"));
        }),
        planned(set("AccountId", text("001000000000002AAA"))),
        planned(|deal| deal.lines[0].set("Quantity", number("3"))),
        planned(|deal| deal.lines[0].set("Id", text("00k000000000003AAA"))),
        amounts("90", "60"),
        Plan { total: Money::from_minor_units(1, as_it_is.total.currency()), ..as_it_is.clone() },
    ];
    for (index, plan) in other.iter().enumerate() {
        assert!(!plan.bills_the_same_as(&as_it_is), "{index}");
    }
}
