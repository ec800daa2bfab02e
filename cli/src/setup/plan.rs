//! What has to be done about the endpoint, from what is there. Pure.

use std::collections::BTreeSet;

use domain::WebhookEndpointId;
use stripe::WebhookEndpoint;

use super::signing::{Held, version_of};

/// An endpoint that this command made says so, which one it replaces, and that its secret is kept.
pub(crate) const MADE: (&str, &str) = ("closedwon_setup", "made");
pub(crate) const STORED: (&str, &str) = ("closedwon_setup", "stored");
pub(crate) const REPLACES: &str = "closedwon_replaces";

pub(crate) struct Wanted<'a> {
    pub(crate) events: &'a [&'static str],
    /// Whether one may take another's place.
    pub(crate) replace: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The one that stays or is mended, if there is one.
    pub(crate) endpoint: Option<WebhookEndpointId>,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// It was made, and whoever made it was ended before its secret was kept: nobody can verify what it delivers.
    TakeAway(WebhookEndpointId),
    Create {
        replaces: Option<WebhookEndpointId>,
    },
    /// Its secret is kept, and it does not say so yet.
    Mark(WebhookEndpointId),
    Follow {
        endpoint: WebhookEndpointId,
        more: Vec<String>,
        less: Vec<String>,
    },
    Enable(WebhookEndpointId),
    /// Another has taken its place, and it is still heard.
    Retire(WebhookEndpointId),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    Mode {
        is_live_key: bool,
    },
    Several(Vec<WebhookEndpointId>),
    /// There is none here, and what Secrets Manager holds is the secret of one that is somewhere: of another account, mode or address.
    HeldForAnother,
    ToReplace {
        endpoint: WebhookEndpointId,
        why: Why,
    },
    ToRetire {
        old: WebhookEndpointId,
        new: WebhookEndpointId,
    },
}

/// Why an endpoint cannot be mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Why {
    /// It keeps the version that it was made with.
    Version(Option<String>),
    /// Stripe has shown its secret once, and Secrets Manager holds none.
    NoSecret,
    /// What Secrets Manager holds was stored for another endpoint.
    AnothersSecret,
}

/// `found` are those of the deployment's address.
pub(crate) fn plan(wanted: &Wanted<'_>, found: &[WebhookEndpoint], held: &Held) -> Result<Plan, Problem> {
    let (half_made, whole): (Vec<_>, Vec<_>) = found.iter().partition(|endpoint| is_half_made(endpoint, held));
    let mut steps: Vec<_> = half_made.iter().map(|endpoint| Step::TakeAway(endpoint.id.clone())).collect();
    let is_replaced = |old: &WebhookEndpoint| {
        whole.iter().any(|new| new.metadata.get(REPLACES).is_some_and(|id| id == old.id.as_str()))
    };
    let (replaced, present): (Vec<_>, Vec<_>) = whole.iter().partition(|endpoint| is_replaced(endpoint));
    let Some(current) = the_one(&present)? else {
        if *held != Held::Nothing && half_made.is_empty() && !wanted.replace {
            return Err(Problem::HeldForAnother);
        }
        steps.push(Step::Create { replaces: None });
        return Ok(Plan { endpoint: None, steps });
    };
    let why = if current.api_version.as_deref() != Some(stripe::API_VERSION) {
        Some(Why::Version(current.api_version.clone()))
    } else if *held == Held::Nothing {
        Some(Why::NoSecret)
    } else if is_held_for_another(current, held) {
        Some(Why::AnothersSecret)
    } else {
        None
    };
    if let Some(why) = why {
        if !wanted.replace {
            return Err(Problem::ToReplace { endpoint: current.id.clone(), why });
        }
        // Those before it are retired by the next run, when it has been retired itself.
        steps.extend([Step::Create { replaces: Some(current.id.clone()) }, Step::Retire(current.id.clone())]);
        return Ok(Plan { endpoint: None, steps });
    }
    steps.extend(mended(wanted, current));
    for old in replaced.into_iter().filter(|old| old.is_enabled) {
        if !wanted.replace {
            return Err(Problem::ToRetire { old: old.id.clone(), new: current.id.clone() });
        }
        steps.push(Step::Retire(old.id.clone()));
    }
    Ok(Plan { endpoint: Some(current.id.clone()), steps })
}

/// What a secret is kept under tells whose it is, so that a death between the two is no doubt.
fn is_half_made(endpoint: &WebhookEndpoint, held: &Held) -> bool {
    endpoint.metadata.get(MADE.0).is_some_and(|state| state == MADE.1)
        && !matches!(held, Held::Secret { version } if *version == version_of(&endpoint.id))
}

/// Its secret was stored once, and what stands there now was stored for another one. What a person put there has a version of another form.
fn is_held_for_another(endpoint: &WebhookEndpoint, held: &Held) -> bool {
    let is_stored = endpoint.metadata.get(STORED.0).is_some_and(|state| state == STORED.1);
    let Held::Secret { version } = held else { return false };
    is_stored && version.len() == version_of(&endpoint.id).len() && *version != version_of(&endpoint.id)
}

/// The one that is heard; of several that are not, nobody can say which was meant.
fn the_one<'a>(present: &[&'a WebhookEndpoint]) -> Result<Option<&'a WebhookEndpoint>, Problem> {
    let enabled: Vec<_> = present.iter().copied().filter(|endpoint| endpoint.is_enabled).collect();
    let candidates = if enabled.is_empty() { present } else { &enabled };
    match candidates {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        several => Err(Problem::Several(several.iter().map(|endpoint| endpoint.id.clone()).collect())),
    }
}

fn mended(wanted: &Wanted<'_>, endpoint: &WebhookEndpoint) -> Vec<Step> {
    let id = || endpoint.id.clone();
    let mut steps = Vec::new();
    if endpoint.metadata.get(MADE.0).is_some_and(|state| state == MADE.1) {
        steps.push(Step::Mark(id()));
    }
    let is: BTreeSet<_> = endpoint.enabled_events.iter().map(String::as_str).collect();
    let to_be: BTreeSet<_> = wanted.events.iter().copied().collect();
    let owned =
        |names: std::collections::btree_set::Difference<'_, &str>| names.map(|name| (*name).to_owned()).collect();
    let (more, less): (Vec<_>, Vec<_>) = (owned(to_be.difference(&is)), owned(is.difference(&to_be)));
    if !more.is_empty() || !less.is_empty() {
        steps.push(Step::Follow { endpoint: id(), more, less });
    }
    if !endpoint.is_enabled {
        steps.push(Step::Enable(id()));
    }
    steps
}

#[cfg(test)]
mod tests;
