//! Fields: `opportunity.Owner.Email`, looked up in the schema.

use cel::common::ast::{Expr, IdedExpr};

use super::{Checker, Typed};
use crate::expression::FieldRead;
use crate::node::{Base, Field, Node};
use crate::problem::{did_you_mean, listed};
use crate::schema::Known;
use crate::types::{Origin, Type};

/// As many relationships as a query of Salesforce follows from one record.
const MOST_RELATIONSHIPS: usize = 5;

impl Checker<'_> {
    pub(super) fn select(&mut self, expr: &IdedExpr) -> Option<Typed> {
        let is_test = matches!(&expr.expr, Expr::Select(select) if select.test);
        let mut names = Vec::new();
        let mut at = expr;
        while let Expr::Select(select) = &at.expr {
            names.push((at.id, select.field.as_str()));
            at = &select.operand;
        }
        names.reverse();
        let (node, mut found) = self.check(at)?;
        let mut told = node.told();
        let mut field = None;
        for (index, (id, name)) in names.iter().enumerate() {
            let Type::Record(origin) = &found else {
                let message = format!("{told} is {found}, and has no field {name}.{}", record_hint(&found));
                self.error(*id, "not_a_record", message);
                return None;
            };
            let next = self.step(*id, origin, name, index + 1 < names.len())?;
            told = format!("{told}.{name}");
            if !matches!(next, Type::Record(_)) {
                field = self.field(&node, origin, name, next.clone());
            }
            found = next;
        }
        match (field, is_test) {
            (Some(field), true) => Some((Node::Has(field), Type::Boolean)),
            (Some(field), false) => Some((Node::Field(field), found)),
            (None, true) => {
                let message = format!("has takes a field, and {told} is {found}: write has({told}.Id).");
                self.error(expr.id, "has_takes_a_field", message);
                None
            }
            (None, false) => match node {
                // It is the record where it starts, and its type says where below.
                Node::Record(base, _) => Some((Node::Record(base, told), found)),
                node => Some((node, found)),
            },
        }
    }

    /// What a name is on a record: a field's type, or the record that a relationship leads to.
    fn step(&mut self, id: u64, origin: &Origin, name: &str, is_parent: bool) -> Option<Type> {
        let object = origin.object.as_deref();
        let there = object.unwrap_or("the record");
        match self.scope.schema.look_up(object, name, is_parent) {
            Known::Parent(parent) => self.parent(id, origin, name, Some(parent)),
            Known::Field(field_type) if !is_parent => Some(field_type.clone()),
            Known::Field(_) => {
                let parent = self.scope.schema.parent_of(object, name);
                let instead =
                    parent.map_or_else(String::new, |parent| format!(": the record that it names is {parent}"));
                self.error(id, "not_a_record", format!("{name} is a field, and has no fields itself{instead}."));
                None
            }
            Known::Wrong(near) => {
                let what = if is_parent { "relationship" } else { "field" };
                let all = self.scope.schema.all_of(object).filter(|_| near.is_none());
                let instead = all.map_or_else(|| did_you_mean(near), |all| format!(": it has {}.", listed(&all)));
                let message = format!("{there} has no {what} {name}{instead}");
                self.error(id, "unknown_field", message);
                None
            }
            Known::Unknown(_) if is_parent && name.ends_with("__c") => {
                let parent = name.trim_end_matches("__c");
                let message =
                    format!("{name} is a field, and has no fields itself: the record that it names is {parent}__r.");
                self.error(id, "not_a_record", message);
                None
            }
            Known::Unknown(near) => {
                if let Some(near) = near {
                    let message =
                        format!("{name} of {there} is not known, and is near to {near}: is that what is meant?");
                    self.warn(id, "unknown_field", message);
                } else if !name.contains("__") && object.is_some() {
                    let message = format!("{name} of {there} is not known: check that your organization has it.");
                    self.warn(id, "unknown_field", message);
                }
                if is_parent || name.ends_with("__r") { self.parent(id, origin, name, None) } else { Some(Type::Any) }
            }
        }
    }

    fn parent(&mut self, id: u64, origin: &Origin, name: &str, object: Option<&str>) -> Option<Type> {
        if origin.steps >= MOST_RELATIONSHIPS {
            let message = format!(
                "Salesforce follows at most {MOST_RELATIONSHIPS} relationships from a record: this is one more."
            );
            self.error(id, "too_far", message);
            return None;
        }
        Some(Type::Record(Origin {
            variable: origin.variable.clone(),
            object: object.map(str::to_owned),
            prefix: format!("{}{name}.", origin.prefix),
            steps: origin.steps + 1,
            told: format!("{}{name}.", origin.told),
        }))
    }

    /// The field is remembered as one that is read.
    fn field(&mut self, node: &Node, origin: &Origin, name: &str, field_type: Type) -> Option<Field> {
        let Node::Record(base, _) = node else { return None };
        let read = FieldRead {
            variable: origin.variable.clone(),
            path: format!("{}{name}", origin.told),
            record_path: format!("{}{name}", origin.prefix),
        };
        let variable = match base {
            Base::Variable(variable) => variable.as_str(),
            Base::Local(index) => self.locals.get(*index).map_or("", |(local, _)| local.as_str()),
        };
        let name = format!("{variable}.{}", read.path);
        let last = read.path.rsplit('.').next().unwrap_or_default();
        let offered = origin.object.as_deref().map_or(&[][..], |object| self.scope.schema.values(object, last));
        if !offered.is_empty() {
            self.offered.insert(name.clone(), offered);
        }
        let field = Field { base: base.clone(), name, path: read.record_path.clone(), field_type };
        self.reads.insert(read);
        Some(field)
    }
}

fn record_hint(found: &Type) -> &'static str {
    match found {
        Type::List(_) => " Write exists, all, filter or map to go through it.",
        _ => "",
    }
}
