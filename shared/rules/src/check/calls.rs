//! Which functions there are, what they take, and what they come to.

use cel::common::ast::{CallExpr, Expr, IdedExpr};

use super::words::{instead, macro_usage, usage};
use super::{Checker, Typed, coerced, hint};
use crate::node::{Function, Node, Style};
use crate::problem::{did_you_mean, listed, near};
use crate::read;
use crate::types::Type;

impl Checker<'_> {
    pub(super) fn call(&mut self, id: u64, call: &CallExpr) -> Option<Typed> {
        let name = call.func_name.as_str();
        let is_after = call.target.is_some();
        if !is_after && let Some(typed) = self.operator(id, name, &call.args) {
            return typed;
        }
        let Some((function, _, style)) = Function::ALL.iter().find(|(_, known, _)| *known == name) else {
            self.unknown_function(id, call);
            return None;
        };
        let wrong = match style {
            Style::After if !is_after => Some(format!("{name} stands after its text: write {}.", usage(*function))),
            Style::Before if is_after => {
                Some(format!("{name} stands before what it takes: write {}.", usage(*function)))
            }
            _ => None,
        };
        if let Some(message) = wrong {
            self.error(id, "wrong_arguments", message);
            return None;
        }
        let args: Vec<&IdedExpr> = call.target.as_deref().into_iter().chain(&call.args).collect();
        self.function(id, *function, &args)
    }

    fn function(&mut self, id: u64, function: Function, args: &[&IdedExpr]) -> Option<Typed> {
        use Function::*;
        let name = function.name();
        match (function, args) {
            (StartsWith | EndsWith | Contains, [text, part]) => {
                let nodes = [text, part].map(|arg| self.check_as(arg, &Type::Text, name));
                called(function, nodes, Type::Boolean)
            }
            (LowerAscii | UpperAscii | Trim, [text]) => {
                called(function, [self.check_as(text, &Type::Text, name)], Type::Text)
            }
            (Round, [number]) => {
                let node = self.check_as(number, &Type::Number, name);
                called(function, [node, Some(Node::Number(0.into()))], Type::Number)
            }
            (Round, [number, digits]) => {
                let nodes = [number, digits].map(|arg| self.check_as(arg, &Type::Number, name));
                if let Some(Node::Number(literal)) = &nodes[1]
                    && read::places(*literal).is_none()
                {
                    self.error(digits.id, "wrong_arguments", "round takes 0 to 28 decimals, as in round(x, 2).");
                    return None;
                }
                called(function, nodes, Type::Number)
            }
            (Days, [number]) => called(function, [self.check_as(number, &Type::Number, name)], Type::Days),
            (Size, [arg]) => {
                let (node, found) = self.check(arg)?;
                let node = match found {
                    Type::List(_) => Some(node),
                    found => self.fitting(arg.id, (node, found), &Type::Text, name),
                };
                called(function, [node], Type::Number)
            }
            (Default, [arg, otherwise]) => self.default(id, arg, otherwise),
            (Min | Max | Sum, [arg]) => self.of_list(function, arg),
            (Min | Max, [_, _, ..]) => {
                let nodes: Vec<_> = args.iter().map(|arg| self.check_as(arg, &Type::Number, name)).collect();
                called(function, nodes, Type::Number)
            }
            (Date | DateTime | Text | Number, [arg]) => self.conversion(function, arg),
            _ => {
                for arg in args {
                    self.check(arg);
                }
                self.error(id, "wrong_arguments", format!("{name} is written {}.", usage(function)));
                None
            }
        }
    }

    fn of_list(&mut self, function: Function, arg: &IdedExpr) -> Option<Typed> {
        let (node, found) = self.check(arg)?;
        let node = match found {
            Type::List(of) if matches!(*of, Type::Record(_)) => {
                let (name, list) = (function.name(), node.told());
                let message = format!(
                    "{name} takes numbers, and {list} holds records: write {name}(lines.map(l, l.TotalPrice))."
                );
                self.error(arg.id, "wrong_type", message);
                None
            }
            found => self.fitting(arg.id, (node, found), &Type::list(Type::Number), function.name()),
        };
        called(function, [node], Type::Number)
    }

    fn default(&mut self, id: u64, arg: &IdedExpr, otherwise: &IdedExpr) -> Option<Typed> {
        let (arg, otherwise) = (self.check(arg), self.check(otherwise));
        let ((arg, found), (otherwise, other)) = (arg?, otherwise?);
        if let Some(joined) = found.with(&other).filter(Type::is_value) {
            let nodes = [coerced(arg, &found, &joined), coerced(otherwise, &other, &joined)];
            return called(Function::Default, nodes.map(Some), joined);
        }
        let message = format!(
            "default takes two values of one type: {} is {found}, and {} {other}.{}",
            arg.told(),
            otherwise.told(),
            hint(&other, &found)
        );
        self.error(id, "mixed_types", message);
        None
    }

    fn conversion(&mut self, function: Function, arg: &IdedExpr) -> Option<Typed> {
        let (node, found) = self.check(arg)?;
        let (takes, result): (&[Type], Type) = match function {
            Function::Date => (&[Type::Text, Type::Date, Type::DateTime], Type::Date),
            Function::DateTime => (&[Type::Text, Type::DateTime], Type::DateTime),
            Function::Number => (&[Type::Text, Type::Number], Type::Number),
            _ => (&[Type::Text, Type::Number, Type::Boolean, Type::Date, Type::DateTime], Type::Text),
        };
        if found != Type::Any && !takes.contains(&found) {
            let (name, told) = (function.name(), node.told());
            let message =
                format!("{told} is {found}, and {name} makes nothing of it: it is written {}.", usage(function));
            self.error(arg.id, "wrong_type", message);
            return None;
        }
        // What is written out is read here, so that a slip is found before anything runs.
        let Node::Text(text) = &node else { return called(function, [Some(node)], result) };
        let constant = match function {
            Function::Date => read::date(text).map(Node::Date),
            Function::DateTime => read::date_time(text).map(Node::DateTime),
            Function::Number => read::number(text).map(Node::Number),
            _ => Some(node.clone()),
        };
        if constant.is_none() {
            self.error(
                arg.id,
                "unreadable",
                format!("{} cannot be read: it is written {}.", node.told(), usage(function)),
            );
        }
        Some((constant?, result))
    }

    fn unknown_function(&mut self, id: u64, call: &CallExpr) {
        let name = call.func_name.as_str();
        // A macro with something else in its parentheses has a name in them that is nothing yet.
        let args = call.args.iter().filter(|_| macro_usage(name).is_none());
        for arg in call.target.as_deref().into_iter().chain(args) {
            // A name may be that of a package of functions, as in math.least(1, 2).
            if !matches!(arg.expr, Expr::Ident(_)) {
                self.check(arg);
            }
        }
        let functions = Function::ALL.map(|(_, name, _)| name);
        let macros = ["has", "exists", "all", "exists_one", "filter", "map"];
        let message = match (macro_usage(name), instead(name)) {
            (Some(usage), _) => format!("{name} is written {usage}."),
            (_, Some(instead)) => format!("There is no {name} here: {instead}."),
            _ => match near(name, functions.into_iter().chain(macros)) {
                Some(near) => format!("There is no function {name}{}", did_you_mean(Some(near))),
                None => format!("There is no function {name}. There are {}.", listed(&functions)),
            },
        };
        self.error(id, "unknown_function", message);
    }
}

fn called(function: Function, nodes: impl IntoIterator<Item = Option<Node>>, result: Type) -> Option<Typed> {
    let nodes: Option<Vec<_>> = nodes.into_iter().collect();
    Some((Node::Call(function, nodes?), result))
}
