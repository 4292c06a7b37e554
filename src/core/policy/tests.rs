//! Words of windows and statistics.

use super::*;

#[test]
fn windows_are_named_after_their_length() {
    let windows = Windows { last_n: 12, steady_start: 7 };
    assert_eq!(WindowSpec::LastN.name(&windows), "last12");
    assert_eq!(WindowSpec::Last(5).name(&windows), "last5");
    assert_eq!(WindowSpec::Steady.name(&windows), "steady");
    assert_eq!(WindowSpec::Overall.name(&windows), "overall");
    assert_eq!(WindowSpec::LastN.length(&windows), Some(12));
    assert_eq!(WindowSpec::Last(5).length(&windows), Some(5));
    assert_eq!(WindowSpec::Steady.length(&windows), None);
    assert_eq!(WindowSpec::Overall.length(&windows), None);
}

#[test]
fn every_statistic_has_a_word_that_finds_it_again() {
    for statistic in Statistic::ALL {
        assert_eq!(statistic.word().parse(), Ok(statistic));
    }
    assert!("average".parse::<Statistic>().is_err());
}
