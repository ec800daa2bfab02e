//! What cannot be decided for some records is told in a sentence, and never decided by chance.

use super::*;

#[test]
fn what_cannot_be_decided_says_why() {
    let rows = [
        (
            "opportunity.Empty__c > 5",
            "opportunity.Empty__c is empty, and a number is needed: fill it in, or write default(opportunity.Empty__c, 0).",
        ),
        (
            "opportunity.NextStep.startsWith('x')",
            "opportunity.NextStep is empty, and a text is needed: fill it in, or write default(opportunity.NextStep, \"\").",
        ),
        (
            "1 + opportunity.ExpectedRevenue",
            "opportunity.ExpectedRevenue is empty, and a number is needed: fill it in, or write default(opportunity.ExpectedRevenue, 0).",
        ),
        (
            "'a' + opportunity.NextStep",
            "opportunity.NextStep is empty, and a text is needed: fill it in, or write default(opportunity.NextStep, \"\").",
        ),
        (
            "opportunity.Stripe_Start_Date__c + days(1)",
            "opportunity.Stripe_Start_Date__c is empty, and a date is needed: fill it in, or write default(opportunity.Stripe_Start_Date__c, today).",
        ),
        (
            "today > opportunity.Stripe_Start_Date__c",
            "opportunity.Stripe_Start_Date__c is empty, and a date is needed: fill it in, or write default(opportunity.Stripe_Start_Date__c, today).",
        ),
        (
            "!opportunity.Payment_Received__c",
            "opportunity.Payment_Received__c is empty, and true or false is needed: fill it in, or write default(opportunity.Payment_Received__c, false).",
        ),
        (
            "opportunity.Empty__c == 1 || opportunity.Empty__c",
            "opportunity.Empty__c is empty, and true or false is needed: fill it in, or write default(opportunity.Empty__c, false).",
        ),
        ("opportunity.Tier__c > 5", "opportunity.Tier__c is a text, and a number is needed."),
        ("opportunity.Score__c == 'x'", "opportunity.Score__c is a number, and a text is needed."),
        ("opportunity.Flag__c + 1", "opportunity.Flag__c is true or false, and a number is needed."),
        (
            "opportunity.Tier__c > today",
            "opportunity.Tier__c is no date as 2026-01-31: if it has a time, write date(dateTime(opportunity.Tier__c)).",
        ),
        (
            "opportunity.Tier__c == opportunity.Score__c",
            "opportunity.Tier__c is a text, and opportunity.Score__c a number: they cannot be compared.",
        ),
        (
            "opportunity.Tier__c + opportunity.Score__c",
            "opportunity.Tier__c is a text, and opportunity.Score__c a number: + does not mix them.",
        ),
        ("opportunity.Tier__c in [1, 2]", "opportunity.Tier__c is a text, and a number is needed."),
        ("number(opportunity.Name)", "opportunity.Name cannot be read as a number as 12.50."),
        ("date(opportunity.Name)", "opportunity.Name cannot be read as a date as 2026-01-31."),
        (
            "dateTime(opportunity.Name)",
            "opportunity.Name cannot be read as a date with a time as 2026-01-31T10:00:00Z.",
        ),
        (
            "text(opportunity.NextStep)",
            "opportunity.NextStep is empty, and a text is needed: fill it in, or write default(opportunity.NextStep, \"\").",
        ),
        (
            "opportunity.Amount / opportunity.TotalOpportunityQuantity",
            "There is a division by zero: ask for that case first, as in x == 0 ? 0 : y / x.",
        ),
        ("1 % (1 - 1)", "There is a division by zero: ask for that case first, as in x == 0 ? 0 : y / x."),
        (
            "9223372036854775807 * 9223372036854775807",
            "The result of * is larger than a number can be, with 28 digits.",
        ),
        (
            "0.00000000000001 * 0.000000000000001",
            "The result of * has more than 28 digits: round(x, n) the numbers first.",
        ),
        ("1e28 + 0.1", "The result of + has more than 28 digits: round(x, n) the numbers first."),
        ("1e28 - 0.1", "The result of - has more than 28 digits: round(x, n) the numbers first."),
        ("round(1, opportunity.Amount)", "round takes 0 to 28 decimals, and a whole number of them."),
        ("today + days(0.5)", "days takes a whole number that the calendar has room for."),
        ("today + days(100000000)", "days takes a whole number that the calendar has room for."),
        ("today + days(9000000)", "The date lies outside of the calendar, which ends with the year 9999."),
        ("now - days(9000000)", "The date lies outside of the calendar, which ends with the year 9999."),
        (
            "min(lines.filter(l, false).map(l, l.Quantity))",
            "min has nothing to choose from: ask for size(x) == 0 first.",
        ),
        ("sum(lines.map(l, l.Discount))", "sum takes numbers, and number 1 of its list is empty: write default(x, 0)."),
        (
            "lines.exists_one(l, l.Discount > 1)",
            "l.Discount is empty, and a number is needed: fill it in, or write default(l.Discount, 0).",
        ),
    ];
    for (source, why) in rows {
        assert_eq!(evaluated(source), format!("undecided: {why}"), "{source}");
    }
}

#[test]
fn a_variable_that_is_not_given_is_told() {
    for (source, name) in [
        ("opportunity.Amount > 1", "opportunity"),
        ("lines.exists(l, l.Quantity > 1)", "lines"),
        ("today > date('2026-01-01')", "today"),
    ] {
        let expression = compiled(source, &Type::Boolean).expect("right");
        let why = expression.evaluate(&Inputs::default()).expect_err("nothing is given");
        assert_eq!(why.message, format!("There is no {name} for this record."));
    }
}

/// A record that does not hold what its schema says is somebody's mistake, and is told.
#[test]
fn a_value_of_another_type_than_the_schema_says_is_told() {
    let odd = record(&[("Amount", text("12")), ("CloseDate", text("tomorrow")), ("IsWon", number("1"))]);
    let inputs = Inputs::default().record("opportunity", &odd);
    for (source, why) in [
        ("opportunity.Amount > 1", "opportunity.Amount is a text, and a number is needed."),
        ("opportunity.IsWon", "opportunity.IsWon is a number, and true or false is needed."),
        (
            "opportunity.CloseDate == null",
            "opportunity.CloseDate is no date as 2026-01-31: if it has a time, write date(dateTime(opportunity.CloseDate)).",
        ),
    ] {
        let undecided = compiled(source, &Type::Any).expect("right").evaluate(&inputs).expect_err(source);
        assert_eq!(undecided.message, why);
    }
}

#[test]
fn no_expression_runs_for_ever() {
    let deal = deal();
    let lines = vec![deal.lines[0].clone(); 2_000];
    let inputs = deal.inputs().records("lines", &lines);
    for source in [
        "lines.all(a, lines.all(b, lines.all(c, a.Quantity <= b.Quantity && b.Quantity <= c.Quantity)))",
        "size(lines.map(a, size(lines.map(b, sum(lines.map(c, a.Quantity + b.Quantity + c.Quantity)))))) > 0",
        "true && lines.all(a, lines.all(b, lines.all(c, true)))",
    ] {
        let why = compiled(source, &Type::Boolean).expect("right").evaluate(&inputs).expect_err("too many steps");
        assert!(why.message.starts_with("The expression takes more than 1000000 steps"), "{why}");
    }
    let once = "sum(lines.map(l, round(l.TotalPrice * l.Quantity * 0.9, 2))) > 100 && lines.all(l, l.Product2.Family in ['Software'])";
    let value = compiled(once, &Type::Boolean).expect("right").evaluate(&inputs);
    assert_eq!(value, Ok(Value::Boolean(true)));
}

/// Sentences go to logs and to people who may not see the record.
#[test]
fn sentences_hold_no_values() {
    for source in ["number(opportunity.Name)", "opportunity.Tier__c > 1", "date(opportunity.Tier__c)"] {
        let why = evaluated(source);
        assert!(why.starts_with("undecided") && !why.contains("Acme") && !why.contains("Gold"), "{why}");
    }
    assert_eq!(format!("{:?}", Value::Text("Acme".to_owned())), "Text(…)");
}
