//! The type check: from the syntax tree to what is evaluated. It goes on after a problem, so that all of them are told at once.

mod calls;
mod fields;
mod macros;
mod operators;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use cel::common::ast::{Expr, IdedExpr, LiteralValue};
use rust_decimal::Decimal;

use crate::expression::FieldRead;
use crate::node::{Base, Node};
use crate::problem::{Weight, did_you_mean, listed, near};
use crate::scope::Scope;
use crate::types::Type;

/// Deeper than anything that a person reads; evaluation goes as deep.
const DEEPEST: usize = 100;

pub(crate) struct Checker<'s> {
    scope: &'s Scope<'s>,
    /// What the macros around go through.
    locals: Vec<(String, Type)>,
    depth: usize,
    /// What the picklists offer that it reads, by how it writes them.
    pub offered: BTreeMap<String, &'s [String]>,
    pub noted: Vec<Noted>,
    pub reads: BTreeSet<FieldRead>,
    pub variables: BTreeSet<String>,
}

/// A problem before anybody asked where in the text its node stands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Noted {
    pub id: u64,
    pub code: &'static str,
    pub weight: Weight,
    pub message: String,
}

type Typed = (Node, Type);

impl<'s> Checker<'s> {
    pub fn new(scope: &'s Scope<'s>) -> Self {
        Self {
            scope,
            locals: Vec::new(),
            depth: 0,
            offered: BTreeMap::new(),
            noted: Vec::new(),
            reads: BTreeSet::new(),
            variables: BTreeSet::new(),
        }
    }

    /// The whole expression, which is to come to one value of this type.
    pub fn check_whole(&mut self, root: &IdedExpr, wanted: &Type) -> Option<Typed> {
        let (node, found) = self.check(root)?;
        match &found {
            Type::Record(_) => {
                let name = node.told();
                self.error(
                    root.id,
                    "not_a_value",
                    format!("{name} is a record: choose one of its fields, as in {name}.Name."),
                );
                return None;
            }
            Type::List(_) => {
                let message = "This is a list, and one value is needed: write size(…), sum(…), exists(…) or all(…).";
                self.error(root.id, "not_a_value", message);
                return None;
            }
            Type::Days => {
                let message = "days(…) is nothing by itself: add it to a date, as in today + days(30).";
                self.error(root.id, "not_a_value", message);
                return None;
            }
            _ => {}
        }
        match found.with(wanted) {
            Some(joined) => {
                let result = if *wanted == Type::Any { found.clone() } else { joined };
                Some((coerced(node, &found, &result), result))
            }
            None => {
                let message = format!("This comes to {found}, and {wanted} is needed here.{}", hint(&found, wanted));
                self.error(root.id, "wrong_result", message);
                None
            }
        }
    }

    fn check(&mut self, expr: &IdedExpr) -> Option<Typed> {
        if self.depth >= DEEPEST {
            // Once, whatever else lies below.
            if !self.noted.iter().any(|noted| noted.code == "too_deep") {
                self.error(expr.id, "too_deep", "The expression is nested too deeply here: write it flatter.");
            }
            return None;
        }
        self.depth += 1;
        let typed = self.check_node(expr);
        self.depth -= 1;
        typed
    }

    fn check_node(&mut self, expr: &IdedExpr) -> Option<Typed> {
        match &expr.expr {
            Expr::Literal(literal) => self.literal(expr.id, literal),
            Expr::Ident(name) => self.variable(expr.id, name),
            Expr::Select(_) => self.select(expr),
            Expr::List(list) => self.list(&list.elements),
            Expr::Call(call) => self.call(expr.id, call),
            Expr::Comprehension(each) => self.each(expr.id, each),
            Expr::Map(_) => {
                self.error(
                    expr.id,
                    "not_supported",
                    "There are no maps here: write a list in [ ], or a choice with ?:.",
                );
                None
            }
            Expr::Struct(_) => {
                self.error(expr.id, "not_supported", "There are no messages with { } here: write fields and values.");
                None
            }
            Expr::Unspecified => {
                self.error(expr.id, "syntax", "Something is missing here.");
                None
            }
        }
    }

    fn literal(&mut self, id: u64, literal: &LiteralValue) -> Option<Typed> {
        match literal {
            LiteralValue::Null => Some((Node::Null, Type::Null)),
            LiteralValue::Boolean(is_true) => Some((Node::Boolean(*is_true.inner()), Type::Boolean)),
            LiteralValue::String(text) => Some((Node::Text(text.inner().to_owned()), Type::Text)),
            LiteralValue::Int(number) => Some((Node::Number(Decimal::from(*number.inner())), Type::Number)),
            // As it was written: up to fifteen digits come back from the parser as they went in, and more are refused before.
            LiteralValue::Double(number) => match Decimal::from_str_exact(&number.inner().to_string()) {
                Ok(number) => Some((Node::Number(number.normalize()), Type::Number)),
                Err(_) => {
                    let message = "This number is too large or has too many decimals: at most 28 digits can be kept.";
                    self.error(id, "number_too_large", message);
                    None
                }
            },
            LiteralValue::UInt(number) => {
                self.error(id, "not_supported", format!("Write {} without the u.", number.inner()));
                None
            }
            LiteralValue::Bytes(_) => {
                self.error(id, "not_supported", "There are no bytes here: write text without the b before it.");
                None
            }
        }
    }

    fn variable(&mut self, id: u64, name: &str) -> Option<Typed> {
        let around = self.locals.iter().enumerate().rev().find(|(_, (local, _))| local == name);
        if let Some((index, (_, local_type))) = around {
            let node = match local_type {
                Type::Record(_) => Node::Record(Base::Local(index), name.to_owned()),
                _ => Node::Local(index, name.to_owned()),
            };
            return Some((node, local_type.clone()));
        }
        let Some(variable_type) = self.scope.get(name) else {
            self.unknown_variable(id, name);
            return None;
        };
        self.variables.insert(name.to_owned());
        let node = match variable_type {
            Type::Record(_) => Node::Record(Base::Variable(name.to_owned()), name.to_owned()),
            Type::List(_) => Node::Records(name.to_owned()),
            _ => Node::Variable(name.to_owned()),
        };
        Some((node, variable_type.clone()))
    }

    fn unknown_variable(&mut self, id: u64, name: &str) {
        let names: Vec<&str> = self.locals.iter().map(|(name, _)| name.as_str()).chain(self.scope.names()).collect();
        let message = match near(name, names.iter().copied()) {
            Some(near) => format!("There is no {name} here{}", did_you_mean(Some(near))),
            None if self.is_a_field_somewhere(name) => {
                format!("There is no {name} here: write which record's field it is, as in opportunity.{name}.")
            }
            None => format!("There is no {name} here. There is {}; text stands in quotation marks.", listed(&names)),
        };
        self.error(id, "unknown_variable", message);
    }

    fn is_a_field_somewhere(&self, name: &str) -> bool {
        let object = |variable| match self.scope.get(variable) {
            Some(Type::Record(origin)) => origin.object.clone(),
            _ => None,
        };
        object("opportunity").is_some_and(|object| self.scope.schema.field(&object, name).is_some())
    }

    fn list(&mut self, elements: &[IdedExpr]) -> Option<Typed> {
        let checked: Vec<_> = elements.iter().map(|element| Some((element.id, self.check(element)?))).collect();
        let mut of = Type::Any;
        let mut nodes = Vec::new();
        for (index, element) in checked.into_iter().enumerate() {
            let (element_id, (node, found)) = element?;
            let joined = if index == 0 { Some(found.clone()) } else { of.with(&found) };
            match joined {
                Some(joined) if joined.is_value() => of = joined,
                Some(_) => {
                    self.error(element_id, "not_supported", format!("A list holds values, and this is {found}."));
                    return None;
                }
                None => {
                    let message =
                        format!("A list holds values of one type: before is {of}, and {} is {found}.", node.told());
                    self.error(element_id, "mixed_types", message);
                    return None;
                }
            }
            nodes.push((node, found));
        }
        let nodes = nodes.into_iter().map(|(node, found)| coerced(node, &found, &of)).collect();
        Some((Node::List(nodes), Type::list(of)))
    }

    /// A part of the expression that has to be of this type; `whose` says what needs it: "`&&` takes".
    fn check_as(&mut self, expr: &IdedExpr, wanted: &Type, whose: &str) -> Option<Node> {
        let (node, found) = self.check(expr)?;
        self.fitting(expr.id, (node, found), wanted, whose)
    }

    fn fitting(&mut self, id: u64, (node, found): Typed, wanted: &Type, whose: &str) -> Option<Node> {
        if found != Type::Null && found.with(wanted).is_some_and(|joined| joined == *wanted) {
            return Some(coerced(node, &found, wanted));
        }
        let message = format!("{whose} takes {wanted}, and {} is {found}.{}", node.told(), hint(&found, wanted));
        self.error(id, "wrong_type", message);
        None
    }

    fn error(&mut self, id: u64, code: &'static str, message: impl Into<String>) {
        self.noted.push(Noted { id, code, weight: Weight::Error, message: message.into() });
    }

    fn warn(&mut self, id: u64, code: &'static str, message: impl Into<String>) {
        let noted = Noted { id, code, weight: Weight::Warning, message: message.into() };
        // The same field is often read twice.
        if !self.noted.iter().any(|other| (other.code, &other.message) == (noted.code, &noted.message)) {
            self.noted.push(noted);
        }
    }
}

/// A value that may be of any type, where one of this type is needed.
fn coerced(node: Node, found: &Type, wanted: &Type) -> Node {
    let is_unknown = |found: &Type| *found == Type::Any;
    let needs = match (found, wanted) {
        (_, Type::Any | Type::Null) => false,
        (Type::List(found), Type::List(wanted)) => is_unknown(found) && !is_unknown(wanted),
        _ => is_unknown(found),
    };
    if needs { Node::As(wanted.clone(), Box::new(node)) } else { node }
}

/// What makes one of the other, with a space before it.
fn hint(found: &Type, wanted: &Type) -> &'static str {
    match (found, wanted) {
        (Type::Text, Type::Number) => " Write the number without quotation marks, or number(x).",
        (Type::Text | Type::Number, Type::Date) => " Write date(\"2026-01-31\").",
        (Type::Text, Type::DateTime) => " Write dateTime(\"2026-01-31T10:00:00Z\").",
        (Type::Text, Type::Boolean) => " Compare it with something, or write true or false without quotation marks.",
        (Type::Number, Type::Boolean) => " Compare it with something, as in x > 0.",
        (Type::Number | Type::Boolean | Type::Date | Type::DateTime, Type::Text) => " Write text(x).",
        (Type::DateTime, Type::Date) => " Write date(x), which is the day in UTC.",
        (Type::Number, Type::Days) => " Write days(x).",
        (Type::Null, _) => {
            " Write has(x) or x == null to ask whether something is empty, and default(x, y) for another value."
        }
        (Type::Record(_), _) => " Choose one of the record's fields.",
        _ => "",
    }
}
