//! Lines, invoice items, and the arithmetic of money.

use super::Account;
use serde_json::{Value, json};

/// The amount of one line on an invoice in this currency, or the code or message of the refusal.
fn amount(currency: &str, line: &str) -> Result<i64, String> {
    let mut account = Account::new();
    let invoice = account.draft(currency);
    let body: Vec<String> = line.split('&').map(|pair| format!("lines[0]{pair}")).collect();
    let answer = account.post(&format!("/v1/invoices/{invoice}/add_lines"), &body.join("&"));
    if answer.status != 200 {
        let code = answer.code().to_owned();
        return Err(if code.is_empty() { answer.message().to_owned() } else { code });
    }
    assert_eq!(answer.body["total"], answer.body["lines"]["data"][0]["amount"]);
    answer.body["total"].as_i64().ok_or_else(|| "no total".into())
}

#[test]
fn unit_amounts_and_quantities_multiply_as_decimals() {
    let data = |currency: &str, rest: &str| {
        let head = format!("[price_data][currency]={currency}&[price_data][product_data][name]=x");
        amount(currency, &format!("{head}&{rest}"))
    };
    assert_eq!(data("usd", "[price_data][unit_amount]=1999&[quantity]=3"), Ok(5997));
    assert_eq!(data("usd", "[price_data][unit_amount]=1999"), Ok(1999));
    assert_eq!(data("usd", "[price_data][unit_amount]=1999&[quantity]=0"), Ok(0));
    assert_eq!(data("usd", "[price_data][unit_amount_decimal]=0.5&[quantity]=1"), Ok(1));
    assert_eq!(data("usd", "[price_data][unit_amount_decimal]=-0.5&[quantity]=1"), Ok(-1));
    assert_eq!(data("usd", "[price_data][unit_amount_decimal]=999.5&[quantity_decimal]=2.5"), Ok(2499));
    assert_eq!(data("jpy", "[price_data][unit_amount]=500&[quantity]=7"), Ok(3500));
    assert_eq!(data("jpy", "[price_data][unit_amount_decimal]=333.333&[quantity]=3"), Ok(1000));
    assert_eq!(data("kwd", "[price_data][unit_amount]=1230&[quantity]=2"), Ok(2460));
    assert_eq!(
        data("usd", "[price_data][unit_amount]=9000000000000000&[quantity]=9000000"),
        Err("amount_too_large".into())
    );
    assert_eq!(data("usd", "[price_data][unit_amount]=1&[quantity]=-1"), Err("parameter_invalid_integer".into()));
    assert_eq!(
        data("usd", "[price_data][unit_amount]=1&[quantity]=1&[quantity_decimal]=1"),
        Err("parameters_exclusive".into())
    );
    assert_eq!(
        data("usd", "[price_data][unit_amount]=1&[price_data][unit_amount_decimal]=1"),
        Err("parameters_exclusive".into())
    );
    assert_eq!(data("usd", "[quantity]=1"), Err("parameter_missing".into()));
}

#[test]
fn a_line_has_exactly_one_source_of_its_amount() {
    assert_eq!(amount("usd", "[amount]=-250&[description]=Discount"), Ok(-250));
    assert_eq!(amount("kwd", "[amount]=1230"), Ok(1230));
    assert!(amount("kwd", "[amount]=1234").is_err_and(|message| message.contains("end in 0")));
    assert_eq!(amount("usd", "[description]=Nothing"), Err("parameter_missing".into()));
    assert_eq!(amount("usd", "[amount]=1&[quantity]=2"), Err("parameters_exclusive".into()));
    assert_eq!(amount("usd", "[amount]=1&[pricing][price]=p"), Err("parameters_exclusive".into()));
    assert_eq!(amount("usd", "[pricing][price]=price_0"), Err("resource_missing".into()));
    assert!(amount("usd", "[period][start]=2&[period][end]=1&[amount]=1").is_err());
    let other = "[price_data][currency]=eur&[price_data][product_data][name]=x&[price_data][unit_amount]=1";
    assert!(amount("usd", other).is_err_and(|message| message.contains("only supports `eur`")));
}

#[test]
fn a_price_must_be_active_one_time_and_in_the_currency() {
    let mut account = Account::new();
    let invoice = account.draft("usd");
    let add = format!("/v1/invoices/{invoice}/add_lines");
    let product = account.create("/v1/products", "name=Gold");
    let mut price = |body: &str| account.create("/v1/prices", &format!("product={product}&{body}"));
    let good = price("currency=usd&unit_amount=250");
    let inactive = price("currency=usd&unit_amount=250&active=false");
    let euro = price("currency=eur&unit_amount=250");
    let monthly = price("currency=usd&unit_amount=250&recurring[interval]=month");
    for (bad, message) in [(inactive, "inactive"), (euro, "only supports `eur`"), (monthly, "type=recurring")] {
        let answer = account.post(&add, &format!("lines[0][pricing][price]={good}&lines[1][pricing][price]={bad}"));
        assert_eq!((answer.status, answer.param()), (400, "lines[1][pricing][price]"));
        assert!(answer.message().contains(message), "{}", answer.body);
    }
    // A call that is refused adds nothing, not even the lines before the bad one.
    assert_eq!(account.stripe.invoice_lines(&invoice), Vec::<Value>::new());

    let body = format!("lines[0][pricing][price]={good}&lines[0][quantity]=3&lines[0][metadata][sf]=00k1");
    let line = account.post(&add, &body).ok()["lines"]["data"][0].clone();
    assert_eq!((&line["amount"], &line["description"], &line["quantity"]), (&json!(750), &json!("Gold"), &json!(3)));
    assert_eq!(line["pricing"]["price_details"], json!({ "price": good, "product": product }));
    assert_eq!(line["pricing"]["unit_amount_decimal"], "250");
    assert_eq!(line["parent"]["type"], "invoice_item_details");
    assert_eq!(line["metadata"], json!({ "sf": "00k1" }));
}

#[test]
fn an_invoice_embeds_ten_lines_and_holds_250() {
    let mut account = Account::new();
    let invoice = account.draft("usd");
    let add = format!("/v1/invoices/{invoice}/add_lines");
    let lines = |from: i64, to: i64| -> String {
        (from..to).map(|index| format!("lines[{}][amount]={}&", index - from, index + 1)).collect()
    };
    let shown = account.post(&add, &lines(0, 100)).ok();
    assert_eq!(
        (shown["lines"]["data"].as_array().map(Vec::len), &shown["lines"]["has_more"]),
        (Some(10), &json!(true))
    );
    account.post(&add, &lines(100, 250)).ok();
    assert_eq!(account.post(&add, &lines(250, 251)).param(), "lines");

    let (mut amounts, mut after) = (Vec::new(), String::new());
    loop {
        let page = account.get(&format!("/v1/invoices/{invoice}/lines?limit=100{after}")).ok();
        let data = page["data"].as_array().cloned().unwrap_or_default();
        amounts.extend(data.iter().filter_map(|line| line["amount"].as_i64()));
        if page["has_more"] == false {
            break;
        }
        after = format!(
            "&starting_after={}",
            data.last().map(|line| line["id"].as_str().unwrap_or_default()).unwrap_or_default()
        );
    }
    assert_eq!(amounts, (1..=250).collect::<Vec<i64>>());
    assert_eq!(account.get(&format!("/v1/invoices/{invoice}")).ok()["total"], 250 * 251 / 2);
}

#[test]
fn lines_are_changed_and_removed() {
    let mut account = Account::new();
    let invoice = account.draft("usd");
    let target = format!("/v1/invoices/{invoice}");
    let body = "lines[0][amount]=100&lines[1][amount]=200&lines[2][amount]=300&invoice_metadata[run]=r1";
    let shown = account.post(&format!("{target}/add_lines"), body).ok();
    assert_eq!(shown["metadata"]["run"], "r1");
    let ids: Vec<String> = shown["lines"]["data"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|line| line["id"].as_str().expect("id").to_owned())
        .collect();

    let body =
        format!("lines[0][id]={}&lines[0][amount]=150&lines[1][id]={}&lines[1][description]=Two", ids[0], ids[1]);
    let shown = account.post(&format!("{target}/update_lines"), &body).ok();
    assert_eq!((&shown["total"], &shown["lines"]["data"][1]["description"]), (&json!(650), &json!("Two")));

    let line = account.post(&format!("{target}/lines/{}", ids[2]), "amount=400").ok();
    assert_eq!((&line["amount"], &line["id"]), (&json!(400), &json!(ids[2])));

    let body = format!(
        "lines[0][id]={}&lines[0][behavior]=delete&lines[1][id]={}&lines[1][behavior]=unassign",
        ids[0], ids[1]
    );
    let shown = account.post(&format!("{target}/remove_lines"), &body).ok();
    assert_eq!((&shown["total"], shown["lines"]["data"].as_array().map(Vec::len)), (&json!(400), Some(1)));
    assert_eq!(account.get("/v1/invoiceitems?pending=true").ok()["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(account.post(&format!("{target}/update_lines"), "lines[0][id]=il_0").param(), "lines[0][id]");
}

#[test]
fn pending_items_wait_for_an_invoice_that_includes_them() {
    let mut account = Account::new();
    let customer = account.customer();
    let item = account.create("/v1/invoiceitems", &format!("customer={customer}&currency=usd&amount=700"));
    let answer = account.post("/v1/invoiceitems", &format!("customer={customer}&currency=eur&amount=700"));
    assert!(answer.status == 400 && answer.message().starts_with("You cannot combine currencies on a single customer"));

    let excluded = account.post("/v1/invoices", &format!("customer={customer}&currency=usd")).ok();
    assert_eq!(excluded["lines"]["data"], json!([]));
    let body = format!("customer={customer}&currency=usd&pending_invoice_items_behavior=include");
    let included = account.post("/v1/invoices", &body).ok();
    assert_eq!((&included["total"], included["lines"]["data"].as_array().map(Vec::len)), (&json!(700), Some(1)));
    assert_eq!(account.get(&format!("/v1/invoiceitems/{item}")).ok()["invoice"], included["id"]);

    let direct = format!("customer={customer}&invoice={}&amount=50", included["id"].as_str().unwrap_or_default());
    let second = account.create("/v1/invoiceitems", &direct);
    let target = format!("/v1/invoices/{}", included["id"].as_str().unwrap_or_default());
    assert_eq!(account.get(&target).ok()["total"], 750);
    account.post(&format!("/v1/invoiceitems/{second}"), "amount=60").ok();
    assert_eq!(account.get(&target).ok()["total"], 760);
    account.delete(&format!("/v1/invoiceitems/{item}")).ok();
    assert_eq!(account.get(&target).ok()["total"], 60);
}
