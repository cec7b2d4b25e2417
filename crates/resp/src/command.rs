//! Commands for a server.

use bytes::BufMut;

use crate::number::with_digits;

/// Appends the command `args` as an array of bulk strings. An empty command appends nothing (a server would ignore it).
pub fn encode_command<A: AsRef<[u8]>>(args: &[A], out: &mut impl BufMut) {
    if args.is_empty() {
        return;
    }
    put_header(out, b'*', args.len() as i64);
    for arg in args {
        put_bulk(out, arg.as_ref());
    }
}

/// `<type><number>\r\n`.
pub(crate) fn put_header(out: &mut impl BufMut, kind: u8, number: i64) {
    out.put_u8(kind);
    with_digits(number, |digits| out.put_slice(digits));
    out.put_slice(b"\r\n");
}

/// `$<length>\r\n<text>\r\n`.
pub(crate) fn put_bulk(out: &mut impl BufMut, text: &[u8]) {
    put_header(out, b'$', text.len() as i64);
    out.put_slice(text);
    out.put_slice(b"\r\n");
}
