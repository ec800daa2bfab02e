//! Macros over lists. The parser has written them out as loops; here they are read back.

use cel::common::ast::{ComprehensionExpr, Expr, IdedExpr, LiteralValue, operators};

use super::{Checker, Typed};
use crate::node::{Each, EachKind, Node};
use crate::types::Type;

/// A macro as somebody wrote it.
struct Written<'e> {
    kind: EachKind,
    body: &'e IdedExpr,
    only: Option<&'e IdedExpr>,
}

impl Checker<'_> {
    pub(super) fn each(&mut self, id: u64, each: &ComprehensionExpr) -> Option<Typed> {
        let Some(Written { kind, body, only }) = written(each) else {
            self.error(id, "not_supported", "This macro is not one of exists, all, exists_one, filter and map.");
            return None;
        };
        let name = each.iter_var.as_str();
        let list = self.check(&each.iter_range);
        if self.scope.get(name).is_some() || self.locals.iter().any(|(local, _)| local == name) {
            let message = format!("{name} means something already: choose another name for each one.");
            self.error(id, "name_is_taken", message);
            return None;
        }
        let (list, found) = list?;
        let Type::List(of) = found else {
            let message = format!("{} goes through a list, and {} is {found}.", kind.name(), list.told());
            self.error(each.iter_range.id, "wrong_type", message);
            return None;
        };
        self.locals.push((name.to_owned(), (*of).clone()));
        let only = match only {
            Some(only) => self.check_as(only, &Type::Boolean, kind.name()).map(Some),
            None => Some(None),
        };
        let body_typed = match kind {
            EachKind::Map => self.check(body),
            _ => self.check_as(body, &Type::Boolean, kind.name()).map(|node| (node, Type::Boolean)),
        };
        self.locals.pop();
        let (only, (node, body_type)) = (only?, body_typed?);
        let result = match kind {
            EachKind::Filter => Type::List(of),
            EachKind::Map if matches!(body_type, Type::List(_) | Type::Days) => {
                self.error(body.id, "not_supported", format!("A list holds values, and this is {body_type}."));
                return None;
            }
            EachKind::Map => Type::list(body_type),
            _ => Type::Boolean,
        };
        Some((Node::Each(Box::new(Each { kind, list, body: node, only })), result))
    }
}

fn written(each: &ComprehensionExpr) -> Option<Written<'_>> {
    let (kind, body, only) = match (&each.accu_init.expr, arguments(&each.loop_step)?) {
        (Expr::Literal(LiteralValue::Boolean(starts)), (name, [_, body])) => match (starts.inner(), name) {
            (false, operators::LOGICAL_OR) => (EachKind::Exists, body, None),
            (true, operators::LOGICAL_AND) => (EachKind::All, body, None),
            _ => return None,
        },
        (Expr::Literal(LiteralValue::Int(_)), (operators::CONDITIONAL, [body, ..])) => {
            (EachKind::ExistsOne, body, None)
        }
        (Expr::List(_), (operators::ADD, [_, added])) => (EachKind::Map, only_element(added)?, None),
        (Expr::List(_), (operators::CONDITIONAL, [condition, step, _])) => {
            let (operators::ADD, [_, added]) = arguments(step)? else { return None };
            let added = only_element(added)?;
            match &added.expr {
                // `map(l, p, l)` is the same.
                Expr::Ident(name) if *name == each.iter_var => (EachKind::Filter, condition, None),
                _ => (EachKind::Map, added, Some(condition)),
            }
        }
        _ => return None,
    };
    Some(Written { kind, body, only })
}

fn arguments(expr: &IdedExpr) -> Option<(&str, &[IdedExpr])> {
    match &expr.expr {
        Expr::Call(call) => Some((&call.func_name, &call.args)),
        _ => None,
    }
}

fn only_element(expr: &IdedExpr) -> Option<&IdedExpr> {
    match &expr.expr {
        Expr::List(list) => list.elements.first(),
        _ => None,
    }
}
