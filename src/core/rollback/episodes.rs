//! Episodes of alerts that were dealt with, so that none is dealt with twice; and episodes that a rollback itself
//! brought about, so that none of them leads to another. Bounded by time and by number.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::alert::AlertKey;
use super::state::{PlanAlert, PlanId};

/// Alerts with different labels that are kept of one consequence: as many instances hardly watch one system.
const OF_ONE_CONSEQUENCE: usize = 1000;

/// An episode that was dealt with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handled {
    /// The undertaking that dealt with it.
    pub plan: PlanId,
    /// Whether that was a rollback; otherwise people were told.
    pub is_rollback: bool,
    /// When it was last heard of.
    pub seen: DateTime<Utc>,
    /// Whether it was told to be over.
    pub is_over: bool,
}

/// Episodes that had to be forgotten because there were too many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// They were over: a repetition of them is not to be expected.
    pub over: u64,
    /// They were not: told again, they count as new.
    pub open: u64,
}

/// Episodes that were dealt with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Episodes {
    handled: BTreeMap<AlertKey, Handled>,
    /// The most that are remembered. `None` = no limit.
    most: Option<usize>,
    forgotten: Forgotten,
}

impl Episodes {
    /// An episode was dealt with, or joined what deals with another.
    pub fn handle(&mut self, key: AlertKey, plan: PlanId, is_rollback: bool, at: DateTime<Utc>) {
        self.handled.insert(key, Handled { plan, is_rollback, seen: at, is_over: false });
        self.keep_to_the_limit();
    }

    /// What became of an episode. `None` = it was not dealt with, or is forgotten.
    pub fn get(&self, key: &AlertKey) -> Option<&Handled> {
        self.handled.get(key)
    }

    /// An episode was heard of again.
    pub fn seen(&mut self, key: &AlertKey, at: DateTime<Utc>) {
        if let Some(handled) = self.handled.get_mut(key) {
            handled.seen = handled.seen.max(at);
            handled.is_over = false;
        }
    }

    /// An episode is over.
    pub fn over(&mut self, key: &AlertKey) {
        if let Some(handled) = self.handled.get_mut(key) {
            handled.is_over = true;
        }
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.handled.len()
    }

    /// Whether none is remembered.
    pub fn is_empty(&self) -> bool {
        self.handled.is_empty()
    }

    /// How many were forgotten because there were too many.
    pub fn forgotten(&self) -> Forgotten {
        self.forgotten
    }

    /// Forgets what was not heard of for so long.
    pub fn forget(&mut self, now: DateTime<Utc>, remember: Duration) {
        let Some(since) = TimeDelta::from_std(remember).ok().and_then(|span| now.checked_sub_signed(span))
        else {
            return;
        };
        self.handled.retain(|_, handled| handled.seen >= since);
    }

    /// From now on at most so many are remembered.
    pub fn limit(&mut self, most: usize) {
        self.most = Some(most);
        self.keep_to_the_limit();
    }

    /// What is over goes first, then what people were told of, then what was rolled back for; the oldest of each
    /// first. A tenth goes at once, so that not every further alert looks through all of them.
    fn keep_to_the_limit(&mut self) {
        let Some(most) = self.most.filter(|most| self.handled.len() > *most) else { return };
        let surplus = self.handled.len() - (most - most / 10);
        let mut order: Vec<_> = self
            .handled
            .iter()
            .map(|(key, handled)| (!handled.is_over, handled.is_rollback, handled.seen, key.clone()))
            .collect();
        order.sort();
        for (is_open, _, _, key) in order.into_iter().take(surplus) {
            self.handled.remove(&key);
            let count = if is_open { &mut self.forgotten.open } else { &mut self.forgotten.over };
            *count += 1;
        }
    }
}

/// An alert that a rollback brings about, by its name: its next episode belongs to that rollback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consequence {
    /// The rollback.
    pub plan: PlanId,
    /// By fingerprint, the episode of the alert that belongs to it, and whether that is over. A further one with the
    /// same labels begins only after it was over, so it came about otherwise.
    episodes: BTreeMap<String, (AlertKey, bool)>,
}

/// The alerts that rollbacks have brought about since the last recovery, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Consequences(BTreeMap<String, Consequence>);

/// Alerts without a fingerprint count as one.
fn of(fingerprint: Option<&str>) -> &str {
    fingerprint.unwrap_or_default()
}

impl Consequences {
    /// An action of a rollback had, or may have had, an effect, and with it this alert is to be expected. Where the
    /// alert was itself a reason for the rollback, the episode that belongs to it is known.
    pub fn expect(&mut self, name: &str, plan: PlanId, reasons: &[PlanAlert]) {
        let consequence =
            self.0.entry(name.to_owned()).or_insert_with(|| Consequence { plan, episodes: BTreeMap::new() });
        consequence.plan = plan;
        for alert in reasons.iter().filter(|alert| alert.name == name) {
            consequence.insert(alert.fingerprint.as_deref(), alert.key.clone());
        }
    }

    /// The rollback that brought an episode about. `None` = it came about by itself.
    pub fn behind(&self, name: &str, fingerprint: Option<&str>, key: &AlertKey) -> Option<PlanId> {
        let consequence = self.0.get(name)?;
        match consequence.episodes.get(of(fingerprint)) {
            Some((known, _)) if known != key => None,
            _ => Some(consequence.plan),
        }
    }

    /// An episode was told that a rollback brought about. The rollback.
    pub fn told(&mut self, name: &str, fingerprint: Option<&str>, key: &AlertKey) -> Option<PlanId> {
        let plan = self.behind(name, fingerprint, key)?;
        self.0.get_mut(name)?.insert(fingerprint, key.clone());
        Some(plan)
    }

    /// An episode is over.
    pub fn over(&mut self, name: &str, key: &AlertKey) {
        for (known, is_over) in self.0.get_mut(name).into_iter().flat_map(|known| known.episodes.values_mut())
        {
            *is_over |= known == key;
        }
    }

    /// The way back was taken: what fires from now on came about by itself.
    pub fn end(&mut self) {
        self.0.clear();
    }

    /// Name, rollback, and how many episodes of it fire as far as is known. Those that are all over are left out.
    pub fn open(&self) -> impl Iterator<Item = (&str, PlanId, usize)> {
        self.0.iter().filter_map(|(name, consequence)| {
            let firing = consequence.episodes.values().filter(|(_, is_over)| !is_over).count();
            (firing > 0 || consequence.episodes.is_empty()).then_some((
                name.as_str(),
                consequence.plan,
                firing,
            ))
        })
    }
}

impl Consequence {
    fn insert(&mut self, fingerprint: Option<&str>, key: AlertKey) {
        let fingerprint = of(fingerprint);
        if self.episodes.len() < OF_ONE_CONSEQUENCE || self.episodes.contains_key(fingerprint) {
            self.episodes.insert(fingerprint.to_owned(), (key, false));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn key(number: usize) -> AlertKey {
        AlertKey::of_text(&format!("k{number:04}"))
    }

    #[test]
    fn what_is_over_is_forgotten_first_and_the_oldest_of_it() {
        let mut episodes = Episodes::default();
        for number in 0..10_i32 {
            let is_rollback = number < 2;
            episodes.handle(key(number.unsigned_abs() as usize), PlanId(1), is_rollback, at(number.into()));
        }
        episodes.over(&key(9));
        episodes.over(&key(3));
        episodes.limit(10);
        assert_eq!((episodes.len(), episodes.forgotten()), (10, Forgotten::default()));
        // One too many: a tenth below the limit stays, so two go.
        episodes.handle(key(10), PlanId(1), false, at(10));
        assert_eq!((episodes.len(), episodes.forgotten()), (9, Forgotten { over: 2, open: 0 }));
        assert!(episodes.get(&key(3)).is_none() && episodes.get(&key(9)).is_none());
        // Nothing is over any more: notifications go, the oldest first, and rollbacks last.
        episodes.limit(4);
        assert_eq!((episodes.len(), episodes.forgotten()), (4, Forgotten { over: 2, open: 5 }));
        for kept in [0, 1, 8, 10] {
            assert!(episodes.get(&key(kept)).is_some(), "{kept}");
        }
    }

    #[test]
    fn an_episode_that_is_heard_of_again_is_not_over() {
        let mut episodes = Episodes::default();
        episodes.handle(key(1), PlanId(1), true, at(0));
        episodes.over(&key(1));
        assert!(episodes.get(&key(1)).is_some_and(|handled| handled.is_over));
        episodes.seen(&key(1), at(1));
        assert!(episodes.get(&key(1)).is_some_and(|handled| !handled.is_over && handled.seen == at(1)));
    }

    #[test]
    fn the_first_episode_of_each_labels_is_the_consequence_and_the_next_is_not() {
        let mut consequences = Consequences::default();
        assert_eq!(consequences.behind("Open", Some("a"), &key(1)), None);
        consequences.expect("Open", PlanId(7), &[]);
        assert_eq!(consequences.open().collect::<Vec<_>>(), [("Open", PlanId(7), 0)]);
        assert_eq!(consequences.behind("Other", Some("a"), &key(1)), None);
        assert_eq!(consequences.told("Open", Some("a"), &key(1)), Some(PlanId(7)));
        assert_eq!(consequences.told("Open", Some("a"), &key(1)), Some(PlanId(7)));
        assert_eq!(consequences.told("Open", Some("b"), &key(2)), Some(PlanId(7)), "another instance");
        assert_eq!(consequences.behind("Open", Some("a"), &key(3)), None, "a new start of the same labels");
        assert_eq!(consequences.open().collect::<Vec<_>>(), [("Open", PlanId(7), 2)]);
        consequences.over("Open", &key(1));
        consequences.over("Open", &key(2));
        assert_eq!(consequences.open().count(), 0);
        assert_eq!(consequences.behind("Open", Some("a"), &key(3)), None, "also after it was over");
        consequences.end();
        assert_eq!(consequences.behind("Open", Some("c"), &key(4)), None);
    }
}
