//! What expressions come to: their type, and their value for a deal.

use super::*;

#[test]
fn expressions_come_to_values() {
    use Type::{Any, Boolean, Date, DateTime, Null, Number, Text};
    let rows: &[(&str, Type, &str)] = &[
        // Literals are what is written.
        ("0.9", Number, "0.9"),
        ("0.1 + 0.2", Number, "0.3"),
        ("-0.1", Number, "-0.1"),
        ("1.10", Number, "1.1"),
        ("1e3", Number, "1000"),
        ("1.5e-7", Number, "0.00000015"),
        (".5", Number, "0.5"),
        ("123456789.123456", Number, "123456789.123456"),
        ("9223372036854775807", Number, "9223372036854775807"),
        ("0x10", Number, "16"),
        ("true", Boolean, "true"),
        ("null", Null, "null"),
        ("'it\\'s'", Text, "\"it's\""),
        ("r'a\\b'", Text, "\"a\\\\b\""),
        ("\"\"\"two\nlines\"\"\"", Text, "\"two\\nlines\""),
        ("1 // one\n + 1", Number, "2"),
        // Fields, of records and of their parents.
        ("opportunity.Name", Text, "\"Acme renewal\""),
        ("opportunity.Amount", Number, "12000.50"),
        ("opportunity.CloseDate", Date, "2026-03-31"),
        ("opportunity.CreatedDate", DateTime, "2026-01-31T10:00:00Z"),
        ("opportunity.IsWon", Boolean, "true"),
        ("opportunity.NextStep", Text, "null"),
        ("opportunity.Description", Text, "null"),
        ("opportunity.LeadSource", Text, "null"),
        ("opportunity.Owner.Email", Text, "\"rep@example.test\""),
        ("opportunity.RecordType.DeveloperName", Text, "\"New_Business\""),
        ("opportunity.Account.Name == account.Name", Boolean, "true"),
        ("account.CSM__r.Email", Text, "\"csm@example.test\""),
        ("account.Billing_Email__c", Text, "\"ap@acme.test\""),
        ("product.Family", Text, "\"Software\""),
        ("line.Product2.Family", Text, "\"Software\""),
        ("opportunity.Tier__c", Any, "\"Gold\""),
        ("opportunity.Parent__r.Deeper__r.Rank__c + 1", Number, "4"),
        ("today", Date, "2026-02-15"),
        ("now", DateTime, "2026-02-15T12:00:00Z"),
        // Arithmetic.
        ("7 / 2", Number, "3.5"),
        ("1 / 3", Number, "0.3333333333333333333333333333"),
        ("7 % 4", Number, "3"),
        ("-7 % 4", Number, "-3"),
        ("2 + 3 * 4 - 1", Number, "13"),
        ("(2 + 3) * 4", Number, "20"),
        ("-opportunity.Amount", Number, "-12000.5"),
        ("5 - -opportunity.Score__c", Number, "12"),
        ("5--1", Number, "6"),
        ("(5)--1", Number, "6"),
        ("-(0)", Number, "0"),
        ("-0.0", Number, "0"),
        ("opportunity.Amount * 0.19", Number, "2280.095"),
        ("opportunity.Score__c * 2", Number, "14"),
        ("opportunity.Score__c + opportunity.Score__c", Any, "14"),
        ("10.00 - 0.00", Number, "10"),
        // More than 28 digits, but the last of them is a zero.
        ("(156597733565 - 337359.558292) * -505937463765", Number, "-79228489468384012637069.71062"),
        ("'a' + 'b'", Text, "\"ab\""),
        ("'Deal: ' + opportunity.Name", Text, "\"Deal: Acme renewal\""),
        ("opportunity.Tier__c + '!'", Text, "\"Gold!\""),
        ("opportunity.Tier__c + opportunity.Tier__c", Any, "\"GoldGold\""),
        // Dates.
        ("date('2026-01-31')", Date, "2026-01-31"),
        ("dateTime('2026-01-31T10:00:00Z')", DateTime, "2026-01-31T10:00:00Z"),
        ("today + days(30)", Date, "2026-03-17"),
        ("days(1) + today", Date, "2026-02-16"),
        ("today - days(15)", Date, "2026-01-31"),
        ("now + days(1)", DateTime, "2026-02-16T12:00:00Z"),
        ("now - days(1)", DateTime, "2026-02-14T12:00:00Z"),
        ("opportunity.CloseDate - today", Number, "44"),
        ("opportunity.Go_Live__c + days(1)", Date, "2026-04-02"),
        ("opportunity.Go_Live__c - today", Number, "45"),
        ("opportunity.Go_Live__c > today", Boolean, "true"),
        ("today < opportunity.Go_Live__c", Boolean, "true"),
        ("opportunity.CloseDate >= date('2026-03-31')", Boolean, "true"),
        ("date(opportunity.CreatedDate)", Date, "2026-01-31"),
        ("opportunity.CreatedDate < now", Boolean, "true"),
        ("date(opportunity.Go_Live__c)", Date, "2026-04-01"),
        // Comparison.
        ("opportunity.StageName == 'Closed Won'", Boolean, "true"),
        ("opportunity.Amount == 12000.5", Boolean, "true"),
        ("opportunity.Amount > 10000 && opportunity.Amount <= 20000", Boolean, "true"),
        ("opportunity.Tier__c == 'Gold'", Boolean, "true"),
        ("opportunity.Tier__c != 'Gold'", Boolean, "false"),
        ("opportunity.Score__c >= 7", Boolean, "true"),
        ("opportunity.Flag__c", Any, "true"),
        ("opportunity.Flag__c && opportunity.IsWon", Boolean, "true"),
        ("opportunity.NextStep == null", Boolean, "true"),
        ("opportunity.NextStep != null", Boolean, "false"),
        ("opportunity.NextStep == 'Call'", Boolean, "false"),
        ("opportunity.NextStep != 'Call'", Boolean, "true"),
        ("opportunity.Empty__c == null", Boolean, "true"),
        ("null == null", Boolean, "true"),
        ("'a' < 'b'", Boolean, "true"),
        ("opportunity.StageName in ['Closed Won', 'Signed']", Boolean, "true"),
        ("opportunity.Tier__c in ['Silver', 'Bronze']", Boolean, "false"),
        ("opportunity.Probability in [90, 100]", Boolean, "true"),
        ("opportunity.NextStep in ['Call']", Boolean, "false"),
        ("opportunity.NextStep in ['Call', null]", Boolean, "true"),
        ("1 in []", Boolean, "false"),
        ("default(opportunity.NextStep, '') == ''", Boolean, "true"),
        // Logic.
        ("!opportunity.IsWon", Boolean, "false"),
        ("opportunity.IsPrivate || opportunity.IsWon", Boolean, "true"),
        ("opportunity.IsWon ? 'won' : 'open'", Text, "\"won\""),
        ("opportunity.IsPrivate ? 1 : opportunity.IsWon ? 2 : 3", Number, "2"),
        ("opportunity.IsPrivate ? opportunity.Amount : null", Number, "null"),
        ("opportunity.IsWon ? opportunity.Score__c : 0", Number, "7"),
        ("has(opportunity.Amount)", Boolean, "true"),
        ("has(opportunity.NextStep)", Boolean, "false"),
        ("has(opportunity.Description)", Boolean, "false"),
        ("has(account.Billing_Email__c)", Boolean, "true"),
        ("has(opportunity.Owner.Phone)", Boolean, "false"),
        // Functions.
        ("opportunity.StageName.startsWith('Closed')", Boolean, "true"),
        ("opportunity.StageName.endsWith('Won')", Boolean, "true"),
        ("opportunity.StageName.contains('sed W')", Boolean, "true"),
        ("opportunity.Tier__c.lowerAscii()", Text, "\"gold\""),
        ("'straße'.upperAscii()", Text, "\"STRAßE\""),
        ("' a '.trim()", Text, "\"a\""),
        ("size('straße')", Number, "6"),
        ("'abc'.size()", Number, "3"),
        ("size(lines)", Number, "3"),
        ("lines.size() == 3", Boolean, "true"),
        ("default(opportunity.NextStep, 'none')", Text, "\"none\""),
        ("default(opportunity.Amount, 0)", Number, "12000.50"),
        ("default(opportunity.Empty__c, 5) + 1", Number, "6"),
        ("default(null, 1)", Number, "1"),
        ("round(2.345, 2)", Number, "2.35"),
        ("round(-2.345, 2)", Number, "-2.35"),
        ("round(2.5)", Number, "3"),
        ("round(-2.5, 0)", Number, "-3"),
        ("round(1.20, 2)", Number, "1.2"),
        ("min(3, 1, 2)", Number, "1"),
        ("max(opportunity.Amount, 20000)", Number, "20000"),
        ("text(opportunity.Amount)", Text, "\"12000.5\""),
        ("text(7 / 2) + '%'", Text, "\"3.5%\""),
        ("text(true)", Text, "\"true\""),
        ("text(today)", Text, "\"2026-02-15\""),
        ("text(now)", Text, "\"2026-02-15T12:00:00Z\""),
        ("text(opportunity.Score__c)", Text, "\"7\""),
        ("number('12.50') + 1", Number, "13.5"),
        ("number(' 3 '.trim())", Number, "3"),
        // Lists.
        ("lines.exists(l, l.Quantity > 4)", Boolean, "true"),
        ("lines.all(l, l.Quantity > 0)", Boolean, "true"),
        ("lines.all(l, l.TotalPrice > 0)", Boolean, "false"),
        ("lines.exists_one(l, l.Product2.Family == 'Services')", Boolean, "true"),
        ("lines.exists_one(l, l.Product2.Family == 'Software')", Boolean, "false"),
        ("size(lines.filter(l, l.Product2.Family == 'Software'))", Number, "2"),
        ("sum(lines.map(l, l.TotalPrice))", Number, "350.25"),
        ("sum(lines.map(l, l.Quantity > 1, l.TotalPrice))", Number, "100"),
        ("sum(lines.filter(l, l.Product2.Family == 'Software').map(l, l.TotalPrice * l.Quantity))", Number, "200"),
        ("sum(lines.map(l, default(l.Discount, 0)))", Number, "105"),
        ("sum([])", Number, "0"),
        ("max(lines.map(l, l.TotalPrice))", Number, "250.25"),
        ("min([3, 2.5])", Number, "2.5"),
        ("'Services' in lines.map(l, l.Product2.Family)", Boolean, "true"),
        ("[1, 2, 3].exists(n, n > 2)", Boolean, "true"),
        ("lines.map(l, l.Quantity).filter(q, q > 1).all(q, q >= 2)", Boolean, "true"),
        ("lines.all(a, lines.exists(b, b.Quantity > a.Quantity || b.Quantity == 5))", Boolean, "true"),
        ("products.exists_one(p, p.Family == 'Services')", Boolean, "true"),
        ("size(lines.map(l, l))", Number, "3"),
        ("lines.map(l, l.Product2).all(p, has(p.Family))", Boolean, "true"),
    ];
    for (source, value_type, value) in rows {
        let expression = compiled(source, &Any).unwrap_or_else(|problems| panic!("{source}: {problems:?}"));
        assert_eq!(expression.value_type(), value_type, "{source}");
        assert!(expression.warnings().is_empty(), "{source}: {:?}", expression.warnings());
        assert_eq!(evaluated(source), *value, "{source}");
    }
    assert!(rows.len() > 120);
}

#[test]
fn a_field_of_unknown_type_becomes_what_is_wanted() {
    for (source, wanted, value) in [
        ("opportunity.Score__c", Type::Number, Ok("7")),
        ("opportunity.Go_Live__c", Type::Date, Ok("2026-04-01")),
        ("opportunity.Go_Live__c", Type::Text, Ok("\"2026-04-01\"")),
        ("opportunity.Empty__c", Type::Date, Ok("null")),
        ("opportunity.Tier__c", Type::Number, Err("opportunity.Tier__c is a text, and a number is needed.")),
        ("null", Type::Number, Ok("null")),
    ] {
        let expression = compiled(source, &wanted).expect("it may be");
        assert_eq!(*expression.value_type(), wanted, "{source}");
        let found = expression.evaluate(&deal().inputs()).map(|value| shown(&value)).map_err(|why| why.message);
        assert_eq!(found, value.map(str::to_owned).map_err(str::to_owned), "{source}");
    }
}

#[test]
fn what_is_read_is_told() {
    let source = "lines.exists(l, l.Product2.Family == 'A' && l.Quantity > 1) && has(account.Parent.Name) && \
                  opportunity.Amount > 1 && opportunity.Amount < 5 && account.Name != 'x' && now > opportunity.CreatedDate";
    let expression = compiled(source, &Type::Boolean).expect("right");
    let fields: Vec<_> = expression
        .fields()
        .map(|read| (read.variable.as_str(), read.path.as_str(), read.record_path.as_str()))
        .collect();
    assert_eq!(
        fields,
        [
            ("account", "Name", "Account.Name"),
            ("account", "Parent.Name", "Account.Parent.Name"),
            ("lines", "Product2.Family", "Product2.Family"),
            ("lines", "Quantity", "Quantity"),
            ("opportunity", "Amount", "Amount"),
            ("opportunity", "CreatedDate", "CreatedDate"),
        ]
    );
    assert_eq!(expression.variables().collect::<Vec<_>>(), ["account", "lines", "now", "opportunity"]);
    let of_the_list = compiled("size(lines)", &Type::Number).expect("right");
    assert_eq!((of_the_list.fields().count(), of_the_list.variables().collect::<Vec<_>>()), (0, vec!["lines"]));
}

#[test]
fn one_field_alone_can_be_written() {
    for (source, wanted, path) in [
        ("opportunity.Owner.Email", Type::Any, Some("Owner.Email")),
        ("account.Name", Type::Text, Some("Account.Name")),
        ("(opportunity.Score__c)", Type::Number, Some("Score__c")),
        ("opportunity.Amount + 0", Type::Number, None),
        ("default(opportunity.Amount, 0)", Type::Number, None),
        ("has(opportunity.Amount)", Type::Boolean, None),
        ("today", Type::Date, None),
        ("'Amount'", Type::Text, None),
    ] {
        let expression = compiled(source, &wanted).expect("right");
        assert_eq!(expression.as_field().map(|field| field.record_path.as_str()), path, "{source}");
    }
}

/// Not needed for an answer, but what a person should look at.
#[test]
fn what_may_be_wrong_is_a_warning() {
    for (source, at, message) in [
        (
            "opportunity.Stripe_Invoice_Idd__c == 'x'",
            0..33,
            "Stripe_Invoice_Idd__c of Opportunity is not known, and is near to Stripe_Invoice_Id__c: is that what is meant?",
        ),
        (
            "opportunity.Quota.Name == 'x'",
            0..17,
            "Quota of Opportunity is not known: check that your organization has it.",
        ),
        (
            "opportunity.SharingMode == 'x'",
            0..23,
            "SharingMode of Opportunity is not known: check that your organization has it.",
        ),
    ] {
        let expression = compiled(source, &Type::Boolean).expect("a warning is no error");
        let [warning] = expression.warnings() else { panic!("{source}: {:?}", expression.warnings()) };
        assert_eq!((&warning.at, warning.message.as_str()), (&at, message));
    }
}

/// What the README shows is right, and decided or not for a reason.
#[test]
fn the_examples_of_the_readme_are_right() {
    let page = include_str!("../../README.md");
    let blocks = page.split("```cel\n").skip(1).filter_map(|block| block.split("```").next()).flat_map(str::lines);
    let cells = page.lines().filter(|line| line.starts_with("| `lines.")).filter_map(|line| line.split('`').nth(1));
    let examples: Vec<_> = blocks.chain(cells).collect();
    assert!(examples.len() >= 16, "{examples:?}");
    for example in examples {
        // A list is no value, but what it is made of has to be right.
        let is_list = example.contains(".filter(l, l.TotalPrice > 0)") || example.starts_with("lines.map(");
        let source = if is_list { format!("size({example})") } else { example.to_owned() };
        let expression = compiled(&source, &Type::Any).unwrap_or_else(|problems| panic!("{example}: {problems:?}"));
        assert!(expression.warnings().is_empty(), "{example}: {:?}", expression.warnings());
    }
}

/// Wherever it holds, the other one does.
#[test]
fn what_asks_for_more_implies_what_asks_for_less() {
    let is = |one: &str, other: &str| {
        let compiled = |source| compiled(source, &Type::Boolean).expect("an expression");
        compiled(one).implies(&compiled(other))
    };
    let won = "opportunity.IsWon";
    for (one, other) in [
        (won, won),
        ("opportunity.IsWon && opportunity.Amount > 5", won),
        ("opportunity.Amount > 5 && (opportunity.IsPrivate && opportunity.IsWon)", won),
        ("opportunity.Amount > 5 && opportunity.IsWon", "opportunity.IsWon && opportunity.Amount>5 // the same"),
        ("opportunity.Name == 'a' && opportunity.IsWon", "opportunity.Name == \"a\""),
    ] {
        assert!(is(one, other), "{one} implies {other}");
    }
    for (one, other) in [
        (won, "opportunity.IsWon && opportunity.Amount > 5"),
        ("opportunity.IsWon || opportunity.Amount > 5", won),
        ("!opportunity.IsWon", won),
        ("opportunity.Amount > 5 // && opportunity.IsWon", won),
        ("opportunity.Name == '&& opportunity.IsWon'", won),
        ("opportunity.IsPrivate ? opportunity.IsWon : opportunity.Amount > 5 && opportunity.IsWon", won),
    ] {
        assert!(!is(one, other), "{one} implies {other}");
    }
}
