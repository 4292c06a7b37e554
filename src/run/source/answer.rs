//! The answer to an instant or a range query of the Prometheus HTTP API, as Prometheus, `VictoriaMetrics`, Mimir
//! and Thanos give it.
//!
//! Says what the answer is; whether that will do is decided elsewhere.

use serde::Deserialize;
use serde_json::Value;

use crate::core::json::shortened;

/// What a query was answered with.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// One number.
    One {
        /// The number, finite.
        value: f64,
        /// Its time stamp, Unix seconds.
        at: f64,
    },
    /// A number that is none: `NaN`, `+Inf`, `-Inf`, as written.
    NotFinite(String),
    /// No series.
    Nothing,
    /// Several series.
    Several(usize),
    /// No number at all: a range, a histogram, a text.
    OtherKind(String),
    /// The query was not carried out; the server's words.
    Refused(String),
}

/// What a range query was answered with.
#[derive(Clone, Debug, PartialEq)]
pub enum RangeAnswer {
    /// One series.
    One(Vec<Sample>),
    /// No series.
    Nothing,
    /// Several series.
    Several(usize),
    /// No series of numbers at all: a single value, histograms, a text.
    OtherKind(String),
    /// The query was not carried out; the server's words.
    Refused(String),
}

/// A value of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Its time stamp, Unix seconds.
    pub at: f64,
    /// The value; `None` = `NaN` or an infinity.
    pub value: Option<f64>,
}

/// An answer with what the server had to say about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Told<A = Answer> {
    /// The answer.
    pub answer: A,
    /// Warnings, as written.
    pub warnings: Vec<String>,
    /// The server knows that data is missing in it (a cluster with a node down).
    pub is_partial: bool,
}

#[derive(Deserialize)]
struct Document {
    status: String,
    #[serde(default)]
    data: Option<Data>,
    #[serde(default, rename = "errorType")]
    error_type: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    warnings: Option<Vec<String>>,
    #[serde(default, rename = "isPartial")]
    is_partial: Option<bool>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    kind: String,
    result: Value,
}

/// Reads an answer; the error says why it is none.
pub fn read(json: &[u8]) -> Result<Told, String> {
    read_as(json, of_data, Answer::Refused)
}

/// Reads the answer to a range query; the error says why it is none.
pub fn read_range(json: &[u8]) -> Result<Told<RangeAnswer>, String> {
    read_as(json, of_range, RangeAnswer::Refused)
}

fn read_as<A>(
    json: &[u8],
    of_data: impl Fn(&Data) -> Result<A, String>,
    refused: impl Fn(String) -> A,
) -> Result<Told<A>, String> {
    let document: Document = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let answer = match (document.status.as_str(), document.data) {
        ("success", Some(data)) => of_data(&data)?,
        ("success", None) => return Err("it has no `data`".to_owned()),
        _ => {
            let words: Vec<String> = [document.error_type, document.error].into_iter().flatten().collect();
            refused(shortened(&words.join(": ")))
        }
    };
    let warnings = document.warnings.unwrap_or_default().iter().map(|warning| shortened(warning)).collect();
    Ok(Told { answer, warnings, is_partial: document.is_partial.unwrap_or(false) })
}

fn of_data(data: &Data) -> Result<Answer, String> {
    match data.kind.as_str() {
        "scalar" => of_sample(&data.result),
        "vector" => {
            let series = data.result.as_array().ok_or("`data.result` is no list")?;
            match series.as_slice() {
                [] => Ok(Answer::Nothing),
                [one] => match (one.get("value"), one.get("histogram")) {
                    (Some(sample), _) => of_sample(sample),
                    (None, Some(_)) => Ok(Answer::OtherKind("histogram".to_owned())),
                    (None, None) => Err("`data.result[0]` has no `value`".to_owned()),
                },
                several => Ok(Answer::Several(several.len())),
            }
        }
        other => Ok(Answer::OtherKind(shortened(other))),
    }
}

fn of_range(data: &Data) -> Result<RangeAnswer, String> {
    if data.kind != "matrix" {
        return Ok(RangeAnswer::OtherKind(shortened(&data.kind)));
    }
    let series = data.result.as_array().ok_or("`data.result` is no list")?;
    match series.as_slice() {
        [] => Ok(RangeAnswer::Nothing),
        [one] => match (one.get("values").and_then(Value::as_array), one.get("histograms")) {
            (_, Some(_)) => Ok(RangeAnswer::OtherKind("histogram".to_owned())),
            (Some(samples), None) => {
                samples.iter().map(of_pair).collect::<Result<_, _>>().map(RangeAnswer::One)
            }
            (None, None) => Err("`data.result[0]` has no `values`".to_owned()),
        },
        several => Ok(RangeAnswer::Several(several.len())),
    }
}

fn of_pair(sample: &Value) -> Result<Sample, String> {
    let (at, value, _) = pair(sample)?;
    // Negative zero reads as zero.
    Ok(Sample { at, value: Some(value + 0.0).filter(|value| value.is_finite()) })
}

fn of_sample(sample: &Value) -> Result<Answer, String> {
    let (at, value, text) = pair(sample)?;
    Ok(if value.is_finite() {
        // Negative zero reads as zero.
        Answer::One { value: value + 0.0, at }
    } else {
        Answer::NotFinite(text.to_owned())
    })
}

/// `[time, "number"]`.
fn pair(sample: &Value) -> Result<(f64, f64, &str), String> {
    let wrong = || format!("`{}` is no sample", shortened(&sample.to_string()));
    let [at, value] = sample.as_array().ok_or_else(wrong)?.as_slice() else { return Err(wrong()) };
    let (Some(at), Some(text)) = (at.as_f64(), value.as_str()) else { return Err(wrong()) };
    Ok((at, text.parse().map_err(|_| wrong())?, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(json: &str) -> Answer {
        read(json.as_bytes()).expect("an answer").answer
    }

    fn vector(series: &str) -> String {
        format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{series}]}}}}"#)
    }

    const ONE: &str = r#"{"metric":{"a":"b"},"value":[1435781430.781,"1.5"]}"#;

    #[test]
    fn one_series_is_a_number_and_any_other_number_of_series_is_told() {
        assert_eq!(answer(&vector(ONE)), Answer::One { value: 1.5, at: 1_435_781_430.781 });
        assert_eq!(answer(&vector("")), Answer::Nothing);
        assert_eq!(answer(&vector(&format!("{ONE},{ONE}"))), Answer::Several(2));
        let scalar = r#"{"status":"success","data":{"resultType":"scalar","result":[7,"-2e3"]}}"#;
        assert_eq!(answer(scalar), Answer::One { value: -2000.0, at: 7.0 });
    }

    #[test]
    fn what_is_no_number_is_named() {
        for text in ["NaN", "+Inf", "-Inf"] {
            let series = ONE.replace("1.5", text);
            assert_eq!(answer(&vector(&series)), Answer::NotFinite(text.to_owned()));
        }
        let matrix = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;
        assert_eq!(answer(matrix), Answer::OtherKind("matrix".to_owned()));
        let histogram = r#"{"metric":{},"histogram":[1,{"count":"1"}]}"#;
        assert_eq!(answer(&vector(histogram)), Answer::OtherKind("histogram".to_owned()));
    }

    #[test]
    fn errors_and_warnings_of_the_server_are_kept() {
        let error = r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#;
        assert_eq!(answer(error), Answer::Refused("bad_data: parse error".to_owned()));
        let told = read(
            br#"{"status":"success","isPartial":true,"warnings":["w"],
            "data":{"resultType":"vector","result":[]}}"#,
        )
        .expect("an answer");
        assert_eq!((told.warnings, told.is_partial), (vec!["w".to_owned()], true));
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        for text in ["", "<html>", "{}", "[]", r#"{"status":"success"}"#] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
        for series in
            ["{}", r#"{"value":[1]}"#, r#"{"value":[1,2]}"#, r#"{"value":["1","2"]}"#, r#"{"value":[1,"x"]}"#]
        {
            assert!(read(vector(series).as_bytes()).is_err(), "{series}");
        }
    }

    fn range(series: &str) -> Result<RangeAnswer, String> {
        let json = format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{series}]}}}}"#);
        read_range(json.as_bytes()).map(|told| told.answer)
    }

    #[test]
    fn a_range_is_one_series_of_values_and_everything_else_is_named() {
        let one = r#"{"metric":{},"values":[[100,"1.5"],[400.5,"NaN"],[700,"-0"]]}"#;
        let sample = |at, value| Sample { at, value };
        assert_eq!(
            range(one),
            Ok(RangeAnswer::One(vec![
                sample(100.0, Some(1.5)),
                sample(400.5, None),
                sample(700.0, Some(0.0))
            ]))
        );
        assert_eq!(range(""), Ok(RangeAnswer::Nothing));
        assert_eq!(range(&format!("{one},{one}")), Ok(RangeAnswer::Several(2)));
        let histogram = r#"{"metric":{},"histograms":[[1,{}]]}"#;
        assert_eq!(range(histogram), Ok(RangeAnswer::OtherKind("histogram".to_owned())));
        for wrong in ["{}", r#"{"values":[[1]]}"#, r#"{"values":[[1,2]]}"#, r#"{"values":[["1","2"]]}"#] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
        let told = |json: &str| read_range(json.as_bytes()).map(|told| told.answer);
        assert_eq!(told(&vector(ONE)), Ok(RangeAnswer::OtherKind("vector".to_owned())));
        let error = r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#;
        assert_eq!(told(error), Ok(RangeAnswer::Refused("bad_data: parse error".to_owned())));
        assert!(told("<html>").is_err());
    }
}
