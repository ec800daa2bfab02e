//! What decides on one side decides, whatever the other side is.

use super::*;

const UNDECIDED: [&str; 4] =
    ["(1 / 0 == 1)", "(opportunity.Empty__c > 1)", "opportunity.NextStep.contains('x')", "(1e28 * 1e28 > 0)"];

fn comes_to(source: &str) -> Option<bool> {
    match compiled(source, &Type::Boolean).expect("right").evaluate(&deal().inputs()) {
        Ok(Value::Boolean(is_true)) => Some(is_true),
        Ok(other) => panic!("{source}: {other:?}"),
        Err(_) => None,
    }
}

#[test]
fn what_decides_absorbs_what_is_undecided() {
    for undecided in UNDECIDED {
        assert_eq!(comes_to(undecided), None, "{undecided}");
        for (source, expected) in [
            (format!("false && {undecided}"), Some(false)),
            (format!("{undecided} && false"), Some(false)),
            (format!("true || {undecided}"), Some(true)),
            (format!("{undecided} || true"), Some(true)),
            (format!("true && {undecided}"), None),
            (format!("{undecided} && true"), None),
            (format!("false || {undecided}"), None),
            (format!("{undecided} || false"), None),
            (format!("true && {undecided} && true && false"), Some(false)),
            (format!("!(false && {undecided})"), Some(true)),
            (format!("true ? true : {undecided}"), Some(true)),
            (format!("false ? {undecided} : false"), Some(false)),
            (format!("{undecided} ? true : true"), None),
            (format!("[1, 2].exists(n, n == 2 || {undecided})"), Some(true)),
            (format!("[1, 2].all(n, n == 2 && {undecided})"), Some(false)),
            (format!("[1, 2].all(n, n == 2 || {undecided})"), None),
            (format!("[1, 2].exists_one(n, n == 2 || {undecided})"), None),
        ] {
            assert_eq!(comes_to(&source), expected, "{source}");
        }
    }
}

/// Three values: `&&` is the least of its sides, `||` the greatest, with what is undecided between false and true.
#[test]
fn and_and_or_are_the_least_and_the_greatest() {
    let sides = [("false", 0), ("(1 / 0 == 1)", 1), ("true", 2)];
    let rank = |source: &str| comes_to(source).map_or(1, |is_true| if is_true { 2 } else { 0 });
    for (a, ra) in sides {
        for (b, rb) in sides {
            for (c, rc) in sides {
                assert_eq!(rank(&format!("{a} && {b} && {c}")), ra.min(rb).min(rc));
                assert_eq!(rank(&format!("{a} || {b} || {c}")), ra.max(rb).max(rc));
                assert_eq!(rank(&format!("!({a} && {b}) || {c}")), (2 - ra.min(rb)).max(rc));
                assert_eq!(rank(&format!("{a} && ({b} || {c})")), rank(&format!("{a} && {b} || {a} && {c}")));
            }
        }
    }
}
