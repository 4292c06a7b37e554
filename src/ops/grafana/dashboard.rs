//! A dashboard of Grafana as a file: what is kept of it, in which order, and what is wrong with it.
//!
//! Reads the dashboard by itself, the answer of the API (`{"dashboard": …, "meta": …}`) and files of the same shape.
//! Must not know how it travels.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use serde_json::{Map, Value, json};

/// What belongs to one instance of Grafana, and would make two exports differ or an import fail.
const OF_THE_INSTANCE: [&str; 3] = ["id", "version", "iteration"];
/// Types of panels that Grafana has no more.
const GONE: [&str; 3] = ["graph", "singlestat", "table-old"];
/// Schema of Grafana 9 and newer; an older one is rewritten by the server when it is loaded.
const OLDEST_SCHEMA: u64 = 37;
/// Longest uid that Grafana takes.
const LONGEST_UID: usize = 40;

/// A dashboard without what belongs to one instance.
#[derive(Clone, Debug, PartialEq)]
pub struct Dashboard(Map<String, Value>);

impl Dashboard {
    /// Reads a file or an answer.
    pub fn read(bytes: &[u8]) -> anyhow::Result<Self> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let Value::Object(mut document) = serde_json::from_slice(bytes).context("it is no JSON")? else {
            bail!("it holds no dashboard: expected a JSON object");
        };
        let mut dashboard = match document.remove("dashboard") {
            Some(Value::Object(inner)) => inner,
            Some(_) => bail!("it holds no dashboard: `dashboard` is no JSON object"),
            None => document,
        };
        for key in OF_THE_INSTANCE {
            dashboard.remove(key);
        }
        if !dashboard.contains_key("title") && !dashboard.contains_key("panels") {
            bail!("it holds no dashboard: it has neither `title` nor `panels`");
        }
        Ok(Self(dashboard))
    }

    /// Its uid; `None` when it has none.
    pub fn uid(&self) -> Option<&str> {
        self.0.get("uid").and_then(Value::as_str).filter(|uid| !uid.is_empty())
    }

    /// Its title; `None` when it has none.
    pub fn title(&self) -> Option<&str> {
        self.0.get("title").and_then(Value::as_str).filter(|title| !title.is_empty())
    }

    /// The file: sorted keys, two spaces, a final newline.
    pub fn to_text(&self) -> String {
        // The map of serde_json is sorted, and a value that was read can be written.
        let mut text = serde_json::to_string_pretty(&self.0).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The body of a request that saves it.
    pub fn to_request(&self, saving: &Saving<'_>) -> String {
        let mut dashboard = self.0.clone();
        // The server takes what has no id by its uid.
        dashboard.insert("id".to_owned(), Value::Null);
        let mut body = json!({ "dashboard": dashboard, "overwrite": saving.overwrite });
        for (key, value) in [("folderUid", saving.folder), ("message", saving.message)] {
            if let Some(value) = value {
                body[key] = value.into();
            }
        }
        body.to_string()
    }

    /// What would make it fail, or fail to be found, on an instance that is not the one it was made on.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        match self.uid() {
            None => problems.push("`uid` is missing: every import would make another dashboard".to_owned()),
            Some(uid) if !is_uid(uid) => {
                problems.push(format!(
                    "`uid` is not one: letters, digits, `-` and `_`, at most {LONGEST_UID}: `{uid}`"
                ));
            }
            Some(_) => {}
        }
        if self.title().is_none() {
            problems.push("`title` is missing: Grafana refuses it".to_owned());
        }
        match self.0.get("schemaVersion").and_then(Value::as_u64) {
            None => problems.push("`schemaVersion` is missing".to_owned()),
            Some(version) if version < OLDEST_SCHEMA => {
                problems.push(format!("`schemaVersion` {version} is older than {OLDEST_SCHEMA}"));
            }
            Some(_) => {}
        }
        if self.0.contains_key("__inputs") {
            problems.push(
                "`__inputs` is for the import by hand: the API does not fill it in; export by uid".to_owned(),
            );
        }
        let mut panels = Vec::new();
        collect(self.0.get("panels"), &mut panels);
        if panels.is_empty() {
            problems.push("`panels` is missing or empty".to_owned());
        }
        let mut ids: BTreeMap<u64, usize> = BTreeMap::new();
        for panel in &panels {
            if let Some(id) = panel.get("id").and_then(Value::as_u64) {
                *ids.entry(id).or_default() += 1;
            }
            problems.extend(panel_problems(panel));
        }
        for (id, _) in ids.into_iter().filter(|(_, count)| *count > 1) {
            problems.push(format!("several panels have the id {id}"));
        }
        problems
    }
}

/// How a dashboard is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saving<'a> {
    /// Uid of the folder; `None` = the top folder.
    pub folder: Option<&'a str>,
    /// Text of the version; `None` = none.
    pub message: Option<&'a str>,
    /// Whether one that is there is replaced.
    pub overwrite: bool,
}

/// Whether Grafana takes it as a uid.
fn is_uid(uid: &str) -> bool {
    uid.len() <= LONGEST_UID && uid.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Panels, those in rows included.
fn collect<'v>(panels: Option<&'v Value>, found: &mut Vec<&'v Value>) {
    for panel in panels.and_then(Value::as_array).into_iter().flatten() {
        found.push(panel);
        collect(panel.get("panels"), found);
    }
}

fn panel_problems(panel: &Value) -> Vec<String> {
    let text = |key: &str| panel.get(key).and_then(Value::as_str).unwrap_or_default();
    let name = match text("title") {
        "" => "a panel without a title".to_owned(),
        title => format!("panel `{title}`"),
    };
    let mut problems = Vec::new();
    let kind = text("type");
    if kind.is_empty() {
        problems.push(format!("{name}: `type` is missing"));
    } else if GONE.contains(&kind) {
        problems.push(format!("{name}: Grafana has no panel of type `{kind}` any more"));
    }
    let has_own = has_source(panel.get("datasource"));
    for (index, target) in panel.get("targets").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let reference =
            target.get("refId").and_then(Value::as_str).map_or_else(|| index.to_string(), ToOwned::to_owned);
        if !has_own && !has_source(target.get("datasource")) {
            problems.push(format!(
                "{name}, query {reference}: no `datasource`, so the server's default is queried"
            ));
        }
        if let Some(Value::String(expression)) = target.get("expr")
            && expression.trim().is_empty()
        {
            problems.push(format!("{name}, query {reference}: `expr` is empty"));
        }
    }
    problems
}

fn has_source(source: Option<&Value>) -> bool {
    match source {
        Some(Value::String(name)) => !name.is_empty(),
        Some(Value::Object(source)) => {
            source.get("uid").and_then(Value::as_str).is_some_and(|uid| !uid.is_empty())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &Value) -> Dashboard {
        Dashboard::read(value.to_string().as_bytes()).expect("a dashboard")
    }

    fn good() -> Value {
        json!({
            "uid": "mm", "title": "MM", "schemaVersion": 39,
            "panels": [{"id": 1, "type": "timeseries", "title": "A", "datasource": {"uid": "${datasource}"},
                        "targets": [{"refId": "A", "expr": "up"}]}],
        })
    }

    #[test]
    fn what_belongs_to_an_instance_goes_and_the_rest_stays_in_one_order() {
        let mut inner = good();
        inner["id"] = json!(17);
        inner["version"] = json!(4);
        inner["iteration"] = json!(1_650_000_000_000_u64);
        let answer = json!({"meta": {"updatedBy": "a person"}, "dashboard": inner});
        let dashboard = read(&answer);
        assert_eq!(dashboard, read(&good()));
        let text = dashboard.to_text();
        assert!(text.starts_with("{\n  \"panels\": [") && text.ends_with("\"uid\": \"mm\"\n}\n"), "{text}");
        // Ids of panels are no ids of the instance.
        assert!(text.contains("\"id\": 1,"), "{text}");
    }

    #[test]
    fn what_is_no_dashboard_is_refused_in_words() {
        for (text, reported) in [
            ("<html>", "it is no JSON"),
            ("[]", "it holds no dashboard: expected a JSON object"),
            ("{\"dashboard\": 1}", "it holds no dashboard: `dashboard` is no JSON object"),
            ("{\"a\": 1}", "it holds no dashboard: it has neither `title` nor `panels`"),
        ] {
            assert_eq!(Dashboard::read(text.as_bytes()).expect_err("none").to_string(), reported);
        }
    }

    #[test]
    fn a_request_has_no_id_and_only_what_was_requested() {
        let plain = Saving { folder: None, message: None, overwrite: true };
        let body: Value = serde_json::from_str(&read(&good()).to_request(&plain)).expect("JSON");
        assert_eq!(body["dashboard"]["id"], Value::Null);
        assert_eq!(body["dashboard"]["uid"], "mm");
        assert_eq!(body["overwrite"], true);
        assert!(body.get("folderUid").is_none() && body.get("message").is_none());
        let all = Saving { folder: Some("ops"), message: Some("limits \"new\""), overwrite: false };
        let body: Value = serde_json::from_str(&read(&good()).to_request(&all)).expect("JSON");
        assert_eq!(
            (&body["folderUid"], &body["message"], &body["overwrite"]),
            (&json!("ops"), &json!("limits \"new\""), &json!(false))
        );
    }

    #[test]
    fn a_good_dashboard_has_no_problems_and_each_defect_is_reported() {
        assert_eq!(read(&good()).problems(), Vec::<String>::new());
        let reported = |change: fn(&mut Value)| {
            let mut value = good();
            change(&mut value);
            let problems = read(&value).problems();
            assert_eq!(problems.len(), 1, "{problems:?}");
            problems.into_iter().next().unwrap_or_default()
        };
        assert!(reported(|v| v["uid"] = json!("")).starts_with("`uid` is missing"));
        assert!(reported(|v| v["uid"] = json!("a/b")).starts_with("`uid` is not one"));
        assert!(reported(|v| v["uid"] = json!("x".repeat(41))).starts_with("`uid` is not one"));
        assert!(reported(|v| v["title"] = json!(null)).starts_with("`title` is missing"));
        assert!(reported(|v| v["schemaVersion"] = json!(36)).contains("36 is older than 37"));
        assert!(reported(|v| v["panels"] = json!([])).starts_with("`panels` is missing"));
        assert!(reported(|v| v["__inputs"] = json!([])).starts_with("`__inputs`"));
        assert!(reported(|v| v["panels"][0]["type"] = json!("graph")).contains("no panel of type `graph`"));
        assert!(
            reported(|v| v["panels"][0]["datasource"] = json!(null)).contains("query A: no `datasource`")
        );
        assert!(reported(|v| v["panels"][0]["targets"][0]["expr"] = json!(" ")).contains("`expr` is empty"));
        assert!(
            reported(|v| {
                let panel = v["panels"][0].clone();
                v["panels"] =
                    json!([panel.clone(), {"id": 2, "type": "row", "title": "R", "panels": [panel]}]);
            })
            .contains("several panels have the id 1")
        );
    }
}
