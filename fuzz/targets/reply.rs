//! Replies of servers: however they are cut they are the same, scanner and decoder agree, and what is decoded is encoded so that
//! it decodes to the same.
#![no_main]

use arbitrary::Arbitrary;
use bytes::BytesMut;
use holdfast_fuzz::pieces;
use holdfast_resp::{Decoder, Encoder, Error, Limits, Proto, Scanner, Value, decode};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    bytes: &'a [u8],
    cuts: &'a [u8],
}

/// Small enough that the bounds are reached.
const LIMITS: Limits = Limits {
    frame_bytes: 4096,
    bulk_bytes: 1024,
    elements: 256,
    depth: 8,
    inline_bytes: 512,
};

fn decode_all(pieces: &[&[u8]]) -> (Vec<Value>, Option<Error>) {
    let (mut decoder, mut buffer, mut values) = (Decoder::new(LIMITS), BytesMut::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut buffer) {
                Ok(Some(value)) => values.push(value),
                Ok(None) => break,
                Err(error) => return (values, Some(error)),
            }
        }
        assert!(buffer.len() <= LIMITS.frame_bytes + piece.len());
    }
    (values, None)
}

fuzz_target!(|input: Input| {
    let whole = decode_all(&[input.bytes]);
    let cut = decode_all(&pieces(input.bytes, input.cuts));
    assert_eq!(format!("{whole:?}"), format!("{cut:?}"));
    if let Ok(Some(end)) = Scanner::default().advance(input.bytes, &LIMITS) {
        let mut buffer = BytesMut::from(input.bytes);
        let value = decode(&mut buffer, &LIMITS);
        assert!(value.is_err() || buffer.len() == input.bytes.len() - end);
    }
    for value in &whole.0 {
        let mut again = BytesMut::new();
        Encoder::new(&mut again, Proto::Resp3).value(value);
        let back = decode(&mut again, &Limits::REPLY).expect("what we encode is well-formed");
        let back = back.expect("and whole");
        assert!(again.is_empty(), "more than one frame: {value:?}");
        assert_eq!(shape(&back), shape(value));
    }
});

/// A null is a null, whichever of RESP2's it was; a line end inside a line is sent as a blank.
fn shape(value: &Value) -> String {
    let text = format!("{value:?}");
    let text = text
        .replace("Bulk(None)", "Null")
        .replace("Array(None)", "Null");
    text.replace("\\r", " ").replace("\\n", " ")
}
