use super::*;

fn found(query: &str) -> Result<Vec<String>, String> {
    let mut org = org();
    let mut later = org.opportunity(&id()).cloned().expect("there");
    later.id = OpportunityId::parse("006gK0000000002").expect("valid");
    later.modified = at(60);
    later.stage = "Negotiation".into();
    org.add_opportunity(later);
    let answers = org.read(at(90), &[query.to_owned()]).map_err(|error| error.to_string())?;
    Ok(answers[0].iter().map(|record| record.text("Id").unwrap_or_default()[..15].to_owned()).collect())
}

#[test]
fn filters_orders_and_limits_do_what_they_say() {
    let (one, two) = ("006gK0000000001", "006gK0000000002");
    for (rest, expected) in [
        ("", vec![one, two]),
        (" WHERE StageName = 'Closed Won'", vec![one]),
        (" WHERE StageName != 'Closed Won'", vec![two]),
        (" WHERE Id = '006gK0000000009AAA'", vec![]),
        (" WHERE Payment_Received__c = false AND Amount >= 20 LIMIT 1", vec![one]),
        (" WHERE Amount > 20", vec![]),
        (" ORDER BY SystemModstamp DESC, Id", vec![two, one]),
        (" WHERE SystemModstamp >= 2027-01-15T09:00:00Z ORDER BY SystemModstamp, Id LIMIT 200", vec![two]),
        (" WHERE SystemModstamp > 2027-01-15T09:00:00Z OR (StageName = 'Closed Won' AND Type = null)", vec![one]),
    ] {
        let query = format!("SELECT Id, StageName FROM Opportunity{rest}");
        assert_eq!(found(&query), Ok(expected.into_iter().map(str::to_owned).collect()), "{query}");
    }
}

#[test]
fn a_quoted_text_is_read_to_its_end() {
    let hostile = r"O\'Brien \\ OR Id != ";
    let query = Select::from("Opportunity").fields(&["Id"]).filter("StageName", Op::Eq, Literal::Text(hostile.into()));
    let parsed = Query::parse(&query.to_string()).expect("understood");
    assert_eq!(parsed.text_equal_to("StageName"), Some(hostile));
}

#[test]
fn what_is_not_known_is_refused_and_seen() {
    for query in [
        "SELECT Id FROM Lead",
        "SELECT Nonsense__c FROM Opportunity",
        "SELECT Id FROM Opportunity WHERE Nonsense__c = 'x'",
        "SELECT Id FROM Opportunity WHERE StageName LIKE 'Closed%'",
        "SELECT Id FROM Opportunity WHERE StageName = 'Closed",
        "SELECT Id FROM Opportunity LIMIT x",
        "SELECT Id FROM Opportunity GROUP BY Id",
        "DELETE",
        "",
    ] {
        let mut org = org();
        assert!(org.read(at(1), &[query.to_owned()]).is_err(), "{query}");
        assert_eq!(rules(&org), ["every_query_is_known"], "{query}");
    }
}
