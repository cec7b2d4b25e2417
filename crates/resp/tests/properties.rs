//! Round trips, every way of cutting the stream, arbitrary bytes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::redundant_closure_for_method_calls
)]
#![allow(missing_docs)]

use bytes::{Bytes, BytesMut};
use holdfast_resp::{
    Decoder, Encoder, Error, Limits, Proto, RequestParser, Scanner, Value, decode, encode_command,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..40).prop_map(Bytes::from)
}

fn line() -> impl Strategy<Value = Bytes> {
    "[ -~]{0,30}".prop_map(Bytes::from)
}

fn scalar(proto: Proto) -> BoxedStrategy<Value> {
    let both = prop_oneof![
        line().prop_map(Value::Simple),
        line().prop_map(Value::Error),
        any::<i64>().prop_map(Value::Integer),
        text().prop_map(|t| Value::Bulk(Some(t))),
    ];
    match proto {
        Proto::Resp2 => {
            prop_oneof![4 => both, 1 => Just(Value::Bulk(None)), 1 => Just(Value::Array(None))]
                .boxed()
        }
        Proto::Resp3 => prop_oneof![
            4 => both,
            1 => Just(Value::Null),
            1 => any::<bool>().prop_map(Value::Boolean),
            1 => any::<f64>().prop_filter("nan is not itself", |n| !n.is_nan()).prop_map(Value::Double),
            1 => "-?[1-9][0-9]{0,40}".prop_map(|d| Value::BigNumber(Bytes::from(d))),
            1 => text().prop_map(|text| Value::Verbatim { format: *b"txt", text }),
        ]
        .boxed(),
    }
}

fn value(proto: Proto) -> impl Strategy<Value = Value> {
    scalar(proto).prop_recursive(4, 40, 6, move |inner| {
        let array = vec(inner.clone(), 0..6).prop_map(|items| Value::Array(Some(items)));
        match proto {
            Proto::Resp2 => array.boxed(),
            Proto::Resp3 => prop_oneof![
                array,
                vec(inner.clone(), 0..6).prop_map(Value::Set),
                vec(inner.clone(), 0..6).prop_map(Value::Push),
                vec((inner.clone(), inner), 0..4).prop_map(Value::Map),
            ]
            .boxed(),
        }
    })
}

fn any_value() -> impl Strategy<Value = (Proto, Value)> {
    prop_oneof![
        value(Proto::Resp2).prop_map(|v| (Proto::Resp2, v)),
        value(Proto::Resp3).prop_map(|v| (Proto::Resp3, v)),
    ]
}

fn encoded(proto: Proto, value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    Encoder::new(&mut out, proto).value(value);
    out
}

/// Bytes that look like the protocol, so that the deeper paths are reached too.
fn near_protocol() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        "[*$+:%~>|,#_(!=-]-?[0-9]{0,7}\r\n".prop_map(String::into_bytes),
        "[ -~]{0,6}\r\n".prop_map(String::into_bytes),
        vec(any::<u8>(), 0..5),
        Just(b"|0\r\n".to_vec()),
    ];
    vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn values_survive_the_round_trip((proto, value) in any_value()) {
        let mut buffer = BytesMut::from(&encoded(proto, &value)[..]);
        prop_assert_eq!(decode(&mut buffer, &Limits::REPLY), Ok(Some(value)));
        prop_assert!(buffer.is_empty());
    }

    #[test]
    fn every_cut_gives_the_same_values(values in vec(any_value(), 1..4), piece in 1_usize..7) {
        let stream: Vec<u8> = values.iter().flat_map(|(proto, v)| encoded(*proto, v)).collect();
        let (mut decoder, mut buffer, mut seen) = (Decoder::new(Limits::REPLY), BytesMut::new(), Vec::new());
        for part in stream.chunks(piece) {
            buffer.extend_from_slice(part);
            while let Some(value) = decoder.decode(&mut buffer).unwrap() {
                seen.push(value);
            }
        }
        prop_assert_eq!(seen, values.into_iter().map(|(_, v)| v).collect::<Vec<_>>());
    }

    #[test]
    fn a_prefix_is_never_a_frame((proto, value) in any_value(), cut in any::<prop::sample::Index>()) {
        let stream = encoded(proto, &value);
        let cut = cut.index(stream.len());
        prop_assert_eq!(Scanner::default().advance(&stream[..cut], &Limits::REPLY), Ok(None));
    }

    #[test]
    fn requests_survive_every_cut(args in vec(vec(any::<u8>(), 0..30), 1..8), piece in 1_usize..9) {
        let mut stream = Vec::new();
        encode_command(&args, &mut stream);
        let mut parser = RequestParser::default();
        for end in (piece..stream.len()).step_by(piece) {
            prop_assert_eq!(parser.advance(&stream[..end], &Limits::REQUEST), Ok(None));
        }
        prop_assert_eq!(parser.advance(&stream, &Limits::REQUEST), Ok(Some(stream.len())));
        prop_assert_eq!(parser.args().views(&stream), args.iter().map(Vec::as_slice).collect::<Vec<_>>());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop_oneof![vec(any::<u8>(), 0..300), near_protocol()], piece in 1_usize..50) {
        let mut decoder = Decoder::new(Limits::REPLY);
        let mut buffer = BytesMut::new();
        'stream: for part in bytes.chunks(piece) {
            buffer.extend_from_slice(part);
            loop {
                match decoder.decode(&mut buffer) {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => break 'stream,
                }
            }
        }
        let (mut parser, mut rest) = (RequestParser::default(), &bytes[..]);
        while let Ok(Some(end)) = parser.advance(rest, &Limits::REQUEST) {
            parser.args().views(rest);
            prop_assert!(end > 0);
            rest = &rest[end..];
        }
    }
}

fn scan(text: &[u8]) -> Result<Option<usize>, Error> {
    Scanner::default().advance(
        text,
        &Limits {
            depth: 4,
            elements: 100,
            bulk_bytes: 1000,
            frame_bytes: 2000,
            inline_bytes: 50,
        },
    )
}

#[test]
fn limits_of_replies() {
    assert_eq!(scan(b"*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"), Ok(Some(20)));
    assert_eq!(scan(b"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"), Err(Error::TooDeep));
    assert_eq!(scan(b"*101\r\n"), Err(Error::TooManyElements));
    assert_eq!(scan(b"*60\r\n*60\r\n"), Err(Error::TooManyElements));
    assert_eq!(scan(b"%51\r\n"), Err(Error::TooManyElements));
    assert_eq!(scan(b"$1001\r\n"), Err(Error::InvalidBulkLength));
    assert_eq!(scan(b"$-2\r\n"), Err(Error::InvalidBulkLength));
    assert_eq!(scan(b"*-2\r\n"), Err(Error::InvalidMultibulkLength));
    assert_eq!(
        scan(b"*9223372036854775807\r\n"),
        Err(Error::TooManyElements)
    );
    assert_eq!(
        scan(b"%9223372036854775807\r\n"),
        Err(Error::TooManyElements)
    );
    assert_eq!(
        scan(&[&b"+"[..], &[b'x'; 60]].concat()),
        Err(Error::InlineTooLong)
    );
    assert_eq!(scan(&[b'$'; 60]), Err(Error::BulkLineTooLong));
    assert_eq!(scan(b"hello"), Err(Error::UnknownType(b'h')));
    assert_eq!(scan(b"$3\r\nabcd\r\n"), Err(Error::ExpectedLineEnd));
    let two_bulks = [
        &b"*2\r\n$900\r\n"[..],
        &[b'x'; 900],
        b"\r\n$1000\r\n",
        &[b'x'; 1000],
        b"\r\n",
    ]
    .concat();
    assert_eq!(scan(&two_bulks), Ok(Some(two_bulks.len())));
    let three = [&b"*3\r\n"[..], &two_bulks[4..], b"$900\r\n"].concat();
    assert_eq!(scan(&three), Err(Error::FrameTooLarge));
}

#[test]
fn a_run_of_attributes_is_bounded_and_does_not_recurse() {
    let limits = Limits {
        elements: 1_000_000,
        ..Limits::REPLY
    };
    let mut bytes = b"|0\r\n".repeat(900_000);
    bytes.extend_from_slice(b":7\r\n");
    let mut buffer = BytesMut::from(&bytes[..]);
    assert_eq!(decode(&mut buffer, &limits), Ok(Some(Value::Integer(7))));
    let mut buffer = BytesMut::from(&b"|0\r\n".repeat(1_100_000)[..]);
    assert_eq!(decode(&mut buffer, &limits), Err(Error::TooManyElements));
}

fn request(text: &[u8], restricted: bool) -> Result<Option<usize>, Error> {
    let mut parser = RequestParser::default();
    parser.restrict(restricted);
    parser.advance(text, &Limits::REQUEST)
}

#[test]
fn errors_of_requests_read_like_those_of_redis() {
    let cases: &[(&[u8], &str)] = &[
        (b"*abc\r\n", "invalid multibulk length"),
        (b"*1025\r\n", "invalid multibulk length"),
        (b"*1\r\n$-1\r\n", "invalid bulk length"),
        (b"*1\r\n$x\r\n", "invalid bulk length"),
        (b"*1\r\n$131073\r\n", "invalid bulk length"),
        (b"*1\r\n:1\r\n", "expected '$', got ':'"),
        (b"GET \"x\r\n", "unbalanced quotes in request"),
        (&b"x".repeat(65 * 1024), "too big inline request"),
        (&[b'*'; 65], "too big mbulk count string"),
        (
            &[&b"*1\r\n"[..], &[b'$'; 65]].concat(),
            "too big bulk count string",
        ),
    ];
    for (bytes, text) in cases {
        let error = request(bytes, false).expect_err(text);
        assert_eq!(error.to_string(), format!("Protocol error: {text}"));
    }
    assert_eq!(
        request(b"*11\r\n", true),
        Err(Error::UnauthenticatedMultibulk)
    );
    assert_eq!(request(b"*11\r\n", false), Ok(None));
    assert_eq!(
        request(b"*1\r\n$16385\r\n", true),
        Err(Error::UnauthenticatedBulk)
    );
}

#[test]
fn empty_requests_are_complete_and_empty() {
    for text in [&b"*0\r\n"[..], b"*-1\r\n", b"\r\n", b"\n", b"   \r\n"] {
        let mut parser = RequestParser::default();
        assert_eq!(
            parser.advance(text, &Limits::REQUEST),
            Ok(Some(text.len())),
            "{text:?}"
        );
        assert!(parser.args().is_empty(), "{text:?}");
    }
}

#[test]
fn pipelined_requests_come_one_by_one() {
    let stream = b"*1\r\n$4\r\nPING\r\nPING  x\r\n*2\r\n$4\r\nECHO\r\n$0\r\n\r\n";
    let (mut parser, mut rest, mut seen) = (RequestParser::default(), &stream[..], Vec::new());
    while let Some(end) = parser.advance(rest, &Limits::REQUEST).unwrap() {
        seen.push(
            parser
                .args()
                .views(rest)
                .iter()
                .map(|a| a.to_vec())
                .collect::<Vec<_>>(),
        );
        rest = &rest[end..];
    }
    let words = |w: &[&str]| w.iter().map(|w| w.as_bytes().to_vec()).collect::<Vec<_>>();
    assert_eq!(
        seen,
        [
            words(&["PING"]),
            words(&["PING", "x"]),
            words(&["ECHO", ""])
        ]
    );
}

#[test]
fn texts_cannot_forge_a_reply() {
    let mut out = Vec::new();
    Encoder::new(&mut out, Proto::Resp2).error("ERR no\r\n+OK");
    assert_eq!(out, b"-ERR no  +OK\r\n");
}

#[test]
fn forms_of_the_two_versions() {
    let both = |write: fn(&mut Encoder<'_, Vec<u8>>)| {
        [Proto::Resp2, Proto::Resp3].map(|proto| {
            let mut out = Vec::new();
            write(&mut Encoder::new(&mut out, proto));
            String::from_utf8(out).unwrap()
        })
    };
    assert_eq!(both(|e| e.null()), ["$-1\r\n", "_\r\n"]);
    assert_eq!(both(|e| e.null_array()), ["*-1\r\n", "_\r\n"]);
    assert_eq!(both(|e| e.map(2)), ["*4\r\n", "%2\r\n"]);
    assert_eq!(both(|e| e.push(3)), ["*3\r\n", ">3\r\n"]);
    assert_eq!(both(|e| e.set(1)), ["*1\r\n", "~1\r\n"]);
    assert_eq!(both(|e| e.boolean(true)), [":1\r\n", "#t\r\n"]);
    assert_eq!(both(|e| e.double(1.5)), ["$3\r\n1.5\r\n", ",1.5\r\n"]);
    assert_eq!(
        both(|e| e.verbatim(*b"txt", b"hi")),
        ["$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n"]
    );
    assert_eq!(
        both(|e| e.big_number(b"123")),
        ["$3\r\n123\r\n", "(123\r\n"]
    );
}
