//! What holds for any text and any numbers.

use proptest::prelude::*;

use super::*;

/// Compiles and, where that goes well, evaluates: neither may panic.
pub(super) fn tried(source: &str) {
    let schema = Schema::standard();
    match Expression::compile(source, &scope(&schema), &Type::Any) {
        Ok(expression) => {
            // Either is an answer.
            let _ = expression.evaluate(&deal().inputs());
        }
        Err(problems) => {
            assert!(
                problems.iter().any(|problem| problem.weight == Weight::Error),
                "{source:?} is refused without a reason"
            );
            for problem in problems {
                assert!(source.get(problem.at.clone()).is_some(), "{source:?}: {problem:?}");
            }
        }
    }
}

pub(super) const TOKENS: &[&str] = &[
    "opportunity",
    "account",
    "lines",
    "line",
    "l",
    "today",
    "now",
    ".Amount",
    ".StageName",
    ".CloseDate",
    ".IsWon",
    ".Tier__c",
    ".Owner",
    ".Email",
    ".Parent__r",
    ".Quantity",
    ".",
    ",",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "?",
    ":",
    "+",
    "-",
    "*",
    "/",
    "%",
    "!",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "&&",
    "||",
    " in ",
    "=",
    "&",
    "'a'",
    "\"b\"",
    "'",
    "\"",
    "'''",
    "r'\\'",
    "b'x'",
    "'\\u00fc'",
    "'\\",
    "`",
    "0",
    "1",
    "0.1",
    ".5",
    "1e9",
    "1e-9",
    "5u",
    "0x1F",
    "9223372036854775807",
    "true",
    "false",
    "null",
    "has(",
    "size(",
    "sum(",
    "min(",
    "max(",
    "round(",
    "days(",
    "date(",
    "dateTime(",
    "text(",
    "number(",
    "default(",
    ".exists(l, ",
    ".all(l, ",
    ".map(l, ",
    ".filter(l, ",
    ".exists_one(l, ",
    ".contains(",
    ".startsWith(",
    ".trim()",
    ".size()",
    "// c",
    "\n",
    " ",
    "ü",
    "€",
    "\u{0}",
    "@",
    "#",
    "if",
    "return",
];

/// A number as it is written, and as mantissa and scale.
type Oracle = Option<(i128, u32)>;

#[derive(Debug, Clone)]
enum Sum {
    Literal(i64, u32),
    Two(char, Box<Sum>, Box<Sum>),
    Negative(Box<Sum>),
}

impl Sum {
    fn source(&self) -> String {
        match self {
            Self::Literal(mantissa, scale) => format!("({})", rust_decimal::Decimal::new(*mantissa, *scale)),
            Self::Two(sign, one, other) => format!("({} {sign} {})", one.source(), other.source()),
            Self::Negative(inner) => format!("(-{})", inner.source()),
        }
    }

    /// As on paper: digits and a point. `None` where a result has more digits than a decimal.
    fn oracle(&self) -> Oracle {
        match self {
            Self::Literal(mantissa, scale) => held(i128::from(*mantissa), *scale),
            Self::Negative(inner) => inner.oracle().map(|(mantissa, scale)| (-mantissa, scale)),
            Self::Two(sign, one, other) => {
                let ((one, one_scale), (other, other_scale)) = (one.oracle()?, other.oracle()?);
                if *sign == '*' {
                    return held(one.checked_mul(other)?, one_scale + other_scale);
                }
                let scale = one_scale.max(other_scale);
                let aligned = |mantissa: i128, from: u32| mantissa.checked_mul(10_i128.checked_pow(scale - from)?);
                let (one, other) = (aligned(one, one_scale)?, aligned(other, other_scale)?);
                held(if *sign == '+' { one.checked_add(other)? } else { one.checked_sub(other)? }, scale)
            }
        }
    }
}

/// Without zeros at its end, if a decimal has room for it.
fn held(mut mantissa: i128, mut scale: u32) -> Oracle {
    while scale > 0 && mantissa % 10 == 0 {
        mantissa /= 10;
        scale -= 1;
    }
    (mantissa.unsigned_abs() < 1 << 96 && scale <= 28).then_some((mantissa, scale))
}

fn sums(digits: i64) -> impl Strategy<Value = Sum> {
    let literal = (-digits..=digits, 0_u32..=6).prop_map(|(mantissa, scale)| Sum::Literal(mantissa, scale));
    literal.prop_recursive(4, 12, 2, |inner| {
        prop_oneof![
            (prop_oneof![Just('+'), Just('-'), Just('*')], inner.clone(), inner.clone())
                .prop_map(|(sign, one, other)| Sum::Two(sign, Box::new(one), Box::new(other))),
            inner.prop_map(|inner| Sum::Negative(Box::new(inner))),
        ]
    })
}

/// Right expressions of a type, as text.
fn expressions() -> impl Strategy<Value = (String, Type)> {
    let leaves = prop::sample::select(vec![
        ("opportunity.Amount", Type::Number),
        ("opportunity.ExpectedRevenue", Type::Number),
        ("opportunity.Score__c", Type::Any),
        ("opportunity.Empty__c", Type::Any),
        ("size(lines)", Type::Number),
        ("9223372036854775807", Type::Number),
        ("0.000000000001", Type::Number),
        ("opportunity.Name", Type::Text),
        ("opportunity.NextStep", Type::Text),
        ("'ü'", Type::Text),
        ("opportunity.IsWon", Type::Boolean),
        ("lines.exists(l, l.Discount > 5)", Type::Boolean),
        ("today", Type::Date),
        ("opportunity.CloseDate", Type::Date),
        ("now", Type::DateTime),
    ]);
    let leaf = leaves.prop_map(|(source, of)| (source.to_owned(), of));
    leaf.prop_recursive(5, 24, 3, |inner| {
        (inner.clone(), inner.clone(), inner, 0_usize..12).prop_map(|(a, b, c, form)| grown(a, b, c, form))
    })
}

/// Something of the given parts that is right, whatever their types are.
fn grown(one: (String, Type), other: (String, Type), third: (String, Type), form: usize) -> (String, Type) {
    let as_number = |(source, of): &(String, Type)| match of {
        Type::Number | Type::Any => source.clone(),
        Type::Text => format!("size({source})"),
        Type::Boolean => format!("({source} ? 1.5 : 0)"),
        Type::Date => format!("({source} - today)"),
        _ => "12.34".to_owned(),
    };
    let as_boolean = |part: &(String, Type)| match part.1 {
        Type::Boolean => part.0.clone(),
        _ => format!("({} >= 2)", as_number(part)),
    };
    let as_text = |(source, of): &(String, Type)| match of {
        Type::Text => source.clone(),
        _ => format!("text({source})"),
    };
    let (a, b) = (as_number(&one), as_number(&other));
    match form {
        0 => (format!("({a} + {b})"), Type::Number),
        1 => (format!("({a} - {b})"), Type::Number),
        2 => (format!("({a} * {b})"), Type::Number),
        3 => (format!("({a} / {b})"), Type::Number),
        4 => (format!("({a} % {b})"), Type::Number),
        5 => (format!("round({a}, {})", b.len() % 29), Type::Number),
        6 => (format!("max({a}, {b}, default({a}, 1))"), Type::Number),
        7 => (format!("({} && !{} || {})", as_boolean(&one), as_boolean(&other), as_boolean(&third)), Type::Boolean),
        8 => (format!("({} ? {} : {})", as_boolean(&one), as_text(&other), as_text(&third)), Type::Text),
        9 => (format!("({} + {}).trim()", as_text(&one), as_text(&other)), Type::Text),
        10 => (format!("({} in [{}, 'x'])", as_text(&one), as_text(&other)), Type::Boolean),
        _ => (format!("(today + days(round({a}, 0)))"), Type::Date),
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        tried(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_tokens_make_it_panic(tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..40)) {
        tried(&tokens.concat());
    }

    #[test]
    fn right_expressions_have_an_answer((source, of) in expressions()) {
        let expression = match compiled(&source, &of) {
            Ok(expression) => expression,
            Err(problems) => {
                prop_assert!(problems.iter().all(|problem| matches!(problem.code, "too_long" | "too_deep")), "{source}: {problems:?}");
                return Ok(());
            }
        };
        match expression.evaluate(&deal().inputs()) {
            Ok(value) => {
                let is_of_type = matches!(
                    (&value, &of),
                    (Value::Null, _) | (_, Type::Any) | (Value::Text(_), Type::Text) | (Value::Number(_), Type::Number)
                        | (Value::Boolean(_), Type::Boolean) | (Value::Date(_), Type::Date) | (Value::DateTime(_), Type::DateTime)
                );
                prop_assert!(is_of_type, "{source} is no {of}: {}", shown(&value));
                prop_assert_eq!(Ok(value), expression.evaluate(&deal().inputs()), "twice the same");
            }
            Err(why) => prop_assert!(why.message.ends_with('.'), "{}", why),
        }
    }

    #[test]
    fn sums_are_those_on_paper(sum in prop_oneof![sums(999), sums(999_999_999_999)]) {
        let found = compiled(&sum.source(), &Type::Number).expect("right").evaluate(&Inputs::default());
        match (found, sum.oracle()) {
            (Ok(Value::Number(found)), Some((mantissa, scale))) => {
                prop_assert_eq!((found.mantissa(), found.scale()), (mantissa, scale), "{}", sum.source());
            }
            (Err(_), None) => {}
            (found, expected) => prop_assert!(false, "{}: {:?}, and {:?} on paper", sum.source(), found, expected),
        }
    }

    #[test]
    fn order_is_that_on_paper(one in sums(99), other in sums(99)) {
        let (Some((a, a_scale)), Some((b, b_scale))) = (one.oracle(), other.oracle()) else { return Ok(()) };
        let scale = a_scale.max(b_scale);
        let (Some(a), Some(b)) = (a.checked_mul(10_i128.pow(scale - a_scale)), b.checked_mul(10_i128.pow(scale - b_scale))) else {
            return Ok(());
        };
        for (sign, expected) in [("<", a < b), ("<=", a <= b), (">", a > b), (">=", a >= b), ("==", a == b), ("!=", a != b)] {
            let source = format!("{} {sign} {}", one.source(), other.source());
            let found = compiled(&source, &Type::Boolean).expect("right").evaluate(&Inputs::default());
            prop_assert_eq!(found, Ok(Value::Boolean(expected)), "{}", source);
        }
    }

    #[test]
    fn a_literal_is_what_is_written(whole in 0_u32..1_000_000, decimals in "[0-9]{1,9}") {
        let written = format!("{whole}.{decimals}");
        let found = compiled(&written, &Type::Number).expect("right").evaluate(&Inputs::default());
        let expected: rust_decimal::Decimal = written.parse().expect("a number");
        prop_assert_eq!(found, Ok(Value::Number(expected)));
    }
}
