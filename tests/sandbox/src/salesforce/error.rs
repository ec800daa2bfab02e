//! Errors in the vendor's own words: a status, a code from its list, and a message that clients are known to read.

use super::json::Json;

#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    pub status: u16,
    pub code: &'static str,
    pub message: String,
    pub fields: Vec<String>,
}

impl ApiError {
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), fields: Vec::new() }
    }

    pub fn on(mut self, field: &str) -> Self {
        self.fields.push(field.to_owned());
        self
    }

    /// The body of a REST answer: a list of one.
    pub fn body(&self) -> Json {
        let mut error = vec![("message".to_owned(), self.message.as_str().into())];
        error.push(("errorCode".to_owned(), self.code.into()));
        if !self.fields.is_empty() {
            error.push(("fields".to_owned(), self.field_list()));
        }
        vec![Json::Object(error)].into()
    }

    /// One entry of `errors` in the answer to a collection, where the code has another name.
    pub fn in_collection(&self) -> Json {
        Json::object([
            ("statusCode", self.code.into()),
            ("message", self.message.as_str().into()),
            ("fields", self.field_list()),
        ])
    }

    fn field_list(&self) -> Json {
        self.fields.iter().map(|field| field.as_str().into()).collect::<Vec<Json>>().into()
    }
}

pub fn not_found() -> ApiError {
    ApiError::new(404, "NOT_FOUND", "The requested resource does not exist")
}

pub fn method_not_allowed(allowed: &str) -> ApiError {
    let message = format!("HTTP method not allowed. Allowed are {allowed}");
    ApiError::new(405, "METHOD_NOT_ALLOWED", message)
}

pub fn malformed_json(detail: &str) -> ApiError {
    ApiError::new(400, "JSON_PARSER_ERROR", detail)
}

pub fn invalid_session() -> ApiError {
    ApiError::new(401, "INVALID_SESSION_ID", "Session expired or invalid")
}

pub fn unknown_object(name: &str) -> ApiError {
    let message = format!(
        "sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append the \
         '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names."
    );
    ApiError::new(400, "INVALID_TYPE", message)
}

/// A field that does not exist or is hidden: the vendor does not say which.
pub fn unknown_column(field: &str, object: &str) -> ApiError {
    let message = format!(
        "No such column '{field}' on entity '{object}'. If you are attempting to use a custom field, be sure to append \
         the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names."
    );
    ApiError::new(400, "INVALID_FIELD", message)
}

pub fn no_such_column(field: &str, object: &str) -> ApiError {
    ApiError::new(400, "INVALID_FIELD", format!("No such column '{field}' on sobject of type {object}"))
}

pub fn not_editable(field: &str) -> ApiError {
    let message = format!(
        "Unable to create/update fields: {field}. Please check the security settings of this field and verify that it \
         is read/write for your profile or permission set."
    );
    ApiError::new(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message).on(field)
}

/// The id of the row that somebody else holds stands in the message.
pub fn locked(row: &str) -> ApiError {
    let message = format!("unable to obtain exclusive access to this record or 1 records: {row}");
    ApiError::new(400, "UNABLE_TO_LOCK_ROW", message)
}

pub fn insufficient_access() -> ApiError {
    ApiError::new(403, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")
}

pub fn malformed_id(label: &str, value: &str, field: Option<&str>) -> ApiError {
    let message = format!("{label}: id value of incorrect type: {value}");
    let error = ApiError::new(400, "MALFORMED_ID", message);
    match field {
        Some(field) => error.on(field),
        None => error,
    }
}

pub fn is_deleted() -> ApiError {
    ApiError::new(404, "ENTITY_IS_DELETED", "entity is deleted")
}

pub fn integrity(message: impl Into<String>) -> ApiError {
    let message = format!("field integrity exception: {}", message.into());
    ApiError::new(400, "FIELD_INTEGRITY_EXCEPTION", message)
}

pub fn malformed_query(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "MALFORMED_QUERY", message)
}
