use std::collections::BTreeSet;

use super::*;

fn start() -> Timestamp {
    Timestamp::from_second(1_793_577_600).expect("in range")
}

fn scenario(seed: u64) -> Scenario {
    Scenario::generate(&mut Random::new(seed), start(), People::default())
}

#[test]
fn one_seed_is_one_scenario() {
    for seed in 0..20 {
        assert_eq!(format!("{:?}", scenario(seed)), format!("{:?}", scenario(seed)));
    }
    assert_ne!(scenario(1).acts, scenario(2).acts);
}

#[test]
fn acts_are_in_order_and_within_ten_days() {
    let end = start().checked_add(ACTIVE).expect("in range");
    for seed in 0..50 {
        let acts = scenario(seed).acts;
        assert!(acts.is_sorted_by_key(|(at, _)| *at));
        assert!(acts.iter().all(|(at, _)| (start()..=end).contains(at)));
    }
}

#[test]
fn everything_that_people_do_is_done_by_somebody() {
    let mut names = BTreeSet::new();
    let (mut asked, mut billable) = (0, 0);
    for seed in 0..300 {
        let mut scenario = scenario(seed);
        for (at, act) in scenario.acts.clone() {
            names.insert(act.name());
            act.perform(at, &mut scenario.models);
        }
        let org = &scenario.models.salesforce;
        let judged: Vec<_> = org.opportunities().map(|deal| org.judge(deal)).collect();
        asked += judged.iter().filter(|judgement| **judgement != crate::model::bill::Judgement::NotAsked).count();
        billable += judged.iter().filter(|judgement| judgement.bill().is_some()).count();
        assert_eq!(scenario.models.violations, []);
    }
    assert_eq!(names.len(), 22, "{names:?}");
    assert!(billable > 1000 && asked > billable + 100, "{billable} of {asked} can be billed");
}
