//! `/_sandbox/*`: what a test or a person does to the org from outside its API.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Salesforce;
use super::rest::sobjects::whole;
use super::trigger::Trigger;
use crate::wire::{Request, Response};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Replaces both triggers; an empty object turns both off.
    trigger: Option<Trigger>,
    multi_currency: Option<bool>,
    org_currency: Option<String>,
    daily_api_limit: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Gap {
    change_type: String,
    #[serde(default)]
    record_ids: Vec<String>,
}

const GAPS: &[&str] = &["GAP_CREATE", "GAP_UPDATE", "GAP_DELETE", "GAP_UNDELETE", "GAP_OVERFLOW"];

impl Salesforce {
    pub(super) fn answer_control(&mut self, now_ms: i64, request: &Request) -> Option<Response> {
        let path = request.path.strip_prefix("/_sandbox/")?;
        let result = match (request.method.as_str(), path) {
            ("PUT", "config") => self.configure(&request.body),
            ("GET", "config") => Ok(self.configuration()),
            ("POST", "expire_tokens") => {
                self.sessions.expire_all();
                Ok(json!({}))
            }
            ("POST", "gap") => self.send_gap(now_ms, &request.body),
            ("GET", path) => match path.strip_prefix("records/") {
                Some(object) => self.all_records(object),
                None => return None,
            },
            _ => return None,
        };
        Some(match result {
            Ok(body) => Response::json(200, &body),
            Err(error) => Response::json(400, &json!({ "error": error })),
        })
    }

    fn configure(&mut self, body: &[u8]) -> Result<Value, String> {
        let settings: Settings = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        if let Some(trigger) = settings.trigger {
            self.set_trigger(trigger)?;
        }
        if let Some(multi_currency) = settings.multi_currency {
            self.api.org.multi_currency = multi_currency;
        }
        if let Some(currency) = settings.org_currency {
            self.api.org.org_currency = currency;
        }
        if let Some(limit) = settings.daily_api_limit {
            self.api.usage.max = limit;
        }
        Ok(self.configuration())
    }

    fn configuration(&self) -> Value {
        let trigger = &self.outbox.trigger;
        json!({
            "org_id": self.config.org_id,
            "integration_user_id": self.config.integration_user_id,
            "standard_pricebook_id": self.api.org.standard_pricebook_id,
            "multi_currency": self.api.org.multi_currency,
            "org_currency": self.api.org.org_currency,
            "daily_api_limit": self.api.usage.max,
            "api_usage": self.api.usage.used(),
            "callout_url": trigger.callout.as_ref().map(|callout| &callout.url),
            "relay_endpoint": trigger.relay.as_ref().map(|relay| &relay.endpoint),
        })
    }

    fn send_gap(&mut self, now_ms: i64, body: &[u8]) -> Result<Value, String> {
        let gap: Gap = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        if !GAPS.contains(&gap.change_type.as_str()) {
            return Err(format!("changeType is one of {}", GAPS.join(", ")));
        }
        let user_id = self.api.org.admin_user_id.clone();
        self.outbox.gap(&gap.change_type, &gap.record_ids, &user_id, now_ms)?;
        Ok(json!({}))
    }

    fn all_records(&self, name: &str) -> Result<Value, String> {
        let object = self.api.org.schema.object(name).ok_or_else(|| format!("there is no object {name}"))?;
        let records = self.api.org.store.all(&object.name);
        Ok(Value::Array(records.map(|(_, record)| whole(object, record).to_value()).collect()))
    }
}
