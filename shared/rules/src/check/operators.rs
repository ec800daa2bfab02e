//! Which types operators take, and what they come to.

use cel::common::ast::IdedExpr;
use cel::common::ast::operators as signs;

use super::{Checker, Typed, coerced, hint};
use crate::node::{Binary, Node};
use crate::problem::near;
use crate::types::Type;

const BINARY: [(&str, Binary); 12] = [
    (signs::ADD, Binary::Add),
    (signs::SUBSTRACT, Binary::Subtract),
    (signs::MULTIPLY, Binary::Multiply),
    (signs::DIVIDE, Binary::Divide),
    (signs::MODULO, Binary::Remainder),
    (signs::EQUALS, Binary::Equal),
    (signs::NOT_EQUALS, Binary::NotEqual),
    (signs::LESS, Binary::Less),
    (signs::LESS_EQUALS, Binary::LessOrEqual),
    (signs::GREATER, Binary::Greater),
    (signs::GREATER_EQUALS, Binary::GreaterOrEqual),
    (signs::IN, Binary::In),
];

/// What the two sides have to be, and what comes of them.
type Plan = Option<(Type, Type, Type)>;

impl Checker<'_> {
    /// `None` where it is no operator.
    pub(super) fn operator(&mut self, id: u64, name: &str, args: &[IdedExpr]) -> Option<Option<Typed>> {
        if let (Some((_, binary)), [left, right]) = (BINARY.iter().find(|(sign, _)| *sign == name), args) {
            let sides = (self.check(left), self.check(right));
            let (Some(left), Some(right)) = sides else { return Some(None) };
            return Some(self.binary(id, *binary, left, right));
        }
        match (name, args) {
            (signs::LOGICAL_AND, args) => Some(self.logical(args, "&&", Node::And)),
            (signs::LOGICAL_OR, args) => Some(self.logical(args, "||", Node::Or)),
            (signs::LOGICAL_NOT, [arg]) => {
                let node = self.check_as(arg, &Type::Boolean, "!");
                Some(node.map(|node| (Node::Not(Box::new(node)), Type::Boolean)))
            }
            (signs::NEGATE, [arg]) => {
                let node = self.check_as(arg, &Type::Number, "-");
                Some(node.map(|node| (Node::Negate(Box::new(node)), Type::Number)))
            }
            (signs::CONDITIONAL, [condition, yes, no]) => Some(self.choice(id, condition, yes, no)),
            (signs::INDEX | signs::OPT_INDEX, args) => {
                for arg in args {
                    self.check(arg);
                }
                let message = "There is no access with [ ] here: write exists, all, filter or map over the list.";
                self.error(id, "not_supported", message);
                Some(None)
            }
            _ => None,
        }
    }

    fn logical(&mut self, args: &[IdedExpr], sign: &str, node: fn(Vec<Node>) -> Node) -> Option<Typed> {
        let nodes: Vec<_> = args.iter().map(|arg| self.check_as(arg, &Type::Boolean, sign)).collect();
        let nodes: Option<Vec<_>> = nodes.into_iter().collect();
        Some((node(nodes?), Type::Boolean))
    }

    fn choice(&mut self, id: u64, condition: &IdedExpr, yes: &IdedExpr, no: &IdedExpr) -> Option<Typed> {
        let condition = self.check_as(condition, &Type::Boolean, "?:");
        let branches = (self.check(yes), self.check(no));
        let (Some((yes, yes_type)), Some((no, no_type))) = branches else { return None };
        match yes_type.with(&no_type) {
            Some(joined) if joined.is_value() => {
                let (yes, no) = (coerced(yes, &yes_type, &joined), coerced(no, &no_type, &joined));
                Some((Node::Choice(Box::new([condition?, yes, no])), joined))
            }
            Some(joined) => {
                self.error(id, "not_supported", format!("?: chooses between values, and this is {joined}."));
                None
            }
            None => {
                let (one, other) = (yes.told(), no.told());
                let message =
                    format!("Both sides of : have to be of one type: {one} is {yes_type}, and {other} {no_type}.");
                self.error(id, "mixed_types", message);
                None
            }
        }
    }

    fn binary(&mut self, id: u64, binary: Binary, left: Typed, right: Typed) -> Option<Typed> {
        use Binary::{Add, Divide, Equal, In, Multiply, NotEqual, Remainder, Subtract};
        if matches!(binary, Equal | NotEqual | In)
            && let Some(message) =
                self.never_equal(binary, &left.0, &right.0).or_else(|| self.never_equal(binary, &right.0, &left.0))
        {
            self.error(id, "never_equal", message);
            return None;
        }
        if matches!(binary, Equal | NotEqual | In) {
            self.offered(id, &left.0, &right.0);
            self.offered(id, &right.0, &left.0);
        }
        let (left_type, right_type) = (&left.1, &right.1);
        let plan = match binary {
            Equal | NotEqual => compared(left_type.with(right_type).filter(Type::is_value)),
            In => match right_type {
                Type::List(of) if left_type.is_value() && of.is_value() => {
                    left_type.with(of).map(|joined| (joined.clone(), Type::list(joined), Type::Boolean))
                }
                _ => None,
            },
            Add => sum(left_type, right_type),
            Subtract => difference(left_type, right_type),
            Multiply | Divide | Remainder => number(left_type, right_type),
            _ if *left_type == Type::Null || *right_type == Type::Null => None,
            _ => compared(left_type.with(right_type).filter(|both| both.is_value() && *both != Type::Boolean)),
        };
        let Some((left_wanted, right_wanted, result)) = plan else {
            let message = refusal(binary, &left, &right);
            self.error(id, "mixed_types", message);
            return None;
        };
        let sides = [coerced(left.0, &left.1, &left_wanted), coerced(right.0, &right.1, &right_wanted)];
        Some((Node::Binary(binary, Box::new(sides)), result))
    }

    /// A picklist beside a text that it does not offer. A record may have it all the same, from before or by the API.
    fn offered(&mut self, id: u64, one: &Node, beside: &Node) {
        let Node::Field(field) = one else { return };
        let Some(offered) = self.offered.get(&field.name).copied() else { return };
        for text in texts(beside) {
            if !offered.contains(text) {
                let instead = match near(text, offered.iter().map(String::as_str)) {
                    Some(near) => format!("Did you mean {near:?}?"),
                    None => "Look whether a record ever has it.".to_owned(),
                };
                self.warn(
                    id,
                    "unknown_value",
                    format!("{} is never offered {text:?} in the organization. {instead}", field.name),
                );
            }
        }
    }

    /// A field or a value beside a text that it never is: the comparison would look right and always come out the same.
    fn never_equal(&self, binary: Binary, one: &Node, beside: &Node) -> Option<String> {
        let name = match one {
            Node::Field(field) => &field.name,
            Node::Variable(name) => name,
            _ => return None,
        };
        let words = self.scope.words_of(name);
        let mut texts = texts(beside);
        texts.find_map(|text| {
            words
                .and_then(|words| no_word(name, words, text))
                .or_else(|| matches!(one, Node::Field(_)).then(|| never_in_a_field(binary, name, text)).flatten())
        })
    }
}

/// The text that it is, or those of a list.
fn texts(node: &Node) -> impl Iterator<Item = &String> {
    let nodes = match node {
        Node::List(nodes) => nodes.as_slice(),
        node => std::slice::from_ref(node),
    };
    nodes.iter().filter_map(|node| match node {
        Node::Text(text) => Some(text),
        _ => None,
    })
}

fn no_word(name: &str, words: &[&str], text: &str) -> Option<String> {
    let instead = match near(text, words.iter().copied()) {
        Some(near) => format!("Did you mean {near:?}?"),
        None => format!("It is {}.", words.join(" or ")),
    };
    (!words.contains(&text)).then(|| format!("{name} is never {text:?}. {instead}"))
}

fn never_in_a_field(binary: Binary, name: &str, text: &str) -> Option<String> {
    match text.trim() {
        "" => {
            let instead = match binary {
                Binary::NotEqual => format!("{name} != null, or has({name})"),
                _ => format!("{name} == null, or !has({name})"),
            };
            Some(format!("What is blank is null, so {name} never is this text: write {instead}."))
        }
        trimmed if trimmed.len() < text.len() => Some(format!(
            "Fields are read without the spaces around them, so {name} never is this text: take them away."
        )),
        _ => None,
    }
}

fn compared(joined: Option<Type>) -> Plan {
    joined.map(|joined| (joined.clone(), joined, Type::Boolean))
}

fn number(left: &Type, right: &Type) -> Plan {
    let is_number = |side: &Type| matches!(side, Type::Number | Type::Any);
    (is_number(left) && is_number(right)).then_some((Type::Number, Type::Number, Type::Number))
}

fn sum(left: &Type, right: &Type) -> Plan {
    use Type::{Any, Date, DateTime, Days, Text};
    match (left, right) {
        (Any, Any) => Some((Any, Any, Any)),
        (Text | Any, Text) | (Text, Any) => Some((Text, Text, Text)),
        (Date | Any, Days) => Some((Date, Days, Date)),
        (Days, Date | Any) => Some((Days, Date, Date)),
        (DateTime, Days) => Some((DateTime, Days, DateTime)),
        (Days, DateTime) => Some((Days, DateTime, DateTime)),
        _ => number(left, right),
    }
}

fn difference(left: &Type, right: &Type) -> Plan {
    use Type::{Any, Date, DateTime, Days, Number};
    match (left, right) {
        (Date | Any, Days) => Some((Date, Days, Date)),
        (DateTime, Days) => Some((DateTime, Days, DateTime)),
        (Date, Date | Any) | (Any, Date) => Some((Date, Date, Number)),
        _ => number(left, right),
    }
}

/// What the two sides are, and what to write instead.
fn refusal(binary: Binary, (left, left_type): &Typed, (right, right_type): &Typed) -> String {
    let sign = binary.sign();
    let told = format!("{} is {left_type}, and {} {right_type}", left.told(), right.told());
    match (binary, left_type, right_type) {
        (Binary::In, Type::Text | Type::Any, Type::Text) if matches!(right, Node::Text(_)) => {
            format!("{told}: in looks in a list. Write {} in [{}].", left.told(), right.told())
        }
        (Binary::In, Type::Text, Type::Text | Type::Any) => {
            format!("{told}: in looks in a list. Write {}.contains({}).", right.told(), left.told())
        }
        (Binary::In, _, Type::List(of)) if of.is_value() => {
            format!("{told}: they are never equal.{}", hint(left_type, of))
        }
        (Binary::In, ..) => format!("{told}: after in stands a list, as in [\"a\", \"b\"]."),
        (Binary::Add | Binary::Subtract, Type::Date | Type::DateTime, Type::Number) => {
            format!("{told}: write {sign} days({}).", right.told())
        }
        (_, Type::Record(_), _) | (_, _, Type::Record(_)) => {
            format!(
                "{told}: {sign} takes no records. Choose one of its fields, as in {}.Id.",
                record_of(left, left_type, right)
            )
        }
        (_, Type::Null, _) | (_, _, Type::Null) => {
            format!("{told}: {sign} takes no null.{}", hint(&Type::Null, &Type::Any))
        }
        (_, Type::Boolean, Type::Boolean) => format!("{told}: {sign} does not take them. Use && and ||."),
        (_, left, right) if left == right => format!("{told}: {sign} does not take them."),
        (Binary::Add, Type::Text, Type::Number) | (Binary::Add, Type::Number, Type::Text) => {
            format!("{told}: {sign} does not mix them. Write text(x), or number(x).")
        }
        (_, text @ Type::Text, other) | (_, other, text @ Type::Text) => {
            format!("{told}: {sign} does not mix them.{}", hint(text, other))
        }
        _ => {
            let (one, other) = (hint(left_type, right_type), hint(right_type, left_type));
            format!("{told}: {sign} does not mix them.{}", if one.is_empty() { other } else { one })
        }
    }
}

fn record_of(left: &Node, left_type: &Type, right: &Node) -> String {
    if matches!(left_type, Type::Record(_)) { left.told() } else { right.told() }
}
