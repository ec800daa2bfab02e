//! List views: what somebody set up to look at, as a query that the API describes and runs.

use std::collections::BTreeMap;

use super::error::{self, ApiError};
use super::json::Json;
use super::org::{Actor, Org};
use super::schema::{Kind, Object};
use super::soql::{Filter, Literal, Query, Values, bind, parser};
use super::store::Record;
use super::viewer::{Access, Viewer};

/// As somebody set it up.
#[derive(Debug, Clone, Default)]
pub struct ListView {
    pub label: String,
    pub developer_name: String,
    pub object: String,
    /// What it shows, in this order. It is sorted by the first of them.
    pub columns: Vec<String>,
    /// A condition in SOQL; empty for every record.
    pub condition: String,
    /// Of the records only those of whoever looks at it.
    pub is_mine: bool,
    /// It is shown to whoever made it, and to nobody else.
    pub is_private: bool,
}

/// Every list view has them, beside those that it shows.
pub const HIDDEN: [&str; 4] = ["Id", "CreatedDate", "LastModifiedDate", "SystemModstamp"];

/// By their ids.
#[derive(Debug, Default)]
pub struct ListViews(BTreeMap<String, ListView>);

impl ListViews {
    /// As the vendor says it of one that is not there, is another object's, or is not shown to whoever asks.
    pub fn shown(&self, actor: &Actor, object: &Object, id: &str) -> Result<&ListView, ApiError> {
        let view = self.0.get(id).filter(|view| view.object == object.name);
        view.filter(|view| actor.access == Access::All || !view.is_private).ok_or_else(error::not_found)
    }

    /// A query does not find those that are not shown to whoever asks.
    pub fn without_hidden(&self, query: Query, actor: &Actor) -> Query {
        if actor.access == Access::All || !query.from.eq_ignore_ascii_case("ListView") {
            return query;
        }
        let private = self.0.iter().filter(|(_, view)| view.is_private);
        let values: Vec<_> = private.map(|(id, _)| Literal::Text(id.clone())).collect();
        if values.is_empty() {
            return query;
        }
        query.and(Filter::In { path: vec!["Id".to_owned()], negated: true, values: Values::List(values) })
    }
}

impl ListView {
    /// The columns that the user sees, and those that every list view has; each with whether it is hidden.
    pub fn columns<'a>(&'a self, viewer: &Viewer<'_>, object: &Object) -> Vec<(&'a str, Kind, bool)> {
        let shown = self.columns.iter().map(|name| (name.as_str(), false));
        let hidden = HIDDEN.iter().filter(|name| !self.columns.iter().any(|column| column == *name));
        let all = shown.chain(hidden.map(|name| (*name, true)));
        all.filter_map(|(name, hidden)| Some((name, bind::kind(viewer, object, name)?, hidden))).collect()
    }

    /// The query, as the vendor composes it.
    pub fn query(&self, viewer: &Viewer<'_>, object: &Object) -> String {
        let columns = self.columns(viewer, object);
        let select: Vec<_> = columns.iter().map(|(name, kind, _)| select_item(name, *kind)).collect();
        let scope = if self.is_mine { " USING SCOPE mine" } else { "" };
        let condition = match self.condition.as_str() {
            "" => String::new(),
            condition => format!(" WHERE {condition}"),
        };
        let order: Vec<_> = order(&columns).map(|name| format!("{name} ASC NULLS FIRST")).collect();
        let (select, order) = (select.join(", "), order.join(", "));
        format!("SELECT {select} FROM {}{scope}{condition} ORDER BY {order}", self.object)
    }
}

pub fn select_item(name: &str, kind: Kind) -> String {
    if kind == Kind::Picklist { format!("toLabel({name})") } else { name.to_owned() }
}

/// By the first column, and by the id where that is equal.
pub fn order<'a>(columns: &[(&'a str, Kind, bool)]) -> impl Iterator<Item = &'a str> {
    columns.first().map(|(name, ..)| *name).filter(|name| *name != "Id").into_iter().chain(["Id"])
}

impl Org {
    /// Only what can be run is set up.
    pub fn add_list_view(&mut self, actor: &Actor, view: ListView) -> Result<String, ApiError> {
        let viewer = self.viewer(actor.access);
        let object = viewer.object(&view.object)?;
        if object.name != view.object || view.developer_name.is_empty() {
            return Err(ApiError::new(400, "INVALID_TYPE", "it has an object and a developer name"));
        }
        let unknown = view.columns.iter().find(|name| bind::kind(&viewer, object, name).is_none());
        if let Some(name) = unknown {
            return Err(error::unknown_column(name, &object.name));
        }
        bind::bind(&viewer, &parser::parse(&view.query(&viewer, object))?)?;
        let is_taken = self.list_views.0.values().any(|other| {
            other.object == view.object && other.developer_name.eq_ignore_ascii_case(&view.developer_name)
        });
        if is_taken {
            return Err(ApiError::new(400, "DUPLICATE_DEVELOPER_NAME", "The developer name is in use already"));
        }
        let id = self.next_id("00B");
        let fields: [(&str, Json); 6] = [
            ("Id", id.as_str().into()),
            ("IsDeleted", false.into()),
            ("Name", view.label.as_str().into()),
            ("DeveloperName", view.developer_name.as_str().into()),
            ("SobjectType", view.object.as_str().into()),
            ("IsSoqlCompatible", true.into()),
        ];
        let mut record: Record = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.stamp(&mut record, &actor.user_id, actor.now_ms, true);
        self.store.put("ListView", &id, record);
        self.list_views.0.insert(id.clone(), view);
        Ok(id)
    }
}
