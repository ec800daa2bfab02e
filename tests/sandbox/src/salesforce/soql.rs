//! SOQL: text → `Query` (parser) → bound to the schema as one session sees it (bind) → rows (run).

pub mod bind;
mod filter;
mod lexer;
pub mod parser;
pub mod run;

/// A query as it was written; names are not checked yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    pub select: Vec<Select>,
    pub from: String,
    pub scope: Option<Scope>,
    pub filter: Option<Filter>,
    pub order: Vec<Order>,
    pub limit: Option<usize>,
    pub offset: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Select {
    /// `Account.Owner.Name` as its three parts.
    Path(Vec<String>),
    /// `toLabel(StageName)`.
    Label(Vec<String>),
    Child(Box<Query>),
    Count,
}

/// Whose records are looked at: `USING SCOPE mine`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Everything,
    /// Of whoever asks.
    Mine,
}

impl Query {
    /// With what its scope leaves out as a condition.
    pub fn seen_by(self, user_id: &str) -> Self {
        if self.scope != Some(Scope::Mine) {
            return self;
        }
        let value = Literal::Text(user_id.to_owned());
        self.and(Filter::Compare { path: vec!["OwnerId".to_owned()], operator: Operator::Equal, value })
    }

    pub fn and(mut self, condition: Filter) -> Self {
        self.filter = Some(match self.filter.take() {
            Some(filter) => Filter::And(vec![filter, condition]),
            None => condition,
        });
        self
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Compare { path: Vec<String>, operator: Operator, value: Literal },
    In { path: Vec<String>, negated: bool, values: Values },
}

#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    List(Vec<Literal>),
    Query(Box<Query>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    Text(String),
    Number(rust_decimal::Decimal),
    Bool(bool),
    Date(String),
    DateTime(String),
    Null,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub path: Vec<String>,
    pub descending: bool,
    pub nulls_last: bool,
}
