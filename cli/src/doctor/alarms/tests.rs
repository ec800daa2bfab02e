use super::*;
use crate::doctor::finding::Verdict::{self, NotChecked, Ok as Well, Warning};

fn check(finding: &Finding, verdict: Verdict, text: &str) {
    assert!(finding.verdict == verdict && finding.text.contains(text), "{finding:?}");
    assert_eq!(finding.remedy.is_some(), verdict == Warning, "{finding:?}");
}

fn of_template() -> Vec<Alarm> {
    let alarm = |id: &str| Alarm {
        name: format!("acme-{id}-1A2B"),
        description: format!("what {id} says"),
        state: "OK".into(),
        is_heard: true,
    };
    ALARMS.map(alarm).into()
}

/// An alarm that the template has and this list has not would never be missed.
#[test]
fn the_alarms_are_those_of_the_template() {
    let template = include_str!("../../../../template.yaml");
    let before: Vec<_> = template.split("\n    Type: AWS::CloudWatch::Alarm\n").collect();
    let (_, before) = before.split_last().expect("the end");
    let ids: Vec<_> = before.iter().filter_map(|text| text.lines().last()?.trim().strip_suffix(':')).collect();
    assert_eq!(ids, ALARMS);
}

#[test]
fn an_alarm_that_is_absent_or_rings_is_told() {
    let all = of_template();
    let [finding] = &alarms("acme", &Ok(all.clone()))[..] else { panic!("one finding") };
    check(finding, Well, "24 are there");
    let mut some = all.clone();
    some.retain(|alarm| !alarm.name.contains("DifferencesAlarm"));
    some[0].state = "ALARM".into();
    some[1].state = "INSUFFICIENT_DATA".into();
    some.push(Alarm { name: "acme-TheirOwnAlarm-1A".into(), state: "ALARM".into(), ..Alarm::default() });
    some.push(Alarm { name: "acme-test-DifferencesAlarm-1A".into(), ..Alarm::default() });
    let [absent, ringing] = &alarms("acme", &Ok(some))[..] else { panic!("two findings") };
    check(absent, Warning, "not there: DifferencesAlarm");
    check(ringing, Warning, "DeadLetterDepthAlarm is in ALARM: what DeadLetterDepthAlarm says");
    check(&alarms("acme", &Err("not allowed".into()))[0], NotChecked, "not allowed");
}

#[test]
fn alarms_that_nobody_hears_are_told() {
    let mut all = of_template();
    check(&heard("acme", &Ok(all.clone())), Well, "");
    all[3].is_heard = false;
    check(&heard("acme", &Ok(all.clone())), Warning, "nobody hears EventDeadLetterAgeAlarm");
    all.iter_mut().for_each(|alarm| alarm.is_heard = false);
    let finding = heard("acme", &Ok(all));
    check(&finding, Warning, "nobody hears the alarms");
    assert!(finding.remedy.is_some_and(|remedy| remedy.contains("AlarmTopicArn")));
    check(&heard("acme", &Ok(vec![])), NotChecked, "no alarms");
    check(&heard("acme", &Err("not allowed".into())), NotChecked, "not allowed");
}
