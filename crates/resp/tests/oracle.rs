//! The same bytes through an independent codec must mean the same.
#![allow(clippy::unwrap_used, missing_docs)]

use bytes::{Bytes, BytesMut};
use holdfast_resp::{Encoder, Limits, Proto, Value, decode};
use proptest::collection::vec;
use proptest::prelude::*;
use redis_protocol::resp2::types::OwnedFrame as Frame2;
use redis_protocol::resp3::types::OwnedFrame as Frame3;

/// What the oracle's RESP2 frame means for us. Its null stands for both of ours.
fn from_frame2(frame: Frame2) -> Value {
    match frame {
        Frame2::SimpleString(text) => Value::Simple(text.into()),
        Frame2::Error(text) => Value::Error(text.into()),
        Frame2::Integer(number) => Value::Integer(number),
        Frame2::BulkString(text) => Value::bulk(text),
        Frame2::Array(items) => Value::Array(Some(items.into_iter().map(from_frame2).collect())),
        Frame2::Null => Value::Null,
    }
}

fn from_frame3(frame: Frame3) -> Value {
    let all = |items: Vec<Frame3>| items.into_iter().map(from_frame3).collect();
    match frame {
        Frame3::SimpleString { data, .. } => Value::Simple(data.into()),
        Frame3::SimpleError { data, .. } => Value::Error(data.into()),
        Frame3::BlobError { data, .. } => Value::Error(data.into()),
        Frame3::BlobString { data, .. } => Value::bulk(data),
        Frame3::Number { data, .. } => Value::Integer(data),
        Frame3::Double { data, .. } => Value::Double(data),
        Frame3::Boolean { data, .. } => Value::Boolean(data),
        Frame3::BigNumber { data, .. } => Value::BigNumber(data.into()),
        Frame3::VerbatimString { data, .. } => Value::Verbatim {
            format: *b"txt",
            text: data.into(),
        },
        Frame3::Array { data, .. } => Value::Array(Some(all(data))),
        Frame3::Push { data, .. } => Value::Push(all(data)),
        Frame3::Set { data, .. } => Value::Set(sorted(all(data.into_iter().collect()))),
        Frame3::Map { data, .. } => Value::Map(
            data.into_iter()
                .map(|(k, v)| (from_frame3(k), from_frame3(v)))
                .collect(),
        ),
        Frame3::Null => Value::Null,
        other => panic!("not made by the generator: {other:?}"),
    }
}

fn sorted(mut items: Vec<Value>) -> Vec<Value> {
    items.sort_by_key(|item| format!("{item:?}"));
    items
}

fn one_null(value: Value) -> Value {
    match value {
        Value::Bulk(None) | Value::Array(None) => Value::Null,
        Value::Array(Some(items)) => Value::Array(Some(items.into_iter().map(one_null).collect())),
        other => other,
    }
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[ -~]{0,20}".prop_map(|t| Value::Simple(Bytes::from(t))),
        "ERR [ -~]{0,20}".prop_map(|t| Value::Error(Bytes::from(t))),
        any::<i64>().prop_map(Value::Integer),
        vec(any::<u8>(), 0..40).prop_map(Value::bulk),
    ]
}

fn resp2() -> impl Strategy<Value = Value> {
    prop_oneof![8 => scalar(), 1 => Just(Value::Bulk(None)), 1 => Just(Value::Array(None))]
        .prop_recursive(3, 30, 5, |inner| {
            vec(inner, 0..5).prop_map(|i| Value::Array(Some(i)))
        })
}

fn resp3() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => scalar(),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Boolean),
        1 => (-1e15..1e15).prop_map(Value::Double),
        1 => "[ -~]{0,20}".prop_map(|t| Value::Verbatim { format: *b"txt", text: Bytes::from(t) }),
    ];
    leaf.prop_recursive(3, 30, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(|i| Value::Array(Some(i))),
            (any::<i64>(), inner).prop_map(|(k, v)| Value::Map(vec![(Value::Integer(k), v)])),
            prop::collection::btree_set(any::<i64>(), 0..5)
                .prop_map(|s| Value::Set(sorted(s.into_iter().map(Value::Integer).collect()))),
        ]
    })
}

fn encoded(proto: Proto, value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    Encoder::new(&mut out, proto).value(value);
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn resp2_means_the_same_to_the_oracle(value in resp2()) {
        let bytes = encoded(Proto::Resp2, &value);
        let (frame, used) = redis_protocol::resp2::decode::decode(&bytes).unwrap().unwrap();
        prop_assert_eq!(used, bytes.len());
        prop_assert_eq!(from_frame2(frame), one_null(value));
    }

    #[test]
    fn resp3_means_the_same_to_the_oracle(value in resp3()) {
        let bytes = encoded(Proto::Resp3, &value);
        let (frame, used) = redis_protocol::resp3::decode::complete::decode(&bytes).unwrap().unwrap();
        prop_assert_eq!(used, bytes.len());
        prop_assert_eq!(from_frame3(frame), value);
    }

    /// Bytes near the format: whenever both codecs accept them, they agree on value and end.
    #[test]
    fn accepted_bytes_mean_the_same(pieces in vec("[*$+:-]-?[0-9]{1,2}\r\n|[a-c]{0,3}\r\n", 1..8)) {
        let bytes = pieces.concat().into_bytes();
        let mut buffer = BytesMut::from(&bytes[..]);
        let ours = decode(&mut buffer, &Limits::REPLY);
        if let (Ok(Some(value)), Ok(Some((frame, used)))) = (ours, redis_protocol::resp2::decode::decode(&bytes)) {
            prop_assert_eq!(one_null(value), from_frame2(frame));
            prop_assert_eq!(bytes.len() - buffer.len(), used);
        }
    }
}
