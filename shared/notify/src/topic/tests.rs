use super::*;

#[test]
fn an_email_says_what_a_message_says() {
    let message = Message {
        title: "Invoice sent: Müller\nGmbH".into(),
        text: Some("All is well.".into()),
        facts: vec![("Deal".into(), "120.00 EUR".into())],
        links: vec![("Invoice at Stripe".into(), "https://dashboard.stripe.com/invoices/in_1".into())],
        about: "won:in_1:run#1".into(),
        remarks: Vec::new(),
    };
    assert_eq!(subject(&message), "Invoice sent: Müller GmbH");
    let expected = "Invoice sent: Müller\nGmbH\n\nAll is well.\n\nDeal: 120.00 EUR\n\
                    Invoice at Stripe: https://dashboard.stripe.com/invoices/in_1\n\nClosedwon: won:in_1:run#1.";
    assert_eq!(text(&message), expected);
    let long = Message { title: "x".repeat(300), ..message };
    assert_eq!(subject(&long).len(), 99);
}
