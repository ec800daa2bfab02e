//! Composite requests: several parts in one call of the daily budget, all or none but where one has a condition.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::{Entry, Error, HALTED, entries, of_entry};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Composite {
    all_or_none: bool,
    /// Otherwise Salesforce may run parts in another order, and a read-back would read what was there before.
    collate_subrequests: bool,
    composite_request: Vec<Part>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Part {
    pub(crate) method: &'static str,
    pub(crate) url: String,
    pub(crate) reference_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) http_headers: Option<PartHeaders>,
}

/// A part does not inherit the headers of its call. Without this one Salesforce gives a case to whom the organization's rules name, or to the
/// default case owner, whatever owner is written.
/// Source: <https://developer.salesforce.com/docs/platform/api-rest/guide/headers-autoassign.md>.
#[derive(Serialize)]
pub(crate) struct PartHeaders {
    #[serde(rename = "Sforce-Auto-Assign")]
    auto_assign: &'static str,
}

impl PartHeaders {
    pub(crate) fn of(object: &str) -> Option<Self> {
        (object == "Case").then_some(Self { auto_assign: "FALSE" })
    }
}

impl Composite {
    pub(crate) fn new(parts: Vec<Part>, all_or_none: bool) -> Self {
        Self { all_or_none, collate_subrequests: false, composite_request: parts }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    #[serde(borrow)]
    composite_response: Vec<PartAnswer<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PartAnswer<'a> {
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    http_status_code: u16,
}

/// The bodies of the parts, in order. The call as a whole is always answered with 200; what failed says so inside, and the
/// cause is the part that does not blame another one.
///
/// Where parts stand each for itself, one that was halted is one that refers to what was not found, or to what failed, which is told.
pub(crate) fn bodies(body: &[u8], parts: usize, each_by_itself: bool) -> Result<Vec<Option<Box<RawValue>>>, Error> {
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|_| Error::unreadable())?;
    let errors = |part: &PartAnswer<'_>| part.body.and_then(|body| entries(body.get().as_bytes())).unwrap_or_default();
    let is_halted = |part: &PartAnswer<'_>| {
        let errors = errors(part);
        !errors.is_empty() && errors.iter().all(|entry| HALTED.contains(&entry.error_code.as_str()))
    };
    let failed = || {
        let failed = answer.composite_response.iter().filter(|part| !(200..300).contains(&part.http_status_code));
        failed.filter(|part| !(each_by_itself && is_halted(part)))
    };
    if failed().next().is_some() {
        let causes = failed().flat_map(|part| errors(part).into_iter().map(|entry| (part.http_status_code, entry)));
        let is_cause = |(_, entry): &(u16, Entry)| !HALTED.contains(&entry.error_code.as_str());
        return Err(causes
            .into_iter()
            .find(is_cause)
            .map_or_else(Error::unreadable, |(status, entry)| of_entry(status, entry)));
    }
    if answer.composite_response.len() != parts {
        return Err(Error::unreadable());
    }
    Ok(answer.composite_response.iter().map(|part| part.body.map(ToOwned::to_owned)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_the_part_that_does_not_blame_another() {
        let body = br#"{"compositeResponse":[
            {"body":[{"errorCode":"PROCESSING_HALTED","message":"rolled back"}],"httpHeaders":{},"httpStatusCode":400,
             "referenceId":"update0"},
            {"body":[{"errorCode":"INVALID_FIELD","message":"No such column","fields":["X__c"]}],"httpHeaders":{},
             "httpStatusCode":400,"referenceId":"update1"}]}"#;
        for each_by_itself in [false, true] {
            let error = bodies(body, 2, each_by_itself).expect_err("failed");
            assert!(matches!(error, Error::Refused(refusal) if refusal.error_code == "INVALID_FIELD"));
        }
    }

    #[test]
    fn what_was_not_to_be_written_is_no_failure() {
        let body = br#"{"compositeResponse":[
            {"body":{"done":true,"records":[]},"httpHeaders":{},"httpStatusCode":200,"referenceId":"found0"},
            {"body":[{"errorCode":"PROCESSING_HALTED","message":"Invalid reference specified."}],"httpHeaders":{},
             "httpStatusCode":400,"referenceId":"update0"}]}"#;
        assert!(bodies(body, 2, true).is_ok());
        assert!(bodies(body, 2, false).is_err());
    }

    #[test]
    fn an_answer_with_too_few_parts_cannot_be_believed() {
        let body =
            br#"{"compositeResponse":[{"body":null,"httpHeaders":{},"httpStatusCode":204,"referenceId":"update0"}]}"#;
        assert!(bodies(body, 1, false).is_ok());
        assert!(matches!(bodies(body, 2, false), Err(Error::Unknown { .. })));
        assert!(matches!(bodies(b"<html>", 1, false), Err(Error::Unknown { .. })));
    }
}
