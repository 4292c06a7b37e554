//! The profiles that a policy can extend: what of the built-in policy they leave out, and what they put in its place.

use crate::core::config::values::{Parsed, names, one_of};
use crate::core::config::{Layer, Origin, Tree, Value};

/// What kind of system a policy is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// The market-making bot: the built-in policy as it is.
    #[default]
    Trading,
    /// A service that Prometheus watches.
    Service,
    /// Nothing but what the file declares.
    None,
}

/// Keys of a profile's file that are no keys of a policy: the tables of the policy that it leaves out, and those whose
/// values nothing uses, so that they are not in force.
const LEAVE_OUT: &str = "leave_out";
const UNUSED: &str = "unused";

impl Profile {
    const ALL: [Self; 3] = [Self::Trading, Self::Service, Self::None];

    pub fn word(self) -> &'static str {
        match self {
            Self::Trading => "trading",
            Self::Service => "service",
            Self::None => "none",
        }
    }

    pub(super) fn parse(value: &Value) -> Parsed<Self> {
        one_of(value, "profile", &Self::ALL.map(|profile| (profile.word(), profile)))
    }

    /// The topmost of these layers that names a profile decides; a wrong name is noted when the policy is read.
    pub(super) fn of<'t>(mut layers: impl DoubleEndedIterator<Item = &'t Tree>) -> Self {
        let named = layers.rfind(|tree| tree.top("extends").is_some());
        named.and_then(|tree| Self::parse(&tree.top("extends")?.value).ok()).unwrap_or_default()
    }

    /// The layers below those of a user, lowest first, and the keys of which no value is in force.
    pub(super) fn layers(self, built_in: &str) -> (Vec<Tree>, Vec<String>) {
        let none = include_str!("../../../deploy/policies/none.toml");
        let service = include_str!("../../../deploy/policies/service.toml");
        let files: &[(&'static str, &str)] = match self {
            Self::Trading => &[],
            Self::None => &[("none", none)],
            Self::Service => &[("none", none), ("service", service)],
        };
        let tree = |origin, text: &str| Tree::of_toml(&Layer { origin, text: text.to_owned() }).0;
        let (mut trees, mut unused) = (vec![tree(Origin::BuiltIn, built_in)], Vec::new());
        for (name, text) in files {
            let mut own = tree(Origin::Profile(name), text);
            let list = |key| own.top(key).and_then(|node| names(&node.value).ok()).unwrap_or_default();
            let (leave_out, not_used) = (list(LEAVE_OUT), list(UNUSED));
            for key in &leave_out {
                for below in &mut trees {
                    below.remove(key);
                }
            }
            unused.extend(not_used);
            own.remove(LEAVE_OUT);
            own.remove(UNUSED);
            trees.push(own);
        }
        (trees, unused)
    }
}
