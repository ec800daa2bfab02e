//! Stripe and Salesforce as their customers use them: the vendors' own HTTP APIs and nothing else. What is written here
//! works against the sandbox and against real test accounts alike.

use std::time::Duration;

use serde_json::{Value, json};

use crate::aws::text;
use crate::failure::{Failure, Result};
use crate::http::{Http, encode, form};

pub const STRIPE_VERSION: &str = "2026-10-28.endive";
pub const SALESFORCE_VERSION: &str = "v67.0";

const TIMEOUT: Duration = Duration::from_secs(30);

pub struct Stripe {
    http: Http,
    pub base: String,
    key: String,
}

impl Stripe {
    pub fn new(base: &str, key: &str) -> Self {
        Self { http: Http::new(TIMEOUT), base: base.to_owned(), key: key.to_owned() }
    }

    pub fn get(&self, path: &str) -> Result<Value> {
        self.send("GET", path, &[])
    }

    pub fn post(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value> {
        self.send("POST", path, parameters)
    }

    fn send(&self, method: &str, path: &str, parameters: &[(&str, &str)]) -> Result<Value> {
        let bearer = format!("Bearer {}", self.key);
        let mut headers = vec![("authorization", bearer.as_str()), ("stripe-version", STRIPE_VERSION)];
        if method == "POST" {
            headers.push(("content-type", "application/x-www-form-urlencoded"));
        }
        let answer = self.http.send(method, &format!("{}{path}", self.base), &headers, &form(parameters))?;
        answer.json(&format!("{method} {path} at Stripe"))
    }

    /// All objects of a list, which may have more than one page.
    pub fn list(&self, path: &str) -> Result<Vec<Value>> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut objects: Vec<Value> = Vec::new();
        loop {
            let after = match objects.last() {
                Some(last) => format!("&starting_after={}", encode(text(last, "id")?)),
                None => String::new(),
            };
            let page = self.get(&format!("{path}{joint}limit=100{after}"))?;
            objects.extend(page["data"].as_array().into_iter().flatten().cloned());
            if page["has_more"] != json!(true) {
                return Ok(objects);
            }
        }
    }
}

pub struct Salesforce {
    http: Http,
    pub instance_url: String,
    token: String,
}

impl Salesforce {
    /// Logs in by the OAuth client credentials flow.
    pub fn login(login_url: &str, client_id: &str, client_secret: &str) -> Result<Self> {
        let http = Http::new(TIMEOUT);
        let url = format!("{login_url}/services/oauth2/token");
        let body =
            form(&[("grant_type", "client_credentials"), ("client_id", client_id), ("client_secret", client_secret)]);
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let token = http.send("POST", &url, &headers, &body)?.json("logging in to Salesforce")?;
        Ok(Self {
            http,
            instance_url: text(&token, "instance_url")?.to_owned(),
            token: text(&token, "access_token")?.to_owned(),
        })
    }

    /// Who we are logged in as.
    pub fn user_id(&self) -> Result<String> {
        let bearer = format!("Bearer {}", self.token);
        let url = format!("{}/services/oauth2/userinfo", self.instance_url);
        let user =
            self.http.send("GET", &url, &[("authorization", &bearer)], "")?.json("asking Salesforce who we are")?;
        text(&user, "user_id").map(str::to_owned)
    }

    fn send(&self, method: &str, path: &str, body: &str) -> Result<Value> {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let url = format!("{}/services/data/{SALESFORCE_VERSION}/{path}", self.instance_url);
        self.http.send(method, &url, &headers, body)?.json(&format!("{method} {path} at Salesforce"))
    }

    /// Creates a record and answers its id.
    pub fn create(&self, object: &str, fields: &Value) -> Result<String> {
        let created = self.send("POST", &format!("sobjects/{object}"), &fields.to_string())?;
        text(&created, "id").map(str::to_owned)
    }

    /// Creates up to 200 records in one call, all of them or none, and answers their ids.
    pub fn create_all(&self, object: &str, records: Vec<Value>) -> Result<Vec<String>> {
        let saved = self.save_all("POST", object, records)?;
        saved.iter().map(|record| text(record, "id").map(str::to_owned)).collect()
    }

    /// Updates up to 200 records, which carry their ids, in one call; all of them or none.
    pub fn update_all(&self, object: &str, records: Vec<Value>) -> Result<()> {
        self.save_all("PATCH", object, records).map(drop)
    }

    fn save_all(&self, method: &str, object: &str, mut records: Vec<Value>) -> Result<Vec<Value>> {
        for record in &mut records {
            record["attributes"] = json!({ "type": object });
        }
        let body = json!({ "allOrNone": true, "records": records }).to_string();
        let answer = self.send(method, "composite/sobjects", &body)?;
        let saved = answer.as_array().filter(|saved| saved.iter().all(|record| record["success"] == json!(true)));
        saved.cloned().ok_or_else(|| Failure::new(format!("{method} of many {object} records: {answer}")))
    }

    pub fn update(&self, object: &str, id: &str, fields: &Value) -> Result<()> {
        self.send("PATCH", &format!("sobjects/{object}/{id}"), &fields.to_string()).map(drop)
    }

    pub fn read(&self, object: &str, id: &str, fields: &[&str]) -> Result<Value> {
        let mut record = self.send("GET", &format!("sobjects/{object}/{id}?fields={}", fields.join(",")), "")?;
        if let Some(fields) = record.as_object_mut() {
            fields.remove("attributes");
        }
        Ok(record)
    }

    pub fn query(&self, soql: &str) -> Result<Vec<Value>> {
        let answer = self.send("GET", &format!("query?q={}", encode(soql)), "")?;
        let Some(records) = answer["records"].as_array() else {
            return Err(Failure::new(format!("Salesforce answered a query without records: {answer}")));
        };
        Ok(records
            .iter()
            .cloned()
            .map(|mut record| {
                if let Some(fields) = record.as_object_mut() {
                    fields.remove("attributes");
                }
                record
            })
            .collect())
    }
}
