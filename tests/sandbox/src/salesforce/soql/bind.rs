//! Names to fields, as one session sees them. A hidden field is refused in the words for a missing one.

use super::{Filter, Literal, Operator, Order, Query, Select, Values};
use crate::salesforce::error::{self, ApiError};
use crate::salesforce::schema::{Field, Kind, Object};
use crate::salesforce::viewer::Viewer;

#[derive(Debug, Clone)]
pub struct Bound {
    pub object: String,
    pub count_only: bool,
    pub shape: Shape,
    pub filter: Option<Condition>,
    pub order: Vec<(Path, Order)>,
    pub limit: Option<usize>,
    pub offset: usize,
}

/// What a row shows, in the order in which it was asked for.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    pub object: String,
    pub items: Vec<Item>,
}

#[derive(Debug, Clone)]
pub enum Item {
    Field {
        name: String,
        kind: Kind,
    },
    Parent {
        relationship: String,
        field: String,
        shape: Shape,
    },
    /// The child records whose `field` points here.
    Children {
        relationship: String,
        field: String,
        query: Box<Bound>,
    },
}

/// A field reached over parents.
#[derive(Debug, Clone)]
pub struct Path {
    /// Each step: the reference field followed, and the object it leads to.
    pub hops: Vec<(String, String)>,
    pub field: String,
    pub kind: Kind,
    pub case_sensitive: bool,
}

#[derive(Debug, Clone)]
pub enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Compare { path: Path, operator: Operator, value: Literal },
    In { path: Path, negated: bool, values: BoundValues },
}

#[derive(Debug, Clone)]
pub enum BoundValues {
    List(Vec<Literal>),
    Query { path: Path, query: Box<Bound> },
}

pub fn bind(viewer: &Viewer<'_>, query: &Query) -> Result<Bound, ApiError> {
    let object = viewer.object(&query.from)?;
    bind_to(viewer, query, object)
}

fn bind_to(viewer: &Viewer<'_>, query: &Query, object: &Object) -> Result<Bound, ApiError> {
    let object = viewer.object(&object.name)?;
    let mut shape = Shape { object: object.name.clone(), items: Vec::new() };
    for select in &query.select {
        match select {
            Select::Count => {}
            Select::Path(path) => add_path(viewer, &mut shape, object, own(object, path))?,
            // A label is the value here: nothing is translated.
            Select::Label(path) => {
                let field = resolve(viewer, object, path)?;
                if field.kind != Kind::Picklist {
                    let message = format!("field '{}' does not support toLabel", field.field);
                    return Err(ApiError::new(400, "INVALID_FIELD", message));
                }
                add_path(viewer, &mut shape, object, own(object, path))?;
            }
            Select::Child(child) => shape.items.push(children(viewer, object, child)?),
        }
    }
    let filter = query.filter.as_ref().map(|filter| condition(viewer, object, filter)).transpose()?;
    let order = query.order.iter().map(|order| {
        let path = resolve(viewer, object, &order.path)?;
        if matches!(path.kind, Kind::LongTextArea(_)) {
            let message = format!("field '{}' can not be sorted in a query call", path.field);
            return Err(ApiError::new(400, "INVALID_FIELD", message));
        }
        Ok((path, order.clone()))
    });
    Ok(Bound {
        object: object.name.clone(),
        count_only: query.select == [Select::Count],
        order: order.collect::<Result<_, ApiError>>()?,
        shape,
        filter,
        limit: query.limit,
        offset: query.offset,
    })
}

/// A path may begin with the name of the object itself.
fn own<'a>(object: &Object, path: &'a [String]) -> &'a [String] {
    match path {
        [first, rest @ ..] if !rest.is_empty() && first.eq_ignore_ascii_case(&object.name) => rest,
        _ => path,
    }
}

fn add_path(viewer: &Viewer<'_>, shape: &mut Shape, object: &Object, path: &[String]) -> Result<(), ApiError> {
    let object = viewer.object(&object.name)?;
    let [first, rest @ ..] = path else { return Ok(()) };
    if rest.is_empty() {
        let field = viewer.field(object, first).ok_or_else(|| error::unknown_column(first, &object.name))?;
        let is_same = |item: &Item| matches!(item, Item::Field { name, .. } if *name == field.name);
        if shape.items.iter().any(is_same) {
            return Err(ApiError::new(400, "INVALID_FIELD", format!("duplicate field selected: {}", field.name)));
        }
        shape.items.push(Item::Field { name: field.name.clone(), kind: field.kind });
        return Ok(());
    }
    let (reference, relationship, parent) = parent(viewer, object, first)?;
    let is_same = |item: &Item| matches!(item, Item::Parent { relationship: name, .. } if *name == relationship);
    let position = shape.items.iter().position(is_same).unwrap_or_else(|| {
        let shape_of_parent = Shape { object: parent.name.clone(), items: Vec::new() };
        let field = reference.name.clone();
        shape.items.push(Item::Parent { relationship: relationship.to_owned(), field, shape: shape_of_parent });
        shape.items.len() - 1
    });
    match &mut shape.items[position] {
        Item::Parent { shape, .. } => add_path(viewer, shape, parent, rest),
        _ => Ok(()),
    }
}

fn children(viewer: &Viewer<'_>, object: &Object, query: &Query) -> Result<Item, ApiError> {
    let child = object.children.iter().find(|child| child.relationship.eq_ignore_ascii_case(&query.from));
    let child = child.ok_or_else(|| {
        let message = format!(
            "Didn't understand relationship '{}' in FROM part of query call. If you are attempting to use a custom \
             relationship, be sure to append the '__r' after the custom relationship name.",
            query.from
        );
        ApiError::new(400, "INVALID_TYPE", message)
    })?;
    let query = bind_to(viewer, query, viewer.object(child.object)?)?;
    Ok(Item::Children {
        relationship: child.relationship.to_owned(),
        field: child.field.to_owned(),
        query: Box::new(query),
    })
}

/// The reference field behind a relationship name, the name as the vendor writes it, and the object it leads to.
fn parent<'a>(
    viewer: &Viewer<'a>,
    object: &'a Object,
    name: &str,
) -> Result<(&'a Field, String, &'a Object), ApiError> {
    let found = viewer.fields(object).find_map(|field| {
        let (relationship, target) = field.relationship()?;
        relationship.eq_ignore_ascii_case(name).then_some((field, relationship, target))
    });
    let (field, relationship, target) = found.ok_or_else(|| {
        let message = format!(
            "Didn't understand relationship '{name}' in field path. If you are attempting to use a custom relationship, \
             be sure to append the '__r' after the custom relationship name."
        );
        ApiError::new(400, "INVALID_FIELD", message)
    })?;
    Ok((field, relationship, viewer.object(target)?))
}

fn resolve(viewer: &Viewer<'_>, object: &Object, path: &[String]) -> Result<Path, ApiError> {
    let mut object = viewer.object(&object.name)?;
    let mut hops = Vec::new();
    let Some((last, steps)) = own(object, path).split_last() else {
        return Err(error::malformed_query("a field is expected"));
    };
    for step in steps {
        let (field, _, target) = parent(viewer, object, step)?;
        hops.push((field.name.clone(), target.name.clone()));
        object = target;
    }
    let field = viewer.field(object, last).ok_or_else(|| error::unknown_column(last, &object.name))?;
    Ok(Path { hops, field: field.name.clone(), kind: field.kind, case_sensitive: field.case_sensitive })
}

/// What a column of this name is, if the session sees it.
pub fn kind(viewer: &Viewer<'_>, object: &Object, column: &str) -> Option<Kind> {
    let path: Vec<_> = column.split('.').map(str::to_owned).collect();
    resolve(viewer, object, &path).ok().map(|path| path.kind)
}

fn condition(viewer: &Viewer<'_>, object: &Object, filter: &Filter) -> Result<Condition, ApiError> {
    let all = |filters: &[Filter]| -> Result<Vec<Condition>, ApiError> {
        filters.iter().map(|filter| condition(viewer, object, filter)).collect()
    };
    Ok(match filter {
        Filter::And(filters) => Condition::And(all(filters)?),
        Filter::Or(filters) => Condition::Or(all(filters)?),
        Filter::Not(filter) => Condition::Not(Box::new(condition(viewer, object, filter)?)),
        Filter::Compare { path, operator, value } => {
            let path = filterable(viewer, object, path)?;
            check_operator(&path, *operator)?;
            Condition::Compare { value: typed(&path, value)?, path, operator: *operator }
        }
        Filter::In { path, negated, values } => {
            let path = filterable(viewer, object, path)?;
            let values = match values {
                Values::List(values) => {
                    BoundValues::List(values.iter().map(|value| typed(&path, value)).collect::<Result<_, _>>()?)
                }
                Values::Query(query) => {
                    let inner = viewer.object(&query.from)?;
                    let [Select::Path(selected)] = query.select.as_slice() else {
                        return Err(error::malformed_query("a semi-join selects one field"));
                    };
                    let path = resolve(viewer, inner, selected)?;
                    BoundValues::Query { path, query: Box::new(bind(viewer, query)?) }
                }
            };
            Condition::In { path, negated: *negated, values }
        }
    })
}

fn filterable(viewer: &Viewer<'_>, object: &Object, path: &[String]) -> Result<Path, ApiError> {
    let path = resolve(viewer, object, path)?;
    if matches!(path.kind, Kind::LongTextArea(_)) {
        let message = format!("field '{}' can not be filtered in a query call", path.field);
        return Err(ApiError::new(400, "INVALID_FIELD", message));
    }
    Ok(path)
}

fn check_operator(path: &Path, operator: Operator) -> Result<(), ApiError> {
    let is_text = !path.kind.is_numeric()
        && !matches!(path.kind, Kind::Id | Kind::Reference(_) | Kind::Checkbox | Kind::Date | Kind::DateTime);
    let is_ordering = !matches!(operator, Operator::Equal | Operator::NotEqual | Operator::Like);
    let allowed = match path.kind {
        Kind::Checkbox => !is_ordering && operator != Operator::Like,
        _ => operator != Operator::Like || is_text,
    };
    if allowed {
        return Ok(());
    }
    let message = format!("invalid operator on {} field", path.kind.describe_name());
    Err(ApiError::new(400, "INVALID_QUERY_FILTER_OPERATOR", message))
}

/// The literal, if it is of the field's type; ids in their long form.
fn typed(path: &Path, value: &Literal) -> Result<Literal, ApiError> {
    let fits = match (path.kind, value) {
        (_, Literal::Null) => true,
        (kind, Literal::Number(_)) => kind.is_numeric(),
        (Kind::Checkbox, Literal::Bool(_)) => true,
        (Kind::Date, Literal::Date(_)) | (Kind::DateTime, Literal::DateTime(_)) => true,
        (Kind::Id | Kind::Reference(_), Literal::Text(text)) => {
            let id = crate::salesforce::id::normalize(text);
            let message = || format!("invalid ID field: {text}");
            return id.map(Literal::Text).ok_or_else(|| ApiError::new(400, "INVALID_QUERY_FILTER_OPERATOR", message()));
        }
        (kind, Literal::Text(_)) => !kind.is_numeric() && !matches!(kind, Kind::Checkbox | Kind::Date | Kind::DateTime),
        _ => false,
    };
    if fits {
        return Ok(value.clone());
    }
    let quotes = if matches!(value, Literal::Text(_)) { " and should not be enclosed in quotes" } else { "" };
    let kind = path.kind.describe_name();
    let message = format!("value of filter criterion for field '{}' must be of type {kind}{quotes}", path.field);
    Err(ApiError::new(400, "INVALID_FIELD", message))
}
