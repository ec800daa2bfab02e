//! Customers, products, prices, lists and searches.

use super::Account;
use crate::stripe::Config;

/// What an update leaves out of an address stays, and what it sends empty goes.
#[test]
fn a_part_of_an_address_is_emptied() {
    let mut account = Account::new();
    let address = "address[line1]=A&address[line2]=B&address[city]=C&address[country]=DE";
    let customer = account.post("/v1/customers", &format!("name=Acme&{address}")).ok();
    let target = format!("/v1/customers/{}", customer["id"].as_str().unwrap());
    let address = account.post(&target, "address[line1]=D&address[line2]=&address[country]=").ok()["address"].clone();
    assert_eq!((&address["line1"], &address["city"]), (&"D".into(), &"C".into()));
    assert!(address["line2"].is_null() && address["country"].is_null(), "{address}");
}

#[test]
fn a_customer_lives_and_leaves_a_stub() {
    let mut account = Account::new();
    let id = account.create(
        "/v1/customers",
        "email=ap@acme.example&name=Acme&address[country]=de&address[line1]=A&metadata[run]=r1&metadata[org]=o1",
    );
    let customer = account.get(&format!("/v1/customers/{id}")).ok();
    assert_eq!(customer["currency"], serde_json::Value::Null);
    assert_eq!((&customer["address"]["country"], &customer["livemode"]), (&"DE".into(), &false.into()));

    let target = format!("/v1/customers/{id}");
    let updated = account.post(&target, "metadata[org]=&metadata[new]=n&name=Acme+AG").ok();
    assert_eq!(updated["metadata"], serde_json::json!({ "run": "r1", "new": "n" }));
    let event = account.stripe.objects("event").pop().expect("an event");
    assert_eq!(event["data"]["previous_attributes"]["name"], "Acme");
    assert_eq!(event["data"]["previous_attributes"].get("email"), None);
    assert_eq!(account.post(&target, "metadata=").ok()["metadata"], serde_json::json!({}));

    assert_eq!(account.delete(&target).ok()["deleted"], true);
    assert_eq!(account.get(&target).ok(), serde_json::json!({ "id": id, "object": "customer", "deleted": true }));
    assert_eq!(account.get("/v1/customers").ok()["data"], serde_json::json!([]));
    assert_eq!(account.post(&target, "name=x").status, 404);
    let answer = account.post("/v1/invoices", &format!("customer={id}"));
    assert_eq!((answer.status, answer.code(), answer.param()), (400, "resource_missing", "customer"));
}

#[test]
fn lists_page_in_both_directions() {
    let mut account = Account::new();
    let ids: Vec<String> = (0..25).map(|index| account.create("/v1/products", &format!("name=p{index}"))).collect();
    let newest: Vec<&str> = ids.iter().rev().map(String::as_str).collect();
    let mut page = |query: &str| {
        let list = account.get(&format!("/v1/products?{query}")).ok();
        let data = list["data"].as_array().expect("data").clone();
        let ids: Vec<String> = data.iter().map(|one| one["id"].as_str().expect("id").to_owned()).collect();
        (ids, list["has_more"] == true)
    };
    assert_eq!(page(""), (newest[..10].iter().map(|id| (*id).to_owned()).collect(), true));
    assert_eq!(page(&format!("starting_after={}&limit=20", newest[9])).0, newest[10..25]);
    assert!(!page(&format!("starting_after={}&limit=15", newest[9])).1);
    assert_eq!(page(&format!("ending_before={}&limit=3", newest[10])).0, newest[7..10]);
    assert_eq!(
        page(&format!("ending_before={}&limit=3", newest[2])),
        (vec![newest[0].into(), newest[1].into()], false)
    );
    assert_eq!(page("limit=100").0.len(), 25);
    for (query, param) in [("limit=0", "limit"), ("limit=101", "limit"), ("starting_after=prod_x", "starting_after")] {
        let answer = account.get(&format!("/v1/products?{query}"));
        assert_eq!((answer.status, answer.param()), (400, param), "{query}");
    }
}

#[test]
fn lists_filter() {
    let mut account = Account::new();
    account.create("/v1/customers", "email=a@x.example");
    account.now_ms += 10_000;
    account.create("/v1/customers", "email=b@x.example");
    let at = account.now_ms / 1000;
    let mut count =
        |query: String| account.get(&format!("/v1/customers?{query}")).ok()["data"].as_array().map(Vec::len);
    assert_eq!(count("email=a@x.example".into()), Some(1));
    assert_eq!(count(format!("created[gte]={at}")), Some(1));
    assert_eq!(count(format!("created[lt]={at}")), Some(1));
    assert_eq!(count(format!("created={at}")), Some(1));
    assert_eq!(count(format!("created[gt]={at}")), Some(0));
}

#[test]
fn searches_understand_the_query_language() {
    let mut account = Account::new();
    account.create("/v1/customers", "email=a@x.example&name=Acme&metadata[sf]=001A");
    account.create("/v1/customers", "email=b@x.example&name=Bcme&metadata[sf]=001B");
    let mut names = |query: &str| {
        let query: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let found = account.get(&format!("/v1/customers/search?query={query}"));
        let data = found.body["data"].as_array().cloned().unwrap_or_default();
        let names: Vec<String> = data.iter().map(|one| one["name"].as_str().unwrap_or_default().to_owned()).collect();
        (found.status, names.join(","))
    };
    let found = |names: &str| (200, names.to_owned());
    assert_eq!(names(r#"metadata["sf"]:"001A""#), found("Acme"));
    assert_eq!(names(r#"email:"b@x.example""#), found("Bcme"));
    assert_eq!(names(r#"name~"cme" AND email:"a@x.example""#), found("Acme"));
    assert_eq!(names(r#"metadata["sf"]:"001A" OR metadata["sf"]:"001B""#), found("Bcme,Acme"));
    assert_eq!(names(r#"-name:"Acme""#), found("Bcme"));
    assert_eq!(names("created>0"), found("Bcme,Acme"));
    assert_eq!(names(r#"metadata["none"]:null"#), found("Bcme,Acme"));
    for bad in ["", "name", r#"shoe:"1""#, r#"name:"a" AND name:"b" OR name:"c""#, r#"name:"a"#, r#"metadata:"x""#] {
        assert_eq!(names(bad).0, 400, "{bad}");
    }
}

#[test]
fn a_search_lags_behind_writes() {
    let mut account = Account::with(Config { search_lag_s: 60, ..Config::default() });
    account.create("/v1/customers", "name=Acme");
    let target = "/v1/customers/search?query=name:%22Acme%22";
    assert_eq!(account.get(target).ok()["data"].as_array().map(Vec::len), Some(0));
    account.now_ms += 60_000;
    assert_eq!(account.get(target).ok()["data"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_price_shows_its_amount_as_far_as_it_is_whole() {
    let mut account = Account::new();
    let mut amounts = |body: &str| {
        let price = account.post("/v1/prices", &format!("product_data[name]=x&{body}")).ok();
        (price["unit_amount"].as_i64(), price["unit_amount_decimal"].as_str().map(str::to_owned))
    };
    assert_eq!(amounts("currency=USD&unit_amount=1050"), (Some(1050), Some("1050".into())));
    assert_eq!(amounts("currency=usd&unit_amount_decimal=999.50"), (None, Some("999.5".into())));
    assert_eq!(amounts("currency=jpy&unit_amount_decimal=500.0"), (Some(500), Some("500".into())));
    assert_eq!(amounts("currency=kwd&unit_amount=1230"), (Some(1230), Some("1230".into())));
    let odd = account.post("/v1/prices", "product_data[name]=x&currency=kwd&unit_amount=1234");
    assert_eq!((odd.status, odd.param()), (400, "unit_amount"));
}

#[test]
fn a_lookup_key_belongs_to_one_price() {
    let mut account = Account::new();
    let product = account.create("/v1/products", "name=x");
    let body = format!("product={product}&currency=usd&unit_amount=1&lookup_key=gold");
    let first = account.create("/v1/prices", &body);
    assert_eq!(account.post("/v1/prices", &body).param(), "lookup_key");
    let second = account.create("/v1/prices", &format!("{body}&transfer_lookup_key=true"));
    assert!(account.get(&format!("/v1/prices/{first}")).ok()["lookup_key"].is_null());
    let found = account.get("/v1/prices?lookup_keys[]=gold").ok();
    assert_eq!(found["data"][0]["id"], second.as_str());
    assert_eq!(account.post(&format!("/v1/prices/{second}"), "active=false").ok()["active"], false);
    assert_eq!(account.get("/v1/prices?active=true").ok()["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(account.delete(&format!("/v1/products/{product}")).status, 400);
}

#[test]
fn ids_expand_to_objects() {
    let mut account = Account::new();
    let price = account.create("/v1/prices", "currency=usd&unit_amount=1&product_data[name]=Gold");
    let expanded = account.get(&format!("/v1/prices/{price}?expand[]=product")).ok();
    assert_eq!(expanded["product"]["name"], "Gold");
    assert_eq!(account.get("/v1/prices?expand[]=data.product").ok()["data"][0]["product"]["name"], "Gold");
    assert_eq!(account.get(&format!("/v1/prices/{price}?expand[]=nope")).status, 400);
    assert_eq!(account.get(&format!("/v1/prices/{price}?expand[]=a.b.c.d.e")).status, 400);
}
