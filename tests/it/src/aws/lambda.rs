//! Lambda, as far as functions and what feeds them are asked for (REST-JSON).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// Lambda's pages have fifty; whoever reads only the first would be found out by as many functions.
const PAGE: usize = 3;

/// What a list leaves out of a function.
const NOT_LISTED: [&str; 2] = ["State", "LastUpdateStatus"];

#[derive(Debug, Clone)]
struct Function {
    configuration: Value,
    reserved: Option<u32>,
}

#[derive(Debug, Default)]
struct Held {
    functions: BTreeMap<String, Function>,
    sources: Vec<Value>,
    is_denied: bool,
}

/// Functions by their names, and event source mappings.
#[derive(Debug, Clone, Default)]
pub struct Lambda {
    held: Arc<Mutex<Held>>,
}

impl Lambda {
    fn with<T>(&self, work: impl FnOnce(&mut Held) -> T) -> T {
        work(&mut self.held.lock().unwrap())
    }

    pub fn deploy(&self, name: &str, timeout_s: u32, variables: &BTreeMap<String, String>) {
        let configuration = json!({
            "FunctionName": name,
            "FunctionArn": arn(name),
            "Runtime": "provided.al2023",
            "Timeout": timeout_s,
            "Environment": { "Variables": variables },
            "State": "Active",
            "LastUpdateStatus": "Successful",
        });
        self.with(|held| held.functions.insert(name.to_owned(), Function { configuration, reserved: None }));
    }

    pub fn delete(&self, name: &str) {
        self.with(|held| held.functions.remove(name));
    }

    /// What became of a function, or what somebody did to it; `/Environment/Variables/LEDGER_TABLE` is such a path.
    pub fn change(&self, name: &str, path: &str, value: &str) {
        self.with(|held| {
            let function = held.functions.get_mut(name).unwrap();
            *function.configuration.pointer_mut(path).unwrap() = value.into();
        });
    }

    pub fn reserve(&self, name: &str, reserved: Option<u32>) {
        self.with(|held| held.functions.get_mut(name).unwrap().reserved = reserved);
    }

    /// As the template makes the mapping.
    pub fn feed(&self, function: &str, queue_arn: &str) {
        self.with(|held| {
            held.sources.push(json!({
                "UUID": format!("source-{}", held.sources.len() + 1),
                "EventSourceArn": queue_arn,
                "FunctionArn": arn(function),
                "State": "Enabled",
                "BatchSize": 1,
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
            }));
        });
    }

    /// What somebody does to the mapping of a queue.
    pub fn change_source(&self, queue_arn: &str, field: &str, value: Value) {
        self.with(|held| {
            let of_queue = |source: &&mut Value| source["EventSourceArn"] == queue_arn;
            held.sources.iter_mut().find(of_queue).unwrap()[field] = value;
        });
    }

    /// Whoever asks may ask nothing of this.
    pub fn set_denied(&self, is_denied: bool) {
        self.with(|held| held.is_denied = is_denied);
    }

    pub(super) fn answer(&self, method: &str, path: &str, query: &str) -> (u16, Value) {
        let query: BTreeMap<_, _> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let path: Vec<_> = path.trim_matches('/').split('/').collect();
        let only = |known: &[&str]| match query.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(error(400, "InvalidParameterValueException", &format!("{name} is not known"))),
            None => Ok(()),
        };
        self.with(|held| {
            if held.is_denied {
                return error(403, "AccessDeniedException", "User is not authorized to perform this on the resource");
            }
            let answered = match (method, &path[..]) {
                ("GET", ["2015-03-31", "functions"]) => {
                    only(&["Marker", "MaxItems"]).map(|()| held.list(query.get("Marker").map(String::as_str)))
                }
                ("GET", ["2015-03-31", "functions", name]) => only(&["Qualifier"]).map(|()| held.get(name)),
                ("GET", ["2015-03-31", "event-source-mappings"]) => {
                    let of = query.get("FunctionName").map(String::as_str);
                    only(&["EventSourceArn", "FunctionName", "Marker", "MaxItems"]).map(|()| held.sources_of(of))
                }
                _ => Err(error(404, "UnknownOperationException", &path.join("/"))),
            };
            answered.unwrap_or_else(|refused| refused)
        })
    }
}

impl Held {
    fn list(&self, after: Option<&str>) -> (u16, Value) {
        let rest = self.functions.iter().filter(|(name, _)| after.is_none_or(|after| name.as_str() > after));
        let rest: Vec<_> = rest.map(|(_, function)| function.configuration.clone()).collect();
        let mut page: Vec<_> = rest.iter().take(PAGE).cloned().collect();
        let next = page.last().filter(|_| rest.len() > PAGE).map(|last| last["FunctionName"].clone());
        for function in page.iter_mut().filter_map(Value::as_object_mut) {
            function.retain(|name, _| !NOT_LISTED.contains(&name.as_str()));
        }
        (200, json!({ "Functions": page, "NextMarker": next }))
    }

    fn get(&self, name: &str) -> (u16, Value) {
        let Some(Function { configuration, reserved }) = self.functions.get(name) else {
            return error(404, "ResourceNotFoundException", &format!("Function not found: {}", arn(name)));
        };
        let mut answer = json!({ "Configuration": configuration, "Tags": {} });
        if let Some(reserved) = reserved {
            answer["Concurrency"] = json!({ "ReservedConcurrentExecutions": reserved });
        }
        (200, answer)
    }

    fn sources_of(&self, function: Option<&str>) -> (u16, Value) {
        let function = function.map(arn);
        let is_of = |source: &&Value| function.as_ref().is_none_or(|arn| source["FunctionArn"] == **arn);
        (200, json!({ "EventSourceMappings": self.sources.iter().filter(is_of).collect::<Vec<_>>() }))
    }
}

fn arn(name: &str) -> String {
    format!("arn:aws:lambda:eu-central-1:1:function:{name}")
}

fn error(status: u16, kind: &str, message: &str) -> (u16, Value) {
    (status, json!({ "__type": kind, "message": message }))
}
