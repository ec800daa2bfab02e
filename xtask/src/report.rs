//! A story, told for people and for programs.

use serde_json::{Value, json};

use crate::money::shown;
use crate::stack::Stack;
use crate::story::Story;
use crate::timeline;

/// Everything in one document.
pub fn json(story: &Story) -> Value {
    let mut document = story.facts.json();
    document["timeline"] = json!(story.timeline);
    document["checks"] = story
        .checks
        .iter()
        .map(
            |check| json!({ "check": check.what, "holds": check.holds, "seen": (!check.holds).then_some(&check.seen) }),
        )
        .collect();
    document
}

pub fn text(story: &Story, stack: &Stack) -> String {
    let facts = &story.facts;
    let invoice = facts.invoice();
    let mut out = format!("\nTimeline\n{}", timeline::shown(&story.timeline));

    out.push_str("\nSalesforce\n");
    out.push_str(&fields("Opportunity", &facts.opportunity));
    out.push_str(&fields("Account", &facts.account));

    out.push_str("\nStripe\n");
    for name in ["id", "customer", "number", "status", "currency", "total", "amount_paid", "hosted_invoice_url"] {
        out.push_str(&format!("  invoice.{name:<26} {}\n", plain(&invoice[name])));
    }
    for line in &facts.lines {
        let amount = line["amount"].as_i64().map(|minor_units| shown(minor_units, 2)).unwrap_or_default();
        let quantity = plain(&line["quantity"]);
        out.push_str(&format!("  line  {quantity:>6} x {:<24} {amount:>12}\n", plain(&line["description"])));
    }

    out.push_str("\nSlack\n");
    for posted in &facts.posted {
        out.push_str(&format!("  posted {}\n", plain(&posted["text"])));
    }

    out.push_str("\nLedger\n");
    for run in &facts.runs {
        let (workflow, status, point) = (plain(&run["workflow"]), plain(&run["status"]), plain(&run["point"]));
        out.push_str(&format!("  run   {workflow:<18} {status:<8} at {point:<16} {}\n", plain(&run["pk"])));
    }
    for call in &facts.calls {
        let (system, name, outcome) = (plain(&call["system"]), plain(&call["call"]), plain(&call["outcome"]));
        let (took, request) = (plain(&call["duration_ms"]), plain(&call["request_id"]));
        out.push_str(&format!("  call  {system:<11} {name:<16} {outcome:<10} {took:>5} ms  {request}\n"));
    }

    out.push_str("\nQueues\n");
    for (name, depth) in &facts.queues {
        let waiting = depth.visible + depth.in_flight + depth.delayed;
        out.push_str(&format!("  {name:<24} {waiting} messages\n"));
    }

    out.push_str(&format!("\nChecks\n{}", checks(story)));
    let table = stack.outputs.get("LedgerTableName").unwrap_or_default();
    out.push_str(&format!(
        "\nWhere to look next\n  \
         cargo xtask up                          the same stack, to drive by hand: close deals, pay or fail them, explain them\n  \
         template.yaml                           what was deployed (the ledger was {table})\n  \
         target/local/logs/                      what the emulated AWS, the sandbox and the SAM CLI said\n  \
         shared/workflow/src/opportunity_won.rs  every step that a deal takes, and why\n  \
         docs/GUARANTEES.md                      what holds when a process dies in between, and how that is shown\n  \
         docs/REFUSALS.md                        why a deal is not billed, and who mends it\n  \
         docs/OWNERSHIP.md                       which side each field belongs to, and what becomes of an edit\n  \
         docs/CONFIGURATION.md                   which deals are billed and how, by rules of your own\n  \
         cli/README.md                           closedwon explain, preview, doctor: what became of a deal, and what would\n"
    ));
    out
}

pub fn checks(story: &Story) -> String {
    story
        .checks
        .iter()
        .map(|check| {
            let (mark, seen) =
                if check.holds { ("ok  ", String::new()) } else { ("FAIL", format!(": {}", check.seen)) };
            format!("  {mark} {}{seen}\n", check.what)
        })
        .collect()
}

fn fields(object: &str, record: &Value) -> String {
    let fields = record.as_object().into_iter().flatten();
    fields.map(|(name, value)| format!("  {:<34} {}\n", format!("{object}.{name}"), plain(value))).collect()
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
