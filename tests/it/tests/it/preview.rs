//! `closedwon preview`: whoever asks what would happen to a deal is told, and it does happen so.

pub(crate) mod compared;
mod thousand;

use closedwon::Exit;
use closedwon::preview::End;
use compared::{asked, foreseen};
use it::{Deal, Env};

#[tokio::test]
async fn what_a_deal_would_be_billed_by_is_told_and_then_is() {
    let env = Env::start().await;
    let opportunity = env.opportunity_won(&Deal::three_lines()).await;
    let preview = foreseen(&env, &opportunity).await;
    assert_eq!((preview.exit(), &preview.end), (Exit::Well, &End::Billed));
    let text = preview.to_string();
    for said in [
        format!("Opportunity {opportunity} at 2026-11-23T00:00:00Z: it would be billed\n"),
        "  the deal as a whole: 110.00 USD\n".to_owned(),
        "is sent: 110.00 USD, due on 2026-12-23\n    Product 001 × 2: 20.00 USD\n".to_owned(),
        "    stripe create_customer ".to_owned(),
        "      POST /v1/customers [cw1_".to_owned(),
        "        email=ap@acme.example\n".to_owned(),
        "        days_until_due=30\n".to_owned(),
        format!("      PATCH /sobjects/Opportunity/{opportunity}\n"),
        "  Nothing of this was done.\n".to_owned(),
    ] {
        assert!(text.contains(&said), "{said}\n{text}");
    }
    env.settle().await;
    // By now it is billed.
    let again = foreseen(&env, &opportunity).await;
    assert_eq!((again.exit(), &again.end, again.invoices.len()), (Exit::Well, &End::Unchanged, 0));
    assert!(again.calls.iter().all(|call| call.requests.is_empty()), "{again}");
}

#[tokio::test]
async fn a_refusal_is_told_with_what_mends_it() {
    let mut env = Env::start().await;
    env.expect_dead_letters();
    let opportunity = env.opportunity_won(&Deal { email: None, ..Deal::three_lines() }).await;
    let preview = asked(&env, &opportunity).await;
    assert_eq!(preview.exit(), Exit::NeedsPerson);
    let End::Stopped(stopped) = &preview.end else { panic!("{preview}") };
    let text = preview.to_string();
    for said in [stopped.code, &stopped.message, stopped.remedy, &format!("what to do ({}): ", stopped.whose)] {
        assert!(text.contains(said), "{said}\n{text}");
    }
    assert_eq!(foreseen(&env, &opportunity).await, preview);
    env.settle().await;
}
