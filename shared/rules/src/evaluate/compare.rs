//! Equality and order. What is empty equals nothing but what is empty, and has no order.

use std::cmp::Ordering;

use super::{Operand, Run, unfit};
use crate::node::{Binary, Node};
use crate::value::Undecided;

impl<'a> Run<'a> {
    pub(super) fn comparison(&mut self, binary: Binary, left: &'a Node, right: &'a Node) -> Result<bool, Undecided> {
        let (one, other) = (self.evaluate(left)?, self.evaluate(right)?);
        let order = match binary {
            Binary::Equal => return self.equal(&one, &other, left, right),
            Binary::NotEqual => return self.equal(&one, &other, left, right).map(|equal| !equal),
            Binary::In => return self.within(&one, &other, left, right),
            _ => self.order(&one, &other, left, right)?,
        };
        Ok(match binary {
            Binary::Less => order.is_lt(),
            Binary::LessOrEqual => order.is_le(),
            Binary::Greater => order.is_gt(),
            _ => order.is_ge(),
        })
    }

    fn within(&mut self, one: &Operand<'a>, list: &Operand<'a>, left: &Node, right: &Node) -> Result<bool, Undecided> {
        let Operand::List(list) = list else { return Err(unfit(right, list, "a list", "[]")) };
        let mut undecided = None;
        for element in list {
            self.step(1)?;
            match self.equal(one, element, left, right) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(why) => undecided = undecided.or(Some(why)),
            }
        }
        undecided.map_or(Ok(false), Err)
    }

    fn equal(&mut self, one: &Operand<'a>, other: &Operand<'a>, left: &Node, right: &Node) -> Result<bool, Undecided> {
        if let (Operand::Text(text), Operand::Text(_)) = (one, other) {
            self.step_over(text)?;
        }
        Ok(match (one, other) {
            (Operand::Null, other) => matches!(other, Operand::Null),
            (_, Operand::Null) => false,
            (Operand::Boolean(one), Operand::Boolean(other)) => one == other,
            _ => ordered(one, other).ok_or_else(|| mixed(one, other, left, right))?.is_eq(),
        })
    }

    fn order(
        &mut self,
        one: &Operand<'a>,
        other: &Operand<'a>,
        left: &Node,
        right: &Node,
    ) -> Result<Ordering, Undecided> {
        if let Operand::Text(text) = one {
            self.step_over(text)?;
        }
        let instead = |beside: &Operand<'_>| match beside {
            Operand::Text(_) => ("a text", "\"\""),
            Operand::Date(_) => ("a date", "today"),
            Operand::DateTime(_) => ("a date with a time", "now"),
            _ => ("a number", "0"),
        };
        match (one, other) {
            (Operand::Null, _) => Err(unfit(left, one, instead(other).0, instead(other).1)),
            (_, Operand::Null) => Err(unfit(right, other, instead(one).0, instead(one).1)),
            _ => ordered(one, other).ok_or_else(|| mixed(one, other, left, right)),
        }
    }
}

/// `None` for two that cannot be compared.
fn ordered(one: &Operand<'_>, other: &Operand<'_>) -> Option<Ordering> {
    Some(match (one, other) {
        (Operand::Text(one), Operand::Text(other)) => one.cmp(other),
        (Operand::Number(one), Operand::Number(other)) => one.cmp(other),
        (Operand::Date(one), Operand::Date(other)) => one.cmp(other),
        (Operand::DateTime(one), Operand::DateTime(other)) => one.cmp(other),
        _ => return None,
    })
}

fn mixed(one: &Operand<'_>, other: &Operand<'_>, left: &Node, right: &Node) -> Undecided {
    let (left, right) = (left.told(), right.told());
    Undecided::new(format!("{left} is {}, and {right} {}: they cannot be compared.", one.kind(), other.kind()))
}
