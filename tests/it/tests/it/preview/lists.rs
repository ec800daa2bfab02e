//! Who has a list view in front of them previews what it shows.

use std::cell::RefCell;

use closedwon::Exit;
use closedwon::preview::{ListError, ListName, Many, Shown, list, many};
use closedwon::progress::{Progress, Silent};
use it::{Deal, Env};
use sandbox::salesforce::ListView;
use serde_json::json;

use super::compared::{nothing_written_by, sight};

const WON: &str = "StageName = 'Closed Won'";

fn view(name: &str) -> ListView {
    let columns = ["Name", "StageName", "Account.Name", "Amount"].map(str::to_owned).into();
    ListView {
        label: name.replace('_', " "),
        developer_name: name.into(),
        object: "Opportunity".into(),
        columns,
        condition: WON.into(),
        ..ListView::default()
    }
}

fn set_up(env: &Env, view: ListView) -> String {
    let now = env.now().as_millisecond();
    env.sandbox.salesforce.with(|org| org.list_view(now, view)).unwrap()
}

/// As somebody types it.
fn named(text: &str) -> ListName {
    match Shown::parse(text).unwrap() {
        Shown::List(name) => name,
        Shown::Deal(id) => panic!("{id} is a deal"),
    }
}

async fn listed(env: &Env, text: &str) -> Many {
    let name = named(text);
    nothing_written_by(env, async || list(&sight(env), &name, 50, env.now(), &Silent).await.unwrap()).await
}

/// What work says of itself.
#[derive(Default)]
struct Noted(RefCell<Vec<String>>);

impl Progress for Noted {
    fn begin(&self, what: &'static str, of: Option<usize>) {
        self.0.borrow_mut().push(of.map_or(what.to_owned(), |of| format!("{what} {of}")));
    }

    fn step(&self) {
        self.0.borrow_mut().push("step".into());
    }

    fn end(&self) {
        self.0.borrow_mut().push("end".into());
    }
}

#[tokio::test]
async fn a_list_view_is_previewed_as_its_query_is() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let good = env.opportunity_won(&Deal::three_lines()).await;
    let bad = env.opportunity_won(&Deal { email: None, ..Deal::three_lines() }).await;
    let open = env.enter(&Deal::three_lines()).await;
    let id = set_up(&env, view("Won_this_month"));
    let all = listed(&env, &id).await;
    assert_eq!((all.exit(), all.deals.len(), all.left_out), (Exit::NeedsPerson, 2, 0));
    let text = all.to_string();
    for row in
        [format!("{good}  billed   110.00 USD\n"), format!("{bad}  refused              billing_email_missing\n")]
    {
        assert!(text.contains(&row), "{row}\n{text}");
    }
    assert!(!text.contains(&open) && !text.contains("warning"), "{text}");
    let soql = format!("SELECT Id FROM Opportunity WHERE {WON} ORDER BY Name, Id");
    let noted = Noted::default();
    let by_query = many(&sight(&env), &soql, 50, env.now(), &noted).await.unwrap();
    assert_eq!((all.to_string(), all.to_json()), (by_query.to_string(), by_query.to_json()));
    assert_eq!(*noted.0.borrow(), ["reading the list", "previewing 2", "step", "step", "end"]);
    // Wherever it was copied from.
    let address = "https://acme.lightning.force.com/lightning/o/Opportunity/list?filterName=";
    for other in [id[..15].to_owned(), format!("{address}{id}"), format!("{address}Won_this_month")] {
        assert_eq!(listed(&env, &other).await.to_json(), all.to_json(), "{other}");
    }
    let first = list(&sight(&env), &named(&id), 1, env.now(), &Silent).await.unwrap();
    assert_eq!((first.deals.len(), first.left_out), (1, 1));
    env.settle().await;
}

#[tokio::test]
async fn what_is_of_whoever_looks_is_read_as_the_integration_user() {
    let env = Env::start().await;
    let own = env.opportunity_won(&Deal::three_lines()).await;
    let others = env.opportunity_won(&Deal::three_lines()).await;
    let user = env.sandbox.salesforce.with(|org| org.records("User"));
    let integration = user.iter().find(|user| user["Name"] == "Integration").unwrap();
    env.update("Opportunity", &own, json!({ "OwnerId": integration["Id"] }));
    let id = set_up(&env, ListView { is_mine: true, ..view("My_deals") });
    let mine = listed(&env, &id).await;
    assert_eq!((mine.exit(), mine.deals.len()), (Exit::Well, 1));
    let text = mine.to_string();
    assert!(text.contains(&own) && !text.contains(&others), "{text}");
    assert!(text.ends_with("warning: the list view shows what is of whoever looks at it (mine), and is read as the integration user: you may see other deals in it\n"), "{text}");
    assert!(mine.to_json().contains("\"warning\": \"the list view shows"), "{}", mine.to_json());
    env.settle().await;
}

#[tokio::test]
async fn a_list_view_that_is_hidden_or_of_another_object_is_told() {
    let env = Env::start().await;
    env.opportunity_won(&Deal::three_lines()).await;
    let columns = vec!["Name".to_owned()];
    let accounts = ListView { object: "Account".into(), columns, condition: String::new(), ..view("Accounts") };
    let accounts = set_up(&env, accounts);
    let hidden = set_up(&env, ListView { is_private: true, ..view("Hidden") });
    let unseen = set_up(&env, ListView { condition: "Probability > 10".into(), ..view("By_probability") });
    let address = "https://acme.lightning.force.com/lightning/o/Opportunity/list?filterName=";
    let of_another = format!("{accounts} is a list view of Account, and only opportunities are previewed");
    for (text, exit, why) in [
        (accounts.clone(), Exit::Misunderstood, of_another),
        (format!("{address}Accounts"), Exit::Unknown, "there is no list view Accounts of opportunities".into()),
        (hidden.clone(), Exit::Unknown, format!("there is no list view {hidden} of opportunities")),
        (format!("{address}Hidden"), Exit::Unknown, "share it with that user".into()),
        ("00B000000000001EAA".into(), Exit::Unknown, "there is no list view 00B000000000001EAA".into()),
        // A filter by a field that the integration user does not see.
        (unseen, Exit::Unavailable, "No such column 'Probability'".into()),
    ] {
        let name = named(&text);
        let ask = async || list(&sight(&env), &name, 50, env.now(), &Silent).await.unwrap_err();
        let told: ListError = nothing_written_by(&env, ask).await;
        assert_eq!(told.exit(), exit, "{text}: {told}");
        assert!(told.to_string().contains(&why), "{text}: {told}");
    }
    env.settle().await;
}
