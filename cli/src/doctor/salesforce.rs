//! What is asked of Salesforce's side. Pure: facts in, findings out.

use std::collections::{BTreeMap, BTreeSet};

use domain::{OpportunityId, OrganizationId};
use mapping::{Needs, Settings, Stop, Written};
use salesforce::{ApiUsage, Error, Identity};

use super::finding::{Finding, Known};
use super::schema::{Led, Schema, follow, paths};

/// Who the credentials let in, or why they do not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Login {
    Granted(Identity),
    Denied(Error),
    /// There are no credentials to try.
    Untried(String),
}

const PERMISSION_SET: &str = "Deploy infra/salesforce/force-app where a field is not there at all, and assign the permission set Closedwon \
     Integration to the integration user: a field that its profile hides is not there for it.";

pub(super) fn login(login: &Login) -> Finding {
    const CHECK: &str = "salesforce.login";
    match login {
        Login::Granted(identity) => {
            Finding::ok(CHECK, format!("logged in as {} at {}", identity.user_id, identity.instance_url))
        }
        Login::Untried(why) => Finding::failing(
            CHECK,
            why,
            "Put {\"client_id\":\"…\",\"client_secret\":\"…\"} of the External Client App into the secret of \
             SALESFORCE_CREDENTIALS_SECRET_ARN.",
        ),
        Login::Denied(error) => Finding::failing(CHECK, error.to_string(), remedy(error)),
    }
}

fn remedy(error: &Error) -> &'static str {
    match error {
        Error::NotAllowed { error_code, .. } => match error_code.as_str() {
            "INSTANCE_URL_NOT_ALLOWED" => "Name the host in SalesforceAllowedHosts, if it is yours.",
            "invalid_client" | "invalid_client_id" => {
                "Copy consumer key and secret of the External Client App into the secret once more."
            }
            "invalid_grant" => {
                "Enable the client credentials flow of the External Client App and name the user that it runs as; SalesforceLoginUrl must \
                 be the My Domain address."
            }
            "inactive_user" | "inactive_org" => {
                "Activate the user that the app runs as, or see what became of the organization."
            }
            _ => "See the External Client App's policies and the user's API Enabled permission.",
        },
        Error::LimitReached { .. } => "Wait until the rolling day's API calls are free again, or buy more.",
        _ => "See that SalesforceLoginUrl is the My Domain address, that it is reached from here, and run this again.",
    }
}

pub(super) fn organization(login: &Login, configured: &OrganizationId) -> Finding {
    const CHECK: &str = "salesforce.organization";
    let Login::Granted(identity) = login else { return Finding::not_checked(CHECK, NO_LOGIN) };
    if OrganizationId::parse(&identity.organization_id).is_ok_and(|id| id == *configured) {
        return Finding::ok(CHECK, format!("the organization is {configured}"));
    }
    Finding::failing(
        CHECK,
        format!(
            "the credentials are of organization {}, and the deployment is for {configured}",
            identity.organization_id
        ),
        "Mend SalesforceOrgId, or give the credentials of the right organization. Do not change it in a deployment that has billed: what it \
         knows is of the other one.",
    )
}

pub(super) const NO_LOGIN: &str = "there is no login";

/// Its changes come back as events, and are known for its own by who made them.
pub(super) fn user(login: &Login, configured: Option<&str>) -> Finding {
    const CHECK: &str = "salesforce.user";
    match (login, configured) {
        (Login::Granted(identity), Some(configured)) if identity.user_id.get(..15) == configured.get(..15) => {
            Finding::ok(CHECK, "our own writes are told from those of others")
        }
        (Login::Granted(identity), Some(configured)) => Finding::failing(
            CHECK,
            format!("the app runs as {}, and SalesforceIntegrationUserId is {configured}", identity.user_id),
            "Set SalesforceIntegrationUserId to the user that the app runs as: else each of our own writes comes back as news.",
        ),
        (Login::Granted(_), None) => {
            Finding::not_checked(CHECK, "SALESFORCE_INTEGRATION_USER_ID is not given (--integration-user)")
        }
        _ => Finding::not_checked(CHECK, NO_LOGIN),
    }
}

/// What the functions use, and all that they need.
const SCOPE: &str = "api";

pub(super) fn scopes(login: &Login) -> Finding {
    const CHECK: &str = "salesforce.scopes";
    let Login::Granted(identity) = login else { return Finding::not_checked(CHECK, NO_LOGIN) };
    let Some(scopes) = &identity.scopes else {
        return Finding::not_checked(CHECK, "the login does not say which scopes it has");
    };
    // Whoever has everything has the API as well.
    if !scopes.contains(SCOPE) && !scopes.contains("full") {
        return Finding::failing(
            CHECK,
            format!("the login lacks the scope api; it has {}", joined(scopes.iter())),
            "Give the External Client App the scope Manage user data via APIs (api).",
        );
    }
    let excess: Vec<_> = scopes.iter().filter(|scope| *scope != SCOPE).collect();
    if excess.is_empty() {
        return Finding::ok(CHECK, "the login has the scope api, and no other");
    }
    Finding::warning(
        CHECK,
        format!("the login has scopes that nothing needs: {}", joined(excess)),
        "Leave the External Client App the scope api alone: whoever gets hold of its secret can do what its scopes say.",
    )
}

fn joined<'a>(texts: impl IntoIterator<Item = &'a String>) -> String {
    texts.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

pub(super) fn version(served: &Known<Vec<String>>, configured: &str) -> Finding {
    const CHECK: &str = "salesforce.version";
    match served {
        Err(why) => Finding::not_checked(CHECK, why),
        Ok(served) if served.iter().any(|version| version == configured) => {
            Finding::ok(CHECK, format!("{configured} is served"))
        }
        Ok(served) => Finding::failing(
            CHECK,
            format!("{configured} is not served; the newest is {}", served.last().map_or("none", String::as_str)),
            "Set SalesforceApiVersion to one that is served, from v60.0 on.",
        ),
    }
}

/// Each field by its object, and objects that are not there at all without one.
fn absent(needs: &Needs, schema: &Schema) -> BTreeMap<String, BTreeSet<String>> {
    let mut absent: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for query in &needs.queries {
        for path in paths(query) {
            match follow(schema, query.object, &needs.names.own(query.object, path)) {
                Led::ToNothing { object, field } => absent.entry(object).or_default().extend(field),
                Led::ToField | Led::Further(_) => {}
            }
        }
    }
    absent
}

fn listed(fields: &BTreeMap<String, BTreeSet<String>>) -> String {
    let of_object = |(object, fields): (&String, &BTreeSet<String>)| match fields.is_empty() {
        true => object.clone(),
        false => format!("{object}: {}", fields.iter().map(String::as_str).collect::<Vec<_>>().join(", ")),
    };
    fields.iter().map(of_object).collect::<Vec<_>>().join("; ")
}

/// The currency has a check of its own.
const CURRENCY: &str = "CurrencyIsoCode";

pub(super) fn readable(needs: &Needs, schema: &Known<Schema>) -> Finding {
    const CHECK: &str = "salesforce.readable";
    let schema = match schema {
        Ok(schema) => schema,
        Err(why) => return Finding::not_checked(CHECK, why),
    };
    let mut absent = absent(needs, schema);
    absent.retain(|_, fields| {
        let had_currency = fields.remove(CURRENCY);
        !(had_currency && fields.is_empty())
    });
    if absent.is_empty() {
        return Finding::ok(CHECK, "every field that is read may be read");
    }
    Finding::failing(
        CHECK,
        format!("not there, or hidden from the integration user (INVALID_FIELD): {}", listed(&absent)),
        PERMISSION_SET,
    )
}

/// What may not be written, of what is there: what is absent is told by what reads it back.
pub(super) fn writable(needs: &Needs, schema: &Known<Schema>) -> Finding {
    const CHECK: &str = "salesforce.writable";
    let schema = match schema {
        Ok(schema) => schema,
        Err(why) => return Finding::not_checked(CHECK, why),
    };
    let mut withheld: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (of, makes) in [(&needs.written, false), (&needs.made, true)] {
        for Written { object, fields } in of {
            let Some(described) = schema.get(*object).and_then(Option::as_ref) else { continue };
            if !(if makes { described.createable } else { described.updateable }) {
                withheld.entry((*object).to_owned()).or_default();
            }
            let may = |field: &String| {
                described
                    .fields
                    .get(field)
                    .is_none_or(|access| if makes { access.createable } else { access.updateable })
            };
            let own = fields.iter().map(|field| needs.names.own(object, field).into_owned());
            let not: Vec<_> = own.filter(|field| !may(field)).collect();
            if !not.is_empty() {
                withheld.entry((*object).to_owned()).or_default().extend(not);
            }
        }
    }
    if withheld.is_empty() {
        return Finding::ok(CHECK, "every field that is written may be written");
    }
    Finding::failing(
        CHECK,
        format!("may not be written by the integration user: {}", listed(&withheld)),
        PERMISSION_SET,
    )
}

pub(super) fn currency(schema: &Known<Schema>, multi_currency: bool) -> Finding {
    const CHECK: &str = "salesforce.currency";
    let deal = match schema {
        Ok(schema) => schema.get("Opportunity").and_then(Option::as_ref),
        Err(why) => return Finding::not_checked(CHECK, why),
    };
    let Some(deal) = deal else { return Finding::not_checked(CHECK, "opportunities cannot be seen") };
    match (deal.fields.contains_key(CURRENCY), multi_currency) {
        (true, true) => Finding::ok(CHECK, "the organization has several currencies"),
        (false, false) => Finding::ok(CHECK, "the organization has one currency"),
        (true, false) => Finding::failing(
            CHECK,
            "opportunities have CurrencyIsoCode, and currencies.several is false: every deal would be billed in currencies.organization",
            "Set currencies.several to true.",
        ),
        (false, true) => Finding::failing(
            CHECK,
            "currencies.several is true, and opportunities have no CurrencyIsoCode that we may see: every query fails (INVALID_FIELD)",
            "Set currencies.several to false, where the organization has one currency.",
        ),
    }
}

pub(super) fn calls(usage: Option<ApiUsage>, settings: &Settings) -> Finding {
    const CHECK: &str = "salesforce.calls";
    let Some(ApiUsage { used, max }) = usage else {
        return Finding::not_checked(CHECK, "nothing was said of the daily calls");
    };
    let left = u64::from(max.saturating_sub(used)) * 100 / u64::from(max.max(1));
    let text = format!("{used} of the day's {max} API calls are used");
    match left < u64::from(settings.salesforce_reserve) {
        true => Finding::warning(
            CHECK,
            format!(
                "{text}: less than pacing.salesforce_reserve_percent is left, so that only deals, payments and failures go on"
            ),
            "See who else uses the organization's API, or buy more calls.",
        ),
        false => Finding::ok(CHECK, text),
    }
}

/// Deals that were won of late, that name no invoice, and that would be refused as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) looked_at: usize,
    pub(super) refused: Vec<(OpportunityId, Stop)>,
}

pub(super) fn waiting(waiting: &Known<Waiting>) -> Vec<Finding> {
    const CHECK: &str = "salesforce.deals";
    let waiting = match waiting {
        Ok(waiting) => waiting,
        Err(why) => return vec![Finding::not_checked(CHECK, why)],
    };
    if waiting.refused.is_empty() {
        let text = format!("nothing stands in the way of what is won and not billed ({} looked at)", waiting.looked_at);
        return vec![Finding::ok(CHECK, text)];
    }
    let mut by_code: BTreeMap<&'static str, (Vec<&str>, &'static str)> = BTreeMap::new();
    for (id, stop) in &waiting.refused {
        for code in [stop.code].into_iter().chain(stop.also.iter().copied()) {
            by_code.entry(code.as_str()).or_insert_with(|| (Vec::new(), code.remedy())).0.push(id.as_str());
        }
    }
    let finding = |(code, (ids, remedy)): (&'static str, (Vec<&str>, &'static str))| {
        let text = format!("won and cannot be billed ({code}): {}", ids.join(", "));
        Finding::warning(CHECK, text, remedy)
    };
    by_code.into_iter().map(finding).collect()
}

#[cfg(test)]
mod tests;
