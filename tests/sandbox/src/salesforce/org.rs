//! One org: its schema, its records, its settings, and the changes that have not been told to anybody yet.

use super::Config;
use super::id::Ids;
use super::json::Json;
use super::list_view::ListViews;
use super::locks::Locks;
use super::schema::Schema;
use super::schema::flow::Flow;
use super::store::{Record, Store};
use super::viewer::{Access, Viewer};

/// Whoever makes a request, and when.
#[derive(Debug, Clone)]
pub struct Actor {
    pub user_id: String,
    pub access: Access,
    pub now_ms: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeType {
    Create,
    Update,
    Delete,
}

/// A committed change of an opportunity, or a platform event that was published.
#[derive(Debug, Clone)]
pub struct Change {
    pub object: String,
    pub id: String,
    pub change_type: ChangeType,
    /// The fields with their new values.
    pub changed: Vec<(String, Json)>,
    /// The opportunity was not in the winning stage before, and is now.
    pub turned_won: bool,
    pub user_id: String,
    pub at_ms: i64,
}

#[derive(Debug)]
pub struct Org {
    pub schema: Schema,
    pub store: Store,
    pub locks: Locks,
    pub multi_currency: bool,
    pub org_currency: String,
    pub admin_user_id: String,
    pub standard_pricebook_id: String,
    pub changes: Vec<Change>,
    /// Of the packages that are deployed beside the first.
    pub flows: Vec<Flow>,
    pub list_views: ListViews,
    ids: Ids,
}

/// A place to roll back to.
#[derive(Debug, Clone, Copy)]
pub struct Savepoint {
    store: usize,
    locks: usize,
    changes: usize,
}

impl Org {
    pub fn new(config: &Config) -> Result<Self, String> {
        let schema = Schema::load(&config.project_dir, &config.own_fields)?;
        let flows = match config.posts_to_chatter {
            true => Flow::read_all(&config.project_dir.join("chatter/main/default/flows"))?,
            false => Vec::new(),
        };
        let mut ids = Ids::default();
        let mut org = Self {
            store: Store::new(&schema),
            locks: Locks::new(config.hold_rows_ms),
            schema,
            multi_currency: config.multi_currency,
            org_currency: config.org_currency.clone(),
            admin_user_id: ids.next("005"),
            standard_pricebook_id: ids.next("01s"),
            changes: Vec::new(),
            flows,
            list_views: ListViews::default(),
            ids,
        };
        org.seed(config);
        Ok(org)
    }

    /// What every org has: itself, its users, and the standard price book.
    fn seed(&mut self, config: &Config) {
        let (admin, pricebook) = (self.admin_user_id.clone(), self.standard_pricebook_id.clone());
        let user = |id: &str, name: &str| {
            vec![
                ("Username", format!("{}@sandbox.example", name.to_lowercase()).into()),
                ("LastName", name.into()),
                ("Name", name.into()),
                ("Email", format!("{}@sandbox.example", name.to_lowercase()).into()),
                ("IsActive", true.into()),
                ("Id", id.into()),
            ]
        };
        let rows: Vec<(&str, Vec<(&str, Json)>)> = vec![
            ("User", user(&admin, "Administrator")),
            ("User", user(&config.integration_user_id, "Integration")),
            (
                "Organization",
                vec![
                    ("Id", config.org_id.as_str().into()),
                    ("Name", "Sandbox".into()),
                    ("OrganizationType", "Developer Edition".into()),
                    ("IsSandbox", true.into()),
                    ("InstanceName", "SBX1".into()),
                    ("LanguageLocaleKey", "en_US".into()),
                ],
            ),
            (
                "Pricebook2",
                vec![
                    ("Id", pricebook.as_str().into()),
                    ("Name", "Standard Price Book".into()),
                    ("IsActive", true.into()),
                    ("IsStandard", true.into()),
                ],
            ),
        ];
        for (object, fields) in rows {
            let mut record: Record = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            let id = record.get("Id").and_then(Json::text).unwrap_or_default().to_owned();
            record.insert("IsDeleted".into(), false.into());
            self.stamp(&mut record, &admin, 0, true);
            self.store.put(object, &id, record);
        }
        self.store.commit();
    }

    /// A record of what Salesforce writes, and nobody else.
    pub fn note(&mut self, object: &str, fields: Vec<(String, Json)>, now_ms: i64) -> Result<(), String> {
        let of = self.schema.object(object).ok_or_else(|| format!("there is no object {object}"))?;
        if let Some((name, _)) = fields.iter().find(|(name, _)| of.field(name).is_none()) {
            return Err(format!("{object} has no field {name}"));
        }
        let (object, id) = (of.name.clone(), self.ids.next(&of.key_prefix));
        let mut record: Record = fields.into_iter().collect();
        record.insert("Id".into(), id.as_str().into());
        record.insert("IsDeleted".into(), false.into());
        self.stamp(&mut record, &self.admin_user_id, now_ms, true);
        self.store.put(&object, &id, record);
        self.store.commit();
        Ok(())
    }

    pub fn viewer(&self, access: Access) -> Viewer<'_> {
        Viewer { schema: &self.schema, access, multi_currency: self.multi_currency }
    }

    pub fn admin(&self, now_ms: i64) -> Actor {
        Actor { user_id: self.admin_user_id.clone(), access: Access::All, now_ms }
    }

    pub fn next_id(&mut self, prefix: &str) -> String {
        self.ids.next(prefix)
    }

    /// Writes the audit fields.
    pub fn stamp(&self, record: &mut Record, user_id: &str, now_ms: i64, is_new: bool) {
        let now: Json = super::time::datetime(now_ms).into();
        if is_new {
            record.insert("CreatedDate".into(), now.clone());
            record.insert("CreatedById".into(), user_id.into());
        }
        record.insert("LastModifiedDate".into(), now.clone());
        record.insert("LastModifiedById".into(), user_id.into());
        record.insert("SystemModstamp".into(), now);
    }

    /// A record that exists and is not deleted.
    pub fn live(&self, object: &str, id: &str) -> Option<&Record> {
        self.store.get(object, id).filter(|record| !is_deleted(record))
    }

    pub fn savepoint(&self) -> Savepoint {
        Savepoint { store: self.store.mark(), locks: self.locks.mark(), changes: self.changes.len() }
    }

    pub fn rollback(&mut self, savepoint: Savepoint) {
        self.store.rollback(savepoint.store);
        self.locks.rollback(savepoint.locks);
        self.changes.truncate(savepoint.changes);
    }
}

pub fn is_deleted(record: &Record) -> bool {
    record.get("IsDeleted").is_some_and(Json::is_true)
}

pub fn text<'a>(record: &'a Record, field: &str) -> Option<&'a str> {
    record.get(field).and_then(Json::text)
}
