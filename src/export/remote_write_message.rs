//! The messages of Prometheus remote write 1.0, derived by hand, and their compression.
//!
//! <https://prometheus.io/docs/specs/prw/remote_write_spec/>: a `WriteRequest` in protocol buffers, compressed as one
//! snappy block. Knows neither metrics nor servers.

use prost::Message;

/// The headers that go with a request.
pub const HEADERS: [(&str, &str); 3] = [
    ("Content-Type", "application/x-protobuf"),
    ("Content-Encoding", "snappy"),
    ("X-Prometheus-Remote-Write-Version", "0.1.0"),
];

#[derive(Clone, PartialEq, Message)]
pub struct WriteRequest {
    /// The series, each at most once.
    #[prost(message, repeated, tag = "1")]
    pub timeseries: Vec<TimeSeries>,
}

/// Some samples of a series.
#[derive(Clone, PartialEq, Message)]
pub struct TimeSeries {
    /// Sorted by name, each name once, `__name__` among them.
    #[prost(message, repeated, tag = "1")]
    pub labels: Vec<Label>,
    /// Sorted by time.
    #[prost(message, repeated, tag = "2")]
    pub samples: Vec<Sample>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Message)]
pub struct Label {
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its value, not empty.
    #[prost(string, tag = "2")]
    pub value: String,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub struct Sample {
    /// The number.
    #[prost(double, tag = "1")]
    pub value: f64,
    /// Milliseconds since 1970.
    #[prost(int64, tag = "2")]
    pub timestamp: i64,
}

/// A request is larger than snappy can take.
#[derive(Debug, thiserror::Error)]
#[error("the request cannot be compressed: {0}")]
pub struct TooLarge(#[from] snap::Error);

impl WriteRequest {
    /// The body of the request.
    pub fn to_body(&self) -> Result<Vec<u8>, TooLarge> {
        Ok(snap::raw::Encoder::new().compress_vec(&self.encode_to_vec())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(name: &str, value: &str) -> Label {
        Label { name: name.to_owned(), value: value.to_owned() }
    }

    fn request() -> WriteRequest {
        WriteRequest {
            timeseries: vec![TimeSeries {
                labels: vec![label("__name__", "up"), label("a", "b")],
                samples: vec![Sample { value: 1.5, timestamp: 300 }],
            }],
        }
    }

    /// Written down by hand from the encoding rules: key = field number × 8 + wire type (0 varint, 1 eight bytes,
    /// 2 length and bytes); 300 = `0b10_0101100` is the varint AC 02; 1.5 is 3F F8 and six zero bytes, low byte first.
    const BY_HAND: &[u8] = b"\x0a\x26\
        \x0a\x0e\x0a\x08__name__\x12\x02up\
        \x0a\x06\x0a\x01a\x12\x01b\
        \x12\x0c\x09\x00\x00\x00\x00\x00\x00\xf8\x3f\x10\xac\x02";

    #[test]
    fn the_bytes_of_a_request_are_those_of_the_encoding_rules() {
        assert_eq!(BY_HAND.len(), 2 + 16 + 8 + 14);
        assert_eq!(request().encode_to_vec(), BY_HAND);
        assert_eq!(WriteRequest::decode(BY_HAND).ok(), Some(request()));
    }

    #[test]
    fn a_negative_time_takes_ten_bytes() {
        // −1 in two's complement: nine bytes of seven ones each with the high bit set, and the last one.
        let sample = Sample { value: 0.0, timestamp: -1 };
        assert_eq!(sample.encode_to_vec(), b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    }

    #[test]
    fn the_body_is_one_block_of_snappy_that_reads_back() {
        let body = request().to_body().expect("small");
        // A block begins with the length of what is in it, and has no header of a stream.
        assert_eq!(usize::from(body[0]), BY_HAND.len());
        assert_eq!(snap::raw::Decoder::new().decompress_vec(&body).ok().as_deref(), Some(BY_HAND));
    }
}
