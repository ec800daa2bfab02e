use super::*;

#[test]
fn answers_are_classified_by_what_can_be_done() {
    let error = |code: &str, message: &str| format!(r#"[{{"message":"{message}","errorCode":"{code}"}}]"#);
    for (status, body, expected) in [
        (400, error("INVALID_FIELD", "No such column"), "Refused"),
        (400, error("FIELD_CUSTOM_VALIDATION_EXCEPTION", "x"), "Refused"),
        (400, error("DUPLICATE_VALUE", "x"), "Refused"),
        (404, error("NOT_FOUND", "x"), "Refused"),
        (400, error("UNABLE_TO_LOCK_ROW", "x"), "Busy"),
        (400, error("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "T: UNABLE_TO_LOCK_ROW, x"), "Busy"),
        (400, error("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "T: division by zero"), "Refused"),
        (403, error("REQUEST_LIMIT_EXCEEDED", "x"), "LimitReached"),
        (403, error("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), "LimitReached"),
        (403, error("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."), "Busy"),
        (400, error("CANNOT_EXECUTE_FLOW_TRIGGER", "F: UNABLE_TO_LOCK_ROW: x"), "Busy"),
        (400, error("APEX_ERROR", "System.DmlException: UNABLE_TO_LOCK_ROW, x"), "Busy"),
        (400, error("APEX_ERROR", "System.DmlException: division by zero"), "Refused"),
        (403, error("API_DISABLED_FOR_ORG", "x"), "NotAllowed"),
        (403, error("API_CURRENTLY_DISABLED", "x"), "NotAllowed"),
        (403, error("INSUFFICIENT_ACCESS", "x"), "NotAllowed"),
        (403, error("INSUFFICIENT_ACCESS_OR_READONLY", "x"), "NotAllowed"),
        (403, error("TXN_SECURITY_METERING_ERROR", "x"), "NotAllowed"),
        (403, error("CODE_OF_TOMORROW", "x"), "NotAllowed"),
        (403, error("UNABLE_TO_LOCK_ROW", "x"), "Busy"),
        (400, error("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "x"), "Refused"),
        (401, error("CODE_OF_TOMORROW", "x"), "NotAllowed"),
        (401, error("INVALID_AUTH_HEADER", "x"), "NotAllowed"),
        (401, String::new(), "NotAllowed"),
        (400, error("INVALID_SESSION_ID", "x"), "NotAllowed"),
        (409, error("CODE_OF_TOMORROW", "x"), "Busy"),
        (420, error("CODE_OF_TOMORROW", "x"), "Busy"),
        (429, error("CODE_OF_TOMORROW", "x"), "Busy"),
        (503, error("CODE_OF_TOMORROW", "x"), "Busy"),
        (420, String::new(), "Busy"),
        (429, "<html>".to_owned(), "Busy"),
        (400, r#"[{"errorCode":"INVALID_FIELD","message":null,"fields":null}]"#.to_owned(), "Refused"),
        (302, error("CODE_OF_TOMORROW", "x"), "Unknown"),
        (502, error("CODE_OF_TOMORROW", "x"), "Unknown"),
        (401, error("INVALID_SESSION_ID", "x"), "NotAllowed"),
        (503, error("SERVER_UNAVAILABLE", "x"), "Busy"),
        (503, "<html>maintenance</html>".to_owned(), "Busy"),
        (500, error("UNKNOWN_EXCEPTION", "x"), "Unknown"),
        (502, "<html>".to_owned(), "Unknown"),
        (302, String::new(), "Unknown"),
        (400, r#"{"message":"x","errorCode":"INVALID_TYPE"}"#.to_owned(), "Refused"),
    ] {
        let found = format!("{:?}", classify(status, body.as_bytes()));
        assert!(found.starts_with(expected), "{status} {body}: {found}");
    }
}
