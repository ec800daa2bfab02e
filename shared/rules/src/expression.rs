//! Text → syntax tree → types → what is evaluated.

use std::collections::BTreeSet;

use crate::check::Checker;
use crate::evaluate::evaluate;
use crate::node::{Base, Node};
use crate::parse::{self, Places};
use crate::problem::{Problem, Weight};
use crate::scope::Scope;
use crate::types::Type;
use crate::value::{Inputs, Undecided, Value};

/// An expression that was found right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    node: Node,
    value_type: Type,
    reads: BTreeSet<FieldRead>,
    variables: BTreeSet<String>,
    warnings: Vec<Problem>,
}

/// A field that an expression reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldRead {
    /// As the scope names it: what a macro reads of each line is read of `lines`.
    pub variable: String,
    /// As the expression writes it below the variable: `Owner.Email`.
    pub path: String,
    /// Where it stands in the record that is given for the variable: `Account.Name` for `account.Name`.
    pub record_path: String,
}

impl Expression {
    /// An expression that comes to one value of the type that is wanted; `Any` takes each. Otherwise everything that is the
    /// matter, in the order of the text, with what else may be.
    pub fn compile(source: &str, scope: &Scope<'_>, wanted: &Type) -> Result<Self, Vec<Problem>> {
        let parsed = parse::parse(source)?;
        let mut checker = Checker::new(scope);
        let whole = checker.check_whole(&parsed.root, wanted);
        let mut warnings: Vec<_> = parse::thousands(&parsed).collect();
        if !checker.noted.is_empty() {
            let places = Places::of(&parsed);
            warnings.extend(checker.noted.into_iter().map(|noted| {
                let at = places.get(noted.id);
                Problem { code: noted.code, weight: noted.weight, at, message: noted.message }
            }));
        }
        warnings.sort_by_key(|problem| (problem.at.start, problem.at.end));
        match whole {
            Some((node, value_type)) if warnings.iter().all(|problem| problem.weight == Weight::Warning) => {
                Ok(Self { node, value_type, reads: checker.reads, variables: checker.variables, warnings })
            }
            _ => Err(warnings),
        }
    }

    /// What it comes to. `Any` where only the values say so.
    pub fn value_type(&self) -> &Type {
        &self.value_type
    }

    /// What may be wrong: a field or a value that an organization may not have, or a number that may be meant otherwise.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// Whether the other one holds wherever this one does, as far as can be seen: all that the other joins by && this one joins, too.
    pub fn implies(&self, other: &Self) -> bool {
        let own = self.node.conditions();
        other.node.conditions().iter().all(|one| own.contains(one))
    }

    /// The fields that it reads, in order, each once.
    pub fn fields(&self) -> impl Iterator<Item = &FieldRead> {
        self.reads.iter()
    }

    /// The variables that it reads, in order, each once: `size(lines)` reads no field of them.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().map(String::as_str)
    }

    /// The field, where it is nothing but one: that can be written, too.
    pub fn as_field(&self) -> Option<&FieldRead> {
        let mut node = &self.node;
        while let Node::As(_, inner) = node {
            node = inner;
        }
        match node {
            Node::Field(field) if matches!(field.base, Base::Variable(_)) => self.reads.iter().next(),
            _ => None,
        }
    }

    /// What it comes to for these records. The same inputs always give the same, after a bounded number of steps.
    pub fn evaluate(&self, inputs: &Inputs<'_>) -> Result<Value, Undecided> {
        evaluate(&self.node, inputs)
    }
}
