//! An expression after it was checked: what is evaluated.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::types::Type;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Null,
    Text(String),
    Number(Decimal),
    Boolean(bool),
    Date(Date),
    DateTime(Timestamp),
    Field(Field),
    /// A value that is given as it is.
    Variable(String),
    /// A list of records that is given.
    Records(String),
    /// A record as a whole, as `filter` keeps it, and how it is told.
    Record(Base, String),
    /// What a macro goes through, by how many are around it.
    Local(usize, String),
    Has(Field),
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
    Choice(Box<[Node; 3]>),
    Binary(Binary, Box<[Node; 2]>),
    List(Vec<Node>),
    Call(Function, Vec<Node>),
    Each(Box<Each>),
    /// A value of a type that nobody knew, where one of this type is needed.
    As(Type, Box<Node>),
}

/// A field of a record, and how it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub base: Base,
    /// As the expression writes it, from the scope's variable.
    pub name: String,
    /// Where it stands in the record.
    pub path: String,
    pub field_type: Type,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Base {
    Variable(String),
    Local(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
}

impl Binary {
    pub fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    StartsWith,
    EndsWith,
    Contains,
    LowerAscii,
    UpperAscii,
    Trim,
    Size,
    Default,
    Date,
    DateTime,
    Days,
    Round,
    Min,
    Max,
    Sum,
    Text,
    Number,
}

/// How a function is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `x.trim()`
    After,
    /// `round(x, 2)`
    Before,
    Both,
}

impl Function {
    pub const ALL: [(Self, &'static str, Style); 17] = [
        (Self::StartsWith, "startsWith", Style::After),
        (Self::EndsWith, "endsWith", Style::After),
        (Self::Contains, "contains", Style::After),
        (Self::LowerAscii, "lowerAscii", Style::After),
        (Self::UpperAscii, "upperAscii", Style::After),
        (Self::Trim, "trim", Style::After),
        (Self::Size, "size", Style::Both),
        (Self::Default, "default", Style::Before),
        (Self::Date, "date", Style::Before),
        (Self::DateTime, "dateTime", Style::Before),
        (Self::Days, "days", Style::Before),
        (Self::Round, "round", Style::Before),
        (Self::Min, "min", Style::Before),
        (Self::Max, "max", Style::Before),
        (Self::Sum, "sum", Style::Before),
        (Self::Text, "text", Style::Before),
        (Self::Number, "number", Style::Before),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(function, ..)| *function == self).map_or("", |(_, name, _)| name)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Each {
    pub kind: EachKind,
    pub list: Node,
    pub body: Node,
    /// Of which elements `map` is made.
    pub only: Option<Node>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EachKind {
    Exists,
    ExistsOne,
    All,
    Filter,
    Map,
}

impl EachKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Exists => "exists",
            Self::ExistsOne => "exists_one",
            Self::All => "all",
            Self::Filter => "filter",
            Self::Map => "map",
        }
    }
}

impl Node {
    /// Those that all have to hold where it does.
    pub fn conditions(&self) -> Vec<&Self> {
        match self {
            Self::And(nodes) => nodes.iter().flat_map(Self::conditions).collect(),
            node => vec![node],
        }
    }

    /// How it is told of in a sentence, where it can be named.
    pub fn name(&self) -> Option<String> {
        match self {
            Self::Null => Some("null".to_owned()),
            // A long text would hide the sentence.
            Self::Text(text) if text.chars().count() <= 40 => Some(format!("{text:?}")),
            Self::Number(number) => Some(number.to_string()),
            Self::Boolean(is_true) => Some(is_true.to_string()),
            Self::Field(field) => Some(field.name.clone()),
            Self::Variable(name) | Self::Records(name) | Self::Local(_, name) | Self::Record(_, name) => {
                Some(name.clone())
            }
            Self::As(_, node) => node.name(),
            Self::Call(function, _) => Some(format!("{}(…)", function.name())),
            Self::Has(_) => Some("has(…)".to_owned()),
            Self::Each(each) => Some(format!("{}(…)", each.kind.name())),
            Self::Date(_) => Some("date(…)".to_owned()),
            Self::DateTime(_) => Some("dateTime(…)".to_owned()),
            _ => None,
        }
    }

    /// What it is where nothing is to be made of it.
    pub fn told(&self) -> String {
        self.name().unwrap_or_else(|| match self {
            Self::List(_) => "the list".to_owned(),
            Self::Binary(binary, _) => format!("the result of {}", binary.sign()),
            Self::Choice(_) => "the result of ?:".to_owned(),
            Self::And(_) => "the result of &&".to_owned(),
            Self::Or(_) => "the result of ||".to_owned(),
            Self::Not(_) => "the result of !".to_owned(),
            Self::Negate(_) => "the result of -".to_owned(),
            _ => "this".to_owned(),
        })
    }
}
