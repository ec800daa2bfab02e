use std::collections::BTreeSet;

use super::*;
use crate::run::rehearse_with;

#[test]
fn an_undisturbed_story_ends_well_and_has_its_calls() {
    for story in Story::ALL {
        let rehearsal = rehearse(Script::new(*story), false);
        assert_eq!(rehearsal.history.violations, [], "{}", story.name());
        assert!(rehearsal.calls.len() > 20, "{} has {} calls", story.name(), rehearsal.calls.len());
    }
    let calls: BTreeSet<_> = rehearse(Script::new(Story::Billed), false).calls.iter().map(|call| call.name()).collect();
    for name in
        ["read price", "create customer", "create invoice", "add lines", "send invoice", "write back", "mark paid"]
    {
        assert!(calls.contains(name), "{name} is not among {calls:?}");
    }
    let replaced = rehearse(Script::new(Story::Replaced), false).calls;
    assert_eq!(replaced.iter().filter(|call| ["void invoice", "send invoice"].contains(&call.name())).count(), 3);
}

/// A death is one: the story goes on with other calls than without it, and up to it with the same.
#[test]
fn a_death_changes_what_comes_after_it_and_nothing_before() {
    let undisturbed = rehearse(Script::new(Story::Billed), false);
    for death in deaths(&undisturbed.calls, 0).step_by(7) {
        let script = Script { first: Some(death), ..Script::new(Story::Billed) };
        let rehearsal = rehearse(script, false);
        assert_eq!(rehearsal.calls[..=death.call], undisturbed.calls[..=death.call]);
        assert_eq!(rehearsal.history.violations, [], "{script:?}");
        assert_eq!(rehearsal.history.counts.of(death.way, undisturbed.calls[death.call]), 1);
    }
}

/// A worker that gives an old key a successor without a look does not survive its deaths, a day later.
#[test]
fn a_mistake_shows() {
    let undisturbed = Script { is_later: true, ..Script::new(Story::Billed) };
    let calls = rehearse(undisturbed, false).calls;
    let firsts = deaths(&calls, 0).map(|death| Script { first: Some(death), ..undisturbed });
    let bugs = [planted::Bug::LookFindsNothing];
    let noticed = firsts.filter(|script| !rehearse_with(*script, false, &bugs).history.violations.is_empty()).count();
    assert!(noticed > 0, "nothing shows that an old key gets a successor without a look");
}
