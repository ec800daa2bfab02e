use super::*;

fn compare(a: &str, b: &str) -> Likeness {
    let (a, b) = (Name::of(a), Name::of(b));
    let others = ["Support Gold", "Support Silver", "Analytics Professional", "Data Export", "Seat"].map(Name::of);
    likeness(&a, &b, &Rarity::of(others.iter().chain([&a, &b])))
}

#[test]
fn names_are_alike_whatever_their_order_case_and_spelling() {
    for (a, b, at_least) in [
        ("Support Gold", "support gold", 100),
        ("Support Gold", "Gold - Support", 100),
        ("Support Gold (annual)", "Support Gold", 100),
        ("The license for Support Gold", "Support Gold Licenses", 100),
        ("Données Café", "Donnees Cafe", 100),
        ("100GB Storage", "Storage 100 GB", 100),
        ("Project Management Standard", "Proj. Mgmt Std", 75),
        ("Analytics Professional", "Analytics Pro", 90),
        ("Customer Relationship Management", "CRM", 70),
        ("Analytics Suite", "Analitycs Suite", 40),
        ("Integration Hub", "Integraton Hub", 85),
    ] {
        let found = compare(a, b);
        assert!(found.percent >= at_least, "{a} / {b}: {found:?}");
        assert_eq!(compare(b, a).percent, found.percent, "{b} / {a}");
    }
}

#[test]
fn another_tier_size_or_version_is_seen() {
    for (a, b) in [
        ("Support Gold", "Support Silver"),
        ("Analytics Pro", "Analytics Enterprise"),
        ("Storage 100 GB", "Storage 200 GB"),
        ("Gateway v2", "Gateway v3"),
    ] {
        let found = compare(a, b);
        assert!(found.tiers_differ && found.both_have_more && found.percent < 80, "{a} / {b}: {found:?}");
    }
    let one_says_more = compare("Support Gold", "Support");
    assert!(!one_says_more.tiers_differ && !one_says_more.both_have_more, "{one_says_more:?}");
    assert!(compare("Support", "Export").percent < 50);
}

#[test]
fn a_rare_word_says_more_than_a_common_one() {
    let names: Vec<_> = (0..40).map(|number| Name::of(&format!("Cloud {number}"))).collect();
    let rarity = Rarity::of(&names);
    let of = |a: &str, b: &str| likeness(&Name::of(a), &Name::of(b), &rarity).percent;
    assert!(of("Cloud Telemetry", "Telemetry") > of("Cloud Telemetry", "Cloud"));
}

#[test]
fn a_name_may_say_how_often_it_is_billed() {
    for (name, expected) in [
        ("Seat (Annual)", Some(Billed::Months(12))),
        ("Seat, monthly", Some(Billed::Months(1))),
        ("Quarterly review", Some(Billed::Months(3))),
        ("Seat", None),
    ] {
        assert_eq!(Name::of(name).says, expected, "{name}");
    }
    // A name of nothing but such words is still a name.
    assert_eq!(compare("Annual plan", "Annual plan").percent, 100);
}

#[test]
fn one_letter_is_a_spelling_mistake_and_two_are_another_word() {
    for (a, b, expected) in [
        ("gateway", "gatewya", true),
        ("gateway", "gateay", true),
        ("gateway", "gatewayy", true),
        ("gateway", "gatevay", true),
        ("gateway", "gatevya", false),
        ("gold", "bold", true),
    ] {
        assert_eq!(differ_by_one(a, b), expected, "{a} {b}");
    }
    // Short words differ by one letter and mean something else.
    assert_eq!(alike("gold", "bold"), 0);
}
