//! What a run is about, and what the point means that it has come to.

/// How a chapter begins; the record's or object's id follows.
pub(super) fn about(workflow: &str) -> &'static str {
    match workflow {
        "opportunity_won" => "Billing of opportunity",
        "account_customer" => "Stripe customer of account",
        "invoice_paid" => "Payment of invoice",
        "payment_failed" => "Collection of invoice",
        "invoice_changed" => "Standing of invoice",
        "subscription_changed" => "Standing of subscription",
        "notification" => "What people are told by",
        _ => "Run of",
    }
}

/// What the point means. Which points there are is the workflows' business; the test below asks them.
pub(super) fn at(workflow: &str, point: &str) -> &'static str {
    let said = match workflow {
        "opportunity_won" => deal(point),
        "account_customer" => customer(point),
        "invoice_paid" => payment(point),
        "payment_failed" => collection(point),
        "invoice_changed" | "subscription_changed" => object(point),
        "notification" => message(point),
        _ => None,
    };
    said.unwrap_or("it is at a point that this version of the command has no words for")
}

fn deal(point: &str) -> Option<&'static str> {
    Some(match point {
        "claimed" => "the opportunity is to be read from Salesforce",
        "preflight" => "the opportunity was read, and what its products cost at Stripe is looked at",
        "planned" => "what is to be billed is decided, and its account's customer is looked for or made",
        "named_otherwise" => {
            "the account names another customer than the one that its deals are billed to, which is looked at"
        }
        "invoice_named" => "the opportunity names an invoice already, and whose that is is looked at",
        "subscription_named" => {
            "the opportunity names a subscription's invoice already, and what that was begun for is looked at"
        }
        "customer_known" => "its account has its customer, and a draft or a subscription comes next",
        "customer_gone" => "Stripe does not know its account's customer any more, and another is made",
        "currency_taken" => {
            "Stripe takes no subscription in its currency for the account's customer, and another is found or made"
        }
        "scheduled" => "its term has not begun, and it is billed when it does",
        "pricing" => "the prices that were agreed are found or made at Stripe",
        "subscribing" => "the subscription is about to be made",
        "holding" => "there is a subscription, and its first invoice is held back until it was looked at",
        "drafted" => "there is a draft, and lines are added to it",
        "filled" => "all lines are on the draft, and are looked at",
        "ready" => "the draft equals the deal, and is sent next",
        "sent" => "the customer has the invoice, and its ids are written to Salesforce next",
        "done" => "the customer has the invoice, and Salesforce names it",
        "reviving" | "checking" => "it was interrupted, and what had become of it at Stripe is looked at",
        "comparing" => "it was interrupted, and whether it is still the same deal is looked at",
        "verifying" => "it was interrupted, and whether Salesforce names the invoice already is looked at",
        "revisiting" => "it is billed, and whether it was changed since is looked at",
        "clearing" => "it is billed, and an old note is taken off the opportunity",
        "amending" => "it was changed after it was billed, and whether it can be billed anew is looked at",
        "voiding" => "it was changed after it was billed, and its unpaid invoice is voided",
        "settling" => "it was changed after it was paid, and what became of the money is looked at",
        "crediting" => "it was changed after it was paid, and its invoice is credited",
        "doubting" => "after a restore the opportunity names another invoice, and whether it was replaced is looked at",
        "disarming" | "abandoning" => "it is not to be billed as it was drafted, and the draft is taken away",
        "renewal_unsettled" | "renewal_elsewhere" | "renewal_found" => "the subscription that it renews is looked for",
        "renewal_pricing" => "the prices that were agreed for the renewal are found or made at Stripe",
        "renewal_previewing" => "what the renewal would be billed by at once is looked at",
        "renewal_ready" => "the subscription is about to be renewed",
        "renewal_extended" => "the subscription is renewed, and that is written to Salesforce next",
        "renewal_done" => "the subscription goes on for this deal, and Salesforce says so",
        "renewal_revisiting" => "it was renewed, and whether the deal was changed since is looked at",
        "renewal_clearing" => "it was renewed, and an old note is taken off the opportunity",
        "ending_looking" | "ending_ready" => "its subscription is to end sooner than its term, or after all not",
        "stopped" => STOPPED,
        _ => return None,
    })
}

/// The reason follows.
const STOPPED: &str = "it stands still, for this reason";

fn customer(point: &str) -> Option<&'static str> {
    Some(match point {
        "named" => "the customer that Salesforce names is looked at",
        "unknown" => "there is no customer yet, and one is made",
        "updating" => "the customer is told what the account says by now",
        "tax_ids_looking" | "tax_id_adding" | "tax_id_removing" => {
            "the customer's tax ids are made those of the account"
        }
        "untold" => "the customer is there, and was not told what the account says by now",
        "known" => "the account has its customer",
        "stopped" => STOPPED,
        _ => return None,
    })
}

fn payment(point: &str) -> Option<&'static str> {
    Some(match point {
        "claimed" => "Stripe told of a payment, and the invoice is to be read",
        "unpaid" => "Stripe told of a payment that the invoice does not show yet",
        "paid" => "the invoice is paid, all of it or a part, and what its opportunity says is looked at",
        "not_linked" => "the invoice is paid, and its opportunity does not name it yet",
        "seeking" => "the invoice is paid, and which opportunity names it is looked for",
        "astray" => "the invoice was not made here, is paid, and no opportunity names it yet",
        "linked" => "the invoice is paid, and its opportunity is told",
        "done" => "the opportunity says what came in",
        "stopped" => STOPPED,
        _ => return None,
    })
}

fn collection(point: &str) -> Option<&'static str> {
    Some(match point {
        "claimed" => "Stripe told of its collection, and the invoice is to be read",
        "seen" => "the invoice was read, and its case and task are looked at",
        "telling" => "its case and task are written",
        "resting" => "nothing more is to be done for now, and it is looked at again later",
        "done" => "nothing more is to be done about it, as it was last read",
        "stopped" => STOPPED,
        _ => return None,
    })
}

fn object(point: &str) -> Option<&'static str> {
    Some(match point {
        "claimed" => "Stripe told of a change, and it is to be read",
        "seen" => "it was read, and what Salesforce says of it is looked at",
        "telling" => "Salesforce is told how it stands",
        "asking" => "it has ended, and somebody is asked to look after the customer",
        "not_linked" => "something has become of it, and its opportunity does not name it yet",
        "seeking" => "something has become of it, and which opportunity names it is looked for",
        "doubting" => {
            "it is looked at once more later, since an older write may be under way, or its opportunity may come to name it"
        }
        "done" => "nothing more is to be told of it, as it was last read",
        "stopped" => STOPPED,
        _ => return None,
    })
}

fn message(point: &str) -> Option<&'static str> {
    Some(match point {
        "claimed" => "there is something to tell, and what the deal is called is looked at",
        "failed" => "a payment failed, and whether it is unpaid still is looked at",
        "telling" => "it is said",
        "unsaid" => "whoever is to pass it on does not take it, and is asked again",
        "resting" => "it may have been said already, or was a moment ago: it is said later, if it stands then",
        "done" => "it is said, or is not to be said there any more",
        "stopped" => STOPPED,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// What stands in `fn name` of a workflow's file: the names of its points.
    fn points(file: &str) -> Vec<String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/workflow/src").join(file);
        let source = fs::read_to_string(path).expect("it is there");
        let names = source.split("fn name(&self) -> &'static str {").nth(1).expect("it names its points");
        let names = names.split("\n    }\n").next().expect("it ends");
        names.split("=> \"").skip(1).filter_map(|rest| rest.split('"').next().map(str::to_owned)).collect()
    }

    #[test]
    fn every_point_of_every_workflow_is_said() {
        let mut count = 0;
        for (workflow, file) in [
            ("opportunity_won", "opportunity_won/point.rs"),
            ("opportunity_won", "opportunity_won/renewal.rs"),
            ("opportunity_won", "opportunity_won/ending.rs"),
            ("account_customer", "account_customer.rs"),
            ("invoice_paid", "invoice_paid.rs"),
            ("payment_failed", "payment_failed.rs"),
            ("invoice_changed", "invoice_changed.rs"),
            ("subscription_changed", "subscription_changed.rs"),
            ("notification", "notification.rs"),
        ] {
            for point in points(file) {
                assert!(!at(workflow, &point).contains("no words"), "{workflow} {point}");
                count += 1;
            }
            assert_ne!(about(workflow), "Run of");
        }
        assert!(count > 80, "{count}");
        assert!(at("opportunity_won", "of_tomorrow").contains("no words"));
    }
}
