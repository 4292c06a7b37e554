//! What must be true after a rollback: `== 0`, `state == 'open'`. Turns it into queries and judges the answers;
//! queries nobody.

use std::fmt;
use std::time::Duration;

/// How two numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Equal,
    NotEqual,
    AtLeast,
    AtMost,
    Above,
    Below,
}

impl Operator {
    /// All, the longer signs first, so that the first that begins a text is the one.
    const ALL: [(Self, &str); 6] = [
        (Self::Equal, "=="),
        (Self::NotEqual, "!="),
        (Self::AtLeast, ">="),
        (Self::AtMost, "<="),
        (Self::Above, ">"),
        (Self::Below, "<"),
    ];

    /// The sign, which `PromQL` has too.
    pub(crate) fn sign(self) -> &'static str {
        Self::ALL.iter().find(|(operator, _)| *operator == self).map_or("==", |(_, sign)| sign)
    }

    /// Whether it holds. Exact: a condition is about counts and states.
    pub(crate) fn holds(self, value: f64, than: f64) -> bool {
        match self {
            Self::Equal => value == than,
            Self::NotEqual => value != than,
            Self::AtLeast => value >= than,
            Self::AtMost => value <= than,
            Self::Above => value > than,
            Self::Below => value < than,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A metric by its name: the condition must hold for every series of it.
    Metric(String),
    /// A query, which must give one number.
    Query(String),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    Value(Operator, f64),
    /// `label == 'text'`: the series with this label is 1, for a metric that has a series for each state.
    State {
        label: String,
        /// What it must be.
        is: String,
    },
}

/// Something that must be true after the actions.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// The question.
    pub subject: Subject,
    /// What must hold.
    pub condition: Condition,
    /// How long it may take to come true, counted from the first time of asking.
    pub timeout: Duration,
}

/// What must hold after the actions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verification {
    /// Before the first question.
    pub wait: Duration,
    /// Between two questions.
    pub interval: Duration,
    /// The checks; none = nothing is verified.
    pub checks: Vec<Check>,
}

impl Condition {
    /// Reads `== 0` or `state == 'open'`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is no condition; write `== 0` (or !=, >=, <=, >, <), or `label == 'text'`");
        let text = text.trim();
        if let Some((operator, rest)) = operator(text) {
            return number(rest).map(|number| Self::Value(operator, number)).ok_or_else(wrong);
        }
        let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').ok_or_else(wrong)?;
        let (label, rest) = text.split_at(end);
        let Some((Operator::Equal, rest)) = operator(rest.trim_start()) else { return Err(wrong()) };
        if label.is_empty() || label.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(wrong());
        }
        // `value == 0` is what only the sign says.
        if let Some(number) = number(rest) {
            return if label == "value" { Ok(Self::Value(Operator::Equal, number)) } else { Err(wrong()) };
        }
        let is = ['\'', '"'].iter().find_map(|quote| rest.strip_prefix(*quote)?.strip_suffix(*quote));
        let is = is.filter(|is| !is.is_empty() && !is.contains(['\'', '"', '\\'])).ok_or_else(wrong)?;
        Ok(Self::State { label: label.to_owned(), is: is.to_owned() })
    }
}

fn operator(text: &str) -> Option<(Operator, &str)> {
    Operator::ALL.iter().find_map(|(operator, sign)| Some((*operator, text.strip_prefix(sign)?.trim())))
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(operator, than) => write!(f, "{} {than}", operator.sign()),
            Self::State { label, is } => write!(f, "{label} == '{is}'"),
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Subject::Metric(text) | Subject::Query(text)) = &self.subject;
        write!(f, "{text} {}", self.condition)
    }
}

/// A question to the server.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// `PromQL`.
    pub query: String,
    /// What its number must fulfil.
    pub operator: Operator,
    /// Compared with.
    pub than: f64,
}

impl Check {
    /// What to ask, for the series that the selector (label matchers without braces, or empty) picks.
    ///
    /// A query may give several series, and then [`Self::question_of_all`] must be asked too.
    pub(crate) fn question(&self, selector: &str) -> Question {
        let (operator, than) = match &self.condition {
            Condition::Value(operator, than) => (*operator, *than),
            Condition::State { .. } => (Operator::Equal, 1.0),
        };
        Question { query: self.series(selector), operator, than }
    }

    /// The question whether all series of a metric fulfil the condition: 1 if so. A value that is not finite fulfils
    /// none, as it does where it is the only one: its difference to itself is NaN. `None` for a query of the user's own,
    /// which has to give one number.
    pub(crate) fn question_of_all(&self, selector: &str) -> Option<Question> {
        let Subject::Metric(_) = self.subject else { return None };
        let Question { query, operator, than } = self.question(selector);
        let query = format!("min(({query} {} bool {than}) * ({query} - {query} == bool 0))", operator.sign());
        Some(Question { query, operator: Operator::Equal, than: 1.0 })
    }

    /// The question when the oldest sample of a metric is from, Unix seconds. `None` for a query of the user's own: what
    /// it is made of cannot be seen.
    pub(crate) fn question_of_age(&self, selector: &str) -> Option<String> {
        matches!(self.subject, Subject::Metric(_))
            .then(|| format!("min(timestamp({}))", self.series(selector)))
    }

    fn series(&self, selector: &str) -> String {
        let name = match &self.subject {
            Subject::Query(query) => return query.clone(),
            Subject::Metric(name) => name,
        };
        let state = match &self.condition {
            Condition::State { label, is } => format!("{label}=\"{is}\""),
            Condition::Value(..) => String::new(),
        };
        let matchers: Vec<&str> = [state.as_str(), selector].into_iter().filter(|m| !m.is_empty()).collect();
        if matchers.is_empty() { name.clone() } else { format!("{name}{{{}}}", matchers.join(",")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(metric: &str, condition: &str) -> Check {
        Check {
            subject: Subject::Metric(metric.to_owned()),
            condition: Condition::parse(condition).expect("a condition"),
            timeout: Duration::from_secs(1),
        }
    }

    #[test]
    fn conditions_are_read_and_written() {
        for (text, shown) in [
            ("== 0", "== 0"),
            (" >=0.5 ", ">= 0.5"),
            ("<1", "< 1"),
            ("!= -2", "!= -2"),
            ("value == 3", "== 3"),
            ("state == 'open'", "state == 'open'"),
            ("state==\"open\"", "state == 'open'"),
        ] {
            assert_eq!(Condition::parse(text).map(|c| c.to_string()), Ok(shown.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for text in [
            "",
            "0",
            "=",
            "= 0",
            "== ",
            "== NaN",
            "== inf",
            "== x",
            "state",
            "state != 'open'",
            "state == open",
            "state == ''",
            "state == 'a'b'",
            "9x == 'a'",
            "a b == 'c'",
            "state == 5",
        ] {
            assert!(Condition::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_metric_is_queried_for_itself_and_for_all_its_series() {
        let orders = check("mm_active_orders_total", "== 0");
        assert_eq!(orders.question("").query, "mm_active_orders_total");
        assert_eq!(orders.question("env=\"prod\"").query, "mm_active_orders_total{env=\"prod\"}");
        let all = orders.question_of_all("").expect("a metric");
        let query = "min((mm_active_orders_total == bool 0) * (mm_active_orders_total - mm_active_orders_total == bool 0))";
        assert_eq!(all.query, query);
        assert!(all.operator.holds(1.0, all.than) && !all.operator.holds(0.0, all.than));
    }

    #[test]
    fn a_state_is_the_series_of_that_state_being_one() {
        let breaker = check("mm_circuit_breaker_state", "state == 'open'");
        let question = breaker.question("env=\"prod\"");
        assert_eq!(question.query, "mm_circuit_breaker_state{state=\"open\",env=\"prod\"}");
        assert!(question.operator.holds(1.0, question.than) && !question.operator.holds(0.0, question.than));
    }

    #[test]
    fn operators_are_exact_at_the_limit() {
        let table = [
            ("==", false, true, false),
            ("!=", true, false, true),
            (">=", false, true, true),
            ("<=", true, true, false),
            (">", false, false, true),
            ("<", true, false, false),
        ];
        for (sign, below, at, above) in table {
            let (operator, _) = operator(sign).expect("a sign");
            let holds = |value| operator.holds(value, 1.0);
            assert_eq!((holds(0.999), holds(1.0), holds(1.001)), (below, at, above), "{sign}");
        }
    }
}
