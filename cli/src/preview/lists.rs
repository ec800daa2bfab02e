//! A list view: which one is meant, and the deals that it shows.

use std::fmt;

use deployment::Sight;
use domain::ListViewId;
use jiff::Timestamp;
use salesforce::ListView;
use salesforce::soql::{Literal, Op, Select};

use super::{Many, Unforeseen, many};
use crate::Exit;
use crate::progress::Progress;

const OPPORTUNITY: &str = "Opportunity";

/// As somebody names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListName {
    Id(ListViewId),
    /// Letters, digits and underscores, as an address of Lightning has it.
    DeveloperName(String),
}

#[derive(Debug, thiserror::Error)]
pub enum ListError {
    #[error(
        "there is no list view {0} of opportunities that the integration user is shown: see that it is one, and share it with that user \
         (List View Controls, Sharing Settings)"
    )]
    NotShown(ListName),
    #[error("{id} is a list view of {object}, and only opportunities are previewed")]
    OfAnother { id: ListViewId, object: String },
    #[error("{0} list views of opportunities are called {1}: give the id (00B…) of the one that is meant")]
    Several(usize, ListName),
    #[error(transparent)]
    Unforeseen(#[from] Unforeseen),
}

impl ListError {
    pub fn exit(&self) -> Exit {
        match self {
            Self::NotShown(_) => Exit::Unknown,
            Self::OfAnother { .. } | Self::Several(..) => Exit::Misunderstood,
            Self::Unforeseen(_) => Exit::Unavailable,
        }
    }
}

/// The deals that the list view shows, in its order. Which one it is, is looked for among those of every object, so that one of another
/// object is told from one that is not shown; what it shows, Salesforce's List View Describe says, and that query is run.
pub async fn list(
    sight: &Sight,
    name: &ListName,
    most: usize,
    at: Timestamp,
    progress: &dyn Progress,
) -> Result<Many, ListError> {
    let unanswered = |why| Unforeseen(format!("Salesforce does not say what the list view shows: {why}"));
    let found = sight.salesforce.read(&[name.query()]).await.map_err(unanswered)?;
    let found: Vec<_> = found.into_iter().flatten().collect();
    let [record] = &found[..] else {
        return Err(match found.len() {
            0 => ListError::NotShown(name.clone()),
            several => ListError::Several(several, name.clone()),
        });
    };
    let id = record.text("Id").and_then(|id| ListViewId::parse(id).ok());
    let id = id.ok_or_else(|| Unforeseen("Salesforce answers with a list view that has no id".into()))?;
    let object = record.text("SobjectType").unwrap_or_default();
    if object != OPPORTUNITY {
        return Err(ListError::OfAnother { id, object: object.to_owned() });
    }
    let view = sight.salesforce.list_view(OPPORTUNITY, &id).await.map_err(unanswered)?;
    let view = view.ok_or_else(|| ListError::NotShown(name.clone()))?;
    let deals = many(sight, &with_id(&view.query), most, at, progress).await?;
    Ok(Many { warning: warning(&view), ..deals })
}

impl ListName {
    fn query(&self) -> String {
        let text = |text: &str| Literal::Text(text.to_owned());
        let select = Select::from("ListView").fields(&["Id", "DeveloperName", "SobjectType"]);
        let select = match self {
            Self::Id(id) => select.filter("Id", Op::Eq, text(id.as_str())),
            Self::DeveloperName(name) => {
                select.filter("SobjectType", Op::Eq, text(OPPORTUNITY)).filter("DeveloperName", Op::Eq, text(name))
            }
        };
        select.to_string()
    }
}

impl fmt::Display for ListName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::DeveloperName(name) => f.write_str(name),
        }
    }
}

/// Salesforce selects the id as a hidden column of every list view. Where it should not, it is asked for first: the rest of the query stays
/// as Salesforce composed it.
fn with_id(query: &str) -> String {
    let mut words = query.split_whitespace();
    let is_select = words.next().is_some_and(|word| word.eq_ignore_ascii_case("SELECT"));
    let columns: Vec<_> = words.take_while(|word| !word.eq_ignore_ascii_case("FROM")).collect();
    let columns = columns.concat();
    let has_id = columns.split(',').any(|column| column.eq_ignore_ascii_case("Id"));
    match query.trim_start().split_once(char::is_whitespace) {
        Some((select, rest)) if is_select && !has_id => format!("{select} Id, {}", rest.trim_start()),
        _ => query.to_owned(),
    }
}

/// A scope is that of whoever asks, and the integration user has deals of its own, or none.
fn warning(view: &ListView) -> Option<String> {
    let scope = view.scope.as_deref().filter(|scope| !scope.eq_ignore_ascii_case("everything"))?;
    Some(format!(
        "the list view shows what is of whoever looks at it ({scope}), and is read as the integration user: you may see other deals in it"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_asked_for_once() {
        for (query, expected) in [
            ("SELECT Name, Id, CreatedDate FROM Opportunity", None),
            ("select name, tolabel(stagename),id from Opportunity", None),
            ("SELECT Name FROM Opportunity", Some("SELECT Id, Name FROM Opportunity")),
            (
                "SELECT Account.Id, AccountId FROM Opportunity USING SCOPE mine WHERE Name = ',Id,' ORDER BY Id ASC",
                Some(
                    "SELECT Id, Account.Id, AccountId FROM Opportunity USING SCOPE mine WHERE Name = ',Id,' ORDER BY Id ASC",
                ),
            ),
            ("FIND {Acme}", None),
            ("", None),
        ] {
            assert_eq!(with_id(query), expected.unwrap_or(query), "{query}");
        }
    }

    #[test]
    fn what_is_of_whoever_looks_is_warned_of() {
        let of = |scope: Option<&str>| {
            let scope = scope.map(str::to_owned);
            warning(&ListView { query: String::new(), scope, sobject_type: OPPORTUNITY.into() })
        };
        assert_eq!((of(None), of(Some("everything"))), (None, None));
        for scope in ["mine", "team", "queue", "my_territory"] {
            assert!(of(Some(scope)).is_some_and(|warning| warning.contains(scope)));
        }
    }

    #[test]
    fn a_name_is_looked_for_among_opportunities_and_an_id_among_all() {
        let id = ListName::Id(ListViewId::parse("00B000000000001EAA").expect("valid"));
        let all = "SELECT Id, DeveloperName, SobjectType FROM ListView WHERE ";
        assert_eq!(id.query(), format!("{all}Id = '00B000000000001EAA'"));
        let name = ListName::DeveloperName("Won_this_month".into());
        assert_eq!(name.query(), format!("{all}SobjectType = 'Opportunity' AND DeveloperName = 'Won_this_month'"));
    }
}
