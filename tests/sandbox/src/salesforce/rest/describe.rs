//! What the API says about itself: versions, resources, objects and their fields.

use std::ops::RangeInclusive;

use crate::salesforce::json::Json;
use crate::salesforce::schema::{Field, Object, Rule};
use crate::salesforce::viewer::{Action, Viewer};

/// `GET /services/data/`. Three releases a year, named by season; 66 is Spring '26.
pub fn versions(range: &RangeInclusive<u32>) -> Json {
    let version = |version: u32| {
        let season = ["Spring", "Summer", "Winter"][usize::try_from(version % 3).expect("a remainder of 3 fits")];
        // Winter belongs to the year that it reaches into.
        let year = 4 + version / 3 + u32::from(version % 3 == 2);
        Json::object([
            ("label", format!("{season} '{year}").into()),
            ("url", format!("/services/data/v{version}.0").into()),
            ("version", format!("{version}.0").into()),
        ])
    };
    range.clone().map(version).collect::<Vec<Json>>().into()
}

pub fn resources(root: &str) -> Json {
    let names = ["composite", "limits", "query", "queryAll", "sobjects"];
    Json::Object(names.into_iter().map(|name| (name.to_owned(), format!("{root}/{name}").into())).collect())
}

pub fn global(viewer: &Viewer<'_>, root: &str) -> Json {
    let objects: Vec<Json> = viewer.objects().map(|object| Json::Object(summary(object, root))).collect();
    Json::object([("encoding", "UTF-8".into()), ("maxBatchSize", 200usize.into()), ("sobjects", objects.into())])
}

pub fn basic(object: &Object, root: &str) -> Json {
    Json::object([("objectDescribe", Json::Object(summary(object, root))), ("recentItems", Vec::<Json>::new().into())])
}

pub fn describe(viewer: &Viewer<'_>, object: &Object, root: &str) -> Json {
    let mut members = summary(object, root);
    for (name, action) in [("createable", Action::Create), ("updateable", Action::Edit), ("deletable", Action::Delete)]
    {
        members.push((name.to_owned(), viewer.check(object, action).is_ok().into()));
    }
    let described = viewer
        .object(&object.name)
        .map(|object| viewer.fields(object).map(|described| field(viewer, object, described)).collect::<Vec<Json>>());
    members.push(("fields".to_owned(), described.unwrap_or_default().into()));
    let children = object.children.iter().filter(|child| viewer.object(child.object).is_ok()).map(|child| {
        Json::object([
            ("childSObject", child.object.into()),
            ("field", child.field.into()),
            ("relationshipName", child.relationship.into()),
        ])
    });
    members.push(("childRelationships".to_owned(), children.collect::<Vec<Json>>().into()));
    Json::Object(members)
}

fn summary(object: &Object, root: &str) -> Vec<(String, Json)> {
    let base = format!("{root}/sobjects/{}", object.name);
    let urls = Json::object([
        ("sobject", base.as_str().into()),
        ("describe", format!("{base}/describe").into()),
        ("rowTemplate", format!("{base}/{{ID}}").into()),
    ]);
    let members: [(&str, Json); 8] = [
        ("name", object.name.as_str().into()),
        ("label", object.label.as_str().into()),
        ("labelPlural", object.label_plural.as_str().into()),
        ("keyPrefix", object.key_prefix.as_str().into()),
        ("custom", object.is_event().into()),
        ("queryable", (!object.is_event()).into()),
        ("retrieveable", (!object.is_event()).into()),
        ("urls", urls),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn field(viewer: &Viewer<'_>, object: &Object, field: &Field) -> Json {
    let targets: Vec<Json> = match field.kind {
        crate::salesforce::schema::Kind::Reference(targets) => targets.iter().map(|target| (*target).into()).collect(),
        _ => Vec::new(),
    };
    let entry = |value: &String| {
        Json::object([
            ("active", true.into()),
            ("defaultValue", false.into()),
            ("label", value.as_str().into()),
            ("validFor", Json::Null),
            ("value", value.as_str().into()),
        ])
    };
    let offered: Vec<Json> = viewer.offered(object, field).iter().map(entry).collect();
    let has_default = field.default.is_some();
    Json::object([
        ("name", field.name.as_str().into()),
        ("label", field.label.as_str().into()),
        ("type", field.kind.describe_name().into()),
        ("length", field.kind.max_length().into()),
        ("custom", field.is_custom().into()),
        ("nillable", (field.rule != Rule::Required && !has_default).into()),
        ("defaultedOnCreate", has_default.into()),
        ("createable", viewer.may_create(object, field).into()),
        ("updateable", viewer.may_update(object, field).into()),
        ("externalId", field.external_id.into()),
        ("idLookup", (field.external_id || field.name == "Id").into()),
        ("unique", field.unique.into()),
        ("caseSensitive", field.case_sensitive.into()),
        ("referenceTo", targets.into()),
        ("relationshipName", field.relationship().map(|(name, _)| name).into()),
        ("picklistValues", offered.into()),
    ])
}
