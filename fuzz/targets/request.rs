//! Requests of clients: however they are cut they are the same, what is encoded is read back, and the limits hold.
#![no_main]

use arbitrary::Arbitrary;
use bytes::BytesMut;
use holdfast_fuzz::pieces;
use holdfast_resp::{Error, Limits, RequestParser, encode_command};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    restricted: bool,
    bytes: &'a [u8],
    cuts: &'a [u8],
    words: Vec<&'a [u8]>,
}

type Requests = (Vec<Vec<Vec<u8>>>, Option<Error>);

/// Everything that is understood of bytes that come in these pieces.
fn parse(pieces: &[&[u8]], restricted: bool) -> Requests {
    let mut parser = RequestParser::default();
    parser.restrict(restricted);
    let (mut buffer, mut requests) = (BytesMut::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match parser.advance(&buffer, &Limits::REQUEST) {
                Ok(Some(end)) => {
                    let args = parser.args();
                    assert!(args.len() <= Limits::REQUEST.elements);
                    requests.push(args.views(&buffer).iter().map(|arg| arg.to_vec()).collect());
                    let _ = buffer.split_to(end);
                }
                Ok(None) => break,
                Err(error) => return (requests, Some(error)),
            }
        }
        assert!(buffer.len() <= Limits::REQUEST.frame_bytes + piece.len());
        assert!(parser.heap_bytes() <= 2 * 8 * Limits::REQUEST.elements);
    }
    (requests, None)
}

fuzz_target!(|input: Input| {
    let whole = parse(&[input.bytes], input.restricted);
    let cut = parse(&pieces(input.bytes, input.cuts), input.restricted);
    assert_eq!(whole, cut, "cut differently, understood differently");
    let mut said = BytesMut::new();
    encode_command(&input.words, &mut said);
    let small = input.words.iter().all(|word| word.len() < 100_000);
    if !input.words.is_empty() && small && said.len() < 200_000 && input.words.len() <= 1024 {
        let words: Vec<Vec<u8>> = input.words.iter().map(|word| word.to_vec()).collect();
        assert_eq!(
            parse(&pieces(&said, input.cuts), false),
            (vec![words], None)
        );
    }
});
