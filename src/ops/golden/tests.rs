//! Every kind of difference, every boundary of the tolerances, and the laws of the golden comparison.

use proptest::prelude::*;

use super::json::LONGEST;
use super::rule::Pattern;
use super::*;

fn object(entries: &[(&str, Json)]) -> Json {
    Json::Object(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
}

fn text(text: &str) -> Json {
    Json::Text(text.to_owned())
}

fn settings() -> Settings {
    Settings { abs: 1e-9, ..Settings::default() }
}

/// Path and kind of every difference.
fn told(baseline: &Json, actual: &Json, settings: &Settings) -> Vec<(String, Kind)> {
    let drift = compare(baseline, actual, settings);
    assert_eq!(drift.count, drift.differences.len());
    drift.differences.into_iter().map(|difference| (difference.path, difference.kind)).collect()
}

fn kinds(baseline: &Json, actual: &Json, settings: &Settings) -> Vec<Kind> {
    told(baseline, actual, settings).into_iter().map(|(_, kind)| kind).collect()
}

fn ruled(rules: &[(&str, Treatment)]) -> Settings {
    let rule = |(path, treatment): &(&str, Treatment)| Rule {
        pattern: Pattern::parse(path).expect(path),
        treatment: *treatment,
    };
    Settings { rules: rules.iter().map(rule).collect(), ..settings() }
}

#[test]
fn every_kind_of_difference_is_told_with_its_pointer() {
    let baseline = object(&[
        ("a/b", object(&[("c~d", Json::Integer(1))])),
        ("gone", Json::Null),
        ("list", Json::List(vec![Json::Float(1.0), text("x")])),
        ("longer", Json::List(vec![Json::Null])),
        ("same", Json::Boolean(true)),
        ("type", Json::Integer(1)),
    ]);
    let actual = object(&[
        ("a/b", object(&[("c~d", Json::Integer(2))])),
        ("list", Json::List(vec![Json::Float(1.1), text("y")])),
        ("longer", Json::List(vec![Json::Null, Json::Integer(7)])),
        ("new", Json::Null),
        ("same", Json::Boolean(true)),
        ("type", text("1")),
    ]);
    let expected = [
        ("/a~1b/c~0d", Kind::Number),
        ("/gone", Kind::Missing),
        ("/list/0", Kind::Number),
        ("/list/1", Kind::Value),
        ("/longer", Kind::Length),
        ("/type", Kind::Type),
        ("/new", Kind::Extra),
    ]
    .map(|(path, kind)| (path.to_owned(), kind));
    assert_eq!(told(&baseline, &actual, &settings()), expected);
    assert_eq!(told(&Json::Null, &Json::Boolean(false), &settings()), [(String::new(), Kind::Type)]);
}

#[test]
fn a_difference_carries_both_values_the_distance_and_the_tolerance() {
    let drift = compare(&Json::Float(2.0), &Json::Float(2.5), &settings());
    let expected = Difference {
        path: String::new(),
        kind: Kind::Number,
        baseline: Some(Side { kind: "float", value: "2.0".to_owned() }),
        actual: Some(Side { kind: "float", value: "2.5".to_owned() }),
        distance: Some(0.5),
        abs: Some(1e-9),
        rel: Some(0.0),
    };
    assert_eq!(drift.differences, [expected]);
    let drift = compare(&Json::Float(f64::MIN), &Json::Float(f64::MAX), &settings());
    assert_eq!((drift.count, drift.differences[0].distance), (1, None));
}

#[test]
fn a_float_may_differ_by_the_absolute_or_by_the_relative_tolerance() {
    let drifts = |abs, rel, from, to| {
        let settings = Settings { abs, rel, ..Settings::default() };
        compare(&Json::Float(from), &Json::Float(to), &settings).count == 1
    };
    // Powers of two, so that the differences are exact.
    assert!(!drifts(0.25, 0.0, 1.0, 1.125));
    assert!(!drifts(0.25, 0.0, 1.0, 1.25));
    assert!(drifts(0.25, 0.0, 1.0, 1.25 + f64::EPSILON));
    assert!(!drifts(0.0, 0.5, 4.0, 8.0));
    assert!(!drifts(0.0, 0.5, -8.0, -4.0));
    assert!(drifts(0.0, 0.5, 4.0 - 1e-9, 8.0));
    assert!(!drifts(0.0, 0.0, 0.1, 0.1));
    assert!(!drifts(0.0, 0.0, 0.0, -0.0));
    assert!(drifts(0.0, 0.0, 0.1, 0.2));
}

#[test]
fn whole_numbers_are_exact_and_another_type_than_floats_unless_asked_for_otherwise() {
    let wide = Settings { abs: 10.0, ..Settings::default() };
    assert_eq!(kinds(&Json::Integer(1), &Json::Integer(2), &wide), [Kind::Number]);
    assert_eq!(kinds(&Json::Integer(1), &Json::Float(1.0), &wide), [Kind::Type]);
    assert_eq!(kinds(&Json::Float(1.0), &Json::Integer(1), &wide), [Kind::Type]);
    let mixed = Settings { abs: 0.5, int_equals_float: true, ..Settings::default() };
    assert_eq!(kinds(&Json::Integer(1), &Json::Float(1.5), &mixed), []);
    assert_eq!(kinds(&Json::Float(1.75), &Json::Integer(1), &mixed), [Kind::Number]);
    assert_eq!(kinds(&Json::Integer(1), &Json::Integer(2), &mixed), [Kind::Number]);
    assert_eq!(kinds(&Json::Integer(1), &Json::Boolean(true), &mixed), [Kind::Type]);
    let ruled = ruled(&[("", Treatment::Within { abs: 1.0, rel: 0.0 })]);
    assert_eq!(kinds(&Json::Integer(1), &Json::Integer(2), &ruled), []);
    assert_eq!(kinds(&Json::Integer(1), &Json::Integer(3), &ruled), [Kind::Number]);
    // Beyond 2^53 a float cannot tell them apart.
    let large = 9_007_199_254_740_993;
    assert_eq!(kinds(&Json::Integer(large), &Json::Integer(large - 1), &settings()), [Kind::Number]);
}

#[test]
fn nan_equals_nan_only_when_asked_for_and_an_infinity_equals_itself() {
    let [nan, up, down] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(Json::NotFinite);
    let lenient = Settings { nan_equal: true, ..settings() };
    assert_eq!(kinds(&nan, &nan, &settings()), [Kind::Number]);
    assert_eq!(kinds(&nan, &nan, &lenient), []);
    assert_eq!(kinds(&up, &up, &settings()), []);
    for other in [&down, &nan, &Json::Float(f64::MAX)] {
        assert_eq!(kinds(&up, other, &lenient), [Kind::Number], "{other:?}");
        assert_eq!(kinds(other, &up, &lenient), [Kind::Number], "{other:?}");
    }
    assert_eq!(kinds(&nan, &Json::Null, &lenient), [Kind::Type]);
}

#[test]
fn the_first_rule_that_covers_a_value_holds_for_it() {
    let document = |value: f64, extra: bool| {
        let gate = |value| object(&[("actual", Json::Float(value))]);
        let mut entries = vec![("gates", object(&[("p95", gate(value)), ("risk", gate(value))]))];
        if extra {
            entries.push(("utc", text("now")));
        }
        object(&entries)
    };
    let wide = Treatment::Within { abs: 1.0, rel: 0.0 };
    let all =
        |rules: &[(&str, Treatment)]| told(&document(1.0, false), &document(2.0, true), &ruled(rules)).len();
    assert_eq!(all(&[]), 3);
    assert_eq!(all(&[("/utc", Treatment::Ignore)]), 2);
    assert_eq!(all(&[("/gates/*/actual", wide)]), 1);
    assert_eq!(all(&[("/gates", wide)]), 1);
    assert_eq!(all(&[("/gates/*", Treatment::Ignore), ("/*", wide)]), 1);
    assert_eq!(all(&[("/gates/p95/actual", wide)]), 2);
    assert_eq!(all(&[("/gates/p95/actual/below", wide)]), 3);
    assert_eq!(all(&[("/gat*", wide)]), 3);
    assert_eq!(all(&[("", Treatment::Ignore)]), 0);
    let narrow = Treatment::Within { abs: 0.5, rel: 0.0 };
    assert_eq!(all(&[("/gates/risk", narrow), ("/gates", wide)]), 2);
    assert_eq!(all(&[("/gates", wide), ("/gates/risk", narrow)]), 1);
}

#[test]
fn an_index_is_named_by_its_number_and_a_missing_key_can_be_ignored() {
    let list = |value: i128| Json::List(vec![Json::Integer(1), Json::Integer(value)]);
    assert_eq!(told(&list(1), &list(2), &ruled(&[("/1", Treatment::Ignore)])), []);
    assert_eq!(told(&list(1), &list(2), &ruled(&[("/01", Treatment::Ignore)])).len(), 1);
    let some = object(&[("a", Json::Null)]);
    assert_eq!(told(&some, &object(&[]), &ruled(&[("/a", Treatment::Ignore)])), []);
    let drift = compare(&some, &object(&[]), &ruled(&[("/a", Treatment::Ignore)]));
    assert_eq!((drift.compared, drift.ignored), (0, 1));
}

#[test]
fn a_pattern_that_is_no_pointer_is_refused() {
    assert_eq!(Pattern::parse("runtime"), Err("a JSON pointer starts with `/`"));
    for tilde in ["/a~", "/a~2"] {
        let reason = Pattern::parse(tilde).expect_err(tilde);
        assert_eq!(reason, "in a JSON pointer `~` is written `~0`, and `/` in a key `~1`");
    }
    let awkward = Pattern::parse("/a~1b/~0~0/").expect("a pointer");
    assert!(awkward.covers(&[Step::Key("a/b"), Step::Key("~~"), Step::Key("")]));
}

#[test]
fn only_the_first_differences_are_kept_and_all_are_counted() {
    let list = |value: f64| Json::List(vec![Json::Float(value); KEPT + 5]);
    let drift = compare(&list(1.0), &list(2.0), &settings());
    assert_eq!((drift.count, drift.differences.len(), drift.compared), (KEPT + 5, KEPT, KEPT + 5));
    assert_eq!(drift.differences[KEPT - 1].path, format!("/{}", KEPT - 1));
}

#[test]
fn a_value_in_short_is_bounded_and_printable() {
    assert_eq!(text("a\u{1b}[2J\n\u{202e}").short(), r#""a\u{1b}[2J\n\u{202e}""#);
    let long = text(&"é".repeat(LONGEST + 1)).short();
    assert_eq!(long, format!("\"{}\"…", "é".repeat(LONGEST)));
    assert_eq!(Json::List(vec![Json::Null; 3]).short(), "a list of 3");
    assert_eq!(object(&[("a", Json::Null)]).short(), "an object of 1");
    let not_finite = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(|value| Json::NotFinite(value).short());
    assert_eq!(not_finite, ["NaN", "Infinity", "-Infinity"]);
}

fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Boolean),
        (-3i128..3).prop_map(Json::Integer),
        (-3i32..3).prop_map(|value| Json::Float(f64::from(value) / 2.0)),
        "[ab]{0,2}".prop_map(Json::Text),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::List),
            prop::collection::btree_map("[a/~]{0,2}", inner, 0..4).prop_map(Json::Object),
        ]
    })
}

proptest! {
    #[test]
    fn a_document_does_not_differ_from_itself(document in json()) {
        prop_assert_eq!(compare(&document, &document, &settings()).count, 0);
    }

    #[test]
    fn a_difference_is_found_exactly_when_the_documents_are_not_equal(a in json(), b in json()) {
        prop_assert_eq!(compare(&a, &b, &Settings::default()).count == 0, a == b);
    }

    #[test]
    fn the_other_way_round_there_are_as_many_differences(a in json(), b in json()) {
        let (there, back) = (compare(&a, &b, &settings()), compare(&b, &a, &settings()));
        prop_assert_eq!((there.count, there.compared), (back.count, back.compared));
    }

    #[test]
    fn a_wider_tolerance_never_finds_more(a in json(), b in json(), abs in 0.0..3.0, more in 0.0..3.0) {
        let with = |abs| compare(&a, &b, &Settings { abs, ..Settings::default() }).count;
        prop_assert!(with(abs + more) <= with(abs));
    }

    #[test]
    fn every_pointer_that_is_told_can_be_ignored(a in json(), b in json()) {
        let found = compare(&a, &b, &settings());
        let rules: Vec<(&str, Treatment)> =
            found.differences.iter().map(|difference| (difference.path.as_str(), Treatment::Ignore)).collect();
        prop_assert_eq!(compare(&a, &b, &ruled(&rules)).count, 0);
    }
}
