//! The rollback policy: which alerts are gates, what is done about them, how, and who is told.
//!
//! The domain type alone. Its file is read in `wire::rollback`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use super::action::{Action, ActionKind, OnFailure};
use super::alert::Alert;
use super::condition::Verification;
use super::executor::{Executor, HeaderValue, Means, SecretSource};

/// An alert that the policy knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Value of the label `alertname`.
    pub name: String,
    /// What it means, in words; may be empty.
    pub description: String,
    /// Whom a soft gate tells. Empty = the channels of [`RollbackPolicy::quiet_channels`].
    pub channels: Vec<String>,
}

/// Which environments' alerts count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Environments {
    /// The policy does not say. Good enough to rehearse, not to act.
    Unsaid,
    /// All, as the policy says in so many words.
    Any,
    /// Alerts that have each of these labels with one of its values.
    Labels(BTreeMap<String, BTreeSet<String>>),
}

impl Environments {
    /// Whether an alert comes from one of them; otherwise the label that says it does not.
    pub fn hold(&self, alert: &Alert) -> Result<(), String> {
        let Self::Labels(wanted) = self else { return Ok(()) };
        for (name, values) in wanted {
            match alert.labels.get(name) {
                Some(value) if values.contains(value) => {}
                Some(value) => {
                    let start: String = value.chars().take(80).collect();
                    return Err(format!("its label `{name}` is `{start}`"));
                }
                None => return Err(format!("it has no label `{name}`")),
            }
        }
        Ok(())
    }
}

/// What hard gates lead to.
#[derive(Clone, Debug, PartialEq)]
pub struct AutoRollback {
    /// Off = hard gates only tell.
    pub enabled: bool,
    /// From one rollback to the next.
    pub cooldown: Duration,
    /// Most actions in 24 hours, notifications not counted. `None` = no limit.
    pub max_actions_per_day: Option<u32>,
    /// How long an episode is remembered after it was last heard of.
    pub remember: Duration,
    /// Most episodes that are remembered; what is over is forgotten first.
    pub remember_alerts: usize,
    /// How long a rollback waits for whoever carries actions out just then, before it is refused.
    pub lock_wait: Duration,
    /// What is done, in this order.
    pub actions: Vec<Action>,
    /// What becomes of the rest when an action fails, unless the action says otherwise.
    pub on_failure: OnFailure,
    /// What must be true afterwards.
    pub verification: Verification,
}

/// The way back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recovery {
    /// What is done, in this order.
    pub actions: Vec<Action>,
    /// What must be true afterwards.
    pub verification: Verification,
}

/// A service that takes notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Service {
    /// `PagerDuty`, Events API v2.
    PagerDuty {
        /// The routing key of the integration.
        routing_key: SecretSource,
        /// Where events go.
        url: String,
        /// Named in the event, so that whoever reads it knows whom it goes to; may be empty.
        escalation_policy: String,
    },
    /// An incoming webhook of Slack.
    Slack {
        /// Its address.
        url: SecretSource,
        /// Named in the text; an incoming webhook has a channel of its own.
        channel: String,
        /// Whom to mention, in front of the text; may be empty.
        mention: String,
    },
    /// A bot of Telegram.
    Telegram {
        /// Its token.
        token: SecretSource,
        /// The chat.
        chat_id: SecretSource,
        /// Where the bot API lives.
        api: String,
    },
    /// Anything that takes `{"text": …}`.
    Webhook {
        /// Its address.
        url: SecretSource,
    },
}

/// A way to tell people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Off = it is skipped, and a result says so.
    pub enabled: bool,
    /// The service.
    pub service: Service,
}

/// Whom verification asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrometheusAccess {
    /// Base URL.
    pub url: String,
    /// Label matchers without braces for metrics named without a query; may be empty.
    pub selector: String,
    /// How often it looks at the trading system.
    pub scrape_interval: Duration,
    /// A bearer token. `None` = none is needed.
    pub token: Option<SecretSource>,
}

/// The audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// Off is only good for reading the file as it was: nothing acts without its log.
    pub enabled: bool,
    /// The file. `None` = the command line names it.
    pub log_path: Option<PathBuf>,
    /// Whether the numbers that verification read stand in the log.
    pub include_metrics: bool,
    /// Whether all causes of a failure and the end of a command's stderr stand in the log.
    pub include_causes: bool,
}

/// The whole policy.
#[derive(Clone, Debug, PartialEq)]
pub struct RollbackPolicy {
    /// Alerts that lead to a rollback.
    pub hard_gates: Vec<Gate>,
    /// Alerts that people are told of.
    pub soft_gates: Vec<Gate>,
    /// Which environments' alerts count.
    pub environments: Environments,
    /// What hard gates lead to.
    pub auto: AutoRollback,
    /// The way back; without actions there is none.
    pub recovery: Recovery,
    /// How kinds of actions are carried out.
    pub executors: BTreeMap<ActionKind, Executor>,
    /// Ways to tell people, by name.
    pub channels: BTreeMap<String, Channel>,
    /// Whom verification asks. `None` = nobody.
    pub prometheus: Option<PrometheusAccess>,
    /// The audit log.
    pub audit: Audit,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
}

impl RollbackPolicy {
    /// The hard gate of an alert.
    pub fn hard(&self, name: &str) -> Option<&Gate> {
        self.hard_gates.iter().find(|gate| gate.name == name)
    }

    /// The soft gate of an alert.
    pub fn soft(&self, name: &str) -> Option<&Gate> {
        self.soft_gates.iter().find(|gate| gate.name == name)
    }

    /// Channels that are on.
    pub fn enabled_channels(&self) -> Vec<String> {
        self.channels.iter().filter(|(_, channel)| channel.enabled).map(|(name, _)| name.clone()).collect()
    }

    /// Channels that are on and wake nobody up; where there are none, all that are on.
    pub fn quiet_channels(&self) -> Vec<String> {
        let is_quiet = |channel: &Channel| !matches!(channel.service, Service::PagerDuty { .. });
        let quiet = self.channels.iter().filter(|(_, channel)| channel.enabled && is_quiet(channel));
        let quiet: Vec<String> = quiet.map(|(name, _)| name.clone()).collect();
        if quiet.is_empty() { self.enabled_channels() } else { quiet }
    }

    /// Every secret that acting needs: of executors, of channels that are on, of whom verification asks.
    pub fn secrets(&self) -> Vec<&SecretSource> {
        let mut secrets = Vec::new();
        for executor in self.executors.values() {
            if let Means::Http { headers, .. } = &executor.means {
                secrets.extend(headers.values().filter_map(|value| match value {
                    HeaderValue::Secret { source, .. } => Some(source),
                    HeaderValue::Text(_) => None,
                }));
            }
        }
        for channel in self.channels.values().filter(|channel| channel.enabled) {
            match &channel.service {
                Service::PagerDuty { routing_key, .. } => secrets.push(routing_key),
                Service::Slack { url, .. } | Service::Webhook { url } => secrets.push(url),
                Service::Telegram { token, chat_id, .. } => secrets.extend([token, chat_id]),
            }
        }
        secrets.extend(self.prometheus.iter().filter_map(|access| access.token.as_ref()));
        secrets
    }

    /// What keeps this policy from acting, in words: gaps that a rehearsal does not mind.
    pub fn gaps(&self) -> Vec<String> {
        let mut gaps = Vec::new();
        if self.environments == Environments::Unsaid {
            gaps.push(
                "`environment` is missing: an alert of any environment would act; name the labels, or write \
                 `environment: any`"
                    .to_owned(),
            );
        }
        if !self.audit.enabled {
            gaps.push(
                "`audit.enabled` is false: without the log nobody knows what was done, so nothing is"
                    .to_owned(),
            );
        }
        let actions = self.auto.actions.iter().chain(&self.recovery.actions);
        let kinds: BTreeSet<ActionKind> = actions.map(|action| action.kind).collect();
        for kind in kinds.into_iter().filter(|kind| *kind != ActionKind::Notify) {
            if !self.executors.contains_key(&kind) {
                gaps.push(format!(
                    "`executors.{}` is missing: nobody knows how to carry the action out",
                    kind.word()
                ));
            }
        }
        if self.enabled_channels().is_empty() && !self.soft_gates.is_empty() {
            gaps.push(
                "no channel of `notifications` is on: nobody could be told of a soft gate, and Alertmanager would be asked \
                 to come again for ever"
                    .to_owned(),
            );
        }
        let is_on = |name: &String| self.channels.get(name).is_some_and(|channel| channel.enabled);
        for (key, actions) in [("auto_rollback", &self.auto.actions), ("recovery", &self.recovery.actions)] {
            let told = actions.iter().filter(|action| action.kind == ActionKind::Notify);
            for action in told.filter(|action| !action.channels.iter().any(is_on)) {
                gaps.push(format!(
                    "an action `notify` of `{key}` tells {} alone, and none of these is on: every time it would be one that \
                     failed",
                    action.channels.join(", ")
                ));
            }
        }
        let checks = self.auto.verification.checks.len() + self.recovery.verification.checks.len();
        if checks > 0 && self.prometheus.is_none() {
            gaps.push(
                "`prometheus` is missing: the checks of the verification have nobody to ask".to_owned(),
            );
        }
        gaps
    }
}
