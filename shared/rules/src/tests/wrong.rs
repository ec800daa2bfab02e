//! What people write by mistake, with what they are told and where: `wrong.txt`, for reading.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::*;

/// Each with the type that is wanted of it.
pub(super) const WRONG: &[(&str, Type)] = &[
    // What is no expression.
    ("", Type::Any),
    ("   // nothing", Type::Any),
    ("opportunity.Amount >", Type::Boolean),
    ("(opportunity.Amount > 1", Type::Boolean),
    ("opportunity.Amount > 1)", Type::Boolean),
    ("opportunity.Amount 5", Type::Boolean),
    ("opportunity.StageName = 'Closed Won'", Type::Boolean),
    ("opportunity.IsWon & true", Type::Boolean),
    ("opportunity.IsWon | true", Type::Boolean),
    ("opportunity.IsWon and true", Type::Boolean),
    ("opportunity.StageName == 'Closed Won", Type::Boolean),
    ("opportunity.StageName == “Closed Won”", Type::Boolean),
    ("opportunity.StageName <> 'Closed Won'", Type::Boolean),
    ("opportunity.StageName === 'Closed Won' && opportunity.IsWon", Type::Boolean),
    ("opportunity.StageName !== 'Closed Won'", Type::Boolean),
    ("opportunity.Name LIKE '%GmbH%' OR opportunity.IsWon", Type::Boolean),
    ("NOT opportunity.IsWon", Type::Boolean),
    ("opportunity.IsWon && not opportunity.IsPrivate", Type::Boolean),
    ("if opportunity.IsWon then 1 else 2", Type::Number),
    ("opportunity.StageName in ('Closed Won', 'Signed')", Type::Boolean),
    ("opportunity.StageName in ('Closed Won')", Type::Boolean),
    ("opportunity.StageName in (['Closed Won', 'Signed']) && opportunity.Amount >", Type::Boolean),
    ("opportunity.StageName NOT IN ('Closed Won', 'Signed')", Type::Boolean),
    ("opportunity.StageName IN ('Closed Won')", Type::Boolean),
    ("opportunity.Amount => 5", Type::Boolean),
    ("opportunity.Amount =< 5", Type::Boolean),
    ("opportunity.Amount > 1.000.000", Type::Boolean),
    ("opportunity.IsWon ? 1", Type::Number),
    ("opportunity.StageName in ['a', 'b'", Type::Boolean),
    ("opportunity.", Type::Any),
    ("if opportunity.IsWon", Type::Boolean),
    ("'\\q'", Type::Text),
    ("`opportunity`.Amount", Type::Number),
    ("1 + ", Type::Number),
    ("5 5", Type::Number),
    ("€ 5", Type::Number),
    ("opportunity.Amount > 1.000,50", Type::Boolean),
    ("12abc", Type::Number),
    ("@result", Type::Number),
    // Names.
    ("oportunity.Amount", Type::Number),
    ("Amount > 5", Type::Boolean),
    ("customer.Name", Type::Text),
    ("opportunity.Stage == 'Closed Won'", Type::Boolean),
    ("opportunity.amount > 5", Type::Boolean),
    ("opportunity.Ammount > 5", Type::Boolean),
    ("opportunity.Owner.EMail", Type::Text),
    ("opportunity.stripe_invoice_id__c", Type::Text),
    ("account.BillingEmail", Type::Text),
    ("account.Owners.Email", Type::Text),
    ("opportunity.AccountId.Name", Type::Text),
    ("account.CSM__c.Email", Type::Text),
    ("opportunity.Custom__c.Name", Type::Text),
    ("opportunity.Amount.Value", Type::Number),
    ("lines.TotalPrice", Type::Number),
    ("account.Parent.Parent.Parent.Parent.Parent.Parent.Name", Type::Text),
    ("account.Parent.Parent.Parent.Parent.Parent.Name", Type::Text),
    // Types.
    ("opportunity.Amount > \"10\"", Type::Boolean),
    ("opportunity.Amount == 'ten' && opportunity.StageName > 5", Type::Boolean),
    ("opportunity.StageName + opportunity.Amount", Type::Text),
    ("opportunity.CloseDate > '2026-01-31'", Type::Boolean),
    ("opportunity.CloseDate > opportunity.CreatedDate", Type::Boolean),
    ("opportunity.CloseDate + 30", Type::Date),
    ("opportunity.CloseDate + opportunity.CloseDate", Type::Date),
    ("opportunity.IsWon == 'true'", Type::Boolean),
    ("opportunity.IsWon > false", Type::Boolean),
    ("opportunity.IsWon && opportunity.Amount", Type::Boolean),
    ("!opportunity.StageName", Type::Boolean),
    ("-opportunity.StageName", Type::Number),
    ("opportunity.NextStep > null", Type::Boolean),
    ("null + 1", Type::Number),
    ("(opportunity.Amount + 1) * 'x'", Type::Number),
    ("opportunity.IsWon ? 1 : 'one'", Type::Any),
    ("[1, 'two']", Type::Any),
    ("opportunity.StageName in 'Closed Won'", Type::Boolean),
    ("opportunity.StageName in [1, 2]", Type::Boolean),
    ("opportunity.Amount in lines", Type::Boolean),
    ("opportunity.Account == account", Type::Boolean),
    ("opportunity.Owner == 'Ada'", Type::Boolean),
    ("[1] == [1]", Type::Boolean),
    ("[[1]]", Type::Any),
    ("opportunity.Amount", Type::Boolean),
    ("opportunity.StageName", Type::Number),
    ("opportunity", Type::Any),
    ("opportunity.Owner", Type::Text),
    ("lines", Type::Any),
    ("days(5)", Type::Any),
    ("opportunity.NextStep != ''", Type::Boolean),
    ("' ' == opportunity.Tier__c", Type::Boolean),
    ("opportunity.StageName in ['Closed Won', '']", Type::Boolean),
    ("opportunity.StageName in ['Closed Won', 'Signed ']", Type::Boolean),
    ("!!opportunity.StageName", Type::Text),
    ("- -opportunity.Name", Type::Text),
    // Functions and macros.
    ("opportunity.StageName.matches('Closed.*')", Type::Boolean),
    ("string(opportunity.Amount)", Type::Text),
    ("int(opportunity.Amount)", Type::Number),
    ("timestamp('2026-01-31T00:00:00Z')", Type::DateTime),
    ("opportunity.CloseDate.getFullYear()", Type::Number),
    ("startWith(opportunity.Name, 'a')", Type::Boolean),
    ("startsWith(opportunity.Name, 'a')", Type::Boolean),
    ("opportunity.Amount.round(2)", Type::Number),
    ("round(opportunity.Amount, 2, 3)", Type::Number),
    ("round(opportunity.Amount, 29)", Type::Number),
    ("round('1')", Type::Number),
    ("frobnicate(1)", Type::Number),
    ("ISBLANK(opportunity.Name)", Type::Boolean),
    ("opportunity.Name.contains(5)", Type::Boolean),
    ("opportunity.Amount.startsWith('1')", Type::Boolean),
    ("size(opportunity.Amount)", Type::Number),
    ("default(opportunity.Amount, 'none')", Type::Number),
    ("date('31.01.2026')", Type::Date),
    ("date('2026-02-30')", Type::Date),
    ("dateTime('2026-01-31')", Type::DateTime),
    ("number('12,50')", Type::Number),
    ("date(opportunity.Amount)", Type::Date),
    ("sum(lines)", Type::Number),
    ("sum(lines.map(l, l.Product2.Name))", Type::Number),
    ("max(opportunity.CloseDate, today)", Type::Date),
    ("opportunity.CloseDate > TODAY()", Type::Boolean),
    ("opportunity.CloseDate > today()", Type::Boolean),
    ("opportunity.CreatedDate > NOW()", Type::Boolean),
    ("has(opportunity)", Type::Boolean),
    ("has(opportunity.Owner)", Type::Boolean),
    ("has(opportunity.Stage)", Type::Boolean),
    ("has(1)", Type::Boolean),
    ("lines.exists(l.Quantity > 1)", Type::Boolean),
    ("lines.exists(1, true)", Type::Boolean),
    ("lines.exists(lines, true)", Type::Boolean),
    ("lines.exists(l, l.Quantity)", Type::Boolean),
    ("lines.all(l, lines.all(l, l.Quantity > 1))", Type::Boolean),
    ("opportunity.exists(o, o.Amount > 1)", Type::Boolean),
    ("lines.exists(l, l.Quantty > 1) || lines.exists(l, l.Totalprice > 1)", Type::Boolean),
    ("lines[0].Quantity > 1", Type::Boolean),
    ("lines.map(l, [l.Quantity])", Type::Any),
    // What CEL has and a rule has not.
    ("{'a': 1}", Type::Any),
    ("Account{Name: 'Acme'}", Type::Any),
    ("b'bytes'", Type::Any),
    ("5u", Type::Number),
    ("opportunity.?Amount", Type::Number),
    ("opportunity[?'Amount']", Type::Number),
    // Numbers.
    ("0.12345678901234567890", Type::Number),
    ("0.90000000000000000001 > 0.9", Type::Boolean),
    ("9223372036854775808", Type::Number),
    ("1e400", Type::Number),
    ("1e29", Type::Number),
    ("1e-29", Type::Number),
    // Several at once, and in the right places.
    ("opportunity.Stage == 'x' && accnt.Name == 'y' && opportunity.Amount > 'z'", Type::Boolean),
    ("'ü' + opportunity.Ammount", Type::Text),
    ("opportunity.IsWon\n  && opportunity.Ammount > 5 // really", Type::Boolean),
    ("opportunity.Amount > ((\"1\"))", Type::Boolean),
];

fn told() -> String {
    let mut page = String::new();
    for (source, wanted) in WRONG {
        let problems = compiled(source, wanted).expect_err(source);
        let wanted = if *wanted == Type::Any { "a value".to_owned() } else { wanted.to_string() };
        writeln!(page, "{source:?}, where {wanted} is wanted").expect("a string takes it");
        for Problem { code, weight, at, message } in problems {
            let part = &source[at.clone()];
            writeln!(page, "  {weight:?} {code} at {}..{} {part:?}\n    {message}", at.start, at.end)
                .expect("a string takes it");
        }
        page.push('\n');
    }
    page
}

/// With `WRITE_DOCS=1` it writes the page.
#[test]
fn what_is_wrong_is_told_where_it_stands() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/wrong.txt");
    let told = told();
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::write(path, &told).expect("written");
    }
    let there = std::fs::read_to_string(path).expect("wrong.txt");
    assert!(there == told, "{path} is out of date: WRITE_DOCS=1 cargo test -p rules wrong");
}

/// What reads as a sentence, at a place that is one.
#[test]
fn problems_are_sentences_at_places() {
    assert!(WRONG.len() > 120);
    for (source, wanted) in WRONG {
        let problems = compiled(source, wanted).expect_err(source);
        assert!(problems.iter().any(|problem| problem.weight == Weight::Error), "{source}");
        assert!(problems.is_sorted_by_key(|problem| problem.at.start), "{source}");
        for problem in problems {
            assert!(source.get(problem.at.clone()).is_some(), "{source}: {:?}", problem.at);
            assert!(problem.message.ends_with(['.', '?']), "{}", problem.message);
            assert!(problem.code.bytes().all(|c| c.is_ascii_lowercase() || c == b'_'), "{}", problem.code);
        }
    }
}

#[test]
fn what_is_too_long_or_too_deep_is_refused() {
    for (source, code) in [
        ("1 + ".repeat(1_001) + "1", "too_long"),
        ("1+".repeat(600) + "1", "too_long"),
        ("1+".repeat(400) + "1", "too_deep"),
        ("(".repeat(40) + "1 + 1" + &" + 1)".repeat(40), "too_deep"),
        ("!(".repeat(40) + "true" + &")".repeat(40), "too_deep"),
        ("true ? 1 : ".repeat(41) + "1", "too_deep"),
        ("'x'".to_owned() + &".trim()".repeat(150), "too_deep"),
        ("[".repeat(100) + &"]".repeat(100), "too_deep"),
        (String::from("'") + &"x".repeat(4_000) + "'", "too_long"),
    ] {
        let problems = compiled(&source, &Type::Any).expect_err("too much");
        assert_eq!(problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), [code], "{}", &source[..20]);
    }
    assert_eq!(evaluated(&("1+".repeat(90) + "1")), "91");
    assert_eq!(evaluated(&("true && ".repeat(400) + "true")), "true");
    assert_eq!(evaluated(&("true ? 1 : ".repeat(40) + "1")), "1");
}

/// The parser gives positions with what it refuses. That the nodes of a right expression have the same ids there is what every
/// position rests on: here the place of each node is the text that it was read from.
#[test]
fn a_place_is_the_text_that_a_node_was_read_from() {
    for (source, nodes) in [
        ("a.B.C", vec!["a", "a.B"]),
        ("(a . B + -1.5)*'x' // c", vec!["a", "a . B", "-1.5", "a . B + -1.5", "'x'", "(a . B + -1.5)*'x'"]),
        ("f(a, [1, 2])", vec!["a", "[1, 2]", "1", "2"]),
        ("x.trim().size() == 1", vec!["x", "x.trim()", "x.trim().size()", "1"]),
        // What the macro is made of stands from its parenthesis on.
        (
            "l.all(x, x.Y > 1) || b",
            vec!["l", "l.all(x, x.Y > 1)", "x", "x.Y", "1", "x.Y > 1", "b", "(x", "(x, x.Y > 1)"],
        ),
        ("!has(a.B)", vec!["a", "a.B"]),
        ("a ? b : !c", vec!["a", "b", "c", "!c"]),
        ("a && b && c", vec!["a", "b", "c"]),
        ("'ü' in [\n'ä']", vec!["'ü'", "[\n'ä']", "'ä'"]),
        ("m[0] - {'k': v}.k", vec!["m", "0", "m[0]", "'k'", "v", "{'k': v}", "{'k': v}.k"]),
    ] {
        let parsed = crate::parse::parse(source).expect("it parses");
        let places = crate::parse::Places::of(&parsed);
        // A node that nobody asks for has the place of the whole.
        let found: BTreeSet<&str> = (1..60).map(|id| &source[places.get(id)]).collect();
        let nodes: BTreeSet<&str> = nodes.into_iter().chain([source]).collect();
        assert_eq!(found, nodes, "{source}");
    }
}
